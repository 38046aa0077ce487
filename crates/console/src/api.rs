//! The admin API as the console calls it: in this process, for the operator who is signed in.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{Request, Response, StatusCode};
use serde_json::Value;
use tower::ServiceExt;

use crate::calls::{Call, Method, encoded};
use crate::door::{Actor, Role};

/// Why the admin API did not do as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The status of its answer.
    pub(crate) status: StatusCode,
    /// What it said, in words for the operator.
    pub(crate) message: String,
    /// The fields that are wrong or missing, and what they have to be.
    pub(crate) fields: Vec<(String, String)>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), fields: Vec::new() }
    }

    /// That another role is needed.
    pub(crate) fn of_role(least: Role) -> Self {
        Self::new(StatusCode::FORBIDDEN, format!("This needs the role {} or a higher one", least.as_str()))
    }

    fn of(status: StatusCode, body: &Value) -> Self {
        let message = body["message"].as_str().unwrap_or("The admin API did not answer as it should").to_owned();
        let info = &body["additionalInfo"];
        let named = |value: &Value| {
            let field = value["field"].as_str().or(value.as_str()).unwrap_or_default().to_owned();
            (field, value["expected"].as_str().unwrap_or("is missing or wrong").to_owned())
        };
        let fields = match (&info["fields"], &info["mistakes"], &info["field"]) {
            (Value::Array(fields), ..) | (_, Value::Array(fields), _) => fields.iter().map(named).collect(),
            (.., Value::String(_)) => vec![named(info)],
            _ => Vec::new(),
        };
        Self { status, message, fields }
    }
}

/// Fields of a query, in order.
pub(crate) type Fields = Vec<(String, String)>;

/// Calls the admin API for one operator.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) router: Router,
    pub(crate) actor: Arc<Actor>,
}

impl Api {
    /// What a call that only reads answers.
    pub(crate) async fn get(&self, call: &Call, args: &[&str], query: &[(&str, &str)]) -> Result<Value, Problem> {
        let query: Fields = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.call(call, args, &query, None).await
    }

    /// What a call answers.
    pub(crate) async fn call(
        &self,
        call: &Call,
        args: &[&str],
        query: &[(String, String)],
        body: Option<&Value>,
    ) -> Result<Value, Problem> {
        let response = self.respond(call, args, query, body).await?;
        let (head, body) = response.into_parts();
        let broken = |why: &str| Problem::new(StatusCode::BAD_GATEWAY, format!("The admin API's answer is {why}"));
        let octets = to_bytes(body, ANSWER_MAX).await.map_err(|_| broken("too large to show"))?;
        let value = match octets.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&octets).map_err(|_| broken("no JSON"))?,
        };
        if head.status.is_success() { Ok(value) } else { Err(Problem::of(head.status, &value)) }
    }

    /// The answer to a call that goes on, such as a stream of events, as it is.
    pub(crate) async fn stream(&self, call: &Call) -> Result<Response<Body>, Problem> {
        let response = self.respond(call, &[], &[], None).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (head, body) = response.into_parts();
        let octets = to_bytes(body, ANSWER_MAX).await.unwrap_or_default();
        Err(Problem::of(head.status, &serde_json::from_slice(&octets).unwrap_or_default()))
    }

    async fn respond(
        &self,
        call: &Call,
        args: &[&str],
        query: &[(String, String)],
        body: Option<&Value>,
    ) -> Result<Response<Body>, Problem> {
        let mut target = call.path(args);
        for (index, (name, value)) in query.iter().enumerate() {
            target.push(if index == 0 { '?' } else { '&' });
            target.push_str(&format!("{name}={}", encoded(value)));
        }
        let mut request = Request::builder().method(call.method.as_str()).uri(target).header(HOST, "localhost");
        if call.method != Method::Get {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = request
            .extension(Actor::clone(&self.actor))
            .body(body)
            .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "This address cannot be asked for"))?;
        match self.router.clone().oneshot(request).await {
            Ok(response) => Ok(response),
        }
    }
}

/// The largest answer that becomes a page, in octets.
const ANSWER_MAX: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_names_its_fields() {
        let of = |info: Value| {
            Problem::of(StatusCode::BAD_REQUEST, &json!({ "message": "No", "additionalInfo": info })).fields
        };
        let pair = |field: &str, expected: &str| (field.to_owned(), expected.to_owned());
        assert_eq!(of(json!({ "field": "limit", "expected": "an integer" })), [pair("limit", "an integer")]);
        assert_eq!(of(json!({ "fields": ["name"] })), [pair("name", "is missing or wrong")]);
        assert_eq!(of(json!({ "fields": [{ "field": "a", "expected": "b" }] })), [pair("a", "b")]);
        assert_eq!(of(json!({ "mistakes": [{ "field": "stopWords", "expected": "b" }] })), [pair("stopWords", "b")]);
        assert_eq!(of(Value::Null), []);
    }
}
