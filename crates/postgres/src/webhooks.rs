//! Webhooks: endpoints, the log of events, and the position of each endpoint in it.

mod content;
mod deliveries;
mod endpoints;
mod erased;
mod events;
mod forget;
mod found;
mod logs;
mod progress;
mod replays;

use async_trait::async_trait;
use model::webhook::{DisabledReason, EventType, Webhook};
use model::{Owner, Timestamp, WebhookId};

use super::Postgres;
use ledger::StoreError;
use ledger::contract::webhooks::{
    DeliveryPage, DeliveryState, Endpoint, EventBell, EventPage, EventRecord, EventsAfter, Heads, PendingDelivery,
    Progress, ReplayBegun, ReplayOf, Replaying, SealedSecret, ToSend, WebhookChange, Webhooks,
};
use ledger::turns::{Reader, Work};

pub(super) use erased::{erase_number, erase_resources};

#[async_trait]
impl Webhooks for Postgres {
    async fn create_webhook(&self, webhook: Webhook, secret: SealedSecret) -> Result<bool, StoreError> {
        self.core
            .write((webhook, secret), |unit, (webhook, secret)| Box::pin(endpoints::create(unit, webhook, secret)))
            .await
    }

    async fn webhooks(&self, owner: Option<Owner>) -> Result<Vec<Endpoint>, StoreError> {
        self.core.read(owner, |unit, owner| Box::pin(endpoints::all(unit, *owner))).await
    }

    async fn change_webhook(&self, owner: Owner, id: WebhookId, change: WebhookChange) -> Result<Webhook, StoreError> {
        self.core
            .write((owner, id, change), |unit, (owner, id, change)| {
                Box::pin(endpoints::change(unit, *owner, *id, change))
            })
            .await
    }

    async fn remove_webhook(&self, owner: Owner, id: WebhookId) -> Result<(), StoreError> {
        self.core.write((owner, id), |unit, (owner, id)| Box::pin(endpoints::remove(unit, *owner, *id))).await
    }

    async fn webhook_secrets(&self, id: WebhookId, now: Timestamp) -> Result<Vec<SealedSecret>, StoreError> {
        self.core.read((id, now), |unit, (id, now)| Box::pin(endpoints::secrets(unit, *id, *now))).await
    }

    async fn rotate_webhook_secret(
        &self,
        owner: Owner,
        id: WebhookId,
        secret: SealedSecret,
        others_until: Timestamp,
    ) -> Result<(), StoreError> {
        self.core
            .write((owner, id, secret, others_until), |unit, (owner, id, secret, until)| {
                Box::pin(endpoints::rotate(unit, *owner, *id, secret, *until))
            })
            .await
    }

    async fn disable_webhook(
        &self,
        id: WebhookId,
        reason: DisabledReason,
        at: Timestamp,
    ) -> Result<Option<Webhook>, StoreError> {
        self.core
            .write((id, reason, at), |unit, (id, reason, at)| Box::pin(endpoints::disable(unit, *id, *reason, *at)))
            .await
    }

    async fn log_webhook_test(&self, owner: Owner, id: WebhookId, at: Timestamp) -> Result<EventRecord, StoreError> {
        self.core
            .write((owner, id, at), |unit, (owner, id, at)| Box::pin(endpoints::log_test(unit, *owner, *id, *at)))
            .await
    }

    async fn follow_events_until(&self, owner: Owner, until: Timestamp) -> Result<(), StoreError> {
        self.core.write((owner, until), |unit, (owner, until)| Box::pin(logs::follow(unit, *owner, *until))).await
    }

    async fn webhook_events(
        &self,
        owner: Owner,
        kind: Option<EventType>,
        after: Option<EventsAfter>,
        limit: usize,
    ) -> Result<EventPage, StoreError> {
        self.core
            .read_for(
                Reader::Owner(owner),
                Work::Page,
                (owner, kind, after, limit),
                |unit, (owner, kind, after, limit)| Box::pin(events::page(unit, *owner, *kind, *after, *limit)),
            )
            .await
    }

    async fn event_heads(
        &self,
        id: WebhookId,
        after: u64,
        replay: Option<u64>,
        limit: usize,
    ) -> Result<Heads, StoreError> {
        self.core
            .read((id, after, replay, limit), |unit, (id, after, replay, limit)| {
                Box::pin(events::heads(unit, *id, *after, *replay, *limit))
            })
            .await
    }

    async fn event_to_send(&self, id: WebhookId, seq: u64) -> Result<Option<ToSend>, StoreError> {
        self.core.read((id, seq), |unit, (id, seq)| Box::pin(events::to_send(unit, *id, *seq))).await
    }

    async fn pending_deliveries(
        &self,
        id: WebhookId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<PendingDelivery>, StoreError> {
        self.core
            .read((id, after, limit), |unit, (id, after, limit)| {
                Box::pin(deliveries::pending(unit, *id, *after, *limit))
            })
            .await
    }

    async fn record_progress(&self, progress: Vec<Progress>) -> Result<(), StoreError> {
        self.core.write(progress, |unit, progress| Box::pin(progress::record(unit, progress))).await
    }

    async fn deliveries(
        &self,
        owner: Owner,
        id: WebhookId,
        state: Option<DeliveryState>,
        kind: Option<EventType>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<DeliveryPage, StoreError> {
        let input = (owner, id, (state, kind), before, limit);
        self.core
            .read_for(Reader::Owner(owner), Work::Page, input, |unit, (owner, id, narrowed, before, limit)| {
                Box::pin(deliveries::page(unit, *owner, *id, *narrowed, *before, *limit))
            })
            .await
    }

    async fn begin_replay(
        &self,
        owner: Owner,
        id: WebhookId,
        of: ReplayOf,
        due_at: Timestamp,
    ) -> Result<ReplayBegun, StoreError> {
        self.core
            .write((owner, id, of, due_at), |unit, (owner, id, of, due_at)| {
                Box::pin(replays::begin(unit, *owner, *id, of, *due_at))
            })
            .await
    }

    async fn replay_under_way(&self, id: WebhookId) -> Result<Option<Replaying>, StoreError> {
        self.core.read(id, |unit, id| Box::pin(replays::under_way(unit, *id))).await
    }

    async fn forget_events(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.core.write((before, limit), |unit, (before, limit)| Box::pin(forget::old(unit, *before, *limit))).await
    }

    fn event_bell(&self) -> EventBell {
        self.core.bell.clone()
    }
}

/// A number of the contract as a parameter.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// How many rows are read at most, as a parameter.
fn rows_at_most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
