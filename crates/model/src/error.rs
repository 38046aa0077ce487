//! The error catalogue: every refusal that a client can be told, once. The API's answers, the error pages, the
//! documentation and the tests all walk [`ErrorCode::ALL`].
//!
//! Codes and messages are the public contract and do not change, and neither do the statuses that the HTTP API gives
//! them. A [`Refusal`] says two things to two people: its code and its [`AdditionalInfo`] go to the client, its cause
//! goes to the log, and neither ever crosses over.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::clock::Timestamp;
pub use wire::text::InvalidCharacter;

/// What a client can be told. The discriminant is the published number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum ErrorCode {
    /// An unexpected error occurred.
    UnexpectedError = 33000,
    /// Authentication failed.
    AuthenticationFailed = 33001,
    /// Rate limit exceeded.
    RateLimitExceeded = 33002,
    /// Invalid phone number format.
    InvalidPhoneNumber = 33003,
    /// The sender number is not assigned to this account.
    NumberNotOwned = 33004,
    /// A required field is missing.
    MissingRequiredField = 33005,
    /// Invalid message type.
    InvalidMessageType = 33006,
    /// Failed to send message.
    MessageSendFailed = 33007,
    /// Sender number is not available.
    SenderNumberNotAvailable = 33008,
    /// Sender number is not active.
    SenderNumberNotActive = 33009,
    /// Recipient number is blocked.
    RecipientBlocked = 33010,
    /// Sender number is blocked.
    SenderBlocked = 33011,
    /// Daily messaging quota reached.
    DailyQuotaReached = 33012,
    /// Duplicate idempotency key.
    DuplicateIdempotencyKey = 33013,
    /// Media file too large.
    MediaTooLarge = 33014,
    /// Media type not supported.
    MediaTypeNotSupported = 33015,
    /// Message body contains invalid characters.
    InvalidMessageContent = 33016,
    /// Failed to upload media.
    MediaUploadFailed = 33017,
    /// The provided media URL is not allowed.
    MediaUrlNotAllowed = 33018,
    /// Message content violates messaging compliance rules.
    NonCompliantMessageContent = 33019,
    /// recipients must not contain duplicate phone numbers.
    DuplicateRecipients = 33024,
    /// The request body is not valid JSON of the expected shape.
    MalformedRequest = 33100,
    /// The requested resource was not found.
    NotFound = 33101,
    /// Method not allowed.
    MethodNotAllowed = 33102,
    /// Content-Type must be application/json.
    UnsupportedContentType = 33103,
    /// The request is too large.
    RequestTooLarge = 33104,
    /// The service is temporarily unavailable.
    ServiceUnavailable = 33105,
    /// Invalid idempotency key.
    InvalidIdempotencyKey = 33106,
    /// Message body is too long.
    MessageTooLong = 33107,
    /// Too many recipients.
    TooManyRecipients = 33108,
    /// The message can no longer be canceled.
    TooLateToCancel = 33109,
}

impl ErrorCode {
    /// Every code, in the order of the numbers.
    pub const ALL: [Self; 31] = [
        Self::UnexpectedError,
        Self::AuthenticationFailed,
        Self::RateLimitExceeded,
        Self::InvalidPhoneNumber,
        Self::NumberNotOwned,
        Self::MissingRequiredField,
        Self::InvalidMessageType,
        Self::MessageSendFailed,
        Self::SenderNumberNotAvailable,
        Self::SenderNumberNotActive,
        Self::RecipientBlocked,
        Self::SenderBlocked,
        Self::DailyQuotaReached,
        Self::DuplicateIdempotencyKey,
        Self::MediaTooLarge,
        Self::MediaTypeNotSupported,
        Self::InvalidMessageContent,
        Self::MediaUploadFailed,
        Self::MediaUrlNotAllowed,
        Self::NonCompliantMessageContent,
        Self::DuplicateRecipients,
        Self::MalformedRequest,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::UnsupportedContentType,
        Self::RequestTooLarge,
        Self::ServiceUnavailable,
        Self::InvalidIdempotencyKey,
        Self::MessageTooLong,
        Self::TooManyRecipients,
        Self::TooLateToCancel,
    ];

    /// The published number.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The code with this number.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }

