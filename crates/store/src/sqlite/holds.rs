//! Holding a store that was restored, and releasing it.

use std::collections::HashSet;
use std::path::Path;

use async_trait::async_trait;
use model::{Moment, Timestamp};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use super::dispatch::end;
use super::fault::Fault;
use super::writer::Group;
use super::{Sqlite, connect, peppers, refused, rows, schedule};
use ledger::contract::holds::{Hold, Holds, RUNNING, Waiting};
use ledger::contract::nodes::Epoch;
use ledger::verdict::Ending;
use ledger::{Standing, StoreError};

#[async_trait]
impl Holds for Sqlite {
    async fn hold(&self, hold: Hold, now: Timestamp) -> Result<(), StoreError> {
        let write = move |group: &mut Group| {
            if group.living.any_at(now) {
                return Err(Fault::Told(StoreError::Refused(RUNNING.to_owned())));
            }
            Ok(write(&group.connection, hold)?)
        };
        self.writer.write(write).await
    }

    async fn held(&self) -> Result<Option<Hold>, StoreError> {
        self.readers.read(held).await
    }

    async fn release_hold(&self) -> Result<bool, StoreError> {
        self.writer.write(|group: &mut Group| Ok(group.connection.execute("DELETE FROM holds", [])? > 0)).await
    }

    async fn waiting_in_all(&self, now: Timestamp) -> Result<Waiting, StoreError> {
        self.readers.read(move |connection| waiting(connection, now)).await
    }

    async fn end_queued(&self, node: Epoch, now: Moment, limit: usize) -> Result<usize, StoreError> {
        let write = move |group: &mut Group| {
            group.living.require(node)?;
            let ended = end(group, node, now, &HashSet::new(), Ending::ByOperator, limit)?;
            Ok(ended + schedule::end_due(group, Ending::ByOperator, now.wall, limit - ended)?)
        };
        self.writer.write(write).await
    }
}

impl Sqlite {
    /// As [`ledger::standing`].
    pub(crate) fn standing(path: &Path, now: Timestamp) -> Result<Standing, StoreError> {
        let read = || {
            let connection = connect(path, None, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            look(&*connection.unchecked_transaction()?, now)
        };
        read().map_err(|error| refused(path, &error))
    }
}

/// The standing of a store of any version.
pub(super) fn look(connection: &Connection, now: Timestamp) -> rusqlite::Result<Standing> {
    // A store of an earlier version has neither.
    let sql = "SELECT count(*) = 2 FROM sqlite_schema WHERE type = 'table' AND name IN ('holds', 'peppers')";
    if !connection.query_row(sql, [], |row| row.get::<_, bool>(0))? {
        return Ok(Standing::default());
    }
    Ok(Standing {
        hold: held(connection)?,
        pepper: peppers::current(connection)?,
        has_keys: peppers::has_keys(connection)?,
        keys_of_other_peppers: peppers::of_others(connection, now)?,
    })
}

/// Holds a store.
pub(super) fn write(connection: &Connection, hold: Hold) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO holds (id, since, backed_up_at) VALUES (1, ?1, ?2)";
    connection.execute(sql, params![hold.since.as_millis(), hold.backed_up_at.as_millis()]).map(drop)
}

fn held(connection: &Connection) -> rusqlite::Result<Option<Hold>> {
    let hold = |row: &Row<'_>| Ok(Hold { since: rows::time(row, 0)?, backed_up_at: rows::time(row, 1)? });
    connection.query_row("SELECT since, backed_up_at FROM holds", [], hold).optional()
}

/// The messages that wait.
pub(super) fn waiting(connection: &Connection, now: Timestamp) -> rusqlite::Result<Waiting> {
    let sql = "SELECT count(*), coalesce(sum(in_flight), 0) FROM delivery WHERE status = 'queued'";
    let (queued, under_way) = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let sql = "SELECT count(*), coalesce(sum(packed - next_index), 0) FROM broadcast_progress \
        WHERE status IN ('queued', 'sending')";
    let (broadcasts, recipients) = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let sql = "SELECT count(*) FILTER (WHERE due_at > ?1), count(*) FILTER (WHERE due_at <= ?1) \
        FROM delivery INDEXED BY delivery_scheduled WHERE status = 'scheduled'";
    let (scheduled, overdue) = connection.query_row(sql, [now.as_millis()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Waiting { queued, under_way, broadcasts, recipients, scheduled, overdue })
}
