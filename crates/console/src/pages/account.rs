//! One account: its limits, its usage, the beginnings of its lists, its screening policy and its keywords.

pub(crate) mod acts;
pub(crate) mod lists;
pub(crate) mod usage;

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::http::Response;
use maud::{Markup, html};
use serde_json::Value;

use self::acts::{CHANGE, POLICY, RETAIN};
use super::{keywords, shown};
use crate::api::Problem;
use crate::calls;
use crate::frame::{self, Part};
use crate::parts::{chip, count, facts, said, word};
use crate::shared::Visit;
use crate::text;
use crate::time::time;

pub(crate) async fn show(Extension(visit): Extension<Visit>, Path(id): Path<String>) -> Response<Body> {
    let made = one(&visit, &id).await;
    shown(&visit, Part::Accounts, made)
}

async fn one(visit: &Visit, id: &str) -> Result<Response<Body>, Problem> {
    let account = visit.api.get(&calls::ACCOUNT, &[id], &[]).await?;
    let id = word(&account, "id");
    let screened = visit.api.get(&calls::POLICY, &[id], &[]).await?;
    let set = visit.api.get(&calls::KEYWORDS, &[id], &[]).await?;
    let content = html! {
        nav.tabs aria-label="Parts of this page" {
            @for (anchor, name) in SECTIONS { a href={ "#" (anchor) } { (name) } }
        }
        p.lead { (text::short(word(&account, "name"))) " " (chip(word(&account, "state"))) }
        p.acts {
            @for (path, name) in OF_ACCOUNT { a.button href={ "/console/" (path) "?accountId=" (id) } { (name) } }
        }
        section #limits { h2 { "Limits and state" } (limits(visit, &account)) }
        section #usage { h2 { "Usage" } (usage::of_week(visit, id).await?) }
        section #keys { h2 { "Keys" } (lists::KEYS.beginning(visit, id).await?) }
        section #numbers { h2 { "Numbers" } (lists::NUMBERS.beginning(visit, id).await?) }
        section #webhooks { h2 { "Webhooks" } (lists::WEBHOOKS.beginning(visit, id).await?) }
        section #blocks { h2 { "Blocks" } (lists::BLOCKS.beginning(visit, id).await?) }
        section #optouts { h2 { "Opt-outs" } (lists::OPTOUTS.beginning(visit, id).await?) }
        section #screening {
            h2 { "Screening" }
            (policy(visit, id, &screened))
            h3 { "Approved templates" }
            (lists::TEMPLATES.beginning(visit, id).await?)
        }
        section #keywords {
            h2 { "Keywords" }
            (keywords::shown(&set, "STOP, START and HELP work as the configuration says."))
            p.acts { (keywords::OF_ACCOUNT.button(visit, &[("id", id)])) }
         }
    };
    let within = [("Accounts", "/console/accounts".to_owned())];
    Ok(frame::page(visit, Part::Accounts, &format!("Account {id}"), &within, &content))
}

/// Lists that can be narrowed to an account.
const OF_ACCOUNT: [(&str, &str); 4] = [
    ("messages", "Its messages"),
    ("broadcasts", "Its broadcasts"),
    ("inbound", "Its inbound messages"),
    ("screening", "Its screened texts"),
];

const SECTIONS: [(&str, &str); 9] = [
    ("limits", "Limits"),
    ("usage", "Usage"),
    ("keys", "Keys"),
    ("numbers", "Numbers"),
    ("webhooks", "Webhooks"),
    ("blocks", "Blocks"),
    ("optouts", "Opt-outs"),
    ("screening", "Screening"),
    ("keywords", "Keywords"),
];

fn limits(visit: &Visit, account: &Value) -> Markup {
    let number = |name: &str| Some(html! { (count(&account[name])) });
    let texts = match &account["retentionDays"] {
        Value::Null => html! { "as the configuration says" },
        Value::String(word) => text::short(word),
        days => html! { (days) " days" },
    };
    html! {
        (facts(&[
            ("Messages a minute", number("messagePerMinute")),
            ("Broadcasts a minute", number("broadcastPerMinute")),
            ("Reads a minute", number("readPerMinute")),
            ("Messages a day", number("dailyQuota")),
            ("Texts are kept", Some(texts)),
            ("Created", Some(time(&account["createdAt"], visit.now))),
        ]))
        p.acts { @for act in [&CHANGE, &RETAIN] { (act.button(visit, &[("id", word(account, "id"))])) } }
    }
}

fn policy(visit: &Visit, id: &str, policy: &Value) -> Markup {
    let lines = |name: &str| {
        let words: Vec<&str> = policy[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        words.join("\n")
    };
    let (domains, phrases, exempt) = (lines("allowedDomains"), lines("allowedPhrases"), lines("exempt"));
    let or_none = |text: &str| {
        Some(if text.is_empty() {
            html! { span.none { "none" } }
        } else {
            text::text(text)
        })
    };
    html! {
        (facts(&[
            ("Sure findings", said(policy, "sure")),
            ("Unsure findings", said(policy, "unsure")),
            ("Exempt categories", or_none(&exempt)),
            ("Allowed domains", or_none(&domains)),
            ("Allowed phrases", or_none(&phrases)),
        ]))
        p.acts { (POLICY.button(visit, &[("id", id)])) }
    }
}
