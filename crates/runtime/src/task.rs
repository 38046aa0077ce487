//! A task that was started.

use std::any::Any;

use crate::Work;

/// A task. It goes on when this is dropped.
pub struct Task {
    ended: Work<Result<(), Ended>>,
    abort: Box<dyn Fn() + Send + Sync>,
}

/// How a task ended that did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It panicked, with this message.
    Panicked(String),
    /// It was aborted, or its runtime ended.
    Aborted,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Panicked(message) => write!(f, "panicked: {message}"),
            Self::Aborted => f.write_str("aborted"),
        }
    }
}

impl std::error::Error for Ended {}

impl Ended {
    /// The end by a panic with this payload.
    pub fn by_panic(payload: &(dyn Any + Send)) -> Self {
        let message =
            payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::Panicked(message.unwrap_or("without a message").to_owned())
    }
}

impl Task {
    /// For a runtime: `ended` resolves with the task's end, and `abort` ends it where it waits.
    pub fn new(
        ended: impl Future<Output = Result<(), Ended>> + Send + 'static,
        abort: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self { ended: Box::pin(ended), abort: Box::new(abort) }
    }

    /// Waits for the end of the task. May be dropped and called again until it resolves.
    ///
    /// # Errors
    /// When the task panicked or was aborted.
    pub async fn wait(&mut self) -> Result<(), Ended> {
        self.ended.as_mut().await
    }

    /// Waits for the end of the task.
    ///
    /// # Errors
    /// When the task panicked or was aborted.
    pub async fn ended(mut self) -> Result<(), Ended> {
        self.wait().await
    }

    /// Ends the task at the next point at which it waits. Work beside the tasks that runs already goes on.
    pub fn abort(&self) {
        (self.abort)();
    }
}
