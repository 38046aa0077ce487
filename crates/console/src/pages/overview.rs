//! How the platform does, at a glance.

use axum::Extension;
use axum::body::Body;
use axum::http::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::carriers::carriers_table;
use super::messages::messages_table;
use super::shown;
use crate::api::Problem;
use crate::calls;
use crate::frame::{self, Part};
use crate::parts::{grouped, items, link, word};
use crate::shared::Visit;
use crate::time::time;

pub(crate) async fn show(Extension(visit): Extension<Visit>) -> Response<Body> {
    let made = made(&visit).await;
    shown(&visit, Part::Overview, made)
}

async fn made(visit: &Visit) -> Result<Response<Body>, Problem> {
    let carriers = visit.api.get(&calls::CARRIERS, &[], &[]).await?;
    let webhooks = visit.api.get(&calls::WEBHOOKS, &[], &[("limit", "1000")]).await?;
    let unrouted = visit.api.get(&calls::UNROUTED, &[], &[("limit", "1")]).await?;
    let failed = visit.api.get(&calls::MESSAGES, &[], &[("status", "failed"), ("limit", "5")]).await?;
    let latest = visit.api.get(&calls::MESSAGES, &[], &[("limit", "10")]).await?;
    let sum = |name: &str| items(&carriers).iter().filter_map(|carrier| carrier[name].as_u64()).sum::<u64>();
    let attention = attention(visit, &carriers, &webhooks, &unrouted);
    let content = html! {
        div #overview data-refresh="5" {
            section.figures aria-label="Since the start of this node" {
                (figure("Waiting in queues", sum("queued")))
                (figure("Sent", sum("sent")))
                (figure("Delivered", sum("delivered")))
                (figure("Undelivered", sum("undelivered")))
                (figure("Failed", sum("failed")))
            }
            section {
                h2 { "Needs attention" }
                @if attention.is_empty() {
                    div.empty { p { "Nothing needs attention." } }
                } @else {
                    ul.attention { @for line in &attention { li { (line) } } }
                }
            }
            section { h2 { "Carriers" } (carriers_table(visit, &carriers)) }
            section {
                h2 { "Latest messages" }
                (messages_table(visit, &latest, &html! {
                    p { "No messages yet. Create an account and a key, and send the first one through the API." }
                    p { a.button href="/console/accounts" { "Accounts" } }
                }))
            }
            @if !items(&failed).is_empty() {
                section {
                    h2 { "Failed last" }
                    (messages_table(visit, &failed, &html! {}))
                    p { a href="/console/messages?status=failed" { "All that failed" } }
                }
            }
        }
    };
    Ok(frame::page(visit, Part::Overview, "Overview", &[], &content))
}

fn figure(name: &str, number: u64) -> Markup {
    html! { div.figure { span.label { (name) } strong { (grouped(number)) } } }
}

/// What an operator should look at, and where.
fn attention(visit: &Visit, carriers: &Value, webhooks: &Value, unrouted: &Value) -> Vec<Markup> {
    let mut lines = Vec::new();
    for carrier in items(carriers) {
        let sessions = &carrier["sessions"];
        let is_short = sessions["used"].as_u64() < sessions["of"].as_u64();
        if is_short || word(carrier, "state") == "unknown" {
            let name = word(carrier, "name");
            lines.push(html! {
                "Carrier " (link("/console/carriers", name)) " is " (word(carrier, "state")) ": "
                (sessions["used"]) " of " (sessions["of"]) " sessions are bound."
            });
        }
    }
    for webhook in items(webhooks) {
        let account = word(webhook, "accountId");
        if webhook["failingSince"].is_string() || webhook["disabledAt"].is_string() {
            let since = if webhook["disabledAt"].is_string() { "disabledAt" } else { "failingSince" };
            let state = if since == "disabledAt" { "was disabled" } else { "has been failing since" };
            lines.push(html! {
                "A webhook of " (link("/console/accounts", account)) " " (state) " "
                (time(&webhook[since], visit.now)) "."
            });
        }
    }
    if !items(unrouted).is_empty() {
        lines.push(html! {
            "Inbound messages belong to no account. " a href="/console/inbound/unrouted" { "Assign them" } "."
        });
    }
    lines
}
