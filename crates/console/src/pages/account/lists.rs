//! The lists of an account: their beginnings on its page, and each on pages of its own.

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Response, Uri};
use axum::routing::{MethodRouter, get};
use maud::{Markup, html};
use serde_json::Value;

use super::acts::{BLOCK, KEY_CREATE, KEY_REVOKE, LIFT, NUMBER_CREATE, OPT_IN, OPT_OUT, TEMPLATE, TEMPLATE_REMOVE};
use crate::api::Problem;
use crate::calls::{self, Call};
use crate::form::Form;
use crate::frame::{self, Part};
use crate::pages::{asked, number, shown, webhook};
use crate::parts::{Column, Filter, chip, count, filters, is_narrowed, items, pager, query, said, table, word};
use crate::shared::Visit;
use crate::text;
use crate::time::time;

/// How many items of a list the account's page has.
const FIRST: &str = "25";

/// A list.
#[derive(Debug)]
pub(crate) struct List {
    /// The last part of its address.
    name: &'static str,
    title: &'static str,
    call: Call,
    /// What its pages can be narrowed by.
    filters: &'static [Filter],
    table: fn(&Visit, &str, &Value) -> Markup,
}

const fn list(name: &'static str, title: &'static str, call: Call, table: fn(&Visit, &str, &Value) -> Markup) -> List {
    List { name, title, call, filters: &[], table }
}

pub(crate) static KEYS: List = list("keys", "Keys", calls::KEYS, keys);
pub(crate) static NUMBERS: List = list("numbers", "Numbers", calls::NUMBERS, numbers);
pub(crate) static WEBHOOKS: List = list("webhooks", "Webhooks", calls::WEBHOOKS, webhooks);
pub(crate) static BLOCKS: List = List {
    filters: &[Filter::One("kind", "Kind", &["recipient", "sender"])],
    ..list("blocks", "Blocks", calls::BLOCKS, blocks)
};
pub(crate) static OPTOUTS: List = List {
    filters: &[Filter::Typed("number", "Handset", "+18005550199")],
    ..list("optouts", "Opt-outs", calls::OPTOUTS, optouts)
};
pub(crate) static TEMPLATES: List = list("templates", "Approved templates", calls::TEMPLATES, templates);

/// Every list.
pub(crate) static LISTS: [&List; 6] = [&KEYS, &NUMBERS, &WEBHOOKS, &BLOCKS, &OPTOUTS, &TEMPLATES];

impl List {
    /// The address of its pages.
    pub(crate) fn path(&self) -> String {
        format!("/console/accounts/{{id}}/{}", self.name)
    }

    /// What serves them.
    pub(crate) fn served<S: Clone + Send + Sync + 'static>(&'static self) -> MethodRouter<S> {
        get(move |Extension(visit): Extension<Visit>, Path(id): Path<String>, uri: Uri| async move {
            let made = self.page(&visit, &id, &asked(&uri)).await;
            shown(&visit, Part::Accounts, made)
        })
    }

    async fn page(&self, visit: &Visit, id: &str, given: &Form) -> Result<Response<Body>, Problem> {
        let account = visit.api.get(&calls::ACCOUNT, &[id], &[]).await?;
        let found = self.found(visit, id, &query(self.filters, given)).await?;
        let own = format!("/console/accounts/{id}");
        let content = html! {
            p.lead { "Of " a href=(own) { (text::short(word(&account, "name"))) } }
            @if !self.filters.is_empty() { (filters(&format!("{own}/{}", self.name), self.filters, given)) }
            @if items(&found).is_empty() && is_narrowed(self.filters, given) {
                div.empty { p { "None of these is like that. Widen the filter." } }
            } @else {
                ((self.table)(visit, id, &found))
            }
            @if found["nextCursor"].as_str().is_some_and(|cursor| cursor.contains('*')) {
                p.hint { "There is more. Its address has a number in it, which your role sees masked." }
            } @else {
                (pager(&format!("{own}/{}", self.name), self.filters, given, &found))
            }
        };
        let within = [("Accounts", "/console/accounts".to_owned()), ("Account", own)];
        Ok(frame::page(visit, Part::Accounts, self.title, &within, &content))
    }

    /// The beginning of the list, and the way to the rest.
    pub(super) async fn beginning(&self, visit: &Visit, id: &str) -> Result<Markup, Problem> {
        let found = self.found(visit, id, &[("limit", FIRST)]).await?;
        Ok(html! {
            ((self.table)(visit, id, &found))
            @if found["nextCursor"].is_string() {
                p { a href={ "/console/accounts/" (id) "/" (self.name) } { "All of these: " (self.title) } }
            }
        })
    }

    async fn found(&self, visit: &Visit, id: &str, query: &[(&str, &str)]) -> Result<Value, Problem> {
        if self.call.route.contains("{id}") {
            return visit.api.get(&self.call, &[id], query).await;
        }
        visit.api.get(&self.call, &[], &[query, &[("accountId", id)]].concat()).await
    }
}