    /// The name on the error pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnexpectedError => "UnexpectedError",
            Self::AuthenticationFailed => "AuthenticationFailed",
            Self::RateLimitExceeded => "RateLimitExceeded",
            Self::InvalidPhoneNumber => "InvalidPhoneNumber",
            Self::NumberNotOwned => "NumberNotOwned",
            Self::MissingRequiredField => "MissingRequiredField",
            Self::InvalidMessageType => "InvalidMessageType",
            Self::MessageSendFailed => "MessageSendFailed",
            Self::SenderNumberNotAvailable => "SenderNumberNotAvailable",
            Self::SenderNumberNotActive => "SenderNumberNotActive",
            Self::RecipientBlocked => "RecipientBlocked",
            Self::SenderBlocked => "SenderBlocked",
            Self::DailyQuotaReached => "DailyQuotaReached",
            Self::DuplicateIdempotencyKey => "DuplicateIdempotencyKey",
            Self::MediaTooLarge => "MediaTooLarge",
            Self::MediaTypeNotSupported => "MediaTypeNotSupported",
            Self::InvalidMessageContent => "InvalidMessageContent",
            Self::MediaUploadFailed => "MediaUploadFailed",
            Self::MediaUrlNotAllowed => "MediaUrlNotAllowed",
            Self::NonCompliantMessageContent => "NonCompliantMessageContent",
            Self::DuplicateRecipients => "DuplicateRecipients",
            Self::MalformedRequest => "MalformedRequest",
            Self::NotFound => "NotFound",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::UnsupportedContentType => "UnsupportedContentType",
            Self::RequestTooLarge => "RequestTooLarge",
            Self::ServiceUnavailable => "ServiceUnavailable",
            Self::InvalidIdempotencyKey => "InvalidIdempotencyKey",
            Self::MessageTooLong => "MessageTooLong",
            Self::TooManyRecipients => "TooManyRecipients",
            Self::TooLateToCancel => "TooLateToCancel",
        }
    }

    /// The message, word for word.
    pub const fn message(self) -> &'static str {
        match self {
            Self::UnexpectedError => "An unexpected error occurred",
            Self::AuthenticationFailed => "Authentication failed",
            Self::RateLimitExceeded => "Rate limit exceeded",
            Self::InvalidPhoneNumber => "Invalid phone number format",
            Self::NumberNotOwned => "The sender number is not assigned to this account",
            Self::MissingRequiredField => "A required field is missing",
            Self::InvalidMessageType => "Invalid message type",
            Self::MessageSendFailed => "Failed to send message",
            Self::SenderNumberNotAvailable => "Sender number is not available",
            Self::SenderNumberNotActive => "Sender number is not active",
            Self::RecipientBlocked => "Recipient number is blocked",
            Self::SenderBlocked => "Sender number is blocked",
            Self::DailyQuotaReached => "Daily messaging quota reached",
            Self::DuplicateIdempotencyKey => "Duplicate idempotency key",
            Self::MediaTooLarge => "Media file too large",
            Self::MediaTypeNotSupported => "Media type not supported",
            Self::InvalidMessageContent => "Message body contains invalid characters",
            Self::MediaUploadFailed => "Failed to upload media",
            Self::MediaUrlNotAllowed => "The provided media URL is not allowed",
            Self::NonCompliantMessageContent => "Message content violates messaging compliance rules",
            Self::DuplicateRecipients => "recipients must not contain duplicate phone numbers",
            Self::MalformedRequest => "The request body is not valid JSON of the expected shape",
            Self::NotFound => "The requested resource was not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::UnsupportedContentType => "Content-Type must be application/json",
            Self::RequestTooLarge => "The request is too large",
            Self::ServiceUnavailable => "The service is temporarily unavailable",
            Self::InvalidIdempotencyKey => "Invalid idempotency key",
            Self::MessageTooLong => "Message body is too long",
            Self::TooManyRecipients => "Too many recipients",
            Self::TooLateToCancel => "The message can no longer be canceled",
        }
    }

    /// What the client can do about it, for the error pages. Backquotes mark code.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::UnexpectedError => "Something went wrong on our side. The request may be sent again.",
            Self::AuthenticationFailed => {
                "The key id or secret is missing, malformed, unknown, revoked or expired, or the account is suspended \
                 or disabled. Send HTTP Basic credentials: the key id as user, the key secret as password."
            }
            Self::RateLimitExceeded => {
                "Too many requests in the current window of 60 seconds. Wait for the seconds that `Retry-After` gives."
            }
            Self::InvalidPhoneNumber => {
                "A number is not in E.164 form: `+`, a digit from 1 to 9, then 6 to 14 more digits. \
                 `additionalInfo.field` names the field."
            }
            Self::NumberNotOwned => "Send from a number that is assigned to your account.",
            Self::MissingRequiredField => {
                "`additionalInfo.fields` lists every required field that is missing, empty or blank."
            }
            Self::InvalidMessageType => {
                "`messageType` is `SMS` or `MMS`, exactly; a message with a `mediaUrl` is not an `SMS`."
            }
            Self::MessageSendFailed => "The message could not be taken. Nothing was kept of it; it may be sent again.",
            Self::SenderNumberNotAvailable => "The sender number is unknown to the platform, released or unavailable.",
            Self::SenderNumberNotActive => "The sender number is pending, suspended or deactivated.",
            Self::RecipientBlocked => {
                "The recipient does not receive messages from you. `additionalInfo.reason` is `opted_out` where the \
                 recipient wants none, since the time in `since`, and `blocked` where the operator blocked the number."
            }
            Self::SenderBlocked => "The sender number may not send.",
            Self::DailyQuotaReached => {
                "The account's recipients for this UTC day are used up. `Retry-After` gives the seconds until \
                 midnight UTC."
            }
            Self::DuplicateIdempotencyKey => {
                "The key was used for a different request, or its first request is still under way. Use a new key for \
                 a new request."
            }
            Self::MediaTooLarge => "The file behind `mediaUrl` is larger than 1,048,576 bytes.",
            Self::MediaTypeNotSupported => "The file behind `mediaUrl` is of a type that cannot be sent.",
            Self::InvalidMessageContent => INVALID_CHARACTERS,
            Self::MediaUploadFailed => "The file behind `mediaUrl` could not be fetched.",
            Self::MediaUrlNotAllowed => {
                "`mediaUrl` must be a public http or https address. The `url` of a webhook must be a public https \
                 address, unless the operator allows more; `additionalInfo.field` is `url` then."
            }
            Self::NonCompliantMessageContent => {
                "`additionalInfo` names the categories and the places of the text that caused the refusal, and `help` \
                 says what would help for this text."
            }
            Self::DuplicateRecipients => "`additionalInfo.recipients` lists the numbers that stand more than once.",
            Self::MalformedRequest => MALFORMED_REQUEST,
            Self::NotFound => "There is nothing at this address that your account may see.",
            Self::MethodNotAllowed => "The `Allow` header lists the methods of this address.",
            Self::UnsupportedContentType => {
                "Send the body as `Content-Type: application/json`, once, with no other `charset` than UTF-8, and \
                 without a `Content-Encoding`: compressed bodies are not read. An import may also be `text/csv`."
            }
            Self::RequestTooLarge => {
                "The body, or the headers, are over the limit, or an import has more than 50,000 entries."
            }
            Self::ServiceUnavailable => SERVICE_UNAVAILABLE,
            Self::InvalidIdempotencyKey => INVALID_KEY,
            Self::MessageTooLong => "The body has more characters than the platform takes.",
            Self::TooManyRecipients => "A broadcast has 1 to as many recipients as the account may address at once.",
            Self::TooLateToCancel => {
                "The message has ended, or has been handed to a carrier, which may have taken it or a part of it. \
                 `additionalInfo.status` says where it stands. A message that is `canceled` already is no error."
            }
        }
    }
}

