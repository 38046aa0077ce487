//! The one writer: a task that runs concurrent calls in one transaction and answers them after its commit.
//!
//! While a commit waits for the disk, calls queue up; the next transaction takes them all. Every call therefore costs a
//! share of an fsync, and none waits for a timer. A call reads before it writes, so that a refusal needs no rollback;
//! when SQLite itself fails, the whole group is rolled back and every call in it gets the error. The task blocks while
//! it commits: [`Runtime::spawn_thread`] decides where it runs.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use model::{Assignment, BroadcastId, Owner};
use runtime::{Ended, Runtime, Slot, Task};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::checkpoint::{Checkpointer, empty_now};
use super::event_logs::EventLogs;
use super::fault::{Fault, Poison, fail};
use super::feed::Feed;
use super::flights::Flights;
use super::keys::Keys;
use super::list_state::ListState;
use super::living::Living;
use super::lock::Lock;
use super::parked_load::Parked;
use super::store_error;
use super::text_rules::TextRules;
use ledger::StoreError;
use ledger::contract::bounds::Bounds;
use ledger::contract::changes::tail::Tails;
use ledger::contract::health::CommitSample;
use ledger::contract::webhooks::EventBell;
use ledger::daily::DailyTally;
use ledger::tally::Tally;

/// How many calls may wait for the writer; more wait for a place.
const QUEUE: usize = 8_192;

/// How many calls one transaction takes at most.
const GROUP_MAX: usize = 1_024;

/// After how many changed rows a transaction takes no further call, so that the calls that wait do not wait long, and
/// the log stays short.
const GROUP_ROWS_MAX: u64 = 10_000;

/// The calls' side of the writer.
pub(super) struct Writer {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    task: Mutex<Option<Task>>,
    observer: Observer,
    bounds: SharedBounds,
    poisoned: watch::Receiver<Option<StoreError>>,
}

type SharedBounds = Arc<Mutex<Bounds>>;
type Observer = Arc<Mutex<Option<Box<dyn Fn(CommitSample) + Send + Sync>>>>;

/// A call: its part of the transaction, and the caller, which gets its answer once the commit is known.
struct Job {
    part: Part,
    caller: Caller,
}

/// It leaves its result where its caller finds it.
type Part = Box<dyn FnOnce(&mut Group) -> Result<(), Fault> + Send>;
type Caller = oneshot::Sender<Result<(), StoreError>>;

/// The callers that get their answers after the commit, and these answers, if the commit succeeds.
type Answers = Vec<(Caller, Result<(), StoreError>)>;

impl Job {
    fn refuse(self, error: StoreError) {
        answer(self.caller, Err(error));
    }
}

/// A caller that no longer listens has gone away; its call has run all the same.
fn answer(caller: Caller, result: Result<(), StoreError>) {
    let _ = caller.send(result);
}

/// The transaction that calls run in, and what the writer knows without asking the file. Quota, tallies, counts by day,
/// the count of parked receipts, attempts under way, the changes, the count of the screen's decisions, the living
/// epochs, the rules for texts and the state of the index of lists are true of the transaction's state, and a rollback
/// forgets them or reads them again; the turns only say where to look first, and outlast it.
pub(super) struct Group {
    pub(super) connection: Connection,
    /// Quota used, by owner and day, where this process has looked; `true` where it is not written yet.
    pub(super) quota: BTreeMap<(Owner, i64), (u64, bool)>,
    /// Changed counts of broadcasts that are not written yet.
    pub(super) tallies: BTreeMap<BroadcastId, Tally>,
    /// Changed counts of messages by day that are not written yet.
    pub(super) daily: DailyTally,
    /// How many receipts are parked.
    pub(super) parked: Parked,
    /// Attempts under way, and the parked receipts that wait for their ends.
    pub(super) flights: Flights,
    /// How many decisions of the screen are kept of an owner, where this process has looked.
    pub(super) screened: BTreeMap<Owner, u64>,
    /// How many parked receipts and decisions may be kept.
    pub(super) bounds: Bounds,
    /// The account after which the next lease for each carrier begins, so that all have their turn.
    pub(super) turns: BTreeMap<Assignment, Vec<u8>>,
    /// Which epochs are not over.
    pub(super) living: Living,
    /// The keys that requests hold.
    pub(super) keys: Arc<Keys>,
    /// Which messages the index of lists has.
    pub(super) lists: ListState,
    /// Which texts go with the end of their message.
    pub(super) texts: TextRules,
    /// What this transaction changes, for those who follow.
    pub(super) feed: Feed,
    /// Whose events are logged, and those of this transaction.
    pub(super) events: EventLogs,
    /// Whether the log is to be emptied once this transaction is committed, and whether the last try emptied it.
    pub(super) log: Emptying,
    /// The lock on the file, which says whether that is still where it was.
    lock: Arc<Lock>,
    pub(super) runtime: Arc<dyn Runtime>,
    failed: Option<rusqlite::Error>,
}

/// The log is emptied on request, between two transactions.
#[derive(Default)]
pub(super) struct Emptying {
    pub(super) is_asked: bool,
    pub(super) is_done: bool,
}

