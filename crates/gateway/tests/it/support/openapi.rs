//! Every answer that a test gets from the public API or from the admin API, held against the OpenAPI document of that
//! API: its status, its code, its fields.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::http::{Ask, Reply};

/// The document of the public API.
static PUBLIC: LazyLock<Value> = LazyLock::new(openapi::document);

/// The document of the admin API.
pub(crate) static ADMIN: LazyLock<Value> = LazyLock::new(server::admin::openapi::document);

/// Fails where the document of the public API does not say that this request may be answered so. A request for a path
/// or by a method that the document does not have is not judged: those answers have tests of their own.
#[track_caller]
pub(super) fn judge(ask: &Ask, reply: &Reply) {
    Document(&PUBLIC).judge(ask, reply);
}

/// The same of the admin API. Of a masked answer, which has other values in place of texts, only the status is judged.
#[track_caller]
pub(super) fn judge_operators(ask: &Ask, reply: &Reply) {
    Document(&ADMIN).judge(ask, reply);
}

/// A document that answers are held against.
#[derive(Clone, Copy)]
struct Document(&'static Value);

impl Document {
    #[track_caller]
    fn judge(self, ask: &Ask, reply: &Reply) {
        let is_head = ask.method() == "HEAD";
        let method = if is_head { "get".to_owned() } else { ask.method().to_lowercase() };
        let Some(operation) = self.operation(ask.path(), &method) else { return };
        let responses = operation["responses"].as_object().unwrap();
        let place = format!("{} {} answered {}", ask.method(), ask.path(), reply.status);
        let Some(response) = responses.get(&reply.status.to_string()) else {
            panic!("{place}, which is not in the document")
        };
        for (name, _) in response["headers"].as_object().unwrap() {
            let header = &self.0["components"]["headers"][name];
            assert!(
                header["required"] == false || reply.header(&name.to_lowercase()).is_some(),
                "{place} without {name}"
            );
        }
        if let Some(content) = response["content"].get("application/json")
            && !is_head
            && !ask.query().contains("mask=1")
            && reply.header("content-type") == Some("application/json")
        {
            let body: Value = serde_json::from_str(&reply.text()).unwrap();
            let problem = self.problem(&body, &content["schema"]);
            assert!(problem.is_none(), "{place}: {}\n{body:#}", problem.unwrap_or_default());
        }
    }

    /// The operation of a path and a method.
    fn operation(self, path: &str, method: &str) -> Option<&'static Value> {
        let paths = self.0["paths"].as_object()?;
        // A path that stands as it is goes before one with a place for an id.
        let methods =
            paths.get(path).or_else(|| paths.iter().find(|(known, _)| is_of(path, known)).map(|(_, it)| it))?;
        methods.get(method)
    }

    /// The first thing in a value that its schema does not allow. A field that the schema does not name is one.
    fn problem(self, value: &Value, schema: &Value) -> Option<String> {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.problem(value, self.0.pointer(reference.trim_start_matches('#')).unwrap());
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let problems: Vec<_> = choices.iter().map(|choice| self.problem(value, choice)).collect();
            return problems.iter().all(Option::is_some).then(|| format!("none of its forms: {problems:?}"));
        }
        if let Some(parts) = schema["allOf"].as_array() {
            return self.problem(value, &self.merged(parts));
        }
        let allowed = |values: &Value| values.as_array().is_none_or(|values| values.contains(value));
        if !allowed(&schema["enum"]) || !schema["const"].is_null() && schema["const"] != *value {
            return Some(format!("{value} is not allowed: {schema}"));
        }
        if !is_of_type(value, &schema["type"]) {
            return Some(format!("{value} has another type: {schema}"));
        }
        match value {
            Value::Object(fields) if schema["properties"].is_object() => self.problem_of_fields(fields, schema),
            Value::Array(items) if schema["items"].is_object() => {
                items.iter().find_map(|item| self.problem(item, &schema["items"]))
            }
            _ => None,
        }
    }

    fn problem_of_fields(self, fields: &Map<String, Value>, schema: &Value) -> Option<String> {
        let properties = schema["properties"].as_object()?;
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let missing = required.into_iter().find(|name| !fields.contains_key(*name));
        missing.map(|name| format!("{name} is missing")).or_else(|| {
            fields.iter().find_map(|(name, value)| match properties.get(name) {
                Some(property) => self.problem(value, property).map(|problem| format!("{name}: {problem}")),
                None => Some(format!("{name} is not in the schema")),
            })
        })
    }

    /// One schema out of several that hold together.
    fn merged(self, parts: &[Value]) -> Value {
        let mut whole = Value::Object(Map::new());
        for part in parts {
            let part = match part["$ref"].as_str() {
                Some(reference) => self.0.pointer(reference.trim_start_matches('#')).unwrap(),
                None => part,
            };
            for (name, value) in part.as_object().unwrap() {
                if let (Some(known), Some(new)) = (whole[name.as_str()].as_object_mut(), value.as_object()) {
                    known.extend(new.clone());
                } else {
                    whole[name.as_str()] = value.clone();
                }
            }
        }
        whole
    }
}

/// Whether a path is one of a template.
fn is_of(path: &str, template: &str) -> bool {
    let (path, template): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), template.split('/').collect());
    let fits = |(part, known): (&&str, &&str)| known.starts_with('{') && !part.is_empty() || part == known;
    path.len() == template.len() && path.iter().zip(&template).all(fits)
}

fn is_of_type(value: &Value, kind: &Value) -> bool {
    let is = |name: &str| match name {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => false,
    };
    match kind {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => true,
    }
}
