//! The shapes of requests and answers.

mod account;
mod addresses;
mod endpoints;
mod messages;

use serde_json::{Map, Value, json};

/// Every schema by its name.
pub(crate) fn all() -> Map<String, Value> {
    let all = [messages::all(), addresses::all(), endpoints::all(), account::all()].into_iter().flatten();
    all.map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// An object whose fields of these names are always there.
pub(crate) fn object(required: &[&str], properties: &Value) -> Value {
    let mut object = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

pub(crate) fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

/// A text that may be `null`.
pub(crate) fn text_or_null(description: &str) -> Value {
    json!({ "type": ["string", "null"], "description": description })
}

pub(crate) fn time(description: &str) -> Value {
    json!({ "type": "string", "format": "date-time", "description": description })
}

pub(crate) fn flag(description: &str) -> Value {
    json!({ "type": "boolean", "description": description })
}

pub(crate) fn count(description: &str) -> Value {
    json!({ "type": "integer", "minimum": 0, "description": description })
}

pub(crate) fn one_of(values: &[&str], description: &str) -> Value {
    json!({ "type": "string", "enum": values, "description": description })
}

pub(crate) fn list(items: &Value, description: &str) -> Value {
    json!({ "type": "array", "items": items, "description": description })
}
