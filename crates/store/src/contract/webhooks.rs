//! Webhooks: endpoints, the log of events, and the position of each endpoint in it.
//!
//! The log of an owner has a row for each event, written in the transaction of the change, and only while the owner has
//! an endpoint or follows its events. A row holds facts and not what is sent: that is made of them and the row of the
//! resource when it is sent. An endpoint is a place in that log, its position; an event that fails by itself is kept
//! apart from the position as a pending delivery.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use model::webhook::{DisabledReason, EventId, EventType, Ordering, Subscription, Webhook};
use model::{BroadcastRecord, MessageId, MessageRecord, OptOut, Owner, Timestamp, WebhookId};
use tokio::sync::Notify;

use super::StoreError;

/// A secret of an endpoint, encrypted by whoever gives it to the store.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret(pub Vec<u8>);

impl std::fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealedSecret")
    }
}

/// What changes of an endpoint. `None` changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookChange {
    /// Where events are sent.
    pub url: Option<Arc<str>>,
    /// Which events.
    pub events: Option<Subscription>,
    /// What its account calls it; `Some(None)` for nothing.
    pub description: Option<Option<Arc<str>>>,
    /// Whether anything is sent. `true` also forgets that the platform disabled it, and that it failed.
    pub active: Option<bool>,
    /// In which order.
    pub ordering: Option<Ordering>,
    /// Whether messages of broadcasts have events of their own.
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
    /// Since when it has been failing, and how many probes failed since.
    pub failing: Option<Failing>,
}

/// The state of an endpoint that does not answer as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failing {
    /// Since when, in steady time.
    pub since: Timestamp,
    /// How many probes failed.
    pub probes: u32,
}

/// What tells resources apart whose events an endpoint may want in order.
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
    /// To what.
    pub resource: ResourceKey,
}

/// A part of a log for one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// The events that the endpoint wants, in order.
    pub heads: Vec<EventHead>,
    /// Everything up to this number was looked at.
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
    /// Its number among the events of its resource. A step that the resource skipped is a gap.
    pub sequence: u32,
    /// Whether the resource has no further event.
    pub is_final: bool,
    /// The resource.
    pub content: EventContent,
}

/// The resource of an event, as the event left it.
#[derive(Clone, Debug, PartialEq)]
pub enum EventContent {
    /// An outgoing message.
    Message(Box<MessageRecord>),
    /// A broadcast.
    Broadcast(Box<BroadcastRecord>),
    /// An inbound message.
    Inbound(MessageId),
    /// An opt-out, or the one that ended.
    OptOut(Box<OptOut>),
    /// An endpoint.
    Webhook {
        /// Which.
        id: WebhookId,
        /// Why it was disabled; `None` for a test.
        reason: Option<DisabledReason>,
    },
}

/// One attempt to deliver an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// When it began.
    pub at: Timestamp,
    /// The HTTP status of the response; `None` where there is none.
    pub status: Option<u16>,
    /// Why it failed; `None` for success, and where the status says it.
    pub cause: Option<Arc<str>>,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
    /// The start of the response.
    pub response: Arc<str>,
}

/// The most attempts of a delivery that are kept, the newest.
pub const ATTEMPTS_KEPT: usize = 16;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// Another attempt follows.
    Pending,
    /// The endpoint has it.
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

/// What became of an event at an endpoint, for the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// The event.
    pub head: EventHead,
    /// Where the delivery stands now.
    pub state: DeliveryState,
    /// How many attempts of the schedule are used up.
    pub tries: u32,
    /// When it is tried again, in steady time; of pending deliveries alone.
    pub due_at: Option<Timestamp>,
    /// The attempt that was made, if one was.
    pub attempt: Option<DeliveryAttempt>,
    /// What was sent, where later attempts must send the same.
    pub body: Option<Arc<str>>,
}

/// How far an endpoint has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The endpoint.
    pub webhook: WebhookId,
    /// Its position. It never goes back.
    pub position: u64,
    /// Its state; `None` where that is not to change.
    pub failing: Option<Option<Failing>>,
    /// How far a replay has come: its number, and the last event that it need not deliver again. It is removed once
    /// that is its end.
    pub replay: Option<(u64, u64)>,
    /// Deliveries that changed.
    pub deliveries: Vec<DeliveryRecord>,
}

/// A delivery that is to be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingDelivery {
    /// The event.
    pub head: EventHead,
    /// How many attempts of the schedule are used up.
    pub tries: u32,
    /// When it is due, in steady time.
    pub due_at: Timestamp,
}

/// What an attempt needs.
#[derive(Clone, Debug, PartialEq)]
pub struct ToSend {
    /// The event.
    pub event: EventRecord,
    /// What an earlier attempt sent.
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
    /// Where the delivery stands.
    pub state: DeliveryState,
    /// When it is tried again, in steady time.
    pub due_at: Option<Timestamp>,
    /// The attempts, the oldest first.
    pub attempts: Vec<DeliveryAttempt>,
}

/// A part of a list of deliveries, newest event first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryPage {
    /// The deliveries.
    pub deliveries: Vec<Delivery>,
    /// Where the next page begins: before this event. `None` at the end.
    pub next: Option<u64>,
}

/// Where a list of events begins.
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
    /// Where the next page begins: after this number. `None` at the end of the log.
    pub next: Option<u64>,
}

