//! Carriers: how each one does, and what of its receipts nothing could use.

pub(crate) mod acts;

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Response, StatusCode};
use maud::{Markup, html};
use serde_json::Value;

use super::{pdus, shown};
use crate::api::Problem;
use crate::calls;
use crate::door::Role;
use crate::frame::{self, Part};
use crate::parts::{Column, chip, count, facts, items, link, said, table, word};
use crate::shared::Visit;
use crate::text;
use crate::time::time;

const PATH: &str = "/console/carriers";

pub(crate) async fn list(Extension(visit): Extension<Visit>) -> Response<Body> {
    let made = visit.api.get(&calls::CARRIERS, &[], &[]).await.map(|carriers| {
        let content = html! { div #carriers data-refresh="5" { (carriers_table(&visit, &carriers)) } };
        frame::page(&visit, Part::Carriers, "Carriers", &[], &content)
    });
    shown(&visit, Part::Carriers, made)
}

pub(crate) fn carriers_table(visit: &Visit, carriers: &Value) -> Markup {
    let in_use = |value: &Value| html! { (count(&value["used"])) " / " (count(&value["of"])) };
    let rows: Vec<Vec<Markup>> = items(carriers)
        .iter()
        .map(|carrier| {
            vec![
                link(PATH, word(carrier, "name")),
                chip(word(carrier, "state")),
                in_use(&carrier["sessions"]),
                in_use(&carrier["window"]),
                html! { (carrier["throughput"]) },
                html! { (count(&carrier["queued"])) },
                html! { (count(&carrier["sent"])) },
                html! { (count(&carrier["delivered"])) },
                html! { (count(&carrier["undelivered"])) },
                html! { (count(&carrier["failed"])) },
                html! { (count(&carrier["throttled"])) },
            ]
        })
        .collect();
    let columns = [
        Column::Words("Carrier"),
        Column::Words("State"),
        Column::Numbers("Sessions"),
        Column::Numbers("Window"),
        Column::Numbers("Segments/s"),
        Column::Numbers("Queued"),
        Column::Numbers("Sent"),
        Column::Numbers("Delivered"),
        Column::Numbers("Undelivered"),
        Column::Numbers("Failed"),
        Column::Numbers("Throttled"),
    ];
    let hint = if visit.may(Role::Admin) { "Add a [[carrier]] to the configuration, and reload it." } else { "" };
    table("Carriers", &columns, &rows, &html! { p { "No carriers. " (hint) } })
}

pub(crate) async fn show(Extension(visit): Extension<Visit>, Path(name): Path<String>) -> Response<Body> {
    let made = one(&visit, &name).await;
    shown(&visit, Part::Carriers, made)
}

async fn one(visit: &Visit, name: &str) -> Result<Response<Body>, Problem> {
    let carrier = &visit.api.get(&calls::CARRIER, &[name], &[]).await?;
    // The sandbox, and a carrier that the configuration does not know, have no codes and no trace.
    let codes = found(visit.api.get(&calls::CODES, &[name], &[]).await)?;
    let may_trace = visit.may(Role::Operator);
    let trace = if may_trace { found(visit.api.get(&calls::TRACE, &[name], &[]).await)? } else { None };
    let unmatched = visit.api.get(&calls::UNMATCHED, &[name], &[]).await?;
    let number = |name: &str| Some(html! { (count(&carrier[name])) });
    let in_use = |name: &str| Some(html! { (count(&carrier[name]["used"])) " of " (count(&carrier[name]["of"])) });
    let content = html! {
        p.acts {
            @if carrier["stoppedAt"].is_string() {
                (acts::START.button(visit, &[("name", name)]))
            } @else {
                (acts::STOP.button(visit, &[("name", name)]))
            }
            (acts::TEST.button(visit, &[("name", name)]))
            @match &trace {
                Some(trace) if trace["on"] == true => { (acts::TRACE_END.button(visit, &[("name", name)])) }
                Some(_) => { (acts::TRACE.button(visit, &[("name", name)])) }
                None => {}
            }
            @if codes.is_some() { (acts::MESSAGE.button(visit, &[("carrier", name)])) }
        }
        section #carrier data-refresh="5" {
            (facts(&[
                ("State", Some(chip(word(carrier, "state")))),
                ("Stopped", carrier["stoppedAt"].is_string().then(|| time(&carrier["stoppedAt"], visit.now))),
                ("Down since", carrier["downSince"].is_string().then(|| time(&carrier["downSince"], visit.now))),
                ("Node", said(carrier, "node")),
                ("Oldest in the queue", carrier["oldestQueuedAt"].is_string().then(|| {
                    time(&carrier["oldestQueuedAt"], visit.now)
                })),
                ("Sessions bound", in_use("sessions")),
                ("Window in use", in_use("window")),
                ("Segments a second", Some(html! {
                    (carrier["throughput"])
                    @if carrier["rate"].as_u64().is_some_and(|rate| rate > 0) {
                        " of at most " (count(&carrier["rate"]))
                    }
                })),
                ("Queued", number("queued")),
                ("Sent", number("sent")),
                ("Delivered", number("delivered")),
                ("Undelivered", number("undelivered")),
                ("Failed", number("failed")),
                ("Segments submitted", number("submitted")),
                ("Throttled", number("throttled")),
                ("Of unknown outcome", number("unknown")),
                ("Last error", said(carrier, "lastError")),
            ]))
            p.hint { "Counts are those of the node that answers, since its start." }
        }
        section { h2 { "Sessions" } (sessions_table(visit, carrier)) }
        @if let Some(codes) = &codes { section { h2 { "Error codes" } (codes_table(codes)) } }
        @if let Some(trace) = &trace {
            section #trace data-refresh="5" {
                h2 { "Trace" }
                (pdus::table_of(visit, &trace["data"], &html! {
                    p { "Nothing is traced. Begin a trace to see the PDUs of this carrier as they come and go." }
                }))
            }
        }
        section { h2 { "Receipts that matched nothing" } (unmatched_table(visit, &unmatched)) }
    };
    let within = [("Carriers", PATH.to_owned())];
    Ok(frame::page(visit, Part::Carriers, word(carrier, "name"), &within, &content))
}

