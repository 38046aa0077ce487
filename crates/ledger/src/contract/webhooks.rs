//! Webhooks: endpoints, the log of events, and the position of each endpoint in it.
//!
//! The log of an owner has a row for each event, written in the transaction of the change, and only while the owner has
//! an endpoint or follows its events. A row holds facts and not the body, which is made from them and the row of the
//! resource when it is sent. An endpoint is a position in that log. An event that fails by itself is kept apart as a
//! pending delivery.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use model::webhook::{DisabledReason, EventId, EventType, Ordering, Subscription, Webhook};
use model::{BroadcastRecord, MessageId, MessageRecord, OptOut, Owner, Timestamp, WebhookId};
use tokio::sync::Notify;

use super::StoreError;

/// A secret of an endpoint, encrypted by the caller.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret(pub Vec<u8>);

impl std::fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealedSecret")
    }
}

/// Changes of an endpoint. `None` changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookChange {
    /// The URL to which events are sent.
    pub url: Option<Arc<str>>,
    /// The selected events.
    pub events: Option<Subscription>,
    /// The note of its account; `Some(None)` for none.
    pub description: Option<Option<Arc<str>>>,
    /// Whether events are sent. `true` also resets a disabled or failing state.
    pub active: Option<bool>,
    /// The order of events.
    pub ordering: Option<Ordering>,
    /// Whether messages of broadcasts have events, too.
    pub broadcast_messages: Option<bool>,
}

/// An endpoint and its progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The endpoint.
    pub webhook: Webhook,
    /// Everything up to this number of the owner's log is delivered, given up or pending.
    pub position: u64,
    /// The last number of that log.
    pub last: u64,
    /// The beginning of its failure, and the number of failed probes since.
    pub failing: Option<Failing>,
}

/// The state of a failing endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failing {
    /// The beginning, in steady time.
    pub since: Timestamp,
    /// The number of failed probes.
    pub probes: u32,
}

/// The identity of a resource whose events an endpoint may want in order.
pub type ResourceKey = u128;

/// An event that an endpoint wants, without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventHead {
    /// Its number in the log.
    pub seq: u64,
    /// The time of the event.
    pub at: Timestamp,
    /// The event.
    pub kind: EventType,
    /// The resource.
    pub resource: ResourceKey,
}

/// A part of a log for one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// The events that the endpoint wants, in order.
    pub heads: Vec<EventHead>,
    /// The last number that was looked at.
    pub looked_to: u64,
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRecord {
    /// Its id.
    pub id: EventId,
    /// The owner.
    pub owner: Owner,
    /// The event.
    pub kind: EventType,
    /// When.
    pub at: Timestamp,
    /// Its number among the events of its resource. If the resource skips a step, there is a gap.
    pub sequence: u32,
    /// Whether this is the last event of the resource.
    pub is_final: bool,
    /// The resource.
    pub content: EventContent,
}

/// The resource of an event, in its state after the event.
#[derive(Clone, Debug, PartialEq)]
pub enum EventContent {
    /// An outgoing message.
    Message(Box<MessageRecord>),
    /// A broadcast.
    Broadcast(Box<BroadcastRecord>),
    /// An inbound message.
    Inbound(MessageId),
    /// An opt-out, also one that has ended.
    OptOut(Box<OptOut>),
    /// An endpoint.
    Webhook {
        /// Which.
        id: WebhookId,
        /// The reason why it was disabled; `None` for a test.
        reason: Option<DisabledReason>,
    },
}

/// One attempt to deliver an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// Its beginning.
    pub at: Timestamp,
    /// The HTTP status of the response; `None` if there is none.
    pub status: Option<u16>,
    /// The reason of the failure; `None` for success, and if the status is the reason.
    pub cause: Option<Arc<str>>,
    /// Its duration in milliseconds.
    pub took_ms: u32,
    /// The start of the response.
    pub response: Arc<str>,
}

/// The number of attempts of a delivery that are kept, the newest ones.
pub const ATTEMPTS_KEPT: usize = 16;

/// The status of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// Another attempt follows.
    Pending,
    /// The endpoint accepted it.
    Succeeded,
    /// It was given up.
    Failed,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Succeeded, Self::Failed];

    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// The state with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// The outcome of an event at an endpoint, to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// The event.
    pub head: EventHead,
    /// The new status of the delivery.
    pub state: DeliveryState,
    /// The number of used attempts of the schedule.
    pub tries: u32,
    /// The time of the next attempt, in steady time; only for pending deliveries.
    pub due_at: Option<Timestamp>,
    /// The attempt, if there was one.
    pub attempt: Option<DeliveryAttempt>,
    /// The sent body, if later attempts must send the same.
    pub body: Option<Arc<str>>,
}

