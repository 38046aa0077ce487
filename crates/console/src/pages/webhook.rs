//! One webhook: how it does, and what became of its events.

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Response, Uri};
use maud::{Markup, html};
use serde_json::Value;

use super::{asked, shown};
use crate::acts::{Act, Field, Kind, Then};
use crate::api::Problem;
use crate::calls;
use crate::door::Role;
use crate::form::Form;
use crate::frame::{self, Part};
use crate::parts::{
    Column, Filter, chip, count, facts, filters, is_narrowed, items, link, pager, query, said, table, word,
};
use crate::shared::Visit;
use crate::text;
use crate::time::time;

const ONE: &str = "/console/webhooks/{id}";

/// What the acts of webhooks have in common.
const fn of_webhook(verb: &'static str, path: &'static str) -> Act {
    Act {
        path,
        call: calls::WEBHOOK_REPLAY,
        least: Role::Operator,
        part: Part::Accounts,
        verb,
        about: "",
        is_destructive: false,
        fields: &[],
        filled: None,
        done: "The events are on their way again.",
        back: ONE,
        then: Then::Back,
    }
}

pub(crate) static REPLAY: Act = Act {
    about: "The endpoint gets these events once more, under the ids that they had. A receiver that keeps to the \
            documentation takes none of them twice.",
    fields: &[Field { name: "eventIds", label: "Events", hint: "Their ids, one a line", kind: Kind::Lines }],
    ..of_webhook("Replay", "/console/webhooks/{id}/replay-events")
};

pub(crate) static REPLAY_TIME: Act = Act {
    about: "The endpoint gets the events of this time once more, under the ids that they had. Up to ten replays of an \
            endpoint may be under way.",
    fields: &[
        Field { name: "since", label: "Since", hint: "Such as 2026-03-15T14:30:00Z", kind: Kind::Text },
        Field { name: "until", label: "Until", hint: "Until now, if this is empty", kind: Kind::Text },
        Field {
            name: "status",
            label: "Deliveries that are",
            hint: "",
            kind: Kind::One(&["failed", "pending", "succeeded", ""]),
        },
    ],
    ..of_webhook("Replay a time", "/console/webhooks/{id}/replay")
};

const FILTERS: &[Filter] = &[
    Filter::One("status", "Status", &["pending", "succeeded", "failed"]),
    Filter::Typed("type", "Type of event", "messaging.outgoing.delivered"),
];

/// The state of a webhook in a word.
pub(super) fn state(webhook: &Value) -> &'static str {
    match () {
        () if webhook["disabledAt"].is_string() => "disabled",
        () if webhook["active"] == false => "off",
        () if webhook["failingSince"].is_string() => "failing",
        () => "active",
    }
}

