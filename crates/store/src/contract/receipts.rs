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
    /// The canonical keys under which its segment may be found, likeliest first. Never empty. The first is the id that the carrier is trusted most to mean;
    /// the others are other ids that it names, and other readings of them.
    pub keys: Vec<String>,
    /// The digits of the addresses that it names, without `+`, and with `*` for each that the carrier hides. The recipient's may be among them, and so may
    /// the originator's.
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
    /// No segment of that id is known yet, or several are and it does not say which. It is kept, and applied when the acknowledgement comes.
    Parked,
}

/// The way back.
#[async_trait]
pub trait Receipts: Send + Sync {
    /// Records receipts. One outcome each, in order; atomic for the whole list.
    ///
    /// A segment is found by carrier and key, in the order of the keys. Its recipient, where the receipt names it, decides between several messages: numbers are
    /// compared from their ends, since carriers write national forms, and hidden digits fit any. A receipt names no recipient where its addresses are empty, too
    /// short to tell, or the message's own originator. Then a key that means one message within a week is enough: the first one alone, the others if no two of
    /// them mean different messages. An id of twelve characters or more is never given twice and needs no address; with a shorter one a receipt for another
    /// number is not this message's. Of messages to one recipient under one key the newest that waits for a fate is meant. A receipt that means no segment, or
    /// one of several, is parked. A message is delivered when all of its segments are, undelivered when all have their fate and one was not delivered.
    async fn record_receipts(&self, receipts: Vec<Receipt>) -> Result<Vec<ReceiptOutcome>, StoreError>;

    /// Gives receipts that came before `unclaimed_since`, and whose acknowledgement never did, to the held messages that they can only mean: of
    /// one segment, accepted before the receipt came, and the only one held for its carrier and recipient. Returns the statuses that changed.
    async fn settle_held(&self, unclaimed_since: Timestamp) -> Result<StatusChanges, StoreError>;

    /// Forgets receipts that were parked before `before`: their messages are not ours. Returns how many.
    async fn forget_parked(&self, before: Timestamp) -> Result<u64, StoreError>;
}
