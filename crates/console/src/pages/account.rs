//! One account: what it may do, its keys and numbers, whom it may not write to, and what is screened.

pub(crate) mod acts;

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::http::Response;
use maud::{Markup, html};
use serde_json::Value;

use self::acts::{
    BLOCK, CHANGE, KEY_CREATE, KEY_REVOKE, LIFT, NUMBER_CHANGE, NUMBER_CREATE, OPT_IN, OPT_OUT, POLICY, TEMPLATE,
    TEMPLATE_REMOVE,
};
use super::shown;
use crate::api::Problem;
use crate::calls;
use crate::frame::{self, Part};
use crate::parts::{Column, chip, count, facts, items, said, table, word};
use crate::shared::Visit;
use crate::text;
use crate::time::time;

/// How much of each list one page shows.
const LISTED: &str = "100";

/// All that an account's page is made of.
struct Account {
    account: Value,
    keys: Value,
    numbers: Value,
    blocks: Value,
    optouts: Value,
    policy: Value,
    templates: Value,
    keywords: Value,
    webhooks: Value,
}

impl Account {
    async fn of(visit: &Visit, id: &str) -> Result<Self, Problem> {
        let own = [("accountId", id), ("limit", LISTED)];
        Ok(Self {
            account: visit.api.get(&calls::ACCOUNT, &[id], &[]).await?,
            keys: visit.api.get(&calls::KEYS, &[id], &[("limit", LISTED)]).await?,
            numbers: visit.api.get(&calls::NUMBERS, &[], &[("limit", "1000")]).await?,
            blocks: visit.api.get(&calls::BLOCKS, &[], &own).await?,
            optouts: visit.api.get(&calls::OPTOUTS, &[], &own).await?,
            policy: visit.api.get(&calls::POLICY, &[id], &[]).await?,
            templates: visit.api.get(&calls::TEMPLATES, &[id], &[("limit", LISTED)]).await?,
            keywords: visit.api.get(&calls::KEYWORDS, &[id], &[]).await?,
            webhooks: visit.api.get(&calls::WEBHOOKS, &[], &own).await?,
        })
    }
}

pub(crate) async fn show(Extension(visit): Extension<Visit>, Path(id): Path<String>) -> Response<Body> {
    let made = Account::of(&visit, &id).await.map(|found| {
        let id = word(&found.account, "id");
        let content = html! {
            nav.tabs aria-label="Parts of this page" {
                @for (anchor, name) in SECTIONS { a href={ "#" (anchor) } { (name) } }
            }
            p.lead { (text::short(word(&found.account, "name"))) " " (chip(word(&found.account, "state"))) }
            section #limits { h2 { "Limits and state" } (limits(&visit, &found.account)) }
            section #keys { h2 { "Keys" } (keys(&visit, id, &found.keys)) }
            section #numbers { h2 { "Numbers" } (numbers(&visit, id, &found.numbers)) }
            section #webhooks { h2 { "Webhooks" } (webhooks(&visit, &found.webhooks)) }
            section #blocks { h2 { "Blocks" } (blocks(&visit, id, &found.blocks)) }
            section #optouts { h2 { "Opt-outs" } (optouts(&visit, id, &found.optouts)) }
            section #screening {
                h2 { "Screening" }
                (policy(&visit, id, &found.policy))
                h3 { "Approved templates" }
                (templates(&visit, id, &found.templates))
            }
            section #keywords { h2 { "Keywords" } (keywords(&found.keywords)) }
        };
        let within = [("Accounts", "/console/accounts".to_owned())];
        frame::page(&visit, Part::Accounts, &format!("Account {id}"), &within, &content)
    });
    shown(&visit, Part::Accounts, made)
}

const SECTIONS: [(&str, &str); 8] = [
    ("limits", "Limits"),
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
    let given: Vec<(String, String)> = CHANGE
        .fields
        .iter()
        .filter_map(|field| match &account[field.name] {
            Value::String(text) => Some((field.name.to_owned(), text.clone())),
            Value::Number(number) => Some((field.name.to_owned(), number.to_string())),
            _ => None,
        })
        .chain([("id".to_owned(), word(account, "id").to_owned())])
        .collect();
    let given: Vec<(&str, &str)> = given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    html! {
        (facts(&[
            ("Messages a minute", number("messagePerMinute")),
            ("Broadcasts a minute", number("broadcastPerMinute")),
            ("Reads a minute", number("readPerMinute")),
            ("Messages a day", number("dailyQuota")),
            ("Texts are kept", Some(texts)),
            ("Created", Some(time(&account["createdAt"], visit.now))),
        ]))
        p.acts { (CHANGE.button(visit, &given)) }
    }
}