/// What is delivered once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayOf {
    /// The events of a time.
    Range {
        /// From this moment on.
        since: Timestamp,
        /// Before this moment; until now where there is none.
        until: Option<Timestamp>,
        /// Only those whose delivery is in this state.
        state: Option<DeliveryState>,
    },
    /// These events.
    Events(Vec<EventId>),
}

/// The most replays of one endpoint that are under way.
pub const REPLAYS_MAX: u64 = 10;

/// A replay that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaying {
    /// Its number.
    pub number: u64,
    /// Everything up to this number of the log is done.
    pub position: u64,
    /// The last number that it delivers.
    pub end: u64,
}

/// Whether a replay was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayBegun {
    /// It is on record.
    Begun,
    /// [`REPLAYS_MAX`] are under way already.
    TooMany,
    /// One of the events is not in the log of the endpoint's owner.
    UnknownEvent,
}

/// Follows commits: which logs have new events. For one task at a time.
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

    pub(crate) fn ring(&self, ends: impl IntoIterator<Item = (Owner, u64)>) {
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
    /// Makes an endpoint, whose position is the present end of its owner's log. From this transaction on the log is
    /// written. `false` where the owner has as many endpoints as it may.
    async fn create_webhook(&self, webhook: Webhook, secret: SealedSecret) -> Result<bool, StoreError>;

    /// The endpoints of an owner, or of all, oldest first.
    async fn webhooks(&self, owner: Option<Owner>) -> Result<Vec<Endpoint>, StoreError>;

    /// Changes an endpoint. [`StoreError::NotFound`] for one that the owner does not have.
    async fn change_webhook(&self, owner: Owner, id: WebhookId, change: WebhookChange) -> Result<Webhook, StoreError>;

    /// Removes an endpoint and its secrets at once, and its deliveries bit by bit ([`Self::forget_events`]).
    /// [`StoreError::NotFound`] for one that the owner does not have.
    async fn remove_webhook(&self, owner: Owner, id: WebhookId) -> Result<(), StoreError>;

    /// The secrets of an endpoint that sign at `now`, the newest first. Empty for an unknown endpoint.
    async fn webhook_secrets(&self, id: WebhookId, now: Timestamp) -> Result<Vec<SealedSecret>, StoreError>;

    /// Gives an endpoint a new secret. The ones before it sign until `others_until`, those that end earlier until then,
    /// and no more than [`model::webhook::SECRETS_MAX`] in all. [`StoreError::NotFound`] for an endpoint that the owner
    /// does not have.
    async fn rotate_webhook_secret(
        &self,
        owner: Owner,
        id: WebhookId,
        secret: SealedSecret,
        others_until: Timestamp,
    ) -> Result<(), StoreError>;

    /// Disables an endpoint and logs the event that says so. Returns the endpoint, or `None` where it is not active.
    async fn disable_webhook(
        &self,
        id: WebhookId,
        reason: DisabledReason,
        at: Timestamp,
    ) -> Result<Option<Webhook>, StoreError>;

    /// Logs a test of an endpoint. [`StoreError::NotFound`] for one that the owner does not have.
    async fn log_webhook_test(&self, owner: Owner, id: WebhookId, at: Timestamp) -> Result<EventRecord, StoreError>;

    /// Writes the owner's log until this moment at least, although there may be no endpoint.
    async fn follow_events_until(&self, owner: Owner, until: Timestamp) -> Result<(), StoreError>;

    /// Events of an owner, oldest first: at most `limit`. Those whose resource is gone are left out.
    async fn webhook_events(
        &self,
        owner: Owner,
        kind: Option<EventType>,
        after: Option<EventsAfter>,
        limit: usize,
    ) -> Result<EventPage, StoreError>;

    /// The events after this number that an endpoint wants, of at most `limit` that are looked at; of a replay, up to
    /// its end.
    async fn event_heads(
        &self,
        id: WebhookId,
        after: u64,
        replay: Option<u64>,
        limit: usize,
    ) -> Result<Heads, StoreError>;

    /// What an attempt to deliver this event needs; `None` when the event or its resource is gone.
    async fn event_to_send(&self, id: WebhookId, seq: u64) -> Result<Option<ToSend>, StoreError>;

    /// The pending deliveries of an endpoint, the oldest event first, beginning after `after`: at most `limit`.
    async fn pending_deliveries(
        &self,
        id: WebhookId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<PendingDelivery>, StoreError>;

    /// Notes how far endpoints have come, all in one transaction. What was sent is not kept where its person was erased
    /// meanwhile. Endpoints that are gone are passed over.
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

    /// Puts a replay on record. Events by id become pending deliveries, due at `due_at`. [`StoreError::NotFound`] for
    /// an endpoint that the owner does not have.
    async fn begin_replay(
        &self,
        owner: Owner,
        id: WebhookId,
        of: ReplayOf,
        due_at: Timestamp,
    ) -> Result<ReplayBegun, StoreError>;

    /// The oldest replay of an endpoint that is under way.
    async fn replay_under_way(&self, id: WebhookId) -> Result<Option<Replaying>, StoreError>;

    /// Removes events of before this moment with their deliveries, and what is left of removed endpoints: at most
    /// `limit` rows. Returns how many; fewer than `limit` when nothing is left.
    async fn forget_events(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;

    /// Rings after each commit that has events.
    fn event_bell(&self) -> EventBell;
}
