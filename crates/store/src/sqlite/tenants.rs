//! The hosts that may send.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use model::account::{Account, AccountState, Limits, TextRetention};
use model::key::{ApiKey, KeyId, Mode, SecretDigest};
use model::number::{Block, BlockKind, Number, NumberState};
use model::{AccountId, Originator, ScreeningTemplate, TemplateId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::fault::Fault;
use super::rows;
use super::templates;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::changes::Resource;
use ledger::contract::tenants::{AccountChange, Approved, KeywordsOf, NumberChange, TenantData, Tenants};
use ledger::tenancy;

const ACCOUNTS: &str = "SELECT id, name, state, message_per_minute, broadcast_per_minute, read_per_minute, \
    daily_quota, created_at, screening, retention FROM accounts";
const KEYS: &str = "SELECT id, account_id, mode, digest, created_at, expires_at, revoked_at, name FROM keys";
const USES: &str = "SELECT id, used_at FROM keys WHERE account_id = ?1 AND used_at IS NOT NULL";
const USED: &str = "UPDATE keys SET used_at = max(coalesce(used_at, ?2), ?2) WHERE id = ?1";
const NUMBERS: &str = "SELECT number, account_id, state, created_at, segments_per_second FROM numbers";
const KEYWORDS_OF_ACCOUNTS: &str = "SELECT id, keywords FROM accounts WHERE keywords IS NOT NULL";
const KEYWORDS_OF_NUMBERS: &str = "SELECT number, keywords FROM numbers WHERE keywords IS NOT NULL";
const FORMER_OWNERS: &str =
    "SELECT number, former_account FROM numbers WHERE former_account IS NOT NULL AND account_id IS NULL";
const BLOCKS: &str = "SELECT number, kind, account_id, reason, created_at FROM blocks";

#[async_trait]
impl Tenants for Sqlite {
    async fn tenants(&self) -> Result<TenantData, StoreError> {
        let read = |connection: &Connection| {
            Ok(TenantData {
                accounts: all(connection, ACCOUNTS, account)?,
                keys: all(connection, KEYS, key)?,
                numbers: all(connection, NUMBERS, number)?,
                blocks: all(connection, BLOCKS, block)?,
                keywords: [
                    all(connection, KEYWORDS_OF_ACCOUNTS, keywords_of_account)?,
                    all(connection, KEYWORDS_OF_NUMBERS, keywords_of_number)?,
                ]
                .concat(),
                former_owners: all(connection, FORMER_OWNERS, former_owner)?,
                templates: templates::all(connection)?,
            })
        };
        self.readers.read(read).await
    }

    async fn create_account(&self, account: Account) -> Result<(), StoreError> {
        let write = move |group: &mut Group| {
            if find_account(&group.connection, account.id)?.is_some() {
                return Err(Fault::Told(StoreError::AlreadyExists));
            }
            save(group, account.created_at, Resource::Account(account))?;
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn change_account(
        &self,
        id: AccountId,
        change: AccountChange,
        now: Timestamp,
    ) -> Result<Account, StoreError> {
        let write = move |group: &mut Group| {
            let account = find_account(&group.connection, id)?.ok_or(Fault::Told(StoreError::NotFound))?;
            let account = tenancy::changed_account(account, change);
            save(group, now, Resource::Account(account.clone()))?;
            Ok(account)
        };
        self.writer.write(write).await
    }

    async fn set_screening(&self, id: AccountId, policy: Arc<str>, now: Timestamp) -> Result<Account, StoreError> {
        let write = move |group: &mut Group| {
            let mut account = find_account(&group.connection, id)?.ok_or(Fault::Told(StoreError::NotFound))?;
            account.screening = Some(Arc::clone(&policy));
            save(group, now, Resource::Policy { account: id, policy })?;
            Ok(account)
        };
        self.writer.write(write).await
    }

    async fn approve_template(&self, template: ScreeningTemplate) -> Result<Approved, StoreError> {
        let write = move |group: &mut Group| {
            require_account(&group.connection, Some(template.account))?;
            if let Some(known) = templates::with_text(&group.connection, template.account, &template.text)? {
                return Ok(Approved::Known(known));
            }
            if templates::count(&group.connection, template.account)? >= ScreeningTemplate::PER_ACCOUNT_MAX {
                return Ok(Approved::Full);
            }
            save(group, template.created_at, Resource::TemplateApproved(template))?;
            Ok(Approved::New)
        };
        self.writer.write(write).await
    }

    async fn remove_template(&self, account: AccountId, id: TemplateId, now: Timestamp) -> Result<(), StoreError> {
        let write = move |group: &mut Group| match save(group, now, Resource::TemplateRemoved { account, id })? {
            0 => Err(Fault::Told(StoreError::NotFound)),
            _ => Ok(()),
        };
        self.writer.write(write).await
    }

    async fn set_keywords(&self, of: KeywordsOf, settings: Arc<str>, now: Timestamp) -> Result<(), StoreError> {
        let write = move |group: &mut Group| match save(group, now, Resource::Keywords { of, settings })? {
            0 => Err(Fault::Told(StoreError::NotFound)),
            _ => Ok(()),
        };
        self.writer.write(write).await
    }

    async fn create_key(&self, key: ApiKey) -> Result<(), StoreError> {
        let write = move |group: &mut Group| {
            require_account(&group.connection, Some(key.account))?;
            if find(&group.connection, KEYS, "id", key.id.as_str(), self::key)?.is_some() {
                return Err(Fault::Told(StoreError::AlreadyExists));
            }
            save(group, key.created_at, Resource::Key(key))?;
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn revoke_key(&self, id: &KeyId, now: Timestamp) -> Result<ApiKey, StoreError> {
        let id = id.clone();
        let write = move |group: &mut Group| {
            let mut key = find(&group.connection, KEYS, "id", id.as_str(), self::key)?
                .ok_or(Fault::Told(StoreError::NotFound))?;
            if key.revoked_at.is_none() {
                key.revoked_at = Some(now);
                save(group, now, Resource::Key(key.clone()))?;
            }
            Ok(key)
        };
        self.writer.write(write).await
    }

    async fn note_key_uses(&self, uses: BTreeMap<KeyId, Timestamp>) -> Result<(), StoreError> {
        let write = move |group: &mut Group| {
            let mut statement = group.connection.prepare_cached(USED)?;
            for (id, at) in &uses {
                statement.execute(params![id.as_str(), at.as_millis()])?;
            }
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn key_uses(&self, account: AccountId) -> Result<BTreeMap<KeyId, Timestamp>, StoreError> {
        let read = move |connection: &Connection| {
            let used = |row: &Row<'_>| Ok((KeyId::from_text(row.get::<_, String>(0)?), rows::time(row, 1)?));
            connection.prepare_cached(USES)?.query_map([account.to_bytes()], used)?.collect()
        };
        self.readers.read(read).await
    }

    async fn create_number(&self, number: Number) -> Result<(), StoreError> {
        let write = move |group: &mut Group| {
            require_account(&group.connection, number.account)?;
            let known = find(&group.connection, NUMBERS, "number", &number.number.text(), self::number)?;
            if known.is_some() || is_like_another(&group.connection, number.number)? {
                return Err(Fault::Told(StoreError::AlreadyExists));
            }
            save(group, number.created_at, Resource::Number(number))?;
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn change_number(
        &self,
        name: Originator,
        change: NumberChange,
        now: Timestamp,
    ) -> Result<Number, StoreError> {
        let write = move |group: &mut Group| {
            let number = find(&group.connection, NUMBERS, "number", &name.text(), self::number)?
                .ok_or(Fault::Told(StoreError::NotFound))?;
            require_account(&group.connection, change.account.flatten())?;
            let number = tenancy::changed_number(number, change);
            save(group, now, Resource::Number(number.clone()))?;
            Ok(number)
        };
        self.writer.write(write).await
    }

    async fn put_block(&self, block: Block) -> Result<(), StoreError> {
        let write = move |group: &mut Group| {
            require_account(&group.connection, block.account)?;
            save(group, block.created_at, Resource::Blocked(block))?;
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn delete_block(
        &self,
        number: Originator,
        kind: BlockKind,
        account: Option<AccountId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let write = move |group: &mut Group| match save(group, now, Resource::Unblocked { number, kind, account })? {
            0 => Err(Fault::Told(StoreError::NotFound)),
            _ => Ok(()),
        };
        self.writer.write(write).await
    }
}

fn all<T>(connection: &Connection, sql: &str, read: fn(&Row<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<Vec<T>> {
    connection.prepare(sql)?.query_map([], read)?.collect()
}

fn find<T>(
    connection: &Connection,
    sql: &str,
    column: &str,
    name: &str,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    connection.prepare_cached(&format!("{sql} WHERE {column} = ?1"))?.query_row([name], read).optional()
}

fn find_account(connection: &Connection, id: AccountId) -> rusqlite::Result<Option<Account>> {
    connection.prepare_cached(&format!("{ACCOUNTS} WHERE id = ?1"))?.query_row([id.to_bytes()], account).optional()
}

fn require_account(connection: &Connection, id: Option<AccountId>) -> Result<(), Fault> {
    match id {
        Some(id) => find_account(connection, id)?.map(drop).ok_or(Fault::Told(StoreError::NotFound)),
        None => Ok(()),
    }
}

/// Writes what a change leaves, and notes the change. Nothing else writes these tables, so that nothing in them changes
/// in silence. Returns how many rows there were to change.
fn save(group: &mut Group, at: Timestamp, resource: Resource) -> rusqlite::Result<usize> {
    let connection = &group.connection;
    let rows = match &resource {
        Resource::Account(account) => {
            let rows = save_account(connection, account)?;
            group.texts.set(account.id, account.retention);
            rows
        }
        Resource::Policy { account, policy } => {
            let sql = "UPDATE accounts SET screening = ?2 WHERE id = ?1";
            connection.prepare_cached(sql)?.execute(params![account.to_bytes(), policy])?
        }
        Resource::TemplateApproved(template) => templates::insert(connection, template)?,
        Resource::TemplateRemoved { account, id } => templates::delete(connection, *account, *id)?,
        Resource::Keywords { of, settings } => save_keywords(connection, *of, settings)?,
        Resource::Key(key) => save_key(connection, key)?,
        Resource::Number(number) => save_number(connection, number)?,
        Resource::Blocked(block) => {
            let sql = "INSERT OR REPLACE INTO blocks (number, kind, account_id, reason, created_at) VALUES (?1, ?2, \
                ?3, ?4, ?5)";
            let values = params![
                rows::text(block.number),
                block.kind.as_str(),
                block_account(block.account),
                block.reason,
                block.created_at.as_millis()
            ];
            connection.prepare_cached(sql)?.execute(values)?
        }
        Resource::Unblocked { number, kind, account } => {
            let mut delete =
                connection.prepare_cached("DELETE FROM blocks WHERE number = ?1 AND kind = ?2 AND account_id = ?3")?;
            delete.execute(params![rows::text(*number), kind.as_str(), block_account(*account)])?
        }
        // What happens to messages and broadcasts is written where it happens.
        Resource::Message { .. }
        | Resource::Broadcast { .. }
        | Resource::Inbound { .. }
        | Resource::OptedOut(_)
        | Resource::OptedIn(_) => 0,
    };
    if rows > 0 {
        group.note(at, tenancy::owner(&resource), resource);
    }
    Ok(rows)
}

fn save_account(connection: &Connection, account: &Account) -> rusqlite::Result<usize> {
    let sql = "INSERT INTO accounts (id, name, state, message_per_minute, broadcast_per_minute, read_per_minute, \
               daily_quota, created_at, screening, retention) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
               ON CONFLICT DO UPDATE SET state = excluded.state, message_per_minute = excluded.message_per_minute, \
               broadcast_per_minute = excluded.broadcast_per_minute, read_per_minute = excluded.read_per_minute, \
               daily_quota = excluded.daily_quota, screening = excluded.screening, retention = excluded.retention";
    let limits = &account.limits;
    connection.prepare_cached(sql)?.execute(params![
        account.id.to_bytes(),
        account.name,
        account.state.as_str(),
        limits.message_per_minute,
        limits.broadcast_per_minute,
        limits.read_per_minute,
        limits.daily_quota,
        account.created_at.as_millis(),
        account.screening,
        account.retention.map(|rule| rule.to_string()),
    ])
}

/// As [`ledger::contract::peppers::PepperRecords::rehash_key`].
pub(super) fn rehash_key(
    group: &mut Group,
    id: &KeyId,
    from: SecretDigest,
    to: SecretDigest,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let found = find(&group.connection, KEYS, "id", id.as_str(), self::key)?;
    let Some(key) = found.filter(|key| key.digest == from) else { return Ok(false) };
    save(group, now, Resource::Key(ApiKey { digest: to, ..key }))?;
    Ok(true)
}

fn save_keywords(connection: &Connection, of: KeywordsOf, settings: &str) -> rusqlite::Result<usize> {
    match of {
        KeywordsOf::Account(account) => connection
            .prepare_cached("UPDATE accounts SET keywords = ?2 WHERE id = ?1")?
            .execute(params![account.to_bytes(), settings]),
        KeywordsOf::Number(number) => connection
            .prepare_cached("UPDATE numbers SET keywords = ?2 WHERE number = ?1")?
            .execute(params![rows::text(number), settings]),
    }
}

fn save_key(connection: &Connection, key: &ApiKey) -> rusqlite::Result<usize> {
    let sql = "INSERT INTO keys (id, account_id, mode, digest, created_at, expires_at, revoked_at, name, pepper) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, coalesce((SELECT number FROM peppers WHERE is_current), 0)) \
               ON CONFLICT DO UPDATE SET revoked_at = excluded.revoked_at, digest = excluded.digest, \
               pepper = iif(digest = excluded.digest, pepper, excluded.pepper)";
    connection.prepare_cached(sql)?.execute(params![
        key.id.as_str(),
        key.account.to_bytes(),
        key.mode.as_str(),
        key.digest.to_bytes(),
        key.created_at.as_millis(),
        key.expires_at.map(Timestamp::as_millis),
        key.revoked_at.map(Timestamp::as_millis),
        key.name,
    ])
}

/// What a number sets about keywords ends with its account, whose words they were.
fn save_number(connection: &Connection, number: &Number) -> rusqlite::Result<usize> {
    let sql = "INSERT INTO numbers (number, account_id, state, created_at, segments_per_second, folded) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (number) DO UPDATE \
               SET former_account = coalesce(account_id, former_account), keywords = CASE WHEN account_id IS \
               excluded.account_id THEN keywords END, account_id = excluded.account_id, state = excluded.state, \
               segments_per_second = excluded.segments_per_second";
    let account = number.account.map(AccountId::to_bytes);
    let pace = number.segments_per_second.map(NonZeroU32::get);
    connection.prepare_cached(sql)?.execute(params![
        rows::text(number.number),
        account,
        number.state.as_str(),
        number.created_at.as_millis(),
        pace,
        tenancy::folded(number.number),
    ])
}

/// Whether there is a name that differs from this one in case alone, or not at all.
fn is_like_another(connection: &Connection, originator: Originator) -> rusqlite::Result<bool> {
    let Some(folded) = tenancy::folded(originator) else { return Ok(false) };
    connection.prepare_cached("SELECT 1 FROM numbers WHERE folded = ?1")?.exists([folded])
}

/// Whose block it is; nothing stands for every account, since a key's columns cannot be null.
fn block_account(account: Option<AccountId>) -> Vec<u8> {
    account.map_or_else(Vec::new, |id| id.to_bytes().to_vec())
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        id: AccountId::from_bytes(row.get(0)?),
        name: row.get(1)?,
        state: rows::word(row, 2, AccountState::parse)?,
        limits: Limits {
            message_per_minute: row.get(3)?,
            broadcast_per_minute: row.get(4)?,
            read_per_minute: row.get(5)?,
            daily_quota: row.get(6)?,
        },
        created_at: rows::time(row, 7)?,
        screening: row.get(8)?,
        retention: rows::word_if_any(row, 9, TextRetention::parse)?,
    })
}

fn keywords_of_account(row: &Row<'_>) -> rusqlite::Result<(KeywordsOf, Arc<str>)> {
    Ok((KeywordsOf::Account(AccountId::from_bytes(row.get(0)?)), row.get(1)?))
}

fn keywords_of_number(row: &Row<'_>) -> rusqlite::Result<(KeywordsOf, Arc<str>)> {
    Ok((KeywordsOf::Number(rows::originator(row, 0)?), row.get(1)?))
}

fn former_owner(row: &Row<'_>) -> rusqlite::Result<(Originator, AccountId)> {
    Ok((rows::originator(row, 0)?, AccountId::from_bytes(row.get(1)?)))
}

fn key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    Ok(ApiKey {
        id: KeyId::from_text(row.get::<_, String>(0)?),
        account: AccountId::from_bytes(row.get(1)?),
        mode: rows::word(row, 2, Mode::parse)?,
        name: row.get(7)?,
        digest: SecretDigest::from_bytes(row.get(3)?),
        created_at: rows::time(row, 4)?,
        expires_at: rows::time_if_any(row, 5)?,
        revoked_at: rows::time_if_any(row, 6)?,
    })
}

fn number(row: &Row<'_>) -> rusqlite::Result<Number> {
    Ok(Number {
        number: rows::originator(row, 0)?,
        account: row.get::<_, Option<[u8; 16]>>(1)?.map(AccountId::from_bytes),
        state: rows::word(row, 2, NumberState::parse)?,
        created_at: rows::time(row, 3)?,
        segments_per_second: row.get::<_, Option<u32>>(4)?.and_then(NonZeroU32::new),
    })
}

fn block(row: &Row<'_>) -> rusqlite::Result<Block> {
    let account: Vec<u8> = row.get(2)?;
    Ok(Block {
        number: rows::originator(row, 0)?,
        kind: rows::word(row, 1, BlockKind::parse)?,
        account: <[u8; 16]>::try_from(account).ok().map(AccountId::from_bytes),
        reason: row.get(3)?,
        created_at: rows::time(row, 4)?,
    })
}
