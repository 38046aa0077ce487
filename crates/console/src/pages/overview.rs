//! How the platform does, at a glance.

use axum::Extension;
use axum::body::Body;
use axum::http::Response;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::carriers::carriers_table;
use super::messages::messages_table;
use super::shown;
use crate::api::Problem;
use crate::calls;
use crate::chart;
use crate::frame::{self, Part};
use crate::parts::{Column, chip, grouped, link, table, word};
use crate::shared::Visit;
use crate::text;
use crate::time::time;

pub(crate) async fn show(Extension(visit): Extension<Visit>) -> Response<Body> {
    let made = made(&visit).await;
    shown(&visit, Part::Overview, made)
}

async fn made(visit: &Visit) -> Result<Response<Body>, Problem> {
    let overview = visit.api.get(&calls::OVERVIEW, &[], &[]).await?;
    let latest = visit.api.get(&calls::MESSAGES, &[], &[("limit", "10")]).await?;
    let queues = overview["queue"].as_array().map_or(&[][..], Vec::as_slice);
    let queued: u64 = queues.iter().filter_map(|queue| queue["queued"].as_u64()).sum();
    let oldest = queues.iter().filter_map(|queue| queue["oldestAt"].as_str()).min();
    let content = html! {
        div #overview data-refresh="5" {
            section { h2 { "Needs attention" } (attention(visit, &overview["attention"])) }
            section.figures aria-label="Now" {
                (figure("Accepted a second", &html! { (overview["now"]["accepted"]) }))
                (figure("Sent a second", &html! { (overview["now"]["sent"]) }))
                (figure("Delivered a second", &html! { (overview["now"]["delivered"]) }))
                (figure("Failed a second", &html! { (overview["now"]["failed"]) }))
                (figure("In queues", &html! { (grouped(queued)) }))
                (figure("Oldest in a queue", &html! {
                    @match oldest {
                        Some(at) => { (time(&json!(at), visit.now)) }
                        None => { span.none { "none" } }
                    }
                }))
            }
            section.columns aria-label="Rates" {
                (chart::rates("Last hour", &overview["hour"]))
                (chart::rates("Last day", &overview["day"]))
            }
            section { h2 { "Carriers" } (carriers_table(visit, &json!({ "data": overview["carriers"] }))) }
            section { h2 { "Failing webhooks" } (failing(visit, &overview["webhooks"])) }
            section {
                h2 { "Latest messages" }
                (messages_table(visit, &latest, &html! {
                    p { "No messages yet. Create an account and a key, and send the first one through the API." }
                    p { a.button href="/console/accounts" { "Accounts" } }
                }))
            }
            p.hint {
                "Rates and counts are those of node " (text::short(word(&overview["node"], "name"))) ", one of "
                (overview["node"]["of"]) ", since its start."
            }
        }
    };
    Ok(frame::page(visit, Part::Overview, "Overview", &[], &content))
}

fn figure(name: &str, value: &Markup) -> Markup {
    html! { div.figure { span.label { (name) } strong { (value) } } }
}

/// Everything that needs the operator: a sentence, since when, and the next step.
fn attention(visit: &Visit, list: &Value) -> Markup {
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    html! {
        @if list.is_empty() {
            div.empty { p { "Nothing needs attention." } }
        } @else {
            ul.attention {
                @for each in list {
                    li {
                        (text::short(word(each, "sentence")))
                        @if each["since"].is_string() { " " span.when { "since " (time(&each["since"], visit.now)) } }
                        p.step { (text::short(word(each, "whatToDo"))) }
                    }
                }
            }
        }
    }
}

fn failing(visit: &Visit, webhooks: &Value) -> Markup {
    let rows: Vec<Vec<Markup>> = webhooks["failing"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|webhook| {
            let since = if webhook["disabledAt"].is_string() { "disabledAt" } else { "failingSince" };
            vec![
                html! { a href={ "/console/webhooks/" (word(webhook, "id")) } { (text::short(word(webhook, "url"))) } },
                link("/console/accounts", word(webhook, "accountId")),
                chip(if since == "disabledAt" { "disabled" } else { "failing" }),
                time(&webhook[since], visit.now),
            ]
        })
        .collect();
    let columns = [Column::Words("Address"), Column::Words("Account"), Column::Words("State"), Column::Words("Since")];
    table("Failing webhooks", &columns, &rows, &html! { p { "Every webhook takes its events." } })
}
