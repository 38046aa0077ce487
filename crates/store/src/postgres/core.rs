//! The connections, and the transactions on them.

use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use runtime::Runtime;

use super::calls::Calls;
pub(super) use super::calls::closed;
use super::fault::{Fault, described};
use super::follow::Followed;
use super::lists;
use super::readers::Readers;
use super::retention::Walking;
use super::unit::Unit;
use super::weeks::Weeks;
use crate::StoreError;
use crate::contract::bounds::Bounds;
use crate::contract::changes::tail::Tails;
use crate::contract::health::CommitSample;
use crate::contract::webhooks::EventBell;

/// How long a call may take altogether. A request that waits for a database which does not answer is refused within
/// this time.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

/// How often a transaction is tried that PostgreSQL ends for the sake of others.
const TRIES: usize = 20;

/// What all calls share.
pub(super) struct Core {
    pub(super) pool: Pool,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) tails: Arc<Tails>,
    pub(super) bell: EventBell,
    pub(super) weeks: Weeks,
    /// How far walks through old things have come.
    pub(super) walking: Walking,
    pub(super) readers: Readers,
    /// Which clock says whether an epoch or a window is over.
    pub(super) clock: SharedClock,
    /// How far this process has told what all nodes do.
    pub(super) followed: Followed,
    /// Held from a commit until its changes are given to the tails, so that they come in the order of commits.
    pub(super) publishing: tokio::sync::Mutex<()>,
    /// How many calls this process had to write.
    written: AtomicU64,
    /// How many requests have begun here. The number tells each of them from the others of their epoch.
    requests: AtomicI64,
    rows_per_page: AtomicUsize,
    bounds: Mutex<Bounds>,
    observer: Mutex<Option<Observer>>,
    calls: Calls,
}

type Observer = Box<dyn Fn(CommitSample) + Send + Sync>;

/// Which clock says whether an epoch or a window is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SharedClock {
    /// The database's, which all nodes share.
    Database,
    /// The caller's, as each call gives it: for tests, whose time stands still.
    Callers,
}

/// What a transaction does until its result is there.
pub(super) type Doing<'u, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'u>>;

/// Work on an input within a transaction. It may run several times.
pub(super) trait Work<A, T>: for<'u> Fn(&'u mut Unit, &'u A) -> Doing<'u, T> {}
impl<A, T, F: for<'u> Fn(&'u mut Unit, &'u A) -> Doing<'u, T>> Work<A, T> for F {}

/// A look at what is there.
pub(super) trait Look<A, T>: for<'u> Fn(&'u Unit, &'u A) -> Doing<'u, T> {}
impl<A, T, F: for<'u> Fn(&'u Unit, &'u A) -> Doing<'u, T>> Look<A, T> for F {}

impl Core {
    pub(super) fn new(pool: Pool, runtime: Arc<dyn Runtime>, clock: SharedClock) -> Arc<Self> {
        Arc::new(Self {
            pool,
            runtime,
            tails: Arc::default(),
            bell: EventBell::default(),
            weeks: Weeks::default(),
            walking: Walking::default(),
            written: AtomicU64::new(0),
            readers: Readers::default(),
            clock,
            followed: Followed::default(),
            publishing: tokio::sync::Mutex::default(),
            requests: AtomicI64::default(),
            rows_per_page: AtomicUsize::new(lists::ROWS_PER_PAGE),
            bounds: Mutex::default(),
            observer: Mutex::default(),
            calls: Calls::default(),
        })
    }

    /// Runs `work` on `input` in a transaction and commits it; the changes that it noted are then given to those who
    /// follow. Where PostgreSQL ends the transaction for the sake of another one, `work` runs again from its beginning.
    pub(super) async fn write<A, T>(self: &Arc<Self>, input: A, work: impl Work<A, T>) -> Result<T, StoreError> {
        self.write_group(1, input, work).await.map_err(Fault::told)
    }

