//! `GET /Messages/{Sid}.json`, and `POST` to it, which cancels.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::Response;
use model::MessageId;
use model::error::{ErrorCode, Refusal};
use pipeline::refusal::refused_by_store;
use pipeline::tenants::Caller;

use super::form::{Form, wrong};
use super::sending::FORM;
use super::view::Resource;
use super::{check_account, named, sid};
use crate::http::head::require_type;
use crate::http::json;
use crate::http::log::About;
use crate::{Api, Shared};

/// An account and a message, from a path.
type Place = Result<Path<(String, String)>, PathRejection>;

pub(super) async fn show(State(api): Shared, Extension(caller): Extension<Caller>, place: Place) -> Response<Body> {
    let shown = shown(&api, &caller, place).await;
    api.answer(shown)
}

async fn shown(api: &Api, caller: &Caller, place: Place) -> Result<Response<Body>, Refusal> {
    let id = message(caller, place)?;
    let (store, owner) = (api.pipeline.store(), caller.owner());
    let text = match store.message(owner, id).await.map_err(refused_by_store)? {
        Some(record) => Resource::of(&record.message, &record.delivery).to_json(),
        None => {
            let message = store.inbound_message(owner, id).await.map_err(refused_by_store)?;
            Resource::of_inbound(&*message.ok_or(ErrorCode::NotFound)?).to_json()
        }
    };
    Ok(about(id, text))
}

pub(super) async fn change(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    place: Place,
    request: Request,
) -> Response<Body> {
    let changed = changed(&api, &caller, place, request).await;
    api.answer(changed)
}

async fn changed(api: &Arc<Api>, caller: &Caller, place: Place, request: Request) -> Result<Response<Body>, Refusal> {
    let id = message(caller, place)?;
    let (head, body) = request.into_parts();
    require_type(&head.headers, &[FORM])?;
    let mut form = Form::read(&api.body(body, api.body_limits).await?)?;
    let status = form.take("Status")?;
    form.end(|_| "no parameter of this name: Status is the only one")?;
    if status.as_deref() != Some("canceled") {
        return Err(wrong("Status", "canceled"));
    }
    let record = api.pipeline.cancel_message(Some(caller.owner()), id).await?;
    Ok(about(id, Resource::of(&record.message, &record.delivery).to_json()))
}

/// The message that a path names; what cannot be its SID names nothing.
fn message(caller: &Caller, place: Place) -> Result<MessageId, Refusal> {
    let (account, message) = named(place)?;
    check_account(caller, &account)?;
    message.strip_suffix(".json").and_then(sid::message).ok_or_else(|| ErrorCode::NotFound.into())
}

fn about(id: MessageId, text: String) -> Response<Body> {
    let mut response = json(text);
    response.extensions_mut().insert(About(id));
    response
}
