//! `GET /message`: a page of messages in both directions, newest first.
//!
//! Outbound and inbound messages are two lists of the store, whose ids are of one order. A page is made of a page of
//! each; the cursor is an id, so that it means the same place in both.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, Uri};
use model::error::{ErrorCode, Refusal};
use model::message::Direction;
use model::{
    InboundAddress, InboundMessage, MessageId, MessageRecord, Originator, Owner, SenderKinds, Status, Timestamp,
};
use pipeline::refusal::refused_by_store;
use pipeline::tenants::Caller;
use serde::Serialize;
use store::contract::inbound::InboundFilter;
use store::contract::messages::MessageFilter;
use store::{Store, StoreError};

use super::links::MediaLinks;
use super::list::{broadcast, cursor, limit, originator, parsed, reference, time};
use super::view::{InboundView, MessageView};
use super::{Api, Shared};
use crate::http::json;
use crate::http::query::Parameters;

pub(super) async fn messages(State(api): Shared, Extension(caller): Extension<Caller>, uri: Uri) -> Response<Body> {
    let listed = listed(&api, &caller, &uri).await;
    api.answer(listed)
}

async fn listed(api: &Arc<Api>, caller: &Caller, uri: &Uri) -> Result<Response<Body>, Refusal> {
    let query = Query::read(&Parameters::parse(uri.query()), api.pipeline.sender_kinds())?;
    let (found, next) = query.look(&**api.pipeline.store(), caller.owner()).await.map_err(refused_by_store)?;
    let now = api.runtime.now();
    let data = found.iter().map(|entry| entry.view(&api.links, now)).collect();
    let view = PageView { data, next_cursor: next.map(|id| id.to_string()) };
    serde_json::to_string(&view).map(json).map_err(|error| Refusal::new(ErrorCode::UnexpectedError).caused_by(error))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageView<'a> {
    data: Vec<EntryView<'a>>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum EntryView<'a> {
    Outbound(MessageView<'a>),
    Inbound(InboundView<'a>),
}

/// A message of either direction.
pub(super) enum Entry {
    Outbound(Box<MessageRecord>),
    Inbound(Arc<InboundMessage>),
}

impl Entry {
    fn view(&self, links: &MediaLinks, now: Timestamp) -> EntryView<'_> {
        match self {
            Self::Outbound(record) => EntryView::Outbound(MessageView::of(&record.message, &record.delivery)),
            Self::Inbound(message) => EntryView::Inbound(InboundView::of(message, links, now)),
        }
    }
}

/// The filters of a list: for outbound messages and for inbound ones, `None` for none.
pub(super) struct Query {
    pub(super) outbound: Option<MessageFilter>,
    pub(super) inbound: Option<InboundFilter>,
    pub after: Option<MessageId>,
    pub limit: usize,
}

/// A status that a message of either direction has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Received,
    Outbound(Status),
}

impl Wanted {
    fn parse(text: &str) -> Option<Self> {
        if text == "received" { Some(Self::Received) } else { Status::parse(text).map(Self::Outbound) }
    }
}

impl Query {
    /// Reads the parameters, with senders of these kinds. Unknown ones are ignored. A filter that only
    /// outbound messages can pass leaves inbound ones out, and the other way round.
    fn read(given: &Parameters, kinds: SenderKinds) -> Result<Self, Refusal> {
        let direction = parsed(given.get("direction"), "direction", "outbound or inbound", Direction::parse)?;
        let statuses = "scheduled, queued, sent, delivered, undelivered, failed, canceled or received";
        let status = parsed(given.get("status"), "status", statuses, Wanted::parse)?;
        let (broadcast, reference) = (broadcast(given)?, reference(given.get("reference"))?);
        let (since, before) = (time(given, "after")?, time(given, "before")?);
        let outbound = direction != Some(Direction::Inbound) && status != Some(Wanted::Received);
        let inbound = direction != Some(Direction::Outbound)
            && !matches!(status, Some(Wanted::Outbound(_)))
            && broadcast.is_none()
            && reference.is_none();
        // Handsets write from addresses of every form; a list of inbound messages alone takes any.
        let (to, from) = if outbound {
            let from = originator("from", given.get("from"), kinds)?;
            (originator("to", given.get("to"), kinds)?, from.map(InboundAddress::from))
        } else {
            (originator("to", given.get("to"), SenderKinds::ALL)?, given.get("from").map(InboundAddress::of))
        };
        let recipient = match to {
            Some(Originator::Number(number)) => Some(number),
            _ => None,
        };
        let outbound = (outbound && recipient.is_some() == to.is_some()).then(|| MessageFilter {
            status: status.and_then(|status| match status {
                Wanted::Outbound(status) => Some(status),
                Wanted::Received => None,
            }),
            recipient,
            originator: from.as_ref().and_then(InboundAddress::known),
            broadcast,
            reference,
            from: since,
            before,
            ..MessageFilter::default()
        });
        let inbound = inbound.then_some(InboundFilter { from, to, since, before });
        Ok(Self { outbound, inbound, after: cursor(given, |text| text.parse().ok())?, limit: limit(given)? })
    }

    /// The page, and the start of the next one.
    pub(super) async fn look(
        self,
        store: &dyn Store,
        owner: Owner,
    ) -> Result<(Vec<Entry>, Option<MessageId>), StoreError> {
        let Self { outbound, inbound, after, limit } = self;
        let sent = async {
            let Some(filter) = outbound else { return Ok((Vec::new(), None)) };
            let page = store.messages(Some(owner), filter, after, limit).await?;
            let entries = page.messages.into_iter();
            Ok((entries.map(|record| (record.message.id, Entry::Outbound(record.into()))).collect(), page.next))
        };
        let received = async {
            let Some(filter) = inbound else { return Ok((Vec::new(), None)) };
            let page = store.inbound_messages(Some(owner), filter, after, limit).await?;
            let entries = page.messages.into_iter();
            Ok((entries.map(|message| (message.id, Entry::Inbound(message))).collect(), page.next))
        };
        let (sent, received) = tokio::join!(sent, received);
        Ok(merged([sent?, received?], limit))
    }
}

/// A page of one list: its messages by their ids, and the id after which it has not been looked at yet.
type Part<T> = (Vec<(MessageId, T)>, Option<MessageId>);

/// The page that two pages of the same place make. What lies beyond the nearer end of the two is left for the next
/// page: only one of the lists has been looked at there.
fn merged<T>(parts: [Part<T>; 2], limit: usize) -> (Vec<T>, Option<MessageId>) {
    let seen_down_to = parts.iter().filter_map(|(_, next)| *next).max();
    let mut all: Vec<(MessageId, T)> = parts.into_iter().flat_map(|(messages, _)| messages).collect();
    all.retain(|(id, _)| seen_down_to.is_none_or(|end| *id >= end));
    all.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id));
    let is_more = all.len() > limit;
    all.truncate(limit);
    let next = if is_more { all.last().map(|(id, _)| *id) } else { seen_down_to };
    (all.into_iter().map(|(_, message)| message).collect(), next)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(number: u16) -> MessageId {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        MessageId::from_bytes(bytes)
    }

    /// What a store answers that looks at so many rows a page: at most `limit` of the numbers below `after`, perhaps
    /// fewer.
    fn page(all: &[u16], after: Option<MessageId>, limit: usize, looks: usize) -> Part<u16> {
        let rest: Vec<u16> =
            all.iter().rev().copied().filter(|number| after.is_none_or(|end| id(*number) < end)).collect();
        let shown = &rest[..rest.len().min(limit.min(looks))];
        let next = shown.last().filter(|_| shown.len() < rest.len()).map(|number| id(*number));
        (shown.iter().map(|number| (id(*number), *number)).collect(), next)
    }

    proptest! {
        #![proptest_config(trials::config(300))]

        #[test]
        fn walking_by_cursors_shows_every_message_once_newest_first(
            numbers in proptest::collection::btree_map(0u16..500, any::<bool>(), 0..80),
            limit in 1usize..9,
            looks in [1usize..9, 1..9],
        ) {
            let of = |inbound: bool| -> Vec<u16> {
                numbers.iter().filter(|(_, is)| **is == inbound).map(|(number, _)| *number).collect()
            };
            let lists = [of(false), of(true)];
            let (mut shown, mut after, mut pages) = (Vec::new(), None, 0);
            loop {
                let parts = [0, 1].map(|list| page(&lists[list], after, limit, looks[list]));
                let (found, next) = merged(parts, limit);
                prop_assert!(found.len() <= limit);
                shown.extend(found);
                pages += 1;
                prop_assert!(pages <= 2 * numbers.len() + 2, "the walk does not end");
                after = next;
                if after.is_none() {
                    break;
                }
            }
            let expected: Vec<u16> = numbers.keys().rev().copied().collect();
            prop_assert_eq!(shown, expected);
        }
    }

    fn read(query: &str, kinds: SenderKinds) -> Result<Query, Refusal> {
        Query::read(&Parameters::parse(Some(query)), kinds)
    }

    #[test]
    fn filters_of_one_direction_leave_the_other_out() {
        for (query, outbound, inbound) in [
            ("", true, true),
            ("direction=outbound", true, false),
            ("direction=inbound", false, true),
            ("status=received", false, true),
            ("status=sent", true, false),
            ("direction=inbound&status=sent", false, false),
            ("direction=outbound&status=received", false, false),
            ("broadcastId=brc_0000000000000000000000", true, false),
            ("reference=order%207", true, false),
            ("to=+18005551234&from=+18005551235", true, true),
            ("to=72345", false, true),
            ("from=72345", true, true),
            ("direction=inbound&from=someone@example.com", false, true),
        ] {
            let read = read(query, SenderKinds::ALL).ok().unwrap();
            assert_eq!((read.outbound.is_some(), read.inbound.is_some()), (outbound, inbound), "{query}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused_where_outbound_messages_are_asked_for() {
        for wrong in ["from=someone@example.com", "from=12", "to=555", "to=ACME", "status=received&to=12"] {
            let refused = read(wrong, SenderKinds::NUMBERS).err().map(|refusal| refusal.code);
            assert_eq!(refused, Some(ErrorCode::InvalidPhoneNumber), "{wrong}");
        }
        assert!(read("status=received&to=72345&from=72345", SenderKinds::NUMBERS).is_ok());
    }
}
