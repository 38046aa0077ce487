//! Error answers, made from the catalogue.

use model::error::ErrorCode;
use serde_json::{Map, Value, json};

use super::conventions::Conventions;
use super::parts::reference;
use crate::status;

/// Errors that say when to try again.
const LATER: [u16; 2] = [429, 503];

/// What may be in `additionalInfo`, by the code.
fn info_of(code: ErrorCode) -> Option<Value> {
    Some(match code {
        ErrorCode::MissingRequiredField => json!({ "fields": ["to", "body"] }),
        ErrorCode::InvalidPhoneNumber => json!({ "field": "to" }),
        ErrorCode::RecipientBlocked => json!({ "reason": "opted_out", "since": "2026-03-15T14:30:00.000Z" }),
        ErrorCode::InvalidMessageContent => json!([{ "character": "\u{7}", "position": 5 }]),
        ErrorCode::NonCompliantMessageContent => json!({
            "categories": ["phishing"],
            "matches": [{ "start": 1, "end": 14, "category": "phishing" }],
            "help": ["Link to a domain of your own in place of a link shortener."],
        }),
        ErrorCode::DuplicateRecipients => json!({ "recipients": ["+18005551001"] }),
        ErrorCode::TooLateToCancel => json!({ "status": "sent" }),
        ErrorCode::MalformedRequest => json!({ "field": "to", "expected": "string" }),
        _ => return None,
    })
}

/// An example of an error's answer.
pub(super) fn example(code: ErrorCode) -> Value {
    let mut value = json!({
        "code": code.number(),
        "message": code.message(),
        "status": status::of(code).as_u16(),
        "moreInfo": format!("https://docs.smsfactory.com/page/errors/{}", code.number()),
    });
    if let Some(info) = info_of(code) {
        value["additionalInfo"] = info;
    }
    value
}

/// An example of each error that can come, by its number.
pub(super) fn examples(can_come: impl Fn(ErrorCode) -> bool) -> Value {
    let examples = ErrorCode::ALL
        .into_iter()
        .filter(|code| can_come(*code))
        .map(|code| (code.number().to_string(), json!({ "summary": code.name(), "value": example(code) })));
    examples.collect::<Map<_, _>>().into()
}

/// The answer of a status with one of these codes, and with these headers beside those of the status.
pub(super) fn answer(conventions: &Conventions, status: u16, codes: &[ErrorCode], others: &[&str]) -> Value {
    let numbers: Vec<u16> = codes.iter().map(|code| code.number()).collect();
    let line = |code: &ErrorCode| format!("- `{}` {}: {}", code.number(), code.message(), conventions.remedy(*code));
    let lines: Vec<String> = codes.iter().map(line).collect();
    let examples: Map<String, Value> = numbers
        .iter()
        .map(|number| (number.to_string(), json!({ "$ref": format!("#/components/examples/{number}") })))
        .collect();
    let mut headers = others.to_vec();
    if LATER.contains(&status) {
        headers.push("Retry-After");
    }
    if status == 401 {
        headers.push("WWW-Authenticate");
    }
    json!({
        "description": lines.join("\n"),
        "headers": conventions.headers_of(&headers),
        "content": {
            "application/json": {
                "schema": {
                    "allOf": [reference("Error"), { "properties": { "code": { "enum": numbers } } }],
                },
                "examples": examples,
            },
        },
    })
}
