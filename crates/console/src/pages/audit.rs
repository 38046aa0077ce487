//! The audit log: who changed what, when, and from where.

use axum::Extension;
use axum::body::Body;
use axum::http::{Response, Uri};
use maud::{Markup, html};
use serde_json::Value;

use super::{asked, shown};
use crate::calls;
use crate::frame::{self, Part};
use crate::parts::{Column, Filter, filters, items, pager, query, table, word};
use crate::shared::Visit;
use crate::text;
use crate::time::time;

const PATH: &str = "/console/audit";

const FILTERS: &[Filter] = &[
    Filter::Typed("actor", "Actor", "ada"),
    Filter::Typed("path", "Path", "/accounts"),
    Filter::Typed("since", "Not before", "2026-03-15T14:30:00Z"),
    Filter::Typed("before", "Before", "2026-03-16T00:00:00Z"),
];

pub(crate) async fn list(Extension(visit): Extension<Visit>, uri: Uri) -> Response<Body> {
    let given = asked(&uri);
    let made = visit.api.get(&calls::AUDIT, &[], &query(FILTERS, &given)).await.map(|found| {
        let rows: Vec<Vec<Markup>> = items(&found).iter().map(|entry| row(&visit, entry)).collect();
        let columns = [
            Column::Words("When"),
            Column::Words("Actor"),
            Column::Words("By"),
            Column::Words("From"),
            Column::Words("Change"),
            Column::Words("Outcome"),
            Column::Words("Particulars"),
        ];
        let empty = html! {
            p { "No change is on record here. Every change by the console, the command line and the admin API is." }
        };
        let content = html! {
            (filters(PATH, FILTERS, &given))
            (table("Changes", &columns, &rows, &empty))
            (pager(PATH, FILTERS, &given, &found))
        };
        frame::page(&visit, Part::Audit, "Audit log", &[], &content)
    });
    shown(&visit, Part::Audit, made)
}

fn row(visit: &Visit, entry: &Value) -> Vec<Markup> {
    vec![
        time(&entry["at"], visit.now),
        text::short(word(&entry["actor"], "name")),
        html! { (word(entry, "via")) },
        text::short(word(entry, "address")),
        html! { code { (word(entry, "method")) " " (text::short(word(entry, "path"))) } },
        outcome(&entry["status"]),
        particulars(entry),
    ]
}

/// The status of the answer; without one the process ended before it.
fn outcome(status: &Value) -> Markup {
    match status.as_u64() {
        Some(status @ 200..400) => html! { span.chip.good { (status) } },
        Some(status) => html! { span.chip.bad { (status) } },
        None => html! { span.chip.warn { "unknown" } },
    }
}

/// What was asked, and the resource before and after it.
fn particulars(entry: &Value) -> Markup {
    let parts = [("Request", "request"), ("Before", "before"), ("After", "after")];
    let parts: Vec<(&str, &Value)> =
        parts.into_iter().map(|(label, name)| (label, &entry[name])).filter(|(_, value)| !value.is_null()).collect();
    html! {
        @if parts.is_empty() { span.none { "none" } } @else {
            details {
                summary { "Show" }
                @for (label, value) in parts {
                    p.label { (label) }
                    pre { (text::text(&serde_json::to_string_pretty(value).unwrap_or_default())) }
                }
            }
        }
    }
}
