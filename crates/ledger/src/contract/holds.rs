//! A store that was restored from a backup is held: until an operator releases it, no waiting message of the backup
//! leaves, because it may already have left since the backup.
//!
//! The store records the hold. While it is held, the pipeline does not dispatch, expand, notify or sweep.

use async_trait::async_trait;
use model::{Moment, Timestamp};

use super::StoreError;
use super::nodes::Epoch;

/// The reason why a store is not held while a server uses it.
pub const RUNNING: &str = "a server runs with this store: stop it first";

/// The hold of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The time of the restore.
    pub since: Timestamp,
    /// The time of the backup. Messages that were sent after it wait here again.
    pub backed_up_at: Timestamp,
}

/// The waiting messages of a store. In a restored store, they may have left since the backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Queued messages.
    pub queued: u64,
    /// Those of them with an attempt under way, without a recorded outcome.
    pub under_way: u64,
    /// Broadcasts that are not complete.
    pub broadcasts: u64,
    /// Recipients of those that are not expanded yet.
    pub recipients: u64,
    /// Scheduled messages whose time is still to come.
    pub scheduled: u64,
    /// Messages that were to leave later, and whose time has come: like a queued one, each may have left.
    pub overdue: u64,
}

/// The hold of a store, and its release.
#[async_trait]
pub trait Holds: Send + Sync {
    /// Holds the store; replaces an earlier hold. `now` is in steady time.
    ///
    /// # Errors
    /// [`StoreError::Refused`] while a node lives, because it would continue to send.
    async fn hold(&self, hold: Hold, now: Timestamp) -> Result<(), StoreError>;

    /// Whether the store is held.
    async fn held(&self) -> Result<Option<Hold>, StoreError>;

    /// Releases the store. `false` if it was not held.
    async fn release_hold(&self) -> Result<bool, StoreError>;

    /// The messages that wait at `now`.
    async fn waiting_in_all(&self, now: Timestamp) -> Result<Waiting, StoreError>;

    /// Ends queued messages without a lease at `now`, and scheduled ones whose time has come, after the operator has
    /// decided not to send them: undelivered, `unknown`. At most `limit`; returns their number. Broadcasts continue:
    /// cancel them before. Messages whose time is still to come have not left, and stay.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the node is over.
    async fn end_queued(&self, node: Epoch, now: Moment, limit: usize) -> Result<usize, StoreError>;
}
