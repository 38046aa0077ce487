//! Keeps the index behind filtered lists up to date, beside everything else that the store has to write.
//!
//! A step is one small transaction of the store. How large it is, and how long the pause behind it, follows from how
//! many other calls the store had to write since the last one: while it is busy, indexing takes about a hundredth of
//! the writer's time; while it has nothing else to do, steps follow each other almost at once.

use std::sync::Arc;
use std::time::Duration;

use runtime::Runtime;
use store::Store;
use store::contract::lists::Indexed;

use crate::counters::Counters;

/// While the store has nothing else to write.
const QUIET: Speed = Speed { batch: 500, pause: Duration::from_millis(2) };

/// While it has, and much time is left.
const MODERATE: Speed = Speed { batch: 50, pause: Duration::from_millis(20) };

/// While little may be left.
const BUSY: Speed = Speed { batch: 50, pause: Duration::from_millis(100) };

/// Up to so many other calls a second, the store counts as quiet.
const QUIET_CALLS_PER_SEC: u128 = 50;

/// Up to so many, there is much time left.
const MODERATE_CALLS_PER_SEC: u128 = 5_000;

/// Between two looks while the index lacks nothing.
const IDLE: Duration = Duration::from_secs(1);

/// How long the indexer rests after the store did not answer it.
const STORE_REST: Duration = Duration::from_secs(5);

/// Adds messages to the index.
pub(crate) struct Indexer {
    pub(crate) store: Arc<dyn Store>,
    /// How old a message is when it is added. Most have come to their end by then, and their entry need not follow
    /// their status.
    pub(crate) after: Duration,
    pub(crate) counters: Arc<Counters>,
    pub(crate) runtime: Arc<dyn Runtime>,
}

impl Indexer {
    /// Indexes until the future is dropped.
    pub(crate) async fn run(self) {
        let mut pace = Pace::default();
        loop {
            let now = self.runtime.now();
            let pause = match self.store.index_lists(now, self.after, pace.speed.batch).await {
                Ok(indexed) => {
                    let behind =
                        indexed.oldest_missing.map_or(0, |at| (now.as_millis() - at.as_millis()).max(0).unsigned_abs());
                    self.counters.lists_behind_ms.set(behind);
                    pace.pause_after(indexed)
                }
                Err(error) => {
                    tracing::warn!(%error, "The index of lists is waiting for the store: {error}");
                    STORE_REST
                }
            };
            self.runtime.sleep(pause).await;
        }
    }
}

/// How large a step is, and how long the pause behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Speed {
    /// Messages that one step adds at most.
    batch: usize,
    pause: Duration,
}

/// The speed, and what it follows from.
struct Pace {
    speed: Speed,
    /// How many calls the store had run when the last pause began.
    calls: Option<u64>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { speed: BUSY, calls: None }
    }
}

impl Pace {
    /// The pause behind a step, with which the next one may have another size.
    fn pause_after(&mut self, indexed: Indexed) -> Duration {
        if indexed.oldest_missing.is_none() {
            *self = Self::default();
            return IDLE;
        }
        // The step itself is one call.
        let others = self.calls.map(|calls| u128::from(indexed.calls.saturating_sub(calls + 1)));
        let up_to =
            |per_sec: u128| others.is_some_and(|others| others * 1_000 <= per_sec * self.speed.pause.as_millis());
        self.speed = if up_to(QUIET_CALLS_PER_SEC) {
            QUIET
        } else if up_to(MODERATE_CALLS_PER_SEC) {
            MODERATE
        } else {
            BUSY
        };
        self.calls = Some(indexed.calls);
        self.speed.pause
    }
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;

    fn step(calls: u64) -> Indexed {
        Indexed { filed: 50, oldest_missing: Some(Timestamp::from_millis(1)), calls }
    }

    /// The speeds behind steps at which the store had run so many calls.
    fn speeds(calls: &[u64]) -> Vec<Speed> {
        let mut pace = Pace::default();
        let speed = |calls: &u64| {
            pace.pause_after(step(*calls));
            pace.speed
        };
        calls.iter().map(speed).collect()
    }

    #[test]
    fn steps_follow_each_other_while_the_store_has_nothing_else_to_write() {
        assert_eq!(speeds(&[10, 11, 12, 13]), [BUSY, QUIET, QUIET, QUIET]);
    }

    #[test]
    fn steps_are_small_and_rare_while_it_has_much_to_write() {
        assert_eq!(speeds(&[10, 1_011, 3_012]), [BUSY; 3]);
    }

    #[test]
    fn the_speed_follows_the_calls_in_the_last_pause() {
        // Other calls: 500 in 100 ms, none in 20 ms, one in 2 ms, 101 in 20 ms, 500 in 100 ms.
        let calls = [10, 511, 512, 514, 616, 1_117];
        assert_eq!(speeds(&calls), [BUSY, MODERATE, QUIET, MODERATE, BUSY, MODERATE]);
    }

    #[test]
    fn an_index_that_lacks_nothing_is_looked_at_once_a_second() {
        let mut pace = Pace::default();
        pace.pause_after(step(10));
        assert_eq!(pace.pause_after(Indexed::default()), IDLE);
        assert_eq!((pace.pause_after(step(11)), pace.speed), (BUSY.pause, BUSY));
    }
}
