//! Messages: their admission, and reading them.

use async_trait::async_trait;
use model::event::Event;
use model::idempotency::IdempotencyKey;
use model::message::{Direction, Message, MessageRecord};
use model::{
    AccountId, BroadcastId, CarrierName, ClientReference, MessageId, Mode, Msisdn, Originator, Owner, Status, Timestamp,
};

use super::StoreError;
use super::admission::{Admission, Admitted, Earlier, IdempotencyClaim, NewMessage};

/// The filter of a list of messages. A field that is `None` does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Of this account; only for the operator, who sees all accounts.
    pub account: Option<AccountId>,
    /// Of keys of this mode; only for the operator.
    pub mode: Option<Mode>,
    /// With this status.
    pub status: Option<Status>,
    /// Of this direction.
    pub direction: Option<Direction>,
    /// To this number.
    pub recipient: Option<Msisdn>,
    /// From this number.
    pub originator: Option<Originator>,
    /// To or from this number.
    pub either: Option<Originator>,
    /// With this reference of its client.
    pub reference: Option<ClientReference>,
    /// Of this broadcast.
    pub broadcast: Option<BroadcastId>,
    /// Accepted at this time or later.
    pub from: Option<Timestamp>,
    /// Accepted before this time.
    pub before: Option<Timestamp>,
}

/// A name that a carrier or a client has for a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// The carriers that may have assigned it as an id.
    pub carriers: Vec<CarrierName>,
    /// The forms under which such an id may be stored ([`super::dispatch::SegmentAck::key`]).
    pub keys: Vec<String>,
    /// The idempotency key of a request of this account, of either mode.
    pub idempotency: Option<(AccountId, IdempotencyKey)>,
}

/// A part of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The messages. There may be fewer than requested, or none, although there is a next page: a page looks at a
    /// limited number of rows.
    pub messages: Vec<MessageRecord>,
    /// The start of the next page: after this message. `None` at the end.
    pub next: Option<MessageId>,
}

/// Messages.
#[async_trait]
pub trait Messages: Send + Sync {
    /// Makes a message durable ([`super::admission`]).
    ///
    /// # Errors
    /// [`StoreError::Over`] if the node is over: it can promise nothing.
    async fn admit(&self, admission: Admission<NewMessage>) -> Result<Admitted<Message>, StoreError>;

    /// The answer to a repeat of a request for a message ([`super::admission`]); `None` if its key is free. Changes
    /// nothing.
    async fn replay(&self, owner: Owner, claim: &IdempotencyClaim) -> Result<Option<Earlier<Message>>, StoreError>;

    /// A message of this owner, or nothing.
    async fn message(&self, owner: Owner, id: MessageId) -> Result<Option<MessageRecord>, StoreError>;

    /// A message of any account, for the operator.
    async fn message_of_any_account(&self, id: MessageId) -> Result<Option<MessageRecord>, StoreError>;

    /// Cancels a message of this owner (of any owner with `None`): it ends as [`Status::Canceled`], and no node begins
    /// another attempt. The recipient of a broadcast's message counts as skipped. Returns the message in its new state;
    /// `None` for an unknown one.
    ///
    /// A message stays unchanged if any part of it may have left: if it is not queued or scheduled, is held, has an
    /// attempt under way or one with an unknown outcome, or if a carrier has accepted a segment. Atomic: of this call
    /// and the one that [begins an attempt](super::dispatch::Dispatch::begin_attempts), the later one finds the earlier
    /// one. A second call changes nothing.
    async fn cancel_message(
        &self,
        owner: Option<Owner>,
        id: MessageId,
        now: Timestamp,
    ) -> Result<Option<MessageRecord>, StoreError>;

    /// Messages of an owner (of all owners with `None`, for the operator), newest first, beginning after `after`: at
    /// most `limit`. A page looks at no more than 20,000 rows. For messages in the index ([`super::lists`]), it looks
    /// only at those that it shows and at few others.
    ///
    /// Owners take turns. [`StoreError::Unavailable`] if too many reads of this owner already wait.
    async fn messages(
        &self,
        owner: Option<Owner>,
        filter: MessageFilter,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Page, StoreError>;

    /// Messages of any account to which a carrier or a request gave this name, newest first: at most `limit`. Quick,
    /// regardless of the number of messages. An id of a carrier is known for as long as keys of receipts are kept, and
    /// an idempotency key for as long as its record.
    async fn messages_named(&self, reference: Reference, limit: usize) -> Result<Vec<MessageRecord>, StoreError>;

    /// The events of a message, oldest first, beginning with its acceptance. Empty for an unknown message.
    async fn events(&self, id: MessageId) -> Result<Vec<Event>, StoreError>;
}
