//! The error catalogue: every error that a client can get, once. The API's answers, the error pages, the documentation
//! and the tests all use [`ErrorCode::ALL`].
//!
//! Codes and messages are the public contract and do not change, and neither do the statuses that the HTTP API gives
//! them. A [`Refusal`] says two things to two people: its code and its [`AdditionalInfo`] go to the client, its cause
//! goes to the log, and neither ever crosses over.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::clock::Timestamp;
pub use wire::text::InvalidCharacter;

/// An error that a client can get. The discriminant is the published number.
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

    /// The remedy: the change with which the request succeeds, for the error pages. Backquotes mark code.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::UnexpectedError => UNEXPECTED_ERROR,
            Self::AuthenticationFailed => AUTHENTICATION_FAILED,
            Self::RateLimitExceeded => RATE_LIMIT_EXCEEDED,
            Self::InvalidPhoneNumber => INVALID_PHONE_NUMBER,
            Self::NumberNotOwned => NUMBER_NOT_OWNED,
            Self::MissingRequiredField => MISSING_REQUIRED_FIELD,
            Self::InvalidMessageType => INVALID_MESSAGE_TYPE,
            Self::MessageSendFailed => MESSAGE_SEND_FAILED,
            Self::SenderNumberNotAvailable => SENDER_NUMBER_NOT_AVAILABLE,
            Self::SenderNumberNotActive => SENDER_NUMBER_NOT_ACTIVE,
            Self::RecipientBlocked => RECIPIENT_BLOCKED,
            Self::SenderBlocked => SENDER_BLOCKED,
            Self::DailyQuotaReached => DAILY_QUOTA_REACHED,
            Self::DuplicateIdempotencyKey => DUPLICATE_IDEMPOTENCY_KEY,
            Self::MediaTooLarge => "Use a smaller file. The file at `mediaUrl` is larger than 1,048,576 bytes.",
            Self::MediaTypeNotSupported => MEDIA_TYPES,
            Self::InvalidMessageContent => INVALID_CHARACTERS,
            Self::MediaUploadFailed => MEDIA_UPLOAD_FAILED,
            Self::MediaUrlNotAllowed => MEDIA_URL_NOT_ALLOWED,
            Self::NonCompliantMessageContent => NON_COMPLIANT_MESSAGE_CONTENT,
            Self::DuplicateRecipients => DUPLICATE_RECIPIENTS,
            Self::MalformedRequest => MALFORMED_REQUEST,
            Self::NotFound => "Check the path and the id. Your account has nothing at this address.",
            Self::MethodNotAllowed => "Use a method that the `Allow` header lists.",
            Self::UnsupportedContentType => UNSUPPORTED_CONTENT_TYPE,
            Self::RequestTooLarge => REQUEST_TOO_LARGE,
            Self::ServiceUnavailable => SERVICE_UNAVAILABLE,
            Self::InvalidIdempotencyKey => INVALID_KEY,
            Self::MessageTooLong => MESSAGE_TOO_LONG,
            Self::TooManyRecipients => TOO_MANY_RECIPIENTS,
            Self::TooLateToCancel => TOO_LATE_TO_CANCEL,
        }
    }
}

const UNEXPECTED_ERROR: &str = "\
    The platform failed to process the request. Send the request again. If it fails again, contact the operator of \
    the platform.";

const AUTHENTICATION_FAILED: &str = "\
    Send HTTP Basic credentials: the key id as the user name, the key secret as the password. Check that the key is \
    not revoked or expired, and that its account is active.";

const RATE_LIMIT_EXCEEDED: &str = "\
    Wait for the number of seconds in the `Retry-After` header, then send the request again. You sent too many \
    requests in the current window of 60 seconds.";

const INVALID_PHONE_NUMBER: &str = "\
    Write the number in E.164 format: `+`, a digit from 1 to 9, then 6 to 14 more digits. `additionalInfo.field` \
    names the field.";

const NUMBER_NOT_OWNED: &str = "\
    Send from a number that is assigned to your account. `GET /api/v1/messaging/number` lists them.";

