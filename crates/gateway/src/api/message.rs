//! `POST /message` and `GET /message/{id}`.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{HeaderName, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use model::error::{ErrorCode, Refusal};
use model::idempotency::{Endpoint, IdempotencyKey};
use model::{Delivery, MessageId, Status};
use pipeline::admit::refused_by_store;
use pipeline::run::Answered;
use pipeline::tenants::Caller;

use super::view::MessageView;
use super::{Api, BASE, Shared, fields, prefer};
use crate::http::head::require_json;
use crate::http::json;
use crate::http::log::About;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(super) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

pub(super) async fn send(State(api): Shared, Extension(caller): Extension<Caller>, request: Request) -> Response<Body> {
    let answered = sent(&api, &caller, request).await;
    api.answer(answered)
}

async fn sent(api: &Api, caller: &Caller, request: Request) -> Result<Response<Body>, Refusal> {
    let (head, body) = request.into_parts();
    let wait = prefer::wait(&head.headers);
    require_json(&head.headers)?;
    let body = api.body(body, api.body_limits).await?;
    let mut request = fields::of_message(&body)?;
    request.idempotency_key = one_key(&head.headers, request.idempotency_key)?;
    let key = request.idempotency_key.as_deref().and_then(|key| IdempotencyKey::parse(key).ok());
    let mut response = match api.pipeline.send(caller, request, wait).await? {
        Answered::New(message, delivery, waiting) => {
            let json = MessageView::of(&message, &delivery).to_json();
            if delivery.status != Status::Queued
                && let Some(key) = key
            {
                remember(api, caller, Endpoint::Message, &key, json.clone()).await;
            }
            drop(waiting);
            created(message.id, json)
        }
        Answered::Replayed(replay) => {
            let queued = Delivery::queued("");
            let json = replay.answer.unwrap_or_else(|| MessageView::of(&replay.message, &queued).to_json());
            let mut response = created(replay.message.id, json);
            response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
            response
        }
    };
    prefer::applied(&mut response, wait);
    Ok(response)
}

/// Notes what the client is told, so that a repeat is told the same. Where that fails the request is accepted all the same, and a repeat is told so.
pub(super) async fn remember(api: &Api, caller: &Caller, endpoint: Endpoint, key: &IdempotencyKey, json: String) {
    if let Err(refusal) = api.pipeline.record_answer(caller, endpoint, key, json).await {
        tracing::warn!("The answer under an idempotency key could not be noted: {}", refusal.cause.unwrap_or_default());
    }
}

pub(super) async fn show(State(api): Shared, Extension(caller): Extension<Caller>, id: Result<Path<String>, PathRejection>) -> Response<Body> {
    let found = shown(&api, &caller, id).await;
    api.answer(found)
}

async fn shown(api: &Arc<Api>, caller: &Caller, id: Result<Path<String>, PathRejection>) -> Result<Response<Body>, Refusal> {
    let id: MessageId = id.ok().and_then(|Path(text)| text.parse().ok()).ok_or(ErrorCode::NotFound)?;
    let record = api.pipeline.store().message(caller.account, id).await.map_err(refused_by_store)?.ok_or(ErrorCode::NotFound)?;
    let mut response = json(MessageView::of(&record.message, &record.delivery).to_json());
    response.extensions_mut().insert(About(id));
    Ok(response)
}

/// The idempotency key from the header or the body; both must agree.
pub(super) fn one_key(headers: &HeaderMap, in_body: Option<String>) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(in_body) };
    let in_header = String::from_utf8_lossy(value.as_bytes()).into_owned();
    let disagrees = in_body.is_some_and(|in_body| in_body != in_header) || values.any(|other| other != value);
    if disagrees { Err(fields::wrong_type("idempotencyKey", "the value of the Idempotency-Key header")) } else { Ok(Some(in_header)) }
}

fn created(id: MessageId, text: String) -> Response<Body> {
    let mut response = created_at(&format!("{BASE}/message/{id}"), text);
    response.extensions_mut().insert(About(id));
    response
}

/// The answer to a request that made something, which is found at this place.
pub(super) fn created_at(location: &str, text: String) -> Response<Body> {
    let mut response = json(text);
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
