//! Broadcasts: accepted as a whole, turned into messages step by step, counted with their messages.
//!
//! Whoever gives recipients their turn has the row of their chunk locked, and whoever stops a broadcast takes all of
//! its chunks first. So nobody has a turn while a broadcast is stopped, and the row of counts can be locked after the
//! messages here as well.

mod cancel;
mod expand;
mod page;

use std::sync::Arc;

use async_trait::async_trait;
use model::{Broadcast, BroadcastId, BroadcastRecord, Owner, Timestamp};

use super::Postgres;
use super::broadcast_records::load;
use super::fault::Fault;
use super::{admission, rows};
use ledger::StoreError;
use ledger::contract::admission::{Admission, Admitted, Earlier, IdempotencyClaim, NewBroadcast};
use ledger::contract::broadcasts::{BroadcastFilter, BroadcastPage, Broadcasts, Canceled, Expansion, Upcoming};
use ledger::contract::nodes::Epoch;
use ledger::turns::Work;

#[async_trait]
impl Broadcasts for Postgres {
    async fn admit_broadcast(&self, admission: Admission<NewBroadcast>) -> Result<Admitted<Broadcast>, StoreError> {
        admission::admit_broadcast(&self.core, admission).await
    }

    async fn replay_broadcast(
        &self,
        owner: Owner,
        claim: &IdempotencyClaim,
    ) -> Result<Option<Earlier<Broadcast>>, StoreError> {
        admission::replay_broadcast(&self.core, owner, claim).await
    }

    async fn broadcast(&self, owner: Option<Owner>, id: BroadcastId) -> Result<Option<BroadcastRecord>, StoreError> {
        self.core
            .read_for(owner.into(), Work::One, (owner, id), |unit, (owner, id)| Box::pin(load(unit, *owner, *id)))
            .await
    }

    async fn broadcasts(
        &self,
        owner: Option<Owner>,
        filter: BroadcastFilter,
        after: Option<BroadcastId>,
        limit: usize,
    ) -> Result<BroadcastPage, StoreError> {
        self.core
            .read_for(owner.into(), Work::Page, (owner, filter, after, limit), |unit, (owner, filter, after, limit)| {
                Box::pin(page::page(unit, *owner, filter, *after, *limit))
            })
            .await
    }

    async fn unexpanded(
        &self,
        node: Epoch,
        after: Option<BroadcastId>,
        limit: usize,
    ) -> Result<Vec<Arc<Broadcast>>, StoreError> {
        let mut found = self
            .core
            .read((node, after, limit), |unit, (node, after, limit)| {
                Box::pin(expand::unexpanded(unit, *node, *after, *limit))
            })
            .await?;
        let unowned: Vec<(BroadcastId, i64)> = found
            .iter()
            .filter(|(_, owner)| *owner != rows::epoch_number(node))
            .map(|(found, owner)| (found.id, *owner))
            .collect();
        if !unowned.is_empty() {
            let lost = self
                .core
                .write((node, unowned), |unit, (node, unowned)| Box::pin(expand::own(unit, *node, unowned)))
                .await?;
            found.retain(|(broadcast, _)| !lost.contains(&broadcast.id));
        }
        Ok(found.into_iter().map(|(broadcast, _)| broadcast).collect())
    }

    async fn upcoming(&self, id: BroadcastId, limit: usize) -> Result<Option<Upcoming>, StoreError> {
        self.core.read((id, limit), |unit, (id, limit)| Box::pin(expand::upcoming(unit, *id, *limit))).await
    }

    async fn expand(&self, expansion: Expansion) -> Result<bool, StoreError> {
        let ids = expansion.messages.iter().map(|made| rows::id(made.message.id.to_bytes()));
        self.core.make_room(ids).await.map_err(Fault::told)?;
        self.core.write(expansion, |unit, expansion| Box::pin(expand::expand(unit, expansion))).await
    }

    async fn cancel_broadcast(
        &self,
        owner: Option<Owner>,
        id: BroadcastId,
        now: Timestamp,
    ) -> Result<Option<Canceled>, StoreError> {
        self.core
            .write((owner, id, now), |unit, (owner, id, now)| Box::pin(cancel::cancel(unit, *owner, *id, *now)))
            .await
    }
}