/// The types of events that a webhook wants.
pub(super) fn events(webhook: &Value) -> String {
    let events: Vec<&str> = webhook["events"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    events.join(", ")
}

pub(crate) async fn show(Extension(visit): Extension<Visit>, Path(id): Path<String>, uri: Uri) -> Response<Body> {
    let made = one(&visit, &id, &asked(&uri)).await;
    shown(&visit, Part::Accounts, made)
}

async fn one(visit: &Visit, id: &str, given: &Form) -> Result<Response<Body>, Problem> {
    let webhook = visit.api.get(&calls::WEBHOOK, &[id], &[]).await?;
    let found = visit.api.get(&calls::DELIVERIES, &[id], &query(FILTERS, given)).await?;
    let (id, own) = (word(&webhook, "id"), format!("/console/webhooks/{id}"));
    let account = word(&webhook, "accountId");
    let is_narrowed = is_narrowed(FILTERS, given);
    let content = html! {
        p.acts { (REPLAY_TIME.button(visit, &[("id", id)])) }
        section #webhook data-refresh="5" { (particulars(visit, &webhook)) }
        section {
            h2 { "Deliveries" }
            (filters(&own, FILTERS, given))
            div #deliveries data-refresh="5" { (deliveries(visit, id, &found, is_narrowed)) }
            (pager(&own, FILTERS, given, &found))
        }
    };
    let of_account = format!("/console/accounts/{account}");
    let within = [("Accounts", "/console/accounts".to_owned()), ("Account", of_account)];
    Ok(frame::page(visit, Part::Accounts, &format!("Webhook {id}"), &within, &content))
}

fn particulars(visit: &Visit, webhook: &Value) -> Markup {
    let moment = |name: &str| webhook[name].is_string().then(|| time(&webhook[name], visit.now));
    html! {
        @if webhook["disabledAt"].is_string() {
            p.waits role="status" {
                "The platform has disabled this webhook. Its account sets " code { "active" }
                " once the endpoint answers again; what happened meanwhile can be replayed then."
            }
        }
        (facts(&[
            ("Address", said(webhook, "url")),
            ("State", Some(chip(state(webhook)))),
            ("Disabled", moment("disabledAt")),
            ("Why", said(webhook, "disabledReason")),
            ("Failing since", moment("failingSince")),
            ("Waiting events", Some(html! { (count(&webhook["backlog"])) })),
            ("Events", Some(text::short(&events(webhook)))),
            ("Order", said(webhook, "ordering")),
            ("Messages of broadcasts", Some(html! {
                @if webhook["broadcastMessages"] == true { "each has events" } @else { "without events" }
            })),
            ("Description", said(webhook, "description")),
            ("Account", Some(link("/console/accounts", word(webhook, "accountId")))),
            ("Mode", said(webhook, "mode")),
            ("Created", moment("createdAt")),
        ]))
    }
}

fn deliveries(visit: &Visit, id: &str, found: &Value, is_narrowed: bool) -> Markup {
    let rows: Vec<Vec<Markup>> = items(found)
        .iter()
        .map(|delivery| {
            let event = word(delivery, "eventId");
            let attempts = delivery["attempts"].as_array().map_or(&[][..], Vec::as_slice);
            vec![
                time(&delivery["timestamp"], visit.now),
                text::short(word(delivery, "type")),
                chip(word(delivery, "status")),
                html! { @if let Some(last) = attempts.last() { (answer(last)) } @else { span.none { "none" } } },
                html! { @if attempts.is_empty() { "0" } @else { (tries(visit, attempts)) } },
                html! {
                    @if delivery["nextAttemptAt"].is_string() { (time(&delivery["nextAttemptAt"], visit.now)) }
                },
                html! { code { (event) } },
                REPLAY.button(visit, &[("id", id), ("eventIds", event)]),
            ]
        })
        .collect();
    let columns = [
        Column::Words("Event of"),
        Column::Words("Type"),
        Column::Words("Status"),
        Column::Words("Last answer"),
        Column::Words("Attempts"),
        Column::Words("Next try"),
        Column::Words("Event"),
        Column::Acts,
    ];
    let empty = html! {
        @if is_narrowed {
            p { "No delivery is like that. Widen the filter." }
        } @else {
            p {
                "Nothing was delivered yet. An event comes with the next message of the account; the account can try "
                "its endpoint with " code { "POST /webhook/{id}/test" } "."
            }
        }
    };
    table("Deliveries", &columns, &rows, &empty)
}

/// What an endpoint answered, in short.
fn answer(attempt: &Value) -> Markup {
    html! {
        @match (attempt["httpStatus"].as_u64(), attempt["cause"].as_str()) {
            (Some(status), _) => { "HTTP " (status) }
            (None, Some(cause)) => { (text::short(cause)) }
            (None, None) => { span.none { "none" } }
        }
    }
}

/// The attempts of a delivery, the newest first.
fn tries(visit: &Visit, attempts: &[Value]) -> Markup {
    html! {
        details {
            summary { (attempts.len()) }
            ol.timeline {
                @for attempt in attempts.iter().rev() {
                    li {
                        span.when { (time(&attempt["at"], visit.now)) }
                        (answer(attempt)) " after " (count(&attempt["durationMs"])) " ms"
                        @if let Some(said) = text::of(&attempt["response"]) { div.detail { (said) } }
                    }
                }
            }
        }
    }
}
