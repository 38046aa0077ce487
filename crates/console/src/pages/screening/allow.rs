//! A phrase or a domain of a screened text that the account may use from now on.

use maud::{Markup, html};
use serde_json::Value;

use super::{NOTE, PATH, spans};
use crate::acts::{Act, Field, Filled, Kind, Then, Values};
use crate::calls;
use crate::door::Role;
use crate::frame::Part;
use crate::parts::word;

const fn given(name: &'static str) -> Field {
    Field { name, label: "", hint: "", kind: Kind::Given }
}

/// What both acts have in common. Their forms are filled in with what the text has.
const fn of_decision(verb: &'static str, path: &'static str, fields: &'static [Field]) -> Act {
    Act {
        path,
        call: calls::SCREENING_ALLOW,
        least: Role::Admin,
        part: Part::Screening,
        verb,
        about: "",
        is_destructive: false,
        fields,
        filled: Some(Filled { call: calls::SCREENING_DECISION, values: out_of }),
        done: "",
        back: PATH,
        then: Then::Shows(outcome),
    }
}

pub(crate) static PHRASE: Act = Act {
    about: "The screen ignores these words in texts of this account from now on. The decision is marked as an error.",
    done: "The phrase is allowed.",
    ..of_decision(
        "Allow a phrase",
        "/console/screening/{id}/phrase",
        &[
            given("account"),
            given("decisionId"),
            Field { name: "phrase", label: "Phrase", hint: "The shorter, the more texts pass", kind: Kind::Long },
            NOTE,
        ],
    )
};

pub(crate) static DOMAIN: Act = Act {
    about: "Links to this domain and to those below it count as the account's own from now on. The decision is marked \
            as an error.",
    done: "The domain is allowed.",
    ..of_decision(
        "Allow a domain",
        "/console/screening/{id}/domain",
        &[
            given("account"),
            given("decisionId"),
            Field {
                name: "domain",
                label: "Domain",
                hint: "Without scheme and path, such as acme.com",
                kind: Kind::Text,
            },
            NOTE,
        ],
    )
};

/// What a decision and its text say to these forms.
fn out_of(decision: &Value, _: &[Field]) -> Values {
    let body = word(decision, "body");
    let phrase = spans(&decision["findings"]).first().map(|(first, last)| {
        body.chars().skip(first.saturating_sub(1)).take((last + 1).saturating_sub(*first)).collect::<String>()
    });
    let values = [
        ("account", Some(word(decision, "accountId").to_owned())),
        ("decisionId", Some(word(decision, "id").to_owned())),
        ("phrase", phrase),
        ("domain", domain_in(body)),
    ];
    values.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The domain of the first link of a text that has a scheme.
pub(super) fn domain_in(body: &str) -> Option<String> {
    let (_, rest) = body.split_once("://")?;
    let domain: String = rest.chars().take_while(|letter| letter.is_alphanumeric() || "-.".contains(*letter)).collect();
    Some(domain.trim_matches('.').to_lowercase()).filter(|domain| domain.contains('.'))
}

fn outcome(answer: &Value) -> Markup {
    html! {
        @if answer["passes"] == true {
            p { "The text passes now." }
        } @else {
            p.problem {
                "The screen still finds something in the text. Allow more of it, or report an error and let texts of "
                "its shape pass."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_is_filled_in_with_what_the_screen_found() {
        let decision = json!({
            "id": "scr_1", "accountId": "acc_1", "body": "käse: buy weed at https://Best-Weed.example/x.",
            "findings": [{ "spans": [{ "start": 7, "end": 14 }] }],
        });
        let values = out_of(&decision, &[]);
        let seen: Vec<(&str, &str)> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            seen,
            [("account", "acc_1"), ("decisionId", "scr_1"), ("phrase", "buy weed"), ("domain", "best-weed.example")]
        );
        assert_eq!(out_of(&json!({ "body": "see ://", "findings": [] }), &[]).len(), 2);
    }

    #[test]
    fn a_text_without_a_link_has_no_domain() {
        for (body, domain) in [("no link", None), ("http://localhost/", None), ("at http://a.b. End", Some("a.b"))] {
            assert_eq!(domain_in(body).as_deref(), domain, "{body}");
        }
    }
}