const INVALID_KEY: &str = "\
    A key is 2 to 100 characters of `A-Z a-z 0-9 @ - _ ) (`. In the `Idempotency-Key` header it may stand in double \
    quotes, as a string of RFC 8941; `\"order-1\"` and `order-1` are the same key. Nothing may follow the closing \
    quote, and in the body the quotes are not part of a key.";

const INVALID_CHARACTERS: &str = "\
    `additionalInfo` lists every invalid character and its position, from 1 in Unicode characters: control \
    characters other than TAB, LF, FF and CR, noncharacters, and lone surrogates. A lone surrogate is half of a \
    character such as an emoji, left behind where a program cut a text by UTF-16 units; it counts as one character \
    and is written as its escape, for example `\\ud83d`.";

const MALFORMED_REQUEST: &str = "\
    The body is not a JSON object, or a field has the wrong type or stands twice: `additionalInfo` names the field, \
    or the line and column. With `Prefer: handling=strict` an unknown field is refused, too. Or the request \
    itself cannot be read: over HTTP/1.1 it needs exactly one `Host` header, and HTTP/2 is not spoken here.";

const SERVICE_UNAVAILABLE: &str = "\
    The service is ending, overloaded or cannot reach its store; or your address has too many connections, too many \
    reads of your account are waiting, or the body came too slowly. Try again after the seconds that `Retry-After` \
    gives.";

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number(), self.message())
    }
}

