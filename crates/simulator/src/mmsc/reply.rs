//! How a message is met that is not simply taken.

use wire::mm4::RequestStatus;
use wire::mm7::{MmStatus, StatusCode};

use crate::distribution::Named;

/// What SMTP says to a message, other than that it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mm4Reply {
    /// A reply code from 400 to 599 after the final dot: `451`.
    Refuse(u16),
    /// The connection is cut before the final dot: `close-before`. The message is not kept.
    CloseBefore,
    /// The connection is cut after the final dot, and the message is kept: `close-after`.
    CloseAfter,
    /// Nothing after the final dot, ever, and the message is kept: `silence`.
    Silence,
}

/// What HTTP says to a submission, other than that it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mm7Reply {
    /// An answer with this status: `4006`. A message is kept under 1000 to 1999.
    Status(StatusCode),
    /// A SOAP fault with this status: `fault-3000`.
    Fault(StatusCode),
    /// Another status of HTTP, and no envelope: `http-503`.
    Http(u16),
    /// Status 200 and nothing else: `blank`. The message is kept.
    Blank,
    /// Status 200 and a page for people: `garbage`. The message is kept.
    Garbage,
    /// The connection is cut before the request is read: `close-before`. A rule by recipient cuts it as soon as it has
    /// read who that is.
    CloseBefore,
    /// The connection is cut in place of an answer, and the message is kept: `close-after`.
    CloseAfter,
    /// Nothing, ever, and the message is kept: `silence`.
    Silence,
}

impl Mm4Reply {
    /// Whether the message is kept.
    pub(crate) const fn keeps(self) -> bool {
        matches!(self, Self::CloseAfter | Self::Silence)
    }

    /// How the log calls it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Refuse(code) => code.to_string(),
            Self::CloseBefore => "close-before".to_owned(),
            Self::CloseAfter => "close-after".to_owned(),
            Self::Silence => "silence".to_owned(),
        }
    }
}

impl Mm7Reply {
    /// Whether the message is kept.
    pub(crate) const fn keeps(self) -> bool {
        match self {
            Self::Status(code) => code.class() == StatusCode::SUCCESS.0,
            Self::Blank | Self::Garbage | Self::CloseAfter | Self::Silence => true,
            Self::Fault(_) | Self::Http(_) | Self::CloseBefore => false,
        }
    }

    /// How the log calls it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Status(code) => code.0.to_string(),
            Self::Fault(code) => format!("fault-{}", code.0),
            Self::Http(code) => format!("http-{code}"),
            Self::Blank => "blank".to_owned(),
            Self::Garbage => "garbage".to_owned(),
            Self::CloseBefore => "close-before".to_owned(),
            Self::CloseAfter => "close-after".to_owned(),
            Self::Silence => "silence".to_owned(),
        }
    }
}

impl Named for Mm4Reply {
    const EXAMPLE: &'static str = "451, close-before, close-after or silence";

    fn named(name: &str) -> Option<Self> {
        let plain = [Self::CloseBefore, Self::CloseAfter, Self::Silence].into_iter().find(|reply| reply.name() == name);
        plain.or_else(|| smtp_code(name).ok().map(Self::Refuse))
    }
}

impl Named for Mm7Reply {
    const EXAMPLE: &'static str = "4006, fault-3000, http-503, blank, garbage, close-before, close-after or silence";

    fn named(name: &str) -> Option<Self> {
        let plain = [Self::Blank, Self::Garbage, Self::CloseBefore, Self::CloseAfter, Self::Silence]
            .into_iter()
            .find(|reply| reply.name() == name);
        let status = |text: &str| text.parse().ok().filter(|code| (1000..=4999).contains(code)).map(StatusCode);
        let http = |text: &str| text.parse().ok().filter(|code| (300..=599).contains(code));
        let prefixed = || match name.split_once('-') {
            Some(("fault", code)) => status(code).map(Self::Fault),
            Some(("http", code)) => http(code).map(Self::Http),
            _ => status(name).map(Self::Status),
        };
        plain.or_else(prefixed)
    }
}

impl Named for RequestStatus {
    const EXAMPLE: &'static str = "ok or content-not-accepted";

    fn named(name: &str) -> Option<Self> {
        let bare = |status: &Self| status.name().trim_start_matches("Error-").to_ascii_lowercase();
        let name = name.to_ascii_lowercase();
        Self::ALL.into_iter().find(|status| bare(status) == name.trim_start_matches("error-"))
    }
}

impl Named for MmStatus {
    const EXAMPLE: &'static str = "retrieved";

    fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|status| status.as_str().eq_ignore_ascii_case(name)).cloned()
    }
}

/// Reads a reply code that refuses something.
pub(super) fn smtp_code(text: &str) -> Result<u16, String> {
    text.parse()
        .ok()
        .filter(|code| (400..=599).contains(code))
        .ok_or_else(|| format!("`{text}` is no code from 400 to 599"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_as_the_log_writes_them() {
        for name in ["451", "554", "close-before", "close-after", "silence"] {
            assert_eq!(Mm4Reply::named(name).map(Mm4Reply::name).as_deref(), Some(name));
        }
        for name in [
            "1100",
            "2004",
            "4006",
            "fault-3000",
            "http-503",
            "blank",
            "garbage",
            "close-before",
            "close-after",
            "silence",
        ] {
            assert_eq!(Mm7Reply::named(name).map(Mm7Reply::name).as_deref(), Some(name));
        }
        for name in ["", "250", "600", "fault", "http-200", "fault-1", "0", "nothing"] {
            assert_eq!((Mm4Reply::named(name), Mm7Reply::named(name)), (None, None), "{name}");
        }
    }

    #[test]
    fn a_status_of_an_answer_is_named_with_or_without_error() {
        for (name, status) in [
            ("ok", Some(RequestStatus::Ok)),
            ("Ok", Some(RequestStatus::Ok)),
            ("content-not-accepted", Some(RequestStatus::ContentNotAccepted)),
            ("Error-service-denied", Some(RequestStatus::ServiceDenied)),
            ("nonsense", None),
        ] {
            assert_eq!(RequestStatus::named(name), status, "{name}");
        }
    }
}
