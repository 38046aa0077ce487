//! The messages of an account by day, with their types and statuses.

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Response, Uri};
use maud::{Markup, html};
use model::quota::UtcDay;
use serde_json::Value;

use crate::api::Problem;
use crate::calls;
use crate::chart::{self, Day};
use crate::form::Form;
use crate::frame::{self, Part};
use crate::pages::{asked, shown};
use crate::parts::{Column, Filter, filters, grouped, table, word};
use crate::shared::Visit;
use crate::text;

const FILTERS: &[Filter] = &[
    Filter::One("mode", "Mode", &["live", "test"]),
    Filter::Typed("from", "From", "2026-11-01"),
    Filter::Typed("to", "To", "2026-11-30"),
];

/// Statuses of outbound messages, in the order of a life, and how the chart draws each.
const STATUSES: [(&str, &str, &str); 7] = [
    ("scheduled", "Scheduled", "accepted"),
    ("queued", "Queued", "rest"),
    ("sent", "Sent", "busy"),
    ("delivered", "Delivered", "good"),
    ("undelivered", "Undelivered", "warn"),
    ("failed", "Failed", "bad"),
    ("canceled", "Canceled", "skipped"),
];

/// A number of messages, and their segments together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    messages: u64,
    segments: u64,
}

impl Count {
    const fn and(self, other: Self) -> Self {
        Self { messages: self.messages + other.messages, segments: self.segments + other.segments }
    }

    fn shown(self) -> Markup {
        html! { @if self != Self::default() { (grouped(self.messages)) " / " (grouped(self.segments)) } }
    }
}

/// The messages of a day that are of one type.
#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    day: &'a str,
    kind: &'a str,
    outbound: [Count; STATUSES.len()],
    received: Count,
}

impl Line<'_> {
    fn sum(&self) -> Count {
        self.outbound.iter().copied().fold(Count::default(), Count::and)
    }
}

/// What is counted, as lines, the newest day first.
fn lines(usage: &Value) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for counted in usage["data"].as_array().into_iter().flatten() {
        let (day, kind) = (word(counted, "day"), word(counted, "messageType"));
        let number = |name: &str| counted[name].as_u64().unwrap_or_default();
        let count = Count { messages: number("messages"), segments: number("segments") };
        let at = lines.iter().position(|line| (line.day, line.kind) == (day, kind)).unwrap_or_else(|| {
            lines.push(Line { day, kind, outbound: Default::default(), received: Count::default() });
            lines.len() - 1
        });
        match STATUSES.iter().position(|(status, ..)| *status == word(counted, "status")) {
            Some(status) => lines[at].outbound[status] = count,
            None => lines[at].received = count,
        }
    }
    lines.sort_by(|a, b| b.day.cmp(a.day).then(b.kind.cmp(a.kind)));
    lines
}

/// The last week, for the page of the account.
pub(super) async fn of_week(visit: &Visit, id: &str) -> Result<Markup, Problem> {
    let from = UtcDay(UtcDay::of(visit.now).0 - 6).to_string();
    let usage = visit.api.get(&calls::USAGE, &[id], &[("from", &from)]).await?;
    Ok(html! {
        (lines_table(&lines(&usage), "No messages in the last seven days."))
        p {
            a href={ "/console/accounts/" (id) "/usage" } { "Other days, and test messages" }
        }
    })
}

pub(crate) async fn show(Extension(visit): Extension<Visit>, Path(id): Path<String>, uri: Uri) -> Response<Body> {
    let made = page(&visit, &id, &asked(&uri)).await;
    shown(&visit, Part::Accounts, made)
}

