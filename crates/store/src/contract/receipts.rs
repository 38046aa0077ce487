//! The way back: what carriers report on the segments that they took.

use async_trait::async_trait;
use model::Timestamp;
use model::status::SegmentFate;

use super::StoreError;
use super::messages::{StatusChange, StatusChanges};

/// A carrier's report on one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The carrier that it came from; ids of one carrier mean nothing at another.
    pub carrier: String,
    /// The canonical keys under which its segment may be found, likeliest first. Never empty.
    pub keys: Vec<String>,
    /// The digits of the addresses that it names, without `+`; the recipient's is one of them. Empty when it names none.
    pub addresses: Vec<String>,
    /// What it says.
    pub fate: SegmentFate,
    /// When it came.
    pub at: Timestamp,
    /// Particulars for the event: the carrier's id, state and error as they were given.
    pub detail: String,
}

/// What became of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptOutcome {
    /// It is recorded. The message's status may have changed with it.
    Matched {
        /// The key that found the segment: its place in [`Receipt::keys`].
        key: usize,
        /// The status, where it changed.
        change: Option<StatusChange>,
    },
    /// Its segment had its final fate already; nothing was changed.
    Repeated,
    /// No segment of that id is known yet. It is kept, and applied when the acknowledgement comes.
    Parked,
}

/// The way back.
#[async_trait]
pub trait Receipts: Send + Sync {
    /// Records receipts. One outcome each, in order; atomic for the whole list.
    ///
    /// A segment is found by carrier and key; where several messages share the key, the newest whose recipient is among the receipt's
    /// addresses (compared by their last digits, since carriers write national forms) is meant, preferring segments that wait for a fate. A message is delivered
    /// when all of its segments are, undelivered when all have their fate and one was not delivered.
    async fn record_receipts(&self, receipts: Vec<Receipt>) -> Result<Vec<ReceiptOutcome>, StoreError>;

    /// Gives receipts that came before `unclaimed_since`, and whose acknowledgement never did, to the held messages that they can only mean: of
    /// one segment, accepted before the receipt came, and the only one held for its carrier and recipient. Returns the statuses that changed.
    async fn settle_held(&self, unclaimed_since: Timestamp) -> Result<StatusChanges, StoreError>;

    /// Forgets receipts that were parked before `before`: their messages are not ours. Returns how many.
    async fn forget_parked(&self, before: Timestamp) -> Result<u64, StoreError>;
}
