//! The six types of message (TS 23.140, 8.4.4), by their names in `X-Mms-Message-Type`.

/// What is asked of the other MMSC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// To deliver a message.
    Forward,
    /// To take a report of what became of one.
    DeliveryReport,
    /// To take a report that it was read.
    ReadReply,
}

/// A request, or the answer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageType {
    /// What is asked.
    pub request: Request,
    /// Whether this is the answer.
    pub is_answer: bool,
}

impl MessageType {
    /// All six.
    pub const ALL: [Self; 6] = [
        Self { request: Request::Forward, is_answer: false },
        Self { request: Request::Forward, is_answer: true },
        Self { request: Request::DeliveryReport, is_answer: false },
        Self { request: Request::DeliveryReport, is_answer: true },
        Self { request: Request::ReadReply, is_answer: false },
        Self { request: Request::ReadReply, is_answer: true },
    ];

    /// Its name, as the specification spells it.
    pub const fn name(self) -> &'static str {
        match (self.request, self.is_answer) {
            (Request::Forward, false) => "MM4_forward.REQ",
            (Request::Forward, true) => "MM4_forward.RES",
            (Request::DeliveryReport, false) => "MM4_delivery_report.REQ",
            (Request::DeliveryReport, true) => "MM4_delivery_report.RES",
            (Request::ReadReply, false) => "MM4_read_reply_report.REQ",
            (Request::ReadReply, true) => "MM4_read_reply_report.RES",
        }
    }

    /// The type of this name in any case; gateways write `MM4_Delivery_report.REQ` too.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim_matches(['"', ' ']);
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_known_by_its_name_in_any_case() {
        for kind in MessageType::ALL {
            assert_eq!(MessageType::named(kind.name()), Some(kind));
            assert_eq!(MessageType::named(&kind.name().to_ascii_uppercase()), Some(kind));
        }
        assert_eq!(
            MessageType::named("MM4_Delivery_report.REQ").map(MessageType::name),
            Some("MM4_delivery_report.REQ")
        );
        for other in ["", "MM4", "MM4_forward", "MM1_forward.REQ", "m-send-req"] {
            assert_eq!(MessageType::named(other), None, "{other}");
        }
    }
}
