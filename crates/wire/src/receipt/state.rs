//! What a receipt says of its message.

/// The states of a message at a carrier (SMPP 5.0, 4.7.15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReceiptState {
    /// To be sent later.
    Scheduled,
    /// On its way.
    Enroute,
    /// The handset has it.
    Delivered,
    /// Its validity period ended.
    Expired,
    /// It was deleted.
    Deleted,
    /// It cannot be delivered.
    Undeliverable,
    /// Read by customer service, or: the next centre took it. Nothing final.
    Accepted,
    /// The carrier does not know. Nothing final: a better report may follow.
    Unknown,
    /// It was refused.
    Rejected,
    /// It was passed over.
    Skipped,
}

impl ReceiptState {
    /// Every state, in the order of its number.
    pub const ALL: [Self; 10] = [
        Self::Scheduled,
        Self::Enroute,
        Self::Delivered,
        Self::Expired,
        Self::Deleted,
        Self::Undeliverable,
        Self::Accepted,
        Self::Unknown,
        Self::Rejected,
        Self::Skipped,
    ];

    /// The state of the `message_state` parameter (SMPP 5.0, 4.8.4.36); unknown numbers are [`Self::Unknown`].
    pub fn from_message_state(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::Unknown)
    }

    /// The number of the `message_state` parameter.
    pub fn message_state(self) -> u8 {
        self as u8
    }

    /// The state that a receipt's `stat` names, in any case. `FAILED` and its kin, which some carriers write, are undeliverable; `BUFFRED` and its
    /// spellings are on their way; a bare `0` is how some write delivered. What nobody knows is [`Self::Unknown`].
    pub fn from_stat(stat: &str) -> Self {
        let stat = stat.trim().to_ascii_uppercase();
        match stat.as_str() {
            "DELIVRD" | "DELIVERD" | "DELIVERED" | "DELIVER" | "0" | "000" => Self::Delivered,
            "EXPIRED" | "EXPIRD" => Self::Expired,
            "DELETED" | "DELETD" => Self::Deleted,
            "UNDELIV" | "UNDELIVERABLE" | "UNDELIVERED" | "UNDELIVRD" | "FAILED" | "FAIL" | "FAILURE" | "ERROR" => Self::Undeliverable,
            "ACCEPTD" | "ACCEPTED" | "ACKED" | "ACK" => Self::Accepted,
            "REJECTD" | "REJECTED" | "REJECT" | "BLOCKED" => Self::Rejected,
            "ENROUTE" | "BUFFRED" | "BUFFERD" | "BUFFERED" | "SENT" | "PENDING" => Self::Enroute,
            "SCHEDULED" | "SCHEDLD" => Self::Scheduled,
            "SKIPPED" | "SKIPPD" => Self::Skipped,
            _ => Self::Unknown,
        }
    }

    /// The seven letters that a receipt's `stat` has for it.
    pub const fn stat(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDLD",
            Self::Enroute => "ENROUTE",
            Self::Delivered => "DELIVRD",
            Self::Expired => "EXPIRED",
            Self::Deleted => "DELETED",
            Self::Undeliverable => "UNDELIV",
            Self::Accepted => "ACCEPTD",
            Self::Unknown => "UNKNOWN",
            Self::Rejected => "REJECTD",
            Self::Skipped => "SKIPPED",
        }
    }

    /// Whether nothing better follows.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Expired | Self::Deleted | Self::Undeliverable | Self::Rejected | Self::Skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_from_the_field_are_understood() {
        for (stat, state) in [
            ("DELIVRD", ReceiptState::Delivered),
            ("delivrd", ReceiptState::Delivered),
            ("Delivered", ReceiptState::Delivered),
            ("0", ReceiptState::Delivered),
            ("FAILED", ReceiptState::Undeliverable),
            ("BUFFRED", ReceiptState::Enroute),
            ("BUFFERD", ReceiptState::Enroute),
            ("ACKED", ReceiptState::Accepted),
            ("REJECTD", ReceiptState::Rejected),
            ("whatever", ReceiptState::Unknown),
            ("", ReceiptState::Unknown),
        ] {
            assert_eq!(ReceiptState::from_stat(stat), state, "{stat}");
        }
    }

    #[test]
    fn numbers_and_letters_read_back() {
        for (number, state) in ReceiptState::ALL.into_iter().enumerate() {
            assert_eq!(ReceiptState::from_message_state(number as u8), state);
            assert_eq!(usize::from(state.message_state()), number);
            assert_eq!(ReceiptState::from_stat(state.stat()), state);
        }
        assert_eq!(ReceiptState::from_message_state(200), ReceiptState::Unknown);
    }
}
