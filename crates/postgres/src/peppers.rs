//! With which pepper secrets were hashed. Nodes that start at once wait for each other.

use async_trait::async_trait;
use model::key::{KeyId, SecretDigest};
use model::{Timestamp, WebhookId};

use super::fault::Fault;
use super::nodes::take_latch;
use super::unit::Unit;
use super::{Postgres, rows, tenants};
use ledger::StoreError;
use ledger::contract::peppers::{Adopted, PepperRecords};
use ledger::contract::webhooks::SealedSecret;
use ledger::peppers::judge;

#[async_trait]
impl PepperRecords for Postgres {
    async fn adopt_pepper(
        &self,
        verifier: SecretDigest,
        previous: Option<SecretDigest>,
        now: Timestamp,
    ) -> Result<Adopted, StoreError> {
        self.core
            .write((verifier, previous, now), |unit, (verifier, previous, now)| {
                Box::pin(adopt(unit, *verifier, *previous, *now))
            })
            .await
    }

    async fn rehash_key(
        &self,
        id: &KeyId,
        from: SecretDigest,
        to: SecretDigest,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.core
            .write((id.clone(), from, to, now), |unit, (id, from, to, now)| {
                Box::pin(tenants::rehash_key(unit, id, *from, *to, *now))
            })
            .await
    }

    async fn keys_of_other_peppers(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.core.read(now, |unit, now| Box::pin(of_others(unit, *now))).await
    }

    async fn reseal_webhook_secret(
        &self,
        id: WebhookId,
        from: SealedSecret,
        to: SealedSecret,
    ) -> Result<bool, StoreError> {
        self.core
            .write((id, from, to), |unit, (id, from, to)| {
                Box::pin(
                    async move { Ok(unit.execute(RESEAL, &[&rows::id(id.to_bytes()), &from.0, &to.0]).await? > 0) },
                )
            })
            .await
    }
}

async fn adopt(
    unit: &Unit,
    verifier: SecretDigest,
    previous: Option<SecretDigest>,
    now: Timestamp,
) -> Result<Adopted, Fault> {
    take_latch(unit).await?;
    let adopted = judge(current(unit).await?, has_keys(unit).await?, verifier, previous).map_err(Fault::Told)?;
    if adopted != Adopted::Known {
        unit.execute("UPDATE peppers SET is_current = false WHERE is_current", &[]).await?;
        unit.execute(ADOPT, &[&verifier.to_bytes().as_slice(), &now.as_millis()]).await?;
    }
    Ok(adopted)
}

/// The verifier of the current pepper.
pub(super) async fn current(unit: &Unit) -> Result<Option<SecretDigest>, Fault> {
    let row = unit.find("SELECT verifier FROM peppers WHERE is_current", &[]).await?;
    let octets: Option<Vec<u8>> = row.map(|row| rows::get(&row, 0)).transpose()?;
    let broken = |_| Fault::Broken("the verifier of a pepper has not 32 octets".to_owned());
    octets.map(|octets| octets.try_into().map(SecretDigest::from_bytes).map_err(broken)).transpose()
}

pub(super) async fn has_keys(unit: &Unit) -> Result<bool, Fault> {
    rows::get(&unit.one("SELECT EXISTS (SELECT 1 FROM keys)", &[]).await?, 0)
}

/// The number of usable keys with a digest of another pepper.
pub(super) async fn of_others(unit: &Unit, now: Timestamp) -> Result<u64, Fault> {
    let sql = "SELECT count(*) FROM keys WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1) \
        AND pepper <> (SELECT number FROM peppers WHERE is_current)";
    rows::count(&unit.one(sql, &[&now.as_millis()]).await?, 0)
}

const ADOPT: &str = "INSERT INTO peppers (number, verifier, since, is_current) \
    VALUES ((SELECT coalesce(max(number) + 1, 0) FROM peppers), $1, $2, true) \
    ON CONFLICT (verifier) DO UPDATE SET is_current = true, since = excluded.since";
const RESEAL: &str = "UPDATE webhook_secrets SET sealed = $3 WHERE sealed = $2 \
    AND webhook = (SELECT webhook FROM webhook_endpoints WHERE id = $1)";
