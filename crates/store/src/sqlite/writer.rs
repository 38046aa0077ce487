//! The one writer: a thread that runs concurrent calls in one transaction and answers them after its commit.
//!
//! While a commit waits for the disk, calls queue up; the next transaction takes them all. Every call therefore costs a share of an fsync, and none
//! waits for a timer. A call reads before it writes, so that a refusal needs no rollback; when SQLite itself fails, the whole group is rolled back and every
//! call in it is told so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use model::{BroadcastId, Owner};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::checkpoint::Checkpointer;
use super::flights::Flights;
use super::lists::ListState;
use super::lock::Lock;
use super::parked::Parked;
use super::store_error;
use super::tally::Tally;
use crate::StoreError;
use crate::contract::bounds::Bounds;
use crate::contract::health::CommitSample;

/// How many calls may wait for the writer; more wait for a place.
const QUEUE: usize = 8_192;

/// How many calls one transaction takes at most.
const GROUP_MAX: usize = 1_024;

/// After how many changed rows a transaction takes no further call, so that the calls that wait do not wait long, and the log stays short.
const GROUP_ROWS_MAX: u64 = 10_000;

/// The calls' side of the writer thread.
pub(super) struct Writer {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    observer: Observer,
    bounds: SharedBounds,
    poisoned: watch::Receiver<Option<StoreError>>,
}

type SharedBounds = Arc<Mutex<Bounds>>;
type Observer = Arc<Mutex<Option<Box<dyn Fn(CommitSample) + Send + Sync>>>>;

/// A call: it does its part of the transaction, and leaves behind how to answer once the commit is known.
/// Without a group it does nothing and can only be answered with a refusal.
type Job = Box<dyn FnOnce(Option<&mut Group>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Why a call did not do what it was asked.
pub(super) enum Fault {
    /// SQLite failed: the group is rolled back.
    Sql(rusqlite::Error),
    /// The call was refused before it wrote anything.
    Told(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// The transaction that calls run in, and what the writer knows without asking the file. Quota, tallies, the count of parked receipts, attempts under way, the
/// count of the screen's decisions and the state of the index of lists are true of the transaction's state, and a rollback forgets them or reads them again;
/// the turns only say where to look first, and outlast it.
pub(super) struct Group {
    pub(super) connection: Connection,
    /// Quota used, by owner and day, where this process has looked; `true` where it is not written yet.
    pub(super) quota: HashMap<(Owner, i64), (u64, bool)>,
    /// Changed counts of broadcasts that are not written yet.
    pub(super) tallies: HashMap<BroadcastId, Tally>,
    /// How many receipts are parked.
    pub(super) parked: Parked,
    /// Attempts under way, and the parked receipts that wait for their ends.
    pub(super) flights: Flights,
    /// How many decisions of the screen are kept of an owner, where this process has looked.
    pub(super) screened: HashMap<Owner, u64>,
    /// How many parked receipts and decisions may be kept.
    pub(super) bounds: Bounds,
    /// The account after which each carrier's next lease begins, so that all have their turn.
    pub(super) turns: HashMap<String, Vec<u8>>,
    /// Which messages the index of lists has.
    pub(super) lists: ListState,
    /// The lock on the file, which says whether that is still where it was.
    lock: Arc<Lock>,
    failed: Option<rusqlite::Error>,
}

impl Writer {
    pub(super) fn start(connection: Connection, checkpointer: Connection, lock: Arc<Lock>) -> rusqlite::Result<Self> {
        let (parked, bounds) = (Parked::load(&connection)?, SharedBounds::default());
        let (quota, tallies, turns, screened, flights) = (HashMap::new(), HashMap::new(), HashMap::new(), HashMap::new(), Flights::default());
        let mut group =
            Group { connection, quota, tallies, parked, flights, screened, bounds: Bounds::default(), turns, lists: ListState::default(), lock, failed: None };
        group.lists.load(&group.connection)?;
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let observer = Observer::default();
        let (observed, bounded) = (Arc::clone(&observer), Arc::clone(&bounds));
        let no_thread = |error: std::io::Error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
        let checkpointer = Checkpointer::start(checkpointer).map_err(no_thread)?;
        let (poison, poisoned) = watch::channel(None);
        let run = move || run(group, checkpointer, waiting, &observed, &bounded, &poison);
        let thread = std::thread::Builder::new().name("store-writer".to_owned()).spawn(run).map_err(no_thread)?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)), observer, bounds, poisoned })
    }

    /// Runs `job` in the next transaction; its result comes back once that is on disk.
    pub(super) async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Group) -> Result<T, Fault> + Send + 'static,
    {
        let closed = || StoreError::Unavailable("the store is closed".to_owned());
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)?;
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |group| {
            let done = match group {
                Some(group) => group.attempt(job),
                None => Err(StoreError::Unavailable("the call was not tried".to_owned())),
            };
            // A caller that no longer listens has gone away; what it asked for is done all the same.
            Box::new(move |committed| drop(sender.send(committed.and(done))))
        });
        jobs.send(job).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Bounds what is kept by transactions that begin from now on.
    pub(super) fn keep_within(&self, bounds: Bounds) {
        *self.bounds.lock().unwrap_or_else(PoisonError::into_inner) = bounds;
    }

    /// Resolves when nothing may be promised any more; never, while all is well.
    pub(super) async fn failed(&self) -> StoreError {
        let mut poisoned = self.poisoned.clone();
        if let Ok(error) = poisoned.wait_for(Option::is_some).await
            && let Some(error) = &*error
        {
            return error.clone();
        }
        // The writer ended in order: there is nothing left to fail.
        std::future::pending().await
    }

    pub(super) fn observe(&self, observer: Box<dyn Fn(CommitSample) + Send + Sync>) {
        *self.observer.lock().unwrap_or_else(PoisonError::into_inner) = Some(observer);
    }

    /// Takes no more calls, finishes those that wait, and ends the threads.
    pub(super) async fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

