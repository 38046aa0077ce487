//! The end of a pipeline, which comes in time whatever hangs.
//!
//! Dispatchers give back what they hold, carriers answer what they have, the answers are recorded, and the store is
//! closed. Each step has a time of its own, so that one that fails leaves the others theirs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::Pipeline;

/// How long the store may take to record the last answers, the time of [`CARRIER_GRACE`] included.
const RECORD: Duration = Duration::from_millis(1_500);

/// How much longer than its limit a carrier may take to drain.
const CARRIER_GRACE: Duration = Duration::from_millis(500);

/// How long closing the store may take at least.
const CLOSE: Duration = Duration::from_millis(1_500);

impl Pipeline {
    /// Admits and dispatches nothing more, waits for the carriers' answers, records them, and closes the store. Takes
    /// at most `limit` ([`AT_LEAST`](Self::AT_LEAST) if that is longer) and [`BEYOND`](Self::BEYOND), whatever the
    /// carriers and the store do.
    pub async fn drain(&self, limit: Duration) {
        let began = self.runtime.instant();
        self.settle(limit).await;
        self.close(limit.saturating_sub(self.since(began))).await;
    }

    /// How long dispatchers have to give back what they hold, however short the time is.
    pub const AT_LEAST: Duration = Duration::from_secs(1);

    /// How much longer than its limit draining may take: to record the last answers, and to close the store.
    pub const BEYOND: Duration = RECORD.saturating_add(CLOSE);

    /// The first part of draining: everything but closing the store.
    pub async fn settle(&self, limit: Duration) {
        self.begin_draining();
        let began = self.runtime.instant();
        // Half of the time belongs to the carriers, also where the store holds the dispatchers up.
        self.end_tasks(began + (limit / 2).max(Self::AT_LEAST)).await;
        let left = limit.saturating_sub(self.since(began));
        let drained = self.dispatchers.iter().map(|dispatcher| {
            let (runtime, carrier) = (Arc::clone(&self.runtime), Arc::clone(&dispatcher.carrier));
            let drain = async move {
                // A carrier keeps to the limit by itself; one that does not is left.
                let _ = runtime.timeout(left + CARRIER_GRACE, carrier.drain(left)).await;
            };
            self.runtime.spawn("drain of a carrier", Box::pin(drain))
        });
        for carrier in drained.collect::<Vec<_>>() {
            // One that panicked has nothing left to tell.
            let _ = carrier.ended().await;
        }
        // The carriers have told all that they will; it is recorded before the store closes.
        let flush = async {
            let (done, recorded) = oneshot::channel();
            if self.flush.send(done).await.is_ok() {
                let _ = recorded.await;
            }
        };
        // Carriers that are done early leave their time to the store.
        if self.runtime.timeout(limit.saturating_sub(self.since(began)) + RECORD - CARRIER_GRACE, flush).await.is_err()
        {
            tracing::error!(
                "The store could not record the last answers of carriers: the outcome of these messages is unknown \
                 after the next start"
            );
        }
        self.give_up.send_replace(true);
    }

    /// The last part of draining, which may take the time that is left, `spare`, and a little more. Nothing more is
    /// recorded.
    pub async fn close(&self, spare: Duration) {
        let end = async {
            self.node.leave().await;
            self.store.close().await;
        };
        if self.runtime.timeout(spare + CLOSE, end).await.is_err() {
            tracing::error!("The store could not be closed in time; every accepted message is on disk");
        }
    }

    fn since(&self, began: Instant) -> Duration {
        self.runtime.instant().saturating_duration_since(began)
    }

    async fn end_tasks(&self, deadline: Instant) {
        for mut task in self.tasks.lock().await.drain(..) {
            // A task that panicked has nothing left to finish.
            if self.runtime.timeout_at(deadline, task.wait()).await.is_err() {
                task.abort();
                tracing::warn!("A dispatcher could not give back its leases in time: they will expire");
            }
        }
    }
}
