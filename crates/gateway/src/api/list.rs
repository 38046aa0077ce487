//! `GET /message`: a page of messages, newest first.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, Uri};
use model::error::{AdditionalInfo, ErrorCode, Refusal};
use model::message::Direction;
use model::{BroadcastId, ClientReference, MessageId, Msisdn, Originator, SenderKinds, Status, Timestamp};
use pipeline::refusal::refused_by_store;
use pipeline::tenants::Caller;
use serde::Serialize;
use store::contract::messages::MessageFilter;

use super::view::MessageView;
use super::{Api, Shared, fields};
use crate::http::json;
use crate::http::query::Parameters;

/// Messages on a page, unless asked otherwise.
pub(super) const LIMIT_DEFAULT: usize = 50;

/// Messages on a page at most.
pub(super) const LIMIT_MAX: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageView<'a> {
    data: Vec<MessageView<'a>>,
    next_cursor: Option<String>,
}

pub(super) async fn messages(State(api): Shared, Extension(caller): Extension<Caller>, uri: Uri) -> Response<Body> {
    let listed = listed(&api, &caller, &uri).await;
    api.answer(listed)
}

async fn listed(api: &Arc<Api>, caller: &Caller, uri: &Uri) -> Result<Response<Body>, Refusal> {
    let query = Query::read(&Parameters::parse(uri.query()), api.pipeline.sender_kinds())?;
    let page = api
        .pipeline
        .store()
        .messages(Some(caller.owner()), query.filter, query.after, query.limit)
        .await
        .map_err(refused_by_store)?;
    let data = page.messages.iter().map(|record| MessageView::of(&record.message, &record.delivery)).collect();
    let view = PageView { data, next_cursor: page.next.map(|id| id.to_string()) };
    serde_json::to_string(&view).map(json).map_err(|error| Refusal::new(ErrorCode::UnexpectedError).caused_by(error))
}

/// What a list is asked for.
pub(crate) struct Query {
    pub(crate) filter: MessageFilter,
    pub(crate) after: Option<MessageId>,
    pub(crate) limit: usize,
}

impl Query {
    /// Reads the parameters of a list, with senders of these kinds. Those that nobody knows are ignored.
    pub(crate) fn read(given: &Parameters, kinds: SenderKinds) -> Result<Self, Refusal> {
        let get = |name: &str| given.get(name);
        let limit = parsed(get("limit"), "limit", "an integer from 1 to 100", |text| {
            text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit))
        })?;
        let filter = MessageFilter {
            status: parsed(get("status"), "status", "queued, sent, delivered, undelivered or failed", Status::parse)?,
            direction: parsed(get("direction"), "direction", "outbound or inbound", Direction::parse)?,
            recipient: number("to", get("to"))?,
            originator: originator("from", get("from"), kinds)?,
            reference: reference(get("reference"))?,
            broadcast: parsed(get("broadcastId"), "broadcastId", "an id of a broadcast", |text| {
                text.parse::<BroadcastId>().ok()
            })?,
            // The operator narrows by these, which handlers of the admin API read themselves.
            account: None,
            mode: None,
            from: parsed(get("after"), "after", "a time as in RFC 3339", Timestamp::parse)?,
            before: parsed(get("before"), "before", "a time as in RFC 3339", Timestamp::parse)?,
        };
        let after = parsed(get("cursor"), "cursor", "a nextCursor of an earlier page", |text| text.parse().ok())?;
        Ok(Self { filter, after, limit: limit.unwrap_or(LIMIT_DEFAULT) })
    }
}

pub(super) fn parsed<T>(
    given: Option<&str>,
    field: &'static str,
    expected: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Refusal> {
    given.map(|text| parse(text).ok_or_else(|| fields::wrong_type(field, expected))).transpose()
}

/// A client's name for something.
pub(super) fn reference(given: Option<&str>) -> Result<Option<ClientReference>, Refusal> {
    parsed(given, "reference", "a text of 1 to 200 characters", ClientReference::parse)
}

fn number(field: &'static str, given: Option<&str>) -> Result<Option<Msisdn>, Refusal> {
    given.map(|text| Msisdn::parse(text).map_err(|_| no_address(field))).transpose()
}

/// A sender of one of these kinds.
pub(super) fn originator(
    field: &'static str,
    given: Option<&str>,
    kinds: SenderKinds,
) -> Result<Option<Originator>, Refusal> {
    let parse = |text| Originator::parse(text).ok().filter(|originator| kinds.contains(originator.kind()));
    given.map(|text| parse(text).ok_or_else(|| no_address(field))).transpose()
}

fn no_address(field: &'static str) -> Refusal {
    Refusal::new(ErrorCode::InvalidPhoneNumber).with_info(AdditionalInfo::Field(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Query, Refusal> {
        Query::read(&Parameters::parse(Some(query)), SenderKinds::ALL)
    }

    #[test]
    fn parameters_are_read_and_unknown_ones_ignored() {
        let query =
            read("to=+18005551234&status=sent&limit=7&after=2026-03-15T14:30:00%2B01:00&x=y&from=").ok().unwrap();
        assert_eq!((query.limit, query.filter.status, query.filter.originator), (7, Some(Status::Sent), None));
        assert_eq!(query.filter.recipient, Msisdn::parse("+18005551234").ok());
        assert_eq!(query.filter.from, Timestamp::parse("2026-03-15T13:30:00Z"));
    }

    #[test]
    fn a_sender_is_of_a_kind_that_is_open() {
        let read = |query| Query::read(&Parameters::parse(Some(query)), SenderKinds::NUMBERS);
        assert!(read("from=+18005551234").is_ok());
        for closed in ["from=72345", "from=ACME"] {
            assert_eq!(read(closed).err().map(|refusal| refusal.code), Some(ErrorCode::InvalidPhoneNumber), "{closed}");
        }
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        for (text, name) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=x", "limit"),
            ("status=SENT", "status"),
            ("cursor=x", "cursor"),
            ("before=now", "before"),
        ] {
            let refusal = read(text).err().unwrap();
            assert!(matches!(refusal.info, Some(AdditionalInfo::WrongType { field, .. }) if field == name), "{text}");
        }
        for (text, from) in [("from=+18005551234", "+18005551234"), ("from=72345", "72345"), ("from=A%20B", "A B")] {
            assert_eq!(read(text).ok().unwrap().filter.originator, Originator::parse(from).ok(), "{text}");
        }
        assert_eq!(read("from=12").err().map(|refusal| refusal.code), Some(ErrorCode::InvalidPhoneNumber));
        assert_eq!(read("to=555").err().map(|refusal| refusal.code), Some(ErrorCode::InvalidPhoneNumber));
    }
}
