//! The executor: one thread, on which a seed decides everything that chance decides elsewhere.
//!
//! Of the tasks that are ready the seed chooses the one that is polled next. Time stands still while any task is ready,
//! and then jumps to the next timer. Tasks belong to a [`ProcessId`]; killing a process drops all of its tasks between
//! two steps. [`ProcessRuntime`] is what the program sees of this.

mod process;
mod sleep;
mod task;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use model::Timestamp;
use runtime::{Ended, Task, Work};

use crate::chance::Chance;
pub use process::ProcessRuntime;
use task::{End, Ready, TaskWaker};

/// A process of the simulated world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u64);

impl ProcessId {
    /// All that is outside of the program: clients, carriers, operators and faults.
    pub const WORLD: Self = Self(0);
}

/// Why a simulation stopped before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// Every task waits for another one.
    Deadlock,
    /// It took more steps than any scenario needs: some task is always ready.
    TooManySteps,
}

/// The executor.
#[derive(Clone)]
pub struct Executor(Arc<Shared>);

pub(crate) struct Shared {
    epoch: Instant,
    /// The wall clock's time at the beginning.
    began_at: Timestamp,
    ready: Arc<Ready>,
    state: Mutex<State>,
}

struct State {
    now: Duration,
    /// How far the wall clock was set from where it would be.
    wall_ms: i64,
    tasks: BTreeMap<u64, Slot>,
    timers: BTreeMap<(Duration, u64), Waker>,
    next_id: u64,
    living: BTreeSet<ProcessId>,
    doomed: BTreeSet<ProcessId>,
    /// Processes that stand still, each with its tasks that are ready.
    still: BTreeMap<ProcessId, Vec<u64>>,
    slowness: Slowness,
    chance: Chance,
    digest: u64,
    steps: u64,
    panics: Vec<String>,
    is_traced: bool,
}

/// How long work beside the tasks takes: the disk and the processor.
#[derive(Clone, Copy, Debug)]
pub struct Slowness {
    /// The longest usual time, in microseconds.
    pub usual_us: u64,
    /// How many times of a thousand it takes long.
    pub long_permille: u64,
    /// The longest time then.
    pub long: Duration,
}

struct Slot {
    name: &'static str,
    process: ProcessId,
    /// Whether the seed seldom chooses this one: the others overtake it.
    is_lazy: bool,
    /// Not there while it is polled.
    work: Option<Work>,
    waker: Arc<TaskWaker>,
    end: Arc<End>,
}

