//! Broadcasts: accepted as a whole, turned into messages step by step, counted with their messages.
//!
//! An accepted broadcast is a record and its packed recipients. A *mark* is the number of recipients that are expanded
//! into messages. The caller that expands the next ones names the mark that it saw, and moves it in the same
//! transaction. So each recipient is expanded once, even if calls are repeated or processes are killed. From then on
//! the messages are ordinary messages, and every change of their status changes the counts of the broadcast.
//!
//! The counts of a broadcast are exact at any moment, regardless of the nodes that change its messages: the transaction
//! that changes a message's status changes the count of the old and of the new status. The transaction after which no
//! recipient waits any more also ends the broadcast, and there is only one such transaction. A backend may update the
//! row of counts, or keep changes as rows that a reader adds up, as long as a reader sees messages and counts of the
//! same moment.

use std::sync::Arc;

use async_trait::async_trait;
use model::variables::Values;
use model::{
    AccountId, Assignment, Broadcast, BroadcastId, BroadcastRecord, BroadcastStatus, ClientReference, Message, Mode,
    Msisdn, Originator, Owner, Timestamp,
};

use super::StoreError;
use super::admission::{Admission, Admitted, Earlier, IdempotencyClaim, NewBroadcast};
use super::dispatch::Lease;
use super::nodes::Epoch;

/// The recipients to expand next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upcoming {
    /// The mark: the index of the first of them.
    pub from: u32,
    /// The recipients, in order. Never empty.
    pub recipients: Vec<Msisdn>,
    /// The values of each of them for the variables in the text; none where it has no variables.
    pub values: Vec<Values>,
    /// The number of messages of the broadcast that exist and are still queued.
    pub outstanding: u64,
}

/// The expansion of some recipients.
#[derive(Clone, Debug)]
pub struct Expansion {
    /// The node that expands it, which must own the broadcast.
    pub node: Epoch,
    /// The broadcast.
    pub broadcast: BroadcastId,
    /// The mark from [`Broadcasts::upcoming`]: the index of the first recipient.
    pub from: u32,
    /// The number of recipients. Those without a message are skipped.
    pub turns: u32,
    /// The messages for them.
    pub messages: Vec<Expanded>,
    /// The present time by the steady clock, from which messages without a lease are due.
    pub due_at: Timestamp,
    /// The present time of day.
    pub at: Timestamp,
}

/// A message of a broadcast to be written.
#[derive(Clone, Debug)]
pub struct Expanded {
    /// The message itself, whose id is [`BroadcastId::message`] of its recipient's index.
    pub message: Arc<Message>,
    /// The carrier to which it goes first.
    pub carrier: Assignment,
    /// The lease under which the caller dispatches it at once; with `None` it is due for any dispatcher from
    /// [`Expansion::due_at`] on.
    pub lease: Option<Lease>,
}

/// The result of a cancellation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canceled {
    /// The broadcast as it is now.
    pub record: BroadcastRecord,
    /// The number of recipients that do not get the message because of it.
    pub stopped: u64,
}

/// The filter of a list of broadcasts. A field that is `None` does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BroadcastFilter {
    /// Of this account; only for the operator, who sees all accounts.
    pub account: Option<AccountId>,
    /// Of keys of this mode; only for the operator.
    pub mode: Option<Mode>,
    /// With this status.
    pub status: Option<BroadcastStatus>,
    /// From this number.
    pub originator: Option<Originator>,
    /// With this reference of its client.
    pub reference: Option<ClientReference>,
    /// Accepted at this time or later.
    pub from: Option<Timestamp>,
    /// Accepted before this time.
    pub before: Option<Timestamp>,
}

/// A part of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroadcastPage {
    /// The broadcasts. There may be fewer than requested, or none, although there is a next page: a page looks at a
    /// limited number of rows.
    pub broadcasts: Vec<BroadcastRecord>,
    /// The start of the next page: after this broadcast. `None` at the end.
    pub next: Option<BroadcastId>,
}

/// Broadcasts.
#[async_trait]
pub trait Broadcasts: Send + Sync {
    /// Makes a broadcast durable, with its recipients ([`super::admission`]).
    ///
    /// # Errors
    /// [`StoreError::Over`] when the node is over.
    async fn admit_broadcast(&self, admission: Admission<NewBroadcast>) -> Result<Admitted<Broadcast>, StoreError>;

    /// The answer to a repeat of a request for a broadcast ([`super::admission`]); `None` if its key is free. Changes
    /// nothing.
    async fn replay_broadcast(
        &self,
        owner: Owner,
        claim: &IdempotencyClaim,
    ) -> Result<Option<Earlier<Broadcast>>, StoreError>;

    /// A broadcast of this owner (of any when `None`, for the operator), or nothing.
    async fn broadcast(&self, owner: Option<Owner>, id: BroadcastId) -> Result<Option<BroadcastRecord>, StoreError>;

    /// Broadcasts of an owner (of all when `None`, for the operator), newest first, beginning after `after`: at most
    /// `limit`. A page looks at no more than 5,000 rows.
    ///
    /// Owners take turns. [`StoreError::Unavailable`] if too many reads of this owner already wait.
    async fn broadcasts(
        &self,
        owner: Option<Owner>,
        filter: BroadcastFilter,
        after: Option<BroadcastId>,
        limit: usize,
    ) -> Result<BroadcastPage, StoreError>;

    /// Broadcasts of this node that are not fully expanded, oldest first, beginning after `after`: at most `limit`.
    /// Before that, the node becomes the owner of such broadcasts that no living epoch owns.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the node is over and would become the owner of one.
    async fn unexpanded(
        &self,
        node: Epoch,
        after: Option<BroadcastId>,
        limit: usize,
    ) -> Result<Vec<Arc<Broadcast>>, StoreError>;

    /// The recipients of a broadcast to expand next: at most `limit`, perhaps fewer. `None` if all are expanded, or the
    /// broadcast is closed.
    async fn upcoming(&self, id: BroadcastId, limit: usize) -> Result<Option<Upcoming>, StoreError>;

    /// Turns the next recipients of a broadcast into messages, and moves its mark past them. The broadcast is sending
    /// from then on; it has ended when all of its recipients are skipped.
    ///
    /// Atomic. Returns `false` and changes nothing if the mark is not [`Expansion::from`] (so a repeat changes
    /// nothing), if the broadcast is closed, or if another epoch owns it.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the node is over.
    async fn expand(&self, expansion: Expansion) -> Result<bool, StoreError>;

    /// Stops a broadcast of this owner (of any owner with `None`). Recipients that are not expanded never get a
    /// message. Messages that wait end as [`model::Status::Failed`], with the reason as their error message. Both are
    /// counted as skipped. A message that may have left, because its outcome is unknown or a part of it has left, is
    /// not tried again and is counted as failed. An attempt under way continues. Atomic. A second call, or a call after
    /// the end of the broadcast, changes nothing. `None` for an unknown broadcast.
    async fn cancel_broadcast(
        &self,
        owner: Option<Owner>,
        id: BroadcastId,
        now: Timestamp,
    ) -> Result<Option<Canceled>, StoreError>;
}
