//! Whether a store has every table, column and index of its version: compared with a database in memory that the same
//! migrations made.
//!
//! More than that may be there: an operator's index harms no promise. The rows are not looked at, so that this takes no
//! longer for a large store.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, params};

use super::migrations;
use ledger::StoreError;

/// A table's columns, each with its type and constraints; or the statement that made an index, a trigger or a view.
type Shape = Vec<String>;

/// Compares the schema of a store with that of its version.
///
/// # Errors
/// [`StoreError::Refused`] when something is missing or different, with its name.
pub(super) fn verify(connection: &Connection, version: usize, path: &Path) -> Result<(), StoreError> {
    let refused = |error: rusqlite::Error| {
        StoreError::Refused(format!("cannot read the schema of the store {}: {error}", path.display()))
    };
    let wanted = of_version(version).map_err(refused)?;
    let found = shapes(connection).map_err(refused)?;
    // A table takes its indexes with it, and is what the operator has to know.
    let (tables, others): (Vec<_>, Vec<_>) = wanted.iter().partition(|((kind, _), _)| kind == "table");
    let fault = tables.into_iter().chain(others).find_map(|((kind, name), shape)| {
        match found.get(&(kind.clone(), name.clone())) {
            None => Some(format!("its {kind} `{name}` is missing")),
            Some(other) if other == shape => None,
            Some(other) => {
                Some(format!("its {kind} `{name}` is not the one of this version{}", difference(shape, other)))
            }
        }
    });
    match fault {
        None => Ok(()),
        Some(fault) => Err(StoreError::Refused(format!(
            "the store {} is damaged (schema version {version}): {fault}; restore a backup",
            path.display()
        ))),
    }
}

fn of_version(version: usize) -> rusqlite::Result<BTreeMap<(String, String), Shape>> {
    let model = Connection::open_in_memory()?;
    migrations::make(&model, version)?;
    shapes(&model)
}

/// The shape of everything in a schema that SQLite did not make by itself, by kind and name.
fn shapes(connection: &Connection) -> rusqlite::Result<BTreeMap<(String, String), Shape>> {
    let sql = "SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let read =
        |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?));
    let all = connection.prepare(sql)?.query_map([], read)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let shape = |(kind, name, statement): (String, String, String)| {
        // SQLite itself edits the statement of a table to which a column is added, and another version may do it in
        // other words.
        let shape = if kind == "table" {
            columns(connection, &name)?
        } else {
            vec![statement.split_whitespace().collect::<Vec<_>>().join(" ")]
        };
        Ok(((kind, name), shape))
    };
    all.into_iter().map(shape).collect()
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Shape> {
    let sql = "SELECT name || ' ' || type || iif(\"notnull\", ' NOT NULL', '') || coalesce(' DEFAULT ' || dflt_value, \
               '') || iif(pk, ' KEY ' || pk, '') FROM pragma_table_xinfo(?1) ORDER BY cid";
    connection.prepare(sql)?.query_map(params![table], |row| row.get(0))?.collect()
}

/// The first column that one has and the other has not.
fn difference(wanted: &Shape, found: &Shape) -> String {
    match wanted.iter().find(|column| !found.contains(column)) {
        Some(column) => format!(": `{column}` is not there"),
        None => String::new(),
    }
}
