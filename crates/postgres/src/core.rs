//! The connections, and the transactions on them.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use runtime::Runtime;

use super::calls::Calls;
pub(super) use super::calls::closed;
use super::fault::described;
use super::followed::Followed;
use super::readers::Readers;
use super::unreplicated::{Connections, Unreplicated};
use super::walking::Walking;
use super::weeks::Weeks;
use ledger::StoreError;
use ledger::contract::bounds::Bounds;
use ledger::contract::changes::tail::Tails;
use ledger::contract::health::CommitSample;
use ledger::contract::webhooks::EventBell;

/// How long a call may take altogether. A request that waits for a database which does not answer is refused within
/// this time.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

/// How many rows a page looks at.
const ROWS_PER_PAGE: usize = 5_000;

/// What all calls share.
pub(super) struct Core {
    pub(super) pool: Pool,
    pub(super) unreplicated: Arc<Unreplicated>,
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
    /// Whether the database had no room on its disk for something that was written, and no probe has found room since.
    pub(super) is_full: AtomicBool,
    /// How many calls this process had to write.
    written: AtomicU64,
    /// How many requests have begun here. The number tells each of them from the others of their epoch.
    requests: AtomicI64,
    rows_per_page: AtomicUsize,
    bounds: Mutex<Bounds>,
    observer: Mutex<Option<Observer>>,
    pub(super) calls: Calls,
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

impl Core {
    pub(super) fn new(connections: Connections, runtime: Arc<dyn Runtime>, clock: SharedClock) -> Arc<Self> {
        let Connections { pool, unreplicated } = connections;
        Arc::new(Self {
            pool,
            unreplicated,
            runtime,
            tails: Arc::default(),
            bell: EventBell::default(),
            weeks: Weeks::default(),
            walking: Walking::default(),
            is_full: AtomicBool::default(),
            written: AtomicU64::new(0),
            readers: Readers::default(),
            clock,
            followed: Followed::default(),
            publishing: tokio::sync::Mutex::default(),
            requests: AtomicI64::default(),
            rows_per_page: AtomicUsize::new(ROWS_PER_PAGE),
            bounds: Mutex::default(),
            observer: Mutex::default(),
            calls: Calls::default(),
        })
    }

    /// Notes that a transaction of so many calls is on disk, which took so long.
    pub(super) fn committed(&self, calls: usize, took: Duration) {
        self.written.fetch_add(calls as u64, Ordering::Relaxed);
        if let Some(observer) = &*self.observer.lock().unwrap_or_else(PoisonError::into_inner) {
            observer(CommitSample { group: calls, took });
        }
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
}

/// That the database did not answer in time.
pub(super) fn no_answer() -> StoreError {
    StoreError::Unavailable(format!("the database did not answer within {} s", DEADLINE.as_secs()))
}
