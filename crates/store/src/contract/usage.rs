//! How much owners have sent and received: their quota of a day, and their messages by day.
//!
//! The counts of messages are written in the transactions that accept messages and change their statuses, so that they
//! are exact at any moment. A message counts in the UTC day that its id tells, which for one of a broadcast is that of
//! the broadcast, and with the status that it has now. Nothing that ends messages lowers the counts: neither retention
//! nor the erasure of a person.

use async_trait::async_trait;
use model::message::MessageType;
use model::quota::UtcDay;
use model::{Owner, Status};

use super::StoreError;

/// Where counted messages stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CountedStatus {
    /// They go out, and have this status.
    Outbound(Status),
    /// They came from handsets.
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

/// The messages of a day that are of one type and have one status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageCount {
    /// The day.
    pub day: UtcDay,
    /// SMS or MMS.
    pub kind: MessageType,
    /// Where they stand.
    pub status: CountedStatus,
    /// How many there are; not 0.
    pub messages: u64,
    /// How many segments they have together, in the cut in which they were accepted or came.
    pub segments: u64,
}

/// How much owners have sent and received.
#[async_trait]
pub trait Usage: Send + Sync {
    /// How many recipients of an owner are counted in a day, over all nodes; 0 for a day of which nothing is known any
    /// more.
    ///
    /// Owners take turns. [`StoreError::Unavailable`] if too many reads of this owner already wait.
    async fn quota_used(&self, owner: Owner, day: UtcDay) -> Result<u64, StoreError>;

    /// The counts of an owner from one day to another, both included, in the order of the days. A read of at most a
    /// dozen rows for each day, however many messages there are.
    ///
    /// Owners take turns, as above.
    async fn usage(&self, owner: Owner, from: UtcDay, to: UtcDay) -> Result<Vec<UsageCount>, StoreError>;
}
