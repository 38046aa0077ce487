//! Messages of all accounts, and the whole life of one.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode, Uri};
use model::event::{Event, EventKind};
use model::{MessageId, MessageRecord, Mode, SenderKinds, Status};
use pipeline::refusal::refused_by_store;
use serde_json::{Value, json as object};

use super::input::{account_of, meaning, path};
use super::{Admin, Answered, Shared, inbound, json};
use crate::api::list::Query;
use crate::api::view::MessageView;
use crate::http::log::About;
use crate::http::query::Parameters;

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
        .messages(None, query.filter, query.after, query.limit)
        .await
        .map_err(refused_by_store)?;
    let data: Vec<Value> = page.messages.iter().map(view).collect();
    json(StatusCode::OK, &object!({ "data": data, "nextCursor": page.next.map(|id| id.to_string()) }))
}

pub(super) async fn show(State(admin): Shared, id: Result<Path<String>, PathRejection>) -> Response<Body> {
    let shown = shown(&admin, id).await;
    admin.answer(shown)
}

/// A message with its numbers and its text, also for those who see them masked elsewhere. The audit log has who looked.
pub(super) async fn reveal(State(admin): Shared, id: Result<Path<String>, PathRejection>) -> Response<Body> {
    let shown = shown(&admin, id).await;
    admin.answer(shown)
}

async fn shown(admin: &Admin, id: Result<Path<String>, PathRejection>) -> Answered {
    let id: MessageId = path(id, |text| text.parse().ok())?;
    let store = admin.pipeline.store();
    let Some(record) = store.message_of_any_account(id).await.map_err(refused_by_store)? else {
        return inbound::shown(admin, id).await;
    };
    let events = store.events(id).await.map_err(refused_by_store)?;
    let mut message = view(&record);
    message["events"] = events.iter().map(event).collect();
    if record.delivery.status == Status::Sent {
        let unmatched = store.count_unmatched(record.delivery.carrier.as_str()).await.map_err(refused_by_store)?;
        message["unmatchedReceipts"] = unmatched.into();
        message["receiptNote"] = receipt_note(&events, unmatched).into();
    }
    let mut response = json(StatusCode::OK, &message)?;
    response.extensions_mut().insert(About(id));
    Ok(response)
}

/// What a client sees, and what is the operator's: whose it is, with whom, how often tried, until when.
fn view(record: &MessageRecord) -> Value {
    let mut view = object!(MessageView::of(&record.message, &record.delivery));
    view["accountId"] = record.message.account.to_string().into();
    view["mode"] = record.message.mode.as_str().into();
    view["carrier"] = record.delivery.carrier.as_str().into();
    view["attempts"] = record.delivery.attempts.into();
    view["unknownOutcomes"] = record.delivery.unknown_outcomes.into();
    view["held"] = record.delivery.held.into();
    view["expiresAt"] = record.message.expires_at.to_string().into();
    view
}

/// Why a message may still be only sent.
fn receipt_note(events: &[Event], unmatched: u64) -> String {
    let known = if events.iter().any(|event| event.kind == EventKind::Receipt) {
        "no final receipt for every segment yet"
    } else {
        "no receipt yet"
    };
    let plural = if unmatched == 1 { "" } else { "s" };
    format!("{known}; {unmatched} unmatched receipt{plural} from this carrier")
}

fn event(event: &Event) -> Value {
    object!({
        "at": event.at.to_string(),
        "event": event.kind.as_str(),
        "carrier": event.carrier.as_deref(),
        "attempt": event.attempt,
        "detail": event.detail,
    })
}
