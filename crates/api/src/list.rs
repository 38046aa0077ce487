//! The parameters of lists: filters and pages. The list of messages in both directions is `both_ways`.

use model::error::{AdditionalInfo, ErrorCode, Refusal};
use model::message::Direction;
use model::{BroadcastId, ClientReference, MessageId, Msisdn, Originator, SenderKinds, Status, Timestamp};
use store::contract::messages::MessageFilter;

use super::fields;
use crate::http::query::Parameters;

/// Messages on a page, unless asked otherwise.
pub(super) const LIMIT_DEFAULT: usize = 50;

/// Messages on a page at most.
pub(super) const LIMIT_MAX: usize = 100;

/// The parameters of a list of outbound messages.
pub struct Query {
    /// The messages that the list shows.
    pub filter: MessageFilter,
    /// The cursor: the list goes on after this message.
    pub after: Option<MessageId>,
    /// Messages on a page at most.
    pub limit: usize,
}

impl Query {
    /// Reads the parameters of a list, with senders of these kinds. Unknown ones are ignored.
    pub fn read(given: &Parameters, kinds: SenderKinds) -> Result<Self, Refusal> {
        let get = |name: &str| given.get(name);
        let limit = limit(given)?;
        let filter = MessageFilter {
            status: parsed(
                get("status"),
                "status",
                "scheduled, queued, sent, delivered, undelivered, failed or canceled",
                Status::parse,
            )?,
            direction: parsed(get("direction"), "direction", "outbound or inbound", Direction::parse)?,
            recipient: number("to", get("to"))?,
            originator: originator("from", get("from"), kinds)?,
            // Of the admin API alone.
            either: None,
            reference: reference(get("reference"))?,
            broadcast: broadcast(given)?,
            // The operator narrows by these, which handlers of the admin API read themselves.
            account: None,
            mode: None,
            from: time(given, "after")?,
            before: time(given, "before")?,
        };
        Ok(Self { filter, after: cursor(given, |text| text.parse().ok())?, limit })
    }
}

/// The maximum number of items on a page.
pub fn limit(given: &Parameters) -> Result<usize, Refusal> {
    let parse = |text: &str| text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
    Ok(parsed(given.get("limit"), "limit", "an integer from 1 to 100", parse)?.unwrap_or(LIMIT_DEFAULT))
}

/// The start of the page.
pub fn cursor<T>(given: &Parameters, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Refusal> {
    parsed(given.get("cursor"), "cursor", "a nextCursor of an earlier page", parse)
}

/// `after` or `before`.
pub fn time(given: &Parameters, field: &'static str) -> Result<Option<Timestamp>, Refusal> {
    parsed(given.get(field), field, "a time as in RFC 3339", Timestamp::parse)
}

/// The broadcast of the messages in a list.
pub(super) fn broadcast(given: &Parameters) -> Result<Option<BroadcastId>, Refusal> {
    parsed(given.get("broadcastId"), "broadcastId", "an id of a broadcast", |text| text.parse().ok())
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

pub(crate) fn number(field: &'static str, given: Option<&str>) -> Result<Option<Msisdn>, Refusal> {
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

pub(super) fn no_address(field: &'static str) -> Refusal {
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
