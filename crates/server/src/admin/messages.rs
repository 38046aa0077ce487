//! Messages of all accounts, and the whole life of one.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode, Uri};
use carrier::trace::Traced;
use model::error::Refusal;
use model::event::{Event, EventKind};
use model::idempotency::IdempotencyKey;
use model::message::MessageType;
use model::{Message, MessageId, MessageRecord, Mode, Originator, SenderKinds, Status};
use pipeline::refusal::refused_by_store;
use serde_json::{Value, json as object};
use store::contract::messages::{MessageFilter, Reference};
use wire::gsm::Cut;
use wire::receipt::id::canonical;

use super::input::{account_of, address, meaning, path};
use super::{Admin, Answered, Shared, carriers, inbound, json};
use api::http::log::About;
use api::http::query::Parameters;
use api::list::Query;
use api::view::MessageView;

/// How many messages that a carrier or a request named so are looked up.
const NAMED_MAX: usize = 20;

pub(super) async fn list(State(admin): Shared, uri: Uri) -> Response<Body> {
    let listed = listed(&admin, &Parameters::parse(uri.query())).await;
    admin.answer(listed)
}

async fn listed(admin: &Admin, given: &Parameters) -> Answered {
    let mut query = Query::read(given, SenderKinds::ALL)?;
    query.filter.account =
        given.get("accountId").map(|text| meaning(text, "accountId", "one that exists", account_of)).transpose()?;
    query.filter.either = given.get("number").map(|text| address(text, "number")).transpose()?;
    query.filter.mode = given.get("mode").map(|text| meaning(text, "mode", "live or test", Mode::parse)).transpose()?;
    let named = named(admin, given, &query).await?;
    let page = admin
        .pipeline
        .store()
        .messages(None, query.filter, query.after, query.limit)
        .await
        .map_err(refused_by_store)?;
    let mut found = named;
    found.extend(page.messages);
    found.sort_by_key(|record| std::cmp::Reverse(record.message.id));
    let data: Vec<Value> = found.iter().map(view).collect();
    json(StatusCode::OK, &object!({ "data": data, "nextCursor": page.next.map(|id| id.to_string()) }))
}

/// Messages that a carrier named as `reference` says, or a request of the account by its idempotency key. They are on
/// the first page, beside those whose client named them so.
async fn named(admin: &Admin, given: &Parameters, query: &Query) -> Result<Vec<MessageRecord>, Refusal> {
    let Some(text) = given.get("reference").filter(|_| query.after.is_none()) else { return Ok(Vec::new()) };
    let account = query.filter.account;
    let reference = Reference {
        carriers: admin.pipeline.carriers().iter().map(|(carrier, _)| carrier.name().into()).collect(),
        keys: vec![canonical(text)],
        idempotency: account.and_then(|account| Some((account, IdempotencyKey::parse(text).ok()?))),
    };
    let found = admin.pipeline.store().messages_named(reference, NAMED_MAX).await.map_err(refused_by_store)?;
    Ok(found.into_iter().filter(|record| passes(&query.filter, record)).collect())
}

/// Whether a filter lets a message pass that has its reference in another sense.
fn passes(filter: &MessageFilter, record: &MessageRecord) -> bool {
    let MessageRecord { message, delivery } = record;
    let is_number = |number: Originator| {
        message.originator == number || matches!(number, Originator::Number(number) if number == message.recipient)
    };
    message.client_reference != filter.reference
        && filter.account.is_none_or(|account| message.account == account)
        && filter.mode.is_none_or(|mode| message.mode == mode)
        && filter.status.is_none_or(|status| delivery.status == status)
        && filter.direction.is_none_or(|direction| message.direction == direction)
        && filter.recipient.is_none_or(|number| message.recipient == number)
        && filter.originator.is_none_or(|number| message.originator == number)
        && filter.either.is_none_or(is_number)
        && filter.broadcast.is_none_or(|broadcast| message.broadcast == Some(broadcast))
        && filter.from.is_none_or(|from| message.created_at >= from)
        && filter.before.is_none_or(|before| message.created_at < before)
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
    message["pdus"] = pdus(admin, id);
    if let Some(characters) = segment_characters(&record.message) {
        message["segmentCharacters"] = characters.into();
    }
    if let Some(waits) = admin.pipeline.waits_for(&record, &events).await.map_err(refused_by_store)? {
        message["waitsFor"] = object!({
            "reason": waits.reason.as_str(), "sentence": waits.sentence, "since": waits.since.to_string(),
            "nextTryAt": waits.next_try_at.map(|at| at.to_string()),
        });
    }
    if record.delivery.status == Status::Sent {
        let unmatched = store.count_unmatched(record.delivery.carrier.as_str()).await.map_err(refused_by_store)?;
        message["unmatchedReceipts"] = unmatched.into();
        message["receiptNote"] = receipt_note(&events, unmatched).into();
    }
    let mut response = json(StatusCode::OK, &message)?;
    response.extensions_mut().insert(About(id));
    Ok(response)
}

/// Cancels a message that waits, as its client can.
pub(super) async fn cancel(State(admin): Shared, id: Result<Path<String>, PathRejection>) -> Response<Body> {
    let canceled = canceled(&admin, id).await;
    admin.answer(canceled)
}

async fn canceled(admin: &Admin, id: Result<Path<String>, PathRejection>) -> Answered {
    let id: MessageId = path(id, |text| text.parse().ok())?;
    let record = admin.pipeline.cancel_message(None, id).await?;
    let mut response = json(StatusCode::OK, &view(&record))?;
    response.extensions_mut().insert(About(id));
    Ok(response)
}

/// How many characters each segment has, if a carrier cuts the text as `segments` counts it. `None` for an MMS, and
/// without a text.
fn segment_characters(message: &Message) -> Option<Vec<usize>> {
    let text = message.body.as_deref().filter(|_| message.kind == MessageType::Sms)?;
    let segments = wire::gsm::cut(text, message.encoding, Cut::Udh8).ok()?;
    Some(segments.iter().map(|segment| segment.characters(message.encoding)).collect())
}

/// Its PDUs, as far as they were traced at this node.
fn pdus(admin: &Admin, id: MessageId) -> Value {
    let carriers = admin.pipeline.carriers();
    let traced = carriers.iter().filter_map(|(carrier, _)| Some((carrier.name(), carrier.insight()?)));
    let mut pdus: Vec<_> = traced
        .flat_map(|(name, insight)| insight.trace.of_message(id).into_iter().map(move |pdu| (name, pdu)))
        .collect();
    pdus.sort_by_key(|(_, pdu)| pdu.at);
    let view = |(carrier, traced): (&str, Arc<Traced>)| {
        let mut view = carriers::trace::pdu(&traced);
        view["carrier"] = carrier.into();
        view
    };
    pdus.into_iter().map(view).collect()
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
