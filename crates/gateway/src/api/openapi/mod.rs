//! The public API as an OpenAPI 3.1 document: `GET /openapi.json`, and the same in `docs/openapi.json`.
//!
//! Handlers judge requests field by field and decide the order of the errors, so that no type could describe them:
//! the document is written here, and the tests hold it against the router, the error catalogue and every answer that
//! they get.

mod errors;
mod events;
mod operation;
mod parts;
mod paths;
mod schemas;

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use axum::http::{HeaderValue, Response};
use model::error::ErrorCode;
use serde_json::{Map, Value, json};

use crate::http::json as answer;
use operation::Operation;

/// The document as it is served.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// `GET /openapi.json`. Any page may read it: it has nothing that is not the same everywhere.
pub(super) async fn show() -> Response<Body> {
    let mut response = answer(DOCUMENT.clone());
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// The whole document.
pub fn document() -> Value {
    let operations = paths::all();
    let tags = [
        ("Messages", "Send a message and follow it. Messages of handsets are in the same lists."),
        ("Broadcasts", "Send one text to many recipients."),
        ("Opt-outs", "Handsets that want no messages."),
        ("Webhooks", "Endpoints of your account that get events, their deliveries and their secrets."),
        ("Account", "Your limits, your quota and your numbers."),
        ("Pages", "What needs no key: explanations of errors, and this document."),
    ];
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "smsfactory messaging API",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Send and receive SMS and MMS.",
            "description": DESCRIPTION,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "The server that this document comes from." }],
        "tags": tags.map(|(name, description)| json!({ "name": name, "description": description })),
        "security": [{ "key": [] }],
        "paths": paths_of(&operations),
        "webhooks": events::webhooks(),
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The key id (`uk_…`) as user, and the secret (`sk_live_…` or `sk_test_…`) as \
                        password.",
                },
            },
            "headers": errors::headers(),
            "schemas": schemas::all(),
            "examples": errors::examples(),
        },
    })
}

const DESCRIPTION: &str = "\
    Every answer has `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`. Every error is JSON with a \
    `code`, and `moreInfo` links to a page that explains it. A request that is refused leaves nothing behind. A 201 \
    promises that the message is on disk and will be submitted.\n\n\
    Times are UTC, RFC 3339 with milliseconds. Ids sort by time. Fields that do not apply are absent from answers, and \
    `null` is as good as absent in requests. Unknown fields of a request are ignored, and \
    `X-Ignored-Fields` names them; with `Prefer: handling=strict` the request is refused. A live key sees no test \
    message, and a test key no live one.";

/// An example of an error's answer.
pub(crate) fn example(code: ErrorCode) -> Value {
    errors::example(code)
}

/// The operations by their paths.
fn paths_of(operations: &[Operation]) -> Value {
    let mut paths = Map::new();
    for operation in operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = operation.to_json();
    }
    paths.into()
}

/// A path of the API, below its base.
macro_rules! api_path {
    ($path:literal) => {
        concat!("/api/v1/messaging", $path)
    };
}
use api_path;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;
    use crate::api::BASE;

    /// Where the document stands in the repository.
    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");

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

    #[test]
    fn the_file_in_the_repository_is_the_document_that_is_served() {
        let document = format!("{:#}\n", document());
        if std::env::var_os("SMSFACTORY_WRITE_OPENAPI").is_some() {
            fs::write(FILE, &document).unwrap();
        }
        let file = fs::read_to_string(FILE).unwrap_or_default();
        assert!(
            file == document,
            "docs/openapi.json is old: SMSFACTORY_WRITE_OPENAPI=1 cargo test -p gateway --lib openapi writes it"
        );
    }

    #[test]
    fn every_path_of_the_api_begins_with_its_base() {
        assert_eq!(api_path!(""), BASE);
    }

    #[test]
    fn every_reference_leads_somewhere_and_nothing_is_left_over() {
        let document = document();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for reference in &found {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
        for kind in ["headers", "schemas", "examples"] {
            for name in document["components"][kind].as_object().unwrap().keys() {
                assert!(found.contains(&format!("#/components/{kind}/{name}")), "{kind}: {name} is unused");
            }
        }
    }

    #[test]
    fn the_document_has_the_routes_and_no_others() {
        let of_router: BTreeSet<String> = crate::api::routes()
            .iter()
            .flat_map(|route| route.allowed.split(", ").map(|method| format!("{method} {}", route.path)))
            .filter(|route| !route.starts_with("HEAD "))
            .collect();
        let operations = paths::all();
        let of_document: BTreeSet<String> = operations
            .iter()
            .map(|operation| format!("{} {}", operation.method.to_uppercase(), operation.path))
            .collect();
        assert_eq!(of_document, of_router);
    }

    #[test]
    fn every_error_can_come_somewhere() {
        let operations = paths::all();
        for code in ErrorCode::ALL.into_iter().filter(|code| *code != ErrorCode::MethodNotAllowed) {
            assert!(operations.iter().any(|operation| operation.refuses(code)), "{code}");
        }
    }

    #[test]
    fn operations_have_names_of_their_own() {
        let operations = paths::all();
        let names: BTreeSet<_> = operations.iter().map(|operation| operation.id).collect();
        assert_eq!(names.len(), operations.len());
    }
}
