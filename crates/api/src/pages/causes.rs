//! A request that causes each error.

use model::error::ErrorCode;

/// A request that causes the error, for people.
pub(super) const fn cause(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::UnexpectedError => "Any request, if the platform itself fails.",
        ErrorCode::AuthenticationFailed => {
            "GET /api/v1/messaging/message\nAuthorization: Basic dWtfd3Jvbmc6c2tfd3Jvbmc="
        }
        ErrorCode::RateLimitExceeded => {
            "POST /api/v1/messaging/message\n\nfor the eleventh time in 60 seconds, with a limit of 10"
        }
        ErrorCode::InvalidPhoneNumber => {
            "POST /api/v1/messaging/message\n\n\
             {\"to\": \"(800) 555-1234\", \"from\": \"+18005550100\", \"body\": \"Hello\"}"
        }
        ErrorCode::NumberNotOwned => {
            "POST /api/v1/messaging/message\n\n\
             {\"to\": \"+18005551234\", \"from\": \"a number of another account\", \"body\": \"Hello\"}"
        }
        ErrorCode::MissingRequiredField => {
            "POST /api/v1/messaging/message\n\n{\"from\": \"+18005550100\", \"body\": \" \"}"
        }
        ErrorCode::InvalidMessageType => {
            "POST /api/v1/messaging/message\n\n\
             {\"to\": \"+18005551234\", \"from\": \"+18005550100\", \"body\": \"Hello\", \"messageType\": \"sms\"}"
        }
        ErrorCode::MessageSendFailed => "POST /api/v1/messaging/message\n\nwhile the platform cannot store the message",
        ErrorCode::SenderNumberNotAvailable => {
            "POST /api/v1/messaging/message\n\n\
             {\"to\": \"+18005551234\", \"from\": \"+15005550001\", \"body\": \"Hello\"}"
        }
        ErrorCode::SenderNumberNotActive => {
            "POST /api/v1/messaging/message\n\n\
             {\"to\": \"+18005551234\", \"from\": \"a pending number of your account\", \"body\": \"Hello\"}"
        }
        ErrorCode::RecipientBlocked => {
            "POST /api/v1/messaging/message\n\n\
             {\"to\": \"a handset that sent STOP\", \"from\": \"+18005550100\", \"body\": \"Hello\"}"
        }
        ErrorCode::SenderBlocked => {
            "POST /api/v1/messaging/message\n\n\
             {\"to\": \"+18005551234\", \"from\": \"a number that the operator blocked\", \"body\": \"Hello\"}"
        }
        ErrorCode::DailyQuotaReached => {
            "POST /api/v1/messaging/message\n\nafter the account has used its daily quota of recipients"
        }
        ErrorCode::DuplicateIdempotencyKey => {
            "POST /api/v1/messaging/message\nIdempotency-Key: order-1\n\n\
             with a body that differs from the first request with the key order-1"
        }
        ErrorCode::MediaTooLarge
        | ErrorCode::MediaTypeNotSupported
        | ErrorCode::MediaUploadFailed
        | ErrorCode::MediaUrlNotAllowed => media(code),
        ErrorCode::InvalidMessageContent => {
            "POST /api/v1/messaging/message\n\n\
             {\"to\": \"+18005551234\", \"from\": \"+18005550100\", \"body\": \"Ding\\u0007\"}"
        }
        ErrorCode::NonCompliantMessageContent => {
            "POST /api/v1/messaging/message\n\n\
             {\"to\": \"+18005551234\", \"from\": \"+18005550100\",\n \
             \"body\": \"Your bank account is locked. Sign in at https://bit.ly/3xYz to confirm your password\"}"
        }
        ErrorCode::DuplicateRecipients => {
            "POST /api/v1/messaging/broadcast\n\n\
             {\"recipients\": [\"+18005551001\", \"+18005551001\"], \"from\": \"+18005550100\", \"body\": \"Hello\"}"
        }
        ErrorCode::TooManyRecipients => {
            "POST /api/v1/messaging/broadcast\n\n\
             {\"recipients\": [], \"from\": \"+18005550100\", \"body\": \"Hello\"}"
        }
        _ => form(code),
    }
}

/// Mistakes in media.
const fn media(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::MediaTooLarge => {
            "POST /api/v1/messaging/message\n\n\
             {\"to\": \"+18005551234\", \"from\": \"+18005550100\",\n \
             \"mediaUrl\": \"https://example.com/2-megabytes.jpg\"}"
        }
        ErrorCode::MediaTypeNotSupported => {
            "POST /api/v1/messaging/message\n\n\
             {\"to\": \"+18005551234\", \"from\": \"+18005550100\",\n \
             \"mediaUrl\": \"https://example.com/page.html\"}"
        }
        ErrorCode::MediaUploadFailed => {
            "POST /api/v1/messaging/message\n\n\
             {\"to\": \"+18005551234\", \"from\": \"+18005550100\",\n \
             \"mediaUrl\": \"https://example.com/not-there.jpg\"}"
        }
        _ => {
            "POST /api/v1/messaging/message\n\n\
             {\"to\": \"+18005551234\", \"from\": \"+18005550100\",\n \
             \"mediaUrl\": \"http://10.0.0.1/cat.jpg\"}"
        }
    }
}

/// Mistakes in the form of a request.
const fn form(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::TooLateToCancel => {
            "POST /api/v1/messaging/message/msg_…/cancel\n\nafter a carrier has taken the message"
        }
        ErrorCode::MalformedRequest => {
            "POST /api/v1/messaging/message\n\n\
             {\"to\": 18005551234, \"from\": \"+18005550100\", \"body\": \"Hello\"}"
        }
        ErrorCode::NotFound => "GET /api/v1/messaging/message/msg_0000000000000000000000",
        ErrorCode::MethodNotAllowed => "DELETE /api/v1/messaging/message",
        ErrorCode::UnsupportedContentType => {
            "POST /api/v1/messaging/message\nContent-Type: application/x-www-form-urlencoded\n\n\
             to=%2B18005551234&from=%2B18005550100&body=Hello"
        }
        ErrorCode::RequestTooLarge => "POST /api/v1/messaging/message\n\nwith a body of more than 64 KiB",
        ErrorCode::ServiceUnavailable => "Any request, while the server starts or stops, or cannot reach its store.",
        ErrorCode::InvalidIdempotencyKey => "POST /api/v1/messaging/message\nIdempotency-Key: order #1",
        _ => {
            "POST /api/v1/messaging/message\n\n\
             {\"to\": \"+18005551234\", \"from\": \"+18005550100\",\n \
             \"body\": \"… more than 640 characters …\"}"
        }
    }
}
