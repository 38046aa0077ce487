//! The schema's versions: numbered files that run once, in order, and only forward.
//!
//! Nodes of this release and of the next run side by side, so a migration leaves a schema that the release before can
//! use: a column is removed one release after the last use of it.

use tokio_postgres::Client;

use super::fault::described;
use crate::StoreError;

/// Every migration, in order. Its number is its place, from 1.
const MIGRATIONS: &[&str] = &[include_str!("../../migrations/postgres/0001_initial.sql")];

/// Any number that no other program uses to keep migrations apart: "smsfacto" in ASCII.
const LOCK: i64 = 0x736D_7366_6163_746F;

/// Brings the schema up to date, each step in its own transaction. Nodes that start at the same time wait for each
/// other.
///
/// # Errors
/// [`StoreError::Refused`] when the schema is newer than this program knows, or of another program.
pub(super) async fn run(client: &mut Client) -> Result<(), StoreError> {
    let failed = |error: tokio_postgres::Error| match error.as_db_error() {
        Some(_) => StoreError::Refused(format!("cannot bring the store up to date: {}", described(&error))),
        None => StoreError::Unavailable(described(&error)),
    };
    loop {
        let transaction = client.transaction().await.map_err(failed)?;
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(failed)?;
        let version = version_in(&transaction).await.map_err(failed)?;
        let version = known(version)?;
        let Some(step) = MIGRATIONS.get(version) else { return Ok(()) };
        if version == 0 {
            transaction
                .batch_execute("CREATE TABLE schema_version (version integer NOT NULL PRIMARY KEY)")
                .await
                .map_err(failed)?;
        }
        transaction.batch_execute(step).await.map_err(failed)?;
        let next = i32::try_from(version + 1).unwrap_or(i32::MAX);
        transaction.execute("INSERT INTO schema_version (version) VALUES ($1)", &[&next]).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
    }
}

/// What is found where the schema should be.
#[derive(Clone, Copy)]
enum Found {
    /// Nothing.
    Nothing,
    /// Tables, none of which is ours.
    Another,
    /// Our schema, of this version.
    Ours(i32),
}

async fn version_in(client: &impl tokio_postgres::GenericClient) -> Result<Found, tokio_postgres::Error> {
    let sql = "SELECT to_regclass('schema_version') IS NOT NULL, EXISTS (SELECT 1 FROM pg_catalog.pg_tables \
        WHERE schemaname = current_schema())";
    let row = client.query_one(sql, &[]).await?;
    match (row.try_get(0)?, row.try_get(1)?) {
        (true, _) => {
            let row = client.query_one("SELECT coalesce(max(version), 0) FROM schema_version", &[]).await?;
            Ok(Found::Ours(row.try_get(0)?))
        }
        (false, true) => Ok(Found::Another),
        (false, false) => Ok(Found::Nothing),
    }
}

fn known(found: Found) -> Result<usize, StoreError> {
    let count = MIGRATIONS.len();
    match found {
        Found::Nothing => Ok(0),
        Found::Another => Err(StoreError::Refused(
            "the database has tables of another program: give smsfactory a database of its own".to_owned(),
        )),
        Found::Ours(version) => match usize::try_from(version) {
            Ok(version) if version <= count => Ok(version),
            _ => Err(StoreError::Refused(format!(
                "the store has schema version {version}, and this program knows versions up to {count}: run the newer \
                 program"
            ))),
        },
    }
}

/// The schema's version; 0 before the first migration.
///
/// # Errors
/// As [`run`].
pub(super) async fn version(client: &Client) -> Result<usize, StoreError> {
    let found = version_in(client).await.map_err(|error| StoreError::Unavailable(described(&error)))?;
    known(found)
}
