//! `GET /Messages.json`: a page of messages in both directions, newest first.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Response, Uri};
use model::error::{AdditionalInfo, ErrorCode, Refusal};
use model::{InboundAddress, MessageId, Originator, Timestamp};
use pipeline::refusal::refused_by_store;
use pipeline::tenants::Caller;
use serde::Serialize;
use store::contract::inbound::InboundFilter;
use store::contract::messages::MessageFilter;

use super::form::wrong;
use super::view::Resource;
use super::{BASE, check_account, named, sid};
use crate::both_ways::{Entry, Query};
use crate::http::json;
use crate::http::query::Parameters;
use crate::list::{LIMIT_DEFAULT, LIMIT_MAX};
use crate::{Api, Shared};

/// The largest page that a client may ask for. It gets fewer, [`LIMIT_MAX`] at most, and the rest on the next pages.
const PAGE_SIZE_MAX: usize = 1_000;

/// What narrows a list, in the order in which links have it.
const FILTERS: [&str; 5] = ["To", "From", "DateSent", "DateSent<", "DateSent>"];

pub(super) async fn messages(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    account: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Response<Body> {
    let listed = listed(&api, &caller, account, &uri).await;
    api.answer(listed)
}

async fn listed(
    api: &Arc<Api>,
    caller: &Caller,
    account: Result<Path<String>, PathRejection>,
    uri: &Uri,
) -> Result<Response<Body>, Refusal> {
    check_account(caller, &named(account)?)?;
    let given = Parameters::parse(uri.query());
    let asked = Asked::read(&given)?;
    let (size, number) = (asked.query.limit, asked.number);
    let found = asked.query.look(&**api.pipeline.store(), caller.owner()).await.map_err(refused_by_store)?;
    let (messages, next) = (found.0.iter().map(resource).collect::<Vec<_>>(), found.1);
    let link = Link { account: sid::of_account(caller.account), given: &given, size };
    let start = number.saturating_mul(size);
    let page = PageView {
        end: start.saturating_add(messages.len().saturating_sub(1)),
        first_page_uri: link.to(0, None),
        next_page_uri: next.map(|id| link.to(number.saturating_add(1), Some(id))),
        page: number,
        page_size: size,
        previous_page_uri: None,
        start,
        uri: uri.path_and_query().map_or_else(String::new, ToString::to_string),
        messages,
    };
    serde_json::to_string(&page).map(json).map_err(|error| Refusal::new(ErrorCode::UnexpectedError).caused_by(error))
}

#[derive(Serialize)]
struct PageView<'a> {
    end: usize,
    first_page_uri: String,
    messages: Vec<Resource<'a>>,
    next_page_uri: Option<String>,
    page: usize,
    page_size: usize,
    /// There is none: a client that wants to see a page again has its address.
    previous_page_uri: Option<String>,
    start: usize,
    uri: String,
}

fn resource(entry: &Entry) -> Resource<'_> {
    match entry {
        Entry::Outbound(record) => Resource::of(&record.message, &record.delivery),
        Entry::Inbound(message) => Resource::of_inbound(message),
    }
}

/// Makes the addresses of other pages of a list.
struct Link<'a> {
    account: String,
    given: &'a Parameters,
    size: usize,
}

impl Link<'_> {
    fn to(&self, number: usize, after: Option<MessageId>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for name in FILTERS {
            query.extend_pairs(self.given.get(name).map(|value| (name, value)));
        }
        query.append_pair("PageSize", &self.size.to_string()).append_pair("Page", &number.to_string());
        query.extend_pairs(after.map(|id| ("PageToken", sid::of_message(id))));
        // A plus sign stands for itself in queries here.
        format!("{BASE}/Accounts/{}/Messages.json?{}", self.account, query.finish().replace('+', "%20"))
    }
}

/// The parameters of a list.
struct Asked {
    query: Query,
    /// The number of the page, from 0, as its client counts.
    number: usize,
}

impl Asked {
    fn read(given: &Parameters) -> Result<Self, Refusal> {
        let is_known = |name: &str| FILTERS.contains(&name) || matches!(name, "PageSize" | "Page" | "PageToken");
        if let Some(name) = given.names().find(|name| !is_known(name)) {
            return Err(wrong(name.to_owned(), "no parameter of this name"));
        }
        let size = number(given, "PageSize", |size| (1..=PAGE_SIZE_MAX).contains(&size), "1 to 1000")?;
        let token = "a PageToken of an earlier page";
        let after = parsed(given, "PageToken", token, sid::message)?;
        let (since, before) = times(given)?;
        // Handsets write from addresses of every form, and clients look for those that they sent from.
        let to = given.get("To").map(|text| Originator::parse(text).map_err(|_| no_address("to"))).transpose()?;
        let from = given.get("From").map(InboundAddress::of);
        let recipient = match to {
            Some(Originator::Number(number)) => Some(number),
            _ => None,
        };
        let originator = from.as_ref().and_then(InboundAddress::known);
        // A message of ours comes from an address that is known, and goes to a number.
        let can_be_sent = recipient.is_some() == to.is_some() && originator.is_some() == from.is_some();
        let outbound = can_be_sent.then(|| MessageFilter {
            recipient,
            originator,
            from: since,
            before,
            ..MessageFilter::default()
        });
        let inbound = Some(InboundFilter { from, to, since, before });
        let limit = size.unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX);
        let number = number(given, "Page", |_| true, "0 or more")?.unwrap_or(0);
        Ok(Self { query: Query { outbound, inbound, after, limit }, number })
    }
}

