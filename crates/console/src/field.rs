//! Fields of forms: how each is filled in, how it stands on a page, and what it is in a call.

use maud::{Markup, html};
use serde_json::Value;

use crate::form::Form;

/// How a field is filled in, and what it is in the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A line of text. Left out where it is blank.
    Text,
    /// A secret, which the page does not show while it is typed. Left out where it is blank.
    Secret,
    /// A text of several lines. Left out where it is blank.
    Long,
    /// A whole number. Left out where it is blank.
    Whole,
    /// A whole number or a word. `null` where it is blank.
    WholeOrWord,
    /// One of these.
    One(&'static [&'static str]),
    /// One of these, or the default. Left out for the default.
    OneOrDefault(&'static [&'static str]),
    /// Yes, no, or the default. Left out for the default.
    YesOrDefault,
    /// Any of these, as a list.
    Many(&'static [&'static str]),
    /// A list with one item a line.
    Lines,
    /// Yes or no.
    Flag,
    /// Not filled in: the page that leads to the act gives it.
    Given,
    /// Not filled in, and yes.
    Always(bool),
    /// Not filled in: a random value of each rendering. In the call, the key of the whole form, so that a form that is
    /// sent twice is done once, and a form that was changed in between is done again.
    Once,
}

/// A field of an act.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// Its name in the call.
    pub(crate) name: &'static str,
    /// Its name on the page.
    pub(crate) label: &'static str,
    /// What it means, or what it may be.
    pub(crate) hint: &'static str,
    pub(crate) kind: Kind,
}

impl Field {
    /// Whether a person fills it in.
    pub(crate) const fn is_typed(&self) -> bool {
        !matches!(self.kind, Kind::Given | Kind::Always(_) | Kind::Once)
    }
}

/// A value as it stands in a form, with one item of a list a line. `None` for what is not set.
pub(crate) fn as_typed(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is_set) => Some(is_set.to_string()),
        Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")),
        Value::Null | Value::Object(_) => None,
    }
}

/// The choice of a field that is left to its default.
const DEFAULT: (&str, &str) = ("", "default");

/// A field of a form. `value` has one item of a list a line.
pub(crate) fn input(id: &str, field: &Field, value: &str) -> Markup {
    let label = html! { label for=(id) { (field.label) } };
    let hint = html! { @if !field.hint.is_empty() { p.hint { (field.hint) } } };
    let is_in = |choice: &str| value.split('\n').any(|one| one == choice);
    let chosen = |choices: &[(&str, &str)]| {
        html! {
            (label)
            select id=(id) name=(field.name) {
                @for (value, words) in choices { option value=(value) selected[is_in(value)] { (words) } }
            }
            (hint)
        }
    };
    html! {
        @match field.kind {
            Kind::Given => { input type="hidden" name=(field.name) value=(value); }
            // Firefox would put the value of an earlier rendering here.
            Kind::Once => { input type="hidden" name=(field.name) value=(value) autocomplete="off"; }
            Kind::Always(_) => {}
            Kind::Text | Kind::WholeOrWord => {
                (label) input id=(id) name=(field.name) value=(value) autocomplete="off"; (hint)
            }
            Kind::Secret => {
                (label) input id=(id) name=(field.name) type="password" autocomplete="new-password"; (hint)
            }
            Kind::Whole => {
                (label) input id=(id) name=(field.name) value=(value) inputmode="numeric" autocomplete="off"; (hint)
            }
            Kind::Long | Kind::Lines => {
                (label) textarea id=(id) name=(field.name) rows="4" { (value) } (hint)
            }
            Kind::One(choices) => { (chosen(&words(choices))) }
            Kind::OneOrDefault(choices) => { (chosen(&[&[DEFAULT][..], &words(choices)].concat())) }
            Kind::YesOrDefault => { (chosen(&[DEFAULT, ("true", "yes"), ("false", "no")])) }
            Kind::Many(choices) => {
                fieldset {
                    legend { (field.label) }
                    @for choice in choices {
                        label.check {
                            input type="checkbox" name=(field.name) value=(choice) checked[is_in(choice)];
                            " " (choice)
                        }
                    }
                    (hint)
                }
            }
            Kind::Flag => {
                label.check { input type="checkbox" name=(field.name) checked[value == "true"]; " " (field.label) }
                (hint)
            }
        }
    }
}

