//! Keeps the index behind filtered lists up to date, beside all other writes of the store.
//!
//! A step is one small transaction of the store. Its size and the pause after it depend on the other writes of the
//! store ([`beside`](crate::beside)).

use std::sync::Arc;
use std::time::Duration;

use runtime::Runtime;
use store::Store;
use store::contract::lists::Indexed;

use crate::beside::{Pace, Speed, Speeds};
use crate::counters::Counters;

const SPEEDS: Speeds = Speeds {
    quiet: Speed { batch: 500, pause: Duration::from_millis(2) },
    moderate: Speed { batch: 50, pause: Duration::from_millis(20) },
    busy: Speed { batch: 50, pause: Duration::from_millis(100) },
};

/// Between two looks while the index lacks nothing.
const IDLE: Duration = Duration::from_secs(1);

/// The pause after a failure of the store.
const STORE_REST: Duration = Duration::from_secs(5);

/// Adds messages to the index.
pub(crate) struct Indexer {
    pub(crate) store: Arc<dyn Store>,
    /// The age at which a message is added. Most messages have ended by then, so their entries need not follow their
    /// status.
    pub(crate) after: Duration,
    pub(crate) counters: Arc<Counters>,
    pub(crate) runtime: Arc<dyn Runtime>,
}

impl Indexer {
    /// Indexes until the future is dropped.
    pub(crate) async fn run(self) {
        let mut pace = Pace::new(SPEEDS);
        loop {
            let now = self.runtime.now();
            let pause = match self.store.index_lists(now, self.after, pace.batch()).await {
                Ok(indexed) => {
                    let behind =
                        indexed.oldest_missing.map_or(0, |at| (now.as_millis() - at.as_millis()).max(0).unsigned_abs());
                    self.counters.lists_behind_ms.set(behind);
                    pause_after(&mut pace, indexed)
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

/// The pause behind a step, with which the next one may have another size.
fn pause_after(pace: &mut Pace, indexed: Indexed) -> Duration {
    if indexed.oldest_missing.is_none() {
        pace.begin_anew();
        return IDLE;
    }
    pace.pause_after(indexed.calls)
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;

    #[test]
    fn an_index_that_lacks_nothing_is_looked_at_once_a_second() {
        let step = |calls| Indexed { filed: 50, oldest_missing: Some(Timestamp::from_millis(1)), calls };
        let mut pace = Pace::new(SPEEDS);
        pause_after(&mut pace, step(10));
        assert_eq!(pause_after(&mut pace, Indexed::default()), IDLE);
        assert_eq!((pause_after(&mut pace, step(11)), pace.batch()), (SPEEDS.busy.pause, SPEEDS.busy.batch));
    }
}