impl Executor {
    /// An executor whose choices follow from `chance`.
    pub fn new(chance: Chance, began_at: Timestamp, is_traced: bool) -> Self {
        let state = State {
            now: Duration::ZERO,
            wall_ms: 0,
            tasks: BTreeMap::new(),
            timers: BTreeMap::new(),
            next_id: 1,
            living: BTreeSet::from([ProcessId::WORLD]),
            doomed: BTreeSet::new(),
            still: BTreeMap::new(),
            slowness: Slowness { usual_us: 400, long_permille: 0, long: Duration::ZERO },
            chance,
            digest: 0xCBF2_9CE4_8422_2325,
            steps: 0,
            panics: Vec::new(),
            is_traced,
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "an `Instant` is made in no other way; only differences from it are ever looked at"
        )]
        let epoch = Instant::now();
        Self(Arc::new(Shared { epoch, began_at, ready: Arc::default(), state: Mutex::new(state) }))
    }

    /// The runtime of a new process, which lives from now on.
    pub fn process(&self, id: ProcessId) -> Arc<ProcessRuntime> {
        self.0.lock().living.insert(id);
        Arc::new(ProcessRuntime::new(Arc::clone(&self.0), id))
    }

    /// Runs until `task` has ended.
    ///
    /// # Errors
    /// [`Stuck`] when it does not.
    pub fn run(&self, task: &mut Task, steps_max: u64) -> Result<Result<(), Ended>, Stuck> {
        let woken = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut waits = std::pin::pin!(task.wait());
        loop {
            if woken.0.swap(false, Ordering::SeqCst)
                && let Poll::Ready(ended) = waits.as_mut().poll(&mut Context::from_waker(&waker))
            {
                return Ok(ended);
            }
            self.bury();
            if self.0.lock().steps > steps_max {
                return Err(Stuck::TooManySteps);
            }
            if self.0.is_due() {
                self.0.jump();
            }
            if !self.step() && !self.0.jump() {
                return Err(Stuck::Deadlock);
            }
        }
    }

    /// Drops every task of a process, at once when called between steps and from tasks of others. What its tasks were
    /// doing is cut off where they waited.
    pub fn kill(&self, process: ProcessId) {
        let tasks: Vec<Slot> = {
            let mut state = self.0.lock();
            state.living.remove(&process);
            state.doomed.remove(&process);
            state.still.remove(&process);
            let ids: Vec<u64> =
                state.tasks.iter().filter(|(_, slot)| slot.process == process).map(|(id, _)| *id).collect();
            ids.iter().filter_map(|id| state.tasks.remove(id)).collect()
        };
        let ends: Vec<Arc<End>> = tasks.iter().map(|slot| Arc::clone(&slot.end)).collect();
        // Without the lock, because what they drop wakes others.
        drop(tasks);
        ends.iter().for_each(|end| end.set(Err(Ended::Aborted)));
    }

    /// Kills every process, the world last.
    pub fn kill_all(&self) {
        let living: Vec<ProcessId> = self.0.lock().living.iter().rev().copied().collect();
        living.into_iter().for_each(|process| self.kill(process));
    }

    /// Has a process killed as soon as the present step is over.
    pub fn doom(&self, process: ProcessId) {
        let mut state = self.0.lock();
        if state.living.contains(&process) {
            state.doomed.insert(process);
        }
    }

    /// Whether a process is alive and not about to be killed.
    pub fn is_alive(&self, process: ProcessId) -> bool {
        let state = self.0.lock();
        state.living.contains(&process) && !state.doomed.contains(&process)
    }

    /// Has a process stand still, as SIGSTOP does: none of its tasks has a step until it goes on, and time passes.
    pub fn stop(&self, process: ProcessId) {
        let mut state = self.0.lock();
        if state.living.contains(&process) {
            state.still.entry(process).or_default();
        }
    }

    /// A process that stands still goes on.
    pub fn go_on(&self, process: ProcessId) {
        let Some(held) = self.0.lock().still.remove(&process) else { return };
        let mut ready = self.0.ready.lock();
        for id in held {
            let place = ready.partition_point(|other| *other < id);
            ready.insert(place, id);
        }
    }

    /// Whether a process stands still.
    pub fn is_still(&self, process: ProcessId) -> bool {
        self.0.lock().still.contains_key(&process)
    }

    /// Lets time pass in which no task runs, as when a machine is suspended.
    pub fn stall(&self, time: Duration) {
        self.0.lock().now += time;
    }

    /// Sets the wall clock, by so many milliseconds.
    pub fn set_wall_by(&self, ms: i64) {
        self.0.lock().wall_ms += ms;
    }

    /// How long work beside the tasks takes from now on.
    pub fn set_slowness(&self, slowness: Slowness) {
        self.0.lock().slowness = slowness;
    }

    /// The time since the beginning.
    pub fn now(&self) -> Duration {
        self.0.lock().now
    }

    /// What the wall clock shows.
    pub fn wall(&self) -> Timestamp {
        self.0.wall()
    }

    /// Writes down what happens, where the run is traced.
    pub fn note(&self, what: &str) {
        if self.is_traced() {
            tracing::info!(target: "sim", "{:>12.6} {what}", self.now().as_secs_f64());
        }
    }

    /// Takes something that was seen into the digest of the run.
    pub fn observe(&self, what: &str) {
        self.0.lock().digest(what.as_bytes());
    }

    /// Whether the run is written down, so that notes are worth their making.
    pub fn is_traced(&self) -> bool {
        self.0.lock().is_traced
    }

    /// A number for all that has happened so far: two runs of one seed have the same.
    pub fn digest(&self) -> u64 {
        self.0.lock().digest
    }

    /// How many steps there were.
    pub fn steps(&self) -> u64 {
        self.0.lock().steps
    }

    /// The panics of tasks since the last call.
    pub fn take_panics(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().panics)
    }

    /// Kills the processes that are doomed.
    fn bury(&self) {
        let doomed: Vec<ProcessId> = self.0.lock().doomed.iter().copied().collect();
        doomed.into_iter().for_each(|process| self.kill(process));
    }

    /// Polls one of the tasks that are ready. Says whether there was one.
    fn step(&self) -> bool {
        let Some((id, name, mut work, waker, end)) = self.0.choose() else { return false };
        let to_wake = Waker::from(Arc::clone(&waker));
        let mut context = Context::from_waker(&to_wake);
        let polled = if waker.is_aborted() {
            Poll::Ready(Err(Ended::Aborted))
        } else {
            match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(&mut context))) {
                Ok(polled) => polled.map(Ok),
                Err(payload) => {
                    let ended = Ended::by_panic(&*payload);
                    self.0.lock().panics.push(format!("the task `{name}` {ended}"));
                    Poll::Ready(Err(ended))
                }
            }
        };
        match polled {
            Poll::Pending => {
                // A process that was killed meanwhile takes the task with it.
                let left = self.0.put_back(id, work);
                drop(left);
            }
            Poll::Ready(ended) => {
                let slot = self.0.lock().tasks.remove(&id);
                drop((work, slot));
                end.set(ended);
            }
        }
        true
    }
}

