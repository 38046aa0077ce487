//! Inbound messages of all accounts, and those that belong to none.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode, Uri};
use model::error::{ErrorCode, Refusal};
use model::{InboundAddress, InboundEncoding, InboundMessage, MessageId, Originator, Owner};
use pipeline::inbound::GAP;
use pipeline::refusal::refused_by_store;
use serde::Deserialize;
use serde_json::{Value, json as object};
use store::contract::inbound::InboundFilter;

use super::input::{self, not_there, path};
use super::optouts::owner;
use super::{Admin, Answered, Shared, json};
use api::http::log::About;
use api::http::query::Parameters;
use api::list::{cursor, limit, time};
use api::view::{InboundView, Ucs2View, ucs2_view};

pub(super) async fn list(State(admin): Shared, uri: Uri) -> Response<Body> {
    let listed = listed(&admin, &Parameters::parse(uri.query())).await;
    admin.answer(listed)
}

async fn listed(admin: &Admin, given: &Parameters) -> Answered {
    let to = |text: &str| Originator::parse(text).map_err(|_| input::no_address("to"));
    let filter = InboundFilter {
        from: given.get("from").map(InboundAddress::of),
        to: given.get("to").map(to).transpose()?,
        since: time(given, "after")?,
        before: time(given, "before")?,
    };
    let (after, limit) = (cursor(given, |text| text.parse().ok())?, limit(given)?);
    let owner = some_owner(admin, given)?;
    let page = admin.pipeline.store().inbound_messages(owner, filter, after, limit).await.map_err(refused_by_store)?;
    let data: Vec<Value> = page.messages.iter().map(|message| view(admin, message)).collect();
    json(StatusCode::OK, &object!({ "data": data, "nextCursor": page.next.map(|id| id.to_string()) }))
}

/// Whose messages are meant; `None` for all.
fn some_owner(admin: &Admin, given: &Parameters) -> Result<Option<Owner>, Refusal> {
    match (given.get("accountId"), given.get("mode")) {
        (None, None) => Ok(None),
        (account, mode) => owner(admin, account, mode).map(Some),
    }
}

pub(super) async fn unrouted(State(admin): Shared, uri: Uri) -> Response<Body> {
    let listed = unrouted_listed(&admin, &Parameters::parse(uri.query())).await;
    admin.answer(listed)
}

async fn unrouted_listed(admin: &Admin, given: &Parameters) -> Answered {
    let (after, limit) = (cursor(given, |text| text.parse().ok())?, limit(given)?);
    let page = admin.pipeline.store().unrouted(after, limit).await.map_err(refused_by_store)?;
    let data: Vec<Value> = page.messages.iter().map(|unrouted| view_unrouted(admin, &unrouted.message)).collect();
    json(StatusCode::OK, &object!({ "data": data, "nextCursor": page.next.map(|id| id.to_string()) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AssignInput {
    account_id: Option<String>,
    mode: Option<String>,
}

pub(super) async fn assign(
    State(admin): Shared,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response<Body> {
    let assigned = assigned(&admin, id, request).await;
    admin.answer(assigned)
}

async fn assigned(admin: &Admin, id: Result<Path<String>, PathRejection>, request: Request) -> Answered {
    let id: MessageId = path(id, |text| text.parse().ok())?;
    let input: AssignInput = input::body(admin, request).await?;
    let owner = owner(admin, input.account_id.as_deref(), input.mode.as_deref())?;
    let message = admin.pipeline.assign_unrouted(id, owner).await.map_err(not_there)?;
    let mut response = json(StatusCode::OK, &view(admin, &message))?;
    response.extensions_mut().insert(About(message.id));
    Ok(response)
}

/// An inbound message in answer to the operator's question for one by its id.
pub(super) async fn shown(admin: &Admin, id: MessageId) -> Answered {
    let message = admin.pipeline.store().inbound_of_any_account(id).await.map_err(refused_by_store)?;
    let mut view = view(admin, &*message.ok_or(ErrorCode::NotFound)?);
    view["events"] = Value::Array(Vec::new());
    let mut response = json(StatusCode::OK, &view)?;
    response.extensions_mut().insert(About(id));
    Ok(response)
}

/// What a client sees, and what is the operator's: whose it is, and who brought it.
fn view(admin: &Admin, message: &InboundMessage) -> Value {
    let mut view = view_unrouted(admin, message);
    view["accountId"] = message.account.to_string().into();
    view["mode"] = message.mode.as_str().into();
    view
}

/// The same of a message that is no account's.
fn view_unrouted(admin: &Admin, message: &InboundMessage) -> Value {
    let mut view = object!(InboundView::of(message, &admin.links, admin.runtime.now()));
    view["carrier"] = message.carrier.as_str().into();
    let characters = ucs2_characters(message);
    if !characters.is_empty() {
        view["ucs2Characters"] = object!(characters);
    }
    view
}

/// The characters for which a text came as UCS-2. None where the handset chose UCS-2 for a text that GSM-7 has.
fn ucs2_characters(message: &InboundMessage) -> Vec<Ucs2View> {
    match (message.encoding, message.body.text()) {
        (InboundEncoding::Ucs2, Some(text)) if message.is_partial() => ucs2_view(&without_gaps(text)),
        (InboundEncoding::Ucs2, Some(text)) => ucs2_view(text),
        _ => Vec::new(),
    }
}

/// A text in which what stands for missing parts is in GSM-7, with every character in its place.
fn without_gaps(text: &str) -> String {
    text.replace(GAP, &".".repeat(GAP.chars().count()))
}
