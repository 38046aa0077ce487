//! What time ends: messages whose validity is over, messages without a carrier, receipts that nobody claims, old records, media that nobody needs.

mod abandoned;

use std::sync::Arc;
use std::time::Duration;

use model::{Moment, Timestamp};
use runtime::Runtime;
use store::{Store, StoreError};

use crate::counters::Counters;
use crate::dispatch::Dispatchers;
use crate::media::Shelf;
use crate::node::Node;
use crate::unmatched::by_carrier;

pub use abandoned::Abandoned;
pub(crate) use abandoned::Rerouter;
use abandoned::{BATCH, tell_unknown};

/// How often what has ended is looked for.
const EVERY: Duration = Duration::from_secs(1);

/// Every so many rounds, carriers are looked for that are in the store and not in this configuration.
const ROUNDS_PER_CENSUS: u32 = 30;

/// How often media are looked for that nobody needs.
const MEDIA_EVERY: Duration = Duration::from_secs(30);

/// Every so many of these looks, bytes of media are looked for that nobody names.
const LOOKS_PER_INVENTORY: u32 = 720;

/// So many batches of messages without a carrier are routed in one round.
const REROUTED_BATCHES: usize = 20;

/// How many rows of what time ends go at once: few, so that a write beside them waits for a few milliseconds.
const STEP: usize = 200;

/// The same of the change log, whose rows lie one after the other and go quickly.
const CHANGES_STEP: usize = 1_000;

/// After so long without its acknowledgement, a receipt may be for a message that is held.
const UNCLAIMED: Duration = Duration::from_secs(120);

/// Sweeps up.
pub(crate) struct Sweeper {
    pub(crate) screening_log: Duration,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) media_kept: Duration,
    /// How long a receipt waits for its acknowledgement.
    pub(crate) parked_kept: Duration,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) rerouter: Arc<Rerouter>,
    pub(crate) dispatchers: Dispatchers,
    pub(crate) counters: Arc<Counters>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) node: Arc<Node>,
}

impl Sweeper {
    /// Sweeps until the future is dropped.
    pub(crate) async fn run(self) {
        // Removing a medium or a long backlog of records may take long, and no message's validity waits for that.
        tokio::join!(self.sweep_messages(), self.sweep_records(), self.sweep_media());
    }

    async fn sweep_messages(&self) {
        let mut ticks = self.runtime.ticks(EVERY);
        let mut unknown = Vec::new();
        for round in (0..ROUNDS_PER_CENSUS).cycle() {
            ticks.tick().await;
            if let Err(error) = self.round(round, &mut unknown).await {
                tracing::warn!(%error, "Sweeping is waiting for the store: {error}");
            }
        }
    }

    async fn sweep_records(&self) {
        let mut ticks = self.runtime.ticks(EVERY);
        loop {
            ticks.tick().await;
            if let Err(error) = self.forget_records(self.runtime.now()).await {
                tracing::warn!(%error, "Old records are forgotten later: {error}");
            }
        }
    }

    /// Forgets all records of requests and decisions of the screen that are old, and all changes that every consumer has passed, however many came in meanwhile. Each step is a call of its own, so that others
    /// have their turn in between.
    async fn forget_records(&self, now: Timestamp) -> Result<(), StoreError> {
        let is_full = |forgotten: u64| forgotten >= STEP as u64;
        while is_full(self.store.forget_requests(now, STEP).await?) {}
        while is_full(self.store.forget_screening(now - self.screening_log, STEP).await?) {}
        while self.store.forget_changes(CHANGES_STEP).await? >= CHANGES_STEP as u64 {}
        Ok(())
    }

    async fn sweep_media(&self) {
        let mut ticks = self.runtime.ticks(MEDIA_EVERY);
        let mut reached = None;
        for look in (0..LOOKS_PER_INVENTORY).cycle() {
            ticks.tick().await;
            if look == 0
                && let Err(error) = self.shelf.remove_orphans().await
            {
                tracing::warn!(%error, "Media that nobody names are looked for later: {error}");
            }
            match self.shelf.sweep(reached, self.runtime.now() - self.media_kept, BATCH).await {
                Ok(next) => reached = next,
                Err(error) => tracing::warn!(%error, "Sweeping of media is waiting for the store: {error}"),
            }
        }
    }

    /// One round. `unknown` are the carriers that the last census found and this configuration does not know, and how many messages wait for each.
    async fn round(&self, round: u32, unknown: &mut Vec<(String, u64)>) -> Result<(), StoreError> {
        let moment = self.runtime.look();
        let now = moment.wall;
        loop {
            let ended = self.store.expire(self.node.epoch(), moment, self.dispatchers.under_way(), BATCH).await?;
            if ended < BATCH {
                break;
            }
        }
        self.end_waits(now).await?;
        self.forget_parked(now).await?;
        if round == 0 {
            tell_unknown(self.rerouter.unknown(self.store.queue_depths().await?), unknown);
        }
        self.route(moment).await?;
        if round == 0 {
            self.settle_held(now).await?;
        }
        Ok(())
    }

    /// Ends waits for receipts. Each step is a call of its own, so that others have their turn in between.
    async fn end_waits(&self, now: Timestamp) -> Result<(), StoreError> {
        loop {
            let step = self.store.end_waits(now, STEP).await?;
            let is_last = step.ended + step.missing.len() < STEP;
            for (carrier, count) in by_carrier(step.missing) {
                self.counters.unmatched(&carrier).miss(&carrier, count, self.runtime.instant());
            }
            if is_last {
                return Ok(());
            }
        }
    }

    async fn settle_held(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut reached = None;
        loop {
            let step = self.store.settle_held(now, UNCLAIMED, reached, STEP).await?;
            reached = step.next;
            if reached.is_none() {
                return Ok(());
            }
        }
    }

    async fn forget_parked(&self, now: Timestamp) -> Result<(), StoreError> {
        loop {
            let forgotten = self.store.forget_parked(now, self.parked_kept, STEP).await?;
            let is_last = forgotten.len() < STEP;
            for (carrier, count) in by_carrier(forgotten) {
                self.counters.unmatched(&carrier).expire_parked(&carrier, count, self.runtime.instant());
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Gives messages that had no route to the carrier that their route names now, as many as one round may, and fails the others.
    async fn route(&self, now: Moment) -> Result<(), StoreError> {
        for _ in 0..REROUTED_BATCHES {
            if self.rerouter.reroute("", now).await?.total() < BATCH as u64 {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
