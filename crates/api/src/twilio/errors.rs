//! Refusals in the words of Twilio's API: its code where it has one for the case and ours where it has none, a message
//! that names the parameter, and the address of our page about the error.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use model::ErrorType;
use model::error::{AdditionalInfo, ErrorCode};
use serde::Serialize;

use crate::http::envelope::{Envelope, Refused};
use openapi::status;

#[derive(Serialize)]
struct ErrorBody {
    code: u16,
    message: String,
    more_info: String,
    status: u16,
}

/// An answer of this door: a refusal takes Twilio's form, and any other answer stays as it is.
pub(crate) fn spoken(envelope: &Envelope, mut response: Response<Body>) -> Response<Body> {
    let Some(Refused { code, info, .. }) = response.extensions().get::<Refused>() else { return response };
    let status = status_of(*code);
    let body = ErrorBody {
        code: number(*code, info.as_ref()),
        message: message(*code, info.as_ref()),
        more_info: envelope.more_info(*code),
        status: status.as_u16(),
    };
    // Numbers and texts only: nothing in it can fail to be JSON.
    *response.body_mut() = Body::from(serde_json::to_vec(&body).unwrap_or_default());
    *response.status_mut() = status;
    response
}

/// Twilio refuses with 400 what concerns the sender or the recipient of a message.
fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::NumberNotOwned | ErrorCode::RecipientBlocked | ErrorCode::SenderBlocked => StatusCode::BAD_REQUEST,
        other => status::of(other),
    }
}

/// The number under which Twilio's clients know the case.
fn number(code: ErrorCode, info: Option<&AdditionalInfo>) -> u16 {
    let field = info.and_then(field);
    match (code, field) {
        (ErrorCode::UnexpectedError | ErrorCode::MessageSendFailed, _) => 20500,
        (ErrorCode::AuthenticationFailed, _) => 20003,
        (ErrorCode::RateLimitExceeded, _) => 20429,
        (ErrorCode::InvalidPhoneNumber, Some("from")) => 21212,
        (ErrorCode::InvalidPhoneNumber, _) => 21211,
        (ErrorCode::MissingRequiredField, Some("from")) => 21603,
        (ErrorCode::MissingRequiredField, Some("body")) => 21602,
        (ErrorCode::MissingRequiredField, _) => 21604,
        (
            ErrorCode::NumberNotOwned
            | ErrorCode::SenderNumberNotAvailable
            | ErrorCode::SenderNumberNotActive
            | ErrorCode::SenderBlocked,
            _,
        ) => 21606,
        (ErrorCode::RecipientBlocked, _) => 21610,
        (ErrorCode::DailyQuotaReached, _) => 63038,
        (ErrorCode::MediaUrlNotAllowed | ErrorCode::MalformedRequest, Some("StatusCallback")) => 21609,
        (ErrorCode::MediaUrlNotAllowed, _) => 21620,
        (ErrorCode::MalformedRequest, _) => 20001,
        (ErrorCode::NonCompliantMessageContent, _) => 30007,
        (ErrorCode::MessageTooLong, _) => 21617,
        (ErrorCode::NotFound, _) => 20404,
        (ErrorCode::MethodNotAllowed, _) => 20004,
        (ErrorCode::ServiceUnavailable, _) => 20503,
        (ErrorCode::TooLateToCancel, _) => 30409,
        (own, _) => own.number(),
    }
}

/// The first field that is missing or wrong.
fn field(info: &AdditionalInfo) -> Option<&str> {
    match info {
        AdditionalInfo::Fields(fields) => fields.first().copied(),
        AdditionalInfo::Field(field) => Some(field),
        AdditionalInfo::WrongType { field, .. } => Some(field),
        _ => None,
    }
}

