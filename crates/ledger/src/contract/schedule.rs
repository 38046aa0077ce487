//! Messages that leave later: they wait for their time of day, and are queued when it has come.
//!
//! A scheduled message is on record with all that an accepted message has. It is under no lease, in no dispatcher's
//! memory and assigned to no carrier; nothing attempts it, and its validity does not end. When its time has come, any
//! node may launch it. The first one does, and for the others nothing is left to do, so that no node has to own it.

use std::sync::Arc;

use async_trait::async_trait;
use model::message::Message;
use model::{Assignment, MessageId, Moment, ScreeningRecord, Timestamp};

use super::StoreError;
use super::nodes::Epoch;

/// A scheduled message whose time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueMessage {
    /// Which message.
    pub id: MessageId,
    /// When it was to leave.
    pub send_at: Timestamp,
    /// The message; `None` where its row cannot be read.
    pub message: Option<Arc<Message>>,
}

/// The end of a scheduled message's wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// Which message.
    pub id: MessageId,
    /// Whether it may still leave.
    pub decision: LaunchDecision,
    /// What the screen finds in its text at its time to leave. It is about this message.
    pub found: Option<ScreeningRecord>,
}

/// Whether a scheduled message may leave when its time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchDecision {
    /// It is queued, assigned so and due at once.
    Queue(Assignment),
    /// It is not to be sent any more: failed, for this reason, told as its error message.
    Refuse(&'static str),
}

/// A message whose wait a launch has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launched {
    /// Which message.
    pub id: MessageId,
    /// Whether the finding of the screen was recorded with it.
    pub has_recorded: bool,
}

/// Messages that leave later.
#[async_trait]
pub trait Schedule: Send + Sync {
    /// Scheduled messages whose time has come at `now`, the longest ago first and those of one time in the order of
    /// their ids, beginning after the time and the message `after`: at most `limit`. A store that several nodes share
    /// has a clock of its own, and where `now` is ahead of it, that one counts: a message leaves early at no node.
    async fn scheduled_until(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, MessageId)>,
        limit: usize,
    ) -> Result<Vec<DueMessage>, StoreError>;

    /// Ends the waits of messages. One that is scheduled no more, because another node was quicker or its client took
    /// it back, is left alone; so a repeat changes nothing. Returns those that were queued or have failed.
    ///
    /// What the screen found in the text of one of them is recorded with it, unless the log has a decision about this
    /// message with the same outcome and the same categories.
    ///
    /// Atomic for the whole list.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the node is over.
    async fn launch(&self, node: Epoch, launches: Vec<Launch>, now: Moment) -> Result<Vec<Launched>, StoreError>;
}
