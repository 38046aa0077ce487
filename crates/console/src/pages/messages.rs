//! Messages: the search, and the whole life of one.

pub(crate) mod acts;
mod media;
pub(super) mod segments;

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Response, Uri};
use maud::{Markup, html};
use serde_json::Value;

use self::acts::{AGAIN, CANCEL, REVEAL, SEND};
use super::{asked, shown};
use crate::api::Problem;
use crate::calls::{self, encoded};
use crate::form::Form;
use crate::frame::{self, Part};
use crate::guard::see_other;
use crate::parts::{
    Column, Filter, chip, count, facts, filters, grouped, items, link, pager, query, said, table, word,
};
use crate::shared::Visit;
use crate::text;
use crate::time::{exact, time};

const PATH: &str = "/console/messages";

const FILTERS: &[Filter] = &[
    Filter::Typed("number", "Number", "from or to"),
    Filter::Typed("to", "To", "+18005550199"),
    Filter::Typed("from", "From", "number or name"),
    Filter::Typed("reference", "Reference", "or a carrier's id"),
    Filter::Typed("accountId", "Account", "acc_…"),
    Filter::One("status", "Status", &["scheduled", "queued", "sent", "delivered", "undelivered", "failed", "canceled"]),
    Filter::One("mode", "Mode", &["live", "test"]),
    Filter::Typed("broadcastId", "Broadcast", ""),
    Filter::Typed("after", "Not before", "2026-03-15T14:30:00Z"),
    Filter::Typed("before", "Before", "2026-03-16T00:00:00Z"),
];

pub(crate) async fn list(Extension(visit): Extension<Visit>, uri: Uri) -> Response<Body> {
    let given = asked(&uri);
    // An id in the field for ids leads straight to its message.
    if let Some(id) = given.get("id") {
        return see_other(&format!("{PATH}/{}", encoded(id.trim())));
    }
    let made = listed(&visit, &given).await;
    shown(&visit, Part::Messages, made)
}

async fn listed(visit: &Visit, given: &Form) -> Result<Response<Body>, Problem> {
    let found = visit.api.get(&calls::MESSAGES, &[], &query(FILTERS, given)).await?;
    let content = html! {
        p.acts { (SEND.button(visit, &[])) }
        form.filters.by-id method="get" action=(PATH) {
            div.field {
                label for="by-id" { "Message id" }
                input #by-id name="id" autocomplete="off" spellcheck="false" data-search;
            }
            div.field.go { button type="submit" { "Open" } }
        }
        (filters(PATH, FILTERS, given))
        (messages_table(visit, &found, &html! {
            p { "No message is like that. Widen the filter, or " a href=(PATH) { "see all messages" } "." }
        }))
        (pager(PATH, FILTERS, given, &found))
    };
    Ok(frame::page(visit, Part::Messages, "Messages", &[], &content))
}

pub(crate) fn messages_table(visit: &Visit, found: &Value, empty: &Markup) -> Markup {
    let rows: Vec<Vec<Markup>> = items(found)
        .iter()
        .map(|message| {
            vec![
                html! { a href={ (PATH) "/" (word(message, "id")) } { (time(&message["createdAt"], visit.now)) } },
                chip(word(message, "status")),
                text::short(word(message, "from")),
                text::short(word(message, "to")),
                html! { div.clip { @if let Some(text) = text::of(&message["body"]) { (text) } } },
                html! { (word(message, "messageType")) },
                html! { (count(&message["segments"])) },
                link("/console/accounts", word(message, "accountId")),
            ]
        })
        .collect();
    let columns = [
        Column::Words("Created"),
        Column::Words("Status"),
        Column::Words("From"),
        Column::Words("To"),
        Column::Words("Text"),
        Column::Words("Type"),
        Column::Numbers("Segments"),
        Column::Words("Account"),
    ];
    table("Messages", &columns, &rows, empty)
}

pub(crate) async fn show(Extension(visit): Extension<Visit>, Path(id): Path<String>) -> Response<Body> {
    let made = one(&visit, &id).await;
    shown(&visit, Part::Messages, made)
}

