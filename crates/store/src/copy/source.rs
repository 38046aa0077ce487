//! The store that is copied: its rows in slices, translated.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use runtime::Runtime;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use sha2::{Digest as _, Sha256};

use crate::sqlite::Stopped;
use ledger::StoreError;
use ledger::portable::tables::Table;
use ledger::portable::value::{self, Value};

/// How many octets of texts and the like a slice has, before it ends early.
const OCTETS_PER_SLICE: usize = 8 << 20;

/// The store that is copied. Nobody changes it meanwhile.
#[derive(Clone)]
pub(super) struct Source {
    store: Arc<Mutex<Stopped>>,
    runtime: Arc<dyn Runtime>,
}

/// Rows of a table that follow each other.
pub(super) struct Slice {
    pub(super) rows: Vec<Vec<Value>>,
    /// Where the next slice begins: after this place, as [`value::write`] writes it.
    pub(super) place: Vec<u8>,
    pub(super) is_last: bool,
}

impl Source {
    pub(super) async fn open(path: PathBuf, runtime: Arc<dyn Runtime>) -> Result<Self, StoreError> {
        let opened = runtime.run_blocking("copy-open", move || Stopped::open(&path)).await;
        let store = opened.unwrap_or_else(|ended| Err(StoreError::Refused(format!("opening the store {ended}"))))?;
        Ok(Self { store: Arc::new(Mutex::new(store)), runtime })
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(&self.store);
        let look = move || read(&store.lock().unwrap_or_else(PoisonError::into_inner).connection);
        let read = self.runtime.run_blocking("copy-read", look).await;
        read.unwrap_or_else(|ended| Err(StoreError::Failed(format!("reading the store {ended}"))))
    }

    /// What tells this store from others, and from what it is after another start: a start is an epoch.
    pub(super) async fn fingerprint(&self) -> Result<Vec<u8>, StoreError> {
        self.read(|connection| fingerprint(connection).map_err(|error| unreadable(&error))).await
    }

    /// How many rows there are for a table.
    pub(super) async fn count(&self, table: &'static Table) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM {} WHERE {}", table.from, table.only);
        self.read(move |connection| {
            connection.query_row(&sql, [], |row| row.get(0)).map_err(|error| unreadable(&error))
        })
        .await
    }

    /// The highest number that was given in the column that numbers the rows of a table.
    pub(super) async fn highest(&self, table: &'static Table, column: &'static str) -> Result<i64, StoreError> {
        self.read(move |connection| highest(connection, table.name, column).map_err(|error| unreadable(&error))).await
    }

    /// The rows of a table after a place, `limit` at most.
    pub(super) async fn slice(
        &self,
        table: &'static Table,
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<Slice, StoreError> {
        self.read(move |connection| slice(connection, table, after.as_deref(), limit)).await
    }
}

fn fingerprint(connection: &Connection) -> rusqlite::Result<Vec<u8>> {
    let mut hash = Sha256::new();
    for sql in [
        "SELECT epoch, name, build, joined_at FROM nodes ORDER BY epoch",
        "SELECT id, created_at FROM accounts ORDER BY id",
        "SELECT id, created_at FROM keys ORDER BY id",
    ] {
        let mut select = connection.prepare(sql)?;
        let columns = select.column_count();
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let values = (0..columns).map(|at| plain(row.get_ref(at)?));
            let mut octets = Vec::new();
            value::write(&values.collect::<rusqlite::Result<Vec<_>>>()?, &mut octets);
            hash.update(octets);
        }
    }
    Ok(hash.finalize().to_vec())
}

fn highest(connection: &Connection, table: &str, column: &str) -> rusqlite::Result<i64> {
    let sql = format!("SELECT coalesce(max({column}), 0) FROM {table}");
    let there: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
    let given: Option<i64> = connection.query_row(sql, [table], |row| row.get(0)).optional()?;
    Ok(there.max(given.unwrap_or(0)))
}

