//! Tenants to rows. Each function returns how many rows it wrote; who calls it notes the change.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

use model::account::Account;
use model::key::{ApiKey, KeyId, SecretDigest};
use model::number::{Block, BlockKind, Number};
use model::{AccountId, Originator, Timestamp};
use uuid::Uuid;

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;
use ledger::contract::tenants::KeywordsOf;
use ledger::tenancy;

const INSERT_ACCOUNT: &str = "INSERT INTO accounts (id, name, state, message_per_minute, broadcast_per_minute, \
    read_per_minute, daily_quota, screening, retention, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
    ON CONFLICT DO NOTHING";
const UPDATE_ACCOUNT: &str = "UPDATE accounts SET state = $2, message_per_minute = $3, broadcast_per_minute = $4, \
    read_per_minute = $5, daily_quota = $6, screening = $7, retention = $8 WHERE id = $1";

pub(super) async fn insert_account(unit: &Unit, account: &Account) -> Result<u64, Fault> {
    let limits = &account.limits;
    unit.execute(
        INSERT_ACCOUNT,
        &[
            &rows::id(account.id.to_bytes()),
            &rows::kept(&account.name),
            &account.state.as_str(),
            &i64::from(limits.message_per_minute),
            &i64::from(limits.broadcast_per_minute),
            &i64::from(limits.read_per_minute),
            &i64::try_from(limits.daily_quota).unwrap_or(i64::MAX),
            &account.screening.as_deref().map(rows::kept),
            &account.retention.map(|rule| rule.to_string()),
            &account.created_at.as_millis(),
        ],
    )
    .await
}

pub(super) async fn update_account(unit: &Unit, account: &Account) -> Result<u64, Fault> {
    let limits = &account.limits;
    unit.execute(
        UPDATE_ACCOUNT,
        &[
            &rows::id(account.id.to_bytes()),
            &account.state.as_str(),
            &i64::from(limits.message_per_minute),
            &i64::from(limits.broadcast_per_minute),
            &i64::from(limits.read_per_minute),
            &i64::try_from(limits.daily_quota).unwrap_or(i64::MAX),
            &account.screening.as_deref().map(rows::kept),
            &account.retention.map(|rule| rule.to_string()),
        ],
    )
    .await
}

pub(super) async fn set_keywords(unit: &Unit, of: KeywordsOf, settings: &str) -> Result<u64, Fault> {
    let settings = rows::kept(settings);
    match of {
        KeywordsOf::Account(account) => {
            let sql = "UPDATE accounts SET keywords = $2 WHERE id = $1";
            unit.execute(sql, &[&rows::id(account.to_bytes()), &settings]).await
        }
        KeywordsOf::Number(number) => {
            let sql = "UPDATE numbers SET keywords = $2 WHERE number = $1";
            unit.execute(sql, &[&rows::address(number), &settings]).await
        }
    }
}

pub(super) async fn insert_key(unit: &Unit, key: &ApiKey) -> Result<u64, Fault> {
    let sql = "INSERT INTO keys (id, account_id, test, digest, created_at, expires_at, revoked_at, name, pepper) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, coalesce((SELECT number FROM peppers WHERE is_current), 0)) \
        ON CONFLICT DO NOTHING";
    unit.execute(
        sql,
        &[
            &rows::kept(key.id.as_str()),
            &rows::id(key.account.to_bytes()),
            &rows::is_test(key.mode),
            &key.digest.to_bytes().as_slice(),
            &key.created_at.as_millis(),
            &rows::millis(key.expires_at),
            &rows::millis(key.revoked_at),
            &key.name.as_deref().map(rows::kept),
        ],
    )
    .await
}

pub(super) async fn revoke_key(unit: &Unit, id: &KeyId, at: Timestamp) -> Result<u64, Fault> {
    unit.execute("UPDATE keys SET revoked_at = $2 WHERE id = $1", &[&rows::kept(id.as_str()), &at.as_millis()]).await
}