impl Writer {
    /// Starts the writer and the copier of its log.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the file cannot be read or there is no thread.
    pub(super) fn start(
        connection: Connection,
        checkpointer: Connection,
        lock: Arc<Lock>,
        tails: Arc<Tails>,
        keys: Arc<Keys>,
        bell: EventBell,
        runtime: &Arc<dyn Runtime>,
    ) -> Result<Self, StoreError> {
        let no_thread =
            |error: std::io::Error| StoreError::Refused(format!("cannot start a thread for the store: {error}"));
        let unread = |error: rusqlite::Error| StoreError::Refused(format!("cannot read the store: {error}"));
        let group = Group::new(connection, lock, tails, keys, bell, Arc::clone(runtime)).map_err(unread)?;
        let (poison, poisoned) = watch::channel(None);
        let (observer, bounds) = (Observer::default(), SharedBounds::default());
        let checkpointer = Checkpointer::start(checkpointer, runtime, poison.clone()).map_err(no_thread)?;
        let rows = group.connection.total_changes();
        let writing =
            Writing { group, checkpointer, rows, observer: Arc::clone(&observer), bounds: Arc::clone(&bounds), poison };
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let task = runtime.spawn_thread("store-writer", Box::pin(writing.run(waiting))).map_err(no_thread)?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), task: Mutex::new(Some(task)), observer, bounds, poisoned })
    }

    /// Runs `job` in the next transaction; its result comes back once that is on disk.
    pub(super) async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Group) -> Result<T, Fault> + Send + 'static,
    {
        let (result, left) = Slot::pair();
        let part = move |group: &mut Group| {
            left.put(job(group)?);
            Ok(())
        };
        self.run(Box::new(part)).await?;
        result.take().ok_or_else(closed)
    }

    async fn run(&self, part: Part) -> Result<(), StoreError> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)?;
        let (caller, answered) = oneshot::channel();
        jobs.send(Job { part, caller }).await.map_err(|_| closed())?;
        match answered.await {
            Ok(result) => result,
            // The job was dropped without an answer: the writer panicked in it, or has ended.
            Err(_) => Err(self.failure().await.unwrap_or_else(closed)),
        }
    }

    /// Bounds what is kept by transactions that begin from now on.
    pub(super) fn keep_within(&self, bounds: Bounds) {
        *self.bounds.lock().unwrap_or_else(PoisonError::into_inner) = bounds;
    }

    /// Resolves when nothing may be promised any more; never, while all is well.
    pub(super) async fn failed(&self) -> StoreError {
        if let Some(failure) = self.failure().await {
            return failure;
        }
        if self.jobs.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return StoreError::Failed("the store's writer ended before its time".to_owned());
        }
        // The writer ended in order: there is nothing left to fail.
        std::future::pending().await
    }

    /// The store's failure, as soon as there is one; `None` once the writer has ended without.
    async fn failure(&self) -> Option<StoreError> {
        let mut poisoned = self.poisoned.clone();
        poisoned.wait_for(Option::is_some).await.ok()?.clone()
    }

    pub(super) fn observe(&self, observer: Box<dyn Fn(CommitSample) + Send + Sync>) {
        *self.observer.lock().unwrap_or_else(PoisonError::into_inner) = Some(observer);
    }

    /// Takes no more calls, finishes those that wait, and ends the tasks.
    pub(super) async fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // How it ended is known already: `failed` says so.
            let _ = task.ended().await;
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

/// The writer's side: what its task has.
struct Writing {
    group: Group,
    checkpointer: Checkpointer,
    /// Rows that the connection has changed, at the last commit.
    rows: u64,
    observer: Observer,
    bounds: SharedBounds,
    poison: Poison,
}

impl Writing {
    async fn run(mut self, mut waiting: mpsc::Receiver<Job>) {
        while let Some(first) = waiting.recv().await {
            let poisoned = self.poison.borrow().clone();
            if let Some(error) = poisoned {
                // What an fsync did not write may be gone for good, and a second fsync would not tell: promise nothing
                // more.
                first.refuse(error);
                continue;
            }
            let mut answers = Answers::new();
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.step(first, &mut waiting, &mut answers))) {
                let error = self.panicked(&Ended::by_panic(&*panic));
                answers.into_iter().for_each(|(caller, _)| answer(caller, Err(error.clone())));
            }
        }
        self.group.feed.close();
        self.checkpointer.finish(self.group.connection).await;
    }

    /// One group: its commit, and what follows from it.
    fn step(&mut self, first: Job, waiting: &mut mpsc::Receiver<Job>, answers: &mut Answers) {
        let began = self.group.runtime.instant();
        self.group.bounds = *self.bounds.lock().unwrap_or_else(PoisonError::into_inner);
        let (size, result) = self.group.commit(first, waiting, answers);
        match result {
            Ok(()) => {
                let sample = CommitSample { group: size, took: self.group.runtime.instant().duration_since(began) };
                if let Some(observer) = &*self.observer.lock().unwrap_or_else(PoisonError::into_inner) {
                    observer(sample);
                }
                let total = self.group.connection.total_changes();
                self.checkpointer.committed(total - self.rows, &self.group.connection);
                self.rows = total;
                if std::mem::take(&mut self.group.log.is_asked) {
                    self.group.log.is_done = empty_now(&self.group.connection);
                }
            }
            Err(error @ StoreError::Failed(_)) => fail(&self.poison, error),
            Err(error) => tracing::warn!(%error, "A transaction of {size} calls was rolled back: {error}"),
        }
    }

    /// A panic is a mistake of this program: what the writer knows may be half true from now on.
    fn panicked(&self, ended: &Ended) -> StoreError {
        // Fails when no transaction was open.
        let _ = self.group.connection.execute_batch("ROLLBACK");
        let error = StoreError::Failed(format!("the store's writer {ended}"));
        fail(&self.poison, error.clone());
        error
    }
}

