//! Admission, and the reading of messages.

use std::sync::Arc;

use async_trait::async_trait;
use model::event::Event;
use model::idempotency::{AnswerForm, Endpoint, Fingerprint, IdempotencyKey};
use model::media::StoredMedia;
use model::message::{Direction, Message, MessageRecord};
use model::quota::UtcDay;
use model::{AccountId, BroadcastId, MessageId, Mode, Msisdn, Originator, Owner, ScreeningRecord, Status, Timestamp};

use super::StoreError;
use super::dispatch::Lease;
use super::nodes::Epoch;
use super::requests::RequestKey;

/// A message on its way in: all that the one admitting transaction needs.
#[derive(Clone, Debug)]
pub struct Admission {
    /// The node that admits it. A lease, where there is one, is of the same epoch.
    pub node: Epoch,
    /// The message itself.
    pub message: Arc<Message>,
    /// The carrier that it will go to first; empty when no route leads anywhere.
    pub carrier: String,
    /// The lease under which the caller will dispatch it at once; `None` leaves it due for any dispatcher from `due_at`
    /// on.
    pub lease: Option<Lease>,
    /// The present moment in steady time.
    pub due_at: Timestamp,
    /// The quota that it counts against.
    pub quota: Quota,
    /// The idempotency key that the client sent.
    pub idempotency: Option<IdempotencyClaim>,
    /// What the screen found in its text, where it was let pass all the same.
    pub flagged: Option<ScreeningRecord>,
    /// The media that it brings: those that it names ([`Message::media`]), where they are not kept yet. Their bytes are
    /// in their place already.
    pub media: Option<StoredMedia>,
}

/// How many recipients an owner has in a day, over all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The day that it is counted in.
    pub day: UtcDay,
    /// How many it may have.
    pub limit: u64,
}

/// A client's word that this request is the one it sent before under the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyClaim {
    /// Where the key was sent.
    pub endpoint: Endpoint,
    /// The key.
    pub key: IdempotencyKey,
    /// What the request asks for.
    pub fingerprint: Fingerprint,
    /// Records made before this moment count no more.
    pub not_before: Timestamp,
    /// Whether the request holds the key since [`super::requests::Requests::begin_request`]. Its own hold is no
    /// obstacle to it.
    pub begun: bool,
    /// Whether its answer is known only some time after its admission, because its client waits for news. From its
    /// admission on the request holds the key, and its record says nothing before the request ends or has an answer on
    /// record.
    pub awaited: bool,
}

impl IdempotencyClaim {
    /// The name of the request, which is one of this owner.
    pub fn of(&self, owner: Owner) -> RequestKey {
        RequestKey { owner, endpoint: self.endpoint, key: self.key.clone() }
    }
}

/// What became of an admission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// The message is on disk and its quota is used.
    New,
    /// The same request was admitted before; nothing was changed. This is what it was answered.
    Replayed(Replay),
    /// The key stands for a different request; nothing was changed.
    KeyTaken,
    /// Another request holds the key ([`super::requests`]) and is not on record, or its answer is awaited and not on
    /// record; nothing was changed.
    UnderWay,
    /// The message does not fit the quota; nothing was changed.
    QuotaReached,
    /// The media that it names are kept no longer; nothing was changed. It may bring them again.
    MediaGone,
}

/// An answer given before under an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The message as it was accepted.
    pub message: Arc<Message>,
    /// The body that was answered, where it was not simply that of a queued message.
    pub answer: Option<String>,
    /// Which fields the answer has.
    pub form: AnswerForm,
}

/// Which messages a list shows. `None` does not narrow it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Of this account; for the operator, who sees all.
    pub account: Option<AccountId>,
    /// Sent with keys of this mode; likewise.
    pub mode: Option<Mode>,
    /// With this status.
    pub status: Option<Status>,
    /// Going this way.
    pub direction: Option<Direction>,
    /// To this number.
    pub recipient: Option<Msisdn>,
    /// From this number.
    pub originator: Option<Originator>,
    /// Of this broadcast.
    pub broadcast: Option<BroadcastId>,
    /// Accepted at this moment or later.
    pub from: Option<Timestamp>,
    /// Accepted before this moment.
    pub before: Option<Timestamp>,
}

/// A part of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The messages. May be fewer than asked for, even none, while there is a next page: a page looks at a bounded
    /// number of rows.
    pub messages: Vec<MessageRecord>,
    /// Where the next page begins: after this message. `None` at the end.
    pub next: Option<MessageId>,
}

/// Admission and reading.
#[async_trait]
pub trait Messages: Send + Sync {
    /// Makes a message durable, with its quota and its idempotency record.
    ///
    /// Atomic: all of it or, on any outcome but [`Admitted::New`], nothing. Concurrent calls commit as a group, each
    /// with its own outcome. Called twice with the same claim, the second is [`Admitted::Replayed`], or
    /// [`Admitted::UnderWay`] while the answer to the first is awaited. A request whose answer is awaited holds its key
    /// from this transaction on, with [`Admitted::New`] only; while another request holds the key, it is
    /// [`Admitted::UnderWay`]. Other requests are admitted although a request holds their key that is not on record
    /// yet: whichever is admitted first is the one.
    ///
    /// The quota is counted in the admitting transaction, and is exact whatever is admitted at the same time, at all
    /// nodes together: of requests for the last place one is admitted.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the node is over: nothing is promised in its name.
    async fn admit(&self, admission: Admission) -> Result<Admitted, StoreError>;

    /// What a repeat of a request is answered, by the state of one moment: `Replayed` or `KeyTaken` where there is a
    /// record that was made at `claim.not_before` or later, and `UnderWay` while another request holds the key that is
    /// not on record, or whose answer is awaited. Changes nothing.
    async fn replay(&self, owner: Owner, claim: &IdempotencyClaim) -> Result<Option<Admitted>, StoreError>;

    /// A message of this owner, or nothing.
    async fn message(&self, owner: Owner, id: MessageId) -> Result<Option<MessageRecord>, StoreError>;

    /// A message of any account, for the operator.
    async fn message_of_any_account(&self, id: MessageId) -> Result<Option<MessageRecord>, StoreError>;

    /// Messages of an owner (of all when `None`, for the operator), newest first, beginning after `after`: at most
    /// `limit`. A page looks at no more than 20,000 rows. Where the index has the messages ([`super::lists`]), it looks
    /// at those that it shows, and at few others.
    ///
    /// Owners take turns. [`StoreError::Unavailable`] where too many reads of this owner wait already.
    async fn messages(
        &self,
        owner: Option<Owner>,
        filter: MessageFilter,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Page, StoreError>;

    /// The whole life of a message, oldest first, beginning with its acceptance. Empty for an unknown message.
    async fn events(&self, id: MessageId) -> Result<Vec<Event>, StoreError>;
}
