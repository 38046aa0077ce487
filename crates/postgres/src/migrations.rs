//! The schema's versions: numbered files that run once, in order, and only forward.
//!
//! Nodes of this release and of the next run side by side, also when one of the older release starts again. So a
//! migration leaves a schema that the release before can use, and says so: a column is removed one release after the
//! last use of it.

use tokio_postgres::Client;

use super::fault::{Fault, described, refused_or_lost};
use ledger::StoreError;

/// A step to the next version.
struct Migration {
    sql: &'static str,
    /// The lowest version that a program must know in order to use the schema after this step.
    usable_from: i32,
}

/// Every migration, in order. Its number is its place, from 1.
const MIGRATIONS: &[Migration] = &[Migration { sql: include_str!("../migrations/0001_initial.sql"), usable_from: 1 }];

const VERSIONS: &str =
    "CREATE TABLE schema_version (version integer NOT NULL PRIMARY KEY, usable_from integer NOT NULL)";

/// Any number that no other program uses to keep migrations apart: "smsfacto" in ASCII.
const LOCK: i64 = 0x736D_7366_6163_746F;

/// How often a step is tried that PostgreSQL ends for the sake of another transaction.
const TRIES: usize = 10;

/// Brings the schema up to date, each step in its own transaction. Nodes that start at the same time wait for each
/// other. A step locks tables that the nodes of the release before are using, perhaps in another order than they do:
/// when PostgreSQL ends it to break the deadlock, nothing of it is left, and it is tried again.
///
/// # Errors
/// [`StoreError::Refused`] when the schema is newer than this program can use, or of another program.
pub(super) async fn run(client: &mut Client) -> Result<(), StoreError> {
    let mut tries = 1;
    loop {
        match next(client).await {
            Ok(Progress::Step) => tries = 1,
            Ok(Progress::UpToDate) => return Ok(()),
            Err(fault) if fault.is_conflict() && tries < TRIES => {
                tracing::warn!(
                    "A step of the schema migration was interrupted by another transaction, and is tried again"
                );
                tries += 1;
            }
            Err(Fault::Sql(error)) => return Err(refused_or_lost(&error, "cannot bring the store up to date")),
            Err(fault) => return Err(fault.told()),
        }
    }
}

enum Progress {
    Step,
    UpToDate,
}

/// Takes the next step, if there is one.
async fn next(client: &mut Client) -> Result<Progress, Fault> {
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let version = usable(version_in(&transaction).await?)?;
    let Some(step) = MIGRATIONS.get(version) else {
        if version > MIGRATIONS.len() {
            tracing::info!("The store has schema version {version}, of a newer release that this one runs beside");
        }
        return Ok(Progress::UpToDate);
    };
    if version == 0 {
        transaction.batch_execute(VERSIONS).await?;
    }
    transaction.batch_execute(step.sql).await?;
    let next = i32::try_from(version + 1).unwrap_or(i32::MAX);
    let record = "INSERT INTO schema_version (version, usable_from) VALUES ($1, $2)";
    transaction.execute(record, &[&next, &step.usable_from]).await?;
    transaction.commit().await?;
    Ok(Progress::Step)
}

/// What is found where the schema should be.
#[derive(Clone, Copy)]
enum Found {
    /// Nothing.
    Nothing,
    /// Tables, none of which is ours.
    Another,
    /// Our schema, and the lowest version that a program must know in order to use it.
    Ours { version: i32, usable_from: i32 },
}

async fn version_in(client: &impl tokio_postgres::GenericClient) -> Result<Found, tokio_postgres::Error> {
    let sql = "SELECT to_regclass('schema_version') IS NOT NULL, EXISTS (SELECT 1 FROM pg_catalog.pg_tables \
        WHERE schemaname = current_schema())";
    let row = client.query_one(sql, &[]).await?;
    match (row.try_get(0)?, row.try_get(1)?) {
        (true, _) => {
            let sql = "SELECT coalesce(max(version), 0), coalesce(max(usable_from), 0) FROM schema_version";
            let row = client.query_one(sql, &[]).await?;
            Ok(Found::Ours { version: row.try_get(0)?, usable_from: row.try_get(1)? })
        }
        (false, true) => Ok(Found::Another),
        (false, false) => Ok(Found::Nothing),
    }
}

/// The version that is found, if this program can use it.
fn usable(found: Found) -> Result<usize, StoreError> {
    let count = MIGRATIONS.len();
    match found {
        Found::Nothing => Ok(0),
        Found::Another => Err(StoreError::Refused(
            "the database has tables of another program: give smsfactory a database of its own".to_owned(),
        )),
        Found::Ours { version, usable_from } => match (usize::try_from(version), usize::try_from(usable_from)) {
            (Ok(version), Ok(from)) if version <= count || from <= count => Ok(version),
            _ => Err(StoreError::Refused(format!(
                "the store has schema version {version}, and this program can use versions up to {count}: run the \
                 newer program"
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
    usable(found)
}
