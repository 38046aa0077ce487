//! Usage of owners: their used quota of a day, and their messages by day.
//!
//! The counts of messages are written in the transactions that accept messages and change their statuses, so they are
//! exact at any moment. A message counts on the UTC day in its id, which for a message of a broadcast is that of the
//! broadcast, and with its present status. The end of a message's retention or the erasure of a person does not lower
//! the counts.

use async_trait::async_trait;
use model::message::MessageType;
use model::quota::UtcDay;
use model::{Owner, Status};

use super::StoreError;

/// The status of counted messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CountedStatus {
    /// Outbound messages with this status.
    Outbound(Status),
    /// Inbound messages.
    Received,
}

impl CountedStatus {
    /// The name in the store and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outbound(status) => status.as_str(),
            Self::Received => "received",
        }
    }

    /// The status with this name.
    pub fn parse(text: &str) -> Option<Self> {
        if text == Self::Received.as_str() { Some(Self::Received) } else { Status::parse(text).map(Self::Outbound) }
    }
}

/// The messages of a day with one type and one status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageCount {
    /// The day.
    pub day: UtcDay,
    /// SMS or MMS.
    pub kind: MessageType,
    /// The status.
    pub status: CountedStatus,
    /// The number of messages; not 0.
    pub messages: u64,
    /// The number of their segments, as they were accepted or arrived.
    pub segments: u64,
}

/// Usage of owners.
#[async_trait]
pub trait Usage: Send + Sync {
    /// The counted recipients of an owner in a day, over all nodes; 0 for a day without records.
    ///
    /// Owners take turns. [`StoreError::Unavailable`] if too many reads of this owner already wait.
    async fn quota_used(&self, owner: Owner, day: UtcDay) -> Result<u64, StoreError>;

    /// The counts of an owner from one day to another, both included, in the order of the days. Reads at most a dozen
    /// rows for each day, regardless of the number of messages.
    ///
    /// Owners take turns, as above.
    async fn usage(&self, owner: Owner, from: UtcDay, to: UtcDay) -> Result<Vec<UsageCount>, StoreError>;
}
