//! Time and tasks: the only way to them for the whole program.
//!
//! Code that waits or works in the background has an `Arc<dyn Runtime>`. In production [`Machine`] stands behind it,
//! with the machine's clocks and the tasks of tokio; a simulation puts a runtime there whose every decision follows
//! from a seed. Long tasks are started through a [`Supervisor`], which reports one that ends before its time.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks"))]

mod alarm;
mod breakable;
mod machine;
mod slot;
mod supervisor;
mod task;
mod ticks;
mod timeout;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::Clock;
use tokio::sync::oneshot;

pub use alarm::Alarm;
pub use breakable::Breakable;
pub use machine::Machine;
pub use slot::Slot;
pub use supervisor::Supervisor;
pub use task::{Ended, Task};
pub use ticks::Ticks;
pub use timeout::Timeout;

/// A future that a runtime runs.
pub type Work<T = ()> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Time and tasks.
pub trait Runtime: Clock {
    /// The monotonic time, as precise as the machine has it: for deadlines, and to measure how long something took. It
    /// moves with [`Clock::steady`].
    fn instant(&self) -> Instant;

    /// Resolves at `at`, or at once when that has passed.
    fn sleep_until(&self, at: Instant) -> Work;

    /// Starts a task. It goes on when the [`Task`] is dropped.
    fn spawn(&self, name: &'static str, work: Work) -> Task;

    /// Starts work that waits for a disk or keeps a processor busy, beside the tasks. It cannot be aborted once it
    /// runs.
    fn spawn_blocking(&self, name: &'static str, work: Box<dyn FnOnce() + Send>) -> Task;

    /// Starts a long task that blocks at its steps, such as the writer of a file. A runtime with threads gives it a
    /// thread, whose timers are the thread's: time that a test has paused elsewhere passes there. A runtime without
    /// threads runs it as a task like others.
    ///
    /// # Errors
    /// When the machine has no further thread.
    fn spawn_thread(&self, name: &'static str, work: Work) -> io::Result<Task> {
        Ok(self.spawn(name, work))
    }
}

/// A deadline passed before the work was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl std::fmt::Display for Elapsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the deadline has passed")
    }
}

impl std::error::Error for Elapsed {}

impl From<Elapsed> for std::io::Error {
    fn from(elapsed: Elapsed) -> Self {
        Self::new(std::io::ErrorKind::TimedOut, elapsed)
    }
}

impl dyn Runtime {
    /// Resolves after `time`.
    pub async fn sleep(&self, time: Duration) {
        self.sleep_until(deadline(self.instant(), time)).await;
    }

    /// The result of `work`, unless it takes longer than `time`.
    ///
    /// # Errors
    /// [`Elapsed`]; `work` is dropped.
    pub fn timeout<F: Future>(&self, time: Duration, work: F) -> Timeout<F> {
        self.timeout_at(deadline(self.instant(), time), work)
    }

    /// The result of `work`, unless it takes until after `at`.
    ///
    /// # Errors
    /// [`Elapsed`]; `work` is dropped.
    pub fn timeout_at<F: Future>(&self, at: Instant, work: F) -> Timeout<F> {
        Timeout::new(work, self.sleep_until(at))
    }

    /// Ticks: the first at once, and each later one `every` after the one before was taken.
    pub fn ticks(self: &Arc<Self>, every: Duration) -> Ticks {
        Ticks::new(Arc::clone(self), every)
    }

    /// The result of a task, which runs to its end although the caller is dropped.
    ///
    /// # Errors
    /// As [`Task::ended`], when the task has no result.
    pub async fn run<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Ended> {
        let (result, left) = Slot::pair();
        let (sender, done) = oneshot::channel();
        let task = self.spawn(
            name,
            Box::pin(async move {
                left.put(work.await);
                // A caller that is gone needs no result.
                let _ = sender.send(());
            }),
        );
        end_of(task, done).await?;
        result.take().ok_or(Ended::Aborted)
    }

    /// The result of work beside the tasks.
    ///
    /// # Errors
    /// As [`Task::ended`], when the work has no result.
    pub async fn run_blocking<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Ended> {
        let (result, left) = Slot::pair();
        let (sender, done) = oneshot::channel();
        let work = move || {
            left.put(work());
            // A caller that is gone needs no result.
            let _ = sender.send(());
        };
        let task = self.spawn_blocking(name, Box::new(work));
        end_of(task, done).await?;
        result.take().ok_or(Ended::Aborted)
    }
}

