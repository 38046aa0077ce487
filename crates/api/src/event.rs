//! `GET /event`. The resource of an event is shown as `GET` showed it at that moment.

use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, Uri};
use model::error::Refusal;
use model::{EventId, EventType, MessageId, OptOut, Timestamp};
use pipeline::tenants::Caller;
use pipeline::webhook::{Form, Render};
use serde_json::json;
use store::contract::webhooks::{EventContent, EventRecord, EventsAfter};
use store::{Store, StoreError};

use super::links::MediaLinks;
use super::list::{LIMIT_DEFAULT, LIMIT_MAX, parsed};
use super::view::{BroadcastView, InboundView, MessageView};
use super::{Api, Shared, twilio};
use crate::http::json as answer;
use crate::http::query::Parameters;

/// Shows resources of events as the API shows them.
pub struct Shown {
    store: Arc<dyn Store>,
    links: MediaLinks,
}

impl Shown {
    /// One that reads from this store what an event does not have itself, and makes links to media.
    pub fn new(store: Arc<dyn Store>, links: MediaLinks) -> Self {
        Self { store, links }
    }

    /// An inbound message, as `GET /message/{id}` shows it. Its links are those of an answer of the event's time.
    async fn inbound(&self, event: &EventRecord, id: MessageId) -> Result<Option<String>, StoreError> {
        let message = self.store.inbound_message(event.owner, id).await?;
        Ok(message.map(|message| InboundView::of(&message, &self.links, event.at).to_json()))
    }
}

#[async_trait]
impl Render for Shown {
    async fn data(&self, event: &EventRecord) -> Result<Option<String>, StoreError> {
        Ok(Some(match &event.content {
            EventContent::Message(record) => MessageView::of(&record.message, &record.delivery).to_json(),
            EventContent::Broadcast(record) => BroadcastView::of(record).to_json(),
            EventContent::Inbound(id) => return self.inbound(event, *id).await,
            EventContent::OptOut(opt_out) => opt_out_data(opt_out),
            EventContent::Webhook { id, reason } => {
                let mut view = json!({ "webhookId": id.to_string() });
                if let Some(reason) = reason {
                    view["disabledReason"] = reason.as_str().into();
                    view["disabledAt"] = event.at.to_string().into();
                }
                view.to_string()
            }
        }))
    }

    async fn form(&self, event: &EventRecord) -> Result<Option<Form>, StoreError> {
        Ok(match &event.content {
            EventContent::Message(record) => Some(twilio::of_status(record)),
            EventContent::Inbound(id) => {
                let message = self.store.inbound_message(event.owner, *id).await?;
                message.map(|message| twilio::of_inbound(&message, &self.links, event.at))
            }
            EventContent::Webhook { reason: None, .. } => Some(twilio::of_test(event.owner)),
            EventContent::Broadcast(_) | EventContent::OptOut(_) | EventContent::Webhook { .. } => None,
        })
    }
}

fn opt_out_data(opt_out: &OptOut) -> String {
    json!({
        "number": opt_out.name.number.to_string(),
        "from": opt_out.name.from.map(|from| from.to_string()),
        "source": opt_out.source.as_str(),
        "keyword": opt_out.keyword.as_deref(),
        "messageId": opt_out.message.map(|id| id.to_string()),
    })
    .to_string()
}

pub(super) async fn list(State(api): Shared, Extension(caller): Extension<Caller>, uri: Uri) -> Response<Body> {
    let listed = listed(&api, &caller, &uri).await;
    api.answer(listed)
}

async fn listed(api: &Api, caller: &Caller, uri: &Uri) -> Result<Response<Body>, Refusal> {
    let given = Parameters::parse(uri.query());
    let limit = limit(&given)?;
    let kind = kind(&given)?;
    let after = parsed(given.get("after"), "after", "a time as in RFC 3339, or the id of an event", after)?;
    let cursor = parsed(given.get("cursor"), "cursor", "a nextCursor of an earlier page", |text| text.parse().ok())?;
    let follow = parsed(given.get("follow"), "follow", "true or false", |text| text.parse().ok())?;
    let after = cursor.map(EventsAfter::Seq).or(after);
    let webhooks = api.pipeline.webhooks();
    let (events, next) = webhooks.events(caller.owner(), kind, after, limit, follow.unwrap_or(false)).await?;
    let events: Vec<String> = events.into_iter().map(|(_, event)| event).collect();
    let next = next.map_or_else(|| "null".to_owned(), |next| format!("\"{next}\""));
    Ok(answer(format!("{{\"data\":[{}],\"nextCursor\":{next}}}", events.join(","))))
}

/// The number of items on a page.
pub(super) fn limit(given: &Parameters) -> Result<usize, Refusal> {
    let limit = parsed(given.get("limit"), "limit", "an integer from 1 to 100", |text| {
        text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit))
    })?;
    Ok(limit.unwrap_or(LIMIT_DEFAULT))
}

/// The type of events that a list is narrowed to.
pub(super) fn kind(given: &Parameters) -> Result<Option<EventType>, Refusal> {
    parsed(given.get("type"), "type", "the name of a type of events", EventType::parse)
}

fn after(text: &str) -> Option<EventsAfter> {
    match EventId::from_str(text) {
        Ok(id) => Some(EventsAfter::Seq(id.seq())),
        Err(_) => Timestamp::parse(text).map(EventsAfter::Time),
    }
}
