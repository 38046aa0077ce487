//! Operators: who signs in to the console, and with which role.

use axum::Extension;
use axum::body::Body;
use axum::http::{Response, Uri};
use maud::{Markup, html};
use serde_json::Value;

use super::{asked, shown};
use crate::acts::{Act, Field, Kind, Then, secrets};
use crate::calls;
use crate::door::Role;
use crate::frame::{self, Part};
use crate::parts::{Column, chip, items, pager, query, table, word};
use crate::shared::Visit;
use crate::text;
use crate::time::time;

const PATH: &str = "/console/operators";

const ROLES: &[&str] = &["viewer", "operator", "admin"];

const PASSWORD: &str = "At least 15 characters. Without one, the operator signs in by links or through a proxy";

/// What the acts of operators have in common.
const fn of_operators(verb: &'static str, path: &'static str, call: calls::Call) -> Act {
    Act {
        path,
        call,
        least: Role::Admin,
        part: Part::Operators,
        verb,
        about: "",
        is_destructive: false,
        fields: &[],
        filled: None,
        done: "",
        back: PATH,
        then: Then::Back,
    }
}

pub(crate) static CREATE: Act = Act {
    about: "A viewer reads, with numbers and texts masked. An operator does the daily work. An admin does everything.",
    fields: &[
        Field { name: "name", label: "Name", hint: "Such as ada", kind: Kind::Text },
        Field { name: "role", label: "Role", hint: "", kind: Kind::One(ROLES) },
        Field { name: "password", label: "Password", hint: PASSWORD, kind: Kind::Secret },
    ],
    done: "The operator is added.",
    ..of_operators("New operator", "/console/operators/new", calls::OPERATOR_CREATE)
};

pub(crate) static CHANGE_ROLE: Act = Act {
    about: "The operator is signed out, and has the new role from the next sign-in on.",
    fields: &[Field { name: "role", label: "Role", hint: "", kind: Kind::One(ROLES) }],
    done: "The role is changed.",
    ..of_operators("Change the role", "/console/operators/{name}/role", calls::OPERATOR_CHANGE)
};

pub(crate) static SET_PASSWORD: Act = Act {
    about: "The old password does not work any more, and the operator is signed out.",
    fields: &[Field { name: "password", label: "New password", hint: PASSWORD, kind: Kind::Secret }],
    done: "The password is set.",
    ..of_operators("Set a password", "/console/operators/{name}/password", calls::OPERATOR_CHANGE)
};

pub(crate) static DISABLE: Act = Act {
    about: "The operator is signed out and cannot sign in. The audit log keeps the name.",
    is_destructive: true,
    fields: &[Field { name: "disabled", label: "", hint: "", kind: Kind::Always(true) }],
    done: "The operator is disabled.",
    ..of_operators("Disable", "/console/operators/{name}/disable", calls::OPERATOR_CHANGE)
};

pub(crate) static ENABLE: Act = Act {
    about: "The operator can sign in again.",
    fields: &[Field { name: "disabled", label: "", hint: "", kind: Kind::Always(false) }],
    done: "The operator is enabled.",
    ..of_operators("Enable", "/console/operators/{name}/enable", calls::OPERATOR_CHANGE)
};

pub(crate) static LINK: Act = Act {
    about: "The link signs the operator in once, within 10 minutes.",
    done: "The link is made.",
    then: Then::Shows(link),
    ..of_operators("Make a sign-in link", "/console/operators/{name}/link", calls::OPERATOR_LINK)
};

fn link(answer: &Value) -> Markup {
    match answer["link"].as_str() {
        Some(link) => secrets(&[("Link", link)]),
        None => html! {
            p { "Put the address of this console before it: " code { "console.url" } " is not configured." }
            (secrets(&[("Link", &format!("/console/login?token={}", word(answer, "token")))]))
        },
    }
}

pub(crate) async fn list(Extension(visit): Extension<Visit>, uri: Uri) -> Response<Body> {
    let given = asked(&uri);
    let made = visit.api.get(&calls::OPERATORS, &[], &query(&[], &given)).await.map(|found| {
        let rows: Vec<Vec<Markup>> = items(&found).iter().map(|operator| row(&visit, operator)).collect();
        let columns = [
            Column::Words("Name"),
            Column::Words("Role"),
            Column::Words("State"),
            Column::Words("Password"),
            Column::Words("Added"),
            Column::Acts,
        ];
        let empty = html! { p { "No operators yet. Add the first one, and send a link." } };
        let content = html! {
            p.acts { (CREATE.button(&visit, &[])) }
            (table("Operators", &columns, &rows, &empty))
            (pager(PATH, &[], &given, &found))
        };
        frame::page(&visit, Part::Operators, "Operators", &[], &content)
    });
    shown(&visit, Part::Operators, made)
}

fn row(visit: &Visit, operator: &Value) -> Vec<Markup> {
    let (name, role) = (word(operator, "name"), word(operator, "role"));
    let given: &[(&str, &str)] = &[("name", name), ("role", role)];
    let is_disabled = operator["disabledAt"].is_string();
    vec![
        text::short(name),
        html! { (role) },
        chip(if is_disabled { "disabled" } else { "active" }),
        html! { @if operator["hasPassword"] == true { "set" } @else { span.none { "none" } } },
        time(&operator["createdAt"], visit.now),
        html! {
            (CHANGE_ROLE.button(visit, given))
            (SET_PASSWORD.button(visit, &given[..1]))
            @if is_disabled { (ENABLE.button(visit, &given[..1])) } @else {
                (LINK.button(visit, &given[..1]))
                (DISABLE.button(visit, &given[..1]))
            }
        },
    ]
}
