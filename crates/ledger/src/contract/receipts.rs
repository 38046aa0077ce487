//! The way back: the reports of carriers on the segments that they accepted.

use std::time::Duration;

use async_trait::async_trait;
use model::status::SegmentFate;
use model::unmatched::{Raw, Reason};
use model::{CarrierName, MessageId, ReceiptScope, Timestamp, Unmatched};

use super::StoreError;

/// A carrier's report on one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The carrier that sent it; ids of one carrier mean nothing at another.
    pub carrier: CarrierName,
    /// The canonical keys under which its segment may be found, likeliest first. Never empty. The first is the most
    /// probable id; the others are other ids in the receipt, and other readings of them.
    pub keys: Vec<String>,
    /// The digits of the addresses in it, without `+`, and with `*` for each digit that the carrier hides. Those of the
    /// recipient may be among them, and those of the originator.
    pub addresses: Vec<String>,
    /// Its content.
    pub fate: SegmentFate,
    /// The time of its arrival.
    pub at: Timestamp,
    /// Details for the event: the carrier's id, state and error as given.
    pub detail: String,
    /// The part of the message on which it reports.
    pub scope: ReceiptScope,
    /// Its raw form, for the operator.
    pub raw: Raw,
}

/// An input of a carrier that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The carrier that sent it.
    pub carrier: CarrierName,
    /// The time of its arrival.
    pub at: Timestamp,
    /// The reason why it could not be used.
    pub reason: Reason,
    /// The reason in words.
    pub detail: String,
    /// Its raw form, for the operator: truncated, and with control characters escaped.
    pub raw: String,
}

/// The longest id, in bytes, under which a segment is stored or searched. No specification allows more than 255 octets,
/// and no index should.
pub const KEY_BYTES_MAX: usize = 255;

/// The number of unmatched entries that are kept for each carrier and outcome.
pub const UNMATCHED_KEPT: usize = 100;

/// The outcome of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptOutcome {
    /// It is recorded. It may have changed the status of the message.
    Matched {
        /// The key that found the segment: its place in [`Receipt::keys`].
        key: usize,
    },
    /// Its segment already had its final state. The only change is one more event of the message, up to a limit.
    Repeated,
    /// No segment with that id is known yet, several are and the receipt does not distinguish them, or another reading
    /// of the id matches one while an acknowledgement may still bring the id itself. The receipt is kept, and applied
    /// when the acknowledgement comes.
    Parked,
    /// As [`Self::Parked`], but the limits of its carrier were reached: so many parked receipts were dropped, oldest
    /// first, including this one if there was no room for it at all.
    Crowded {
        /// How many.
        dropped: u64,
    },
}

/// One step of settling held messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldStep {
    /// The last message that the step looked at, if there may be more: the next step begins after it.
    pub next: Option<MessageId>,
}

/// One step of ending waits for receipts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitStep {
    /// The number of waits that the step looked at. If it is the limit, more may be over.
    pub over: usize,
    /// The number of messages that are undelivered now, because one of their segments is known to be lost.
    pub ended: usize,
    /// The carriers of the others, one entry for each message. These messages are marked.
    pub missing: Vec<CarrierName>,
}

/// The way back.
#[async_trait]
pub trait Receipts: Send + Sync {
    /// Records receipts. One outcome each, in order; atomic for the whole list. Any node may get a receipt for any
    /// message, regardless of the node of its attempt: attempts and parked receipts below are those of all nodes.
    ///
    /// A segment is found by carrier and key, in the order of the keys. The recipient in the receipt decides between
    /// several messages: numbers are compared from their ends, because carriers write national forms, and hidden digits
    /// match any. A receipt names no recipient if its addresses are empty, too short, or the message's own originator.
    /// Then a key that matches one message within a week is enough: the first key alone, the others if no two of them
    /// match different messages. An id of twelve characters or more is never assigned twice and needs no address; with
    /// a shorter one, a receipt for another number is not for this message. A receipt that matches by another key than
    /// the first is parked while an attempt of its carrier is under way that began before the receipt came and whose
    /// recipient the receipt does not exclude, because the acknowledgement may bring the first key. Among messages to
    /// one recipient under one key, the newest that waits for its final state is chosen. A receipt that matches no
    /// segment, or one of several, is parked. A message is delivered when all of its segments are, and undelivered when
    /// all have their final state and one was not delivered.
    async fn record_receipts(&self, receipts: Vec<Receipt>) -> Result<Vec<ReceiptOutcome>, StoreError>;

    /// Records refused input for the operator, in its raw form.
    async fn record_refused(&self, refused: Vec<Refused>) -> Result<(), StoreError>;

    /// Looks again at parked receipts that match a message by another reading than the exact id, and that waited for
    /// attempts which have ended. Applies receipts that have waited for longer than `unclaimed` at `now`, and whose
    /// acknowledgement never came, to the only held message that they can match: of one segment, accepted before the
    /// receipt came (or up to five minutes later, by a clock that was set back), and the only one held for its carrier
    /// and recipient. Looks at `limit` held messages, beginning after `after`.
    async fn settle_held(
        &self,
        now: Timestamp,
        unclaimed: Duration,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<HeldStep, StoreError>;

    /// Drops receipts that have been parked for longer than `kept` at `now`, oldest first: at most `limit`. Their
    /// messages are not ours. Returns the carrier of each.
    async fn forget_parked(&self, now: Timestamp, kept: Duration, limit: usize)
    -> Result<Vec<CarrierName>, StoreError>;

    /// Ends the waits for receipts that are over at `now`: at most `limit`. A message with a lost segment is
    /// undelivered, for the reason of that segment; any other message stays sent and is marked
    /// ([`model::Delivery::receipt_missing`]). A later receipt still counts. A wait ends once its message is in the
    /// index of lists ([`Lists::index_lists`](super::lists::Lists::index_lists)).
    async fn end_waits(&self, now: Timestamp, limit: usize) -> Result<WaitStep, StoreError>;

    /// The last inputs of the carrier that could not be used, newest first: at most `limit`. Receipts that were matched
    /// later are removed first.
    async fn unmatched(&self, carrier: &str, limit: usize) -> Result<Vec<Unmatched>, StoreError>;

    /// The number of receipts of the carrier that match no message: those that wait, and those that cannot be read.
    async fn count_unmatched(&self, carrier: &str) -> Result<u64, StoreError>;
}
