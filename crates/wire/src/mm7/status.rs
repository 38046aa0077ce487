//! What an answer says, and what follows from it (3GPP TS 23.140, 8.7.7.3, table 46: status codes and their classes).

use std::fmt;

/// A status code of four digits, whose first is its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusCode(pub u16);

/// The reason why a message will never be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The recipient does not exist, or its address is wrong.
    Address,
    /// The content is not wanted.
    Content,
    /// We, or they, may not.
    Denied,
    /// Something else is wrong with it.
    Rejected,
}

/// What follows from a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It was taken.
    Accepted,
    /// It never will be.
    Refused(Refusal),
    /// It may be later.
    TryLater,
    /// We are not known or not let in: nothing is wrong with the message.
    NotLetIn,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal, $verdict:expr;)*) => {
        impl StatusCode {
            $($(#[$doc])* pub const $name: Self = Self($code);)*

            /// Every code that the specification names.
            pub const NAMED: &[Self] = &[$(Self::$name),*];

            /// What the specification calls it.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($text),)*
                    _ => None,
                }
            }

            /// What follows from it. An unknown code means what its class means, one outside the classes a server's
            /// error (3GPP TS 23.140, 8.7.7.3).
            pub const fn verdict(self) -> Verdict {
                match self {
                    $(Self::$name => $verdict,)*
                    _ => Self(self.class()).verdict(),
                }
            }
        }
    };
}

use Refusal::{Address, Content, Denied, Rejected};
use Verdict::{Accepted, NotLetIn, Refused, TryLater};

codes! {
    /// All is well.
    SUCCESS = 1000, "Success", Accepted;
    /// Some of it is; with one recipient that is the message itself, and a report follows.
    PARTIAL_SUCCESS = 1100, "Partial success", Accepted;
    /// The request is wrong.
    CLIENT_ERROR = 2000, "Client error", Refused(Rejected);
    /// We may not do this.
    OPERATION_RESTRICTED = 2001, "Operation restricted", Refused(Denied);
    /// An address is wrong.
    ADDRESS_ERROR = 2002, "Address error", Refused(Address);
    /// There is no such address.
    ADDRESS_NOT_FOUND = 2003, "Address not found", Refused(Address);
    /// The content is too large, or of a kind that is not wanted.
    CONTENT_REFUSED = 2004, "Multimedia content refused", Refused(Content);
    /// There is no such message.
    MESSAGE_ID_NOT_FOUND = 2005, "Message ID not found", Refused(Rejected);
    /// There is no such link.
    LINKED_ID_NOT_FOUND = 2006, "LinkedID not found", Refused(Rejected);
    /// It cannot be read.
    MESSAGE_FORMAT_CORRUPT = 2007, "Message format corrupt", Refused(Rejected);
    /// There is no such application.
    APPLICATION_ID_NOT_FOUND = 2008, "Application ID not found", Refused(Rejected);
    /// There is no such application to reply to.
    REPLY_APPLICATION_ID_NOT_FOUND = 2009, "Reply Application ID not found", Refused(Rejected);
    /// The server failed.
    SERVER_ERROR = 3000, "Server error", TryLater;
    /// It cannot be done.
    NOT_POSSIBLE = 3001, "Not possible", Refused(Rejected);
    /// The server does not want it.
    MESSAGE_REJECTED = 3002, "Message rejected", Refused(Rejected);
    /// One recipient at a time.
    MULTIPLE_ADDRESSES_NOT_SUPPORTED = 3003, "Multiple addresses not supported", Refused(Rejected);
    /// Applications cannot be addressed.
    APPLICATION_ADDRESSING_NOT_SUPPORTED = 3004, "Application addressing not supported", Refused(Rejected);
    /// The service failed.
    GENERAL_SERVICE_ERROR = 4000, "General service error", TryLater;
    /// `VASPID` and `VASID` name nobody.
    IMPROPER_IDENTIFICATION = 4001, "Improper identification", NotLetIn;
    /// Another version is spoken.
    UNSUPPORTED_VERSION = 4002, "Unsupported version", Refused(Rejected);
    /// The operation is not known.
    UNSUPPORTED_OPERATION = 4003, "Unsupported operation", Refused(Rejected);
    /// SOAP or XML is wrong, or something is missing.
    VALIDATION_ERROR = 4004, "Validation error", Refused(Rejected);
    /// It made a server fail, and is not to be sent again.
    SERVICE_ERROR = 4005, "Service error", Refused(Rejected);
    /// The service is away for a while.
    SERVICE_UNAVAILABLE = 4006, "Service unavailable", TryLater;
    /// We may not use the service.
    SERVICE_DENIED = 4007, "Service denied", Refused(Denied);
    /// The application may not use the service.
    APPLICATION_DENIED = 4008, "Application denied", Refused(Denied);
}

impl StatusCode {
    /// The code that stands for its class: 1000, 2000, 3000 or 4000, and 3000 for what is in none.
    pub const fn class(self) -> u16 {
        match self.0 {
            1000..=4999 => self.0 / 1000 * 1000,
            _ => Self::SERVER_ERROR.0,
        }
    }

    /// The code that a text begins with.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
        text[..end].parse().ok().map(Self)
    }
}

impl fmt::Display for StatusCode {
    /// Its number and its name, as `2003 Address not found`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} {name}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// In a number.
    pub code: StatusCode,
    /// In words.
    pub text: String,
    /// What else there is to say.
    pub details: Option<String>,
}

impl Status {
    /// A status in the specification's words.
    pub fn new(code: StatusCode) -> Self {
        Self { code, text: code.name().unwrap_or_default().to_owned(), details: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_what_to_do_next() {
        for (code, verdict) in [
            (1000, Accepted),
            (1100, Accepted),
            (1999, Accepted),
            (2000, Refused(Rejected)),
            (2001, Refused(Denied)),
            (2002, Refused(Address)),
            (2003, Refused(Address)),
            (2004, Refused(Content)),
            (2007, Refused(Rejected)),
            (2101, Refused(Rejected)),
            (3000, TryLater),
            (3002, Refused(Rejected)),
            (3999, TryLater),
            (4000, TryLater),
            (4001, NotLetIn),
            (4005, Refused(Rejected)),
            (4006, TryLater),
            (4007, Refused(Denied)),
            (4999, TryLater),
            (0, TryLater),
            (999, TryLater),
            (5000, TryLater),
            (65535, TryLater),
        ] {
            assert_eq!(StatusCode(code).verdict(), verdict, "{code}");
        }
    }

    #[test]
    fn a_code_is_read_from_the_beginning_of_a_text() {
        for (text, code) in [
            ("1000", Some(1000)),
            (" 2003 ", Some(2003)),
            ("4006: busy", Some(4006)),
            ("", None),
            ("ok", None),
            ("99999", None),
            ("-1", None),
        ] {
            assert_eq!(StatusCode::parse(text), code.map(StatusCode), "{text}");
        }
    }
}
