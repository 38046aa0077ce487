//! Broadcasts: how far each has come, and how to stop one.

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Response, Uri};
use maud::{Markup, html};
use model::Timestamp;
use serde_json::Value;

use super::{asked, shown};
use crate::acts::{Act, Then};
use crate::api::Problem;
use crate::calls;
use crate::door::Role;
use crate::frame::{self, Part};
use crate::parts::{
    Column, Filter, chip, count, facts, filters, grouped, items, link, pager, query, said, table, word,
};
use crate::shared::Visit;
use crate::text;
use crate::time::{span, time};

const PATH: &str = "/console/broadcasts";

pub(crate) static CANCEL: Act = Act {
    path: "/console/broadcasts/{id}/cancel",
    call: calls::BROADCAST_CANCEL,
    least: Role::Operator,
    part: Part::Broadcasts,
    verb: "Cancel the broadcast",
    about: "Recipients whose message has not left get nothing. Messages that were sent stay sent. This cannot be \
        undone.",
    is_destructive: true,
    fields: &[],
    filled: None,
    done: "The broadcast is canceled.",
    back: "/console/broadcasts/{id}",
    then: Then::Back,
};

const FILTERS: &[Filter] = &[
    Filter::Typed("from", "From", "number or name"),
    Filter::Typed("reference", "Reference", ""),
    Filter::Typed("accountId", "Account", "acc_…"),
    Filter::One("mode", "Mode", &["live", "test"]),
    Filter::Typed("after", "Not before", "2026-03-15T14:30:00Z"),
    Filter::Typed("before", "Before", "2026-03-16T00:00:00Z"),
];

pub(crate) async fn list(Extension(visit): Extension<Visit>, uri: Uri) -> Response<Body> {
    let given = asked(&uri);
    let found = visit.api.get(&calls::BROADCASTS, &[], &query(FILTERS, &given)).await;
    let made = found.map(|found| {
        let content = html! {
            (filters(PATH, FILTERS, &given))
            div #broadcasts data-refresh="5" { (broadcasts_table(&visit, &found)) }
            (pager(PATH, FILTERS, &given, &found))
        };
        frame::page(&visit, Part::Broadcasts, "Broadcasts", &[], &content)
    });
    shown(&visit, Part::Broadcasts, made)
}

fn broadcasts_table(visit: &Visit, found: &Value) -> Markup {
    let rows: Vec<Vec<Markup>> = items(found)
        .iter()
        .map(|broadcast| {
            vec![
                html! { a href={ (PATH) "/" (word(broadcast, "id")) } { (time(&broadcast["createdAt"], visit.now)) } },
                chip(word(broadcast, "status")),
                text::short(word(broadcast, "from")),
                html! { div.clip { @if let Some(text) = text::of(&broadcast["body"]) { (text) } } },
                html! { (count(&broadcast["totalRecipients"])) },
                bar(&broadcast["counts"]),
                link("/console/accounts", word(broadcast, "accountId")),
            ]
        })
        .collect();
    let columns = [
        Column::Words("Created"),
        Column::Words("Status"),
        Column::Words("From"),
        Column::Words("Text"),
        Column::Numbers("Recipients"),
        Column::Words("Progress"),
        Column::Words("Account"),
    ];
    let empty = html! { p { "No broadcasts. Clients send them with " code { "POST /broadcast" } "." } };
    table("Broadcasts", &columns, &rows, &empty)
}

/// What a bar is made of, from its left: the names of counts, and how each part is drawn.
const FATES: [(&str, &str); 5] =
    [("delivered", "good"), ("sent", "busy"), ("undelivered", "warn"), ("failed", "bad"), ("skipped", "skipped")];

/// How far a broadcast has come, as a bar with its counts in words.
fn bar(counts: &Value) -> Markup {
    let total = counts["total"].as_u64().unwrap_or_default();
    let of = |name: &str| counts[name].as_u64().unwrap_or_default();
    let words: Vec<String> = FATES.iter().map(|(name, _)| format!("{} {name}", of(name))).collect();
    let mut at = 0.0;
    let mut parts = Vec::new();
    for (name, class) in FATES {
        let width = if total == 0 { 0.0 } else { of(name) as f64 * 100.0 / total as f64 };
        parts.push((class, at, width));
        at += width;
    }
    html! {
        svg.bar viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label=(words.join(", ")) {
            rect.rest x="0" y="0" width="100" height="4" {}
            @for (class, at, width) in parts {
                rect class=(class) x=(format!("{at:.3}")) y="0" width=(format!("{width:.3}")) height="4" {}
            }
        }
    }
}

