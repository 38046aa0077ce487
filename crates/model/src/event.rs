//! The events of a message: the lines of `smsfactory message show`. Events are only ever added.

use crate::carrier::CarrierName;
use crate::clock::Timestamp;

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The message was accepted and is on disk.
    Accepted,
    /// Its time to leave has come.
    Queued,
    /// The screen found something in its text, and the account's policy let it pass.
    Flagged,
    /// The operator sent it as a copy of an earlier message.
    Again,
    /// It was about to be handed to a carrier.
    Attempt,
    /// The carrier accepted it.
    Acknowledged,
    /// The carrier refused it for good.
    Refused,
    /// Another attempt follows.
    Retry,
    /// Nobody knows whether the carrier took it.
    Unknown,
    /// It is held back, because of such an outcome, until a receipt or the end of its validity.
    Held,
    /// The carrier reported on a segment.
    Receipt,
    /// The wait for receipts is over, and not all of them came.
    Missing,
    /// Its status changed to a final one.
    Ended,
    /// Its person was erased: texts, media and addresses are gone, and the details of earlier events.
    Erased,
}

impl EventKind {
    /// Every kind, in the order of a message's life.
    pub const ALL: [Self; 14] = [
        Self::Accepted,
        Self::Queued,
        Self::Flagged,
        Self::Again,
        Self::Attempt,
        Self::Acknowledged,
        Self::Refused,
        Self::Retry,
        Self::Unknown,
        Self::Held,
        Self::Receipt,
        Self::Missing,
        Self::Ended,
        Self::Erased,
    ];

    /// The kind's name on the command line and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Queued => "queued",
            Self::Flagged => "flagged",
            Self::Again => "again",
            Self::Attempt => "attempt",
            Self::Acknowledged => "acknowledged",
            Self::Refused => "refused",
            Self::Retry => "retry",
            Self::Unknown => "unknown",
            Self::Held => "held",
            Self::Receipt => "receipt",
            Self::Missing => "missing",
            Self::Ended => "ended",
            Self::Erased => "erased",
        }
    }

    /// The kind with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One thing that happened to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The time of the record.
    pub at: Timestamp,
    /// The event.
    pub kind: EventKind,
    /// The carrier that it concerns.
    pub carrier: Option<CarrierName>,
    /// The attempt that it concerns, from 1.
    pub attempt: Option<u32>,
    /// Particulars for a person: ids that the carrier gave, codes, times. Never the message's text.
    pub detail: String,
}
