//! The index behind filtered lists of messages ([`super::messages::Messages::messages`]).
//!
//! Accepting a message does not write to this index. A background task calls [`Lists::index_lists`] again and again;
//! lists are exact at any moment, whether a message is in the index or not. Messages that are not in it are scanned, so
//! a filtered list is the faster the less is missing.

use std::time::Duration;

use async_trait::async_trait;
use model::Timestamp;

use super::StoreError;

/// The result of one step of indexing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Indexed {
    /// How many messages the step added.
    pub filed: usize,
    /// When the oldest message was accepted that the index lacks and should have; `None` when it lacks none.
    pub oldest_missing: Option<Timestamp>,
    /// How many calls of this process the store has written since it was opened. The difference between two steps tells
    /// how busy it is.
    pub calls: u64,
}

/// The index behind filtered lists.
#[async_trait]
pub trait Lists: Send + Sync {
    /// Adds messages to the index that have been there for longer than `after` at `now`, in the order of their ids: at
    /// most `limit`, and for at most about two milliseconds of the time in which nothing else is written. Atomic; of
    /// two nodes that index at once each message is added once. A repeat goes on where the last step ended; with
    /// nothing to add, it writes nothing.
    ///
    /// A message that was accepted later than `now` was accepted before the clock was set back, so that it is added as
    /// well. One whose id is more than [`model::mint::LEAD_MAX`] ahead of `now` is added when the clock has come
    /// closer: ids do not go on from there.
    async fn index_lists(&self, now: Timestamp, after: Duration, limit: usize) -> Result<Indexed, StoreError>;
}
