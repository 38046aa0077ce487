//! Promises of a document in the OpenAPI format, for the tests of every API that has one.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

/// The document stands in the directory `docs` under this name. `SMSFACTORY_WRITE_OPENAPI` writes it there first.
///
/// # Panics
/// If the file differs.
pub fn is_the_file(document: &Value, name: &str) {
    let path = format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    let document = format!("{document:#}\n");
    if std::env::var_os("SMSFACTORY_WRITE_OPENAPI").is_some() {
        fs::write(&path, &document).expect("the directory `docs` can be written to");
    }
    assert!(
        fs::read_to_string(path).unwrap_or_default() == document,
        "docs/{name} is old: SMSFACTORY_WRITE_OPENAPI=1 cargo test -p openapi -p server --lib the_file_in writes it"
    );
}

/// Every reference leads somewhere, and every component is used.
///
/// # Panics
/// With a reference or a component for which this does not hold.
pub fn has_no_loose_end(document: &Value) {
    let mut found = BTreeSet::new();
    references(document, &mut found);
    for reference in &found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    for kind in ["headers", "schemas", "examples"] {
        for (name, _) in fields(&document["components"][kind]) {
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
///
/// # Panics
/// With the routes or operations that the other side lacks.
pub fn has_the_routes(document: &Value, routes: &BTreeSet<String>, entry: &str) {
    let documented: BTreeSet<String> =
        operations(document).map(|(method, path, _)| format!("{} {path}", method.to_uppercase())).collect();
    let served: BTreeSet<String> = routes.iter().filter(|route| !route.starts_with("HEAD ")).cloned().collect();
    let lacking: Vec<&String> = served.difference(&documented).collect();
    assert!(lacking.is_empty(), "no operation of the document describes {lacking:?}: each needs {entry}");
    let left_over: Vec<&String> = documented.difference(&served).collect();
    assert!(left_over.is_empty(), "the document describes {left_over:?}, and the router has no such route");
}

/// Every operation has a name, and no two have the same.
///
/// # Panics
/// With the name.
pub fn has_one_name_each(document: &Value) {
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(document) {
        let name = operation["operationId"].as_str();
        assert!(name.is_some() && names.insert(name), "{method} {path}: {name:?}");
    }
}

/// The operations of a document: method, path and content.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let of_path = |(path, methods)| fields(methods).map(move |(method, operation)| (method, path, operation));
    fields(&document["paths"]).flat_map(of_path)
}

/// The fields of an object of the document.
fn fields(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    object.as_object().expect("an object").iter().map(|(name, value)| (name.as_str(), value))
}
