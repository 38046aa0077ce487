//! A runtime for tests of supervision: one of its tasks panics when the test says so.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

use model::{Clock, Timestamp};
use tokio::sync::watch;

use crate::{Runtime, Task, Work};

thread_local! {
    /// The task to be broken that this thread polls now: its name.
    static POLLED: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// A runtime with tasks of one name that a test can break. A broken task panics where it next asks for the time,
/// sleeps, or sleeps already: inside its work, as a mistake in it would, so that a [`Supervisor`](crate::Supervisor)
/// sees it.
pub struct Breakable {
    inner: Arc<dyn Runtime>,
    task: &'static str,
    broken: watch::Sender<bool>,
}

impl Breakable {
    /// What a broken task panics with.
    pub const WORDS: &'static str = "broken by a test";

    /// The runtime `inner`, with tasks of this name that can be broken.
    pub fn new(inner: Arc<dyn Runtime>, task: &'static str) -> Self {
        Self { inner, task, broken: watch::Sender::new(false) }
    }

    /// Breaks the tasks, also those that start later.
    pub fn break_task(&self) {
        self.broken.send_replace(true);
    }

    fn is_polled(&self) -> bool {
        POLLED.get() == Some(self.task)
    }

    fn check(&self) {
        assert!(!(self.is_polled() && *self.broken.borrow()), "{}", Self::WORDS);
    }

    /// The work, noted as polled while it is.
    fn noted(&self, name: &'static str, mut work: Work) -> Work {
        if name != self.task {
            return work;
        }
        Box::pin(poll_fn(move |context: &mut Context<'_>| {
            let _polled = Polled::begin(name);
            work.as_mut().poll(context)
        }))
    }
}

/// A task is polled for as long as this lives.
struct Polled(Option<&'static str>);

impl Polled {
    fn begin(name: &'static str) -> Self {
        Self(POLLED.replace(Some(name)))
    }
}

impl Drop for Polled {
    fn drop(&mut self) {
        POLLED.set(self.0);
    }
}

impl Clock for Breakable {
    fn now(&self) -> Timestamp {
        self.check();
        self.inner.now()
    }

    fn steady(&self) -> Timestamp {
        self.check();
        self.inner.steady()
    }
}

impl Runtime for Breakable {
    fn instant(&self) -> Instant {
        self.check();
        self.inner.instant()
    }

    fn sleep_until(&self, at: Instant) -> Work {
        self.check();
        let sleeps = self.inner.sleep_until(at);
        if !self.is_polled() {
            return sleeps;
        }
        let mut broken = self.broken.subscribe();
        Box::pin(async move {
            let breaks = async {
                if broken.wait_for(|broken| *broken).await.is_err() {
                    // The runtime is gone, and no test breaks anything more.
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                biased;
                () = breaks => panic!("{}", Self::WORDS),
                () = sleeps => {}
            }
        })
    }

    fn spawn(&self, name: &'static str, work: Work) -> Task {
        self.inner.spawn(name, self.noted(name, work))
    }

    fn spawn_blocking(&self, name: &'static str, work: Box<dyn FnOnce() + Send>) -> Task {
        self.inner.spawn_blocking(name, work)
    }

    fn spawn_thread(&self, name: &'static str, work: Work) -> io::Result<Task> {
        self.inner.spawn_thread(name, self.noted(name, work))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Machine, Supervisor};

    /// Sleeps long between two looks at the clock.
    async fn tick(runtime: Arc<dyn Runtime>) {
        loop {
            runtime.now();
            runtime.sleep(Duration::from_secs(3_600)).await;
        }
    }

    #[tokio::test]
    async fn a_task_panics_once_it_is_broken_and_no_other_does() {
        let breakable = Arc::new(Breakable::new(Arc::new(Machine::new()), "clockwork"));
        let runtime: Arc<dyn Runtime> = breakable.clone();
        let supervisor = Supervisor::new(runtime.clone());
        let other = supervisor.start("other", tick(runtime.clone()));
        supervisor.start("clockwork", tick(runtime.clone()));
        tokio::task::yield_now().await;
        assert_eq!(supervisor.failure(), None);
        breakable.break_task();
        assert_eq!(supervisor.failed().await, "the task `clockwork` panicked: broken by a test", "although it slept");
        runtime.now();
        let supervisor = Supervisor::new(runtime.clone());
        supervisor.start("clockwork", tick(runtime.clone()));
        assert_eq!(supervisor.failed().await, "the task `clockwork` panicked: broken by a test", "from the beginning");
        other.abort();
        assert!(other.ended().await.is_err());
    }
}