/// How many recipients have had their turn in a second so far, and how long the others take at this pace. `None` where
/// none has, or where it has just begun.
fn pace(broadcast: &Value, now: Timestamp) -> Option<String> {
    let count = |name: &str| broadcast["counts"][name].as_u64();
    let (total, queued) = (count("total")?, count("queued")?);
    let began = Timestamp::parse(word(broadcast, "createdAt"))?;
    let (secs, done) = (now.since(began).as_secs(), total.saturating_sub(queued));
    if secs == 0 || done == 0 {
        return None;
    }
    let left = u64::try_from(u128::from(queued) * u128::from(secs) / u128::from(done)).ok()?;
    let pace = done as f64 / secs as f64;
    let pace = if pace < 10.0 { format!("{pace:.1}") } else { grouped(pace as u64) };
    Some(format!("{pace} recipients a second since it was accepted. At this pace it takes {} more.", span(left)))
}

pub(crate) async fn show(Extension(visit): Extension<Visit>, Path(id): Path<String>) -> Response<Body> {
    let made = one(&visit, &id).await;
    shown(&visit, Part::Broadcasts, made)
}

async fn one(visit: &Visit, id: &str) -> Result<Response<Body>, Problem> {
    let broadcast = visit.api.get(&calls::BROADCAST, &[id], &[]).await?;
    let id = word(&broadcast, "id");
    let counts = &broadcast["counts"];
    let is_open = matches!(word(&broadcast, "status"), "queued" | "sending");
    let of = |name: &str| counts[name].as_u64().unwrap_or_default();
    let content = html! {
        section #progress data-refresh=[is_open.then_some("2")] {
            p { (chip(word(&broadcast, "status"))) " of " (grouped(of("total"))) " recipients" }
            (bar(counts))
            dl.counts {
                @for name in ["delivered", "sent", "queued", "undelivered", "failed", "skipped"] {
                    div { dt { (name) } dd { (grouped(of(name))) } }
                }
            }
            @if is_open {
                @if let Some(pace) = pace(&broadcast, visit.now) { p.hint { (pace) } }
                p { (CANCEL.button(visit, &[("id", id)])) }
            }
        }
        div.columns {
            section {
                h2 { "Text" }
                div.bubble {
                    @match text::of(&broadcast["body"]) {
                        Some(text) => { (text) }
                        None => { p.none { "No text, or the text was removed because it is old." } }
                    }
                }
            }
            section {
                h2 { "Facts" }
                (facts(&[
                    ("From", said(&broadcast, "from")),
                    ("Account", Some(link("/console/accounts", word(&broadcast, "accountId")))),
                    ("Mode", said(&broadcast, "mode")),
                    ("Reference", said(&broadcast, "reference")),
                    ("Segments each", Some(html! { (count(&broadcast["segments"])) })),
                    ("Created", Some(time(&broadcast["createdAt"], visit.now))),
                    ("Valid until", Some(time(&broadcast["expiresAt"], visit.now))),
                    ("Id", Some(html! { code { (id) } })),
                ]))
                p { a.button href={ "/console/messages?broadcastId=" (id) } { "Its messages" } }
            }
        }
    };
    let within = [("Broadcasts", PATH.to_owned())];
    Ok(frame::page(visit, Part::Broadcasts, &format!("Broadcast {id}"), &within, &content))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pace_tells_how_long_the_rest_takes() {
        let broadcast = |total: u64, queued: u64| {
            let counts = json!({ "total": total, "queued": queued });
            json!({ "createdAt": "2026-03-15T12:00:00.000Z", "counts": counts })
        };
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let words = |pace: &str, left: &str| {
            Some(format!("{pace} recipients a second since it was accepted. At this pace it takes {left} more."))
        };
        let minute = at("2026-03-15T12:01:00Z");
        for (broadcast, now, expected) in [
            (broadcast(50_000, 20_000), minute, words("500", "40 s")),
            (broadcast(100, 70), minute, words("0.5", "2 min")),
            (broadcast(10, 10), minute, None),
            (broadcast(10, 0), at("2026-03-15T12:00:00.900Z"), None),
            (broadcast(u64::MAX, u64::MAX - 1), minute, None),
        ] {
            assert_eq!(pace(&broadcast, now), expected);
        }
    }
}
