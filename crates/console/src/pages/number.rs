//! One number, short code or name: whose it is, its state, and its keywords.

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::http::Response;
use maud::{Markup, html};

use super::{keywords, shown};
use crate::acts::{Act, Field, Filled, Kind, Then, same_names};
use crate::api::Problem;
use crate::calls::{self, encoded};
use crate::door::Role;
use crate::frame::{self, Part};
use crate::parts::{chip, count, facts, link, said, word};
use crate::shared::Visit;
use crate::text;
use crate::time::time;

const PATH: &str = "/console/numbers";

const STATES: &[&str] = &["active", "pending", "suspended", "deactivated", "released", "unavailable"];

pub(crate) static CHANGE: Act = Act {
    path: "/console/accounts/{account}/numbers/{number}/change",
    call: calls::NUMBER_CHANGE,
    least: Role::Admin,
    part: Part::Accounts,
    verb: "Change",
    about: "Messages are sent only from an active number.",
    is_destructive: false,
    fields: &[
        Field { name: "state", label: "State", hint: "", kind: Kind::One(STATES) },
        Field { name: "segmentsPerSecond", label: "Segments a second", hint: "As before, if empty", kind: Kind::Whole },
    ],
    filled: Some(Filled { call: calls::NUMBER, values: same_names }),
    done: "The number is changed.",
    back: "/console/accounts/{account}",
    then: Then::Back,
};

/// A number as a link to its page. One that is masked leads nowhere.
pub(super) fn of(number: &str) -> Markup {
    html! {
        @if number.contains('*') { (text::short(number)) }
        @else { a href={ (PATH) "/" (encoded(number)) } { (text::short(number)) } }
    }
}

pub(crate) async fn show(Extension(visit): Extension<Visit>, Path(number): Path<String>) -> Response<Body> {
    let made = one(&visit, &number).await;
    shown(&visit, Part::Accounts, made)
}

async fn one(visit: &Visit, number: &str) -> Result<Response<Body>, Problem> {
    let found = visit.api.get(&calls::NUMBER, &[number], &[]).await?;
    let set = visit.api.get(&calls::NUMBER_KEYWORDS, &[number], &[]).await?;
    let account = word(&found, "accountId");
    let content = html! {
        section {
            (facts(&[
                ("Number", said(&found, "number")),
                ("Kind", said(&found, "kind")),
                ("State", Some(chip(word(&found, "state")))),
                ("Account", Some(link("/console/accounts", account))),
                ("Segments a second", found["segmentsPerSecond"].is_u64().then(|| html! {
                    (count(&found["segmentsPerSecond"]))
                })),
                ("Added", Some(time(&found["createdAt"], visit.now))),
            ]))
            p.acts {
                @if !account.is_empty() {
                    (CHANGE.button(visit, &[("account", account), ("number", number)]))
                }
            }
        }
        section #keywords {
            h2 { "Keywords" }
            (keywords::shown(&set, "This number has no settings of its own: those of its account apply."))
            p.acts { (keywords::OF_NUMBER.button(visit, &[("number", number)])) }
        }
    };
    let mut within = vec![("Accounts", "/console/accounts".to_owned())];
    if !account.is_empty() {
        within.push(("Account", format!("/console/accounts/{account}")));
    }
    // The name of a number may be one that strangers wrote: it stays out of the title.
    Ok(frame::page(visit, Part::Accounts, "Number", &within, &content))
}