/// The progress of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The endpoint.
    pub webhook: WebhookId,
    /// Its position. It never goes back.
    pub position: u64,
    /// Its state; `None` changes nothing.
    pub failing: Option<Option<Failing>>,
    /// The progress of a replay: its number, and the last event that it has delivered. At its end, the replay is
    /// removed.
    pub replay: Option<(u64, u64)>,
    /// Deliveries that changed.
    pub deliveries: Vec<DeliveryRecord>,
}

/// A delivery with a further attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingDelivery {
    /// The event.
    pub head: EventHead,
    /// The number of used attempts of the schedule.
    pub tries: u32,
    /// The time at which it is due, in steady time.
    pub due_at: Timestamp,
}

/// The input of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct ToSend {
    /// The event.
    pub event: EventRecord,
    /// The body that an earlier attempt sent.
    pub body: Option<Arc<str>>,
}

/// A delivery, as its account sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The event.
    pub event: EventId,
    /// The event.
    pub kind: EventType,
    /// The time of the event.
    pub at: Timestamp,
    /// The status of the delivery.
    pub state: DeliveryState,
    /// The time of the next attempt, in steady time.
    pub due_at: Option<Timestamp>,
    /// The attempts, oldest first.
    pub attempts: Vec<DeliveryAttempt>,
}

/// A part of a list of deliveries, newest event first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryPage {
    /// The deliveries.
    pub deliveries: Vec<Delivery>,
    /// The start of the next page: before this event. `None` at the end.
    pub next: Option<u64>,
}

/// The start of a list of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventsAfter {
    /// After the event with this number.
    Seq(u64),
    /// With the first event of this time or later.
    Time(Timestamp),
}

/// A part of a log, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventPage {
    /// The events.
    pub events: Vec<EventRecord>,
    /// The start of the next page: after this number. `None` at the end of the log.
    pub next: Option<u64>,
}

/// The events to deliver again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayOf {
    /// The events of a time.
    Range {
        /// From this time on.
        since: Timestamp,
        /// Before this time; until now without it.
        until: Option<Timestamp>,
        /// Only those whose delivery has this status.
        state: Option<DeliveryState>,
    },
    /// These events.
    Events(Vec<EventId>),
}

/// The maximum number of replays of one endpoint that are under way.
pub const REPLAYS_MAX: u64 = 10;

/// A replay that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaying {
    /// Its number.
    pub number: u64,
    /// The last processed number of the log.
    pub position: u64,
    /// The last number that it delivers.
    pub end: u64,
}

/// The outcome of the start of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayBegun {
    /// It is recorded.
    Begun,
    /// [`REPLAYS_MAX`] are under way already.
    TooMany,
    /// One of the events is not in the log of the endpoint's owner.
    UnknownEvent,
}

/// Follows commits and finds the logs with new events. For one task at a time.
#[derive(Clone, Debug, Default)]
pub struct EventBell(Arc<Bell>);

#[derive(Debug, Default)]
struct Bell {
    logs: Mutex<BTreeMap<Owner, u64>>,
    rung: Notify,
}

impl EventBell {
    /// Waits until logs have new events, and returns each with its last number.
    pub async fn next(&self) -> BTreeMap<Owner, u64> {
        loop {
            let logs = std::mem::take(&mut *self.logs());
            if !logs.is_empty() {
                return logs;
            }
            self.0.rung.notified().await;
        }
    }

    /// Tells that these logs have new events, each up to this number.
    pub fn ring(&self, ends: impl IntoIterator<Item = (Owner, u64)>) {
        self.logs().extend(ends);
        self.0.rung.notify_one();
    }

    // No step under the lock can leave the map half changed.
    fn logs(&self) -> MutexGuard<'_, BTreeMap<Owner, u64>> {
        self.0.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Webhooks.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Creates an endpoint at the present end of its owner's log. From this transaction on the log is written. `false`
    /// if the owner has the maximum number of endpoints.
    async fn create_webhook(&self, webhook: Webhook, secret: SealedSecret) -> Result<bool, StoreError>;

