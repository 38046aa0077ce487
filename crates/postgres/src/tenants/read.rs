//! Rows of tenants to values.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use model::account::{Account, AccountState, Limits, TextRetention};
use model::key::{ApiKey, KeyId, SecretDigest};
use model::number::{Block, BlockKind, Number, NumberState};
use model::{AccountId, Originator, Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;
use super::templates;
use ledger::contract::tenants::{KeywordsOf, TenantData};

const ACCOUNTS: &str = "SELECT id, name, state, message_per_minute, broadcast_per_minute, read_per_minute, \
    daily_quota, created_at, screening, retention FROM accounts";
const KEYS: &str = "SELECT id, account_id, test, digest, created_at, expires_at, revoked_at, name FROM keys";
const USES: &str = "SELECT id, used_at FROM keys WHERE account_id = $1 AND used_at IS NOT NULL";
const NUMBERS: &str = "SELECT number, account_id, state, created_at, segments_per_second FROM numbers";
const KEYWORDS_OF_ACCOUNTS: &str = "SELECT id, keywords FROM accounts WHERE keywords IS NOT NULL";
const KEYWORDS_OF_NUMBERS: &str = "SELECT number, keywords FROM numbers WHERE keywords IS NOT NULL";
const FORMER_OWNERS: &str =
    "SELECT number, former_account FROM numbers WHERE former_account IS NOT NULL AND account_id IS NULL";
const BLOCKS: &str = "SELECT number, kind, account_id, reason, created_at FROM blocks";

/// Everything about tenants. The statements are sent together.
pub(super) async fn everything(unit: &Unit) -> Result<TenantData, Fault> {
    let (accounts, keys, numbers, blocks, of_accounts, of_numbers, former_owners, templates) = tokio::try_join!(
        biased;
        all(unit, ACCOUNTS, account),
        all(unit, KEYS, key),
        all(unit, NUMBERS, number),
        all(unit, BLOCKS, block),
        all(unit, KEYWORDS_OF_ACCOUNTS, keywords_of_account),
        all(unit, KEYWORDS_OF_NUMBERS, keywords_of_number),
        all(unit, FORMER_OWNERS, former_owner),
        all(unit, templates::ALL, templates::template),
    )?;
    let keywords = [of_accounts, of_numbers].concat();
    Ok(TenantData { accounts, keys, numbers, blocks, keywords, former_owners, templates })
}

async fn all<T>(unit: &Unit, sql: &str, read: fn(&Row) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
    unit.query(sql, &[]).await?.iter().map(read).collect()
}

/// An account, which nobody else changes before this transaction is over.
pub(super) async fn lock_account(unit: &Unit, id: AccountId) -> Result<Option<Account>, Fault> {
    let sql = format!("{ACCOUNTS} WHERE id = $1 FOR NO KEY UPDATE");
    unit.find(&sql, &[&rows::id(id.to_bytes())]).await?.as_ref().map(account).transpose()
}

/// Whether an account is known. If so, it stays until this transaction is over.
pub(super) async fn has_account(unit: &Unit, id: AccountId) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM accounts WHERE id = $1 FOR KEY SHARE";
    Ok(unit.find(sql, &[&rows::id(id.to_bytes())]).await?.is_some())
}

/// A key, which nobody else changes before this transaction is over.
pub(super) async fn lock_key(unit: &Unit, id: &KeyId) -> Result<Option<ApiKey>, Fault> {
    let sql = format!("{KEYS} WHERE id = $1 FOR NO KEY UPDATE");
    unit.find(&sql, &[&rows::kept(id.as_str())]).await?.as_ref().map(key).transpose()
}

/// When the keys of an account were used last.
pub(super) async fn key_uses(unit: &Unit, account: AccountId) -> Result<BTreeMap<KeyId, Timestamp>, Fault> {
    let used = |row: &Row| Ok((KeyId::from_text(rows::text(row, 0)?), rows::time(row, 1)?));
    unit.query(USES, &[&rows::id(account.to_bytes())]).await?.iter().map(used).collect()
}

/// A number, which nobody else changes before this transaction is over.
pub(super) async fn lock_number(unit: &Unit, name: Originator) -> Result<Option<Number>, Fault> {
    let sql = format!("{NUMBERS} WHERE number = $1 FOR NO KEY UPDATE");
    unit.find(&sql, &[&rows::address(name)]).await?.as_ref().map(number).transpose()
}

/// The columns of [`ACCOUNTS`].
fn account(row: &Row) -> Result<Account, Fault> {
    Ok(Account {
        id: AccountId::from_bytes(rows::octets(row, 0)?),
        name: rows::text(row, 1)?,
        state: rows::word(row, 2, AccountState::parse)?,
        limits: Limits {
            message_per_minute: rows::count(row, 3)?,
            broadcast_per_minute: rows::count(row, 4)?,
            read_per_minute: rows::count(row, 5)?,
            daily_quota: rows::count(row, 6)?,
        },
        created_at: rows::time(row, 7)?,
        screening: rows::text_if_any(row, 8)?.map(Arc::from),
        retention: rows::word_if_any(row, 9, TextRetention::parse)?,
    })
}

fn keywords_of_account(row: &Row) -> Result<(KeywordsOf, Arc<str>), Fault> {
    Ok((KeywordsOf::Account(AccountId::from_bytes(rows::octets(row, 0)?)), rows::text(row, 1)?.into()))
}

fn keywords_of_number(row: &Row) -> Result<(KeywordsOf, Arc<str>), Fault> {
    Ok((KeywordsOf::Number(rows::originator(row, 0)?), rows::text(row, 1)?.into()))
}

fn former_owner(row: &Row) -> Result<(Originator, AccountId), Fault> {
    Ok((rows::originator(row, 0)?, AccountId::from_bytes(rows::octets(row, 1)?)))
}

fn key(row: &Row) -> Result<ApiKey, Fault> {
    let digest: &[u8] = rows::get(row, 3)?;
    let digest = digest.try_into().map_err(|_| Fault::Broken("the digest of a key has not 32 octets".to_owned()))?;
    Ok(ApiKey {
        id: KeyId::from_text(rows::text(row, 0)?),
        account: AccountId::from_bytes(rows::octets(row, 1)?),
        mode: rows::mode(row, 2)?,
        name: rows::text_if_any(row, 7)?,
        digest: SecretDigest::from_bytes(digest),
        created_at: rows::time(row, 4)?,
        expires_at: rows::time_if_any(row, 5)?,
        revoked_at: rows::time_if_any(row, 6)?,
    })
}

fn number(row: &Row) -> Result<Number, Fault> {
    let pace: Option<i64> = rows::get(row, 4)?;
    Ok(Number {
        number: rows::originator(row, 0)?,
        account: rows::octets_if_any(row, 1)?.map(AccountId::from_bytes),
        state: rows::word(row, 2, NumberState::parse)?,
        created_at: rows::time(row, 3)?,
        segments_per_second: pace.and_then(|pace| NonZeroU32::new(u32::try_from(pace).ok()?)),
    })
}

fn block(row: &Row) -> Result<Block, Fault> {
    let account: Uuid = rows::get(row, 2)?;
    Ok(Block {
        number: rows::originator(row, 0)?,
        kind: rows::word(row, 1, BlockKind::parse)?,
        account: (account != rows::NO_ACCOUNT).then(|| AccountId::from_bytes(account.into_bytes())),
        reason: rows::text_if_any(row, 3)?,
        created_at: rows::time(row, 4)?,
    })
}