/// An answer; `None` where there is nothing of the kind.
fn found(answer: Result<Value, Problem>) -> Result<Option<Value>, Problem> {
    match answer {
        Err(problem) if problem.status == StatusCode::NOT_FOUND => Ok(None),
        answer => answer.map(Some),
    }
}

fn sessions_table(visit: &Visit, carrier: &Value) -> Markup {
    let rows: Vec<Vec<Markup>> = carrier["sessionList"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|session| {
            vec![
                html! { (session["number"]) },
                html! { (word(session, "kind")) },
                chip(word(session, "state")),
                time(&session["since"], visit.now),
                html! { (count(&session["window"]["used"])) " / " (count(&session["window"]["of"])) },
            ]
        })
        .collect();
    let columns = [
        Column::Numbers("Session"),
        Column::Words("Kind"),
        Column::Words("State"),
        Column::Words("Since"),
        Column::Numbers("Window"),
    ];
    table(
        "Sessions",
        &columns,
        &rows,
        &html! { p {
            "This carrier has no sessions at this node. Where it should have some, test the connection."
        } },
    )
}

/// A code, which is a number or a word.
fn code_of(code: &Value) -> Markup {
    code.as_str().map_or_else(|| html! { (code) }, text::short)
}

fn codes_table(codes: &Value) -> Markup {
    let rows: Vec<Vec<Markup>> = items(codes)
        .iter()
        .map(|code| {
            vec![
                html! { (word(code, "answers")) },
                html! { code { (code_of(&code["code"])) } },
                text::short(word(code, "name")),
                text::short(word(code, "meaning")),
                html! { (word(code, "consequence")) },
                html! { (count(&code["count"])) },
            ]
        })
        .collect();
    let columns = [
        Column::Words("Answers"),
        Column::Words("Code"),
        Column::Words("Name"),
        Column::Words("Meaning"),
        Column::Words("Consequence"),
        Column::Numbers("Count"),
    ];
    table("Error codes", &columns, &rows, &html! { p { "The carrier has answered with no error since the start." } })
}

fn unmatched_table(visit: &Visit, unmatched: &Value) -> Markup {
    let list = |value: &Value| {
        let words: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        text::short(&words.join(", "))
    };
    let rows: Vec<Vec<Markup>> = items(unmatched)
        .iter()
        .map(|receipt| {
            vec![
                time(&receipt["at"], visit.now),
                chip(word(receipt, "reason")),
                chip(word(receipt, "fate")),
                list(&receipt["keys"]),
                text::short(word(receipt, "detail")),
                html! {
                    @if let Some(raw) = text::of(&receipt["received"]) { details { summary { "Received" } (raw) } }
                },
            ]
        })
        .collect();
    let columns = [
        Column::Words("Came"),
        Column::Words("Reason"),
        Column::Words("Fate"),
        Column::Words("Ids"),
        Column::Words("Detail"),
        Column::Words("Octets"),
    ];
    table("Receipts that matched nothing", &columns, &rows, &html! { p { "Every receipt found its message." } })
}
