//! A document, put together from its operations and its schemas.

use model::error::ErrorCode;
use serde_json::{Map, Value, json};

use super::conventions::Conventions;
use super::operation::Operation;
use super::{errors, headers};

/// What a document says of an API beside its operations and its schemas.
pub(crate) struct Document {
    pub(crate) title: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) description: &'static str,
    /// The groups of operations, each with its description.
    pub(crate) tags: &'static [(&'static str, &'static str)],
    /// The credentials of requests: a name, the scheme of HTTP, and their form.
    pub(crate) credentials: (&'static str, &'static str, &'static str),
    /// Every header that an answer may have.
    pub(crate) headers: &'static [&'static str],
    /// What the operations have in common.
    pub(crate) conventions: Conventions,
}

impl Document {
    /// The document (OpenAPI 3.1, section 4.8.1), with the webhooks of an API that has some.
    pub(crate) fn to_json(
        &self,
        operations: &[Operation],
        webhooks: Option<Value>,
        schemas: &Map<String, Value>,
    ) -> Value {
        let tag = |(name, description): &(&str, &str)| json!({ "name": name, "description": description });
        let (name, scheme, form) = self.credentials;
        let can_come = |code: ErrorCode| operations.iter().any(|operation| operation.refuses(code));
        let mut document = json!({
            "openapi": "3.1.0",
            "info": {
                "title": self.title,
                "version": env!("CARGO_PKG_VERSION"),
                "summary": self.summary,
                "description": self.description,
                "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            },
            "servers": [{ "url": "/", "description": "The server that this document comes from." }],
            "tags": self.tags.iter().map(tag).collect::<Vec<_>>(),
            "security": [{ name: [] }],
            "paths": self.paths_of(operations),
        });
        if let Some(webhooks) = webhooks {
            document["webhooks"] = webhooks;
        }
        document["components"] = json!({
            "securitySchemes": { name: { "type": "http", "scheme": scheme, "description": form } },
            "headers": headers::components(self.headers),
            "schemas": schemas,
            "examples": errors::examples(can_come),
        });
        document
    }

    /// The operations by their paths.
    fn paths_of(&self, operations: &[Operation]) -> Value {
        let mut paths = Map::new();
        for operation in operations {
            let path = paths.entry(operation.path).or_insert_with(|| json!({}));
            path[operation.method] = operation.to_json(&self.conventions);
        }
        paths.into()
    }
}

/// What the tests of every document promise.
#[cfg(test)]
pub(crate) mod promises {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    /// The document stands in the directory `docs` under this name.
    pub(crate) fn is_the_file(document: &Value, name: &str) {
        let path = format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
        let document = format!("{document:#}\n");
        if std::env::var_os("SMSFACTORY_WRITE_OPENAPI").is_some() {
            fs::write(&path, &document).unwrap();
        }
        assert!(
            fs::read_to_string(path).unwrap_or_default() == document,
            "docs/{name} is old: SMSFACTORY_WRITE_OPENAPI=1 cargo test -p gateway --lib openapi writes it"
        );
    }

    /// Every reference leads somewhere, and every component is used.
    pub(crate) fn has_no_loose_end(document: &Value) {
        let mut found = BTreeSet::new();
        references(document, &mut found);
        for reference in &found {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
        for kind in ["headers", "schemas", "examples"] {
            for name in document["components"][kind].as_object().unwrap().keys() {
                assert!(found.contains(&format!("#/components/{kind}/{name}")), "{kind}: {name} is unused");
            }
        }
    }

    /// Every `$ref` of a value.
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    found.insert(reference.clone());
                }
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    /// The operations are these routes, `METHOD /path` each, where HEAD goes with GET. `entry` is what a route needs.
    pub(crate) fn has_the_routes(operations: &[Operation], routes: &BTreeSet<String>, entry: &str) {
        let named = |operation: &Operation| format!("{} {}", operation.method.to_uppercase(), operation.path);
        let documented: BTreeSet<String> = operations.iter().map(named).collect();
        let served: BTreeSet<String> = routes.iter().filter(|route| !route.starts_with("HEAD ")).cloned().collect();
        let lacking: Vec<&String> = served.difference(&documented).collect();
        assert!(lacking.is_empty(), "no operation of the document describes {lacking:?}: each needs {entry}");
        let left_over: Vec<&String> = documented.difference(&served).collect();
        assert!(left_over.is_empty(), "the document describes {left_over:?}, and the router has no such route");
    }

    /// No two operations have the same name.
    pub(crate) fn has_one_name_each(operations: &[Operation]) {
        let mut names = BTreeSet::new();
        for operation in operations {
            assert!(names.insert(operation.id), "two operations are called {}", operation.id);
        }
    }
}
