//! Room for messages: the partitions of a week of ids, made before the first row of the week is written.

use std::collections::BTreeSet;

use tokio_postgres::Client;
use uuid::Uuid;

use super::core::Core;
use super::fault::Fault;
use super::unit::Unit;
use super::weeks::{TABLES, begin_of, week_of};

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
    let made = make_missing(client, week).await;
    client.batch_execute(if made.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    made
}

/// A table that is made on its own and attached keeps nobody from reading and writing the others meanwhile, and waits
/// for none of those who do: a backup reads for hours.
async fn make_missing(client: &Client, week: u64) -> Result<(), tokio_postgres::Error> {
    client.batch_execute("BEGIN; SELECT 1 FROM latches WHERE name = 'weeks' FOR UPDATE").await?;
    let (low, high) = (begin_of(week), begin_of(week + 1));
    for (table, is_updated) in TABLES {
        let partition = format!("{table}_{week}");
        let is_there = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&partition]).await?;
        if is_there.try_get(0)? {
            continue;
        }
        let storage = if is_updated { " WITH (fillfactor = 70)" } else { "" };
        let sql = format!(
            "CREATE TABLE {partition} (LIKE {table} INCLUDING DEFAULTS){storage}; \
             ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES FROM ('{low}') TO ('{high}')"
        );
        client.batch_execute(&sql).await?;
    }
    Ok(())
}
