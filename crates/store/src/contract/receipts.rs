//! The way back: what carriers report on the segments that they took.

use std::time::Duration;

use async_trait::async_trait;
use model::status::SegmentFate;
use model::unmatched::{Raw, Reason};
use model::{CarrierName, MessageId, ReceiptScope, Timestamp, Unmatched};

use super::StoreError;

/// A carrier's report on one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The carrier that it came from; ids of one carrier mean nothing at another.
    pub carrier: CarrierName,
    /// The canonical keys under which its segment may be found, likeliest first. Never empty. The first is the id that
    /// the carrier is trusted most to mean; the others are other ids that it names, and other readings of them.
    pub keys: Vec<String>,
    /// The digits of the addresses that it names, without `+`, and with `*` for each that the carrier hides. The
    /// recipient's may be among them, and so may the originator's.
    pub addresses: Vec<String>,
    /// What it says.
    pub fate: SegmentFate,
    /// The time of its arrival.
    pub at: Timestamp,
    /// Particulars for the event: the carrier's id, state and error as they were given.
    pub detail: String,
    /// How much of the message it reports on.
    pub scope: ReceiptScope,
    /// How it came, for the operator.
    pub raw: Raw,
}

/// Something that a carrier sent and that was refused as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Who sent it.
    pub carrier: CarrierName,
    /// The time of its arrival.
    pub at: Timestamp,
    /// Why it could not be used.
    pub reason: Reason,
    /// The same in words.
    pub detail: String,
    /// How it came, for the operator: cut, and with control characters escaped.
    pub raw: String,
}

/// The longest id, in bytes, under which a segment is filed or looked for. No specification has longer ones than 255
/// octets, and no index should.
pub const KEY_BYTES_MAX: usize = 255;

/// Unmatched entries kept for each carrier and fate.
pub const UNMATCHED_KEPT: usize = 100;

/// What became of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptOutcome {
    /// It is recorded. The message's status may have changed with it.
    Matched {
        /// The key that found the segment: its place in [`Receipt::keys`].
        key: usize,
    },
    /// Its segment had its final fate already; nothing was changed but that the message has one more event, up to a
    /// bound.
    Repeated,
    /// No segment of that id is known yet, several are and it does not say which, or another reading of the id means
    /// one while an acknowledgement may still bring the id itself. It is kept, and applied when the acknowledgement
    /// comes.
    Parked,
    /// As [`Self::Parked`], but the bounds of its carrier were reached: so many parked receipts were dropped, the
    /// oldest first, itself included where there was no room for it at all.
    Crowded {
        /// How many.
        dropped: u64,
    },
}

/// One step of settling held messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldStep {
    /// The last message that was looked at, where there may be more: the next step begins after it.
    pub next: Option<MessageId>,
}

/// One step of ending waits for receipts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitStep {
    /// How many waits the step looked at. When it is the limit, more may be over.
    pub over: usize,
    /// How many messages are undelivered now, because a segment of theirs is known to be lost.
    pub ended: usize,
    /// The carriers of the others, one entry for each message: these are marked.
    pub missing: Vec<CarrierName>,
}

/// The way back.
#[async_trait]
pub trait Receipts: Send + Sync {
    /// Records receipts. One outcome each, in order; atomic for the whole list. Any node may hear of any message,
    /// whichever node attempted it: what is said here of attempts and parked receipts is meant of those of all nodes.
    ///
    /// A segment is found by carrier and key, in the order of the keys. Its recipient, where the receipt names it,
    /// decides between several messages: numbers are compared from their ends, since carriers write national forms, and
    /// hidden digits fit any. A receipt names no recipient where its addresses are empty, too short to tell, or the
    /// message's own originator. Then a key that means one message within a week is enough: the first one alone, the
    /// others if no two of them mean different messages. An id of twelve characters or more is never given twice and
    /// needs no address; with a shorter one a receipt for another number is not this message's. By another key than the
    /// first, a receipt settles nothing while an attempt of its carrier is under way that began before it came and
    /// whose recipient it does not exclude: the acknowledgement may bring the first key. Then it is parked until that
    /// attempt ends. Of messages to one recipient under one key the newest that waits for a fate is meant. A receipt
    /// that means no segment, or one of several, is parked. A message is delivered when all of its segments are,
    /// undelivered when all have their fate and one was not delivered.
    async fn record_receipts(&self, receipts: Vec<Receipt>) -> Result<Vec<ReceiptOutcome>, StoreError>;

    /// Keeps what was refused as it came for the operator.
    async fn record_refused(&self, refused: Vec<Refused>) -> Result<(), StoreError>;

    /// Looks again at parked receipts of which another reading than the exact id means a message, and which waited for
    /// attempts that have ended; and gives receipts that have waited for longer than `unclaimed` at `now`, and whose
    /// acknowledgement never did, to the held messages that they can only mean: of one segment, accepted before the
    /// receipt came (or up to five minutes later, by a clock that was set back), and the only one held for its carrier
    /// and recipient. Looks at `limit` held messages, beginning after `after`.
    async fn settle_held(
        &self,
        now: Timestamp,
        unclaimed: Duration,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<HeldStep, StoreError>;

    /// Drops receipts that have been parked for longer than `kept` at `now`, at most `limit` of them, the oldest first:
    /// their messages are not ours. Returns the carrier of each.
    async fn forget_parked(&self, now: Timestamp, kept: Duration, limit: usize)
    -> Result<Vec<CarrierName>, StoreError>;

    /// Ends the waits for receipts that are over at `now`, at most `limit` of them. A message of which a segment is
    /// known to be lost is undelivered, for the reason of that segment; any other stays sent and is marked
    /// ([`model::Delivery::receipt_missing`]). A later receipt still counts. A wait ends once its message is in the
    /// index of lists ([`Lists::index_lists`](super::lists::Lists::index_lists)).
    async fn end_waits(&self, now: Timestamp, limit: usize) -> Result<WaitStep, StoreError>;

    /// What the carrier sent last and nothing could use, newest first: at most `limit`. What was matched later makes
    /// way for what was not.
    async fn unmatched(&self, carrier: &str, limit: usize) -> Result<Vec<Unmatched>, StoreError>;

    /// How many receipts of the carrier are known that match no message: those that wait, and those that cannot be
    /// read.
    async fn count_unmatched(&self, carrier: &str) -> Result<u64, StoreError>;
}
