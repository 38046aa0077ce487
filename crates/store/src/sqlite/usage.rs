//! Usage of owners.

use async_trait::async_trait;
use model::message::MessageType;
use model::quota::UtcDay;
use model::{AccountId, MessageId, Owner};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::rows;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::usage::{CountedStatus, Usage, UsageCount};
use ledger::daily::{Added, Counted};
use ledger::turns::{Reader, Work};

#[async_trait]
impl Usage for Sqlite {
    async fn quota_used(&self, owner: Owner, day: UtcDay) -> Result<u64, StoreError> {
        let sql = "SELECT used FROM quota WHERE day = ?1 AND account_id = ?2 AND mode = ?3";
        let read = move |connection: &Connection| {
            let name = params![day.0, owner.account.to_bytes(), owner.mode.as_str()];
            let used = connection.prepare_cached(sql)?.query_row(name, |row| row.get(0)).optional()?;
            Ok(used.unwrap_or_default())
        };
        self.readers.read_for(Reader::Owner(owner), Work::One, read).await
    }

    async fn usage(&self, owner: Owner, from: UtcDay, to: UtcDay) -> Result<Vec<UsageCount>, StoreError> {
        let sql = "SELECT day, kind, status, messages, segments FROM daily_usage \
            WHERE account_id = ?1 AND mode = ?2 AND day BETWEEN ?3 AND ?4 AND messages > 0 ORDER BY day, kind, status";
        let read = move |connection: &Connection| {
            let values = params![owner.account.to_bytes(), owner.mode.as_str(), from.0, to.0];
            connection.prepare_cached(sql)?.query_map(values, count)?.collect()
        };
        self.readers.read_for(Reader::Owner(owner), Work::Page, read).await
    }
}

fn count(row: &Row<'_>) -> rusqlite::Result<UsageCount> {
    Ok(UsageCount {
        day: UtcDay(row.get(0)?),
        kind: rows::word(row, 1, MessageType::parse)?,
        status: rows::word(row, 2, CountedStatus::parse)?,
        messages: row.get(3)?,
        segments: row.get(4)?,
    })
}

/// What is counted of a message whose row of delivery does not say it: one of before there were counts.
pub(super) fn counted_of_message(
    connection: &Connection,
    account: AccountId,
    id: MessageId,
) -> rusqlite::Result<Counted> {
    let sql = "SELECT kind, segments FROM messages WHERE account_id = ?1 AND id = ?2";
    let read = |row: &Row<'_>| Ok(Counted { kind: rows::word(row, 0, MessageType::parse)?, segments: row.get(1)? });
    connection.prepare_cached(sql)?.query_row(params![account.to_bytes(), id.to_bytes()], read)
}

impl Group {
    /// Writes the counts that changed. Part of every commit.
    pub(super) fn write_daily(&mut self) -> rusqlite::Result<()> {
        let sql = "INSERT INTO daily_usage (account_id, mode, day, kind, status, messages, segments) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET messages = messages + excluded.messages, \
            segments = segments + excluded.segments";
        for (row, Added { messages, segments }) in self.daily.take() {
            let (account, mode) = (row.owner.account.to_bytes(), row.owner.mode.as_str());
            let values = params![account, mode, row.day.0, row.kind, row.status, messages, segments];
            self.connection.prepare_cached(sql)?.execute(values)?;
        }
        Ok(())
    }
}
