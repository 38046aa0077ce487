//! `GET /number`: the senders of an account.

use std::num::NonZeroU32;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, Uri};
use model::Originator;
use model::error::{ErrorCode, Refusal};
use model::number::Number;
use pipeline::tenants::Caller;
use serde::Serialize;

use super::list::{cursor, limit};
use super::{Api, Shared};
use crate::http::json;
use crate::http::query::Parameters;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageView {
    data: Vec<NumberView>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NumberView {
    number: String,
    kind: &'static str,
    state: &'static str,
    capabilities: Capabilities,
    segments_per_second: Option<NonZeroU32>,
    created_at: String,
}

/// The present capabilities of a sender.
#[derive(Serialize)]
struct Capabilities {
    /// Whether a message from it is accepted.
    send: bool,
    /// Whether its account gets the inbound messages to it.
    receive: bool,
}

pub(super) async fn list(State(api): Shared, Extension(caller): Extension<Caller>, uri: Uri) -> Response<Body> {
    api.answer(listed(&api, &caller, &Parameters::parse(uri.query())))
}

fn listed(api: &Api, caller: &Caller, given: &Parameters) -> Result<Response<Body>, Refusal> {
    let after = cursor(given, |text| Originator::parse(text).ok())?;
    let limit = limit(given)?;
    let listed = api.pipeline.tenants().numbers_of(caller.account, after.as_ref(), limit);
    let next = listed.items.last().filter(|_| listed.is_more);
    let view = PageView {
        next_cursor: next.map(|number| number.number.to_string()),
        data: listed.items.iter().map(|number| view(api, caller, number)).collect(),
    };
    serde_json::to_string(&view).map(json).map_err(|error| Refusal::new(ErrorCode::UnexpectedError).caused_by(error))
}

fn view(api: &Api, caller: &Caller, number: &Number) -> NumberView {
    let is_open = api.pipeline.sender_kinds().contains(number.number.kind());
    let may_send = api.pipeline.tenants().check_sender(caller.account, number.number).is_ok();
    NumberView {
        number: number.number.to_string(),
        kind: number.number.kind().as_str(),
        state: number.state.as_str(),
        capabilities: Capabilities { send: is_open && may_send, receive: number.receives() },
        segments_per_second: number.segments_per_second,
        created_at: number.created_at.to_string(),
    }
}
