//! Long tasks, watched: one that ends before its time takes the process with it, instead of leaving it half alive.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::watch;

use crate::{Ended, Runtime, Task};

/// Watches the tasks without which the process is half alive: those that must run as long as it does, and those that
/// must not panic.
#[derive(Clone)]
pub struct Supervisor {
    runtime: Arc<dyn Runtime>,
    state: watch::Sender<State>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Running,
    /// Tasks may end.
    Ending,
    /// A task ended before its time: a sentence for the operator.
    Failed(String),
}

impl Supervisor {
    /// A supervisor of tasks of this runtime.
    pub fn new(runtime: Arc<dyn Runtime>) -> Self {
        Self { runtime, state: watch::Sender::new(State::Running) }
    }

    /// Starts a task that may end only after [`Supervisor::ending`]. Aborting it is no failure: the program does that
    /// itself.
    pub fn start(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> Task {
        let state = self.state.clone();
        self.runtime.spawn(name, Box::pin(async move { report(&state, name, &caught(work).await) }))
    }

    /// Starts a task that ends when its work is done, whenever that is: a panic alone is a failure.
    pub fn watch(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> Task {
        let state = self.state.clone();
        let watched = async move {
            if let panicked @ Err(_) = caught(work).await {
                report(&state, name, &panicked);
            }
        };
        self.runtime.spawn(name, Box::pin(watched))
    }

    /// The runtime that the tasks run on.
    pub const fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.runtime
    }

    /// From now on tasks may end. A panic is a failure all the same.
    pub fn ending(&self) {
        self.state.send_if_modified(|state| {
            let running = *state == State::Running;
            if running {
                *state = State::Ending;
            }
            running
        });
    }

    /// Why the process must end; `None` while all tasks run.
    pub fn failure(&self) -> Option<String> {
        match &*self.state.borrow() {
            State::Failed(why) => Some(why.clone()),
            State::Running | State::Ending => None,
        }
    }

    /// Resolves, with a sentence for the operator, when a task has ended before its time.
    pub async fn failed(&self) -> String {
        let mut state = self.state.subscribe();
        // The sender lives in `self`.
        let _ = state.wait_for(|state| matches!(state, State::Failed(_))).await;
        self.failure().unwrap_or_default()
    }
}

/// How the work ends.
async fn caught(work: impl Future<Output = ()>) -> Result<(), Ended> {
    let mut work = pin!(work);
    // The work is not polled again after a panic.
    let poll = |context: &mut Context<'_>| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(payload) => Poll::Ready(Err(Ended::by_panic(&*payload))),
    };
    poll_fn(poll).await
}

fn report(state: &watch::Sender<State>, name: &str, ended: &Result<(), Ended>) {
    state.send_if_modified(|state| {
        let why = match (&*state, ended) {
            (State::Failed(_), _) | (State::Ending, Ok(())) => return false,
            (_, Ok(())) => format!("the task `{name}` ended before its time"),
            (_, Err(ended)) => format!("the task `{name}` {ended}"),
        };
        tracing::error!("{why}");
        *state = State::Failed(why);
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Machine;

    fn supervisor() -> Supervisor {
        Supervisor::new(Arc::new(Machine::new()))
    }

    #[tokio::test]
    async fn a_task_that_panics_is_a_failure_with_its_name() {
        let supervisor = supervisor();
        supervisor.start("recorder", async { panic!("no chance left") });
        assert_eq!(supervisor.failed().await, "the task `recorder` panicked: no chance left");
        supervisor.ending();
        assert_eq!(
            supervisor.failure().as_deref(),
            Some("the task `recorder` panicked: no chance left"),
            "what failed stays failed"
        );
    }

    #[tokio::test]
    async fn a_task_may_end_only_when_the_process_does() {
        let supervisor = supervisor();
        supervisor.ending();
        supervisor.start("sweeper", async {}).ended().await.unwrap();
        assert_eq!(supervisor.failure(), None);

        let supervisor = self::supervisor();
        supervisor.start("sweeper", async {}).ended().await.unwrap();
        assert_eq!(supervisor.failure().as_deref(), Some("the task `sweeper` ended before its time"));
    }

    #[tokio::test]
    async fn an_aborted_task_is_no_failure() {
        let supervisor = supervisor();
        let task = supervisor.start("sweeper", std::future::pending());
        task.abort();
        assert_eq!(task.ended().await, Err(Ended::Aborted));
        assert_eq!(supervisor.failure(), None);
    }

    #[tokio::test]
    async fn a_task_with_an_end_may_reach_it_but_not_panic() {
        let supervisor = supervisor();
        supervisor.watch("link", async {}).ended().await.unwrap();
        assert_eq!(supervisor.failure(), None);
        supervisor.watch("link", async { panic!("lost count") });
        assert_eq!(supervisor.failed().await, "the task `link` panicked: lost count");
    }

    #[tokio::test]
    async fn a_panic_is_a_failure_at_the_end_too() {
        let supervisor = supervisor();
        supervisor.ending();
        supervisor.start("sweeper", async { panic!("late") });
        assert_eq!(supervisor.failed().await, "the task `sweeper` panicked: late");
    }
}