/// Resolves when the work of `task` is done.
async fn end_of(task: Task, done: oneshot::Receiver<()>) -> Result<(), Ended> {
    match done.await {
        Ok(()) => Ok(()),
        Err(_) => Err(task.ended().await.err().unwrap_or(Ended::Aborted)),
    }
}

/// `time` after `now`; some thirty years later where the clock cannot say.
fn deadline(now: Instant, time: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);
    now.checked_add(time).unwrap_or_else(|| now + FAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Arc<dyn Runtime> {
        Arc::new(Machine::new())
    }

    #[tokio::test(start_paused = true)]
    async fn work_has_until_its_deadline() {
        let runtime = machine();
        let takes = |seconds| async move {
            machine().sleep(Duration::from_secs(seconds)).await;
            seconds
        };
        assert_eq!(runtime.timeout(Duration::from_secs(2), takes(1)).await, Ok(1));
        assert_eq!(runtime.timeout(Duration::from_secs(1), takes(2)).await, Err(Elapsed));
        assert_eq!(runtime.timeout(Duration::MAX, takes(2)).await, Ok(2));
    }

    #[tokio::test(start_paused = true)]
    async fn ticks_come_at_once_and_then_in_their_time() {
        let runtime = machine();
        let began = runtime.instant();
        let mut ticks = runtime.ticks(Duration::from_secs(1));
        let mut seen = Vec::new();
        for rest in [0, 0, 5_000, 0] {
            ticks.tick().await;
            seen.push((runtime.instant() - began).as_millis() / 100);
            runtime.sleep(Duration::from_millis(rest)).await;
        }
        assert_eq!(seen, [0, 10, 20, 70], "a late tick puts off those after it");
    }

    #[tokio::test]
    async fn a_task_goes_on_without_its_caller() {
        let runtime = machine();
        let (done, result) = oneshot::channel();
        let waits = runtime.run("test", async move { done.send(7) });
        assert!(
            runtime.timeout(Duration::ZERO, async { tokio::join!(waits, std::future::pending::<()>()) }).await.is_err()
        );
        assert_eq!(result.await, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_thread_blocks_no_task_and_has_its_own_time() {
        let (send, receive) = std::sync::mpsc::channel();
        let (done, result) = oneshot::channel();
        let work = async move {
            // Blocks for ever, unless the test goes on meanwhile.
            let number: u32 = receive.recv().unwrap();
            machine().sleep(Duration::from_millis(1)).await;
            done.send((number, std::thread::current().name().map(str::to_owned))).unwrap();
        };
        let task = machine().spawn_thread("blocks", Box::pin(work)).unwrap();
        send.send(7).unwrap();
        assert_eq!(result.await, Ok((7, Some("blocks".to_owned()))));
        assert_eq!(task.ended().await, Ok(()));
    }

    #[tokio::test]
    async fn a_thread_tells_how_it_ended() {
        let panicked = machine().spawn_thread("test", Box::pin(async { panic!("on purpose") })).unwrap();
        assert_eq!(panicked.ended().await, Err(Ended::Panicked("on purpose".to_owned())));
        let (held, dropped) = oneshot::channel::<()>();
        let waits = async move {
            let _held = held;
            std::future::pending::<()>().await;
        };
        let aborted = machine().spawn_thread("test", Box::pin(waits)).unwrap();
        aborted.abort();
        assert_eq!(aborted.ended().await, Err(Ended::Aborted));
        assert!(dropped.await.is_err(), "what the task had is gone");
    }

    #[tokio::test]
    async fn a_panic_is_the_end_of_its_task_alone() {
        let runtime = machine();
        let ended = runtime.run::<()>("test", async { panic!("on purpose") }).await;
        assert_eq!(ended, Err(Ended::Panicked("on purpose".to_owned())));
        let ended = runtime.run_blocking::<()>("test", || panic!("{} too", "this")).await;
        assert_eq!(ended, Err(Ended::Panicked("this too".to_owned())));
    }
}
