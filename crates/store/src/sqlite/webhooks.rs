//! Webhooks: endpoints, the log of events, and the position of each endpoint in it.

mod deliveries;
mod endpoints;
mod events;
mod found;
mod logs;
mod replays;

use async_trait::async_trait;
use model::webhook::{DisabledReason, EventType, Webhook};
use model::{Owner, Timestamp, WebhookId};

use super::Sqlite;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::webhooks::{
    DeliveryPage, DeliveryState, Endpoint, EventBell, EventPage, EventRecord, EventsAfter, Heads, PendingDelivery,
    Progress, ReplayBegun, ReplayOf, Replaying, SealedSecret, ToSend, WebhookChange, Webhooks,
};
use ledger::turns::{Reader, Work};

pub(super) use logs::{erase_number, erase_resource};

#[async_trait]
impl Webhooks for Sqlite {
    async fn create_webhook(&self, webhook: Webhook, secret: SealedSecret) -> Result<bool, StoreError> {
        self.writer.write(move |group: &mut Group| Ok(endpoints::create(group, &webhook, &secret)?)).await
    }

    async fn webhooks(&self, owner: Option<Owner>) -> Result<Vec<Endpoint>, StoreError> {
        self.readers.read(move |connection| endpoints::all(connection, owner)).await
    }

    async fn change_webhook(&self, owner: Owner, id: WebhookId, change: WebhookChange) -> Result<Webhook, StoreError> {
        self.writer.write(move |group: &mut Group| endpoints::change(group, owner, id, change)).await
    }

    async fn remove_webhook(&self, owner: Owner, id: WebhookId) -> Result<(), StoreError> {
        self.writer.write(move |group: &mut Group| endpoints::remove(group, owner, id)).await
    }

    async fn webhook_secrets(&self, id: WebhookId, now: Timestamp) -> Result<Vec<SealedSecret>, StoreError> {
        self.readers.read(move |connection| endpoints::secrets(connection, id, now)).await
    }

    async fn rotate_webhook_secret(
        &self,
        owner: Owner,
        id: WebhookId,
        secret: SealedSecret,
        others_until: Timestamp,
    ) -> Result<(), StoreError> {
        self.writer.write(move |group: &mut Group| endpoints::rotate(group, owner, id, &secret, others_until)).await
    }

    async fn disable_webhook(
        &self,
        id: WebhookId,
        reason: DisabledReason,
        at: Timestamp,
    ) -> Result<Option<Webhook>, StoreError> {
        self.writer.write(move |group: &mut Group| Ok(endpoints::disable(group, id, reason, at)?)).await
    }

    async fn log_webhook_test(&self, owner: Owner, id: WebhookId, at: Timestamp) -> Result<EventRecord, StoreError> {
        self.writer.write(move |group: &mut Group| endpoints::log_test(group, owner, id, at)).await
    }

    async fn follow_events_until(&self, owner: Owner, until: Timestamp) -> Result<(), StoreError> {
        self.writer.write(move |group: &mut Group| Ok(logs::follow(group, owner, until)?)).await
    }

    async fn webhook_events(
        &self,
        owner: Owner,
        kind: Option<EventType>,
        after: Option<EventsAfter>,
        limit: usize,
    ) -> Result<EventPage, StoreError> {
        let read = move |connection: &rusqlite::Connection| events::page(connection, owner, kind, after, limit);
        self.readers.read_for(Reader::Owner(owner), Work::Page, read).await
    }

    async fn event_heads(
        &self,
        id: WebhookId,
        after: u64,
        replay: Option<u64>,
        limit: usize,
    ) -> Result<Heads, StoreError> {
        self.readers.read(move |connection| events::heads(connection, id, after, replay, limit)).await
    }

    async fn event_to_send(&self, id: WebhookId, seq: u64) -> Result<Option<ToSend>, StoreError> {
        self.readers.read(move |connection| events::to_send(connection, id, seq)).await
    }

    async fn pending_deliveries(
        &self,
        id: WebhookId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<PendingDelivery>, StoreError> {
        self.readers.read(move |connection| deliveries::pending(connection, id, after, limit)).await
    }

    async fn record_progress(&self, progress: Vec<Progress>) -> Result<(), StoreError> {
        self.writer.write(move |group: &mut Group| Ok(deliveries::record(group, &progress)?)).await
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
        let rows = self.rows_per_page;
        let read = move |connection: &rusqlite::Connection| {
            deliveries::page(connection, owner, id, (state, kind), before, limit, rows)
        };
        self.readers.read_for(Reader::Owner(owner), Work::Page, read).await
    }

    async fn begin_replay(
        &self,
        owner: Owner,
        id: WebhookId,
        of: ReplayOf,
        due_at: Timestamp,
    ) -> Result<ReplayBegun, StoreError> {
        self.writer.write(move |group: &mut Group| replays::begin(group, owner, id, &of, due_at)).await
    }

    async fn replay_under_way(&self, id: WebhookId) -> Result<Option<Replaying>, StoreError> {
        self.readers.read(move |connection| replays::under_way(connection, id)).await
    }

    async fn forget_events(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.writer.write(move |group: &mut Group| Ok(deliveries::forget(group, before, limit)?)).await
    }

    fn event_bell(&self) -> EventBell {
        self.bell.clone()
    }
}

/// How the store writes whose world a log is of.
const fn is_test(owner: Owner) -> bool {
    super::rows::is_test(owner.mode)
}
