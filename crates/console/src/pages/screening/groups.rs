//! Decisions of the screen by category, and texts of one shape together.

use std::collections::BTreeMap;

use axum::Extension;
use axum::body::Body;
use axum::http::{Response, Uri};
use maud::{Markup, html};
use serde_json::Value;

use super::{ERROR, FILTERS, tabs};
use crate::calls;
use crate::frame::{self, Part};
use crate::pages::{asked, shown};
use crate::parts::{count, filters, grouped, items, link, query, word};
use crate::shared::Visit;
use crate::text;
use crate::time::time;

pub(super) const PATH: &str = "/console/screening/groups";

pub(crate) async fn list(Extension(visit): Extension<Visit>, uri: Uri) -> Response<Body> {
    let given = asked(&uri);
    let found = visit.api.get(&calls::SCREENING_GROUPS, &[], &query(FILTERS, &given)).await;
    let made = found.map(|found| {
        let content = html! {
            (tabs(PATH))
            (filters(PATH, FILTERS, &given))
            p.hint { "Of the newest " (count(&found["of"])) " decisions like that." }
            @if items(&found).is_empty() {
                div.empty { p { "The screen has found nothing like that. Widen the filter." } }
            } @else {
                section { h2 { "By category" } (by_category(items(&found))) }
                section { h2 { "Texts of one shape" } @for group in items(&found) { (shape(&visit, group)) } }
            }
        };
        frame::page(&visit, Part::Screening, "Counts and shapes", &[("Screening", super::PATH.to_owned())], &content)
    });
    shown(&visit, Part::Screening, made)
}

fn by_category(groups: &[Value]) -> Markup {
    html! {
        dl.counts {
            @for (category, count) in counted(groups) { div { dt { (text::short(category)) } dd { (grouped(count)) } } }
        }
    }
}

/// How many decisions there are of each category. A text may be of several.
fn counted(groups: &[Value]) -> BTreeMap<&str, u64> {
    let mut counts = BTreeMap::new();
    for group in groups {
        for category in group["categories"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            *counts.entry(category).or_default() += group["count"].as_u64().unwrap_or_default();
        }
    }
    counts
}

fn shape(visit: &Visit, group: &Value) -> Markup {
    let categories = group["categories"].as_array().map_or(&[][..], Vec::as_slice);
    html! {
        article.decision {
            header {
                strong { (count(&group["count"])) } " times"
                @for category in categories.iter().filter_map(Value::as_str) {
                    " " span.category { (text::short(category)) }
                }
                span.when { (time(&group["lastAt"], visit.now)) }
            }
            div.bubble {
                @match text::of(&group["template"]) {
                    Some(template) => { (template) }
                    None => { p.none { "No template: " (text::short(word(group, "templateProblem"))) } }
                }
            }
            p.hint {
                "Of " (link("/console/accounts", word(group, "accountId"))) ", since "
                (time(&group["firstAt"], visit.now)) ". With this template approved, " (count(&group["templatePasses"]))
                " of them pass."
            }
            p.acts { (ERROR.button(visit, &[("id", word(group, "sampleId"))])) }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_counts_in_each_of_its_categories() {
        let groups = [
            json!({ "count": 3, "categories": ["phishing", "fraud"] }),
            json!({ "count": 2, "categories": ["fraud"] }),
        ];
        assert_eq!(counted(&groups), [("fraud", 5), ("phishing", 3)].into());
    }
}
