//! `/screening`, and the policies and templates of accounts.

use model::error::ErrorCode;
use model::{ScreeningCertainty, ScreeningOutcome};
use serde_json::{Value, json};

use super::super::admin_path;
use super::super::parts::{account, of_account, of_mode, pages};
use openapi::operation::Operation;
use openapi::parts::{id, in_path, page_of, paging, query, reference};

const TAG: &str = "Screening";

pub(super) fn all() -> Vec<Operation> {
    let decisions = [log(), decision(), groups(), review()];
    let policies = [policy(), set_policy(), allow(), templates(), template(), approve(), remove()];
    policies.into_iter().chain(decisions).collect()
}

fn policy() -> Operation {
    let about = (TAG, "Get the screening policy of an account", "The defaults, unless a policy was set.");
    Operation::new("get", admin_path!("/accounts/{id}/screening"), "getScreeningPolicy", about)
        .parameters([account()])
        .answers(200, "The policy.", &reference("ScreeningPolicy"))
        .of_one()
}

fn set_policy() -> Operation {
    let about =
        (TAG, "Set the screening policy of an account", "The whole policy: fields that are absent get defaults.");
    let example = json!({ "sure": "block", "unsure": "flag", "allowedDomains": ["acme.com"] });
    Operation::new("put", admin_path!("/accounts/{id}/screening"), "putScreeningPolicy", about)
        .parameters([account()])
        .optional_json("NewScreeningPolicy", &example)
        .answers(200, "The policy.", &reference("ScreeningPolicy"))
        .of_one()
}

fn allow() -> Operation {
    let about = (
        TAG,
        "Allow a phrase or a domain",
        "Adds one of the two to the policy of the account. With `decisionId`, the decision is marked as wrong, and \
         `passes` is true if its text would be sent now.",
    );
    Operation::new("post", admin_path!("/accounts/{id}/screening/allow"), "allowText", about)
        .parameters([account()])
        .json("NewAllowance", &json!({ "domain": "acme.com" }))
        .answers(200, "The policy.", &reference("Allowance"))
        .codes([ErrorCode::MissingRequiredField])
        .of_one()
}

/// The parameters that narrow the review log.
fn filters() -> [Value; 5] {
    let outcome = json!({ "type": "string", "enum": ScreeningOutcome::ALL.map(ScreeningOutcome::as_str) });
    let certainty = json!({ "type": "string", "enum": ScreeningCertainty::ALL.map(ScreeningCertainty::as_str) });
    [
        of_account(),
        of_mode(),
        query("outcome", "Only decisions with this outcome.", &outcome),
        query("certainty", "Only decisions of this certainty.", &certainty),
        query("reviewed", "Only decisions that were reviewed, or were not.", &json!({ "type": "boolean" })),
    ]
}

fn log() -> Operation {
    let about = (TAG, "List decisions of the screen", "Newest first, with text, findings and review.");
    Operation::new("get", admin_path!("/screening"), "listDecisions", about)
        .parameters(filters())
        .parameters(paging())
        .answers(200, "A page of decisions.", &page_of("Decision"))
}

fn decision_id() -> Value {
    in_path("id", "The id of the decision.", &id("scr"))
}

fn decision() -> Operation {
    let about = (TAG, "Get a decision of the screen", "With its text, findings and review.");
    Operation::new("get", admin_path!("/screening/{id}"), "getDecision", about)
        .parameters([decision_id()])
        .answers(200, "The decision.", &reference("Decision"))
        .of_one()
}

fn groups() -> Operation {
    let about = (
        TAG,
        "Group decisions of the screen",
        "Groups similar texts, each group with the template under which its texts would pass. The groups are made of \
         the newest 1,000 decisions of the filter.",
    );
    Operation::new("get", admin_path!("/screening/groups"), "groupDecisions", about).parameters(filters()).answers(
        200,
        "The groups, largest first.",
        &reference("DecisionGroups"),
    )
}

fn review() -> Operation {
    let about = (
        TAG,
        "Review a decision of the screen",
        "A second review replaces the first. With `correct` false, the answer offers a template; with `approve` true, \
         that template is approved for the account.",
    );
    Operation::new("post", admin_path!("/screening/{id}/review"), "reviewDecision", about)
        .parameters([decision_id()])
        .json("NewReview", &json!({ "correct": false, "note": "an order confirmation" }))
        .answers(200, "The review.", &reference("Review"))
        .codes([ErrorCode::MissingRequiredField])
        .of_one()
}

fn templates() -> Operation {
    let about = (TAG, "List the approved templates of an account", "Oldest first.");
    Operation::new("get", admin_path!("/accounts/{id}/screening/templates"), "listTemplates", about)
        .parameters([account()])
        .parameters(pages())
        .answers(200, "A page of templates.", &page_of("Template"))
        .of_one()
}

fn template_id() -> Value {
    in_path("template", "The id of the template.", &id("tpl"))
}

fn template() -> Operation {
    let about = (TAG, "Get an approved template", "With its note and the time of its approval.");
    Operation::new("get", admin_path!("/accounts/{id}/screening/templates/{template}"), "getTemplate", about)
        .parameters([account(), template_id()])
        .answers(200, "The template.", &reference("Template"))
        .of_one()
}

fn approve() -> Operation {
    let about = (TAG, "Approve a template for an account", "A text with placeholders, such as `{code}`.");
    Operation::new("put", admin_path!("/accounts/{id}/screening/templates"), "putTemplate", about)
        .parameters([account()])
        .json("NewTemplate", &json!({ "text": "Your code for Acme is {code}", "note": "sign-in codes" }))
        .answers(200, "The account had the template already.", &reference("Template"))
        .answers(201, "The template.", &reference("Template"))
        .codes([ErrorCode::MissingRequiredField])
        .of_one()
}

fn remove() -> Operation {
    let about = (TAG, "Remove an approved template", "Texts that were accepted already stay accepted.");
    Operation::new("delete", admin_path!("/accounts/{id}/screening/templates/{template}"), "deleteTemplate", about)
        .parameters([account(), template_id()])
        .answers_with(204, "The template is removed.", &[], Value::Null)
        .of_one()
}
