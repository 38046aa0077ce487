//! What a process sees of the executor: its clocks, its timers, and its tasks.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use model::{Clock, Timestamp};
use runtime::{Runtime, Task, Work};

use super::sleep::Sleep;
use super::{ProcessId, Shared};

/// The runtime of one process.
pub struct ProcessRuntime {
    shared: Arc<Shared>,
    id: ProcessId,
    /// When it began, on both clocks.
    began: Duration,
    began_at: Timestamp,
}

impl ProcessRuntime {
    pub(super) fn new(shared: Arc<Shared>, id: ProcessId) -> Self {
        let began = shared.lock().now;
        let began_at = shared.wall();
        Self { shared, id, began, began_at }
    }

    /// The runtime of another process of the same machine, whose steady clock both read.
    pub fn beside(&self, id: ProcessId) -> Arc<Self> {
        self.shared.lock().living.insert(id);
        Arc::new(Self { shared: Arc::clone(&self.shared), id, began: self.began, began_at: self.began_at })
    }

    /// Which process this is.
    pub const fn id(&self) -> ProcessId {
        self.id
    }
}

impl Clock for ProcessRuntime {
    fn now(&self) -> Timestamp {
        self.shared.wall()
    }

    fn steady(&self) -> Timestamp {
        self.began_at + self.shared.lock().now.saturating_sub(self.began)
    }
}

impl Runtime for ProcessRuntime {
    fn instant(&self) -> Instant {
        self.shared.epoch + self.shared.lock().now
    }

    fn sleep_until(&self, at: Instant) -> Work {
        let at = at.saturating_duration_since(self.shared.epoch);
        Box::pin(Sleep::until(Arc::clone(&self.shared), at))
    }

    fn spawn(&self, name: &'static str, work: Work) -> Task {
        self.shared.spawn(name, self.id, work)
    }

    /// The work is one step, at a moment that the seed chooses, and a task that waits for it hears of it at another
    /// one.
    fn spawn_blocking(&self, name: &'static str, work: Box<dyn FnOnce() + Send>) -> Task {
        let at = {
            let mut state = self.shared.lock();
            state.now + state.work_time()
        };
        let begin = Sleep::until(Arc::clone(&self.shared), at);
        let run = async move {
            begin.await;
            work();
        };
        self.shared.spawn(name, self.id, Box::pin(run))
    }

    fn spawn_thread(&self, name: &'static str, work: Work) -> io::Result<Task> {
        Ok(self.shared.spawn(name, self.id, Box::pin(Slowed { shared: Arc::clone(&self.shared), work, begins: None })))
    }
}

/// A task that blocks at its steps: each of them takes as long as the seed says.
struct Slowed {
    shared: Arc<Shared>,
    work: Work,
    begins: Option<Sleep>,
}

impl Future for Slowed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let shared = &this.shared;
        let begins = this.begins.get_or_insert_with(|| {
            let at = {
                let mut state = shared.lock();
                state.now + state.work_time()
            };
            Sleep::until(Arc::clone(shared), at)
        });
        ready!(Pin::new(begins).poll(context));
        this.begins = None;
        this.work.as_mut().poll(context)
    }
}
