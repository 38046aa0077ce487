//! Error answers of the APIs, in the words of the command line.

use axum::http::StatusCode;
use serde_json::Value;

use super::Failed;

/// The error answer of an API in a line. A value that the API does not take is named as the command line names it.
pub(super) fn refused(status: StatusCode, answer: &Value) -> Failed {
    let code = answer["code"].as_u64().map(|code| format!(" ({code})")).unwrap_or_default();
    if let Some(sentence) = mistakes(&answer["additionalInfo"]) {
        return Failed::new(format!("{sentence}{code}"));
    }
    let message = answer["message"].as_str().unwrap_or("the answer gives no reason");
    let info = answer.get("additionalInfo").map(|info| format!(": {info}")).unwrap_or_default();
    Failed::new(format!("{} {message}{code}{info}", status.as_u16()))
}

/// A sentence about the fields that an answer names.
fn mistakes(info: &Value) -> Option<String> {
    let mistake = |mistake: &Value| {
        let (name, expected) = (option(mistake["field"].as_str()?), mistake["expected"].as_str()?);
        // The reader of JSON says in a sentence of its own what it found.
        let is_sentence =
            ["invalid ", "unknown ", "missing ", "duplicate "].iter().any(|word| expected.starts_with(word));
        Some(if is_sentence { format!("`{name}`: {expected}") } else { format!("`{name}` must be {expected}") })
    };
    if let Some(mistakes) = info["mistakes"].as_array() {
        let sentences: Option<Vec<String>> = mistakes.iter().map(mistake).collect();
        return Some(sentences?.join("; "));
    }
    if let Some(fields) = info["fields"].as_array() {
        let names: Vec<String> =
            fields.iter().filter_map(Value::as_str).map(|name| format!("`{}`", option(name))).collect();
        return Some(format!("a value is missing: {}", names.join(", ")));
    }
    mistake(info)
}

/// The name of the option or argument for a field.
fn option(field: &str) -> String {
    match field {
        "accountId" => return "account".to_owned(),
        "broadcastId" => return "broadcast".to_owned(),
        "stopWords" => return "stop-word".to_owned(),
        "languages" => return "language".to_owned(),
        "allowedDomains" => return "allow-domain".to_owned(),
        "allowedPhrases" => return "allow-phrase".to_owned(),
        "events" | "eventIds" => return "event".to_owned(),
        "url" => return "URL".to_owned(),
        _ => {}
    }
    let mut name = String::with_capacity(field.len() + 2);
    for character in field.chars() {
        if character.is_ascii_uppercase() {
            name.push('-');
        }
        name.push(character.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_names_values_as_the_command_line_does() {
        for (info, told) in [
            (
                json!({ "field": "accountId", "expected": "one that exists" }),
                "`account` must be one that exists (33100)",
            ),
            (
                json!({ "field": "segmentsPerSecond", "expected": "invalid type: string \"x\", expected u32" }),
                "`segments-per-second`: invalid type: string \"x\", expected u32 (33100)",
            ),
            (json!({ "fields": ["to", "mediaUrl"] }), "a value is missing: `to`, `media-url` (33100)"),
            (
                json!({ "mistakes": [{ "field": "a", "expected": "b" }, { "field": "c", "expected": "d" }] }),
                "`a` must be b; `c` must be d (33100)",
            ),
            (json!({ "line": 1 }), "400 No (33100): {\"line\":1}"),
        ] {
            let answer = json!({ "code": 33100, "message": "No", "additionalInfo": info });
            assert_eq!(refused(StatusCode::BAD_REQUEST, &answer).to_string(), told);
        }
        let bare = json!({ "code": 33101, "message": "The requested resource was not found" });
        assert_eq!(
            refused(StatusCode::NOT_FOUND, &bare).to_string(),
            "404 The requested resource was not found (33101)"
        );
    }
}
