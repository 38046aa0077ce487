//! A restored store: what waits in it, and releasing it.

use std::sync::Arc;
use std::time::Duration;

use model::BroadcastStatus;
use model::error::Refusal;
use runtime::Runtime;
use store::contract::broadcasts::BroadcastFilter;
use store::contract::holds::{Hold, Waiting};
use store::{Store, StoreError};

use super::Pipeline;
use crate::dispatch::Dispatchers;
use crate::hold::Holding;
use crate::refusal::refused_by_store;
use crate::stops::Stops;

/// How often a node looks whether another one has released the store.
const LOOK: Duration = Duration::from_secs(1);

/// How many broadcasts are canceled by one step.
const BROADCASTS: usize = 100;

/// How many messages are ended by one transaction, and by one step.
const MESSAGES: usize = 500;
const TRANSACTIONS: usize = 10;

/// What a step of ending what waits came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Broadcasts that were canceled.
    pub broadcasts: u64,
    /// Messages that were ended, those of these broadcasts included.
    pub messages: u64,
}

impl Pipeline {
    /// Whether the store was restored and is held, as this process knows.
    pub fn hold(&self) -> Option<Hold> {
        self.holding.get()
    }

    /// What waits in the store, whether it is held or not.
    ///
    /// # Errors
    /// Where the store does not tell.
    pub async fn waiting(&self) -> Result<Waiting, Refusal> {
        self.store.waiting_in_all(self.runtime.now()).await.map_err(refused_by_store)
    }

    /// Ends some of what waits in a held store, which is not to be sent: broadcasts are canceled, and then messages end
    /// as undelivered, `unknown`. Nothing is left when a step has ended nothing. `None` where the store is not held.
    ///
    /// # Errors
    /// If the store could not take it.
    pub async fn end_waiting(self: &Arc<Self>) -> Result<Option<Ended>, Refusal> {
        let pipeline = Arc::clone(self);
        self.to_the_end(Box::pin(async move {
            if pipeline.hold().is_none() {
                return Ok(None);
            }
            let canceled = pipeline.cancel_open_broadcasts().await?;
            if canceled.broadcasts > 0 {
                return Ok(Some(canceled));
            }
            let mut ended = Ended::default();
            for _ in 0..TRANSACTIONS {
                let now = pipeline.runtime.look();
                let count = pipeline.store.end_queued(pipeline.node.epoch(), now, MESSAGES).await;
                ended.messages += count.map_err(refused_by_store)? as u64;
            }
            Ok(Some(ended))
        }))
        .await
    }

    /// Cancels some broadcasts, where any is open.
    async fn cancel_open_broadcasts(&self) -> Result<Ended, Refusal> {
        let mut ended = Ended::default();
        for status in [BroadcastStatus::Queued, BroadcastStatus::Sending] {
            let mut after = None;
            loop {
                let filter = BroadcastFilter { status: Some(status), ..BroadcastFilter::default() };
                let page = self.store.broadcasts(None, filter, after, BROADCASTS).await.map_err(refused_by_store)?;
                for open in page.broadcasts {
                    let now = self.runtime.now();
                    let canceled = self.store.cancel_broadcast(None, open.broadcast.id, now).await;
                    if let Some(canceled) = canceled.map_err(refused_by_store)? {
                        ended.broadcasts += 1;
                        ended.messages += canceled.stopped;
                    }
                }
                // A page may be empty while others follow.
                after = page.next;
                if after.is_none() || ended.broadcasts > 0 {
                    break;
                }
            }
        }
        Ok(ended)
    }

    /// Releases the store: what waits in it is sent. `false` where it is not held.
    ///
    /// # Errors
    /// If the store could not take it.
    pub async fn release(self: &Arc<Self>) -> Result<bool, Refusal> {
        let pipeline = Arc::clone(self);
        self.to_the_end(Box::pin(async move {
            let released = pipeline.store.release_hold().await.map_err(refused_by_store)?;
            let looked = look(&pipeline.holding, &*pipeline.store, &pipeline.stops, &pipeline.dispatchers).await;
            looked.map(|()| released).map_err(refused_by_store)
        }))
        .await
    }
}

/// Looks until the store is released, perhaps by another node.
pub(super) async fn follow(
    holding: Arc<Holding>,
    store: Arc<dyn Store>,
    stops: Arc<Stops>,
    dispatchers: Dispatchers,
    runtime: Arc<dyn Runtime>,
) {
    let mut ticks = runtime.ticks(LOOK);
    while holding.get().is_some() {
        ticks.tick().await;
        if let Err(error) = look(&holding, &*store, &stops, &dispatchers).await {
            tracing::warn!(%error, "Could not read whether the store is still held: {error}");
        }
    }
}

async fn look(
    holding: &Holding,
    store: &dyn Store,
    stops: &Stops,
    dispatchers: &Dispatchers,
) -> Result<(), StoreError> {
    holding.look(store).await?;
    stops.look(store, dispatchers).await
}
