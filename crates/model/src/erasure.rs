//! Erasure: removes or blanks everything about one person's number at the operator's request.

use crate::clock::Timestamp;
use crate::id::ErasureId;

/// The numbers of items that an erasure removed or blanked, or would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErasureCounts {
    /// Messages to the number or from it. Each keeps its row, with its status and its times.
    pub messages: u64,
    /// Messages that were queued and were canceled. They are among [`Self::messages`].
    pub canceled: u64,
    /// Texts of messages, and of broadcasts to this number alone.
    pub texts: u64,
    /// Events whose details were blanked.
    pub events: u64,
    /// Messages that lost their media.
    pub media: u64,
    /// Records of the screen's review log.
    pub screenings: u64,
    /// Receipts, and other PDUs, that matched nothing.
    pub receipts: u64,
    /// Recipients of broadcasts that were not expanded. They then count as skipped.
    pub recipients: u64,
    /// Idempotency records of requests that named the number.
    pub requests: u64,
}

impl ErasureCounts {
    /// Both together.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self {
            messages: self.messages + more.messages,
            canceled: self.canceled + more.canceled,
            texts: self.texts + more.texts,
            events: self.events + more.events,
            media: self.media + more.media,
            screenings: self.screenings + more.screenings,
            receipts: self.receipts + more.receipts,
            recipients: self.recipients + more.recipients,
            requests: self.requests + more.requests,
        }
    }
}

/// The record of an erasure, which stays. It does not hold the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Its id.
    pub id: ErasureId,
    /// The keyed digest of the number ([`crate::key::Pepper::digest_of_number`]). It answers whether a given number was
    /// erased, and reveals nothing by itself.
    pub digest: [u8; 32],
    /// The actor who requested it, as the admin API knows them.
    pub operator: String,
    /// The operator's own name for the request, such as the number of a ticket.
    pub reference: Option<String>,
    /// The time of the request.
    pub began_at: Timestamp,
    /// The end of the erasure; `None` while it is under way.
    pub ended_at: Option<Timestamp>,
    /// The counts of removed and blanked items so far.
    pub counts: ErasureCounts,
}
