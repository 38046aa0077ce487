//! `GET /usage`: the account's messages by day, as JSON or as CSV.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, Response, Uri};
use model::error::{ErrorCode, Refusal};
use model::message::{Direction, MessageType};
use model::quota::UtcDay;
use model::{Owner, Timestamp};
use pipeline::refusal::refused_by_store;
use pipeline::tenants::Caller;
use serde::Serialize;
use store::Store;
use store::contract::usage::{CountedStatus, UsageCount};

use super::fields::wrong_type;
use super::list::parsed;
use super::{Api, Shared};
use crate::http::json;
use crate::http::query::Parameters;

/// The most days of one answer.
const DAYS_MAX: i64 = 366;

/// The days of an answer, unless asked otherwise.
const DAYS_DEFAULT: i64 = 30;

const DATE: &str = "a date or a time as in RFC 3339";

/// The messages of an owner by day.
#[derive(Serialize)]
pub struct UsageView {
    from: String,
    to: String,
    by: &'static str,
    data: Vec<CountView>,
}

/// The columns of the file, too.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CountView {
    day: String,
    direction: &'static str,
    message_type: &'static str,
    status: &'static str,
    messages: u64,
    segments: u64,
}

/// The names of the columns.
const COLUMNS: [&str; 6] = ["day", "direction", "messageType", "status", "messages", "segments"];

impl CountView {
    fn of(count: &UsageCount) -> Self {
        Self {
            day: count.day.to_string(),
            direction: direction(count.status).as_str(),
            message_type: count.kind.as_str(),
            status: count.status.as_str(),
            messages: count.messages,
            segments: count.segments,
        }
    }
}

const fn direction(status: CountedStatus) -> Direction {
    match status {
        CountedStatus::Outbound(_) => Direction::Outbound,
        CountedStatus::Received => Direction::Inbound,
    }
}

pub(super) async fn show(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    let shown = shown(&api, &caller, &Parameters::parse(uri.query()), wants_csv(&headers)).await;
    let mut response = api.answer(shown);
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
    response
}

async fn shown(api: &Api, caller: &Caller, given: &Parameters, as_csv: bool) -> Result<Response<Body>, Refusal> {
    let view = counted(&**api.pipeline.store(), caller.owner(), given, api.runtime.now()).await?;
    let unexpected = |error: &dyn std::fmt::Display| Refusal::new(ErrorCode::UnexpectedError).caused_by(error);
    if as_csv {
        return csv(&view.data).map_err(|error| unexpected(&error));
    }
    serde_json::to_string(&view).map(json).map_err(|error| unexpected(&error))
}

/// The messages of an owner in the days that a query names.
pub async fn counted(
    store: &dyn Store,
    owner: Owner,
    given: &Parameters,
    now: Timestamp,
) -> Result<UsageView, Refusal> {
    let (from, to) = days(given, now)?;
    let mut counts = store.usage(owner, from, to).await.map_err(refused_by_store)?;
    // Outbound messages first, SMS before MMS, and statuses as a message passes through them.
    counts.sort_by_key(|count| (count.day, direction(count.status) == Direction::Inbound, place(count)));
    let data = counts.iter().map(CountView::of).collect();
    Ok(UsageView { from: from.to_string(), to: to.to_string(), by: "day", data })
}

fn place(count: &UsageCount) -> (bool, Option<usize>) {
    let status = match count.status {
        CountedStatus::Outbound(status) => model::Status::ALL.iter().position(|known| *known == status),
        CountedStatus::Received => None,
    };
    (count.kind == MessageType::Mms, status)
}

/// From which day to which: the last 30, unless asked otherwise.
fn days(given: &Parameters, now: Timestamp) -> Result<(UtcDay, UtcDay), Refusal> {
    parsed(given.get("by"), "by", "day", |text| (text == "day").then_some(()))?;
    let from = parsed(given.get("from"), "from", DATE, UtcDay::parse)?;
    let to = parsed(given.get("to"), "to", DATE, UtcDay::parse)?.unwrap_or(UtcDay::of(now));
    let from = from.unwrap_or(UtcDay(to.0 - DAYS_DEFAULT + 1));
    if from > to {
        return Err(wrong_type("from", "a day that is not after `to` (by default today)"));
    }
    if to.0 - from.0 >= DAYS_MAX {
        return Err(wrong_type("from", "a day so late that there are at most 366 days up to `to`"));
    }
    Ok((from, to))
}

fn csv(data: &[CountView]) -> Result<Response<Body>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    data.iter().try_for_each(|count| writer.serialize(count))?;
    let octets = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    let mut response = Response::new(Body::from(octets));
    let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

/// Whether a client would rather have CSV than JSON (RFC 9110, section 12.5.1): it gives that more weight, or the same
/// and names it more exactly.
fn wants_csv(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let ranges: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    preference(&ranges, "text/csv") > preference(&ranges, "application/json")
}

/// The weight of a type, in thousandths, and how exactly it is named: by the range that names it most exactly.
fn preference(ranges: &[&str], wanted: &str) -> (u16, u8) {
    let family = wanted.split_once('/').map_or("", |(family, _)| family);
    let exactness = |range: &str| match range.split_once('/') {
        Some((kind, "*")) if kind.eq_ignore_ascii_case(family) => Some(1),
        Some(("*", "*")) => Some(0),
        _ => range.eq_ignore_ascii_case(wanted).then_some(2),
    };
    let named = ranges.iter().filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let exactness = exactness(parts.next()?)?;
        let weight = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("q"));
        let weight = weight.map_or(Some(1.0), |(_, text)| text.parse::<f32>().ok())?;
        Some((exactness, (weight.clamp(0.0, 1.0) * 1_000.0) as u16))
    });
    let most_exact = named.max_by_key(|(exactness, _)| *exactness);
    most_exact.filter(|(_, weight)| *weight > 0).map_or((0, 0), |(exactness, weight)| (weight, exactness))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_for_those_who_prefer_it() {
        for (accept, expected) in [
            ("text/csv", true),
            ("Text/CSV;q=0.5", true),
            ("text/*", true),
            ("text/csv, application/json;q=0.9", true),
            ("text/csv, */*", true),
            ("application/json;q=0.5, text/csv;q=0.4", false),
            ("application/json, text/csv", false),
            ("text/csv;q=0, */*", false),
            ("*/*", false),
            ("application/json, text/plain, */*", false),
            ("image/png", false),
            ("text/csv;q=x", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(wants_csv(&headers), expected, "{accept}");
        }
        assert!(!wants_csv(&HeaderMap::new()));
    }
}
