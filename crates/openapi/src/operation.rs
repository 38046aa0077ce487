//! An operation: a method of a path, the request that it takes and the answers that it gives.

use std::borrow::Cow;
use std::collections::BTreeMap;

use model::error::ErrorCode;
use serde_json::{Map, Value, json};

use super::conventions::Conventions;
use super::errors;
use super::parts::{header, reference};
use crate::status;

/// Errors that any request may get, before its path is looked at.
const OF_ALL: [ErrorCode; 5] = [
    ErrorCode::UnexpectedError,
    ErrorCode::RateLimitExceeded,
    ErrorCode::MalformedRequest,
    ErrorCode::RequestTooLarge,
    ErrorCode::ServiceUnavailable,
];

/// A method of a path.
pub struct Operation {
    /// The method, in lower case.
    pub method: &'static str,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    pub(crate) id: &'static str,
    tag: &'static str,
    summary: &'static str,
    description: Cow<'static, str>,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: Vec<Answer>,
    codes: Vec<ErrorCode>,
    is_open: bool,
}

/// An answer that is no error.
struct Answer {
    status: u16,
    description: &'static str,
    headers: Vec<&'static str>,
    content: Value,
}

impl Operation {
    /// An operation that needs credentials and takes nothing.
    pub fn new(
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
            description: description.into(),
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            codes,
            is_open: false,
        }
    }

    /// Needs no credentials.
    pub fn open(mut self) -> Self {
        self.is_open = true;
        self.never([ErrorCode::AuthenticationFailed])
    }

    /// Never answers with these errors.
    pub fn never<const N: usize>(mut self, codes: [ErrorCode; N]) -> Self {
        self.codes.retain(|code| !codes.contains(code));
        self
    }

    /// Ends the description with another paragraph.
    pub fn remark(mut self, paragraph: &str) -> Self {
        self.description = format!("{}\n\n{paragraph}", self.description).into();
        self
    }

    /// Takes these parameters too.
    pub fn parameters(mut self, parameters: impl IntoIterator<Item = Value>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// Takes a JSON body of this schema, of which this is an example.
    pub fn json(self, schema: &str, example: &Value) -> Self {
        let content = json!({ "application/json": { "schema": reference(schema), "example": example } });
        self.body(true, &content).codes([ErrorCode::UnsupportedContentType])
    }

    /// Takes a body of these types.
    pub fn body(mut self, is_required: bool, content: &Value) -> Self {
        self.body = Some(json!({ "required": is_required, "content": content }));
        self
    }

    /// Takes a JSON body of this schema, of which this is an example, or none: then every field is absent.
    pub fn optional_json(self, schema: &str, example: &Value) -> Self {
        let content = json!({ "application/json": { "schema": reference(schema), "example": example } });
        self.body(false, &content).codes([ErrorCode::UnsupportedContentType])
    }

    /// Answers with JSON of this schema.
    pub fn answers(self, status: u16, description: &'static str, schema: &Value) -> Self {
        self.answers_with(status, description, &[], json!({ "application/json": { "schema": schema } }))
    }

    /// Answers with this content and these headers beside those that every answer has.
    pub fn answers_with(
        mut self,
        status: u16,
        description: &'static str,
        headers: &[&'static str],
        content: Value,
    ) -> Self {
        self.answers.push(Answer { status, description, headers: headers.to_vec(), content });
        self
    }

    /// Answers that a thing was made, where it is found, and whether the answer is a repeat.
    pub fn creates(self, schema: &str, headers: &[&'static str]) -> Self {
        let headers = [&["Location"], headers].concat();
        let content = json!({ "application/json": { "schema": reference(schema) } });
        self.answers_with(201, "Accepted and on disk. `Location` has the path of the resource.", &headers, content)
    }

    /// Refuses requests with these errors too.
    pub fn codes(mut self, codes: impl IntoIterator<Item = ErrorCode>) -> Self {
        self.codes.extend(codes);
        self
    }

    /// Names a thing that may not be there.
    pub fn of_one(self) -> Self {
        self.codes([ErrorCode::NotFound])
    }

    /// Whether it may answer with this error.
    pub(crate) fn refuses(&self, code: ErrorCode) -> bool {
        self.codes.contains(&code)
    }

    /// The Operation Object (OpenAPI 3.1, section 4.8.10).
    pub(crate) fn to_json(&self, conventions: &Conventions) -> Value {
        let mut operation = json!({
            "operationId": self.id,
            "tags": [self.tag],
            "summary": self.summary,
            "description": self.description,
        });
        if self.is_open {
            operation["security"] = json!([]);
        }
        let parameters = self.all_parameters(conventions);
        if !parameters.is_empty() {
            operation["parameters"] = json!(parameters);
        }
        if let Some(body) = &self.body {
            operation["requestBody"] = body.clone();
        }
        operation["responses"] = self.responses(conventions);
        operation
    }

    /// The parameters, with the preference that every request with a body may have.
    fn all_parameters(&self, conventions: &Conventions) -> Vec<Value> {
        let mut all = self.parameters.clone();
        if let Some(preference) = conventions.preference
            && self.body.is_some()
            && all.iter().all(|parameter| parameter["name"] != "Prefer")
        {
            all.push(header("Prefer", preference, &json!({ "type": "string", "examples": ["handling=strict"] })));
        }
        all
    }

    /// The answers by their status, errors among them.
    fn responses(&self, conventions: &Conventions) -> Value {
        let mut responses = Map::new();
        let of_bodies = if self.body.is_some() { conventions.of_bodies } else { &[] };
        for Answer { status, description, headers, content } in &self.answers {
            let headers = conventions.headers_of(&[headers.as_slice(), of_bodies].concat());
            let mut answer = json!({ "description": description, "headers": headers });
            if !content.is_null() {
                answer["content"] = content.clone();
            }
            responses.insert(status.to_string(), answer);
        }
        let mut refused: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
        for code in ErrorCode::ALL.into_iter().filter(|code| self.codes.contains(code)) {
            refused.entry(status::of(code).as_u16()).or_default().push(code);
        }
        for (status, codes) in refused {
            let headers = if status == 400 { of_bodies } else { &[] };
            let answer = errors::answer(conventions, status, &codes, headers);
            responses.entry(status.to_string()).or_insert(answer);
        }
        responses.into()
    }
}