fn keys(visit: &Visit, id: &str, keys: &Value) -> Markup {
    let rows: Vec<Vec<Markup>> = items(keys)
        .iter()
        .map(|key| {
            let (name, is_revoked) = (word(key, "keyId"), key["revokedAt"].is_string());
            vec![
                html! { code { (name) } },
                html! { @if let Some(name) = key["name"].as_str() { (text::short(name)) } },
                html! { (word(key, "mode")) },
                chip(if is_revoked { "revoked" } else { "active" }),
                time(&key["createdAt"], visit.now),
                html! { @if key["lastUsedAt"].is_null() { "never" } @else { (time(&key["lastUsedAt"], visit.now)) } },
                time(&key["expiresAt"], visit.now),
                html! { @if !is_revoked { (KEY_REVOKE.button(visit, &[("account", id), ("id", name)])) } },
            ]
        })
        .collect();
    let columns = [
        Column::Words("Key"),
        Column::Words("Name"),
        Column::Words("Mode"),
        Column::Words("State"),
        Column::Words("Created"),
        Column::Words("Last used"),
        Column::Words("Expires"),
        Column::Acts,
    ];
    html! {
        (table("Keys", &columns, &rows, &html! { p { "No keys. An account needs a key to send." } }))
        p.acts { (KEY_CREATE.button(visit, &[("id", id)])) }
    }
}

fn numbers(visit: &Visit, id: &str, numbers: &Value) -> Markup {
    let rows: Vec<Vec<Markup>> = items(numbers)
        .iter()
        .map(|one| {
            let name = word(one, "number");
            vec![
                number::of(name),
                html! { (word(one, "kind")) },
                chip(word(one, "state")),
                html! { (count(&one["segmentsPerSecond"])) },
                number::CHANGE.button(visit, &[("account", id), ("number", name)]),
            ]
        })
        .collect();
    let columns = [
        Column::Words("Number"),
        Column::Words("Kind"),
        Column::Words("State"),
        Column::Numbers("Segments/s"),
        Column::Acts,
    ];
    html! {
        (table("Numbers", &columns, &rows, &html! { p { "No numbers. An account needs a number to send from." } }))
        p.acts { (NUMBER_CREATE.button(visit, &[("id", id), ("accountId", id)])) }
    }
}

fn webhooks(visit: &Visit, _: &str, webhooks: &Value) -> Markup {
    let rows: Vec<Vec<Markup>> = items(webhooks)
        .iter()
        .map(|webhook| {
            vec![
                html! { a href={ "/console/webhooks/" (word(webhook, "id")) } { (text::short(word(webhook, "url"))) } },
                chip(webhook::state(webhook)),
                html! { (word(webhook, "mode")) },
                text::short(&webhook::events(webhook)),
                html! { (count(&webhook["backlog"])) },
                time(&webhook["failingSince"], visit.now),
            ]
        })
        .collect();
    let columns = [
        Column::Words("Address"),
        Column::Words("State"),
        Column::Words("Mode"),
        Column::Words("Events"),
        Column::Numbers("Waiting"),
        Column::Words("Failing since"),
    ];
    let empty = html! { p { "No webhooks. The account adds one with " code { "POST /webhook" } "." } };
    table("Webhooks", &columns, &rows, &empty)
}

fn blocks(visit: &Visit, id: &str, blocks: &Value) -> Markup {
    let rows: Vec<Vec<Markup>> = items(blocks)
        .iter()
        .map(|block| {
            let (number, kind) = (word(block, "number"), word(block, "kind"));
            let given = [("account", id), ("number", number), ("kind", kind), ("accountId", id)];
            vec![
                text::short(number),
                html! { (kind) },
                html! { @if let Some(reason) = block["reason"].as_str() { (text::short(reason)) } },
                time(&block["createdAt"], visit.now),
                LIFT.button(visit, &given),
            ]
        })
        .collect();
    let columns =
        [Column::Words("Number"), Column::Words("Kind"), Column::Words("Reason"), Column::Words("Since"), Column::Acts];
    html! {
        (table("Blocks", &columns, &rows, &html! { p { "No block concerns this account alone." } }))
        p.acts { (BLOCK.button(visit, &[("id", id), ("accountId", id)])) }
    }
}

fn optouts(visit: &Visit, id: &str, optouts: &Value) -> Markup {
    let rows: Vec<Vec<Markup>> = items(optouts)
        .iter()
        .map(|optout| {
            let number = word(optout, "number");
            let given = [("account", id), ("number", number), ("accountId", id), ("from", word(optout, "from"))];
            vec![
                text::short(number),
                said(optout, "from").unwrap_or_else(|| html! { "every number" }),
                html! { (word(optout, "source")) },
                html! { @if let Some(keyword) = optout["keyword"].as_str() { (text::short(keyword)) } },
                time(&optout["createdAt"], visit.now),
                OPT_IN.button(visit, &given),
            ]
        })
        .collect();
    let columns = [
        Column::Words("Handset"),
        Column::Words("Of"),
        Column::Words("Source"),
        Column::Words("Keyword"),
        Column::Words("Since"),
        Column::Acts,
    ];
    html! {
        (table("Opt-outs", &columns, &rows, &html! { p { "No handset has opted out." } }))
        p.acts { (OPT_OUT.button(visit, &[("id", id), ("accountId", id)])) }
    }
}

fn templates(visit: &Visit, id: &str, templates: &Value) -> Markup {
    let rows: Vec<Vec<Markup>> = items(templates)
        .iter()
        .map(|template| {
            let name = word(template, "id");
            vec![
                html! { @if let Some(text) = text::of(&template["text"]) { (text) } },
                html! { @if let Some(note) = template["note"].as_str() { (text::short(note)) } },
                time(&template["createdAt"], visit.now),
                TEMPLATE_REMOVE.button(visit, &[("account", id), ("id", id), ("template", name)]),
            ]
        })
        .collect();
    let columns = [Column::Words("Template"), Column::Words("Note"), Column::Words("Approved"), Column::Acts];
    let empty = html! { p { "No templates are approved. Texts of the shape of one pass the screen." } };
    html! {
        (table("Approved templates", &columns, &rows, &empty))
        p.acts { (TEMPLATE.button(visit, &[("id", id)])) }
    }
}
