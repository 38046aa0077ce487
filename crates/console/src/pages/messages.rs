//! Messages: the search, and the whole life of one.

mod segments;

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Response, Uri};
use maud::{Markup, html};
use serde_json::Value;

use super::{asked, shown};
use crate::acts::{Act, Field, Kind, Then};
use crate::api::Problem;
use crate::calls::{self, encoded};
use crate::door::Role;
use crate::form::Form;
use crate::frame::{self, Part};
use crate::guard::see_other;
use crate::parts::{Column, Filter, chip, count, facts, filters, items, link, pager, query, said, table, word};
use crate::shared::Visit;
use crate::text;
use crate::time::time;

const PATH: &str = "/console/messages";

/// What the acts of messages have in common.
const fn of_messages(verb: &'static str, path: &'static str, call: calls::Call) -> Act {
    Act {
        path,
        call,
        least: Role::Operator,
        part: Part::Messages,
        verb,
        about: "",
        is_destructive: false,
        fields: &[],
        filled: None,
        done: "",
        back: "/console/messages/{id}",
        then: Then::To(PATH),
    }
}

const fn typed(name: &'static str, label: &'static str, hint: &'static str) -> Field {
    Field { name, label, hint, kind: Kind::Text }
}

pub(crate) static SEND: Act = Act {
    about: "The message passes every check of the account, and counts against its limits and its quota.",
    fields: &[
        typed("accountId", "Account", "acc_…"),
        Field { name: "mode", label: "Mode", hint: "", kind: Kind::One(&["test", "live"]) },
        typed("from", "From", "A number, short code or name of the account"),
        typed("to", "To", "Such as +18005550199"),
        Field { name: "body", label: "Text", hint: "", kind: Kind::Long },
    ],
    done: "The message is accepted.",
    back: PATH,
    ..of_messages("Send a message", "/console/messages/new", calls::MESSAGE_SEND)
};

pub(crate) static AGAIN: Act = Act {
    about: "A new message with the same sender, recipient and text is sent on the account's behalf. It passes every \
            check, counts against the account's limits, and is charged again.",
    is_destructive: true,
    done: "The message is sent again, as this one.",
    ..of_messages("Send again", "/console/messages/{id}/again", calls::MESSAGE_AGAIN)
};

pub(crate) static CANCEL: Act = Act {
    about: "The message is not sent, and its client gets an event. Its quota stays used. This cannot be undone. A \
        message that was submitted to a carrier cannot be canceled.",
    is_destructive: true,
    done: "The message is canceled.",
    then: Then::Back,
    ..of_messages("Cancel the message", "/console/messages/{id}/cancel", calls::MESSAGE_CANCEL)
};

pub(crate) static REVEAL: Act = Act {
    least: Role::Viewer,
    about: "The numbers and the text are shown once. The audit log notes that you saw them.",
    done: "This is on record in the audit log.",
    then: Then::Shows(revealed),
    ..of_messages("Reveal", "/console/messages/{id}/reveal", calls::MESSAGE_REVEAL)
};

fn revealed(message: &Value) -> Markup {
    html! {
        (facts(&[("From", said(message, "from")), ("To", said(message, "to"))]))
        div.bubble {
            @match text::of(&message["body"]) {
                Some(text) => { (text) }
                None => { p.none { "No text." } }
            }
        }
    }
}

const FILTERS: &[Filter] = &[
    Filter::Typed("number", "Number", "from or to"),
    Filter::Typed("to", "To", "+18005550199"),
    Filter::Typed("from", "From", "number or name"),
    Filter::Typed("reference", "Reference", ""),
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
        section { h2 { "Timeline" } (timeline(visit, &message)) }
        @if is_outbound {
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
    let moment = |name: &str| message[name].is_string().then(|| time(&message[name], visit.now));
    facts(&[
        ("Status", Some(chip(word(message, "status")))),
        ("From", said(message, "from")),
        ("To", said(message, "to")),
        ("Direction", said(message, "direction")),
        ("Account", Some(link("/console/accounts", word(message, "accountId")))),
        ("Mode", said(message, "mode")),
        ("Carrier", said(message, "carrier")),
        ("Reference", said(message, "reference")),
        ("Broadcast", message["broadcastId"].as_str().map(|id| link("/console/broadcasts", id))),
        ("Attempts", message["attempts"].is_u64().then(|| html! { (count(&message["attempts"])) })),
        ("Created", moment("createdAt")),
        ("Leaves", moment("sendAt")),
        ("Sent", moment("sentAt")),
        ("Delivered", moment("deliveredAt")),
        ("Failed", moment("failedAt")),
        ("Canceled", moment("canceledAt")),
        ("Valid until", moment("expiresAt")),
        ("Error", said(message, "errorType")),
        ("Reason", text::of(&message["errorMessage"])),
        ("Keyword", said(message, "keyword")),
        ("Erased", moment("erasedAt")),
        ("Id", Some(html! { code { (word(message, "id")) } })),
    ])
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
                        span.when { (time(&event["at"], visit.now)) }
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
