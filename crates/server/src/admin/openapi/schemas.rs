//! The shapes of requests and answers. An answer that the public API has too is its answer there, with the fields of
//! the operator beside it.

mod accounts;
mod carriers;
mod messages;
mod operators;
mod optouts;
mod screening;
mod senders;
mod server;

use serde_json::{Map, Value, json};

use openapi::schemas::{self, object};

pub(super) use operators::name as operator_name;
pub(super) use senders::block_kind;

/// The account of the examples.
pub(super) const ACCOUNT: &str = "acc_0355LRLC51y5U1oFU5aiXM";

/// Schemas that are those of the public API.
const OF_BOTH: [&str; 10] = [
    "Error",
    "Usage",
    "UsageCount",
    "ImportReport",
    "Delivery",
    "Attempt",
    "OptOutChange",
    "Ucs2Characters",
    "Counts",
    "Replaying",
];

/// Every schema by its name.
pub(super) fn all() -> Map<String, Value> {
    let public = schemas::all();
    let own = [
        accounts::all(),
        senders::all(),
        messages::all(&public),
        optouts::all(&public),
        carriers::all(),
        screening::all(),
        operators::all(),
        server::all(&public),
    ];
    let own = own.into_iter().flatten().map(|(name, schema)| (name.to_owned(), schema));
    let of_both = public.iter().filter(|(name, _)| OF_BOTH.contains(&name.as_str()));
    of_both.map(|(name, schema)| (name.clone(), schema.clone())).chain(own).collect()
}

/// A body, in which an unknown field is an error.
fn body(required: &[&str], properties: &Value) -> Value {
    let mut body = object(required, properties);
    body["additionalProperties"] = false.into();
    body
}

/// An answer of the public API with further fields, which are always there, and without some of its own.
fn extended(public: &Map<String, Value>, name: &str, more: &Value, without: &[&str]) -> Value {
    let mut schema = public.get(name).cloned().unwrap_or_default();
    let names = more.as_object().into_iter().flat_map(Map::keys);
    if let Some(required) = schema["required"].as_array_mut() {
        required.extend(names.map(|name| Value::from(name.as_str())));
    }
    if let (Some(properties), Some(more)) = (schema["properties"].as_object_mut(), more.as_object()) {
        properties.retain(|name, _| !without.contains(&name.as_str()));
        properties.extend(more.clone());
    }
    schema
}

/// A time that may be `null`.
fn time_or_null(description: &str) -> Value {
    json!({ "type": ["string", "null"], "format": "date-time", "description": description })
}

/// A count that may be `null`.
fn count_or_null(description: &str) -> Value {
    json!({ "type": ["integer", "null"], "minimum": 0, "description": description })
}

/// A text of these values that may be `null`.
fn one_of_or_null(values: &[&str], description: &str) -> Value {
    let mut values: Vec<Value> = values.iter().map(|value| Value::from(*value)).collect();
    values.push(Value::Null);
    json!({ "type": ["string", "null"], "enum": values, "description": description })
}

/// An integer in a body, from `minimum` to `maximum`; `null` is as good as absent, unless the description says
/// otherwise.
fn limit(minimum: u64, maximum: u64, description: &str) -> Value {
    json!({ "type": ["integer", "null"], "minimum": minimum, "maximum": maximum, "description": description })
}

/// A text in a body of so many characters at most; `null` is as good as absent.
fn short(characters: usize, description: &str) -> Value {
    json!({ "type": ["string", "null"], "maxLength": characters, "description": description })
}

/// The id of an account.
fn account_id(description: &str) -> Value {
    json!({ "type": "string", "pattern": "^acc_[0-9A-Za-z]{22}$", "description": description })
}

/// The id of an account, or `null`.
fn account_id_or_null(description: &str) -> Value {
    json!({ "type": ["string", "null"], "pattern": "^acc_[0-9A-Za-z]{22}$", "description": description })
}

/// Live or test.
fn mode() -> Value {
    let mut mode = super::parts::mode();
    mode["description"] = "The mode of the key.".into();
    mode
}

/// The mode in a body.
fn mode_or_null() -> Value {
    one_of_or_null(&["live", "test"], "The mode of the keys; by default `live`.")
}

/// An object of these fields, all of which are always there.
fn whole(properties: &Value) -> Value {
    let names: Vec<&str> = properties.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect();
    object(&names, properties)
}
