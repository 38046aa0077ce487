//! A store that was restored from a backup is held: until an operator releases it, nothing that waited in the backup
//! leaves, because it may have left already since the backup was made.
//!
//! The store keeps that it is held; the pipeline does not dispatch, expand, notify and sweep as long as it is.

use async_trait::async_trait;
use model::{Moment, Timestamp};

use super::StoreError;
use super::nodes::Epoch;

/// Why a store is not held while a server runs with it.
pub(crate) const RUNNING: &str = "a server runs with this store: stop it first";

/// That a store is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Since when: the time of the restore.
    pub since: Timestamp,
    /// The moment that the backup shows. What was sent after it waits here once more.
    pub backed_up_at: Timestamp,
}

/// What waits in a store, and may have left since the backup if the store is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Queued messages.
    pub queued: u64,
    /// Those of them that were under way to a carrier, without an outcome on record.
    pub under_way: u64,
    /// Broadcasts that are not complete.
    pub broadcasts: u64,
    /// Recipients of those who have had no turn yet.
    pub recipients: u64,
    /// Messages that leave later, and whose time is still to come.
    pub scheduled: u64,
    /// Messages that were to leave later, and whose time has come: like a queued one, each may have left.
    pub overdue: u64,
}

/// Holding a store, and releasing it.
#[async_trait]
pub trait Holds: Send + Sync {
    /// Holds the store, in place of an earlier hold. `now` is in steady time.
    ///
    /// # Errors
    /// [`StoreError::Refused`] while a node lives: it would go on.
    async fn hold(&self, hold: Hold, now: Timestamp) -> Result<(), StoreError>;

    /// Whether the store is held.
    async fn held(&self) -> Result<Option<Hold>, StoreError>;

    /// Releases the store. `false` where it was not held.
    async fn release_hold(&self) -> Result<bool, StoreError>;

    /// What waits at `now`.
    async fn waiting_in_all(&self, now: Timestamp) -> Result<Waiting, StoreError>;

    /// Ends queued messages without a lease at `now`, and scheduled ones whose time has come, for the operator
    /// has decided that they are not to be sent: undelivered, `unknown`. At most `limit` of them; returns how many.
    /// Broadcasts go on: cancel them before. Messages whose time is still to come have not left, and stay.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the node is over.
    async fn end_queued(&self, node: Epoch, now: Moment, limit: usize) -> Result<usize, StoreError>;
}