/// Notes when keys were used last. The keys are locked in the order of their ids, so that nodes that note the same ones
/// at once wait for each other and no longer.
pub(super) async fn note_key_uses(unit: &Unit, uses: &BTreeMap<KeyId, Timestamp>) -> Result<u64, Fault> {
    let sql = "UPDATE keys SET used_at = greatest(keys.used_at, used.at) FROM ( \
        SELECT keys.id, n.at FROM keys JOIN unnest($1::text[], $2::bigint[]) AS n(id, at) ON keys.id = n.id \
        ORDER BY keys.id FOR NO KEY UPDATE OF keys) AS used WHERE keys.id = used.id";
    let ids: Vec<Cow<'_, str>> = uses.keys().map(|id| rows::kept(id.as_str())).collect();
    let moments: Vec<i64> = uses.values().map(|at| at.as_millis()).collect();
    unit.execute(sql, &[&ids, &moments]).await
}

/// Writes the digest of a key that was made with the current pepper.
pub(super) async fn update_digest(unit: &Unit, id: &KeyId, digest: SecretDigest) -> Result<u64, Fault> {
    let sql = "UPDATE keys SET digest = $2, pepper = (SELECT number FROM peppers WHERE is_current) WHERE id = $1";
    unit.execute(sql, &[&rows::kept(id.as_str()), &digest.to_bytes().as_slice()]).await
}

/// Writes nothing for a known number, nor for a name that differs from a known one in case alone.
pub(super) async fn insert_number(unit: &Unit, number: &Number) -> Result<u64, Fault> {
    let sql = "INSERT INTO numbers (number, folded, account_id, state, segments_per_second, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    unit.execute(
        sql,
        &[
            &rows::address(number.number),
            &tenancy::folded(number.number),
            &number.account.map(|account| rows::id(account.to_bytes())),
            &number.state.as_str(),
            &number.segments_per_second.map(pace),
            &number.created_at.as_millis(),
        ],
    )
    .await
}

/// What a number sets about keywords ends with its account, whose words they were.
pub(super) async fn update_number(unit: &Unit, number: &Number) -> Result<u64, Fault> {
    let sql = "UPDATE numbers SET former_account = coalesce(account_id, former_account), \
        keywords = CASE WHEN account_id IS NOT DISTINCT FROM $2 THEN keywords END, account_id = $2, state = $3, \
        segments_per_second = $4 WHERE number = $1";
    unit.execute(
        sql,
        &[
            &rows::address(number.number),
            &number.account.map(|account| rows::id(account.to_bytes())),
            &number.state.as_str(),
            &number.segments_per_second.map(pace),
        ],
    )
    .await
}

fn pace(segments_per_second: NonZeroU32) -> i64 {
    i64::from(segments_per_second.get())
}

pub(super) async fn put_block(unit: &Unit, block: &Block) -> Result<u64, Fault> {
    let sql = "INSERT INTO blocks (number, kind, account_id, reason, created_at) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (number, kind, account_id) DO UPDATE SET reason = excluded.reason, created_at = \
        excluded.created_at";
    unit.execute(
        sql,
        &[
            &rows::address(block.number),
            &block.kind.as_str(),
            &block_account(block.account),
            &block.reason.as_deref().map(rows::kept),
            &block.created_at.as_millis(),
        ],
    )
    .await
}

pub(super) async fn delete_block(
    unit: &Unit,
    number: Originator,
    kind: BlockKind,
    account: Option<AccountId>,
) -> Result<u64, Fault> {
    let sql = "DELETE FROM blocks WHERE number = $1 AND kind = $2 AND account_id = $3";
    unit.execute(sql, &[&rows::address(number), &kind.as_str(), &block_account(account)]).await
}

/// Whose block it is, as it is written.
fn block_account(account: Option<AccountId>) -> Uuid {
    account.map_or(rows::NO_ACCOUNT, |id| rows::id(id.to_bytes()))
}