/// Choices, each with its word.
fn words(choices: &[&'static str]) -> Vec<(&'static str, &'static str)> {
    choices.iter().map(|choice| (*choice, if choice.is_empty() { "any" } else { *choice })).collect()
}

/// The value of a field in the call; `None` where it is left out.
pub(crate) fn json_of(field: &Field, form: &Form) -> Option<Value> {
    let given = form.get(field.name);
    match field.kind {
        Kind::Text | Kind::Given | Kind::One(_) | Kind::OneOrDefault(_) => given.map(|text| text.trim().into()),
        Kind::Secret => given.map(Into::into),
        // Browsers end lines as the network does.
        Kind::Long => given.map(|text| text.replace("\r\n", "\n").into()),
        // The admin API says of what is no number that it has to be one.
        Kind::Whole => given.map(number_or_text),
        Kind::WholeOrWord => Some(given.map_or(Value::Null, number_or_text)),
        Kind::Lines => {
            let lines = form.get(field.name).unwrap_or_default().lines().map(str::trim);
            Some(lines.filter(|line| !line.is_empty()).map(Value::from).collect())
        }
        Kind::Many(_) => Some(form.values(field.name).map(Value::from).collect()),
        Kind::Flag => Some(given.is_some().into()),
        Kind::YesOrDefault => given.map(|given| (given == "true").into()),
        Kind::Always(value) => Some(value.into()),
        Kind::Once => given.map(|_| form.key().into()),
    }
}

fn number_or_text(given: &str) -> Value {
    let given = given.trim();
    given.parse::<u64>().map_or_else(|_| given.into(), Into::into)
}

#[cfg(test)]
mod tests {
    use model::idempotency::IdempotencyKey;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_becomes_json_of_its_kind() {
        let form = Form::parse(b"a=+5+&lines=x%0D%0A%0D%0A+y+&many=p&many=q&blank=+&word=w%0D%0Av&yes=true&no=false");
        for (name, kind, value) in [
            ("a", Kind::Whole, Some(json!(5))),
            ("a", Kind::Text, Some(json!("5"))),
            ("word", Kind::Whole, Some(json!("w\r\nv"))),
            ("word", Kind::Long, Some(json!("w\nv"))),
            ("blank", Kind::Text, None),
            ("a", Kind::Secret, Some(json!(" 5 "))),
            ("blank", Kind::Whole, None),
            ("a", Kind::WholeOrWord, Some(json!(5))),
            ("yes", Kind::WholeOrWord, Some(json!("true"))),
            ("blank", Kind::WholeOrWord, Some(json!(null))),
            ("lines", Kind::Lines, Some(json!(["x", "y"]))),
            ("none", Kind::Lines, Some(json!([]))),
            ("many", Kind::Many(&["p", "q"]), Some(json!(["p", "q"]))),
            ("a", Kind::Flag, Some(json!(true))),
            ("none", Kind::Flag, Some(json!(false))),
            ("none", Kind::Always(true), Some(json!(true))),
            ("yes", Kind::YesOrDefault, Some(json!(true))),
            ("no", Kind::YesOrDefault, Some(json!(false))),
            ("blank", Kind::YesOrDefault, None),
            ("a", Kind::OneOrDefault(&["5"]), Some(json!("5"))),
            ("blank", Kind::OneOrDefault(&["5"]), None),
        ] {
            assert_eq!(json_of(&Field { name, label: "", hint: "", kind }, &form), value, "{name} {kind:?}");
        }
    }

    #[test]
    fn a_form_that_is_sent_twice_has_one_key_and_a_changed_form_has_another() {
        let field = Field { name: "once", label: "", hint: "", kind: Kind::Once };
        let key = |octets: &[u8]| json_of(&field, &Form::parse(octets));
        let first = key(b"once=x&to=1&body=a");
        assert!(
            first.as_ref().and_then(Value::as_str).is_some_and(|key| IdempotencyKey::parse(key).is_ok()),
            "{first:?}"
        );
        assert_eq!(key(b"once=x&to=1&body=a"), first);
        for other in [&b"once=y&to=1&body=a"[..], b"once=x&to=1&body=b", b"once=x&to=1a&body=", b"once=x&to=1"] {
            assert_ne!(key(other), first);
        }
        assert_eq!(key(b"to=1&body=a"), None);
    }

    #[test]
    fn a_value_stands_in_a_form_as_it_is_typed() {
        for (value, typed) in [
            (json!("a"), Some("a")),
            (json!(5), Some("5")),
            (json!(false), Some("false")),
            (json!(["a", "b"]), Some("a\nb")),
            (json!(null), None),
        ] {
            assert_eq!(as_typed(&value).as_deref(), typed, "{value}");
        }
    }

    #[test]
    fn a_choice_that_is_not_made_is_the_default() {
        let field = Field { name: "replies", label: "Answers", hint: "", kind: Kind::YesOrDefault };
        for (value, selected) in [("", "default"), ("true", "yes"), ("false", "no")] {
            let shown = input("id", &field, value).into_string();
            assert!(shown.contains(&format!(" selected>{selected}<")), "{value}: {shown}");
            assert_eq!(shown.matches("selected").count(), 1, "{shown}");
        }
    }
}
