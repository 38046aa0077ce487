//! The words that stop messages and the answers to them: settings of accounts and of numbers.

use maud::{Markup, html};
use serde_json::Value;

use crate::acts::{Act, Field, Filled, Kind, Then, same_names};
use crate::calls;
use crate::door::Role;
use crate::frame::Part;
use crate::parts::{facts, said};
use crate::text;

const ANSWER: &str = "{account} is the account's name, {support} the contact above. The default text, if this is empty";

const fn field(name: &'static str, label: &'static str, hint: &'static str, kind: Kind) -> Field {
    Field { name, label, hint, kind }
}

/// The settings of an account. A number has all but the last.
const FIELDS: [Field; 10] = [
    field("stopWords", "Further words that stop messages", "One a line, in addition to STOP and its like", Kind::Lines),
    field("languages", "Languages whose words stop messages, too", "", Kind::Many(&["fr", "es"])),
    field("yes", "YES starts messages again", "", Kind::YesOrDefault),
    field(
        "suspected",
        "Texts that seem to ask for an end in other words",
        "They are marked (flag), end messages too (opt_out), or are like any other (ignore)",
        Kind::OneOrDefault(&["flag", "opt_out", "ignore"]),
    ),
    field("replies", "Keywords are answered", "", Kind::YesOrDefault),
    field("support", "Contact for help", "For {support} in the answers, such as help@example.com", Kind::Text),
    field("stopText", "Answer to STOP", ANSWER, Kind::Long),
    field("startText", "Answer to START", ANSWER, Kind::Long),
    field("helpText", "Answer to HELP", ANSWER, Kind::Long),
    field(
        "optOutScope",
        "An opt-out covers",
        "Every message of the account, or those from the number that the handset wrote to",
        Kind::OneOrDefault(&["account", "number"]),
    ),
];

const OF_NUMBER_FIELDS: [Field; 9] = {
    let [first @ .., _] = FIELDS;
    first
};

/// What both acts have in common.
const fn of_keywords(path: &'static str, call: calls::Call) -> Act {
    Act {
        path,
        call,
        least: Role::Admin,
        part: Part::Accounts,
        verb: "Change the keywords",
        about: "",
        is_destructive: false,
        fields: &FIELDS,
        filled: None,
        done: "The keywords are changed.",
        back: "",
        then: Then::Back,
    }
}

pub(crate) static OF_ACCOUNT: Act = Act {
    about: "These apply to every number of the account that has no settings of its own.",
    filled: Some(Filled { call: calls::KEYWORDS, values: same_names }),
    back: "/console/accounts/{id}",
    ..of_keywords("/console/accounts/{id}/keywords", calls::KEYWORDS_SET)
};

pub(crate) static OF_NUMBER: Act = Act {
    about: "These hold for this number. What is left to the default is as the account has it; words and languages of \
            both count.",
    fields: &OF_NUMBER_FIELDS,
    filled: Some(Filled { call: calls::NUMBER_KEYWORDS, values: same_names }),
    back: "/console/numbers/{number}",
    ..of_keywords("/console/numbers/{number}/keywords", calls::NUMBER_KEYWORDS_SET)
};

/// The settings that are made; `none` says what holds without any.
pub(super) fn shown(settings: &Value, none: &str) -> Markup {
    let list = |name: &str| Some(listed(settings, name)).filter(|words| !words.is_empty()).map(|all| text::short(&all));
    let switch = |name: &str| settings[name].as_bool().map(|on| html! { @if on { "yes" } @else { "no" } });
    let rows = FIELDS.map(|field| {
        let value = match field.kind {
            Kind::Lines | Kind::Many(_) => list(field.name),
            Kind::YesOrDefault => switch(field.name),
            Kind::Long => text::of(&settings[field.name]),
            _ => said(settings, field.name),
        };
        (field.label, value)
    });
    html! {
        @if rows.iter().all(|(_, value)| value.is_none()) { div.empty { p { (none) } } } @else { (facts(&rows)) }
    }
}

/// The words that stop messages beside the fixed ones, and their languages.
pub(super) fn listed(settings: &Value, name: &str) -> String {
    let words: Vec<&str> = settings[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    words.join(", ")
}