fn run(
    mut group: Group,
    mut checkpointer: Checkpointer,
    mut waiting: mpsc::Receiver<Job>,
    observer: &Observer,
    bounds: &SharedBounds,
    poison: &watch::Sender<Option<StoreError>>,
) {
    let mut rows = group.connection.total_changes();
    while let Some(first) = waiting.blocking_recv() {
        let poisoned = poison.borrow().clone();
        if let Some(error) = poisoned {
            // What an fsync did not write may be gone for good, and a second fsync would not tell: promise nothing more.
            first(None)(Err(error));
            continue;
        }
        let began = Instant::now();
        group.bounds = *bounds.lock().unwrap_or_else(PoisonError::into_inner);
        let (size, result) = group.commit(first, &mut waiting);
        match result {
            Ok(()) => {
                let sample = CommitSample { group: size, took: began.elapsed() };
                if let Some(observer) = &*observer.lock().unwrap_or_else(PoisonError::into_inner) {
                    observer(sample);
                }
                let total = group.connection.total_changes();
                checkpointer.committed(total - rows, &group.connection);
                rows = total;
            }
            Err(error @ StoreError::Failed(_)) => {
                tracing::error!(%error, "The store failed and takes nothing more until the process is started again: {error}");
                poison.send_replace(Some(error));
            }
            Err(error) => tracing::warn!(%error, "A transaction of {size} calls was rolled back: {error}"),
        }
    }
    checkpointer.finish(&group.connection);
}

impl Group {
    /// Runs `first` and the calls that wait behind it in one transaction, commits it, and answers them all. Returns how many there were.
    fn commit(&mut self, first: Job, waiting: &mut mpsc::Receiver<Job>) -> (usize, Result<(), StoreError>) {
        if let Err(error) = self.execute("BEGIN IMMEDIATE") {
            // They have all waited as long as the first, and would wait as long again one after another.
            let mut refused = 0;
            for job in std::iter::once(first).chain(std::iter::from_fn(|| waiting.try_recv().ok())).take(GROUP_MAX) {
                job(None)(Err(error.clone()));
                refused += 1;
            }
            return (refused, Err(error));
        }
        let rows = self.connection.total_changes();
        let mut answers = vec![first(Some(self))];
        while answers.len() < GROUP_MAX && self.failed.is_none() && self.connection.total_changes() - rows < GROUP_ROWS_MAX {
            let Ok(job) = waiting.try_recv() else { break };
            answers.push(job(Some(self)));
        }
        let result = self.finish();
        let size = answers.len();
        for answer in answers {
            answer(result.clone());
        }
        (size, result)
    }

    fn attempt<T>(&mut self, job: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, StoreError> {
        self.lists.calls += 1;
        match job(self) {
            Ok(value) => Ok(value),
            Err(Fault::Told(refusal)) => Err(refusal),
            Err(Fault::Sql(error)) => {
                let told = store_error(&error);
                self.failed = Some(error);
                Err(told)
            }
        }
    }

    /// Commits, or rolls back where a call or the commit failed.
    fn finish(&mut self) -> Result<(), StoreError> {
        let committed = match self.failed.take() {
            Some(error) => Err(store_error(&error)),
            // One look at the file's name for each commit.
            None => self.lock.require_in_place().and_then(|()| self.write_group()),
        };
        if committed.is_err() {
            // Fails when SQLite has rolled back by itself already.
            let _ = self.connection.execute_batch("ROLLBACK");
            // Whatever the reason, the writer would go on with the state of a transaction that is gone.
            self.forget().map_err(|error| StoreError::Failed(format!("the state after a rollback cannot be read: {error}")))?;
        } else {
            self.parked.committed();
            self.flights.committed();
        }
        committed
    }

    fn write_group(&mut self) -> Result<(), StoreError> {
        self.write_quota().and_then(|()| self.write_tallies()).map_err(|error| store_error(&error))?;
        self.execute("COMMIT")
    }

    /// Forgets what was known of a transaction that is gone.
    fn forget(&mut self) -> rusqlite::Result<()> {
        self.quota.clear();
        self.tallies.clear();
        self.parked.rolled_back();
        self.flights.rolled_back();
        self.screened.clear();
        self.lists.load(&self.connection)
    }

    fn execute(&self, sql: &str) -> Result<(), StoreError> {
        let run = || self.connection.prepare_cached(sql)?.execute([]);
        run().map(drop).map_err(|error| store_error(&error))
    }
}
