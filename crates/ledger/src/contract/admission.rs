//! Admission: everything that one request writes to the store, in one transaction.
//!
//! An [`Admission`] is an envelope. Its payload is the new resource: a [message](NewMessage) or a
//! [broadcast](NewBroadcast). Everything else is the same for both, and so is the answer.
//!
//! An admission is atomic: with [`Admitted::New`] all of it is written, with any other outcome nothing. Concurrent
//! calls commit as a group, each with its own outcome. Of two calls with the same claim, the second gets
//! [`Earlier::Replayed`], or [`Earlier::UnderWay`] while the answer to the first is awaited. A request whose answer is
//! awaited holds its key from this transaction on, with [`Admitted::New`] only; while another request holds the key, it
//! gets [`Earlier::UnderWay`]. Other requests are admitted even if a request that is not on record yet holds their key:
//! the first one to be admitted wins.
//!
//! The quota takes all recipients or none. It is counted in the admitting transaction, and is exact over all nodes
//! regardless of concurrent admissions: of several requests for the last place, one is admitted.
//!
//! The answer to a repeat of a request is read from the state of one moment: `Replayed` or `KeyTaken` if there is a
//! record from [`IdempotencyClaim::not_before`] or later, and `UnderWay` while another request holds the key and is not
//! on record, or its answer is awaited.

use std::sync::Arc;

use model::idempotency::{AnswerForm, Endpoint, Fingerprint, IdempotencyKey};
use model::media::StoredMedia;
use model::quota::UtcDay;
use model::variables::Values;
use model::{Assignment, Broadcast, Message, MessageId, Owner, Recipients, ScreeningRecord, Timestamp};

use super::dispatch::Lease;
use super::nodes::Epoch;
use super::requests::RequestKey;

/// The input of the admitting transaction.
#[derive(Clone, Debug)]
pub struct Admission<P> {
    /// The node that admits it, and owns it from then on. A lease of the payload belongs to the same epoch.
    pub node: Epoch,
    /// The new resource.
    pub payload: P,
    /// The quota against which its recipients count.
    pub quota: Quota,
    /// The idempotency key that the client sent.
    pub idempotency: Option<IdempotencyClaim>,
    /// The findings of the screen, if the text passed in spite of them.
    pub flagged: Option<ScreeningRecord>,
    /// The message of which it is a copy: one of its events names it.
    pub again: Option<MessageId>,
    /// The new media: those that the payload names and that are not kept yet. Their bytes are stored already.
    pub media: Option<StoredMedia>,
}

impl<P> Admission<P> {
    /// The same with another payload.
    pub fn with<Q>(self, payload: Q) -> Admission<Q> {
        let Self { node, quota, idempotency, flagged, again, media, .. } = self;
        Admission { node, payload, quota, idempotency, flagged, again, media }
    }
}

/// A message to be admitted.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// The message itself.
    pub message: Arc<Message>,
    /// The carrier to which it goes first.
    pub carrier: Assignment,
    /// The lease under which the caller dispatches it at once; with `None` it is due for any dispatcher from `due_at`
    /// on.
    pub lease: Option<Lease>,
    /// The present time by the steady clock.
    pub due_at: Timestamp,
}

/// A broadcast to be admitted.
#[derive(Clone, Debug)]
pub struct NewBroadcast {
    /// The broadcast itself.
    pub broadcast: Arc<Broadcast>,
    /// Its recipients, without those that are blocked.
    pub recipients: Recipients,
    /// The values of each of them for the variables in its text; empty if the text has no variables.
    pub values: Vec<Values>,
}

/// The quota of an owner: recipients in a day, over all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The day in which it is counted.
    pub day: UtcDay,
    /// The most recipients.
    pub limit: u64,
}

/// A client's claim that this request is the same as its earlier one with the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyClaim {
    /// The endpoint to which the key was sent.
    pub endpoint: Endpoint,
    /// The key.
    pub key: IdempotencyKey,
    /// The fingerprint of the request.
    pub fingerprint: Fingerprint,
    /// Records from before this time no longer count.
    pub not_before: Timestamp,
    /// Whether the request has held the key since [`super::requests::Requests::begin_request`]. Its own hold is no
    /// obstacle.
    pub begun: bool,
    /// Whether its answer is known only after its admission, because its client waits for an outcome. From its
    /// admission on the request holds the key, and its record has no answer until the request ends or its answer is
    /// recorded.
    pub awaited: bool,
}

impl IdempotencyClaim {
    /// The name of the request of this owner.
    pub fn of(&self, owner: Owner) -> RequestKey {
        RequestKey { owner, endpoint: self.endpoint, key: self.key.clone() }
    }
}

/// The outcome of an admission of a `T`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admitted<T> {
    /// It is on disk, and its quota is used.
    New,
    /// An earlier request has its key; nothing was changed.
    Earlier(Earlier<T>),
    /// The quota is too small for all of its recipients; nothing was changed.
    QuotaReached,
    /// The media that it names are no longer kept; nothing was changed. The caller may store them again.
    MediaGone,
}

/// The earlier request with the same idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Earlier<T> {
    /// The same request, with its answer.
    Replayed(Replay<T>),
    /// A different request.
    KeyTaken,
    /// A request that holds the key ([`super::requests`]) and is not on record, or whose awaited answer is not on
    /// record.
    UnderWay,
}

/// An earlier answer for an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay<T> {
    /// The resource that the request created, as it was accepted.
    pub made: Arc<T>,
    /// The body of the answer, if it differs from that of a resource that was just accepted.
    pub answer: Option<String>,
    /// The fields of the answer.
    pub form: AnswerForm,
}