async fn one(visit: &Visit, id: &str) -> Result<Response<Body>, Problem> {
    let message = visit.api.get(&calls::MESSAGE, &[id], &[]).await?;
    let id = word(&message, "id").to_owned();
    let is_masked = message["body"].is_object();
    let is_outbound = message["direction"] != "inbound";
    let is_scheduled = message["status"] == "scheduled";
    let waits = is_scheduled || message["status"] == "queued";
    let content = html! {
        @if let Some(sentence) = message["waitsFor"]["sentence"].as_str() {
            p.waits role="status" {
                strong { @if is_scheduled { "Scheduled: " } @else { "Still queued: " } } (text::short(sentence))
                @if !is_scheduled && message["waitsFor"]["nextTryAt"].is_string() {
                    " The next try is " (time(&message["waitsFor"]["nextTryAt"], visit.now)) "."
                }
            }
        }
        p.acts {
            @if is_outbound { (AGAIN.button(visit, &[("id", &id)])) }
            @if waits { (CANCEL.button(visit, &[("id", &id)])) }
            @if is_masked { (REVEAL.button(visit, &[("id", &id)])) }
        }
        div.columns {
            section {
                h2 { "Text" }
                (segments::bubble(&message))
                (segments::encoding(&message))
                @if let Some(note) = message["receiptNote"].as_str() { p.hint { (note) } }
            }
            section {
                h2 { "Facts" }
                (particulars(visit, &message))
            }
        }
        @if is_outbound {
            section { h2 { "Timeline" } (timeline(visit, &message)) }
            section {
                h2 { "PDUs" }
                (super::pdus::table_of(visit, &message["pdus"], &html! {
                    p {
                        "No PDUs of this message are in a trace. Begin one at "
                        a href="/console/carriers" { "its carrier" } " before the message leaves."
                    }
                }))
            }
        }
    };
    // A message that is under way is followed.
    let is_open = matches!(word(&message, "status"), "scheduled" | "queued" | "sent");
    let content = html! { div #message data-refresh=[is_open.then_some("3")] { (content) } };
    let within = [("Messages", PATH.to_owned())];
    Ok(frame::page(visit, Part::Messages, &format!("Message {id}"), &within, &content))
}

/// What is known of a message beside its text.
fn particulars(visit: &Visit, message: &Value) -> Markup {
    let moment = |name: &str| message[name].is_string().then(|| exact(&message[name], visit.now));
    let known = |is_so: bool, words: &'static str| is_so.then(|| html! { (words) });
    facts(&[
        ("Status", Some(chip(word(message, "status")))),
        ("From", said(message, "from")),
        ("To", said(message, "to")),
        ("Also to", others(message)),
        ("Direction", said(message, "direction")),
        ("Account", Some(link("/console/accounts", word(message, "accountId")))),
        ("Mode", said(message, "mode")),
        ("Carrier", said(message, "carrier")),
        ("Reference", said(message, "reference")),
        ("Broadcast", message["broadcastId"].as_str().map(|id| link("/console/broadcasts", id))),
        ("Attempts", message["attempts"].is_u64().then(|| html! { (count(&message["attempts"])) })),
        (
            "Of unknown outcome",
            message["unknownOutcomes"].as_u64().filter(|count| *count > 0).map(|count| {
                html! { (grouped(count)) }
            }),
        ),
        ("Automatic", known(message["automatic"] == true, "the answer to a keyword")),
        ("Media", media::of(message)),
        ("Received", moment("receivedAt")),
        ("Created", moment("createdAt")),
        ("Leaves", moment("sendAt")),
        ("Sent", moment("sentAt")),
        ("Delivered", moment("deliveredAt")),
        ("Failed", moment("failedAt")),
        ("Canceled", moment("canceledAt")),
        ("Valid until", moment("expiresAt")),
        ("Error", said(message, "errorType")),
        ("Reason", text::of(&message["errorMessage"])),
        ("Receipt", known(message["receipt"] == "missing", "none came")),
        ("Keyword", said(message, "keyword")),
        ("Suspected", known(message["suspectedOptOut"] == true, "it may ask for an end of messages")),
        ("Erased", moment("erasedAt")),
        ("Id", Some(html! { code { (word(message, "id")) } })),
    ])
}

/// The other recipients of a group message.
fn others(message: &Value) -> Option<Markup> {
    let others = message["additionalRecipients"].as_array()?;
    let others: Vec<&str> = others.iter().filter_map(Value::as_str).collect();
    Some(text::short(&others.join(", ")))
}

fn timeline(visit: &Visit, message: &Value) -> Markup {
    let events = message["events"].as_array().map_or(&[][..], Vec::as_slice);
    html! {
        @if events.is_empty() {
            div.empty { p { "Nothing is on record yet." } }
        } @else {
            ol.timeline {
                @for event in events {
                    li {
                        span.when { (exact(&event["at"], visit.now)) }
                        (chip(word(event, "event")))
                        @if let Some(carrier) = event["carrier"].as_str() { " " (text::short(carrier)) }
                        @if let Some(attempt) = event["attempt"].as_u64() { " attempt " (attempt) }
                        @if let Some(detail) = event["detail"].as_str() { div.detail { (text::text(detail)) } }
                    }
                }
            }
        }
    }
}
