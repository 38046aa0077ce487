//! Broadcasts of all accounts, and stopping one.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode, Uri};
use model::error::ErrorCode;
use model::{BroadcastId, BroadcastRecord, Mode, SenderKinds};
use pipeline::refusal::refused_by_store;
use serde_json::{Value, json as object};

use super::input::{account_of, meaning, path};
use super::{Admin, Answered, Shared, json};
use api::broadcast::stopped;
use api::broadcasts::Query;
use api::http::log::AboutBroadcast;
use api::http::query::Parameters;
use api::view::BroadcastView;

pub(super) async fn list(State(admin): Shared, uri: Uri) -> Response<Body> {
    let listed = listed(&admin, &Parameters::parse(uri.query())).await;
    admin.answer(listed)
}

async fn listed(admin: &Admin, given: &Parameters) -> Answered {
    let mut query = Query::read(given, SenderKinds::ALL)?;
    query.filter.account =
        given.get("accountId").map(|text| meaning(text, "accountId", "one that exists", account_of)).transpose()?;
    query.filter.mode = given.get("mode").map(|text| meaning(text, "mode", "live or test", Mode::parse)).transpose()?;
    let page = admin
        .pipeline
        .store()
        .broadcasts(None, query.filter, query.after, query.limit)
        .await
        .map_err(refused_by_store)?;
    let data: Vec<Value> =
        page.broadcasts.iter().map(|record| operators(record, object!(BroadcastView::of(record)))).collect();
    json(StatusCode::OK, &object!({ "data": data, "nextCursor": page.next.map(|id| id.to_string()) }))
}

pub(super) async fn show(State(admin): Shared, id: Result<Path<String>, PathRejection>) -> Response<Body> {
    let shown = shown(&admin, id).await;
    admin.answer(shown)
}

async fn shown(admin: &Admin, id: Result<Path<String>, PathRejection>) -> Answered {
    let id: BroadcastId = path(id, |text| text.parse().ok())?;
    let record =
        admin.pipeline.store().broadcast(None, id).await.map_err(refused_by_store)?.ok_or(ErrorCode::NotFound)?;
    about(&record, object!(BroadcastView::of(&record)))
}

pub(super) async fn cancel(State(admin): Shared, id: Result<Path<String>, PathRejection>) -> Response<Body> {
    let canceled = canceled(&admin, id).await;
    admin.answer(canceled)
}

async fn canceled(admin: &Admin, id: Result<Path<String>, PathRejection>) -> Answered {
    let id: BroadcastId = path(id, |text| text.parse().ok())?;
    let canceled = admin.pipeline.cancel_broadcast(None, id).await?.ok_or(ErrorCode::NotFound)?;
    about(&canceled.record, stopped(&canceled))
}

fn about(record: &BroadcastRecord, view: Value) -> Answered {
    let mut response = json(StatusCode::OK, &operators(record, view))?;
    response.extensions_mut().insert(AboutBroadcast(record.broadcast.id));
    Ok(response)
}

/// The fields for clients, and those for the operator: the owner, the sending, and the validity.
fn operators(record: &BroadcastRecord, mut view: Value) -> Value {
    view["accountId"] = record.broadcast.account.to_string().into();
    view["mode"] = record.broadcast.mode.as_str().into();
    view["segments"] = record.broadcast.segments.into();
    view["expiresAt"] = record.broadcast.expires_at.to_string().into();
    view
}
