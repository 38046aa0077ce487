//! A unit of work: one transaction, and what it changes for those who follow.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deadpool_postgres::Object;
use model::{BroadcastId, Owner, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::core::{Core, SharedClock};
use super::fault::Fault;
use super::rows;
use ledger::StoreError;
use ledger::contract::changes::{Change, Resource};
use ledger::daily::DailyTally;
use ledger::life::NewEvent;
use ledger::tally::Tally;

/// What a transaction does until its result is there. It is boxed for the compiler: that would prove again in each
/// function that the futures of the database's library can be sent between threads, and needed ten seconds for it.
pub(super) type Doing<'u, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'u>>;

/// The parameters of a statement.
pub(super) type Values<'v> = &'v [&'v (dyn ToSql + Sync)];

/// A transaction. It begins with its first statement: both are sent together. One that is dropped before its end takes
/// its connection with it, which ends it.
pub(super) struct Unit {
    pub(super) core: Arc<Core>,
    connection: Option<Object>,
    /// The statement that begins it.
    begin: &'static str,
    has_begun: AtomicBool,
    /// Events of the lives of messages, which are written before the commit.
    pub(super) events: Vec<NewEvent>,
    /// Changed counts of broadcasts, likewise.
    pub(super) tallies: BTreeMap<BroadcastId, Tally>,
    /// Changed counts of messages by day, likewise.
    pub(super) daily: DailyTally,
    /// The changes, likewise; they are given to those who follow after the commit.
    pub(super) noted: Vec<Change>,
    /// The logs of events that this transaction adds to, with their ends: the bell rings for them after the commit.
    pub(super) ends: BTreeMap<Owner, u64>,
}

impl Unit {
    pub(super) fn begin(core: Arc<Core>, connection: Object) -> Self {
        Self::begin_with(core, connection, "BEGIN")
    }

    pub(super) fn begin_reading(core: Arc<Core>, connection: Object) -> Self {
        Self::begin_with(core, connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }

    fn begin_with(core: Arc<Core>, connection: Object, begin: &'static str) -> Self {
        let (connection, has_begun) = (Some(connection), AtomicBool::new(false));
        let (events, noted) = (Vec::new(), Vec::new());
        let (tallies, daily, ends) = (BTreeMap::new(), DailyTally::default(), BTreeMap::new());
        Self { core, connection, begin, has_begun, events, tallies, daily, noted, ends }
    }

    fn held(&self) -> Result<&Object, Fault> {
        self.connection.as_ref().ok_or_else(|| Fault::Broken("the transaction is over".to_owned()))
    }

    /// The connection, for statements that are sent together in an order. The transaction has begun.
    pub(super) async fn connection(&self) -> Result<&Object, Fault> {
        self.after_begin(std::future::ready(Ok(()))).await?;
        self.held()
    }

    /// What a statement comes to, with the beginning sent ahead of it where it is the first.
    async fn after_begin<T>(
        &self,
        statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Fault> {
        if self.has_begun.swap(true, Ordering::Relaxed) {
            return Ok(statement.await?);
        }
        let begin = self.held()?.batch_execute(self.begin);
        let (begun, done) = tokio::join!(biased; begin, statement);
        begun?;
        Ok(done?)
    }

    /// The rows of a statement. Statements that are awaited together are sent together:
    /// in the order in which they stand, so that the first that fails is heard first (`biased`).
    pub(super) fn query<'u>(&'u self, sql: &'u str, values: Values<'u>) -> Doing<'u, Vec<Row>> {
        Box::pin(async move {
            let connection = self.held()?;
            let statement = connection.prepare_cached(sql).await?;
            self.after_begin(connection.query(&statement, values)).await
        })
    }

    /// The first row of a statement that has one at most.
    pub(super) async fn find(&self, sql: &str, values: Values<'_>) -> Result<Option<Row>, Fault> {
        Ok(self.query(sql, values).await?.into_iter().next())
    }

    /// The row of a statement that always has one.
    pub(super) async fn one(&self, sql: &str, values: Values<'_>) -> Result<Row, Fault> {
        self.find(sql, values).await?.ok_or_else(|| Fault::Broken(format!("no row: {sql}")))
    }

    /// Runs a statement. Returns how many rows it changed.
    pub(super) fn execute<'u>(&'u self, sql: &'u str, values: Values<'u>) -> Doing<'u, u64> {
        Box::pin(async move {
            let connection = self.held()?;
            let statement = connection.prepare_cached(sql).await?;
            self.after_begin(connection.execute(&statement, values)).await
        })
    }

    /// Prepares a statement, so that the next use of it is sent at once.
    pub(super) async fn prepare(&self, sql: &str) -> Result<(), Fault> {
        self.held()?.prepare_cached(sql).await?;
        Ok(())
    }

    /// Runs statements that are not worth keeping prepared.
    pub(super) async fn run(&self, sql: &str) -> Result<(), Fault> {
        self.after_begin(self.held()?.batch_execute(sql)).await
    }

    /// The present moment by the clock that all nodes share, in place of the caller's.
    pub(super) async fn shared_now(&self, callers: Timestamp) -> Result<Timestamp, Fault> {
        match self.core.clock {
            SharedClock::Callers => Ok(callers),
            SharedClock::Database => {
                let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
                let row = self.one(sql, &[]).await?;
                rows::time(&row, 0)
            }
        }
    }

    /// Adds an event to the life of a message.
    pub(super) fn add_event(&mut self, event: NewEvent) {
        self.events.push(event);
    }

    /// The changes of a broadcast's counts.
    pub(super) fn tally(&mut self, broadcast: BroadcastId) -> &mut Tally {
        self.tallies.entry(broadcast).or_default()
    }

    /// Notes a change that this transaction makes. Those who follow get it once it is committed, and never otherwise.
    pub(super) fn note(&mut self, at: Timestamp, owner: Option<Owner>, resource: Resource) {
        self.noted.push(Change { position: None, at, owner, resource });
    }

    fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    /// Commits what was written. What was noted is to be written before ([`super::commit`]). A commit that did not wait
    /// for the standby is of unknown outcome, as one whose answer is lost.
    pub(super) async fn end(mut self) -> Result<(), Fault> {
        let Some(connection) = self.connection.take().filter(|_| self.has_begun()) else { return Ok(()) };
        let unreplicated = self.core.unreplicated.count();
        match connection.batch_execute("COMMIT").await {
            Ok(()) if self.core.unreplicated.count() == unreplicated => Ok(()),
            Ok(()) => Err(Fault::Told(StoreError::Unavailable(
                "a standby may lack what was committed: the wait for it was cancelled".to_owned(),
            ))),
            Err(error) => {
                drop(Object::take(connection));
                Err(error.into())
            }
        }
    }

    /// Gives everything up. A connection on which that fails is closed.
    pub(super) async fn roll_back(mut self) {
        if let Some(connection) = self.connection.take()
            && self.has_begun()
            && connection.batch_execute("ROLLBACK").await.is_err()
        {
            drop(Object::take(connection));
        }
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && self.has_begun()
        {
            drop(Object::take(connection));
        }
    }
}
