//! The one form of every error answer.

use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response};
use bytes::Bytes;
use model::error::{AdditionalInfo, ErrorCode, InvalidRecipient, MissingValue, Refusal};
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};
use serde_json::{Value, json};

use openapi::status;

/// The details of a response for the log. An extension of error answers.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The error for the client.
    pub code: ErrorCode,
    /// Details with which the client can fix its request.
    pub info: Option<AdditionalInfo>,
    /// The cause, only for the log.
    pub cause: Option<String>,
}

/// Makes error answers.
#[derive(Clone, Debug)]
pub struct Envelope {
    docs_base_url: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody<'a> {
    code: u16,
    message: &'static str,
    status: u16,
    more_info: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_info: Option<Info<'a>>,
}

impl Envelope {
    /// Answers whose `moreInfo` begins with this address.
    pub fn new(docs_base_url: &str) -> Self {
        Self { docs_base_url: docs_base_url.trim_end_matches('/').to_owned() }
    }

    /// The body of an error answer.
    pub fn body(&self, code: ErrorCode, info: Option<&AdditionalInfo>) -> Bytes {
        let body = ErrorBody {
            code: code.number(),
            message: code.message(),
            status: status::of(code).as_u16(),
            more_info: self.more_info(code),
            additional_info: info.map(Info),
        };
        // Numbers and texts only: nothing in it can fail to be JSON.
        serde_json::to_vec(&body).unwrap_or_default().into()
    }

    /// The address of the page about an error.
    pub fn more_info(&self, code: ErrorCode) -> String {
        format!("{}/page/errors/{}", self.docs_base_url, code.number())
    }

    /// A whole answer as octets, for a connection that is at its end. `headers` are whole lines.
    pub fn raw(&self, code: ErrorCode, headers: &str) -> Bytes {
        let body = self.body(code, None);
        let retry_after = if code == ErrorCode::ServiceUnavailable {
            format!("{RETRY_AFTER}: {RETRY_SECS}\r\n")
        } else {
            String::new()
        };
        let status = status::of(code);
        let (reason, status, length) = (status.canonical_reason().unwrap_or_default(), status.as_u16(), body.len());
        let head = format!(
            "HTTP/1.1 {status} {reason}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: \
             {length}\r\n{retry_after}{headers}\r\n"
        );
        [head.as_bytes(), &body].concat().into()
    }

    /// The whole answer.
    pub fn refuse(&self, refusal: Refusal) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body(refusal.code, refusal.info.as_ref())));
        *response.status_mut() = status::of(refusal.code);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(wait) = refusal.retry_after {
            headers.insert(
                RETRY_AFTER,
                HeaderValue::from(wait.as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX)),
            );
        }
        response.extensions_mut().insert(Refused { code: refusal.code, info: refusal.info, cause: refusal.cause });
        response
    }
}

/// The `Retry-After` for a client without room or time, in seconds.
const RETRY_SECS: u64 = 5;

/// The answer to credentials that are missing or wrong says which kind is wanted (RFC 9110, section 11.6.1).
pub fn challenge(mut response: Response<Body>, scheme: &'static str) -> Response<Body> {
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
    response
}

/// The methods of an address, for a 405 (RFC 9110, section 15.5.6).
pub fn allow(mut response: Response<Body>, methods: &'static str) -> Response<Body> {
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    response
}

/// The details about the text of one recipient, with the index of the recipient: in each entry if it is a list.
fn of_recipient(index: usize, info: Option<&AdditionalInfo>) -> Value {
    let mut said = info.map_or(Value::Null, |info| json!(Info(info)));
    match &mut said {
        Value::Array(entries) => entries.iter_mut().for_each(|entry| entry["recipientIndex"] = index.into()),
        other => other["recipientIndex"] = index.into(),
    }
    said
}

/// The values that recipients lack: each as the name of a field, and as the place of its recipient.
fn missing_values(missing: &[MissingValue]) -> Value {
    let field = |MissingValue { index, name }: &MissingValue| format!("recipients[{index}].variables.{name}");
    let recipient = |MissingValue { index, name }: &MissingValue| json!({ "index": index, "variable": name });
    json!({
        "fields": missing.iter().map(field).collect::<Vec<_>>(),
        "recipients": missing.iter().map(recipient).collect::<Vec<_>>(),
    })
}

/// `additionalInfo` as JSON.
struct Info<'a>(&'a AdditionalInfo);

