//! The schema's versions: numbered files that run once, in order, and only forward.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::schema;
use ledger::StoreError;

/// Every migration, in order. Its number is its place, from 1.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_initial.sql"),
    include_str!("../../migrations/sqlite/0002_broadcasts.sql"),
    include_str!("../../migrations/sqlite/0003_screening.sql"),
    include_str!("../../migrations/sqlite/0004_media.sql"),
    include_str!("../../migrations/sqlite/0005_worlds.sql"),
    include_str!("../../migrations/sqlite/0006_receipts.sql"),
    include_str!("../../migrations/sqlite/0007_lists.sql"),
    include_str!("../../migrations/sqlite/0008_changes.sql"),
    include_str!("../../migrations/sqlite/0009_nodes.sql"),
    include_str!("../../migrations/sqlite/0010_shares.sql"),
    include_str!("../../migrations/sqlite/0011_waits.sql"),
    include_str!("../../migrations/sqlite/0012_senders.sql"),
    include_str!("../../migrations/sqlite/0013_erasure.sql"),
    include_str!("../../migrations/sqlite/0014_retention.sql"),
    include_str!("../../migrations/sqlite/0015_references.sql"),
    include_str!("../../migrations/sqlite/0016_inbound.sql"),
    include_str!("../../migrations/sqlite/0017_webhooks.sql"),
    include_str!("../../migrations/sqlite/0018_keywords.sql"),
    include_str!("../../migrations/sqlite/0019_certainty.sql"),
    include_str!("../../migrations/sqlite/0020_templates.sql"),
    include_str!("../../migrations/sqlite/0021_stopped_carriers.sql"),
    include_str!("../../migrations/sqlite/0022_operators.sql"),
    include_str!("../../migrations/sqlite/0023_daily_usage.sql"),
    include_str!("../../migrations/sqlite/0024_backups.sql"),
    include_str!("../../migrations/sqlite/0025_forms.sql"),
    include_str!("../../migrations/sqlite/0026_key_names.sql"),
    include_str!("../../migrations/sqlite/0027_schedule.sql"),
    include_str!("../../migrations/sqlite/0028_variables.sql"),
    include_str!("../../migrations/sqlite/0029_launches.sql"),
];

/// Brings the schema up to date, each step in its own transaction.
///
/// # Errors
/// [`StoreError::Refused`] when the schema is newer than this program knows, or a step fails.
pub(super) fn run(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| {
        StoreError::Refused(format!("cannot bring the store {} up to date: {error}", path.display()))
    };
    let mut verified = false;
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        transaction
            .execute_batch("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
            .map_err(failed)?;
        let version = version(&transaction, path)?;
        if !verified {
            // What the steps make of a sound schema is known.
            schema::verify(&transaction, version, path)?;
            verified = true;
        }
        let Some(step) = MIGRATIONS.get(version) else { return Ok(()) };
        transaction.execute_batch(step).map_err(failed)?;
        transaction.execute("INSERT INTO schema_version (version) VALUES (?1)", [version + 1]).map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
}

/// Makes the schema of a version in an empty database.
pub(super) fn make(connection: &Connection, version: usize) -> rusqlite::Result<()> {
    MIGRATIONS.iter().take(version).try_for_each(|step| connection.execute_batch(step))
}

/// The schema's version; 0 before the first migration.
///
/// # Errors
/// [`StoreError::Refused`] when it is newer than this program knows, or the file is none of ours.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    let place = path.display();
    let refused =
        |error: rusqlite::Error| StoreError::Refused(format!("cannot read the version of the store {place}: {error}"));
    let read = |row: &rusqlite::Row<'_>| row.get::<_, Option<usize>>(0);
    let version =
        connection.query_row("SELECT max(version) FROM schema_version", [], read).map_err(refused)?.unwrap_or(0);
    if version > MIGRATIONS.len() {
        let known = MIGRATIONS.len();
        return Err(StoreError::Refused(format!(
            "the store {place} has schema version {version}, and this program knows versions up to {known}: run the \
             newer program, or restore a backup"
        )));
    }
    Ok(version)
}

/// Leaves alone what another program has made. To be asked before any setting is written to the file.
///
/// # Errors
/// [`StoreError::Refused`] when there is something in the file, but none of our versions, or it cannot be read.
pub(super) fn refuse_foreign(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let sql = "SELECT count(*) > 0 AND sum(name = 'schema_version') = 0 FROM sqlite_schema";
    match connection.query_row(sql, [], |row| row.get(0)) {
        Ok(false) => Ok(()),
        Ok(true) => Err(StoreError::Refused(format!("{} is the file of another program", path.display()))),
        Err(error) => Err(StoreError::Refused(format!("cannot use the store {}: {error}", path.display()))),
    }
}