/// Tells the loop that what it waits for may be there.
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

type Chosen = (u64, &'static str, Work, Arc<TaskWaker>, Arc<End>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wall(&self) -> Timestamp {
        let state = self.lock();
        let since = i64::try_from(state.now.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(self.began_at.as_millis() + since + state.wall_ms)
    }

    fn spawn(self: &Arc<Self>, name: &'static str, process: ProcessId, work: Work) -> Task {
        let mut state = self.lock();
        let id = state.id();
        let end = Arc::<End>::default();
        let waker = Arc::new(TaskWaker::new(id, Arc::clone(&self.ready)));
        if state.living.contains(&process) {
            let is_lazy = process != ProcessId::WORLD && state.chance.permille(60);
            let slot =
                Slot { name, process, is_lazy, work: Some(work), waker: Arc::clone(&waker), end: Arc::clone(&end) };
            state.tasks.insert(id, slot);
            drop(state);
            waker.make_ready();
        } else {
            drop(state);
            drop(work);
            end.set(Err(Ended::Aborted));
        }
        let ended = Arc::clone(&end);
        Task::new(async move { ended.wait().await }, move || waker.abort())
    }

    /// Takes one of the ready tasks out, to be polled.
    fn choose(&self) -> Option<Chosen> {
        let mut state = self.lock();
        let state = &mut *state;
        loop {
            let mut ready = self.ready.lock();
            if ready.is_empty() {
                return None;
            }
            let mut place = state.chance.below(ready.len());
            // Others go ahead of a lazy one, mostly.
            if state.tasks.get(&ready[place]).is_some_and(|slot| slot.is_lazy) && !state.chance.permille(200) {
                place = state.chance.below(ready.len());
            }
            let id = ready.remove(place);
            drop(ready);
            let Some(slot) = state.tasks.get_mut(&id) else { continue };
            if let Some(held) = state.still.get_mut(&slot.process) {
                held.push(id);
                continue;
            }
            slot.waker.begin();
            let Some(work) = slot.work.take() else { continue };
            let (name, waker, end) = (slot.name, Arc::clone(&slot.waker), Arc::clone(&slot.end));
            state.steps += 1;
            let step = (id << 40) ^ u64::try_from(state.now.as_nanos()).unwrap_or(u64::MAX);
            state.digest(&step.to_le_bytes());
            return Some((id, name, work, waker, end));
        }
    }

    /// Puts a task back that waits; gives it back where its process is gone.
    fn put_back(&self, id: u64, work: Work) -> Option<Work> {
        match self.lock().tasks.get_mut(&id) {
            Some(slot) => {
                slot.work = Some(work);
                None
            }
            None => Some(work),
        }
    }

    /// Whether a timer is due already, because time went on in the midst of something.
    fn is_due(&self) -> bool {
        let state = self.lock();
        state.timers.first_key_value().is_some_and(|(&(at, _), _)| at <= state.now)
    }

    /// Jumps to the next timer and wakes all that are due then. Says whether there was one.
    fn jump(&self) -> bool {
        let due: Vec<Waker> = {
            let mut state = self.lock();
            let Some((&(next, _), _)) = state.timers.first_key_value() else { return false };
            state.now = state.now.max(next);
            let after = (state.now + Duration::from_nanos(1), 0);
            let later = state.timers.split_off(&after);
            std::mem::replace(&mut state.timers, later).into_values().collect()
        };
        due.into_iter().for_each(Waker::wake);
        true
    }
}

impl State {
    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn digest(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.digest = (self.digest ^ u64::from_le_bytes(word)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
        }
    }

    /// How long a piece of work beside the tasks takes.
    fn work_time(&mut self) -> Duration {
        let Slowness { usual_us, long_permille, long } = self.slowness;
        if self.chance.permille(long_permille) {
            let up_to = u64::try_from(long.as_micros()).unwrap_or(u64::MAX);
            return Duration::from_micros(self.chance.within(0..up_to));
        }
        Duration::from_micros(self.chance.within(0..usual_us))
    }
}
