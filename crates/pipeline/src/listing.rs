//! Keeps the index behind filtered lists up to date, beside everything else that the store has to write.
//!
//! A step costs the store's writer about two milliseconds. While other calls come, a step is followed by a long pause, so that indexing takes a fortieth of the
//! writer's time at most; while none come, the next step follows almost at once.

use std::sync::Arc;
use std::time::Duration;

use model::Clock;
use store::Store;
use store::contract::lists::Indexed;

use crate::counters::Counters;

/// How many messages one step adds at most.
const BATCH: usize = 500;

/// Between two steps while the store has nothing else to write.
const PAUSE_QUIET: Duration = Duration::from_millis(2);

/// Between two steps while it has.
const PAUSE_BUSY: Duration = Duration::from_millis(80);

/// The store counts as quiet with no more than one other call in so much of a pause.
const QUIET_CALL: Duration = Duration::from_millis(20);

/// Between two looks while the index lacks nothing.
const IDLE: Duration = Duration::from_secs(1);

/// How long the indexer rests after the store did not answer it.
const STORE_REST: Duration = Duration::from_secs(5);

/// Adds messages to the index.
pub(crate) struct Indexer {
    pub(crate) store: Arc<dyn Store>,
    /// How old a message is when it is added. Most have come to their end by then, and their entry need not follow their status.
    pub(crate) after: Duration,
    pub(crate) counters: Arc<Counters>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Indexer {
    /// Indexes until the future is dropped.
    pub(crate) async fn run(self) {
        let mut pace = Pace::default();
        loop {
            let now = self.clock.now();
            let pause = match self.store.index_lists(now - self.after, BATCH).await {
                Ok(indexed) => {
                    let behind = indexed.oldest_missing.map_or(0, |at| (now.as_millis() - at.as_millis()).max(0).unsigned_abs());
                    self.counters.lists_behind_ms.set(behind);
                    pace.after(indexed)
                }
                Err(error) => {
                    tracing::warn!(%error, "The index of lists is waiting for the store: {error}");
                    STORE_REST
                }
            };
            tokio::time::sleep(pause).await;
        }
    }
}

/// How long the pauses are.
#[derive(Default)]
struct Pace {
    /// The last pause, and how many calls the store had run when it began.
    last: Option<(Duration, u64)>,
}

impl Pace {
    /// The pause that follows a step.
    fn after(&mut self, indexed: Indexed) -> Duration {
        if indexed.oldest_missing.is_none() {
            self.last = None;
            return IDLE;
        }
        // The step itself is one call.
        let is_quiet = self.last.is_some_and(|(pause, calls)| {
            let others = indexed.calls.saturating_sub(calls + 1);
            u128::from(others) <= pause.as_millis() / QUIET_CALL.as_millis()
        });
        let pause = if is_quiet { PAUSE_QUIET } else { PAUSE_BUSY };
        self.last = Some((pause, indexed.calls));
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;

    fn step(calls: u64) -> Indexed {
        Indexed { filed: 100, oldest_missing: Some(Timestamp::from_millis(1)), calls }
    }

    #[test]
    fn steps_follow_each_other_while_the_store_has_nothing_else_to_write() {
        let mut pace = Pace::default();
        let pauses: Vec<_> = [10, 11, 12, 13].into_iter().map(|calls| pace.after(step(calls))).collect();
        assert_eq!(pauses, [PAUSE_BUSY, PAUSE_QUIET, PAUSE_QUIET, PAUSE_QUIET]);
    }

    #[test]
    fn a_step_leaves_the_writer_to_other_calls_for_forty_times_as_long() {
        let mut pace = Pace::default();
        for calls in [10, 1_000, 1_900, 1_906] {
            assert_eq!(pace.after(step(calls)), PAUSE_BUSY, "{calls}");
        }
        assert_eq!(pace.after(step(1_911)), PAUSE_QUIET, "four other calls in 80 ms are few");
        assert_eq!(pace.after(step(1_913)), PAUSE_BUSY, "one in 2 ms is not");
    }

    #[test]
    fn an_index_that_lacks_nothing_is_looked_at_once_a_second() {
        let mut pace = Pace::default();
        pace.after(step(10));
        assert_eq!(pace.after(Indexed::default()), IDLE);
        assert_eq!(pace.after(step(10)), PAUSE_BUSY);
    }
}
