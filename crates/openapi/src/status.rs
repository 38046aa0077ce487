//! The HTTP status of each error code.

use http::StatusCode;
use model::error::ErrorCode;

/// The status that goes with a code: part of the public contract.
pub const fn of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidPhoneNumber
        | ErrorCode::MissingRequiredField
        | ErrorCode::InvalidMessageType
        | ErrorCode::SenderNumberNotAvailable
        | ErrorCode::SenderNumberNotActive
        | ErrorCode::MediaTypeNotSupported
        | ErrorCode::InvalidMessageContent
        | ErrorCode::MediaUploadFailed
        | ErrorCode::MediaUrlNotAllowed
        | ErrorCode::NonCompliantMessageContent
        | ErrorCode::DuplicateRecipients
        | ErrorCode::MalformedRequest
        | ErrorCode::InvalidIdempotencyKey
        | ErrorCode::MessageTooLong
        | ErrorCode::TooManyRecipients => StatusCode::BAD_REQUEST,
        ErrorCode::AuthenticationFailed => StatusCode::UNAUTHORIZED,
        ErrorCode::NumberNotOwned | ErrorCode::RecipientBlocked | ErrorCode::SenderBlocked => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::DuplicateIdempotencyKey | ErrorCode::TooLateToCancel => StatusCode::CONFLICT,
        ErrorCode::MediaTooLarge | ErrorCode::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::UnsupportedContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::RateLimitExceeded | ErrorCode::DailyQuotaReached => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::UnexpectedError | ErrorCode::MessageSendFailed => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_catalogue_has_the_status_of_an_error() {
        for code in ErrorCode::ALL {
            let status = of(code);
            assert!(status.is_client_error() || status.is_server_error(), "{code:?}: {status}");
            assert!(status.canonical_reason().is_some(), "{code:?}: {status}");
        }
    }
}
