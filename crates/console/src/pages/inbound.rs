//! Inbound messages: those of accounts, and those that belong to none.

use axum::Extension;
use axum::body::Body;
use axum::http::{Response, Uri};
use maud::{Markup, html};
use serde_json::Value;

use super::messages::segments;
use super::{asked, keywords, number, shown};
use crate::acts::{Act, Field, Kind, Then};
use crate::api::Problem;
use crate::calls;
use crate::door::Role;
use crate::form::Form;
use crate::frame::{self, Part};
use crate::parts::{Column, Filter, chip, count, filters, items, link, pager, query, said, table, word};
use crate::shared::Visit;
use crate::text;
use crate::time::time;

const PATH: &str = "/console/inbound";
const UNROUTED: &str = "/console/inbound/unrouted";
const KEYWORDS: &str = "/console/inbound/keywords";

pub(crate) static ASSIGN: Act = Act {
    path: "/console/inbound/unrouted/{id}/assign",
    call: calls::UNROUTED_ASSIGN,
    least: Role::Operator,
    part: Part::Inbound,
    verb: "Assign",
    about: "The account gets the message and its event, as if the message had just come.",
    is_destructive: false,
    fields: &[
        Field { name: "accountId", label: "Account", hint: "Its id, such as acc_…", kind: Kind::Text },
        Field { name: "mode", label: "Mode", hint: "", kind: Kind::One(&["live", "test"]) },
    ],
    filled: None,
    done: "The message is assigned.",
    back: UNROUTED,
    then: Then::Back,
};

const FILTERS: &[Filter] = &[
    Filter::Typed("from", "From", "number"),
    Filter::Typed("to", "To", "number"),
    Filter::Typed("accountId", "Account", "acc_…"),
    Filter::Typed("after", "Not before", "2026-03-15T14:30:00Z"),
    Filter::Typed("before", "Before", "2026-03-16T00:00:00Z"),
];

fn tabs(at: &str) -> Markup {
    html! {
        nav.tabs aria-label="Inbound" {
            @for (path, name) in [(PATH, "Messages"), (UNROUTED, "Without an account"), (KEYWORDS, "Keywords")] {
                a href=(path) aria-current=[(path == at).then_some("page")] { (name) }
            }
        }
    }
}

pub(crate) async fn list(Extension(visit): Extension<Visit>, uri: Uri) -> Response<Body> {
    let given = asked(&uri);
    let found = visit.api.get(&calls::INBOUND, &[], &query(FILTERS, &given)).await;
    let made = found.map(|found| {
        let empty =
            html! { p { "No inbound message is like that. Widen the filter, or look at those without an account." } };
        let content = html! {
            (tabs(PATH))
            (filters(PATH, FILTERS, &given))
            (inbound_table(&visit, &found, false, &empty))
            (pager(PATH, FILTERS, &given, &found))
        };
        frame::page(&visit, Part::Inbound, "Inbound", &[], &content)
    });
    shown(&visit, Part::Inbound, made)
}

pub(crate) async fn unrouted(Extension(visit): Extension<Visit>, uri: Uri) -> Response<Body> {
    let given = asked(&uri);
    let found = visit.api.get(&calls::UNROUTED, &[], &query(&[], &given)).await;
    let made = found.map(|found| {
        let empty = html! { p { "Every inbound message belongs to an account." } };
        let content = html! {
            (tabs(UNROUTED))
            p { "These came to numbers that no account has. Give the number to an account, and assign its messages." }
            (inbound_table(&visit, &found, true, &empty))
            (pager(UNROUTED, &[], &given, &found))
        };
        let within = [("Inbound", PATH.to_owned())];
        frame::page(&visit, Part::Inbound, "Inbound without an account", &within, &content)
    });
    shown(&visit, Part::Inbound, made)
}

pub(crate) async fn of_numbers(Extension(visit): Extension<Visit>, uri: Uri) -> Response<Body> {
    let made = keywords_of_numbers(&visit, &asked(&uri)).await;
    shown(&visit, Part::Inbound, made)
}

async fn keywords_of_numbers(visit: &Visit, given: &Form) -> Result<Response<Body>, Problem> {
    let found = visit.api.get(&calls::NUMBERS, &[], &query(&[], given)).await?;
    let mut rows = Vec::new();
    for one in items(&found) {
        let name = word(one, "number");
        // A number that is masked cannot be asked about.
        let is_known = !name.contains('*');
        let set = if is_known { visit.api.get(&calls::NUMBER_KEYWORDS, &[name], &[]).await? } else { Value::Null };
        rows.push(vec![
            number::of(name),
            link("/console/accounts", word(one, "accountId")),
            text::short(&keywords::listed(&set, "stopWords")),
            text::short(&keywords::listed(&set, "languages")),
            said(&set, "suspected").unwrap_or_default(),
            keywords::OF_NUMBER.button(visit, &[("number", name)]),
        ]);
    }
    let columns = [
        Column::Words("Number"),
        Column::Words("Account"),
        Column::Words("Further words"),
        Column::Words("Languages"),
        Column::Words("Suspected texts"),
        Column::Acts,
    ];
    let empty = html! { p { "No numbers yet. Keywords come to a number: give one to an account." } };
    let content = html! {
        (tabs(KEYWORDS))
        p {
            "STOP, START, HELP and the words like them work for every number. These are the settings of numbers; an "
            "account has its own on its page, for all of its numbers."
        }
        (table("Keywords of numbers", &columns, &rows, &empty))
        (pager(KEYWORDS, &[], given, &found))
    };
    let within = [("Inbound", PATH.to_owned())];
    Ok(frame::page(visit, Part::Inbound, "Keywords", &within, &content))
}

fn inbound_table(visit: &Visit, found: &Value, is_unrouted: bool, empty: &Markup) -> Markup {
    let rows: Vec<Vec<Markup>> = items(found)
        .iter()
        .map(|message| {
            let id = word(message, "id");
            let at = time(&message["receivedAt"], visit.now);
            vec![
                html! { @if is_unrouted { (at) } @else { a href={ "/console/messages/" (id) } { (at) } } },
                text::short(word(message, "from")),
                text::short(word(message, "to")),
                html! {
                    div.clip { @if let Some(text) = text::of(&message["body"]) { (text) } }
                    // It has no page of its own.
                    @if is_unrouted {
                        details {
                            summary { "The whole text" }
                            (segments::bubble(message)) (segments::encoding(message))
                        }
                    }
                },
                html! {
                    @if let Some(keyword) = message["keyword"].as_str() { (chip(keyword)) }
                    @else if message["suspectedOptOut"] == true { (chip("suspected opt-out")) }
                },
                html! { (word(message, "encoding")) },
                html! {
                    (count(&message["segments"]))
                    @if let Some(parts) = segments::parts(message) { p.hint { (parts) } }
                },
                text::short(word(message, "carrier")),
                html! {
                    @if is_unrouted { (ASSIGN.button(visit, &[("id", id)])) }
                    @else { (link("/console/accounts", word(message, "accountId"))) }
                },
            ]
        })
        .collect();
    let columns = [
        Column::Words("Received"),
        Column::Words("From"),
        Column::Words("To"),
        Column::Words("Text"),
        Column::Words("Keyword"),
        Column::Words("Encoding"),
        Column::Words("Segments"),
        Column::Words("Carrier"),
        if is_unrouted { Column::Acts } else { Column::Words("Account") },
    ];
    table("Inbound messages", &columns, &rows, empty)
}
