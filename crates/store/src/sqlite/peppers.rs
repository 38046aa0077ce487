//! The peppers with which secrets were hashed.

use async_trait::async_trait;
use model::key::{KeyId, SecretDigest};
use model::{Timestamp, WebhookId};
use rusqlite::{Connection, OptionalExtension, params};

use super::Sqlite;
use super::fault::Fault;
use super::tenants;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::peppers::{Adopted, PepperRecords};
use ledger::contract::webhooks::SealedSecret;
use ledger::peppers::judge;

#[async_trait]
impl PepperRecords for Sqlite {
    async fn adopt_pepper(
        &self,
        verifier: SecretDigest,
        previous: Option<SecretDigest>,
        now: Timestamp,
    ) -> Result<Adopted, StoreError> {
        self.writer.write(move |group| adopt(&group.connection, verifier, previous, now)).await
    }

    async fn rehash_key(
        &self,
        id: &KeyId,
        from: SecretDigest,
        to: SecretDigest,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let id = id.clone();
        self.writer.write(move |group: &mut Group| Ok(tenants::rehash_key(group, &id, from, to, now)?)).await
    }

    async fn keys_of_other_peppers(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.readers.read(move |connection| of_others(connection, now)).await
    }

    async fn reseal_webhook_secret(
        &self,
        id: WebhookId,
        from: SealedSecret,
        to: SealedSecret,
    ) -> Result<bool, StoreError> {
        let write = move |group: &mut Group| {
            let changed = group.connection.prepare_cached(RESEAL)?.execute(params![id.to_bytes(), from.0, to.0])?;
            Ok(changed > 0)
        };
        self.writer.write(write).await
    }
}

fn adopt(
    connection: &Connection,
    verifier: SecretDigest,
    previous: Option<SecretDigest>,
    now: Timestamp,
) -> Result<Adopted, Fault> {
    let adopted = judge(current(connection)?, has_keys(connection)?, verifier, previous).map_err(Fault::Told)?;
    if adopted != Adopted::Known {
        connection.execute("UPDATE peppers SET is_current = 0 WHERE is_current", [])?;
        connection.execute(ADOPT, params![verifier.to_bytes(), now.as_millis()])?;
    }
    Ok(adopted)
}

/// The verifier of the current pepper.
pub(super) fn current(connection: &Connection) -> rusqlite::Result<Option<SecretDigest>> {
    let sql = "SELECT verifier FROM peppers WHERE is_current";
    connection.query_row(sql, [], |row| row.get(0).map(SecretDigest::from_bytes)).optional()
}

pub(super) fn has_keys(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT EXISTS (SELECT 1 FROM keys)", [], |row| row.get(0))
}

/// The number of usable keys with a digest of another pepper.
pub(super) fn of_others(connection: &Connection, now: Timestamp) -> rusqlite::Result<u64> {
    let sql = "SELECT count(*) FROM keys WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?1) \
        AND pepper <> (SELECT number FROM peppers WHERE is_current)";
    connection.query_row(sql, [now.as_millis()], |row| row.get(0))
}

const ADOPT: &str = "INSERT INTO peppers (number, verifier, since, is_current) \
    VALUES ((SELECT coalesce(max(number) + 1, 0) FROM peppers), ?1, ?2, 1) \
    ON CONFLICT (verifier) DO UPDATE SET is_current = 1, since = excluded.since";
const RESEAL: &str = "UPDATE webhook_secrets SET sealed = ?3 WHERE sealed = ?2 \
    AND webhook = (SELECT webhook FROM webhook_endpoints WHERE id = ?1)";