fn message(code: ErrorCode, info: Option<&AdditionalInfo>) -> String {
    let words = match code {
        ErrorCode::UnsupportedContentType => "Content-Type must be application/x-www-form-urlencoded",
        ErrorCode::MalformedRequest => "The request has a parameter that cannot be taken",
        other => other.message(),
    };
    match info {
        Some(AdditionalInfo::Fields(fields)) => {
            let names: Vec<&str> = fields.iter().map(|field| parameter(field)).collect();
            format!("{words}: {}", names.join(", "))
        }
        Some(AdditionalInfo::Field(field)) => format!("{words}: {}", parameter(field)),
        Some(AdditionalInfo::WrongType { field, expected }) => {
            format!("{words}: {} (expected: {expected})", parameter(field))
        }
        Some(AdditionalInfo::InvalidCharacters(characters)) => {
            let places: Vec<String> = characters.iter().map(|invalid| invalid.position.to_string()).collect();
            format!("{words}: Body, at {}", places.join(", "))
        }
        Some(AdditionalInfo::NonCompliant { categories, help, .. }) => {
            let help: String = help.iter().map(|sentence| format!(" {sentence}")).collect();
            format!("{words}: {}.{help}", categories.join(", "))
        }
        Some(AdditionalInfo::OptedOut { since }) => format!("{words}: it opted out at {since}"),
        Some(AdditionalInfo::Status(status)) => format!("{words}: it is {status}"),
        _ => words.to_owned(),
    }
}

/// The parameter from which a field of ours was made.
fn parameter(field: &str) -> &str {
    match field {
        "to" => "To",
        "from" => "From",
        "body" => "Body",
        "sendAt" => "SendAt",
        "idempotencyKey" => "Idempotency-Key",
        other => other,
    }
}

/// The number under which Twilio's clients know why a message did not arrive.
pub(super) const fn code_of(error: ErrorType) -> u16 {
    match error {
        ErrorType::Unreachable => 30003,
        ErrorType::InvalidDestination => 30005,
        ErrorType::BlockedByCarrier => 30007,
        ErrorType::Expired => 30036,
        ErrorType::CarrierRejected | ErrorType::MediaFailed | ErrorType::NoRoute | ErrorType::Unknown => 30008,
    }
}

#[cfg(test)]
mod tests {
    use model::error::Refusal;
    use serde_json::{Value, json};

    use super::*;

    async fn told(refusal: Refusal) -> Value {
        let envelope = Envelope::new("https://docs.example.com");
        let response = spoken(&envelope, envelope.refuse(refusal));
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["status"], status);
        body
    }

    #[tokio::test]
    async fn a_refusal_has_twilios_fields_and_leads_to_our_page() {
        let refusal = Refusal::new(ErrorCode::InvalidPhoneNumber).with_info(AdditionalInfo::Field("to"));
        let expected = json!({
            "code": 21211, "message": "Invalid phone number format: To", "status": 400,
            "more_info": "https://docs.example.com/page/errors/33003",
        });
        assert_eq!(told(refusal).await, expected);
    }

    #[tokio::test]
    async fn the_code_says_what_the_client_does_next() {
        let wrong = |field: &'static str| AdditionalInfo::WrongType { field: field.into(), expected: "x".into() };
        for (code, info, number, status) in [
            (ErrorCode::InvalidPhoneNumber, Some(AdditionalInfo::Field("from")), 21212, 400),
            (ErrorCode::MissingRequiredField, Some(AdditionalInfo::Fields(vec!["to", "body"])), 21604, 400),
            (ErrorCode::MissingRequiredField, Some(AdditionalInfo::Fields(vec!["body"])), 21602, 400),
            (ErrorCode::NumberNotOwned, None, 21606, 400),
            (ErrorCode::RecipientBlocked, Some(AdditionalInfo::Blocked), 21610, 400),
            (ErrorCode::MalformedRequest, Some(wrong("StatusCallback")), 21609, 400),
            (ErrorCode::MediaUrlNotAllowed, Some(AdditionalInfo::Field("StatusCallback")), 21609, 400),
            (ErrorCode::MediaUrlNotAllowed, None, 21620, 400),
            (ErrorCode::MalformedRequest, Some(wrong("SendAt")), 20001, 400),
            (ErrorCode::AuthenticationFailed, None, 20003, 401),
            (ErrorCode::NotFound, None, 20404, 404),
            (ErrorCode::TooLateToCancel, Some(AdditionalInfo::Status("sent")), 30409, 409),
            (ErrorCode::RateLimitExceeded, None, 20429, 429),
            (ErrorCode::MediaTooLarge, None, 33014, 413),
        ] {
            let refusal = Refusal { info, ..code.into() };
            let told = told(refusal).await;
            assert_eq!((&told["code"], &told["status"]), (&json!(number), &json!(status)), "{code}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_no_refusal_is_left_alone() {
        let response = spoken(&Envelope::new(""), Response::new(Body::from("{}")));
        assert_eq!(axum::body::to_bytes(response.into_body(), 10).await.unwrap(), "{}");
    }
}