/// Details with which a client can fix its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdditionalInfo {
    /// The required fields that are missing, empty or blank.
    Fields(Vec<&'static str>),
    /// The field that is wrong.
    Field(&'static str),
    /// Every invalid character of the body.
    InvalidCharacters(Vec<InvalidCharacter>),
    /// Recipients that are no numbers: where they stand, from 0, and what they say.
    InvalidRecipients(Vec<InvalidRecipient>),
    /// Recipients that stand more than once.
    DuplicateRecipients(Vec<String>),
    /// Where a message stands that was to be canceled: the name of its status.
    Status(&'static str),
    /// What a text was found to be, and where.
    NonCompliant {
        /// The categories, the surest first.
        categories: Vec<&'static str>,
        /// Where each was found, in the order of the text.
        matches: Vec<ContentMatch>,
        /// What would help, one sentence for each category at most; no word of the text.
        help: Vec<String>,
    },
    /// The role of the operator is not enough: this one is needed.
    RoleNeeded(&'static str),
    /// The recipient is blocked by the operator.
    Blocked,
    /// The recipient opted out.
    OptedOut {
        /// When.
        since: Timestamp,
    },
    /// A field that has the wrong JSON type, or disagrees with another place that says the same.
    WrongType {
        /// The field.
        field: Cow<'static, str>,
        /// What it should have been.
        expected: Cow<'static, str>,
    },
    /// Every field that holds something else than it should.
    WrongFields(Vec<WrongField>),
    /// Where the body stops being JSON of the expected shape.
    Place {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
}

/// A field that holds something else than it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongField {
    /// The field.
    pub field: Cow<'static, str>,
    /// What it should have been.
    pub expected: Cow<'static, str>,
}

/// A part of a text that led to a category. Positions count Unicode scalar values from 1; both ends belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentMatch {
    /// The first character.
    pub start: usize,
    /// The last character.
    pub end: usize,
    /// The category.
    pub category: &'static str,
}

/// A recipient of a broadcast that is no number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRecipient {
    /// Its place among the recipients, from 0.
    pub index: usize,
    /// What stands there; cut where it is long.
    pub value: String,
}

/// A request refused: what the client is told, and what the log is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What the client is told.
    pub code: ErrorCode,
    /// What helps the client to mend the request.
    pub info: Option<AdditionalInfo>,
    /// How long the client should wait before it tries again.
    pub retry_after: Option<Duration>,
    /// Why, for the log alone.
    pub cause: Option<String>,
}

impl Refusal {
    /// A refusal with nothing but its code.
    pub const fn new(code: ErrorCode) -> Self {
        Self { code, info: None, retry_after: None, cause: None }
    }

    /// The same, with help for the client.
    #[must_use]
    pub fn with_info(mut self, info: AdditionalInfo) -> Self {
        self.info = Some(info);
        self
    }

    /// The same, with the time to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The same, with the cause for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_in_the_order_of_the_numbers() {
        assert!(ErrorCode::ALL.is_sorted_by(|a, b| a.number() < b.number()));
        assert!(ErrorCode::ALL.iter().all(|code| ErrorCode::from_number(code.number()) == Some(*code)));
        assert_eq!(ErrorCode::from_number(33020), None);
    }

    #[test]
    fn every_code_has_words() {
        for code in ErrorCode::ALL {
            assert!(!code.message().is_empty() && !code.remedy().is_empty(), "{code:?}");
            assert_eq!(code.name(), format!("{code:?}"));
        }
    }
}
