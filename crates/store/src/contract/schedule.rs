//! Messages that leave later: they wait for their time of day, and are queued when it has come.
//!
//! A scheduled message is on record with all that an accepted message has. It is under no lease, in no dispatcher's
//! memory and assigned to no carrier; nothing attempts it, and its validity does not end. When its time has come, any
//! node may launch it. The first one does, and for the others nothing is left to do, so that no node has to own it.

use std::sync::Arc;

use async_trait::async_trait;
use model::message::Message;
use model::{Assignment, MessageId, Moment, Timestamp};

use super::StoreError;
use super::nodes::Epoch;

/// The end of a scheduled message's wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// Which message.
    pub id: MessageId,
    /// What follows.
    pub then: Then,
}

/// What follows when the time of a scheduled message has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// It is queued, assigned so and due at once.
    Queued(Assignment),
    /// It is not to be sent any more: failed, for this reason, told as its error message.
    Failed(&'static str),
}

/// Messages that leave later.
#[async_trait]
pub trait Schedule: Send + Sync {
    /// Scheduled messages whose time has come at `now`, the longest ago first: at most `limit`.
    async fn scheduled_until(&self, now: Timestamp, limit: usize) -> Result<Vec<Arc<Message>>, StoreError>;

    /// Ends the waits of messages. One that is scheduled no more, because another node was quicker or its client took
    /// it back, is left alone; so a repeat changes nothing. Returns how many were queued or have failed.
    ///
    /// Atomic for the whole list.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the node is over.
    async fn launch(&self, node: Epoch, launches: Vec<Launch>, now: Moment) -> Result<u64, StoreError>;
}
