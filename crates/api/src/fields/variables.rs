//! The variables of a recipient: an object of texts.

use std::fmt;

use model::variables::{VARIABLES_MAX, is_name};
use pipeline::Variables;
use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Wrong;
use super::text::{Name, loose};

/// The field.
pub(super) const FIELD: &str = "variables";

/// The most characters of a value.
const VALUE_CHARACTERS_MAX: usize = 1_600;

/// Reads variables. `null` is as good as absent, also as a value.
pub(super) fn read(json: &str, place: &mut Variables) -> Option<Wrong> {
    match json.as_bytes().first() {
        Some(b'{') => {
            let mut found = Found { variables: place, members: 0, wrong: None };
            // The whole body is being read as JSON: nothing in it can fail to be JSON here.
            let read = serde_json::Deserializer::from_str(json).deserialize_map(&mut found);
            found.wrong.or(read.err().map(|_| (FIELD.into(), OBJECT)))
        }
        Some(b'n') => None,
        _ => Some((FIELD.into(), OBJECT)),
    }
}

const OBJECT: &str = "object of strings";

struct Found<'a> {
    variables: &'a mut Variables,
    /// How many members the object has had so far.
    members: usize,
    wrong: Option<Wrong>,
}

impl Found<'_> {
    fn take(&mut self, name: &str, json: &str) -> Result<(), Wrong> {
        self.members += 1;
        if self.members > VARIABLES_MAX {
            return Err((FIELD.into(), COUNT));
        }
        if !is_name(name) {
            return Err((FIELD.into(), NAMES));
        }
        let of_value = |expected| (format!("{FIELD}.{name}").into(), expected);
        let mut value = None;
        loose(json, &mut value).map_err(of_value)?;
        if self.variables.iter().any(|(known, _)| **known == *name) {
            return Err(of_value("no second value"));
        }
        let Some(value) = value else { return Ok(()) };
        let value = value.into_text().ok_or_else(|| of_value(WHOLE))?;
        if value.chars().count() > VALUE_CHARACTERS_MAX {
            return Err(of_value(LENGTH));
        }
        self.variables.push((name.into(), value.into()));
        Ok(())
    }
}

/// What names should be; a test compares it with the limit.
const NAMES: &str = "names of 1 to 32 letters A-Z and a-z, digits or _";
const COUNT: &str = "at most 20 variables";
const LENGTH: &str = "string of at most 1600 characters";
const WHOLE: &str = "string without halves of surrogate pairs";

impl<'de> Visitor<'de> for &mut Found<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(OBJECT)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            let taken = self.take(&name, map.next_value::<&RawValue>()?.get());
            self.wrong = self.wrong.take().or(taken.err());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use model::error::AdditionalInfo;
    use model::variables::NAME_CHARACTERS_MAX;

    use super::super::of_broadcast;
    use super::*;

    fn wrong(variables: &str) -> Option<(String, String)> {
        let body = format!(r#"{{"recipients":["+1",{{"to":"+1","variables":{variables}}}]}}"#);
        match of_broadcast(body.as_bytes()).err()?.info {
            Some(AdditionalInfo::WrongType { field, expected }) => Some((field.into_owned(), expected.into_owned())),
            other => panic!("{variables}: {other:?}"),
        }
    }

    #[test]
    fn variables_are_texts_by_name() {
        let body = br#"{"recipients":[{"to":"+18005551001","variables":{"name":"A\u0064a","n":null}},"+18005551002"]}"#;
        let mut list = pipeline::RecipientList::default();
        list.push_with("+18005551001", vec![("name".into(), "Ada".into())]);
        list.push("+18005551002");
        let read = of_broadcast(body).unwrap();
        assert_eq!((read.fields.recipients, read.unknown.first()), (Some(list), None));
        assert_eq!(wrong("null"), None);
    }

    #[test]
    fn what_is_wrong_about_variables_is_named_with_its_recipient() {
        assert!(NAMES.contains(&NAME_CHARACTERS_MAX.to_string()) && COUNT.contains(&VARIABLES_MAX.to_string()));
        assert!(LENGTH.contains(&VALUE_CHARACTERS_MAX.to_string()));
        let many = (0..=VARIABLES_MAX).map(|n| format!(r#""v{n}":"x""#)).collect::<Vec<_>>().join(",");
        for (variables, field, expected) in [
            ("[]", "", OBJECT),
            ("\"x\"", "", OBJECT),
            (r#"{"name":5}"#, ".name", "string"),
            (r#"{"name":{"a":1}}"#, ".name", "string"),
            (r#"{"name":"A\ud83d"}"#, ".name", WHOLE),
            (r#"{"first name":"x"}"#, "", NAMES),
            (r#"{"":"x"}"#, "", NAMES),
            (r#"{"a":"x","a":"y"}"#, ".a", "no second value"),
            (&format!("{{{many}}}"), "", COUNT),
            (&format!(r#"{{"a":"{}"}}"#, "x".repeat(1_601)), ".a", LENGTH),
        ] {
            let named = format!("recipients[1].variables{field}");
            assert_eq!(wrong(variables), Some((named, expected.to_owned())), "{variables}");
        }
    }
}
