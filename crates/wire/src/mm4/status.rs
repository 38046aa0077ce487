//! What the other MMSC says of a request ([`RequestStatus`]) and of a message ([`MmStatus`]).

use crate::receipt::ReceiptState;

/// `X-Mms-Request-Status-Code` (TS 23.140, 8.4.4.2; the numbers are those of OMA MMS Encapsulation, 7.3.48, which some
/// peers write instead of the words).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestStatus {
    /// Taken.
    Ok,
    /// Not taken, and no reason given; also what nobody knows.
    Unspecified,
    /// The service does not serve us.
    ServiceDenied,
    /// The message cannot be read.
    MessageFormatCorrupt,
    /// An address leads nowhere.
    SendingAddressUnresolved,
    /// The message that is spoken of is not known.
    MessageNotFound,
    /// The network is in trouble.
    NetworkProblem,
    /// What the message holds is not taken.
    ContentNotAccepted,
    /// Such messages are not taken.
    UnsupportedMessage,
}

/// What a request's status means for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The peer has it.
    Accepted,
    /// The peer will never take it.
    Refused(Refusal),
    /// The peer may take it later.
    TryLater,
}

/// The reason why a message will never be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// No reason of those below.
    Rejected,
    /// The recipient is not reached there.
    Address,
    /// What it holds, or how.
    Content,
    /// We may not send.
    Denied,
}

/// Every status, with its word and its number. Each comes first under its own word; what follows are the words and
/// numbers of later versions that mean it (OMA MMS Encapsulation 1.2 and 1.3, where transient and permanent failures
/// are told apart).
const REQUEST_STATUSES: [(RequestStatus, &str, u8); 26] = {
    use RequestStatus::{
        ContentNotAccepted, MessageFormatCorrupt, MessageNotFound, NetworkProblem, Ok, SendingAddressUnresolved,
        ServiceDenied, Unspecified, UnsupportedMessage,
    };
    [
        (Ok, "Ok", 128),
        (Unspecified, "Error-unspecified", 129),
        (ServiceDenied, "Error-service-denied", 130),
        (MessageFormatCorrupt, "Error-message-format-corrupt", 131),
        (SendingAddressUnresolved, "Error-sending-address-unresolved", 132),
        (MessageNotFound, "Error-message-not-found", 133),
        (NetworkProblem, "Error-network-problem", 134),
        (ContentNotAccepted, "Error-content-not-accepted", 135),
        (UnsupportedMessage, "Error-unsupported-message", 136),
        (NetworkProblem, "Error-transient-failure", 192),
        (NetworkProblem, "Error-transient-sending-address-unresolved", 193),
        (NetworkProblem, "Error-transient-message-not-found", 194),
        (NetworkProblem, "Error-transient-network-problem", 195),
        (NetworkProblem, "Error-transient-partial-success", 196),
        (MessageNotFound, "Error-permanent-failure", 224),
        (ServiceDenied, "Error-permanent-service-denied", 225),
        (MessageFormatCorrupt, "Error-permanent-message-format-corrupt", 226),
        (SendingAddressUnresolved, "Error-permanent-sending-address-unresolved", 227),
        (MessageNotFound, "Error-permanent-message-not-found", 228),
        (ContentNotAccepted, "Error-permanent-content-not-accepted", 229),
        (ContentNotAccepted, "Error-permanent-reply-charging-limitations-not-met", 230),
        (ContentNotAccepted, "Error-permanent-reply-charging-request-not-accepted", 231),
        (ContentNotAccepted, "Error-permanent-reply-charging-forwarding-denied", 232),
        (ContentNotAccepted, "Error-permanent-reply-charging-not-supported", 233),
        (ServiceDenied, "Error-permanent-address-hiding-not-supported", 234),
        (ServiceDenied, "Error-permanent-lack-of-prepaid", 235),
    ]
};

