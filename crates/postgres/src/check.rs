//! A look at a database: whether it can be used, and what about it would break a promise.

mod clock;
mod pooler;

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use model::Timestamp;
use runtime::Runtime;
use tokio_postgres::Client;

use super::connect::Place;
use super::core::{Core, SharedClock};
use super::fault::{described, refused_or_lost};
use super::{Postgres, copying, migrations};
use ledger::contract::dispatch::QueueDepth;
use ledger::{Checked, Dispatch, Health, Standing, StoreError};

use super::server::Server;

/// How long a look may take altogether.
const DEADLINE: Duration = Duration::from_secs(15);

impl Postgres {
    /// Whether `url` is one of a database of PostgreSQL.
    pub fn is_named_by(url: &str) -> bool {
        url.starts_with("postgres://") || url.starts_with("postgresql://")
    }

    /// Refuses a URL that is not understood.
    pub fn understand(url: &str) -> Result<(), StoreError> {
        Place::parse(url).map(drop)
    }

    /// Looks at the database that `url` names, tries whether it can be written, and leaves everything as it was.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn check(url: &str, runtime: Arc<dyn Runtime>) -> Result<Checked, StoreError> {
        in_time(&runtime, look(url, &runtime)).await
    }

    /// What waits for each carrier, in no order; nothing in a database without tables. Leaves everything as it was.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn waiting(url: &str, runtime: Arc<dyn Runtime>) -> Result<Vec<QueueDepth>, StoreError> {
        let connections = Place::parse(url)?.connections()?;
        if in_time(&runtime, version(&connections.pool)).await? == 0 {
            return Ok(Vec::new());
        }
        let store = Self::on(Core::new(connections, runtime, SharedClock::Database));
        let depths = store.queue_depths().await;
        store.close().await;
        depths
    }

    /// How the store stands at `now`; as a new one in a database without tables. Leaves everything as it was.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn standing(url: &str, now: Timestamp, runtime: Arc<dyn Runtime>) -> Result<Standing, StoreError> {
        let connections = Place::parse(url)?.connections()?;
        if in_time(&runtime, version(&connections.pool)).await? == 0 {
            return Ok(Standing::default());
        }
        let store = Self::on(Core::new(connections, runtime, SharedClock::Database));
        let standing = store.look_at_standing(now).await;
        store.close().await;
        standing
    }

    /// Whether the database has no tables of a store.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn is_new(url: &str, runtime: Arc<dyn Runtime>) -> Result<bool, StoreError> {
        let pool = Place::parse(url)?.connections()?.pool;
        Ok(in_time(&runtime, version(&pool)).await? == 0)
    }
}

async fn in_time<T>(
    runtime: &Arc<dyn Runtime>,
    look: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let no_answer = || StoreError::Unavailable(format!("the database did not answer within {} s", DEADLINE.as_secs()));
    runtime.timeout(DEADLINE, look).await.unwrap_or_else(|_| Err(no_answer()))
}

async fn connection(pool: &Pool) -> Result<Object, StoreError> {
    pool.get().await.map_err(|error| StoreError::Unavailable(described(&error)))
}

async fn version(pool: &Pool) -> Result<usize, StoreError> {
    migrations::version(&*connection(pool).await?).await
}

async fn look(url: &str, runtime: &Arc<dyn Runtime>) -> Result<Checked, StoreError> {
    let place = Place::parse(url)?;
    let pool = place.connections()?.pool;
    let client = connection(&pool).await?;
    let server = Server::ask(&client).await?;
    server.require_usable()?;
    let version = migrations::version(&client).await?;
    copying::refuse_unfinished(&client).await?;
    try_writing(&client, version).await?;
    let mut warnings = server.warnings();
    warnings.extend(pooler::look(&client, &*connection(&pool).await?).await?);
    warnings.extend(clock::look(&client, runtime).await?);
    let state = match version {
        0 => "has no tables yet, which will be made".to_owned(),
        version => format!("has schema version {version}"),
    };
    Ok(Checked { found: format!("{place} {state} (PostgreSQL {})", server.version), warnings })
}

/// Writes, and takes it back.
async fn try_writing(client: &Client, version: usize) -> Result<(), StoreError> {
    let write = if version == 0 { "CREATE TABLE smsfactory_trial (id bigint)" } else { "UPDATE probe SET at = at" };
    let written = client.batch_execute(&format!("BEGIN; {write}")).await;
    let taken_back = client.batch_execute("ROLLBACK").await;
    written.and(taken_back).map_err(|error| refused_or_lost(&error, "the database cannot be written"))
}
