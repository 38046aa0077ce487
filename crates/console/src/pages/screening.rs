//! What the compliance screen stopped or marked, and the operator's judgement.

pub(crate) mod allow;
pub(crate) mod groups;

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Response, Uri};
use maud::{Markup, html};
use serde_json::Value;

use super::{asked, shown};
use crate::acts::{Act, Field, Kind, Then};
use crate::calls;
use crate::door::Role;
use crate::frame::{self, Part};
use crate::parts::{Filter, chip, filters, items, link, pager, query, word};
use crate::shared::Visit;
use crate::text;
use crate::time::time;

const PATH: &str = "/console/screening";

const NOTE: Field =
    Field { name: "note", label: "Note", hint: "For the record, at most 500 characters", kind: Kind::Text };

pub(crate) static CORRECT: Act = Act {
    path: "/console/screening/{id}/correct",
    call: calls::SCREENING_REVIEW,
    least: Role::Operator,
    part: Part::Screening,
    verb: "The screen was right",
    about: "The decision stands. It leaves the list of those to review.",
    is_destructive: false,
    fields: &[Field { name: "correct", label: "", hint: "", kind: Kind::Always(true) }, NOTE],
    filled: None,
    done: "The decision is confirmed.",
    back: PATH,
    then: Then::Back,
};

pub(crate) static ERROR: Act = Act {
    path: "/console/screening/{id}/error",
    call: calls::SCREENING_REVIEW,
    least: Role::Operator,
    part: Part::Screening,
    verb: "Report an error",
    about: "The screen was wrong about this text. With a template, texts of its shape pass from now on.",
    is_destructive: false,
    fields: &[
        Field { name: "correct", label: "", hint: "", kind: Kind::Always(false) },
        NOTE,
        Field {
            name: "approve",
            label: "Let texts of this shape pass",
            hint: "The template is made from this text and others like it",
            kind: Kind::Flag,
        },
    ],
    filled: None,
    done: "The error is on record.",
    back: PATH,
    then: Then::Back,
};

const FILTERS: &[Filter] = &[
    Filter::One("outcome", "Outcome", &["blocked", "flagged"]),
    Filter::One("certainty", "Certainty", &["sure", "unsure"]),
    Filter::One("reviewed", "Reviewed", &["false", "true"]),
    Filter::One("mode", "Mode", &["live", "test"]),
    Filter::Typed("accountId", "Account", "acc_…"),
];

fn tabs(at: &str) -> Markup {
    html! {
        nav.tabs aria-label="Screening" {
            @for (path, name) in [(PATH, "Decisions"), (groups::PATH, "Counts and shapes")] {
                a href=(path) aria-current=[(path == at).then_some("page")] { (name) }
            }
        }
    }
}

pub(crate) async fn list(Extension(visit): Extension<Visit>, uri: Uri) -> Response<Body> {
    let given = asked(&uri);
    let found = visit.api.get(&calls::SCREENING, &[], &query(FILTERS, &given)).await;
    let made = found.map(|found| {
        let content = html! {
            (tabs(PATH))
            (filters(PATH, FILTERS, &given))
            @if items(&found).is_empty() {
                div.empty { p { "The screen has found nothing like that. Widen the filter." } }
            }
            @for record in items(&found) { (decision(&visit, record)) }
            (pager(PATH, FILTERS, &given, &found))
        };
        frame::page(&visit, Part::Screening, "Screening", &[], &content)
    });
    shown(&visit, Part::Screening, made)
}

pub(crate) async fn show(Extension(visit): Extension<Visit>, Path(id): Path<String>) -> Response<Body> {
    let made = visit.api.get(&calls::SCREENING_DECISION, &[id.as_str()], &[]).await.map(|record| {
        let within = [("Screening", PATH.to_owned())];
        frame::page(
            &visit,
            Part::Screening,
            &format!("Decision {}", word(&record, "id")),
            &within,
            &decision(&visit, &record),
        )
    });
    shown(&visit, Part::Screening, made)
}

fn decision(visit: &Visit, record: &Value) -> Markup {
    let id = word(record, "id");
    let categories = record["categories"].as_array().map_or(&[][..], Vec::as_slice);
    let findings = record["findings"].as_array().map_or(&[][..], Vec::as_slice);
    let account = word(record, "accountId");
    html! {
        article.decision {
            header {
                (chip(word(record, "outcome"))) " " (chip(word(record, "certainty")))
                @for category in categories.iter().filter_map(Value::as_str) {
                    " " span.category { (text::short(category)) }
                }
                a.when href={ (PATH) "/" (id) } { (time(&record["at"], visit.now)) }
            }
            div.bubble {
                @match record["body"].as_str() {
                    Some(body) => { (text::marked(body, &spans(&record["findings"]))) }
                    None => { @if let Some(text) = text::of(&record["body"]) { (text) } }
                }
            }
            p.hint {
                "From " (text::short(word(record, "from"))) " of " (link("/console/accounts", account))
                @if let Some(about) = record["about"].as_str() {
                    @if about.starts_with("msg_") { ", message " (link("/console/messages", about)) }
                    @else { ", broadcast " (link("/console/broadcasts", about)) }
                }
            }
            @for help in findings.iter().filter_map(|finding| finding["help"].as_str()) {
                p.hint { (text::short(help)) }
            }
            @if record["reviewedAt"].is_string() {
                p.hint {
                    "Reviewed " (time(&record["reviewedAt"], visit.now)) ": "
                    @if record["correct"] == true { "the screen was right" } @else { "an error" }
                    @if let Some(note) = record["note"].as_str() { ". " (text::short(note)) }
                }
            } @else {
                p.acts {
                    (CORRECT.button(visit, &[("id", id)])) " " (ERROR.button(visit, &[("id", id)])) " "
                    (allow::PHRASE.button(visit, &[("id", id)])) " "
                    @if record["body"].as_str().is_some_and(|body| allow::domain_in(body).is_some()) {
                        (allow::DOMAIN.button(visit, &[("id", id)]))
                    }
                }
            }
        }
    }
}

/// The places that findings name, in order and without overlap.
fn spans(findings: &Value) -> Vec<(usize, usize)> {
    let place = |span: &Value| {
        let at = |name: &str| span[name].as_u64().and_then(|at| usize::try_from(at).ok());
        Some((at("start")?, at("end")?))
    };
    let all = findings.as_array().into_iter().flatten().filter_map(|finding| finding["spans"].as_array()).flatten();
    let mut spans: Vec<(usize, usize)> = all.filter_map(place).collect();
    spans.sort_unstable();
    let mut apart: Vec<(usize, usize)> = Vec::new();
    for (start, end) in spans {
        match apart.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => apart.push((start, end)),
        }
    }
    apart
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spans_of_several_findings_become_one_list() {
        let findings = json!([
            { "spans": [{ "start": 5, "end": 9 }] },
            { "spans": [{ "start": 0, "end": 2 }, { "start": 7, "end": 12 }] },
        ]);
        assert_eq!(spans(&findings), [(0, 2), (5, 12)]);
    }
}
