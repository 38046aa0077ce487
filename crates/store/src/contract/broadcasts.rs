//! Broadcasts: accepted as a whole, turned into messages step by step, counted with their messages.
//!
//! An accepted broadcast is a record and its recipients, packed. A *mark* says how many of them have had their turn;
//! whoever turns the next ones into messages names the mark that it saw, and moves it in the same transaction, so that
//! a recipient has one turn whatever is repeated or killed. From then on the messages are messages like any others, and
//! every change of their status changes the counts with it.
//!
//! The counts of a broadcast are exact at any moment, whichever nodes change its messages: the transaction that changes
//! a message's status changes the count that it leaves and the count that it enters. The transaction with which the
//! last recipient waits no longer also ends the broadcast, and there is one such transaction. A backend may update the
//! row of counts, or keep changes as rows that a reader adds up, as long as a reader sees messages and counts of one
//! moment.

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

/// Recipients whose turn is next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upcoming {
    /// The mark: the index of the first of them.
    pub from: u32,
    /// They themselves, in order. Never empty.
    pub recipients: Vec<Msisdn>,
    /// The values of each of them for the variables in the text; none where it has no variables.
    pub values: Vec<Values>,
    /// How many messages of the broadcast are made and still queued.
    pub outstanding: u64,
}

/// The turn of some recipients.
#[derive(Clone, Debug)]
pub struct Expansion {
    /// The node that expands it, which must own the broadcast.
    pub node: Epoch,
    /// Of which broadcast.
    pub broadcast: BroadcastId,
    /// The mark that [`Broadcasts::upcoming`] told: their first index.
    pub from: u32,
    /// How many have their turn. Those without a message are skipped.
    pub turns: u32,
    /// The messages made for them.
    pub messages: Vec<Expanded>,
    /// The present moment in steady time, from which messages without a lease are due.
    pub due_at: Timestamp,
    /// The present time of day.
    pub at: Timestamp,
}

/// A message of a broadcast on its way in.
#[derive(Clone, Debug)]
pub struct Expanded {
    /// The message itself, whose id is [`BroadcastId::message`] of its recipient's index.
    pub message: Arc<Message>,
    /// The carrier that it will go to first.
    pub carrier: Assignment,
    /// The lease under which the caller will dispatch it at once; `None` leaves it due for any dispatcher from
    /// [`Expansion::due_at`] on.
    pub lease: Option<Lease>,
}

/// What a cancellation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canceled {
    /// The broadcast as it is now.
    pub record: BroadcastRecord,
    /// How many recipients it saved from the message.
    pub stopped: u64,
}

/// The filter of a list of broadcasts. A field that is `None` does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BroadcastFilter {
    /// Of this account; for the operator, who sees all.
    pub account: Option<AccountId>,
    /// Sent with keys of this mode; likewise.
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
    /// The broadcasts. May be fewer than asked for, even none, while there is a next page: a page looks at a bounded
    /// number of rows.
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

    /// What a repeat of a request for a broadcast is answered ([`super::admission`]); `None` for a request under a key
    /// that is free. Changes nothing.
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
    /// Owners take turns. [`StoreError::Unavailable`] where too many reads of this owner wait already.
    async fn broadcasts(
        &self,
        owner: Option<Owner>,
        filter: BroadcastFilter,
        after: Option<BroadcastId>,
        limit: usize,
    ) -> Result<BroadcastPage, StoreError>;

    /// Broadcasts of this node with recipients who have not had their turn, oldest first, beginning after `after`: at
    /// most `limit`. First the node becomes the owner of such broadcasts that no living epoch owns.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the node is over and would become the owner of one.
    async fn unexpanded(
        &self,
        node: Epoch,
        after: Option<BroadcastId>,
        limit: usize,
    ) -> Result<Vec<Arc<Broadcast>>, StoreError>;

    /// The recipients of a broadcast whose turn is next: at most `limit`, perhaps fewer. `None` when all have had it,
    /// or the broadcast is closed.
    async fn upcoming(&self, id: BroadcastId, limit: usize) -> Result<Option<Upcoming>, StoreError>;

    /// Turns the next recipients of a broadcast into messages, and moves its mark past them. The broadcast is sending
    /// from then on; it has ended when all of its recipients are skipped.
    ///
    /// Atomic. `false`, and nothing is changed, when the mark does not stand at [`Expansion::from`] (so that a repeat
    /// changes nothing), the broadcast is closed, or another epoch owns it.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the node is over.
    async fn expand(&self, expansion: Expansion) -> Result<bool, StoreError>;

    /// Stops a broadcast of this owner (of any when `None`): who has not had their turn never has it, and messages that
    /// wait end as [`model::Status::Failed`] with the reason as their error message. Both are counted as skipped. A
    /// message that may have left although nobody knows, or in part, is not tried again and counted as failed; one that
    /// is under way takes its course. Atomic; a second time, or once the broadcast has ended, changes nothing and stops
    /// nobody. `None` for an unknown broadcast.
    async fn cancel_broadcast(
        &self,
        owner: Option<Owner>,
        id: BroadcastId,
        now: Timestamp,
    ) -> Result<Option<Canceled>, StoreError>;
}
