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
            ("DELIVERED_TO_HANDSET", ReceiptState::Delivered),
            ("DELIVERED TO TERMINAL", ReceiptState::Delivered),
            ("Success", ReceiptState::Delivered),
            ("<DELIVRD>", ReceiptState::Delivered),
            ("DELIVRD.", ReceiptState::Delivered),
            ("DELIVR", ReceiptState::Delivered),
            ("DELI", ReceiptState::Delivered),
            ("2", ReceiptState::Delivered),
            ("DELETD", ReceiptState::Deleted),
            ("CANCELLED", ReceiptState::Deleted),
            ("EXPIRED_TTL", ReceiptState::Expired),
            ("EXPI", ReceiptState::Expired),
            ("TIMED-OUT", ReceiptState::Expired),
            ("UNDELIVERABLE", ReceiptState::Undeliverable),
            ("NOT DELIVERED", ReceiptState::Undeliverable),
            ("not_delivered", ReceiptState::Undeliverable),
            ("NON-DELIVERED", ReceiptState::Undeliverable),
            ("UNDEL", ReceiptState::Undeliverable),
            ("DELIVERY_FAILED", ReceiptState::Undeliverable),
            ("FAILD", ReceiptState::Undeliverable),
            ("PERM_FAIL", ReceiptState::Undeliverable),
            ("SUBMIT_FAILED", ReceiptState::Undeliverable),
            ("INVALID_NUMBER", ReceiptState::Undeliverable),
            ("ABSENT_SUBSCRIBER", ReceiptState::Undeliverable),
            ("UNREACHABLE", ReceiptState::Undeliverable),
            ("MAX_RETRIES_EXCEEDED", ReceiptState::Undeliverable),
            ("5", ReceiptState::Undeliverable),
            ("005", ReceiptState::Undeliverable),
            ("REJECTED_BY_NETWORK", ReceiptState::Rejected),
            ("REFUSED", ReceiptState::Rejected),
            ("BLACKLISTED", ReceiptState::Rejected),
            ("SPAM", ReceiptState::Rejected),
            ("NACK", ReceiptState::Rejected),
            ("NOT_ACCEPTED", ReceiptState::Rejected),
            ("TEMP_FAIL", ReceiptState::Enroute),
            ("DEFERRED", ReceiptState::Enroute),
            ("RETRYING", ReceiptState::Enroute),
            ("QUEUED", ReceiptState::Enroute),
            ("IN_PROGRESS", ReceiptState::Enroute),
            ("TRANSMITTED", ReceiptState::Enroute),
            ("DELIVERED_TO_SMSC", ReceiptState::Accepted),
            ("SUBMITTED", ReceiptState::Accepted),
            ("DELIVERED TO SMSC", ReceiptState::Accepted),
            ("DELIVRD TO NEXT HOP", ReceiptState::Accepted),
            ("DELIVERED TO SMS CENTRE", ReceiptState::Accepted),
            ("DELIVERED TO THE MOBILE NETWORK", ReceiptState::Accepted),
            ("DELIVERED AT GATEWAY", ReceiptState::Accepted),
            ("DELIVERED TO XYZ", ReceiptState::Accepted),
            ("DELIVERED TO THE RECIPIENT", ReceiptState::Delivered),
            ("DELIVERED TO +18005559876", ReceiptState::Delivered),
            ("DELIVRD 000", ReceiptState::Delivered),
            ("DELIVRD and more", ReceiptState::Delivered),
            ("OK 000", ReceiptState::Delivered),
            ("DELI 000", ReceiptState::Delivered),
            ("READ BY USER", ReceiptState::Delivered),
            ("OK BUT", ReceiptState::Unknown),
            ("DELIVRD NOT", ReceiptState::Unknown),
            ("DELIVRD NOT CONFIRMED", ReceiptState::Unknown),
            ("DELIVRD UNKNOWN", ReceiptState::Unknown),
            ("DELIVRD REJECTD", ReceiptState::Unknown),
            ("DELIVRD EXPIRED", ReceiptState::Unknown),
            ("DELIVERED_BUT_FAILED", ReceiptState::Unknown),
            ("OK UNDELIV", ReceiptState::Unknown),
            ("DELIVRD UNCONFIRMED", ReceiptState::Enroute),
            ("DELIVRD PENDING", ReceiptState::Enroute),
            ("EXPIRED NOT DELIVERED", ReceiptState::Expired),
            ("UNDELIV EXPIRED", ReceiptState::Expired),
            ("UNKNOWN SUBSCRIBER", ReceiptState::Undeliverable),
            ("FAILED TO BE DELIVERED", ReceiptState::Undeliverable),
            ("ENROUTE DELIVRD", ReceiptState::Enroute),
            ("UNSUCCESSFUL", ReceiptState::Undeliverable),
            ("NOT_SUCCESSFUL", ReceiptState::Undeliverable),
            ("NO_SUCCESS", ReceiptState::Undeliverable),
            ("UNSUCCESS", ReceiptState::Undeliverable),
            ("NOT_COMPLETED", ReceiptState::Undeliverable),
            ("INCOMPLETED", ReceiptState::Undeliverable),
            ("NOTDLVRD", ReceiptState::Undeliverable),
            ("NDLVRD", ReceiptState::Undeliverable),
            ("NON_DLVRD", ReceiptState::Undeliverable),
            ("COULD_NOT_BE_DELIVERED", ReceiptState::Undeliverable),
            ("UNDLVRD", ReceiptState::Undeliverable),
            ("NDELIVRD", ReceiptState::Undeliverable),
            ("DELIVERY_NOT_SUCCESSFUL", ReceiptState::Undeliverable),
            ("RETRY_FAILED", ReceiptState::Undeliverable),
            ("UNDILIVERED", ReceiptState::Undeliverable),
            ("WONT_DELIVER", ReceiptState::Undeliverable),
            ("WON'T_DELIVER", ReceiptState::Undeliverable),
            ("FAILED_AFTER_RETRY", ReceiptState::Undeliverable),
            ("WILL_NOT_BE_DELIVERED", ReceiptState::Undeliverable),
            ("ERROR_IN_DELIVERY", ReceiptState::Undeliverable),
            ("TO_BE_DELIVERED", ReceiptState::Enroute),
            ("WILL_BE_DELIVERED", ReceiptState::Enroute),
            ("BEING_DELIVERED", ReceiptState::Enroute),
            ("IN_DELIVERY", ReceiptState::Enroute),
            ("ON_DELIVERY", ReceiptState::Enroute),
            ("OUT_FOR_DELIVERY", ReceiptState::Enroute),
            ("NOT_SENT_YET", ReceiptState::Enroute),
            ("NOT_YET_DELIVERED", ReceiptState::Enroute),
            ("PARTIALLY_DELIVERED", ReceiptState::Enroute),
            ("FAILED_WILL_RETRY", ReceiptState::Enroute),
            ("NO_ERROR", ReceiptState::Delivered),
            ("DELIVERED_NO_ERROR", ReceiptState::Delivered),
            ("DELIVERED_AFTER_RETRY", ReceiptState::Delivered),
            ("DELIVERED_AFTER_2_RETRIES", ReceiptState::Delivered),
            ("MSGDELIVERED", ReceiptState::Delivered),
            ("NO_ANSWER", ReceiptState::Unknown),
            ("HANDSET_OFF", ReceiptState::Unknown),
            ("SWITCHED_OFF", ReceiptState::Unknown),
            ("MEMORY_FULL", ReceiptState::Unknown),
            ("NO_NETWORK", ReceiptState::Unknown),
            ("OUT_OF_COVERAGE", ReceiptState::Unknown),
            ("VOID", ReceiptState::Unknown),
            ("NOT_REJECTED", ReceiptState::Unknown),
            ("DELIVERED_NOT", ReceiptState::Unknown),
            ("DEL", ReceiptState::Unknown),
            ("UN", ReceiptState::Unknown),
            ("77", ReceiptState::Unknown),
            ("999999999999", ReceiptState::Unknown),
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
