//! `POST /broadcast`, `GET /broadcast/{id}` and `POST /broadcast/{id}/cancel`.

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, Response};
use bytes::Bytes;
use model::error::{ErrorCode, Refusal};
use model::{BroadcastId, BroadcastRecord};
use openapi::BASE;
use pipeline::BroadcastRequest;
use pipeline::refusal::refused_by_store;
use pipeline::tenants::Caller;
use store::contract::broadcasts::Canceled;

use super::fields::Read;
use super::handling::Handling;
use super::key::one_key;
use super::message::{IDEMPOTENT_REPLAYED, created_at};
use super::view::BroadcastView;
use super::{Api, Shared, fields, prefer};
use crate::http::head::require_json;
use crate::http::json;
use crate::http::log::AboutBroadcast;

pub(super) async fn send(State(api): Shared, Extension(caller): Extension<Caller>, request: Request) -> Response<Body> {
    let mut handling = Handling::of(request.headers());
    let answered = sent(&api, &caller, request, &mut handling).await;
    handling.told(api.answer(answered))
}

async fn sent(
    api: &Api,
    caller: &Caller,
    request: Request,
    handling: &mut Handling,
) -> Result<Response<Body>, Refusal> {
    let (head, body) = request.into_parts();
    let wait = prefer::wait(&head.headers);
    require_json(&head.headers)?;
    let body = api.body(body, api.broadcast_body_limits).await?;
    let mut request = handling.keep(read(api, body).await?)?;
    request.idempotency_key = one_key(&head.headers, request.idempotency_key)?;
    let answered = api
        .pipeline
        .broadcast(caller, request, wait, |broadcast, status, form| {
            BroadcastView::accepted(broadcast, status).in_form(form).to_json()
        })
        .await?;
    let mut response = created(answered.id, answered.body);
    if answered.replayed {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    prefer::applied(&mut response, wait);
    Ok(response)
}

/// Reads a body off the runtime's threads: fifty thousand recipients are milliseconds of work, in which other requests
/// are not to wait.
async fn read(api: &Api, body: Bytes) -> Result<Read<BroadcastRequest>, Refusal> {
    let ended = |error: &dyn std::fmt::Display| Refusal::new(ErrorCode::UnexpectedError).caused_by(error);
    // Every thread that reads keeps memory of its own, so that few do.
    let _place = api.reading.acquire().await.map_err(|error| ended(&error))?;
    api.runtime
        .run_blocking("body of a broadcast", move || fields::of_broadcast(&body))
        .await
        .map_err(|error| ended(&error))?
}

fn created(id: BroadcastId, text: String) -> Response<Body> {
    let mut response = created_at(&format!("{BASE}/broadcast/{id}"), text);
    response.extensions_mut().insert(AboutBroadcast(id));
    response
}

pub(super) async fn show(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    id: Result<Path<String>, PathRejection>,
) -> Response<Body> {
    let found = shown(&api, &caller, id).await;
    api.answer(found)
}

async fn shown(api: &Api, caller: &Caller, id: Result<Path<String>, PathRejection>) -> Result<Response<Body>, Refusal> {
    let id = named(id)?;
    let record = api
        .pipeline
        .store()
        .broadcast(Some(caller.owner()), id)
        .await
        .map_err(refused_by_store)?
        .ok_or(ErrorCode::NotFound)?;
    Ok(about(&record, BroadcastView::of(&record).to_json()))
}

pub(super) async fn cancel(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    id: Result<Path<String>, PathRejection>,
) -> Response<Body> {
    let canceled = canceled(&api, &caller, id).await;
    api.answer(canceled)
}

async fn canceled(
    api: &Api,
    caller: &Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response<Body>, Refusal> {
    let canceled = api.pipeline.cancel_broadcast(Some(caller.owner()), named(id)?).await?.ok_or(ErrorCode::NotFound)?;
    Ok(about(&canceled.record, stopped(&canceled).to_string()))
}

/// A canceled broadcast, and how many it did not reach for that.
pub fn stopped(canceled: &Canceled) -> serde_json::Value {
    let mut view = serde_json::json!(BroadcastView::of(&canceled.record));
    view["stopped"] = canceled.stopped.into();
    view
}

/// The broadcast in a path; an invalid id names nothing.
fn named(id: Result<Path<String>, PathRejection>) -> Result<BroadcastId, Refusal> {
    id.ok().and_then(|Path(text)| text.parse().ok()).ok_or_else(|| ErrorCode::NotFound.into())
}

fn about(record: &BroadcastRecord, text: String) -> Response<Body> {
    let mut response = json(text);
    response.extensions_mut().insert(AboutBroadcast(record.broadcast.id));
    response
}
