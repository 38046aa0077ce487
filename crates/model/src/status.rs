//! The status of a message, and the only rules by which it changes: forward, never back.

/// The status of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Accepted and on disk; its time to leave has not come.
    Scheduled,
    /// Accepted and on disk; no carrier has it yet.
    Queued,
    /// A carrier took it.
    Sent,
    /// The handset has it.
    Delivered,
    /// The carrier says that it cannot reach the handset, or the validity period ended.
    Undelivered,
    /// No carrier took it.
    Failed,
    /// Taken back by its client before anything of it left.
    Canceled,
}

impl Status {
    /// Every status, in the order of a message's life.
    pub const ALL: [Self; 7] =
        [Self::Scheduled, Self::Queued, Self::Sent, Self::Delivered, Self::Undelivered, Self::Failed, Self::Canceled];

    /// The status's name in the API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// The status with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether nothing follows: delivered, undelivered, failed and canceled messages stay what they are.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Undelivered | Self::Failed | Self::Canceled)
    }

    /// Whether no carrier has had it yet, so that all of it is still to be sent.
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::Scheduled | Self::Queued)
    }

    /// Whether a message may go from this status to `next`.
    ///
    /// `Queued` to `Delivered` or `Undelivered` directly is real: a receipt can prove what a lost acknowledgement hid.
    /// `Scheduled` to `Undelivered` is the end of a message in a restored store: it may have left since the backup.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Scheduled => !matches!(next, Self::Scheduled | Self::Sent | Self::Delivered),
            Self::Queued => !next.is_waiting(),
            Self::Sent => matches!(next, Self::Delivered | Self::Undelivered),
            Self::Delivered | Self::Undelivered | Self::Failed | Self::Canceled => false,
        }
    }
}

/// The reason of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorType {
    /// The carrier refused it.
    CarrierRejected,
    /// The handset could not be reached.
    Unreachable,
    /// The validity period ended.
    Expired,
    /// There is no such recipient.
    InvalidDestination,
    /// The carrier blocks the recipient, the originator or the content.
    BlockedByCarrier,
    /// The media could not be had or carried.
    MediaFailed,
    /// No route leads to the recipient.
    NoRoute,
    /// The carrier gave no known reason, or the outcome is unknown.
    Unknown,
}

impl ErrorType {
    /// Every type, in the order of the public contract.
    pub const ALL: [Self; 8] = [
        Self::CarrierRejected,
        Self::Unreachable,
        Self::Expired,
        Self::InvalidDestination,
        Self::BlockedByCarrier,
        Self::MediaFailed,
        Self::NoRoute,
        Self::Unknown,
    ];

    /// The type's name in the API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CarrierRejected => "carrier_rejected",
            Self::Unreachable => "unreachable",
            Self::Expired => "expired",
            Self::InvalidDestination => "invalid_destination",
            Self::BlockedByCarrier => "blocked_by_carrier",
            Self::MediaFailed => "media_failed",
            Self::NoRoute => "no_route",
            Self::Unknown => "unknown",
        }
    }

    /// The type with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The type in a sentence for the client.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::CarrierRejected => "The carrier refused the message",
            Self::Unreachable => "The carrier could not reach the handset",
            Self::Expired => "The message was not delivered within its validity period",
            Self::InvalidDestination => "The carrier does not know the recipient",
            Self::BlockedByCarrier => "The carrier blocks the recipient, the sender or the content",
            Self::MediaFailed => "The media could not be carried",
            Self::NoRoute => "No carrier serves the recipient",
            Self::Unknown => "The carrier gave no reason, or its answer was lost",
        }
    }
}

/// The report of a receipt on one segment, as far as it concerns the status of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SegmentFate {
    /// Nothing final yet.
    Pending,
    /// The handset has it.
    Delivered,
    /// It will not arrive, and why.
    Undelivered(ErrorType),
}

/// The part of a message on which a receipt reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReceiptScope {
    /// The segment whose id it names.
    #[default]
    Segment,
    /// All of them, if the message has this many segments; otherwise the one that it names. The counts `sub` and
    /// `dlvrd` of a receipt that names them both and the same (SMPP 3.4, appendix B).
    AllOf(u16),
    /// All of them, however many there are.
    Message,
}

impl ReceiptScope {
    /// Whether it covers all of a message of `segments` segments.
    pub const fn covers(self, segments: u16) -> bool {
        match self {
            Self::Segment => segments <= 1,
            Self::AllOf(count) => count == segments || segments <= 1,
            Self::Message => true,
        }
    }
}

impl SegmentFate {
    /// Whether nothing follows.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_never_goes_back() {
        for from in Status::ALL {
            for to in Status::ALL {
                let forward = match (from, to) {
                    (Status::Scheduled, to) => !matches!(to, Status::Scheduled | Status::Sent | Status::Delivered),
                    (Status::Queued, to) => !matches!(to, Status::Scheduled | Status::Queued),
                    (Status::Sent, to) => matches!(to, Status::Delivered | Status::Undelivered),
                    _ => false,
                };
                assert_eq!(from.may_become(to), forward, "{from:?} to {to:?}");
                assert!(!(from.is_final() && from.may_become(to)));
            }
        }
    }

    #[test]
    fn names_read_back() {
        assert!(Status::ALL.iter().all(|s| Status::parse(s.as_str()) == Some(*s)));
        assert!(ErrorType::ALL.iter().all(|e| ErrorType::parse(e.as_str()) == Some(*e)));
        assert_eq!(Status::parse("QUEUED"), None);
    }
}
