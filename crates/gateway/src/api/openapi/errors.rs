//! Error answers, made from the catalogue, and the headers that answers have.

use model::error::ErrorCode;
use serde_json::{Map, Value, json};

use super::parts::reference;
use crate::http::status;

/// Headers that every answer has.
const OF_ALL: [&str; 3] = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"];

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

/// An example of each error, by its number.
pub(super) fn examples() -> Value {
    let examples = ErrorCode::ALL
        .into_iter()
        .filter(|code| *code != ErrorCode::MethodNotAllowed)
        .map(|code| (code.number().to_string(), json!({ "summary": code.name(), "value": example(code) })));
    examples.collect::<Map<_, _>>().into()
}

/// The answer of a status with one of these codes, and with these headers beside those of the status.
pub(super) fn answer(status: u16, codes: &[ErrorCode], others: &[&str]) -> Value {
    let numbers: Vec<u16> = codes.iter().map(|code| code.number()).collect();
    let lines: Vec<String> =
        codes.iter().map(|code| format!("- `{}` {}: {}", code.number(), code.message(), code.remedy())).collect();
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
        "headers": headers_of(&headers),
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

/// The headers of an answer: these, and those that every answer has.
pub(super) fn headers_of(names: &[&str]) -> Value {
    let all = OF_ALL.iter().chain(names);
    all.map(|name| ((*name).to_owned(), header_of(name))).collect::<Map<_, _>>().into()
}

/// A header by its name.
pub(super) fn header_of(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

/// Every header that an answer may have.
pub(super) fn headers() -> Value {
    let integer = |minimum: u8| json!({ "type": "integer", "minimum": minimum });
    let text = json!({ "type": "string" });
    json!({
        "X-RateLimit-Limit": header("Requests that a window of 60 seconds has.", true, &integer(0)),
        "X-RateLimit-Remaining": header("Requests that are left in the window.", true, &integer(0)),
        "X-RateLimit-Reset": header("When the window ends, in Unix seconds.", true, &integer(0)),
        "Retry-After": header("Seconds to wait before the request is sent again.", true, &integer(1)),
        "WWW-Authenticate": header("`Basic`: the kind of credentials that are needed.", true, &text),
        "Location": header("The address of what was made.", true, &text),
        "Idempotent-Replayed": header(
            "`true` where the answer is that of an earlier request with the same key; nothing was sent again.",
            false,
            &json!({ "const": "true" }),
        ),
        "Preference-Applied": header("The preferences that were applied: `handling=strict`, `wait=N`.", false, &text),
        "X-Ignored-Fields": header(
            "The names of fields that were ignored, with commas between them, escaped as in a URL where they are no \
             plain text. The first ones, where there are many.",
            false,
            &text,
        ),
    })
}

fn header(description: &str, required: bool, schema: &Value) -> Value {
    json!({ "description": description, "required": required, "schema": schema })
}