impl RequestStatus {
    /// The nine that the specification names.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::Unspecified,
        Self::ServiceDenied,
        Self::MessageFormatCorrupt,
        Self::SendingAddressUnresolved,
        Self::MessageNotFound,
        Self::NetworkProblem,
        Self::ContentNotAccepted,
        Self::UnsupportedMessage,
    ];

    /// The status as a peer writes it: a word in any case, with hyphens, underscores or blanks, perhaps with its number
    /// or a remark behind it, or the number alone. A bare `0` is how some write that all is well. What nobody knows is
    /// [`Self::Unspecified`]: the peer has said no, and not for good.
    pub fn parse(text: &str) -> Self {
        let text = text.trim_matches(['"', ' ']).to_ascii_lowercase().replace('_', "-");
        let word = text.split(['(', ',', ';', ':', '=']).next().unwrap_or_default().trim().replace(' ', "-");
        match word.as_str() {
            "0" | "success" | "accepted" => return Self::Ok,
            _ => {}
        }
        let known = REQUEST_STATUSES
            .iter()
            .find(|(_, name, number)| name.eq_ignore_ascii_case(&word) || number.to_string() == word);
        known.map_or_else(|| if word.starts_with("ok-") { Self::Ok } else { Self::Unspecified }, |(status, ..)| *status)
    }

    /// Its word.
    pub fn name(self) -> &'static str {
        REQUEST_STATUSES.iter().find(|(status, ..)| *status == self).map_or("Error-unspecified", |(_, name, _)| name)
    }

    /// What it means for the message that was forwarded.
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Ok => Verdict::Accepted,
            Self::Unspecified | Self::NetworkProblem => Verdict::TryLater,
            Self::ServiceDenied => Verdict::Refused(Refusal::Denied),
            Self::SendingAddressUnresolved => Verdict::Refused(Refusal::Address),
            Self::MessageFormatCorrupt | Self::ContentNotAccepted | Self::UnsupportedMessage => {
                Verdict::Refused(Refusal::Content)
            }
            Self::MessageNotFound => Verdict::Refused(Refusal::Rejected),
        }
    }
}

/// `X-Mms-MM-Status-Code` (TS 23.140, 8.4.4.3; the numbers are those of OMA MMS Encapsulation, 7.3.54).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MmStatus {
    /// Its time ran out.
    Expired,
    /// The handset has it.
    Retrieved,
    /// The handset, or the MMSC for it, did not want it.
    Rejected,
    /// The handset wants it later.
    Deferred,
    /// The handset does not know such messages.
    Unrecognised,
    /// Nobody knows; also every word that nobody knows.
    Indeterminate,
    /// The next system has it.
    Forwarded,
    /// The handset cannot be reached; also the words of vendors for a failure.
    Unreachable,
}

/// Every status with its number, and the words it goes by, its own first.
const MM_STATUSES: [(MmStatus, u8, &[&str]); 8] = [
    (MmStatus::Expired, 128, &["Expired"]),
    (MmStatus::Retrieved, 129, &["Retrieved", "Delivered"]),
    (MmStatus::Rejected, 130, &["Rejected"]),
    (MmStatus::Deferred, 131, &["Deferred"]),
    (MmStatus::Unrecognised, 132, &["Unrecognised", "Unrecognized"]),
    (MmStatus::Indeterminate, 133, &["Indeterminate"]),
    (MmStatus::Forwarded, 134, &["Forwarded"]),
    (
        MmStatus::Unreachable,
        135,
        &[
            "Unreachable",
            "Undeliverable",
            "Undelivered",
            "NotDelivered",
            "NonDelivered",
            "Failed",
            "Failure",
            "Fail",
            "DeliveryFailed",
            "DeliveryFailure",
            "DeliveryError",
            "Error",
            "NotSupported",
            "PermanentFailure",
        ],
    ),
];

