//! The index behind filtered lists of messages ([`super::messages::Messages::messages`]).
//!
//! Accepting a message does not write to this index. A background task calls [`Lists::index_lists`] repeatedly. Lists
//! are exact at any moment, whether a message is in the index or not. Messages outside of it are scanned, so a filtered
//! list is faster if fewer are missing.

use std::time::Duration;

use async_trait::async_trait;
use model::Timestamp;

use super::StoreError;

/// The result of one step of indexing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Indexed {
    /// The number of messages that the step added.
    pub filed: usize,
    /// The acceptance of the oldest message that the index lacks and should have; `None` if it lacks none.
    pub oldest_missing: Option<Timestamp>,
    /// The number of calls that the store has written for this process since it was opened. The difference between two
    /// steps shows how busy it is.
    pub calls: u64,
}

/// The index behind filtered lists.
#[async_trait]
pub trait Lists: Send + Sync {
    /// Adds messages to the index that are older than `after` at `now`, in the order of their ids: at most `limit`, and
    /// for at most about two milliseconds in which nothing else is written. Atomic; if two nodes index at once, each
    /// message is added once. A repeat continues where the last step ended; if there is nothing to add, it writes
    /// nothing.
    ///
    /// A message with an acceptance later than `now` was accepted before the clock was set back, so it is added as
    /// well. A message whose id is more than [`model::mint::LEAD_MAX`] ahead of `now` is added when the clock has come
    /// closer, because new ids do not continue from there.
    async fn index_lists(&self, now: Timestamp, after: Duration, limit: usize) -> Result<Indexed, StoreError>;
}