async fn page(visit: &Visit, id: &str, given: &Form) -> Result<Response<Body>, Problem> {
    let account = visit.api.get(&calls::ACCOUNT, &[id], &[]).await?;
    let query: Vec<(&str, &str)> =
        FILTERS.iter().filter_map(|filter| Some((filter.name(), given.get(filter.name())?.trim()))).collect();
    let usage = visit.api.get(&calls::USAGE, &[id], &query).await?;
    let (own, lines) = (format!("/console/accounts/{id}"), lines(&usage));
    let content = html! {
        p.lead { "Of " a href=(own) { (text::short(word(&account, "name"))) } }
        (filters(&format!("{own}/usage"), FILTERS, given))
        p.hint {
            "From " (word(&usage, "from")) " to " (word(&usage, "to")) ", in days of UTC. Messages count in the day "
            "of their acceptance, with the status that they have now."
        }
        (chart::days("Outbound messages", &STATUSES.map(|(_, name, class)| (name, class)), &days(&usage, &lines)))
        (lines_table(&lines, "No messages in these days. Choose others, or another mode."))
    };
    let within = [("Accounts", "/console/accounts".to_owned()), ("Account", own)];
    Ok(frame::page(visit, Part::Accounts, "Usage", &within, &content))
}

/// Every day from the first to the last, those without messages too.
fn days(usage: &Value, lines: &[Line<'_>]) -> Vec<Day<{ STATUSES.len() }>> {
    let (Some(from), Some(to)) = (UtcDay::parse(word(usage, "from")), UtcDay::parse(word(usage, "to"))) else {
        return Vec::new();
    };
    let day = |number: i64| {
        let name = UtcDay(number).to_string();
        let mut counts = [0; STATUSES.len()];
        for line in lines.iter().filter(|line| line.day == name) {
            line.outbound.iter().zip(&mut counts).for_each(|(count, sum)| *sum += count.messages);
        }
        Day { name, counts }
    };
    (from.0..=to.0).map(day).collect()
}

fn lines_table(lines: &[Line<'_>], empty: &'static str) -> Markup {
    let rows: Vec<Vec<Markup>> = lines
        .iter()
        .map(|line| {
            let (day, sum) = (html! { time datetime=(line.day) { (line.day) } }, line.sum());
            [day, html! { (line.kind) }, sum.shown()]
                .into_iter()
                .chain(line.outbound.iter().map(|count| count.shown()))
                .chain([line.received.shown()])
                .collect()
        })
        .collect();
    let columns: Vec<Column> = [Column::Words("Day"), Column::Words("Type"), Column::Numbers("Outbound")]
        .into_iter()
        .chain(STATUSES.iter().map(|(_, name, _)| Column::Numbers(name)))
        .chain([Column::Numbers("Received")])
        .collect();
    html! {
        (table("Messages by day", &columns, &rows, &html! { p { (empty) } }))
        @if !rows.is_empty() { p.hint { "Each cell has messages / segments." } }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn counted(day: &str, kind: &str, status: &str, messages: u64, segments: u64) -> Value {
        json!({ "day": day, "messageType": kind, "status": status, "messages": messages, "segments": segments })
    }

    #[test]
    fn a_line_has_all_statuses_of_a_day_and_a_type() {
        let usage = json!({ "from": "2026-11-26", "to": "2026-11-28", "data": [
            counted("2026-11-26", "SMS", "delivered", 5, 8),
            counted("2026-11-28", "SMS", "failed", 1, 2),
            counted("2026-11-28", "SMS", "scheduled", 2, 2),
            counted("2026-11-28", "MMS", "delivered", 3, 3),
            counted("2026-11-28", "SMS", "received", 4, 4),
        ] });
        let lines = lines(&usage);
        let seen: Vec<_> = lines.iter().map(|line| (line.day, line.kind, line.sum(), line.received.messages)).collect();
        let count = |messages, segments| Count { messages, segments };
        assert_eq!(
            seen,
            [
                ("2026-11-28", "SMS", count(3, 4), 4),
                ("2026-11-28", "MMS", count(3, 3), 0),
                ("2026-11-26", "SMS", count(5, 8), 0),
            ]
        );
        let days: Vec<_> = days(&usage, &lines).into_iter().map(|day| (day.name, day.counts)).collect();
        let day = |name: &str, counts| (name.to_owned(), counts);
        assert_eq!(
            days,
            [
                day("2026-11-26", [0, 0, 0, 5, 0, 0, 0]),
                day("2026-11-27", [0; 7]),
                day("2026-11-28", [2, 0, 0, 3, 0, 1, 0]),
            ]
        );
    }
}
