//! Receipts, without the rows: which segment each one means, what follows for its message, and what of it is parked
//! until its acknowledgement comes.
//!
//! Reading order: [`matching`] and [`numbers`] (which segment), [`settling`] (what follows), [`flights`] (what has to
//! wait for an attempt), [`parking`] and [`held`] (what waits for its acknowledgement), [`waits`] (what never came).

pub(crate) mod flights;
pub(crate) mod held;
pub(crate) mod matching;
pub(crate) mod numbers;
pub(crate) mod parking;
pub(crate) mod settling;
pub(crate) mod waits;
pub(crate) mod words;

use model::status::SegmentFate;
use model::{MessageId, Msisdn};

/// A segment that a carrier took, as it is filed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filed {
    pub(crate) key: String,
    pub(crate) id: MessageId,
    pub(crate) number: u16,
    /// Of how many, in that carrier's cut.
    pub(crate) total: u16,
    /// The digits of its recipient.
    pub(crate) recipient: String,
    pub(crate) fate: SegmentFate,
}

impl Filed {
    /// Whether its recipient was erased.
    fn is_of_nobody(&self) -> bool {
        self.recipient == Msisdn::nobody().digits().as_str()
    }
}
