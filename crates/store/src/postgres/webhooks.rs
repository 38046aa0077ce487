#![allow(unused_imports, unused_variables, dead_code)] // TODO-stub
//! To be written.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use async_trait::async_trait;
use model::webhook::{DisabledReason, EventId, EventType, Ordering, Subscription, Webhook};
use model::{BroadcastRecord, MessageId, MessageRecord, OptOut, Owner, Timestamp, WebhookId};
use tokio::sync::Notify;
use crate::contract::StoreError;

use crate::contract::webhooks::*;
use super::Postgres;

#[async_trait]
impl Webhooks for Postgres {
    async fn create_webhook(&self, webhook: Webhook, secret: SealedSecret) -> Result<bool, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn webhooks(&self, owner: Option<Owner>) -> Result<Vec<Endpoint>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn change_webhook(&self, owner: Owner, id: WebhookId, change: WebhookChange) -> Result<Webhook, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn remove_webhook(&self, owner: Owner, id: WebhookId) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn webhook_secrets(&self, id: WebhookId, now: Timestamp) -> Result<Vec<SealedSecret>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn rotate_webhook_secret(
        &self,
        owner: Owner,
        id: WebhookId,
        secret: SealedSecret,
        others_until: Timestamp,
    ) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn disable_webhook(
        &self,
        id: WebhookId,
        reason: DisabledReason,
        at: Timestamp,
    ) -> Result<Option<Webhook>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn log_webhook_test(&self, owner: Owner, id: WebhookId, at: Timestamp) -> Result<EventRecord, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn follow_events_until(&self, owner: Owner, until: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn webhook_events(
        &self,
        owner: Owner,
        kind: Option<EventType>,
        after: Option<EventsAfter>,
        limit: usize,
    ) -> Result<EventPage, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn event_heads(
        &self,
        id: WebhookId,
        after: u64,
        replay: Option<u64>,
        limit: usize,
    ) -> Result<Heads, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn event_to_send(&self, id: WebhookId, seq: u64) -> Result<Option<ToSend>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn pending_deliveries(
        &self,
        id: WebhookId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<PendingDelivery>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn record_progress(&self, progress: Vec<Progress>) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
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
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn begin_replay(
        &self,
        owner: Owner,
        id: WebhookId,
        of: ReplayOf,
        due_at: Timestamp,
    ) -> Result<ReplayBegun, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn replay_under_way(&self, id: WebhookId) -> Result<Option<Replaying>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn forget_events(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    fn event_bell(&self) -> EventBell {
        self.core.bell.clone()
    }
}