fn no_address(field: &'static str) -> Refusal {
    Refusal::new(ErrorCode::InvalidPhoneNumber).with_info(AdditionalInfo::Field(field))
}

fn number(
    given: &Parameters,
    name: &'static str,
    is_good: impl Fn(usize) -> bool,
    expected: &'static str,
) -> Result<Option<usize>, Refusal> {
    parsed(given, name, expected, |text| text.parse().ok().filter(|number| is_good(*number)))
}

fn parsed<T>(
    given: &Parameters,
    name: &'static str,
    expected: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Refusal> {
    given.get(name).map(|text| parse(text).ok_or_else(|| wrong(name, expected))).transpose()
}

/// From when on, and until when.
fn times(given: &Parameters) -> Result<(Option<Timestamp>, Option<Timestamp>), Refusal> {
    let expected = "a date (2026-03-15), or a time as in RFC 3339";
    let time = |name| parsed(given, name, expected, Span::parse);
    let (on, until, since) = (time("DateSent")?, time("DateSent<")?, time("DateSent>")?);
    let since = [on, since].into_iter().flatten().map(|span| span.begins).max();
    let before = [on, until].into_iter().flatten().map(|span| span.ends).min();
    Ok((since, before))
}

/// A day, or a second: a client's bound belongs to what it asks for.
#[derive(Clone, Copy)]
struct Span {
    begins: Timestamp,
    ends: Timestamp,
}

impl Span {
    fn parse(text: &str) -> Option<Self> {
        let of = |begins: Timestamp, secs| Self { begins, ends: begins + Duration::from_secs(secs) };
        let day = || Timestamp::parse(&format!("{text}T00:00:00Z")).map(|at| of(at, 86_400));
        Timestamp::parse(text).map(|at| of(at, 1)).or_else(day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Asked, Refusal> {
        Asked::read(&Parameters::parse(Some(query)))
    }

    #[test]
    fn filters_are_those_of_our_lists() {
        let asked = read("To=%2B18005551234&From=72345&DateSent%3E=2026-03-15&DateSent%3C=2026-03-16T10:00:00Z&Page=2");
        let Query { outbound, inbound, limit, .. } = asked.unwrap().query;
        let (outbound, inbound) = (outbound.unwrap(), inbound.unwrap());
        assert_eq!(outbound.recipient.map(|number| number.to_string()).as_deref(), Some("+18005551234"));
        assert_eq!((outbound.originator, limit), (Originator::parse("72345").ok(), LIMIT_DEFAULT));
        let (since, before) = (Timestamp::parse("2026-03-15T00:00:00Z"), Timestamp::parse("2026-03-16T10:00:01Z"));
        assert_eq!((outbound.from, outbound.before), (since, before));
        assert_eq!((inbound.since, inbound.before), (since, before));
        let day = read("DateSent=2026-03-15").unwrap().query.outbound.unwrap();
        assert_eq!((day.from, day.before), (since, Timestamp::parse("2026-03-16T00:00:00Z")));
    }

    #[test]
    fn an_address_that_we_never_send_to_or_from_leaves_outbound_messages_out() {
        for (query, is_sent) in [("", true), ("To=72345", false), ("From=someone@example.com", false)] {
            let Query { outbound, inbound, .. } = read(query).unwrap().query;
            assert_eq!((outbound.is_some(), inbound.is_some()), (is_sent, true), "{query}");
        }
    }

    #[test]
    fn a_page_has_a_hundred_messages_at_most() {
        for (query, limit) in [("", 50), ("PageSize=7", 7), ("PageSize=1000", 100)] {
            assert_eq!(read(query).unwrap().query.limit, limit, "{query}");
        }
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        for (query, name) in [
            ("PageSize=0", "PageSize"),
            ("PageSize=1001", "PageSize"),
            ("Page=-1", "Page"),
            ("PageToken=x", "PageToken"),
            ("DateSent=yesterday", "DateSent"),
            ("DateSent%3C=2026-13-01", "DateSent<"),
            ("Status=sent", "Status"),
        ] {
            let info = read(query).err().unwrap().info;
            assert!(matches!(info, Some(AdditionalInfo::WrongType { field, .. }) if field == name), "{query}");
        }
        assert_eq!(read("To=5").err().map(|refusal| refusal.code), Some(ErrorCode::InvalidPhoneNumber));
    }

    #[test]
    fn a_link_is_read_as_what_it_was_made_of() {
        let given = Parameters::parse(Some("To=%2B18005551234&From=A%20B&DateSent%3C=2026-03-16"));
        let link =
            Link { account: "AC1".to_owned(), given: &given, size: 7 }.to(3, Some(MessageId::from_bytes([1; 16])));
        let (path, query) = link.split_once('?').unwrap();
        assert_eq!(path, "/2010-04-01/Accounts/AC1/Messages.json");
        let again = Parameters::parse(Some(query));
        for name in FILTERS {
            assert_eq!(again.get(name), given.get(name), "{name}");
        }
        let asked = Asked::read(&again).unwrap();
        assert_eq!((asked.number, asked.query.limit), (3, 7));
        assert_eq!(asked.query.after, Some(MessageId::from_bytes([1; 16])));
    }
}