    /// The endpoints of an owner, or of all, oldest first.
    async fn webhooks(&self, owner: Option<Owner>) -> Result<Vec<Endpoint>, StoreError>;

    /// Changes an endpoint. [`StoreError::NotFound`] for an endpoint that the owner does not have.
    async fn change_webhook(&self, owner: Owner, id: WebhookId, change: WebhookChange) -> Result<Webhook, StoreError>;

    /// Removes an endpoint and its secrets at once, and its deliveries step by step ([`Self::forget_events`]).
    /// [`StoreError::NotFound`] for an endpoint that the owner does not have.
    async fn remove_webhook(&self, owner: Owner, id: WebhookId) -> Result<(), StoreError>;

    /// The secrets of an endpoint that sign at `now`, the newest first. Empty for an unknown endpoint.
    async fn webhook_secrets(&self, id: WebhookId, now: Timestamp) -> Result<Vec<SealedSecret>, StoreError>;

    /// Gives an endpoint a new secret. Earlier secrets sign until `others_until`, or until their own end if that is
    /// earlier; there are at most [`model::webhook::SECRETS_MAX`] in all. [`StoreError::NotFound`] for an endpoint that
    /// the owner does not have.
    async fn rotate_webhook_secret(
        &self,
        owner: Owner,
        id: WebhookId,
        secret: SealedSecret,
        others_until: Timestamp,
    ) -> Result<(), StoreError>;

    /// Disables an endpoint and logs the event about it. Returns the endpoint, or `None` if it is not active.
    async fn disable_webhook(
        &self,
        id: WebhookId,
        reason: DisabledReason,
        at: Timestamp,
    ) -> Result<Option<Webhook>, StoreError>;

    /// Logs a test of an endpoint. [`StoreError::NotFound`] for an endpoint that the owner does not have.
    async fn log_webhook_test(&self, owner: Owner, id: WebhookId, at: Timestamp) -> Result<EventRecord, StoreError>;

    /// Has the owner's log written at least until this time, even if there is no endpoint.
    async fn follow_events_until(&self, owner: Owner, until: Timestamp) -> Result<(), StoreError>;

    /// Events of an owner, oldest first: at most `limit`. Events whose resource was removed are left out.
    async fn webhook_events(
        &self,
        owner: Owner,
        kind: Option<EventType>,
        after: Option<EventsAfter>,
        limit: usize,
    ) -> Result<EventPage, StoreError>;

    /// The events after this number that an endpoint wants; looks at no more than `limit` events and, for a replay, not
    /// beyond its end.
    async fn event_heads(
        &self,
        id: WebhookId,
        after: u64,
        replay: Option<u64>,
        limit: usize,
    ) -> Result<Heads, StoreError>;

    /// The input of an attempt to deliver this event; `None` if the event or its resource was removed.
    async fn event_to_send(&self, id: WebhookId, seq: u64) -> Result<Option<ToSend>, StoreError>;

    /// The pending deliveries of an endpoint, oldest event first, beginning after `after`: at most `limit`.
    async fn pending_deliveries(
        &self,
        id: WebhookId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<PendingDelivery>, StoreError>;

    /// Records the progress of endpoints in one transaction. A sent body is not kept if its person was erased
    /// meanwhile. Removed endpoints are ignored.
    async fn record_progress(&self, progress: Vec<Progress>) -> Result<(), StoreError>;

    /// The deliveries of an endpoint, newest event first, beginning before the event with number `before`: at most
    /// `limit`.
    async fn deliveries(
        &self,
        owner: Owner,
        id: WebhookId,
        state: Option<DeliveryState>,
        kind: Option<EventType>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<DeliveryPage, StoreError>;

    /// Records a replay. Events given by id become pending deliveries, due at `due_at`. [`StoreError::NotFound`] for an
    /// endpoint that the owner does not have.
    async fn begin_replay(
        &self,
        owner: Owner,
        id: WebhookId,
        of: ReplayOf,
        due_at: Timestamp,
    ) -> Result<ReplayBegun, StoreError>;

    /// The oldest replay of an endpoint that is under way.
    async fn replay_under_way(&self, id: WebhookId) -> Result<Option<Replaying>, StoreError>;

    /// Removes events from before this time with their deliveries, and the remains of removed endpoints: at most
    /// `limit` rows. Returns their number; fewer than `limit` if nothing is left.
    async fn forget_events(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;

    /// The signal after each commit with events.
    fn event_bell(&self) -> EventBell;
}
