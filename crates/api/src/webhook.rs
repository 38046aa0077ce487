//! `/webhook`: endpoints of an account, their secrets, deliveries, tests and replays.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode, Uri};
use model::error::{AdditionalInfo, ErrorCode, Refusal};
use model::webhook::{Format, Ordering, Subscription, Webhook};
use model::{EventId, Owner, Timestamp, WebhookId};
use openapi::BASE;
use pipeline::tenants::Caller;
use pipeline::webhook::{NewWebhook, Webhooks};
use serde_json::{Value, json};
use store::contract::webhooks::{Delivery, DeliveryAttempt, DeliveryState, Endpoint, ReplayOf, WebhookChange};

use super::event::{kind, limit};
use super::fields::webhook::{ReplayFields, WebhookFields, of_replay, of_webhook};
use super::fields::wrong_type;
use super::handling::Handling;
use super::list::parsed;
use super::message::created_at;
use super::{Api, Shared};
use crate::http::head::require_json;
use crate::http::json as answer;
use crate::http::query::Parameters;

/// The longest description of an endpoint, in characters.
const DESCRIPTION_MAX: usize = 200;

/// The most events that one replay names.
const EVENT_IDS_MAX: usize = 100;

type Id = Result<Path<String>, PathRejection>;

pub(super) async fn create(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response<Body> {
    let mut handling = Handling::of(request.headers());
    let created = created(&api, &caller, request, &mut handling).await;
    handling.told(api.answer(created))
}

async fn created(
    api: &Api,
    caller: &Caller,
    request: Request,
    handling: &mut Handling,
) -> Result<Response<Body>, Refusal> {
    let fields = handling.keep(of_webhook(&body(api, request).await?)?)?;
    let url = fields.url.clone().filter(|url| !url.trim().is_empty());
    let url = url.ok_or_else(|| missing(vec!["url"]))?;
    let format = format(&fields)?.unwrap_or_default();
    let WebhookChange { events, description, active, ordering, broadcast_messages, .. } = change_of(fields)?;
    let new = NewWebhook {
        url,
        events: events.unwrap_or_default(),
        description: description.flatten(),
        active: active.unwrap_or(true),
        ordering: ordering.unwrap_or_default(),
        broadcast_messages: broadcast_messages.unwrap_or(false),
        format,
    };
    let (webhook, secret) = api.pipeline.webhooks().create(caller.owner(), new).await?;
    let mut view = view_of(&webhook);
    view["secret"] = secret.reveal().into();
    Ok(created_at(&format!("{BASE}/webhook/{}", webhook.id), view.to_string()))
}

pub(super) async fn list(State(api): Shared, Extension(caller): Extension<Caller>) -> Response<Body> {
    let webhooks = api.pipeline.webhooks();
    let listed = webhooks.list(Some(caller.owner())).await.map(|endpoints| {
        let data: Vec<Value> = endpoints.iter().map(|endpoint| endpoint_view(webhooks, endpoint)).collect();
        answer(json!({ "data": data, "nextCursor": null }).to_string())
    });
    api.answer(listed)
}

pub(super) async fn show(State(api): Shared, Extension(caller): Extension<Caller>, id: Id) -> Response<Body> {
    let shown = shown(&api, &caller, id).await;
    api.answer(shown)
}

async fn shown(api: &Api, caller: &Caller, id: Id) -> Result<Response<Body>, Refusal> {
    let endpoint = api.pipeline.webhooks().find(caller.owner(), named(id)?).await?;
    Ok(answer(endpoint_view(api.pipeline.webhooks(), &endpoint).to_string()))
}

pub(super) async fn change(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    id: Id,
    request: Request,
) -> Response<Body> {
    let mut handling = Handling::of(request.headers());
    let changed = changed(&api, &caller, id, request, &mut handling).await;
    handling.told(api.answer(changed))
}

async fn changed(
    api: &Api,
    caller: &Caller,
    id: Id,
    request: Request,
    handling: &mut Handling,
) -> Result<Response<Body>, Refusal> {
    let id = named(id)?;
    let fields = handling.keep(of_webhook(&body(api, request).await?)?)?;
    if fields.url.as_deref().is_some_and(|url| url.trim().is_empty()) {
        return Err(missing(vec!["url"]));
    }
    let format = format(&fields)?;
    let change = change_of(fields)?;
    let endpoint = api.pipeline.webhooks().find(caller.owner(), id).await?;
    if format.is_some_and(|format| format != endpoint.webhook.format) {
        return Err(wrong_type("format", "the format with which the endpoint was made: it does not change"));
    }
    api.pipeline.webhooks().change(caller.owner(), id, change).await?;
    let endpoint = api.pipeline.webhooks().find(caller.owner(), id).await?;
    Ok(answer(endpoint_view(api.pipeline.webhooks(), &endpoint).to_string()))
}

pub(super) async fn remove(State(api): Shared, Extension(caller): Extension<Caller>, id: Id) -> Response<Body> {
    let removed = removed(&api, &caller, id).await;
    api.answer(removed)
}

async fn removed(api: &Api, caller: &Caller, id: Id) -> Result<Response<Body>, Refusal> {
    api.pipeline.webhooks().remove(caller.owner(), named(id)?).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

pub(super) async fn secret(State(api): Shared, Extension(caller): Extension<Caller>, id: Id) -> Response<Body> {
    let secret = match named(id) {
        Ok(id) => api.pipeline.webhooks().secret(caller.owner(), id).await,
        Err(refusal) => Err(refusal),
    };
    api.answer(secret.map(|secret| answer(json!({ "secret": secret.reveal() }).to_string())))
}

pub(super) async fn rotate(State(api): Shared, Extension(caller): Extension<Caller>, id: Id) -> Response<Body> {
    let secret = match named(id) {
        Ok(id) => api.pipeline.webhooks().rotate(caller.owner(), id).await,
        Err(refusal) => Err(refusal),
    };
    api.answer(secret.map(|secret| answer(json!({ "secret": secret.reveal() }).to_string())))
}

pub(super) async fn test(State(api): Shared, Extension(caller): Extension<Caller>, id: Id) -> Response<Body> {
    let tested = tested(&api, &caller, id).await;
    api.answer(tested)
}

async fn tested(api: &Arc<Api>, caller: &Caller, id: Id) -> Result<Response<Body>, Refusal> {
    let (event, attempt) = api.pipeline.webhooks().test(caller.owner(), named(id)?).await?;
    let mut view = attempt_view(&attempt);
    view["eventId"] = event.id.to_string().into();
    Ok(answer(view.to_string()))
}

pub(super) async fn deliveries(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    id: Id,
    uri: Uri,
) -> Response<Body> {
    let listed = listed(&api, &caller, id, &uri).await;
    api.answer(listed)
}

async fn listed(api: &Api, caller: &Caller, id: Id, uri: &Uri) -> Result<Response<Body>, Refusal> {
    let (id, given) = (named(id)?, Parameters::parse(uri.query()));
    Ok(answer(deliveries_of(api.pipeline.webhooks(), caller.owner(), id, &given).await?.to_string()))
}

/// The deliveries of an endpoint that a query asks for.
pub async fn deliveries_of(
    webhooks: &Webhooks,
    owner: Owner,
    id: WebhookId,
    given: &Parameters,
) -> Result<Value, Refusal> {
    let limit = limit(given)?;
    let state = parsed(given.get("status"), "status", STATES, DeliveryState::parse)?;
    let kind = kind(given)?;
    let before = parsed(given.get("cursor"), "cursor", "a nextCursor of an earlier page", |text| text.parse().ok())?;
    let page = webhooks.deliveries(owner, id, state, kind, before, limit).await?;
    let data: Vec<Value> = page.deliveries.iter().map(|delivery| delivery_view(webhooks, delivery)).collect();
    Ok(json!({ "data": data, "nextCursor": page.next.map(|next| next.to_string()) }))
}

pub(super) async fn replay(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    id: Id,
    request: Request,
) -> Response<Body> {
    let mut handling = Handling::of(request.headers());
    let replayed = replayed(&api, &caller, id, request, &mut handling).await;
    handling.told(api.answer(replayed))
}

async fn replayed(
    api: &Api,
    caller: &Caller,
    id: Id,
    request: Request,
    handling: &mut Handling,
) -> Result<Response<Body>, Refusal> {
    let id = named(id)?;
    let of = replay_of(&handling.keep(of_replay(&body(api, request).await?)?)?)?;
    api.pipeline.webhooks().replay(caller.owner(), id, of).await?;
    let mut response = answer(json!({ "replaying": true }).to_string());
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

const STATES: &str = "pending, succeeded or failed";

/// The parameters of a replay: events by their ids, or those of a time.
pub fn replay_of(fields: &ReplayFields) -> Result<ReplayOf, Refusal> {
    let time = |field, given: &Option<String>| parsed(given.as_deref(), field, RFC_3339, Timestamp::parse);
    if let Some(ids) = &fields.event_ids {
        if fields.since.is_some() {
            return Err(wrong_type("eventIds", "the only field if it is given"));
        }
        let expected = "1 to 100 ids of events";
        let read: Option<Vec<EventId>> = ids.iter().map(|id| id.parse().ok()).collect();
        let ids = read.filter(|ids| (1..=EVENT_IDS_MAX).contains(&ids.len()));
        return ids.map(ReplayOf::Events).ok_or_else(|| wrong_type("eventIds", expected));
    }
    let since = time("since", &fields.since)?.ok_or_else(|| missing(vec!["since", "eventIds"]))?;
    let state = parsed(fields.status.as_deref(), "status", STATES, DeliveryState::parse)?;
    Ok(ReplayOf::Range { since, until: time("until", &fields.until)?, state })
}

const RFC_3339: &str = "a time as in RFC 3339";

async fn body(api: &Api, request: Request) -> Result<bytes::Bytes, Refusal> {
    let (head, body) = request.into_parts();
    require_json(&head.headers)?;
    api.body(body, api.body_limits).await
}

/// The format that a body names.
fn format(fields: &WebhookFields) -> Result<Option<Format>, Refusal> {
    parsed(fields.format.as_deref(), "format", "json or twilio", Format::parse)
}

/// The content of a body about an endpoint.
fn change_of(fields: WebhookFields) -> Result<WebhookChange, Refusal> {
    let WebhookFields { url, description, ordering, events, active, broadcast_messages, format: _ } = fields;
    let ordering = parsed(ordering.as_deref(), "ordering", "message, strict or none", Ordering::parse)?;
    let expected = "1 to 32 names of events, or their beginnings with .*, or *";
    let subscription = |events: &Vec<String>| Subscription::parse(events.iter().map(String::as_str));
    let events = match events.as_ref().map(subscription) {
        Some(None) => return Err(wrong_type("events", expected)),
        Some(Some(events)) => Some(events),
        None => None,
    };
    if description.as_ref().is_some_and(|text| text.chars().count() > DESCRIPTION_MAX) {
        return Err(wrong_type("description", "at most 200 characters"));
    }
    // An empty description takes away the one that there was.
    let description = description.map(|text| Some(text).filter(|text| !text.is_empty()).map(Arc::from));
    Ok(WebhookChange { url: url.map(Arc::from), events, description, active, ordering, broadcast_messages })
}

fn missing(fields: Vec<&'static str>) -> Refusal {
    Refusal::new(ErrorCode::MissingRequiredField).with_info(AdditionalInfo::Fields(fields))
}

/// The endpoint in a path; an invalid id names nothing.
fn named(id: Id) -> Result<WebhookId, Refusal> {
    id.ok().and_then(|Path(text)| text.parse().ok()).ok_or_else(|| ErrorCode::NotFound.into())
}

/// An endpoint as its account describes it.
fn view_of(webhook: &Webhook) -> Value {
    let events: Vec<&str> = webhook.events.patterns().iter().map(|pattern| &**pattern).collect();
    let mut view = json!({ "id": webhook.id.to_string(), "url": &*webhook.url, "events": events });
    if let Some(description) = &webhook.description {
        view["description"] = json!(&**description);
    }
    view["active"] = webhook.active.into();
    view["ordering"] = webhook.ordering.as_str().into();
    view["broadcastMessages"] = webhook.broadcast_messages.into();
    view["format"] = webhook.format.as_str().into();
    view["createdAt"] = webhook.created_at.to_string().into();
    if let Some((reason, at)) = webhook.disabled {
        view["disabledReason"] = reason.as_str().into();
        view["disabledAt"] = at.to_string().into();
    }
    view
}

/// An endpoint and its progress.
pub fn endpoint_view(webhooks: &Webhooks, endpoint: &Endpoint) -> Value {
    let mut view = view_of(&endpoint.webhook);
    if let Some(failing) = endpoint.failing {
        view["failingSince"] = webhooks.due_at(failing.since).to_string().into();
    }
    view["backlog"] = endpoint.last.saturating_sub(endpoint.position).into();
    view
}

fn delivery_view(webhooks: &Webhooks, delivery: &Delivery) -> Value {
    let attempts: Vec<Value> = delivery.attempts.iter().map(attempt_view).collect();
    let mut view = json!({
        "eventId": delivery.event.to_string(),
        "type": delivery.kind.as_str(),
        "timestamp": delivery.at.to_string(),
        "status": delivery.state.as_str(),
        "attempts": attempts,
    });
    if let Some(due_at) = delivery.due_at {
        view["nextAttemptAt"] = webhooks.due_at(due_at).to_string().into();
    }
    view
}

fn attempt_view(attempt: &DeliveryAttempt) -> Value {
    json!({
        "at": attempt.at.to_string(),
        "httpStatus": attempt.status,
        "cause": attempt.cause.as_deref(),
        "durationMs": attempt.took_ms,
        "response": &*attempt.response,
    })
}