const MISSING_REQUIRED_FIELD: &str = "\
    Set every field that `additionalInfo.fields` lists. Each is required, and is missing, empty or blank. In a \
    broadcast with variables, give each recipient that `additionalInfo.recipients` lists, by its index from 0, a value \
    for the variable named there.";

const INVALID_MESSAGE_TYPE: &str = "\
    Set `messageType` to `SMS` or `MMS`, in capitals, or leave it out. A message with a `mediaUrl` must be an `MMS`.";

const MESSAGE_SEND_FAILED: &str = "\
    Send the request again. The platform could not store the message, and will not send it.";

const SENDER_NUMBER_NOT_AVAILABLE: &str = "\
    Send from another number. The platform does not have this number, or the number is released or unavailable.";

const SENDER_NUMBER_NOT_ACTIVE: &str = "\
    Send from another number, or ask the operator of the platform to activate this one. It is pending, suspended or \
    deactivated.";

const RECIPIENT_BLOCKED: &str = "\
    Do not send to this recipient. If `additionalInfo.reason` is `opted_out`, the recipient opted out of your \
    messages at the time in `additionalInfo.since`. If it is `blocked`, the operator of the platform blocked the \
    number.";

const SENDER_BLOCKED: &str = "\
    Send from another number, or contact the operator of the platform, who blocked this one.";

const DAILY_QUOTA_REACHED: &str = "\
    Wait until midnight UTC, for the number of seconds in the `Retry-After` header. Your account has used its quota \
    of recipients for this day.";

const DUPLICATE_IDEMPOTENCY_KEY: &str = "\
    Use a new key for a new request. This key belongs to a different request, or its first request is still in \
    progress.";

const MEDIA_UPLOAD_FAILED: &str = "\
    Check that the file at `mediaUrl` can be downloaded from the internet, then send the request again. The platform \
    could not download it.";

const MEDIA_URL_NOT_ALLOWED: &str = "\
    Set `mediaUrl` to a public http or https URL. If `additionalInfo.field` is `url`, set the `url` of the webhook \
    to a public https URL: other URLs need the permission of the operator.";

const NON_COMPLIANT_MESSAGE_CONTENT: &str = "\
    Change the text as `additionalInfo.help` says. `additionalInfo` also lists the categories, and the parts of the \
    text that caused the refusal.";

const DUPLICATE_RECIPIENTS: &str = "\
    List each recipient once. `additionalInfo.recipients` has the numbers that occur more than once.";

const UNSUPPORTED_CONTENT_TYPE: &str = "\
    Send the body with one `Content-Type: application/json` header, no other `charset` than UTF-8, and no \
    `Content-Encoding`: the platform does not read compressed bodies. An import may also be `text/csv`.";

const REQUEST_TOO_LARGE: &str = "\
    Send a smaller request. The body or the headers are over the limit, or an import has more than 50,000 entries.";

const TOO_MANY_RECIPIENTS: &str = "\
    Split the list into several broadcasts. A broadcast needs at least 1 recipient, and has at most as many as the \
    limit of your account.";

const TOO_LATE_TO_CANCEL: &str = "\
    Do not cancel this message: it has ended, or a carrier may have all or a part of it. `additionalInfo.status` is \
    its status. To cancel a message that is already `canceled` is not an error.";

const INVALID_KEY: &str = "\
    Use 2 to 100 characters of `A-Z a-z 0-9 @ - _ ) (` for a key. In the `Idempotency-Key` header, the key may be in \
    double quotes, as a string of RFC 8941: `\"order-1\"` and `order-1` are the same key. Nothing may follow the \
    closing quote. In the body, the key has no quotes.";

const MEDIA_TYPES: &str = "\
    Use a file of a supported type: `image/jpeg`, `image/png`, `image/gif`, `video/mp4`, `video/mpeg`, `audio/mpeg`, \
    `application/pdf`, `text/vcard` or `text/x-vcard`. The content of the file at `mediaUrl` decides, not its name.";

