//! The partitions: one for each week of ids, made before the first row of the week is written.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio_postgres::Client;
use uuid::Uuid;

use super::core::Core;
use super::fault::Fault;
use super::unit::Unit;

/// The tables with partitions, and whether updates are to find room beside the row.
pub(super) const TABLES: [(&str, bool); 5] =
    [("messages", false), ("delivery", true), ("events", false), ("segments", true), ("failures", false)];

const WEEK_MS: u128 = 7 * 86_400_000;

/// The weeks that are known to have their partitions.
#[derive(Default)]
pub(super) struct Weeks(Mutex<BTreeSet<u64>>);

impl Weeks {
    /// Forgets a week whose partitions are gone.
    pub(super) fn forget(&self, week: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&week);
    }

    /// Forgets all weeks; which they were.
    fn forget_all(&self) -> BTreeSet<u64> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn has(&self, week: u64) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&week)
    }

    fn add(&self, week: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(week);
    }
}

/// The week of an id: how many weeks after 1970 its time lies (RFC 9562, section 5.7: the first 48 bits are
/// milliseconds).
pub(super) fn week_of(id: Uuid) -> u64 {
    let week = (id.as_u128() >> 80) / WEEK_MS;
    u64::try_from(week).unwrap_or(u64::MAX)
}

/// The lowest id of a week.
pub(super) fn begin_of(week: u64) -> Uuid {
    Uuid::from_u128((u128::from(week) * WEEK_MS) << 80)
}

impl Core {
    /// Makes the partitions of these ids where they are missing. To be called before a transaction writes the first
    /// rows of messages: a partition of its own transaction would keep others from writing.
    pub(super) async fn make_room(&self, ids: impl IntoIterator<Item = Uuid>) -> Result<(), Fault> {
        let weeks: BTreeSet<u64> = ids.into_iter().map(week_of).filter(|week| !self.weeks.has(*week)).collect();
        for week in weeks {
            let connection = self.connection().await?;
            make(&connection, week).await?;
            self.weeks.add(week);
        }
        Ok(())
    }

    /// Makes the partitions again that this process has made or found: another one may have removed some of them.
    pub(super) async fn make_room_again(&self) -> Result<(), Fault> {
        self.make_room(self.weeks.forget_all().into_iter().map(begin_of)).await
    }
}

impl Unit {
    /// Fails where the partitions of this id may be missing; they are made then, and the transaction runs again. For
    /// ids that are not known before the transaction.
    pub(super) fn require_room(&self, id: Uuid) -> Result<(), Fault> {
        if self.core.weeks.has(week_of(id)) { Ok(()) } else { Err(Fault::NoRoom(id)) }
    }
}

/// Makes the partitions of a week, unless they are there. Two that make the same ones wait for each other.
async fn make(client: &Client, week: u64) -> Result<(), tokio_postgres::Error> {
    let (low, high) = (begin_of(week), begin_of(week + 1));
    let mut sql = String::from("BEGIN; SELECT 1 FROM latches WHERE name = 'weeks' FOR UPDATE;");
    for (table, is_updated) in TABLES {
        let storage = if is_updated { " WITH (fillfactor = 70)" } else { "" };
        sql.push_str(&format!(
            "CREATE TABLE IF NOT EXISTS {table}_{week} PARTITION OF {table} FOR VALUES FROM ('{low}') TO ('{high}')\
             {storage};"
        ));
    }
    sql.push_str("COMMIT");
    let made = client.batch_execute(&sql).await;
    if made.is_err() {
        client.batch_execute("ROLLBACK").await?;
    }
    made
}
