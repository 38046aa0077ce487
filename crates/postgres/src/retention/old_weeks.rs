//! Whole weeks: where all of a week is old and nothing of it is open, its partitions go at once, which costs no more
//! than to remove a file. So the messages of a week that has many wait for the last of them: otherwise every minute
//! would remove those of the minute, row by row, and no week would ever be left to go at once. Where a message that
//! leaves later is not old yet, the others of its week go row by row.
//!
//! A node that remembers such a week makes its partitions again if it ever needs them
//! ([`super::super::core::Core::make_room_again`]).

use std::time::Duration;

use model::Timestamp;

use super::super::fault::Fault;
use super::super::unit::Unit;
use super::super::weeks::{TABLES, begin_of, start_of, week_of};
use super::super::{Postgres, rows};
use super::walks::bound;
use ledger::StoreError;
use ledger::contract::retention::Removed;

/// A week with fewer messages goes row by row, so that a step stays as small as it was asked to be.
const MANY: i64 = 10_000;

/// How long those who want the tables may wait for the removal of a week. Shorter than it takes PostgreSQL to look for
/// deadlocks, so that it is always this transaction which gives way.
const LOCK_MS: u32 = 300;

/// When a week may be tried again whose tables were in use.
const AGAIN: Duration = Duration::from_secs(600);

/// A week that can go.
struct Old {
    week: u64,
    /// How many messages it has, about.
    messages: u64,
}

impl Postgres {
    /// Removes the oldest week that is over before this moment, if it can go: one with many messages, or one that
    /// nothing is left of.
    pub(super) async fn remove_week(&self, before: Timestamp) -> Result<Option<Removed>, StoreError> {
        let now = self.core.runtime.instant();
        if self.walking(|places| places.no_week_until.is_some_and(|until| now < until)) {
            return Ok(None);
        }
        let found = self.core.read(before, |unit, before| Box::pin(find(unit, *before))).await?;
        let Some(Old { week, messages }) = found else { return Ok(None) };
        if !self.core.write((week, before), |unit, (week, before)| Box::pin(remove(unit, *week, *before))).await? {
            self.walking(|places| places.no_week_until = Some(now + AGAIN));
            return Ok(None);
        }
        self.core.weeks.forget(week);
        tracing::info!(week, messages, "Removed a week of messages");
        Ok(Some(Removed { removed: messages, looked: 1, is_end: false, calls: Some(self.core.written()) }))
    }

    /// Until when messages go row by row of which all before this moment may go: those of its own week wait for the end
    /// of the week, where that has many.
    pub(super) async fn end_of_rows(&self, before: Timestamp) -> Result<Timestamp, StoreError> {
        let week = week_of(bound(before));
        let count = self.core.read(week, |unit, week| Box::pin(count_few(unit, *week))).await?;
        Ok(if count > MANY { start_of(week).min(before) } else { before })
    }
}

const WEEKS: &str = "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
    WHERE i.inhparent = 'delivery'::regclass";
const IS_OPEN: &str = "SELECT EXISTS (SELECT 1 FROM queue WHERE message_id >= $1 AND message_id < $2) \
    OR EXISTS (SELECT 1 FROM schedule WHERE message_id >= $1 AND message_id < $2) \
    OR EXISTS (SELECT 1 FROM messages WHERE id >= $1 AND id < $2 AND send_at >= $3) \
    OR EXISTS (SELECT 1 FROM receipt_waits WHERE message_id >= $1 AND message_id < $2) \
    OR EXISTS (SELECT 1 FROM broadcast_progress WHERE status IN ('queued', 'sending') \
    AND broadcast_id >= $1 AND broadcast_id < $2)";
const FEW: &str =
    "SELECT count(*) FROM (SELECT 1 FROM delivery WHERE message_id >= $1 AND message_id < $2 LIMIT $3) few";
const ESTIMATE: &str = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass($1)";
const HAS_KEYS: &str = "SELECT EXISTS (SELECT 1 FROM segments WHERE message_id >= $1 AND message_id < $2)";

/// The oldest week that is over before this moment and can go.
async fn find(unit: &Unit, before: Timestamp) -> Result<Option<Old>, Fault> {
    let mut weeks = Vec::new();
    for row in unit.query(WEEKS, &[]).await? {
        weeks.extend(rows::get::<&str>(&row, 0)?.rsplit('_').next().and_then(|week| week.parse::<u64>().ok()));
    }
    weeks.sort_unstable();
    for week in weeks.into_iter().take_while(|week| begin_of(week + 1) <= bound(before)) {
        let (low, high) = (begin_of(week), begin_of(week + 1));
        if is_open(unit, week, before).await? {
            continue;
        }
        let few = count_few(unit, week).await?;
        if few > MANY {
            let estimate: i64 = rows::get(&unit.one(ESTIMATE, &[&format!("delivery_{week}")]).await?, 0)?;
            return Ok(Some(Old { week, messages: few.max(estimate).cast_unsigned() }));
        }
        if few == 0 && !rows::get::<bool>(&unit.one(HAS_KEYS, &[&low, &high]).await?, 0)? {
            return Ok(Some(Old { week, messages: 0 }));
        }
    }
    Ok(None)
}

/// How many messages a week has; of a week with many, only that there are more than [`MANY`].
async fn count_few(unit: &Unit, week: u64) -> Result<i64, Fault> {
    rows::get(&unit.one(FEW, &[&begin_of(week), &begin_of(week + 1), &(MANY + 1)]).await?, 0)
}

/// Whether a message of a week has not ended or was to leave at `before` or later, or a broadcast may still make one.
async fn is_open(unit: &Unit, week: u64, before: Timestamp) -> Result<bool, Fault> {
    rows::get(&unit.one(IS_OPEN, &[&begin_of(week), &begin_of(week + 1), &before.as_millis()]).await?, 0)
}

/// Removes the partitions of a week, unless others have the tables, or the week is gone or has something open by now.
/// Says whether it did.
async fn remove(unit: &Unit, week: u64, before: Timestamp) -> Result<bool, Fault> {
    unit.one("SELECT 1 FROM latches WHERE name = 'weeks' FOR UPDATE", &[]).await?;
    // In the order in which transactions use them, so that those that have some of them get the others.
    let tables = TABLES.map(|(table, _)| table).join(", ");
    let lock = format!("SET LOCAL lock_timeout = {LOCK_MS}; LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE");
    match unit.run(&lock).await {
        Err(fault) if fault.is_locked_out() => return Ok(false),
        locked => locked?,
    }
    let name = format!("delivery_{week}");
    let is_there = unit.one("SELECT to_regclass($1) IS NOT NULL", &[&name]).await?;
    if !rows::get::<bool>(&is_there, 0)? || is_open(unit, week, before).await? {
        return Ok(false);
    }
    let partitions = TABLES.map(|(table, _)| format!("{table}_{week}")).join(", ");
    unit.run(&format!("DROP TABLE {partitions}")).await?;
    Ok(true)
}
