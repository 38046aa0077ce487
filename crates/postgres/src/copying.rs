//! The database that becomes the copy of another store (the copy of a whole store is made by the crate `store`).
//!
//! The table `copying` is there until the copy is finished, and no server starts while it is. It has a row for each
//! table of the copy: how far that has come.

mod fields;
mod keys;

use std::pin::pin;
use std::sync::Arc;

use runtime::Runtime;
use tokio_postgres::Client;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use super::core::{Core, SharedClock};
use super::fault::{Fault, described};
use super::unit::Unit;
use super::{connect, migrations, rows, server};
use fields::Field;
pub use keys::Keys;
use ledger::StoreError;
use ledger::portable::tables::{self, Table};
use ledger::portable::value::Value;

/// The database that becomes the copy.
pub struct Target {
    core: Arc<Core>,
}

/// How far a table has come.
pub struct Mark {
    /// Where the last slice ended, as the source names it.
    pub place: Option<Vec<u8>>,
    /// How many rows are written.
    pub rows: u64,
    /// Whether it is copied whole.
    pub is_done: bool,
}

const IS_COPYING: &str = "SELECT to_regclass('copying') IS NOT NULL";
const MAKE: &str = "CREATE TABLE copying (part text NOT NULL PRIMARY KEY, source bytea NOT NULL, place bytea, \
    copied bigint NOT NULL DEFAULT 0, is_done boolean NOT NULL DEFAULT false)";
const MAKE_MARKS: &str = "INSERT INTO copying (part, source) SELECT part, $2 FROM unnest($1::text[]) AS part";
/// Waits for a transaction of a process that has just ended.
const MARK: &str = "SELECT place, copied, is_done FROM copying WHERE part = $1 FOR UPDATE";
const MOVE: &str = "UPDATE copying SET place = $2, copied = copied + $3, is_done = $4 WHERE part = $1";

/// Refuses a database with an unfinished copy of another store.
///
/// # Errors
/// [`StoreError::Refused`] with a sentence for the operator.
pub(super) async fn refuse_unfinished(client: &Client) -> Result<(), StoreError> {
    let row = client.query_one(IS_COPYING, &[]).await;
    match row.and_then(|row| row.try_get(0)) {
        Ok(false) => Ok(()),
        Ok(true) => Err(StoreError::Refused(
            "the database has an unfinished copy of another store: run `smsfactory store copy` again until it is done"
                .to_owned(),
        )),
        Err(error) => Err(StoreError::Unavailable(described(&error))),
    }
}

impl Target {
    /// Begins a copy of the source with this fingerprint in an empty database, or goes on with one.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with a sentence for the operator when there is something else in it.
    pub async fn open(url: &str, runtime: Arc<dyn Runtime>, source: &[u8]) -> Result<Self, StoreError> {
        let connections = connect::Place::parse(url)?.connections()?;
        let mut client = connections.pool.get().await.map_err(|error| StoreError::Unavailable(described(&error)))?;
        server::Server::ask(&client).await?.require_usable()?;
        migrations::run(&mut client).await?;
        drop(client);
        let target = Self { core: Core::new(connections, runtime, SharedClock::Database) };
        let unit = target.unit().await?;
        begin(&unit, source).await.map_err(Fault::told)?;
        unit.end().await.map_err(Fault::told)?;
        Ok(target)
    }

    async fn unit(&self) -> Result<Unit, StoreError> {
        Ok(Unit::begin(Arc::clone(&self.core), self.core.connection().await?))
    }

    /// How far a table has come.
    pub async fn mark(&self, table: &Table) -> Result<Mark, StoreError> {
        let read = async {
            let unit = self.unit().await?;
            let row = unit.one(MARK, &[&table.name]).await?;
            let mark = Mark { place: rows::get(&row, 0)?, rows: rows::count(&row, 1)?, is_done: rows::get(&row, 2)? };
            unit.roll_back().await;
            Ok(mark)
        };
        read.await.map_err(Fault::told)
    }

    /// Writes rows that follow the mark of a table, and moves that to `place`.
    pub async fn write(
        &self,
        table: &Table,
        rows: &[Vec<Value>],
        place: &[u8],
        is_last: bool,
    ) -> Result<(), StoreError> {
        let write = async {
            if table.has_weeks {
                let week = table.key_places()[0];
                self.core.make_room(rows.iter().filter_map(|row| id_in(row, week))).await?;
            }
            let unit = self.unit().await?;
            unit.execute(MOVE, &[&table.name, &place, &rows::limit(rows.len()), &is_last]).await?;
            if !rows.is_empty() {
                insert(&unit, table, rows).await?;
            }
            unit.end().await
        };
        write.await.map_err(Fault::told)
    }