impl MmStatus {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Expired,
        Self::Retrieved,
        Self::Rejected,
        Self::Deferred,
        Self::Unrecognised,
        Self::Indeterminate,
        Self::Forwarded,
        Self::Unreachable,
    ];

    /// The status as a peer writes it: its word in any case, with or without hyphens, underscores or blanks, perhaps
    /// with a remark behind it, or its number. What nobody knows is [`Self::Indeterminate`].
    pub fn parse(text: &str) -> Self {
        let text = text.trim_matches(['"', ' ']);
        let words = text.split(['(', ',', ';', ':']).next().unwrap_or_default();
        let first = words.split_whitespace().next().unwrap_or_default();
        Self::of_word(words).or_else(|| Self::of_word(first)).unwrap_or(Self::Indeterminate)
    }

    fn of_word(text: &str) -> Option<Self> {
        let word = text.replace(['-', '_', ' '], "");
        let known = MM_STATUSES.iter().find(|(_, number, names)| {
            names.iter().any(|name| name.eq_ignore_ascii_case(&word)) || number.to_string() == word
        });
        known.map(|(status, ..)| *status)
    }

    /// Its word.
    pub fn name(self) -> &'static str {
        MM_STATUSES
            .iter()
            .find(|(status, ..)| *status == self)
            .and_then(|(.., names)| names.first())
            .unwrap_or(&"Indeterminate")
    }

    /// What it says, in the words of receipts.
    pub const fn receipt_state(self) -> ReceiptState {
        match self {
            Self::Expired => ReceiptState::Expired,
            Self::Retrieved => ReceiptState::Delivered,
            Self::Rejected => ReceiptState::Rejected,
            Self::Deferred => ReceiptState::Enroute,
            Self::Unrecognised | Self::Unreachable => ReceiptState::Undeliverable,
            Self::Indeterminate => ReceiptState::Unknown,
            Self::Forwarded => ReceiptState::Accepted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn answers_of_the_field_mean_what_their_peers_meant() {
        use Refusal::{Address, Content, Denied, Rejected};
        use Verdict::{Accepted, Refused, TryLater};
        for (text, verdict) in [
            ("Ok", Accepted),
            ("OK", Accepted),
            (" ok ", Accepted),
            ("\"Ok\"", Accepted),
            ("0", Accepted),
            ("128", Accepted),
            ("Ok (128)", Accepted),
            ("Ok, message accepted", Accepted),
            ("Ok message accepted", Accepted),
            ("Error-unspecified", TryLater),
            ("Error-network-problem", TryLater),
            ("error_network_problem", TryLater),
            ("Error-transient-failure", TryLater),
            ("192", TryLater),
            ("", TryLater),
            ("1", TryLater),
            ("Okay", TryLater),
            ("Error-of-our-own", TryLater),
            ("Error-service-denied", Refused(Denied)),
            ("Error-permanent-service-denied", Refused(Denied)),
            ("130", Refused(Denied)),
            ("Error-sending-address-unresolved", Refused(Address)),
            ("ERROR-SENDING-ADDRESS-UNRESOLVED", Refused(Address)),
            ("Error sending address unresolved", Refused(Address)),
            ("227", Refused(Address)),
            ("Error-content-not-accepted", Refused(Content)),
            ("Error-unsupported-message", Refused(Content)),
            ("Error-message-format-corrupt: no SMIL", Refused(Content)),
            ("Error-message-not-found", Refused(Rejected)),
            ("Error-permanent-failure", Refused(Rejected)),
        ] {
            assert_eq!(RequestStatus::parse(text).verdict(), verdict, "{text}");
        }
    }

    #[test]
    fn every_status_is_read_as_it_is_written() {
        for status in RequestStatus::ALL {
            assert_eq!(RequestStatus::parse(status.name()), status);
        }
        for (status, number) in MmStatus::ALL.into_iter().zip(128..) {
            assert_eq!(MmStatus::parse(status.name()), status);
            assert_eq!(MmStatus::parse(&format!("{number}")), status);
        }
    }

    #[test]
    fn reports_of_the_field_say_what_became_of_a_message() {
        for (text, state) in [
            ("Retrieved", ReceiptState::Delivered),
            ("RETRIEVED", ReceiptState::Delivered),
            ("\"Retrieved\"", ReceiptState::Delivered),
            ("129", ReceiptState::Delivered),
            ("Rejected", ReceiptState::Rejected),
            ("Expired", ReceiptState::Expired),
            ("Deferred", ReceiptState::Enroute),
            ("Forwarded", ReceiptState::Accepted),
            ("Unrecognised", ReceiptState::Undeliverable),
            ("Unrecognized", ReceiptState::Undeliverable),
            ("Unreachable", ReceiptState::Undeliverable),
            ("Failed", ReceiptState::Undeliverable),
            ("FAILURE", ReceiptState::Undeliverable),
            ("Undeliverable", ReceiptState::Undeliverable),
            ("not-delivered", ReceiptState::Undeliverable),
            ("Delivery failed", ReceiptState::Undeliverable),
            ("Failed to deliver", ReceiptState::Undeliverable),
            ("Not delivered yet", ReceiptState::Unknown),
            ("Indeterminate", ReceiptState::Unknown),
            ("Sold", ReceiptState::Unknown),
            ("", ReceiptState::Unknown),
        ] {
            assert_eq!(MmStatus::parse(text).receipt_state(), state, "{text}");
        }
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn any_text_is_some_status(text: String) {
            let _ = (RequestStatus::parse(&text), MmStatus::parse(&text));
        }
    }
}