impl Serialize for Info<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            AdditionalInfo::Fields(fields) => json!({ "fields": fields }).serialize(serializer),
            AdditionalInfo::MissingValues(missing) => missing_values(missing).serialize(serializer),
            AdditionalInfo::OfRecipient { index, info } => of_recipient(*index, info.as_deref()).serialize(serializer),
            AdditionalInfo::Field(field) => json!({ "field": field }).serialize(serializer),
            AdditionalInfo::RoleNeeded(role) => json!({ "reason": "role", "roleNeeded": role }).serialize(serializer),
            AdditionalInfo::Status(status) => json!({ "status": status }).serialize(serializer),
            AdditionalInfo::Blocked => json!({ "reason": "blocked" }).serialize(serializer),
            AdditionalInfo::OptedOut { since } => {
                json!({ "reason": "opted_out", "since": since.to_string() }).serialize(serializer)
            }
            AdditionalInfo::NonCompliant { categories, matches, help } => {
                let matches: Vec<_> = matches
                    .iter()
                    .map(|found| json!({ "start": found.start, "end": found.end, "category": found.category }))
                    .collect();
                json!({ "categories": categories, "matches": matches, "help": help }).serialize(serializer)
            }
            AdditionalInfo::WrongType { field, expected } => {
                json!({ "field": field, "expected": expected }).serialize(serializer)
            }
            AdditionalInfo::WrongFields(wrong) => {
                let mistakes: Vec<_> =
                    wrong.iter().map(|wrong| json!({ "field": wrong.field, "expected": wrong.expected })).collect();
                json!({ "mistakes": mistakes }).serialize(serializer)
            }
            AdditionalInfo::Place { line, column } => json!({ "line": line, "column": column }).serialize(serializer),
            AdditionalInfo::InvalidRecipients(recipients) => {
                let told = |invalid: &InvalidRecipient| json!({ "index": invalid.index, "value": invalid.value });
                json!({ "recipients": recipients.iter().map(told).collect::<Vec<_>>() }).serialize(serializer)
            }
            AdditionalInfo::DuplicateRecipients(recipients) => {
                json!({ "recipients": recipients }).serialize(serializer)
            }
            AdditionalInfo::InvalidCharacters(characters) => {
                let mut list = serializer.serialize_seq(Some(characters.len()))?;
                for invalid in characters {
                    list.serialize_element(&json!({
                        "character": invalid.character.to_string(),
                        "position": invalid.position,
                    }))?;
                }
                list.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::error::{ContentMatch, InvalidCharacter, WrongField};

    #[test]
    fn an_answer_has_exactly_the_published_fields() {
        let envelope = Envelope::new("https://docs.smsfactory.com/");
        let body = envelope.body(ErrorCode::AuthenticationFailed, None);
        let expected = concat!(
            r#"{"code":33001,"message":"Authentication failed","status":401,"#,
            r#""moreInfo":"https://docs.smsfactory.com/page/errors/33001"}"#,
        );
        assert_eq!(body, expected.as_bytes());
    }

    #[test]
    fn additional_info_has_its_published_shapes() {
        let envelope = Envelope::new("");
        for (info, expected) in [
            (AdditionalInfo::Fields(vec!["to", "body"]), r#"{"fields":["to","body"]}"#),
            (AdditionalInfo::Field("to"), r#"{"field":"to"}"#),
            (
                AdditionalInfo::InvalidCharacters(vec![InvalidCharacter { character: '\u{7}'.into(), position: 5 }]),
                r#"[{"character":"\u0007","position":5}]"#,
            ),
            (
                AdditionalInfo::InvalidRecipients(vec![InvalidRecipient { index: 4, value: "555".into() }]),
                r#"{"recipients":[{"index":4,"value":"555"}]}"#,
            ),
            (
                AdditionalInfo::MissingValues(vec![MissingValue { index: 4, name: "name".into() }]),
                concat!(
                    r#"{"fields":["recipients[4].variables.name"],"#,
                    r#""recipients":[{"index":4,"variable":"name"}]}"#,
                ),
            ),
            (AdditionalInfo::OfRecipient { index: 4, info: None }, r#"{"recipientIndex":4}"#),
            (
                AdditionalInfo::OfRecipient {
                    index: 4,
                    info: Some(Box::new(AdditionalInfo::InvalidCharacters(vec![InvalidCharacter {
                        character: '\u{7}'.into(),
                        position: 5,
                    }]))),
                },
                r#"[{"character":"\u0007","position":5,"recipientIndex":4}]"#,
            ),
            (AdditionalInfo::Status("sent"), r#"{"status":"sent"}"#),
            (AdditionalInfo::DuplicateRecipients(vec!["+18005551001".into()]), r#"{"recipients":["+18005551001"]}"#),
            (
                AdditionalInfo::WrongFields(vec![WrongField { field: "a".into(), expected: "one".into() }]),
                r#"{"mistakes":[{"expected":"one","field":"a"}]}"#,
            ),
            (
                AdditionalInfo::NonCompliant {
                    categories: vec!["phishing"],
                    matches: vec![ContentMatch { start: 1, end: 14, category: "phishing" }],
                    help: vec!["Link to your own domain.".into()],
                },
                concat!(
                    r#"{"categories":["phishing"],"matches":[{"start":1,"end":14,"category":"phishing"}],"#,
                    r#""help":["Link to your own domain."]}"#,
                ),
            ),
            (AdditionalInfo::RoleNeeded("admin"), r#"{"reason":"role","roleNeeded":"admin"}"#),
            (AdditionalInfo::Blocked, r#"{"reason":"blocked"}"#),
            (
                AdditionalInfo::OptedOut { since: model::Timestamp::from_millis(1_773_585_000_000) },
                r#"{"reason":"opted_out","since":"2026-03-15T14:30:00.000Z"}"#,
            ),
            (AdditionalInfo::Place { line: 1, column: 17 }, r#"{"column":17,"line":1}"#),
        ] {
            let body = envelope.body(ErrorCode::MalformedRequest, Some(&info));
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["additionalInfo"], serde_json::from_str::<Value>(expected).unwrap());
        }
    }
}
