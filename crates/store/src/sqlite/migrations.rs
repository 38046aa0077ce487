//! The schema's versions: numbered files that run once, in order, and only forward.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::StoreError;

/// Every migration, in order. Its number is its place, from 1.
const MIGRATIONS: [&str; 1] = [include_str!("../../migrations/sqlite/0001_initial.sql")];

/// Brings the schema up to date, each step in its own transaction.
///
/// # Errors
/// [`StoreError::Refused`] when the schema is newer than this program knows, or a step fails.
pub(super) fn run(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| StoreError::Refused(format!("cannot bring the store {} up to date: {error}", path.display()));
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        transaction.execute_batch("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)").map_err(failed)?;
        let version: Option<usize> =
            transaction.query_row("SELECT max(version) FROM schema_version", [], |row| row.get::<_, Option<usize>>(0)).optional().map_err(failed)?.flatten();
        let version = version.unwrap_or(0);
        if version > MIGRATIONS.len() {
            let known = MIGRATIONS.len();
            return Err(StoreError::Refused(format!(
                "the store {} has schema version {version}, and this program knows versions up to {known}: run the newer program, or restore a backup",
                path.display()
            )));
        }
        let Some(step) = MIGRATIONS.get(version) else { return Ok(()) };
        transaction.execute_batch(step).map_err(failed)?;
        transaction.execute("INSERT INTO schema_version (version) VALUES (?1)", [version + 1]).map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
}
