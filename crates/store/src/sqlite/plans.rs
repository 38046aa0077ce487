//! How SQLite runs statements, for tests of what runs for ever: it may not read more than it finds.

use std::path::Path;

use rusqlite::types::Null;
use rusqlite::{Connection, OpenFlags, params_from_iter};

use ledger::StoreError;

/// Tables that have a row for each consumer of the change feed, node, session, carrier or pepper, or a row in all:
/// reading them whole is what is asked.
const SMALL: [&str; 10] = [
    "change_consumers",
    "change_cursors",
    "change_writers",
    "carrier_slots",
    "stopped_carriers",
    "nodes",
    "peppers",
    "holds",
    "list_mark",
    "w",
];

/// Those of these statements that read a table or an index from end to end, or sort what they have read, each with the
/// step of its plan that says so. `path` is the store that ran them.
///
/// # Errors
/// [`StoreError::Refused`] where the store cannot be read, or a statement is none.
pub fn scans<'s>(path: &Path, statements: impl IntoIterator<Item = &'s str>) -> Result<Vec<String>, StoreError> {
    let refused = |error: rusqlite::Error| StoreError::Refused(error.to_string());
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(refused)?;
    let mut found = Vec::new();
    for sql in statements {
        found.extend(
            steps(&connection, sql)
                .map_err(refused)?
                .filter(|step| reads_all(step))
                .map(|step| format!("{step}\n{sql}")),
        );
    }
    Ok(found)
}

fn steps(connection: &Connection, sql: &str) -> rusqlite::Result<impl Iterator<Item = String>> {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
    let values = vec![Null; explain.parameter_count()];
    let plan = explain.query_map(params_from_iter(values), |row| row.get::<_, String>(3))?;
    Ok(plan.collect::<rusqlite::Result<Vec<_>>>()?.into_iter())
}

/// Whether a step of a plan reads everything, or sorts.
pub(super) fn reads_all(step: &str) -> bool {
    let is_small = |table: &str| SMALL.contains(&table) || table.starts_with('(') || table == "CONSTANT";
    let scanned = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
    scanned.is_some_and(|table| !is_small(table)) || step.contains("TEMP B-TREE")
}
