//! How much owners have sent and received. Counts change by one statement for all rows, in the order in which every
//! transaction locks them.

use async_trait::async_trait;
use model::Owner;
use model::message::MessageType;
use model::quota::UtcDay;
use tokio_postgres::Row;
use uuid::Uuid;

use super::fault::Fault;
use super::unit::Unit;
use super::{Postgres, rows};
use ledger::StoreError;
use ledger::contract::usage::{CountedStatus, Usage, UsageCount};
use ledger::turns::{Reader, Work};

#[async_trait]
impl Usage for Postgres {
    async fn quota_used(&self, owner: Owner, day: UtcDay) -> Result<u64, StoreError> {
        self.core
            .read_for(Reader::Owner(owner), Work::One, (owner, day), |unit, (owner, day)| {
                Box::pin(quota_used(unit, *owner, *day))
            })
            .await
    }

    async fn usage(&self, owner: Owner, from: UtcDay, to: UtcDay) -> Result<Vec<UsageCount>, StoreError> {
        self.core
            .read_for(Reader::Owner(owner), Work::Page, (owner, from, to), |unit, (owner, from, to)| {
                Box::pin(usage(unit, *owner, *from, *to))
            })
            .await
    }
}

async fn quota_used(unit: &Unit, owner: Owner, day: UtcDay) -> Result<u64, Fault> {
    let sql = "SELECT used FROM quota WHERE day = $1 AND account_id = $2 AND test = $3";
    let (account, test) = (rows::id(owner.account.to_bytes()), rows::is_test(owner.mode));
    let used = unit.find(sql, &[&day.0, &account, &test]).await?;
    used.map_or(Ok(0), |row| rows::count(&row, 0))
}

async fn usage(unit: &Unit, owner: Owner, from: UtcDay, to: UtcDay) -> Result<Vec<UsageCount>, Fault> {
    let sql = "SELECT day, kind, status, messages, segments FROM daily_usage \
        WHERE account_id = $1 AND test = $2 AND day BETWEEN $3 AND $4 AND messages > 0 ORDER BY day, kind, status";
    let (account, test) = (rows::id(owner.account.to_bytes()), rows::is_test(owner.mode));
    unit.query(sql, &[&account, &test, &from.0, &to.0]).await?.iter().map(count).collect()
}

fn count(row: &Row) -> Result<UsageCount, Fault> {
    Ok(UsageCount {
        day: UtcDay(rows::get(row, 0)?),
        kind: rows::word(row, 1, MessageType::parse)?,
        status: rows::word(row, 2, CountedStatus::parse)?,
        messages: rows::count(row, 3)?,
        segments: rows::count(row, 4)?,
    })
}

const ADD: &str = "INSERT INTO daily_usage AS u (account_id, test, day, kind, status, messages, segments) \
    SELECT * FROM unnest($1::uuid[], $2::boolean[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[]) \
    ON CONFLICT (account_id, test, day, kind, status) DO UPDATE SET messages = u.messages + excluded.messages, \
    segments = u.segments + excluded.segments";

/// Writes the counts that changed. Part of every commit.
pub(super) async fn write(unit: &mut Unit) -> Result<(), Fault> {
    let changed = unit.daily.take();
    if changed.is_empty() {
        return Ok(());
    }
    let accounts: Vec<Uuid> = changed.iter().map(|(row, _)| rows::id(row.owner.account.to_bytes())).collect();
    let tests: Vec<bool> = changed.iter().map(|(row, _)| rows::is_test(row.owner.mode)).collect();
    let days: Vec<i64> = changed.iter().map(|(row, _)| row.day.0).collect();
    let kinds: Vec<&str> = changed.iter().map(|(row, _)| row.kind).collect();
    let statuses: Vec<&str> = changed.iter().map(|(row, _)| row.status).collect();
    let messages: Vec<i64> = changed.iter().map(|(_, added)| added.messages).collect();
    let segments: Vec<i64> = changed.iter().map(|(_, added)| added.segments).collect();
    unit.execute(ADD, &[&accounts, &tests, &days, &kinds, &statuses, &messages, &segments]).await.map(drop)
}