fn slice(connection: &Connection, table: &Table, after: Option<&[u8]>, limit: usize) -> Result<Slice, StoreError> {
    let place = match after {
        Some(octets) => value::read(octets).ok_or_else(|| {
            StoreError::Refused(format!("the mark of `{}` in the unfinished copy cannot be read", table.name))
        })?,
        None => Vec::new(),
    };
    let failed = |error: rusqlite::Error| unreadable(&error);
    let mut select = connection.prepare_cached(&statement(table, after.is_some(), limit)).map_err(failed)?;
    let mut found = select.query(params_from_iter(place.iter().map(given))).map_err(failed)?;
    let mut slice = Slice { rows: Vec::new(), place: after.unwrap_or_default().to_vec(), is_last: false };
    let mut octets = 0;
    while slice.rows.len() < limit && octets < OCTETS_PER_SLICE {
        let Some(row) = found.next().map_err(failed)? else {
            slice.is_last = true;
            break;
        };
        let columns = table.columns.len();
        let place = (columns..columns + table.walk.len()).map(|at| plain(row.get_ref(at)?));
        let place = place.collect::<rusqlite::Result<Vec<_>>>().map_err(failed)?;
        let mut values = Vec::with_capacity(columns);
        for (at, (name, kind, _)) in table.columns.iter().enumerate() {
            let value = row.get_ref(at).and_then(plain).map_err(failed)?;
            octets += size_of(&value);
            values.push(kind.translated(value).ok_or_else(|| unfit(table, name, &place))?);
        }
        slice.place.clear();
        value::write(&place, &mut slice.place);
        slice.rows.push(values);
    }
    Ok(slice)
}

fn statement(table: &Table, is_after: bool, limit: usize) -> String {
    let columns: Vec<&str> = table.columns.iter().map(|column| column.2).collect();
    let (columns, walk) = (columns.join(", "), table.walk.join(", "));
    let places: Vec<String> = (1..=table.walk.len()).map(|place| format!("?{place}")).collect();
    let after = if is_after { format!("AND ({walk}) > ({})", places.join(", ")) } else { String::new() };
    let (from, only) = (table.from, table.only);
    format!("SELECT {columns}, {walk} FROM {from} WHERE {only} {after} ORDER BY {walk} LIMIT {limit}")
}

fn size_of(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Octets(octets) => octets.len(),
        _ => 0,
    }
}

fn unfit(table: &Table, column: &str, place: &[Value]) -> StoreError {
    StoreError::Refused(format!(
        "`{column}` of the row of `{}` with {} ({}) cannot be copied: PostgreSQL has no such value there",
        table.name,
        table.walk.join(", "),
        value::shown(place)
    ))
}

fn unreadable(error: &rusqlite::Error) -> StoreError {
    StoreError::Failed(format!("cannot read the store: {error}"))
}

/// A value as SQLite is given it.
fn given(value: &Value) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match value {
        Value::Null => ValueRef::Null,
        Value::Flag(flag) => ValueRef::Integer(i64::from(*flag)),
        Value::Number(number) => ValueRef::Integer(*number),
        Value::Id(id) => ValueRef::Blob(id.as_bytes()),
        Value::Text(text) => ValueRef::Text(text.as_bytes()),
        Value::Octets(octets) => ValueRef::Blob(octets),
    })
}

/// A value as SQLite has it.
fn plain(value: ValueRef<'_>) -> rusqlite::Result<Value> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Number(number),
        ValueRef::Text(_) => Value::Text(value.as_str()?.to_owned()),
        ValueRef::Blob(octets) => Value::Octets(octets.to_owned()),
        ValueRef::Real(_) => return Err(rusqlite::types::FromSqlError::InvalidType.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::portable::tables;

    /// Slices of a large store are found by an index, each where the one before it ended.
    #[test]
    fn every_slice_begins_where_the_one_before_ended() {
        let connection = crate::sqlite::in_memory();
        for table in tables::all() {
            let sql = statement(table, true, 10);
            let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let values = vec![rusqlite::types::Null; explain.parameter_count()];
            let plan = explain.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
            let plan: Vec<String> = plan.map(Result::unwrap).collect();
            let is_small = ["parked_load", "change_log"].contains(&table.name);
            assert!(is_small || plan[0].starts_with("SEARCH"), "{plan:#?}\n{sql}");
            assert!(is_small || !plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:#?}\n{sql}");
        }
    }
}
