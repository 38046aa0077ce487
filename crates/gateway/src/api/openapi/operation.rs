//! An operation: a method of a path, the request that it takes and the answers that it gives.

use std::collections::BTreeMap;

use model::error::ErrorCode;
use serde_json::{Map, Value, json};

use super::errors;
use super::parts::{header, reference};
use crate::http::status;

/// Errors that any request may get, before its path is looked at.
const OF_ALL: [ErrorCode; 5] = [
    ErrorCode::UnexpectedError,
    ErrorCode::RateLimitExceeded,
    ErrorCode::MalformedRequest,
    ErrorCode::RequestTooLarge,
    ErrorCode::ServiceUnavailable,
];

/// Headers that answers to requests with a body may have.
const OF_BODIES: [&str; 2] = ["Preference-Applied", "X-Ignored-Fields"];

/// What a client may prefer that sends a body.
pub(super) const STRICT: &str = "With `handling=strict` (RFC 7240), a request whose body has an unknown field is \
    refused with 33100. Without it, unknown fields are ignored, and `X-Ignored-Fields` names them.";

/// A method of a path.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    tag: &'static str,
    summary: &'static str,
    description: &'static str,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: Vec<(u16, Value)>,
    codes: Vec<ErrorCode>,
    is_open: bool,
}

impl Operation {
    /// An operation that needs a key and takes nothing.
    pub(super) fn new(
        method: &'static str,
        path: &'static str,
        id: &'static str,
        (tag, summary, description): (&'static str, &'static str, &'static str),
    ) -> Self {
        let codes = [&OF_ALL[..], &[ErrorCode::AuthenticationFailed]].concat();
        Self {
            method,
            path,
            id,
            tag,
            summary,
            description,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            codes,
            is_open: false,
        }
    }

    /// Needs no key.
    pub(super) fn open(mut self) -> Self {
        self.is_open = true;
        self.codes.retain(|code| *code != ErrorCode::AuthenticationFailed);
        self
    }

    pub(super) fn parameters(mut self, parameters: impl IntoIterator<Item = Value>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// Takes a JSON body of this schema, of which this is an example.
    pub(super) fn json(self, schema: &str, example: &Value) -> Self {
        let content = json!({ "application/json": { "schema": reference(schema), "example": example } });
        self.body(true, &content).codes([ErrorCode::UnsupportedContentType])
    }

    /// Takes a body of these types.
    pub(super) fn body(mut self, is_required: bool, content: &Value) -> Self {
        self.body = Some(json!({ "required": is_required, "content": content }));
        self
    }

    /// Answers with JSON of this schema.
    pub(super) fn answers(self, status: u16, description: &str, schema: &Value) -> Self {
        self.answers_with(status, description, &[], json!({ "application/json": { "schema": schema } }))
    }

    /// Answers with this content and these headers beside those that every answer has.
    pub(super) fn answers_with(mut self, status: u16, description: &str, headers: &[&str], content: Value) -> Self {
        let mut answer = json!({ "description": description, "headers": errors::headers_of(headers) });
        if !content.is_null() {
            answer["content"] = content;
        }
        self.answers.push((status, answer));
        self
    }

    /// Answers that a thing was made, where it is found, and whether the answer is a repeat.
    pub(super) fn creates(self, schema: &str, headers: &[&str]) -> Self {
        let headers = [&["Location"], headers].concat();
        let content = json!({ "application/json": { "schema": reference(schema) } });
        self.answers_with(201, "On disk. `Location` is its address.", &headers, content)
    }

    /// Refuses requests with these errors too.
    pub(super) fn codes(mut self, codes: impl IntoIterator<Item = ErrorCode>) -> Self {
        self.codes.extend(codes);
        self
    }

    /// Names a thing that may not be there.
    pub(super) fn of_one(self) -> Self {
        self.codes([ErrorCode::NotFound])
    }

    /// Whether it may answer with this error.
    #[cfg(test)]
    pub(super) fn refuses(&self, code: ErrorCode) -> bool {
        self.codes.contains(&code)
    }

    /// The Operation Object (OpenAPI 3.1, section 4.8.10).
    pub(super) fn to_json(&self) -> Value {
        let mut operation = json!({
            "operationId": self.id,
            "tags": [self.tag],
            "summary": self.summary,
            "description": self.description,
        });
        if self.is_open {
            operation["security"] = json!([]);
        }
        let parameters = self.all_parameters();
        if !parameters.is_empty() {
            operation["parameters"] = json!(parameters);
        }
        if let Some(body) = &self.body {
            operation["requestBody"] = body.clone();
        }
        operation["responses"] = self.responses();
        operation
    }

    /// The parameters, with the preference that every request with a body may have.
    fn all_parameters(&self) -> Vec<Value> {
        let mut all = self.parameters.clone();
        if self.body.is_some() && all.iter().all(|parameter| parameter["name"] != "Prefer") {
            all.push(header("Prefer", STRICT, &json!({ "type": "string", "examples": ["handling=strict"] })));
        }
        all
    }

    /// The answers by their status, errors among them.
    fn responses(&self) -> Value {
        let mut responses = Map::new();
        let of_bodies: &[&str] = if self.body.is_some() { &OF_BODIES } else { &[] };
        for (status, answer) in &self.answers {
            let mut answer = answer.clone();
            for name in of_bodies {
                answer["headers"][name] = errors::header_of(name);
            }
            responses.insert(status.to_string(), answer);
        }
        let mut refused: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
        for code in ErrorCode::ALL.into_iter().filter(|code| self.codes.contains(code)) {
            refused.entry(status::of(code).as_u16()).or_default().push(code);
        }
        for (status, codes) in refused {
            let headers = if status == 400 { of_bodies } else { &[] };
            responses.insert(status.to_string(), errors::answer(status, &codes, headers));
        }
        responses.into()
    }
}
