//! A timer that is set again and again, and seldom fires.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use crate::{Runtime, Work};

/// A timer for a deadline that moves, as that of a connection does with every octet.
///
/// A later deadline costs nothing: the timer that is set stays, and is set anew when it fires too early.
pub struct Alarm {
    runtime: Arc<dyn Runtime>,
    timer: Option<(Instant, Work)>,
}

impl Alarm {
    /// An alarm of this runtime. No timer is set yet.
    pub const fn new(runtime: Arc<dyn Runtime>) -> Self {
        Self { runtime, timer: None }
    }

    /// The runtime that it is set with.
    pub const fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.runtime
    }

    /// Resolves at `at`. Dropped before that, the timer stays set for the next call.
    pub async fn until(&mut self, at: Instant) {
        poll_fn(|context| self.poll_until(at, context)).await;
    }

    /// Whether `at` has passed; if not, the task of this context is woken then.
    pub fn poll_until(&mut self, at: Instant, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.timer {
                Some((set, timer)) if *set <= at => {
                    ready!(timer.as_mut().poll(context));
                    let is_due = *set == at;
                    self.timer = None;
                    if is_due {
                        return Poll::Ready(());
                    }
                }
                _ => self.timer = Some((at, self.runtime.sleep_until(at))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Machine;

    #[tokio::test(start_paused = true)]
    async fn an_alarm_rings_at_the_last_deadline_that_it_was_given() {
        let runtime: Arc<dyn Runtime> = Arc::new(Machine::new());
        let began = runtime.instant();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut alarm = Alarm::new(Arc::clone(&runtime));
        for (first, then, rings) in [(10, 20, 20), (40, 30, 30), (30, 30, 30), (60, 40, 40), (0, 0, 40), (50, 70, 70)] {
            let given_up = runtime
                .timeout(Duration::ZERO, async { tokio::join!(alarm.until(at(first)), std::future::pending::<()>()) })
                .await;
            assert!(given_up.is_err());
            alarm.until(at(then)).await;
            assert_eq!(runtime.instant(), at(rings), "first {first}, then {then}");
        }
    }
}
