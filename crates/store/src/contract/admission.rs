//! Admission: what one request brings into the store, all of it in one transaction.
//!
//! An [`Admission`] is an envelope. Its payload is what the request makes: a [message](NewMessage) or a
//! [broadcast](NewBroadcast). All else is the same for both, and so is the answer.
//!
//! An admission is atomic: all of it or, on any outcome but [`Admitted::New`], nothing. Concurrent calls commit as a
//! group, each with its own outcome. Called twice with the same claim, the second is [`Earlier::Replayed`], or
//! [`Earlier::UnderWay`] while the answer to the first is awaited. A request whose answer is awaited holds its key from
//! this transaction on, with [`Admitted::New`] only; while another request holds the key, it is [`Earlier::UnderWay`].
//! Other requests are admitted although a request holds their key that is not on record yet: the first to be admitted
//! is the one.
//!
//! The quota takes all recipients or none. It is counted in the admitting transaction, and is exact whatever is
//! admitted at the same time, at all nodes together: of requests for the last place one is admitted.
//!
//! What a repeat of a request is answered is read from the state of one moment: `Replayed` or `KeyTaken` where there is
//! a record that was made at [`IdempotencyClaim::not_before`] or later, and `UnderWay` while another request holds the
//! key that is not on record, or whose answer is awaited.

use std::sync::Arc;

use model::idempotency::{AnswerForm, Endpoint, Fingerprint, IdempotencyKey};
use model::media::StoredMedia;
use model::quota::UtcDay;
use model::variables::Values;
use model::{Assignment, Broadcast, Message, MessageId, Owner, Recipients, ScreeningRecord, Timestamp};

use super::dispatch::Lease;
use super::nodes::Epoch;
use super::requests::RequestKey;

/// All that the one admitting transaction needs.
#[derive(Clone, Debug)]
pub struct Admission<P> {
    /// The node that admits it, and owns it from then on. A lease of the payload is of the same epoch.
    pub node: Epoch,
    /// What the request makes.
    pub payload: P,
    /// The quota that its recipients count against.
    pub quota: Quota,
    /// The idempotency key that the client sent.
    pub idempotency: Option<IdempotencyClaim>,
    /// What the screen found in its text, where it was let pass all the same.
    pub flagged: Option<ScreeningRecord>,
    /// The message of which it is a copy: an event of its life names it.
    pub again: Option<MessageId>,
    /// The media that it brings: those that the payload names, where they are not kept yet. Their bytes are in their
    /// place already.
    pub media: Option<StoredMedia>,
}

impl<P> Admission<P> {
    /// The same with another payload.
    pub fn with<Q>(self, payload: Q) -> Admission<Q> {
        let Self { node, quota, idempotency, flagged, again, media, .. } = self;
        Admission { node, payload, quota, idempotency, flagged, again, media }
    }
}

/// A message on its way in.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// The message itself.
    pub message: Arc<Message>,
    /// The carrier that it will go to first.
    pub carrier: Assignment,
    /// The lease under which the caller will dispatch it at once; `None` leaves it due for any dispatcher from `due_at`
    /// on.
    pub lease: Option<Lease>,
    /// The present moment in steady time.
    pub due_at: Timestamp,
}

/// A broadcast on its way in.
#[derive(Clone, Debug)]
pub struct NewBroadcast {
    /// The broadcast itself.
    pub broadcast: Arc<Broadcast>,
    /// Those of its recipients who are not blocked.
    pub recipients: Recipients,
    /// The values of each of them for the variables in its text; none where it has no variables.
    pub values: Vec<Values>,
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

/// What became of an admission that makes a `T`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admitted<T> {
    /// It is on disk and its quota is used.
    New,
    /// An earlier request stands under its key; nothing was changed.
    Earlier(Earlier<T>),
    /// Its recipients do not all fit the quota; nothing was changed.
    QuotaReached,
    /// The media that it names are kept no longer; nothing was changed. It may bring them again.
    MediaGone,
}

/// The request under an idempotency key that came before this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Earlier<T> {
    /// The same one. This is what it was answered.
    Replayed(Replay<T>),
    /// A different one.
    KeyTaken,
    /// One that holds the key ([`super::requests`]) and is not on record, or whose answer is awaited and not on record.
    UnderWay,
}

/// An answer given before under an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay<T> {
    /// What the request made, as it was accepted.
    pub made: Arc<T>,
    /// The body that was answered, where it was not simply that of something just accepted.
    pub answer: Option<String>,
    /// Which fields the answer has.
    pub form: AnswerForm,
}
