//! Timers.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::Shared;

/// Resolves at a moment.
pub(super) struct Sleep {
    shared: Arc<Shared>,
    at: Duration,
    timer: Option<(Duration, u64)>,
}

impl Sleep {
    pub(super) fn until(shared: Arc<Shared>, at: Duration) -> Self {
        Self { shared, at, timer: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.shared.lock();
        if state.now >= self.at {
            let waker = self.timer.and_then(|timer| state.timers.remove(&timer));
            drop(state);
            drop(waker);
            self.timer = None;
            return Poll::Ready(());
        }
        let timer = self.timer.unwrap_or_else(|| (self.at, state.id()));
        let before = state.timers.insert(timer, context.waker().clone());
        drop(state);
        drop(before);
        self.timer = Some(timer);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            let waker = self.shared.lock().timers.remove(&timer);
            drop(waker);
        }
    }
}
