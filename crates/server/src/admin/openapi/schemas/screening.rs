//! Screening: policies, templates, decisions and reviews.

use ::screening::Category;
use model::{ScreeningCertainty, ScreeningOutcome};
use serde_json::{Value, json};

use super::{account_id, body, count_or_null, mode, short, time_or_null, whole};
use crate::admin::screening::{LISTED_BYTES_MAX, LISTED_MAX};
use crate::admin::templates::NOTE_CHARACTERS_MAX;
use openapi::parts::reference;
use openapi::schemas::{count, flag, list, object, one_of, text, text_or_null, time};

pub(super) fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("ScreeningPolicy", whole(&policy())),
        ("NewScreeningPolicy", body(&[], &policy())),
        ("NewAllowance", new_allowance()),
        ("Allowance", allowance()),
        ("Template", template()),
        ("NewTemplate", new_template()),
        ("Decision", decision()),
        ("Finding", finding()),
        ("DecisionGroups", groups()),
        ("DecisionGroup", group()),
        ("NewReview", new_review()),
        ("Review", review()),
    ]
}

const CERTAINTIES: &str = "Whether the screen is sure of a finding.";

fn certainty() -> Value {
    one_of(&ScreeningCertainty::ALL.map(ScreeningCertainty::as_str), CERTAINTIES)
}

fn policy() -> Value {
    let action = |texts: &str| one_of(&["block", "flag", "off"], &format!("The action on texts {texts}."));
    let category = json!({ "type": "string", "enum": Category::ALL.map(Category::name) });
    let texts = |description: &str| {
        let item = json!({ "type": "string", "pattern": "\\S", "maxLength": LISTED_BYTES_MAX });
        let mut list = list(&item, description);
        list["maxItems"] = LISTED_MAX.into();
        list
    };
    json!({
        "sure": action("of which the screen is sure; by default `block`"),
        "unsure": action("of which the screen is unsure; by default `flag`"),
        "exempt": list(&category, "Categories that the account may send."),
        "allowedDomains": texts("Domains of the account, without scheme; each covers its subdomains."),
        "allowedPhrases": texts("Phrases that the screen ignores."),
    })
}

fn new_allowance() -> Value {
    let decision = json!({
        "type": ["string", "null"],
        "description": "The decision about a text of the account that may be sent from now on.",
    });
    body(
        &[],
        &json!({
            "phrase": short(LISTED_BYTES_MAX, "The phrase. Either a phrase or a domain is required, not both."),
            "domain": short(LISTED_BYTES_MAX, "The domain, without scheme. It covers its subdomains."),
            "decisionId": decision,
            "note": note(),
        }),
    )
}

fn allowance() -> Value {
    let passes = "Whether the text of the decision would be sent now; `null` without a decision.";
    whole(&json!({
        "policy": reference("ScreeningPolicy"),
        "passes": { "type": ["boolean", "null"], "description": passes },
    }))
}

fn template() -> Value {
    whole(&json!({
        "id": text("`tpl_` and 22 letters and digits."),
        "text": text("The text with its placeholders."),
        "note": text_or_null("The note of the operator."),
        "createdAt": time("The time of its approval."),
    }))
}

fn note() -> Value {
    short(NOTE_CHARACTERS_MAX, "A note of the operator.")
}

fn new_template() -> Value {
    body(&["text"], &json!({ "text": text("The text with placeholders, such as `{code}`."), "note": note() }))
}

fn decision() -> Value {
    whole(&json!({
        "id": text("`scr_` and 22 letters and digits."),
        "at": time("The time of the decision."),
        "accountId": account_id("The account of the text."),
        "mode": mode(),
        "outcome": one_of(&ScreeningOutcome::ALL.map(ScreeningOutcome::as_str), "The outcome for the text."),
        "certainty": certainty(),
        "about": text_or_null(
            "The message or the broadcast; `null` for a text that was blocked before it became one.",
        ),
        "from": text("The sender."),
        "categories": list(&json!({ "type": "string" }), "The categories that were found, surest first."),
        "findings": {
            "type": ["array", "string"],
            "items": reference("Finding"),
            "description": "The findings; a text if an earlier version wrote them in another form.",
        },
        "body": text("The text."),
        "reviewedAt": time_or_null("The time of the review."),
        "correct": { "type": ["boolean", "null"], "description": "Whether the decision was correct." },
        "note": text_or_null("The note of the review."),
    }))
}

fn finding() -> Value {
    let span = whole(&json!({ "start": count("The first character, from 1."), "end": count("The last character.") }));
    let fields = json!({
        "category": text("The category."),
        "certainty": certainty(),
        "score": { "type": "number", "minimum": 0, "maximum": 1, "description": "The score." },
        "spans": list(&span, "The places in the text."),
        "reasons": list(&json!({ "type": "string" }), "The rules and features that decided."),
        "help": text("Advice for the sender."),
    });
    object(&["category", "certainty"], &fields)
}

fn groups() -> Value {
    whole(&json!({
        "data": list(&reference("DecisionGroup"), "The groups."),
        "of": count("Decisions from which they were made."),
    }))
}

fn group() -> Value {
    whole(&json!({
        "count": count("Decisions of the group."),
        "firstAt": time("The time of the first decision."),
        "lastAt": time("The time of the last decision."),
        "accountId": account_id("The account of the texts."),
        "categories": list(&json!({ "type": "string" }), "The categories that were found."),
        "template": text_or_null("The template under which the texts would pass."),
        "templateProblem": text_or_null("The reason why there is no template."),
        "templatePasses": count("Texts of the group that pass under it."),
        "sampleId": text("The newest decision of the group."),
    }))
}

fn new_review() -> Value {
    body(
        &["correct"],
        &json!({
            "correct": flag("Whether the decision was correct."),
            "note": note(),
            "approve": {
                "type": "boolean",
                "default": false,
                "description": "Approve the template, if the decision was not correct.",
            },
            "template": text_or_null("The text to approve in place of the offered one, with `approve` alone."),
        }),
    )
}

fn review() -> Value {
    whole(&json!({
        "id": text("The decision."),
        "accountId": account_id("The account of the text."),
        "reviewedAt": time_or_null("The time of the review."),
        "correct": { "type": ["boolean", "null"], "description": "Whether the decision was correct." },
        "note": text_or_null("The note."),
        "reviewed": count("Decisions that were marked."),
        "template": text_or_null("The template that is offered, or was approved."),
        "templateProblem": text_or_null("The reason why there is no template."),
        "templatePasses": count_or_null("Texts of the log that pass under it."),
        "templateId": text_or_null("The id of the approved template."),
    }))
}
