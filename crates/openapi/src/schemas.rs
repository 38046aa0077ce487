//! The shapes of requests and answers.

mod account;
mod addresses;
mod endpoints;
mod messages;

use serde_json::{Map, Value, json};

/// Every schema by its name.
pub fn all() -> Map<String, Value> {
    let all = [messages::all(), addresses::all(), endpoints::all(), account::all()].into_iter().flatten();
    all.map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// An object whose fields of these names are always there.
pub fn object(required: &[&str], properties: &Value) -> Value {
    let mut object = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

/// A text.
pub fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

/// A text that may be `null`.
pub fn text_or_null(description: &str) -> Value {
    json!({ "type": ["string", "null"], "description": description })
}

/// A time in RFC 3339 format.
pub fn time(description: &str) -> Value {
    json!({ "type": "string", "format": "date-time", "description": description })
}

/// A boolean.
pub fn flag(description: &str) -> Value {
    json!({ "type": "boolean", "description": description })
}

/// A number from zero.
pub fn count(description: &str) -> Value {
    json!({ "type": "integer", "minimum": 0, "description": description })
}

/// A text that is one of these.
pub fn one_of(values: &[&str], description: &str) -> Value {
    json!({ "type": "string", "enum": values, "description": description })
}

/// An array of such items.
pub fn list(items: &Value, description: &str) -> Value {
    json!({ "type": "array", "items": items, "description": description })
}