    /// The rows of the copy that have the keys of these rows, each in its place.
    pub async fn read_back(&self, table: &Table, rows: &[Vec<Value>]) -> Result<Vec<Option<Vec<Value>>>, StoreError> {
        let mut found = vec![None; rows.len()];
        if rows.is_empty() {
            return Ok(found);
        }
        let read = async {
            let unit = self.unit().await?;
            let columns = keys::columns(table, rows);
            let values: Vec<&(dyn ToSql + Sync)> = columns.iter().map(|column| column as _).collect();
            for row in unit.query(&keys::look_up(table), &values).await? {
                let place: usize = rows::count(&row, 0)?;
                let values = table.columns.iter().enumerate();
                let values = values.map(|(at, column)| fields::read(&row, at + 1, column.1));
                found[place - 1] = Some(values.collect::<Result<Vec<_>, Fault>>()?);
            }
            unit.roll_back().await;
            Ok(())
        };
        read.await.map_err(Fault::told)?;
        Ok(found)
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &Table) -> Result<u64, StoreError> {
        let read = async {
            let unit = self.unit().await?;
            let count = rows::count(&unit.one(&format!("SELECT count(*) FROM {}", table.name), &[]).await?, 0)?;
            unit.roll_back().await;
            Ok(count)
        };
        read.await.map_err(Fault::told)
    }

    /// Gathers keys, to find rows of the copy that have others.
    pub async fn gather_keys(&self, table: &'static Table) -> Result<Keys, StoreError> {
        Keys::begin(self.unit().await?, table).await.map_err(Fault::told)
    }

    /// Has the database give numbers after `highest` in this column.
    pub async fn go_on_after(&self, table: &Table, column: &str, highest: i64) -> Result<(), StoreError> {
        let next = highest.saturating_add(1);
        self.run(&format!("ALTER TABLE {} ALTER COLUMN {column} RESTART WITH {next}", table.name)).await
    }

    /// Has the planner know how large the tables are.
    pub async fn gather_statistics(&self) -> Result<(), StoreError> {
        self.run("ANALYZE").await
    }

    /// The copy is finished: servers may start with it.
    pub async fn finish(self) -> Result<(), StoreError> {
        self.run("DROP TABLE copying").await?;
        self.core.close().await;
        Ok(())
    }

    async fn run(&self, sql: &str) -> Result<(), StoreError> {
        let connection = self.core.connection().await?;
        connection.batch_execute(sql).await.map_err(|error| Fault::from(error).told())
    }
}

/// Two that begin at the same time wait for each other.
async fn begin(unit: &Unit, source: &[u8]) -> Result<(), Fault> {
    unit.one("SELECT 1 FROM latches WHERE name = 'nodes' FOR UPDATE", &[]).await?;
    if rows::get(&unit.one(IS_COPYING, &[]).await?, 0)? {
        let others = unit.find("SELECT 1 FROM copying WHERE source <> $1", &[&source]).await?;
        return others.map_or(Ok(()), |_| {
            Err(refused(
                "has an unfinished copy of another store, or of this one before it was used again: empty the database \
                 and copy again",
            ))
        });
    }
    for table in tables::all().filter(|table| table.name != "change_log") {
        if unit.find(&format!("SELECT 1 FROM {} LIMIT 1", table.name), &[]).await?.is_some() {
            return Err(refused(&format!("has data already (`{}`): a copy needs an empty one", table.name)));
        }
    }
    let names: Vec<&str> = tables::all().map(|table| table.name).collect();
    // The one row that is there from the beginning is copied as well.
    unit.execute("DELETE FROM change_log", &[]).await?;
    unit.execute(MAKE, &[]).await?;
    unit.execute(MAKE_MARKS, &[&names, &source]).await.map(drop)
}

fn refused(what: &str) -> Fault {
    Fault::Told(StoreError::Refused(format!("the database {what}")))
}

fn id_in(row: &[Value], place: usize) -> Option<Uuid> {
    match row.get(place) {
        Some(Value::Id(id)) => Some(*id),
        _ => None,
    }
}

/// Columns that number their rows take the numbers as they come.
async fn insert(unit: &Unit, table: &Table, rows: &[Vec<Value>]) -> Result<(), Fault> {
    let names: Vec<String> = table.columns.iter().map(|column| format!("\"{}\"", column.0)).collect();
    let types: Vec<Type> = table.columns.iter().map(|column| fields::of(column.1)).collect();
    let sql = format!("COPY {} ({}) FROM STDIN BINARY", table.name, names.join(", "));
    let mut writer = pin!(BinaryCopyInWriter::new(unit.connection().await?.copy_in(&sql).await?, &types));
    for row in rows {
        let fields: Vec<Field<'_>> =
            table.columns.iter().zip(row).map(|(column, value)| Field { kind: column.1, value }).collect();
        let values: Vec<&(dyn ToSql + Sync)> = fields.iter().map(|field| field as _).collect();
        writer.as_mut().write(&values).await?;
    }
    writer.finish().await?;
    Ok(())
}
