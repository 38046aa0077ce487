//! What a receipt says of its message.

mod words;

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

    /// The state that a receipt's `stat` names, in any case: by the word, by the number of `message_state` in its place
    /// (but `0`, which some carriers write for delivered), by the parts of a vendor's own word, or by the beginning of
    /// a word that was cut short. A word that means failure is never pending. Other words are [`Self::Unknown`].
    pub fn from_stat(stat: &str) -> Self {
        words::state_of(stat)
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
        matches!(
            self,
            Self::Delivered | Self::Expired | Self::Deleted | Self::Undeliverable | Self::Rejected | Self::Skipped
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words that carriers write, by the state that they mean.
    const SPELLINGS: &[(ReceiptState, &[&str])] = &[
        (
            ReceiptState::Delivered,
            &[
                "DELIVRD",
                "delivrd",
                "Delivered",
                "0",
                "DELIVERED_TO_HANDSET",
                "DELIVERED TO TERMINAL",
                "Success",
                "<DELIVRD>",
                "DELIVRD.",
                "DELIVR",
                "DELI",
                "2",
                "DELIVERED TO THE RECIPIENT",
                "DELIVERED TO +18005559876",
                "DELIVRD 000",
                "DELIVRD and more",
                "OK 000",
                "DELI 000",
                "READ BY USER",
                "NO_ERROR",
                "DELIVERED_NO_ERROR",
                "DELIVERED_AFTER_RETRY",
                "DELIVERED_AFTER_2_RETRIES",
                "MSGDELIVERED",
            ],
        ),
        (
            ReceiptState::Undeliverable,
            &[
                "FAILED",
                "UNDELIVERABLE",
                "NOT DELIVERED",
                "not_delivered",
                "NON-DELIVERED",
                "UNDEL",
                "DELIVERY_FAILED",
                "FAILD",
                "PERM_FAIL",
                "SUBMIT_FAILED",
                "INVALID_NUMBER",
                "ABSENT_SUBSCRIBER",
                "UNREACHABLE",
                "MAX_RETRIES_EXCEEDED",
                "5",
                "005",
                "UNKNOWN SUBSCRIBER",
                "FAILED TO BE DELIVERED",
                "UNSUCCESSFUL",
                "NOT_SUCCESSFUL",
                "NO_SUCCESS",
                "UNSUCCESS",
                "NOT_COMPLETED",
                "INCOMPLETED",
                "NOTDLVRD",
                "NDLVRD",
                "NON_DLVRD",
                "COULD_NOT_BE_DELIVERED",
                "UNDLVRD",
                "NDELIVRD",
                "DELIVERY_NOT_SUCCESSFUL",
                "RETRY_FAILED",
                "UNDILIVERED",
                "WONT_DELIVER",
                "WON'T_DELIVER",
                "FAILED_AFTER_RETRY",
                "WILL_NOT_BE_DELIVERED",
                "ERROR_IN_DELIVERY",
            ],
        ),
        (
            ReceiptState::Enroute,
            &[
                "BUFFRED",
                "BUFFERD",
                "TEMP_FAIL",
                "DEFERRED",
                "RETRYING",
                "QUEUED",
                "IN_PROGRESS",
                "TRANSMITTED",
                "DELIVRD UNCONFIRMED",
                "DELIVRD PENDING",
                "ENROUTE DELIVRD",
                "TO_BE_DELIVERED",
                "WILL_BE_DELIVERED",
                "BEING_DELIVERED",
                "IN_DELIVERY",
                "ON_DELIVERY",
                "OUT_FOR_DELIVERY",
                "NOT_SENT_YET",
                "NOT_YET_DELIVERED",
                "PARTIALLY_DELIVERED",
                "FAILED_WILL_RETRY",
            ],
        ),
        (
            ReceiptState::Accepted,
            &[
                "ACKED",
                "DELIVERED_TO_SMSC",
                "SUBMITTED",
                "DELIVERED TO SMSC",
                "DELIVRD TO NEXT HOP",
                "DELIVERED TO SMS CENTRE",
                "DELIVERED TO THE MOBILE NETWORK",
                "DELIVERED AT GATEWAY",
                "DELIVERED TO XYZ",
            ],
        ),
        (
            ReceiptState::Rejected,
            &["REJECTD", "REJECTED_BY_NETWORK", "REFUSED", "BLACKLISTED", "SPAM", "NACK", "NOT_ACCEPTED"],
        ),
        (
            ReceiptState::Unknown,
            &[
                "whatever",
                "OK BUT",
                "DELIVRD NOT",
                "DELIVRD NOT CONFIRMED",
                "DELIVRD UNKNOWN",
                "DELIVRD REJECTD",
                "DELIVRD EXPIRED",
                "DELIVERED_BUT_FAILED",
                "OK UNDELIV",
                "NO_ANSWER",
                "HANDSET_OFF",
                "SWITCHED_OFF",
                "MEMORY_FULL",
                "NO_NETWORK",
                "OUT_OF_COVERAGE",
                "VOID",
                "NOT_REJECTED",
                "DELIVERED_NOT",
                "DEL",
                "UN",
                "77",
                "999999999999",
                "",
            ],
        ),
        (ReceiptState::Deleted, &["DELETD", "CANCELLED"]),
        (ReceiptState::Expired, &["EXPIRED_TTL", "EXPI", "TIMED-OUT", "EXPIRED NOT DELIVERED", "UNDELIV EXPIRED"]),
    ];

    #[test]
    fn spellings_from_the_field_are_understood() {
        for (state, words) in SPELLINGS {
            for word in *words {
                assert_eq!(ReceiptState::from_stat(word), *state, "{word}");
            }
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
