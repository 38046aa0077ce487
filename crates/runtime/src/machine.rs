//! The machine's time, and tokio's tasks.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use model::{Clock, Timestamp};
use tokio::sync::{Notify, oneshot};

use crate::{Ended, Runtime, Task, Work};

/// The machine: the runtime of production. Its tasks are those of the tokio runtime that is current where they are
/// started. Where none is, because it has ended, a task ends as the others did: aborted.
///
/// Where tokio's time is paused, as in a test, the monotonic time is paused too.
#[derive(Clone)]
pub struct Machine {
    clock: Arc<dyn Clock>,
}

impl Machine {
    /// The machine with its own clocks.
    pub fn new() -> Self {
        Self { clock: Arc::new(MachineClock) }
    }

    /// The machine's tasks and timers, with another clock for what [`Clock`] tells.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for Machine {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn steady(&self) -> Timestamp {
        self.clock.steady()
    }
}

#[expect(clippy::disallowed_methods, reason = "all other code asks for the time and for tasks here")]
impl Runtime for Machine {
    fn instant(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn sleep_until(&self, at: Instant) -> Work {
        Box::pin(tokio::time::sleep_until(at.into()))
    }

    fn spawn(&self, _name: &'static str, work: Work) -> Task {
        match tokio::runtime::Handle::try_current() {
            Ok(tokio) => task(tokio.spawn(work)),
            Err(_) => Task::new(std::future::ready(Err(Ended::Aborted)), || {}),
        }
    }

    fn spawn_blocking(&self, _name: &'static str, work: Box<dyn FnOnce() + Send>) -> Task {
        task(tokio::task::spawn_blocking(work))
    }

    fn spawn_thread(&self, name: &'static str, work: Work) -> io::Result<Task> {
        let abort = Arc::new(Notify::new());
        let aborted = Arc::clone(&abort);
        let (sender, ended) = oneshot::channel();
        let run = move || {
            let ended = catch_unwind(AssertUnwindSafe(|| run_here(work, &aborted)));
            // The thread's task has nobody who waits for it when this fails.
            let _ = sender.send(ended.unwrap_or_else(|panic| Err(Ended::by_panic(&*panic))));
        };
        thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Task::new(async move { ended.await.unwrap_or(Err(Ended::Aborted)) }, move || abort.notify_one()))
    }
}

/// Runs a task on the present thread, with timers that belong to it: they outlast the runtime that started the thread.
fn run_here(work: Work, aborted: &Notify) -> Result<(), Ended> {
    let timers = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let timers = timers.map_err(|error| Ended::Panicked(format!("no timers: {error}")))?;
    timers.block_on(async {
        tokio::select! {
            biased;
            () = aborted.notified() => Err(Ended::Aborted),
            () = work => Ok(()),
        }
    })
}

fn task(handle: tokio::task::JoinHandle<()>) -> Task {
    let abort = handle.abort_handle();
    let ended = async move {
        handle.await.map_err(|ended| match ended.try_into_panic() {
            Ok(panic) => Ended::by_panic(&*panic),
            Err(_) => Ended::Aborted,
        })
    };
    Task::new(ended, move || abort.abort())
}

/// The machine's clocks.
struct MachineClock;

#[expect(clippy::disallowed_methods, reason = "all other code asks for the time here")]
impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn steady(&self) -> Timestamp {
        static START: OnceLock<(Instant, Timestamp)> = OnceLock::new();
        let (began, at) = *START.get_or_init(|| (Instant::now(), self.now()));
        at + began.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_is_started_after_the_end_is_aborted() {
        let task = Machine::new().spawn("test", Box::pin(std::future::pending()));
        let ended = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(task.ended());
        assert_eq!(ended, Err(Ended::Aborted));
    }
}
