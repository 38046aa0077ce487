//! What requests say: bodies in JSON, forms and queries, with an error that names the field.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use runtime::Runtime;
use serde_json::{Map, Value};

use super::Asked;
use super::answer::Refusal;

/// The largest body, in octets: a picture in base64 and what stands around it.
const BODY_OCTETS_MAX: usize = 2 * 1024 * 1024;

/// How long a body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// An object of JSON with the fields that are known.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a body.
    pub(super) async fn read(
        runtime: &Arc<dyn Runtime>,
        request: Asked,
        known: &[&'static str],
    ) -> Result<Self, Refusal> {
        // A page of another site cannot send this type without asking first.
        if !is_of_type(request.headers(), "application/json") {
            let sentence = "the `Content-Type` of a body is application/json";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", sentence));
        }
        let body = body(runtime, request).await?;
        let fields = match serde_json::from_slice(&body) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => return Err(Refusal::wrong("the body is an object of JSON")),
            Err(error) => return Err(Refusal::wrong(format!("the body is no JSON: {error}"))),
        };
        if let Some(unknown) = fields.keys().find(|name| !known.contains(&name.as_str())) {
            let unknown = unknown.escape_debug();
            return Err(Refusal::wrong(format!("`{unknown}` is no field here; there are: {}", known.join(", "))));
        }
        Ok(Self(fields))
    }

    /// A text; `None` where it is absent or null.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refusal::wrong(format!("`{name}` is a text"))),
        }
    }

    /// A text that has to be there.
    pub(super) fn needed(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name)?.ok_or_else(|| Refusal::wrong(format!("`{name}` is missing: it is a text")))
    }

    /// A whole number; `None` where it is absent or null.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                value.as_u64().map(Some).ok_or_else(|| Refusal::wrong(format!("`{name}` is a whole number")))
            }
        }
    }

    /// Anything; `None` where it is absent or null.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }
}

/// The fields of a form that a person has sent.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a body. Fields without a value count as absent.
    pub(super) async fn read(
        runtime: &Arc<dyn Runtime>,
        request: Asked,
        known: &[&'static str],
    ) -> Result<Self, Refusal> {
        if !is_of_type(request.headers(), "application/x-www-form-urlencoded") {
            let sentence = "the `Content-Type` of a form is application/x-www-form-urlencoded";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_a_form", sentence));
        }
        let body = body(runtime, request).await?;
        let body = std::str::from_utf8(&body).map_err(|_| Refusal::wrong("the form is not in UTF-8"))?;
        Ok(Self(query(body, known)?.into_iter().filter(|(_, value)| !value.is_empty()).collect()))
    }

    /// A field; `None` where it is absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// A body, in bounded size and time.
async fn body(runtime: &Arc<dyn Runtime>, request: Asked) -> Result<Bytes, Refusal> {
    let body = Limited::new(request.into_body(), BODY_OCTETS_MAX).collect();
    let Ok(body) = runtime.timeout(BODY_TIMEOUT, body).await else {
        return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "slow_body", "the body took longer than 30 s"));
    };
    let body = body.map_err(|_| {
        let sentence = format!("the body breaks off, or has more than {BODY_OCTETS_MAX} octets");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "large_body", sentence)
    })?;
    Ok(body.to_bytes())
}

fn is_of_type(headers: &HeaderMap, expected: &str) -> bool {
    let named = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    named.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(expected)
}

/// The parameters of a query or a form, of which only these are known.
pub(super) fn query(query: &str, known: &[&'static str]) -> Result<Vec<(String, String)>, Refusal> {
    let mut parameters: Vec<(String, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let shown = name.escape_debug();
        if !known.contains(&&*name) {
            return Err(Refusal::wrong(format!("`{shown}` is no parameter here; there are: {}", known.join(", "))));
        }
        if parameters.iter().any(|(other, _)| *other == name) {
            return Err(Refusal::wrong(format!("`{shown}` is given twice")));
        }
        parameters.push((name.into_owned(), value.into_owned()));
    }
    Ok(parameters)
}
