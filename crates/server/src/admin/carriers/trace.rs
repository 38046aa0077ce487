//! The trace of a carrier: switched on for a time, and read while it goes on and for a while after it.

use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Request, Response, StatusCode, Uri};
use carrier::trace::{PDUS_MAX, Page, TRACE_MAX, Traced};
use model::MessageId;
use model::error::Refusal;
use serde::Deserialize;
use serde_json::{Value, json as object};

use super::super::input::{self, meaning, wrong};
use super::super::{Admin, Answered, Shared, json};
use super::codes::insight;
use api::http::query::Parameters;

/// How long a trace goes on, unless asked otherwise, in seconds.
const SECS: u64 = 60;

/// The longest wait for a PDU, in seconds.
const WAIT_MAX_SECS: u64 = 30;

/// PDUs of an answer, unless asked otherwise.
const LIMIT: usize = 500;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Begin {
    seconds: Option<u64>,
    #[serde(default)]
    texts: bool,
}

pub(in crate::admin) async fn begin(
    State(admin): Shared,
    name: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Response<Body> {
    let begun = begun(&admin, name, request).await;
    admin.answer(begun)
}

async fn begun(admin: &Admin, name: Result<Path<String>, PathRejection>, request: Request<Body>) -> Answered {
    let (name, insight) = insight(admin, name)?;
    let Begin { seconds, texts } = input::body(admin, request).await?;
    let seconds = seconds.unwrap_or(SECS);
    if !(1..=TRACE_MAX.as_secs()).contains(&seconds) {
        return Err(wrong("seconds", "an integer from 1 to 3600"));
    }
    let until = insight.begin_trace(Duration::from_secs(seconds), texts, &admin.runtime);
    tracing::info!(carrier.name = %name, texts, "Carrier {name} is traced for {seconds} s");
    json(StatusCode::OK, &page(admin, &name, &Page { until: Some(until), texts, ..insight.trace.after(0, None, 0) }))
}

pub(in crate::admin) async fn end(State(admin): Shared, name: Result<Path<String>, PathRejection>) -> Response<Body> {
    let ended = insight(&admin, name).map(|(_, insight)| {
        insight.trace.stop();
        super::super::no_content()
    });
    admin.answer(ended)
}

pub(in crate::admin) async fn read(
    State(admin): Shared,
    name: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Response<Body> {
    let read = followed(&admin, name, &Parameters::parse(uri.query())).await;
    admin.answer(read)
}

async fn followed(admin: &Admin, name: Result<Path<String>, PathRejection>, query: &Parameters) -> Answered {
    let (name, insight) = insight(admin, name)?;
    let after = number(query, "after", 0..=u64::MAX, "the `next` of an earlier answer")?.unwrap_or(0);
    let wait = number(query, "wait", 0..=WAIT_MAX_SECS, "an integer from 0 to 30")?.unwrap_or(0);
    let limit = number(query, "limit", 1..=PDUS_MAX as u64, "an integer from 1 to 2000")?;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(LIMIT);
    let message: Option<MessageId> = query
        .get("message")
        .map(|id| meaning(id, "message", "the id of a message", |id| id.parse().ok()))
        .transpose()?;
    let traced = insight.trace.follow(after, message, limit, Duration::from_secs(wait), &admin.runtime).await;
    json(StatusCode::OK, &page(admin, &name, &traced))
}

fn number(
    query: &Parameters,
    name: &'static str,
    range: std::ops::RangeInclusive<u64>,
    expected: &'static str,
) -> Result<Option<u64>, Refusal> {
    let parse = |text: &str| text.parse().ok().filter(|number| range.contains(number));
    query.get(name).map(|text| meaning(text, name, expected, parse)).transpose()
}

fn page(admin: &Admin, name: &str, page: &Page) -> Value {
    object!({
        "carrier": name,
        "node": admin.pipeline.node().name(),
        "on": page.until.is_some(),
        "until": page.until.map(|until| until.to_string()),
        "texts": page.texts,
        "data": page.pdus.iter().map(|traced| pdu(traced)).collect::<Vec<_>>(),
        "next": page.next,
        "missed": page.missed,
    })
}

/// A traced PDU.
pub(in crate::admin) fn pdu(traced: &Traced) -> Value {
    let fields: Vec<Value> =
        traced.fields.iter().map(|field| object!({ "name": field.name, "value": field.value })).collect();
    object!({
        "number": traced.number,
        "at": traced.at.to_string(),
        "session": traced.session,
        "direction": traced.direction.as_str(),
        "operation": traced.operation,
        "sequence": traced.sequence,
        "status": traced.status,
        "messageId": traced.message.map(|id| id.to_string()),
        "unreadable": traced.unreadable,
        "fields": fields,
    })
}