const INVALID_CHARACTERS: &str = "\
    Remove the characters that `additionalInfo` lists. Each has its position in the text, from 1, in Unicode \
    characters. Control characters other than TAB, LF, FF and CR are invalid, and so are noncharacters and lone \
    surrogates. A lone surrogate is half of a character such as an emoji: a program cut the text between two UTF-16 \
    units. It counts as one character, and `additionalInfo` has its escape, such as `\\ud83d`. In a broadcast with \
    variables, `recipientIndex` is the index of the recipient whose text has the character.";

const MALFORMED_REQUEST: &str = "\
    Send a JSON object in which every field has the right type and occurs once. `additionalInfo` names the field, or \
    the line and column of the mistake. In the body of a broadcast, `{{name}}` is a variable: give every recipient \
    a value for it in `variables`. With `Prefer: handling=strict`, an unknown field is a mistake, too. If the \
    body is right, check the request itself: HTTP/1.1 requires exactly one `Host` header, and the server does not \
    support HTTP/2.";

const MESSAGE_TOO_LONG: &str = "\
    Shorten the text. It has more characters than the platform accepts. In a broadcast with variables, \
    `additionalInfo.recipientIndex` is the index, from 0, of the recipient whose text is too long.";

const SERVICE_UNAVAILABLE: &str = "\
    Wait for the number of seconds in the `Retry-After` header, then send the request again. The server is stopping, \
    overloaded or without its store. Or your address has too many connections, your account has too many reads in \
    progress, or the body arrived too slowly.";

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
    /// The values that recipients of a broadcast lack for variables in its text.
    MissingValues(Vec<MissingValue>),
    /// The field that is wrong.
    Field(&'static str),
    /// Every invalid character of the body.
    InvalidCharacters(Vec<InvalidCharacter>),
    /// Recipients that are no numbers: their index, from 0, and their value.
    InvalidRecipients(Vec<InvalidRecipient>),
    /// Recipients that occur more than once.
    DuplicateRecipients(Vec<String>),
    /// It is about the text of one recipient of a broadcast with variables.
    OfRecipient {
        /// The place of the recipient among the recipients, from 0.
        index: usize,
        /// Details about the text.
        info: Option<Box<Self>>,
    },
    /// The name of the status of the message to cancel.
    Status(&'static str),
    /// The findings in a text, with their places.
    NonCompliant {
        /// The categories, the surest first.
        categories: Vec<&'static str>,
        /// The place of each finding, in the order of the text.
        matches: Vec<ContentMatch>,
        /// Advice, at most one sentence for each category, without a word of the text.
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
    /// A field that has the wrong JSON type, or disagrees with another place of the request.
    WrongType {
        /// The field.
        field: Cow<'static, str>,
        /// The expected value.
        expected: Cow<'static, str>,
    },
    /// Every field that holds something else than it should.
    WrongFields(Vec<WrongField>),
    /// The place at which the body stops being JSON of the expected shape.
    Place {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
}

/// A field with a wrong value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongField {
    /// The field.
    pub field: Cow<'static, str>,
    /// The expected value.
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
    /// The content at that place; truncated if it is long.
    pub value: String,
}

/// A value that a recipient of a broadcast lacks for a variable in its text: there is none, or it is blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingValue {
    /// The place of the recipient among the recipients, from 0.
    pub index: usize,
    /// The name of the variable.
    pub name: String,
}

/// A refused request: the part for the client, and the part for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The error for the client.
    pub code: ErrorCode,
    /// Help for the client to fix the request.
    pub info: Option<AdditionalInfo>,
    /// The time after which the client should try again.
    pub retry_after: Option<Duration>,
    /// The cause, only for the log.
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
    fn the_remedy_of_an_unsupported_type_lists_every_type() {
        let remedy = ErrorCode::MediaTypeNotSupported.remedy();
        for kind in crate::MediaType::ALL {
            assert!(remedy.contains(&format!("`{kind}`")), "{kind}");
        }
    }

    #[test]
    fn every_code_has_words() {
        for code in ErrorCode::ALL {
            assert!(!code.message().is_empty() && !code.remedy().is_empty(), "{code:?}");
            assert_eq!(code.name(), format!("{code:?}"));
        }
    }
}