impl Group {
    fn new(
        connection: Connection,
        lock: Arc<Lock>,
        tails: Arc<Tails>,
        keys: Arc<Keys>,
        bell: EventBell,
        runtime: Arc<dyn Runtime>,
    ) -> rusqlite::Result<Self> {
        let parked = Parked::load(&connection)?;
        let (quota, tallies, turns, screened) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (bounds, lists, texts) = (Bounds::default(), ListState::default(), TextRules::default());
        let (living, flights, feed) = (Living::default(), Flights::default(), Feed::load(&connection, tails)?);
        let mut group = Self {
            connection,
            quota,
            tallies,
            daily: DailyTally::default(),
            parked,
            screened,
            bounds,
            turns,
            living,
            keys,
            flights,
            lists,
            texts,
            feed,
            events: EventLogs::new(bell),
            log: Emptying::default(),
            lock,
            runtime,
            failed: None,
        };
        group.living.load(&group.connection)?;
        group.keys.set_living(group.living.epochs());
        group.lists.load(&group.connection)?;
        group.texts.load(&group.connection)?;
        group.events.load(&group.connection)?;
        Ok(group)
    }

    /// Runs `first` and the calls that wait behind it in one transaction, commits it, and answers them all. Returns how
    /// many there were. After a panic those that are not answered are in `answers`.
    fn commit(
        &mut self,
        first: Job,
        waiting: &mut mpsc::Receiver<Job>,
        answers: &mut Answers,
    ) -> (usize, Result<(), StoreError>) {
        if let Err(error) = self.execute("BEGIN IMMEDIATE") {
            // They have all waited as long as the first, and would wait as long again one after another.
            let mut refused = 0;
            for job in std::iter::once(first).chain(std::iter::from_fn(|| waiting.try_recv().ok())).take(GROUP_MAX) {
                job.refuse(error.clone());
                refused += 1;
            }
            return (refused, Err(error));
        }
        let rows = self.connection.total_changes();
        self.attempt(first, answers);
        while answers.len() < GROUP_MAX
            && self.failed.is_none()
            && self.connection.total_changes() - rows < GROUP_ROWS_MAX
        {
            let Ok(job) = waiting.try_recv() else { break };
            self.attempt(job, answers);
        }
        let result = self.finish();
        let size = answers.len();
        for (caller, done) in answers.drain(..) {
            answer(caller, result.clone().and(done));
        }
        (size, result)
    }

    fn attempt(&mut self, job: Job, answers: &mut Answers) {
        self.lists.calls += 1;
        let done = (job.part)(self).map_err(|fault| match fault {
            Fault::Told(refusal) => refusal,
            Fault::Sql(error) => {
                let told = store_error(&error);
                self.failed = Some(error);
                told
            }
        });
        answers.push((job.caller, done));
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
            self.forget()
                .map_err(|error| StoreError::Failed(format!("the state after a rollback cannot be read: {error}")))?;
        } else {
            self.parked.committed();
            if let Some(living) = self.living.changed() {
                self.keys.set_living(living);
            }
            // Before any call returns, so that the caller finds its changes in the tail.
            self.feed.publish();
            self.events.publish();
            self.flights.committed();
        }
        committed
    }

    fn write_group(&mut self) -> Result<(), StoreError> {
        self.write_quota()
            .and_then(|()| self.write_tallies())
            .and_then(|()| self.write_daily())
            .and_then(|()| self.write_changes())
            .and_then(|()| self.events.write(&self.connection))
            .map_err(|error| store_error(&error))?;
        self.execute("COMMIT")
    }

    /// Forgets what was known of a transaction that is gone.
    fn forget(&mut self) -> rusqlite::Result<()> {
        self.quota.clear();
        self.tallies.clear();
        self.daily = DailyTally::default();
        self.parked.rolled_back();
        self.flights.rolled_back();
        self.screened.clear();
        self.living.load(&self.connection)?;
        self.feed.reload(&self.connection)?;
        self.texts.load(&self.connection)?;
        self.events.load(&self.connection)?;
        self.lists.load(&self.connection)
    }

    fn execute(&self, sql: &str) -> Result<(), StoreError> {
        let run = || self.connection.prepare_cached(sql)?.execute([]);
        run().map(drop).map_err(|error| store_error(&error))
    }
}

#[cfg(test)]
mod tests;
