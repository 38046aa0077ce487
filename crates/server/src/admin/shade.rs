//! Masks: secrets are never shown, texts become their lengths, numbers keep their country and their last two digits.

use serde_json::{Map, Value, json};

/// Fields that hold secrets.
const SECRETS: &[&str] =
    &["keySecret", "secret", "secrets", "signingSecret", "password", "token", "adminToken", "link"];

/// Fields that hold texts of messages, or files of them, or tell what is in them. An endpoint may answer with what it
/// was told.
const TEXTS: &[&str] = &[
    "body",
    "bodyBase64",
    "text",
    "template",
    "mediaUrl",
    "media",
    "ucs2Characters",
    "findings",
    "received",
    "raw",
    "response",
];

/// Fields whose digits are no number of a person.
const NAMES: &[&str] = &[
    "id",
    "accountId",
    "broadcastId",
    "keyId",
    "sampleId",
    "templateId",
    "messageId",
    "carrierId",
    "numberDigest",
    "eventId",
    "sha256",
    "at",
    "createdAt",
    "version",
];

/// The fewest digits that may be a number.
const DIGITS_MIN: usize = 7;

/// JSON as the audit log has it: without secrets, and with the lengths of texts.
pub(super) fn recorded(value: Value) -> Value {
    walk(value, &|name, value| {
        if SECRETS.contains(&name) {
            Shade::Is(if value.is_null() { Value::Null } else { "hidden".into() })
        } else if is_text(name) {
            Shade::Is(length_of(value))
        } else {
            Shade::Looks
        }
    })
}

/// JSON as a viewer sees it: with the lengths of texts, and with masked numbers.
pub(super) fn masked(value: Value) -> Value {
    walk(value, &|name, value| match value {
        _ if is_text(name) => Shade::Is(length_of(value)),
        Value::String(text) if !NAMES.contains(&name) => Shade::Is(numbers_masked(text).into()),
        _ => Shade::Looks,
    })
}

fn is_text(name: &str) -> bool {
    TEXTS.contains(&name)
}

/// What becomes of a value.
enum Shade {
    /// This.
    Is(Value),
    /// What is in it is looked at.
    Looks,
}

fn walk(value: Value, shade: &impl Fn(&str, &Value) -> Shade) -> Value {
    walk_in("", value, shade)
}

/// Values of a list have the name of the list.
fn walk_in(name: &str, value: Value, shade: &impl Fn(&str, &Value) -> Shade) -> Value {
    match (shade(name, &value), value) {
        (Shade::Is(value), _) => value,
        (Shade::Looks, Value::Array(values)) => {
            values.into_iter().map(|value| walk_in(name, value, shade)).collect::<Vec<_>>().into()
        }
        (Shade::Looks, Value::Object(fields)) => {
            let fields: Map<String, Value> =
                fields.into_iter().map(|(name, value)| (name.clone(), walk_in(&name, value, shade))).collect();
            Value::Object(fields)
        }
        (Shade::Looks, value) => value,
    }
}

/// A text as its length in characters, or what is in its place.
fn length_of(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::String(text) => json!({ "masked": true, "length": text.chars().count() }),
        Value::Array(values) => json!({ "masked": true, "length": values.len() }),
        _ => json!({ "masked": true }),
    }
}

/// A text with stars in place of the digits of numbers, but for the country's code and the last two.
pub(super) fn numbers_masked(text: &str) -> String {
    let (mut masked, mut digits) = (String::with_capacity(text.len()), String::new());
    let is_id = text.split_once('_').is_some_and(|(prefix, rest)| {
        (2..=4).contains(&prefix.len())
            && prefix.bytes().all(|byte| byte.is_ascii_lowercase())
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    if is_id {
        return text.to_owned();
    }
    for character in text.chars() {
        if character.is_ascii_digit() {
            digits.push(character);
        } else {
            masked.push_str(&number_masked(&digits));
            digits.clear();
            masked.push(character);
        }
    }
    masked.push_str(&number_masked(&digits));
    masked
}

fn number_masked(digits: &str) -> String {
    if digits.len() < DIGITS_MIN {
        return digits.to_owned();
    }
    let (first, last) = (country_digits(digits), digits.len() - 2);
    let stars = "*".repeat(last - first);
    format!("{}{stars}{}", &digits[..first], &digits[last..])
}

/// How many digits the country's code has (ITU-T E.164, list of assigned country codes).
fn country_digits(digits: &str) -> usize {
    const OF_TWO: &[&str] = &[
        "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49",
        "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84",
        "86", "90", "91", "92", "93", "94", "95", "98",
    ];
    match digits {
        _ if digits.starts_with(['1', '7']) => 1,
        _ if OF_TWO.iter().any(|code| digits.starts_with(code)) => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_its_country_and_its_last_two_digits() {
        for (text, shown) in [
            ("+18005551234", "+1********34"),
            ("447700900123", "44********23"),
            ("+35312345678", "+353******78"),
            ("no message to +12025550143, 12025550143", "no message to +1********43, 1********43"),
            ("msg_0123456789012345678901", "msg_0123456789012345678901"),
            ("72345", "72345"),
            ("ACME", "ACME"),
            ("2026-03-15T12:00:00.000Z", "2026-03-15T12:00:00.000Z"),
        ] {
            assert_eq!(numbers_masked(text), shown);
        }
    }

    #[test]
    fn a_viewer_sees_lengths_of_texts_and_masked_numbers() {
        let shown = masked(json!({
            "id": "msg_0123456789", "to": "+18005551234", "body": "Your code is 482910", "count": 18_005_551_234_u64,
            "events": [{ "detail": "to 18005551234" }], "addresses": ["18005551234"], "erased": { "body": null },
        }));
        assert_eq!(
            shown,
            json!({
                "id": "msg_0123456789", "to": "+1********34", "body": { "masked": true, "length": 19 },
                "count": 18_005_551_234_u64, "events": [{ "detail": "to 1********34" }],
                "addresses": ["1********34"], "erased": { "body": null },
            })
        );
    }

    #[test]
    fn the_audit_log_has_numbers_and_neither_secrets_nor_texts() {
        let kept = recorded(json!({ "number": "+18005551234", "body": "Hello", "password": "x", "keySecret": null }));
        let expected = json!({
            "number": "+18005551234", "body": { "masked": true, "length": 5 }, "password": "hidden", "keySecret": null,
        });
        assert_eq!(kept, expected);
    }
}