    /// As [`Self::write`], for so many calls that share the transaction. The fault says whether it is that of one of them.
    pub(super) async fn write_group<A, T>(
        self: &Arc<Self>,
        calls: usize,
        input: A,
        work: impl Work<A, T>,
    ) -> Result<T, Fault> {
        let _call = self.calls.begin()?;
        let began = self.runtime.instant();
        let done = self.runtime.timeout(DEADLINE, self.tried(&input, &work)).await;
        let done = done.unwrap_or_else(|_| Err(Fault::Told(no_answer())))?;
        self.written.fetch_add(calls as u64, Ordering::Relaxed);
        if let Some(observer) = &*self.observer.lock().unwrap_or_else(PoisonError::into_inner) {
            observer(CommitSample { group: calls, took: self.runtime.instant().duration_since(began) });
        }
        Ok(done)
    }

    async fn tried<A, T>(self: &Arc<Self>, input: &A, work: &impl Work<A, T>) -> Result<T, Fault> {
        let (mut tries, mut has_made_room) = (0, false);
        loop {
            tries += 1;
            match self.transaction(input, work).await {
                Err(fault) if fault.is_conflict() && tries < TRIES => {
                    tracing::debug!("A transaction gives way to another one and is tried again");
                }
                // Another node has removed a week that this one remembers.
                Err(fault) if fault.lacks_room() && !has_made_room => {
                    has_made_room = true;
                    self.make_room_again().await?;
                }
                Err(Fault::NoRoom(id)) if tries < TRIES => self.make_room([id]).await?,
                ended => return ended,
            }
        }
    }

    async fn transaction<A, T>(self: &Arc<Self>, input: &A, work: &impl Work<A, T>) -> Result<T, Fault> {
        let mut unit = Unit::begin(Arc::clone(self), self.connection().await?).await?;
        match work(&mut unit, input).await {
            Ok(done) => {
                unit.commit().await?;
                Ok(done)
            }
            Err(fault) if fault.is_of_a_standby() => {
                // Connections to what was the primary are of no use. The next ones are made anew, to where it is now.
                drop(unit);
                self.pool.retain(|_, _| false);
                Err(fault)
            }
            Err(fault) => {
                unit.roll_back().await;
                Err(fault)
            }
        }
    }

    /// Runs `look` in a transaction that only reads, all of whose statements see the same state.
    pub(super) async fn read<A, T>(self: &Arc<Self>, input: A, look: impl Look<A, T>) -> Result<T, StoreError> {
        let _call = self.calls.begin()?;
        let reading = async {
            let unit = Unit::begin_reading(Arc::clone(self), self.connection().await?).await?;
            let seen = look(&unit, &input).await;
            unit.roll_back().await;
            seen
        };
        let seen = self.runtime.timeout(DEADLINE, reading).await;
        seen.unwrap_or_else(|_| Err(Fault::Told(no_answer()))).map_err(Fault::told)
    }

    /// A connection out of the pool.
    pub(super) async fn connection(&self) -> Result<Object, StoreError> {
        if self.is_closed() {
            return Err(closed());
        }
        self.pool.get().await.map_err(|error| match self.is_closed() {
            true => closed(),
            false => StoreError::Unavailable(described(&error)),
        })
    }

    /// How many calls this process had to write until now.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// The number of a request that begins.
    pub(super) fn next_request(&self) -> i64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// How many rows a page of messages looks at.
    pub(super) fn rows_per_page(&self) -> usize {
        self.rows_per_page.load(Ordering::Relaxed)
    }

    pub(super) fn look_at(&self, rows_per_page: usize) {
        self.rows_per_page.store(rows_per_page, Ordering::Relaxed);
    }

    /// What is kept at most.
    pub(super) fn bounds(&self) -> Bounds {
        *self.bounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn keep_within(&self, bounds: Bounds) {
        *self.bounds.lock().unwrap_or_else(PoisonError::into_inner) = bounds;
    }

    pub(super) fn observe(&self, observer: Observer) {
        *self.observer.lock().unwrap_or_else(PoisonError::into_inner) = Some(observer);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.calls.is_closed()
    }

    /// Takes no more calls, and resolves when those that have begun are over.
    pub(super) async fn close(&self) {
        self.calls.close();
        self.readers.close();
        self.pool.close();
        self.calls.ended().await;
        self.tails.close();
    }

    /// Resolves once no more calls are taken.
    pub(super) async fn closed(&self) {
        self.calls.closed().await;
    }
}

/// That the database did not answer in time.
pub(super) fn no_answer() -> StoreError {
    StoreError::Unavailable(format!("the database did not answer within {} s", DEADLINE.as_secs()))
}