fn keys(visit: &Visit, id: &str, keys: &Value) -> Markup {
    let rows: Vec<Vec<Markup>> = items(keys)
        .iter()
        .map(|key| {
            let (name, is_revoked) = (word(key, "keyId"), key["revokedAt"].is_string());
            vec![
                html! { code { (name) } },
                html! { (word(key, "mode")) },
                chip(if is_revoked { "revoked" } else { "active" }),
                time(&key["createdAt"], visit.now),
                time(&key["expiresAt"], visit.now),
                html! { @if !is_revoked { (KEY_REVOKE.button(visit, &[("account", id), ("id", name)])) } },
            ]
        })
        .collect();
    let columns = [
        Column::Words("Key"),
        Column::Words("Mode"),
        Column::Words("State"),
        Column::Words("Created"),
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
        .filter(|number| word(number, "accountId") == id)
        .map(|number| {
            let (name, state) = (word(number, "number"), word(number, "state"));
            vec![
                text::short(name),
                html! { (word(number, "kind")) },
                chip(state),
                html! { (count(&number["segmentsPerSecond"])) },
                NUMBER_CHANGE.button(visit, &[("account", id), ("number", name), ("state", state)]),
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

fn webhooks(visit: &Visit, webhooks: &Value) -> Markup {
    let rows: Vec<Vec<Markup>> = items(webhooks)
        .iter()
        .map(|webhook| {
            let state = if webhook["disabledAt"].is_string() {
                "disabled"
            } else if webhook["failingSince"].is_string() {
                "failing"
            } else {
                "active"
            };
            let events: Vec<&str> =
                webhook["events"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            vec![
                text::short(word(webhook, "url")),
                chip(state),
                text::short(&events.join(", ")),
                html! { (count(&webhook["backlog"])) },
                time(&webhook["failingSince"], visit.now),
            ]
        })
        .collect();
    let columns = [
        Column::Words("URL"),
        Column::Words("State"),
        Column::Words("Events"),
        Column::Numbers("Waiting"),
        Column::Words("Failing since"),
    ];
    let empty = html! { p { "No webhooks. The account adds them with " code { "POST /webhook" } "." } };
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

fn policy(visit: &Visit, id: &str, policy: &Value) -> Markup {
    let lines = |name: &str| {
        let words: Vec<&str> = policy[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        words.join("\n")
    };
    let (domains, phrases, exempt) = (lines("allowedDomains"), lines("allowedPhrases"), lines("exempt"));
    let given = [
        ("id", id),
        ("sure", word(policy, "sure")),
        ("unsure", word(policy, "unsure")),
        ("exempt", exempt.as_str()),
        ("allowedDomains", domains.as_str()),
        ("allowedPhrases", phrases.as_str()),
    ];
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
        @if visit.may(POLICY.least) {
            details.inline { summary { "Change the policy" } (POLICY.form(visit, &given)) }
        }
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
    html! {
        (table("Approved templates", &columns, &rows, &html! { p { "No templates are approved." } }))
        p.acts { (TEMPLATE.button(visit, &[("id", id)])) }
    }
}

fn keywords(keywords: &Value) -> Markup {
    let list = |name: &str| {
        let words: Vec<&str> = keywords[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        Some(words.join(", ")).filter(|words| !words.is_empty()).map(|words| text::short(&words))
    };
    let shown = [
        ("Further words that end", list("stopWords")),
        ("Languages", list("languages")),
        ("Texts that seem to ask for an end", said(keywords, "suspected")),
        ("An opt-out covers", said(keywords, "optOutScope")),
        ("Answers", keywords["replies"].as_bool().map(|on| html! { @if on { "on" } @else { "off" } })),
        ("Support", said(keywords, "support")),
        ("Answer to STOP", text::of(&keywords["stopText"])),
        ("Answer to START", text::of(&keywords["startText"])),
        ("Answer to HELP", text::of(&keywords["helpText"])),
    ];
    html! {
        @if shown.iter().all(|(_, value)| value.is_none()) {
            div.empty { p { "STOP, START and HELP work as the configuration says." } }
        } @else {
            (facts(&shown))
        }
    }
}
