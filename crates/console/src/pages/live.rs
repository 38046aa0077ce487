//! Messages as they happen. The page shows the latest ones; a script adds those that follow.

use axum::Extension;
use axum::body::Body;
use axum::http::{Response, Uri};
use maud::html;
use serde_json::Value;

use super::messages::messages_table;
use super::{asked, shown};
use crate::api::Problem;
use crate::calls;
use crate::door::Role;
use crate::form::Form;
use crate::frame::{self, Part};
use crate::parts::{Filter, filters, word};
use crate::shared::Visit;

const PATH: &str = "/console/live";
const CARRIER: &str = "carrier";
const NUMBER: &str = "number";

const FILTERS: &[Filter] = &[
    Filter::Typed("accountId", "Account", "acc_…"),
    Filter::Typed(NUMBER, "Number", "+18005550199"),
    Filter::Typed(CARRIER, "Carrier", "name"),
    Filter::One("status", "Status", &["scheduled", "queued", "sent", "delivered", "undelivered", "failed", "canceled"]),
];

pub(crate) async fn show(Extension(visit): Extension<Visit>, uri: Uri) -> Response<Body> {
    let given = asked(&uri);
    // The stream has masked numbers, among which a script cannot find one.
    let is_masked = !visit.may(Role::Operator);
    let follows = !(is_masked && given.get(NUMBER).is_some());
    let made = latest(&visit, &given).await.map(|latest| {
        let content = html! {
            (filters(PATH, FILTERS, &given))
            @if is_masked {
                p.hint {
                    "Your role sees masked numbers. If you filter by number, the page shows the latest messages and \
                     does not follow new ones."
                }
            }
            div #live data-events=[follows.then_some("/console/live/events")] {
                p.acts {
                    button type="button" data-pause aria-pressed="false" hidden { "Pause" }
                    span.hint data-state role="status" {
                        "These are the latest messages. Load the page again for newer ones."
                    }
                    " " span.hint data-counts {}
                }
                div data-lines {
                    (messages_table(&visit, &latest, &html! {
                        p { "No message is like that yet. The first one appears here when it is accepted." }
                    }))
                }
            }
        };
        frame::page(&visit, Part::Live, "Live", &[], &content)
    });
    shown(&visit, Part::Live, made)
}

/// The latest messages that the filters let pass. Lists are not narrowed by carrier, so that this is done here.
async fn latest(visit: &Visit, given: &Form) -> Result<Value, Problem> {
    let names = FILTERS.iter().map(Filter::name).filter(|name| *name != CARRIER);
    let narrowed = names.filter_map(|name| Some((name, given.get(name)?.trim())));
    let query: Vec<(&str, &str)> = narrowed.chain([("limit", "20")]).collect();
    let mut found = visit.api.get(&calls::MESSAGES, &[], &query).await?;
    if let (Some(carrier), Some(messages)) = (given.get(CARRIER), found["data"].as_array_mut()) {
        messages.retain(|message| word(message, CARRIER) == carrier.trim());
    }
    Ok(found)
}

/// The stream of the admin API. Tabs share one of these and filter it themselves.
pub(crate) async fn events(Extension(visit): Extension<Visit>) -> Response<Body> {
    match visit.api.stream(&calls::LIVE).await {
        Ok(response) => response,
        Err(problem) => {
            let problem = Problem::new(problem.status, problem.message);
            frame::problem(&visit, Part::Live, &problem, PATH, &html! {})
        }
    }
}
