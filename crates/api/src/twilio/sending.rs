//! `POST /Messages.json`: the parameters of a message to a request of ours.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, Response, StatusCode};
use model::error::Refusal;
use model::{Timestamp, Validity};
use pipeline::SendRequest;
use pipeline::tenants::Caller;

use super::form::{Form, wrong};
use super::view::Resource;
use super::{check_account, named};
use crate::http::head::require_type;
use crate::http::json;
use crate::http::log::About;
use crate::key::one_key;
use crate::message::IDEMPOTENT_REPLAYED;
use crate::{Api, Shared};

/// The type of the bodies of this door.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// When a message leaves, and how that is said: Twilio takes both or none.
const SEND_AT: &str = "SendAt";
const SCHEDULE_TYPE: &str = "ScheduleType";

/// Where status callbacks go.
const STATUS_CALLBACK: &str = "StatusCallback";

pub(super) async fn send(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    account: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response<Body> {
    let sent = sent(&api, &caller, account, request).await;
    api.answer(sent)
}

async fn sent(
    api: &Arc<Api>,
    caller: &Caller,
    account: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response<Body>, Refusal> {
    check_account(caller, &named(account)?)?;
    let (head, body) = request.into_parts();
    require_type(&head.headers, &[FORM])?;
    let body = api.body(body, api.body_limits).await?;
    let mut request = message(Form::read(&body)?)?;
    request.idempotency_key = one_key(&head.headers, None)?;
    if let Some(url) = &request.status_callback {
        api.pipeline.webhooks().check_callback(caller.owner(), STATUS_CALLBACK, url).await?;
    }
    let answered = api
        .pipeline
        .send(caller, request, None, |message, delivery, _| Resource::of(message, delivery).to_json())
        .await?;
    let mut response = json(answered.body);
    *response.status_mut() = StatusCode::CREATED;
    response.extensions_mut().insert(About(answered.id));
    if answered.replayed {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// What a form asks for. A parameter that cannot be kept is refused: a message must not go out without what its client
/// counts on.
fn message(mut form: Form) -> Result<SendRequest, Refusal> {
    let request = SendRequest {
        to: form.take("To")?,
        from: form.take("From")?,
        body: form.take("Body")?.map(Into::into),
        media_url: form.take("MediaUrl")?,
        send_at: send_at(form.take(SCHEDULE_TYPE)?.as_deref(), form.take(SEND_AT)?.as_deref())?,
        validity: form.take("ValidityPeriod")?.as_deref().map(validity).transpose()?,
        status_callback: form.take(STATUS_CALLBACK)?.map(Arc::from),
        ..SendRequest::default()
    };
    form.end(advice)?;
    Ok(request)
}

/// How far the time may lie ahead is judged with the other fields of the message.
fn send_at(schedule_type: Option<&str>, time: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    match (schedule_type, time) {
        (None, None) => Ok(None),
        (Some("fixed"), time) => {
            let time = time.and_then(Timestamp::parse);
            time.map(Some).ok_or_else(|| wrong(SEND_AT, "a time as in RFC 3339"))
        }
        (None, Some(_)) => Err(wrong(SCHEDULE_TYPE, "fixed, with a SendAt")),
        (Some(_), _) => Err(wrong(SCHEDULE_TYPE, "fixed")),
    }
}

fn validity(text: &str) -> Result<Validity, Refusal> {
    let validity = text.parse().ok().and_then(Validity::from_secs);
    let expected = || format!("a whole number of seconds from {} to {}", Validity::MIN_SECS, Validity::MAX_SECS);
    validity.ok_or_else(|| wrong("ValidityPeriod", expected()))
}

/// What a client has to know about a parameter that is not taken.
fn advice(name: &str) -> &'static str {
    match name {
        "MessagingServiceSid" | "FallbackFrom" => "no such parameter: there are no messaging services here, use From",
        "ContentSid" | "ContentVariables" => "no such parameter: there are no content templates here, use Body",
        "ApplicationSid" => "no such parameter: use StatusCallback",
        "ContentRetention" | "AddressRetention" => {
            "no such parameter: how long texts are kept is a rule of the account"
        }
        "ShortenUrls" => "no such parameter: links are sent as they are",
        "SendAsMms" => "no such parameter: a message with MediaUrl is an MMS",
        "SmartEncoded" => "no such parameter: texts are sent as they are",
        _ => "no parameter of this name",
    }
}

#[cfg(test)]
mod tests {
    use model::error::{AdditionalInfo, ErrorCode};

    use super::*;

    fn read(body: &str) -> Result<SendRequest, Refusal> {
        message(Form::read(body.as_bytes()).unwrap())
    }

    #[test]
    fn each_parameter_becomes_a_field_of_ours() {
        let all = "To=%2B1&From=%2B2&Body=a&MediaUrl=http%3A%2F%2Fe&ValidityPeriod=60&StatusCallback=http%3A%2F%2Fc\
                   &SendAt=2026-03-15T14%3A30%3A00Z&ScheduleType=fixed";
        let expected = SendRequest {
            to: Some("+1".to_owned()),
            from: Some("+2".to_owned()),
            body: Some("a".into()),
            media_url: Some("http://e".to_owned()),
            validity: Validity::from_secs(60),
            send_at: Some(Timestamp::from_millis(1_773_585_000_000)),
            status_callback: Some("http://c".into()),
            ..SendRequest::default()
        };
        assert_eq!(read(all), Ok(expected));
        assert_eq!(read("To=&Nobody="), Ok(SendRequest::default()));
    }

    #[test]
    fn a_parameter_that_cannot_be_kept_is_named() {
        for (body, name) in [
            ("To=%2B1&MessagingServiceSid=MG1", "MessagingServiceSid"),
            ("SendAt=2026-11-28T12%3A00%3A00Z", "ScheduleType"),
            ("SendAt=2026-11-28T12%3A00%3A00Z&ScheduleType=daily", "ScheduleType"),
            ("SendAt=tomorrow&ScheduleType=fixed", "SendAt"),
            ("ScheduleType=fixed", "SendAt"),
            ("ProvideFeedback=false", "ProvideFeedback"),
            ("to=%2B1", "to"),
            ("MediaUrl=a&MediaUrl=b", "MediaUrl"),
            ("To=1&To=1", "To"),
            ("ValidityPeriod=0", "ValidityPeriod"),
            ("ValidityPeriod=1h", "ValidityPeriod"),
            ("ValidityPeriod=2592001", "ValidityPeriod"),
        ] {
            let refusal = read(body).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::MalformedRequest);
            assert!(matches!(refusal.info, Some(AdditionalInfo::WrongType { field, .. }) if field == name), "{body}");
        }
    }
}
