//! `POST /message`, `GET /message/{id}` and `POST /message/{id}/cancel`.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{HeaderName, LOCATION};
use axum::http::{HeaderValue, Response, StatusCode};
use model::MessageId;
use model::error::{ErrorCode, Refusal};
use openapi::BASE;
use pipeline::refusal::refused_by_store;
use pipeline::tenants::Caller;

use super::handling::Handling;
use super::key::one_key;
use super::view::{InboundView, MessageView};
use super::{Api, Shared, fields, prefer};
use crate::http::head::require_json;
use crate::http::json;
use crate::http::log::About;

/// The header of an answer that repeats an earlier one: `true`.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

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
    let body = api.body(body, api.body_limits).await?;
    let mut request = handling.keep(fields::of_message(&body)?)?;
    request.idempotency_key = one_key(&head.headers, request.idempotency_key)?;
    let answered = api
        .pipeline
        .send(caller, request, wait, |message, delivery, form| {
            MessageView::of(message, delivery).in_form(form).to_json()
        })
        .await?;
    let mut response = created(answered.id, answered.body);
    if answered.replayed {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    prefer::applied(&mut response, wait);
    Ok(response)
}

pub(super) async fn show(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    id: Result<Path<String>, PathRejection>,
) -> Response<Body> {
    let found = shown(&api, &caller, id).await;
    api.answer(found)
}

async fn shown(
    api: &Arc<Api>,
    caller: &Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response<Body>, Refusal> {
    let id = named(id)?;
    let (store, owner) = (api.pipeline.store(), caller.owner());
    let text = match store.message(owner, id).await.map_err(refused_by_store)? {
        Some(record) => MessageView::of(&record.message, &record.delivery).to_json(),
        None => {
            let message = store.inbound_message(owner, id).await.map_err(refused_by_store)?;
            InboundView::of(&*message.ok_or(ErrorCode::NotFound)?, &api.links, api.runtime.now()).to_json()
        }
    };
    Ok(about(id, text))
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
    let id = named(id)?;
    let record = api.pipeline.cancel_message(Some(caller.owner()), id).await?;
    Ok(about(id, MessageView::of(&record.message, &record.delivery).to_json()))
}

/// The message in a path; an invalid id names nothing.
fn named(id: Result<Path<String>, PathRejection>) -> Result<MessageId, Refusal> {
    id.ok().and_then(|Path(text)| text.parse().ok()).ok_or_else(|| ErrorCode::NotFound.into())
}

fn about(id: MessageId, text: String) -> Response<Body> {
    let mut response = json(text);
    response.extensions_mut().insert(About(id));
    response
}

fn created(id: MessageId, text: String) -> Response<Body> {
    let mut response = created_at(&format!("{BASE}/message/{id}"), text);
    response.extensions_mut().insert(About(id));
    response
}

/// The answer to a request that made something, which is found at this place.
pub fn created_at(location: &str, text: String) -> Response<Body> {
    let mut response = json(text);
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
