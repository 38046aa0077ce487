//! Receipts, without the rows: which segment each one means, what follows for its message, and what of it is parked
//! until its acknowledgement comes.
//!
//! Reading order: [`matching`] and [`numbers`] (which segment), [`settling`] (what follows), [`flights`] (what has to
//! wait for an attempt), [`parking`] and [`held`] (what waits for its acknowledgement), [`waits`] (what never came).

pub mod flights;
pub mod held;
pub mod matching;
pub mod numbers;
pub mod parking;
pub mod settling;
pub mod waits;
pub mod words;

use model::status::SegmentFate;
use model::{MessageId, Msisdn};

/// A segment that a carrier took, as it is filed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// The key of the segment: the id that the carrier gave.
    pub key: String,
    /// The message.
    pub id: MessageId,
    /// The number of the segment, from 1.
    pub number: u16,
    /// Of how many, in that carrier's cut.
    pub total: u16,
    /// The digits of its recipient.
    pub recipient: String,
    /// The fate of the segment.
    pub fate: SegmentFate,
}

impl Filed {
    /// Whether its recipient was erased.
    fn is_of_nobody(&self) -> bool {
        self.recipient == Msisdn::nobody().digits().as_str()
    }
}
