//! The admin API as an OpenAPI 3.1 document: `GET /openapi.json` at the admin listener, and the same in
//! `docs/openapi-admin.json`. It is put together like that of the public API, whose parts it uses.

mod parts;
mod paths;
mod schemas;

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::Response;
use model::error::ErrorCode;
use serde_json::Value;

use api::http::json as answer;
use api::pages;
use openapi::conventions::Conventions;
use openapi::document::Document;

/// The document as it is served.
static SERVED: LazyLock<String> = LazyLock::new(|| document().to_string());

/// `GET /openapi.json`. It needs no token: the document is the same for every server of this version.
pub(super) async fn show() -> Response<Body> {
    answer(SERVED.clone())
}

/// `GET /docs`: the document as a page.
pub(super) async fn reference() -> Response<Body> {
    pages::reference_of("Admin API reference", &document())
}

/// The whole document.
pub fn document() -> Value {
    DOCUMENT.to_json(&paths::all(), None, &schemas::all())
}

const DOCUMENT: Document = Document {
    title: "smsfactory admin API",
    summary: "Accounts, keys, senders, carriers, messages, opt-outs, screening and erasure, for the operator.",
    description: DESCRIPTION,
    tags: &[
        ("Accounts", "Accounts with their limits, keys and usage."),
        ("Senders", "Numbers, short codes and names. In a path, a name is percent-encoded."),
        ("Keywords", "Settings for STOP, START and HELP."),
        ("Blocks", "Recipients that get no message, and senders from which no message is sent."),
        ("Messages", "Outbound and inbound messages of all accounts."),
        ("Broadcasts", "Broadcasts of all accounts."),
        ("Opt-outs", "Recipients that opted out of the messages of an account."),
        ("Carriers", "State, queue, trace and test of each carrier."),
        ("Screening", "Policies of accounts, approved templates, and the review log."),
        ("Erasure", "Erasure of the data of a person."),
        ("Webhooks", "Endpoints of all accounts, without secrets, and their deliveries."),
        ("Operators", "Operators of the console, and the audit log."),
        ("Server", "Overview, nodes, configuration, and the hold of a restored store."),
        ("Pages", "Probes, metrics and documents. They need no token."),
    ],
    credentials: ("token", "bearer", CREDENTIALS),
    headers: &["Retry-After", "WWW-Authenticate", "Location", "Idempotent-Replayed"],
    conventions: Conventions { headers: &[], of_bodies: &[], preference: None, remedies: REMEDIES },
};

const CREDENTIALS: &str = "\
    The admin token (`admin.token` or `admin.token_file`). Without a token in the configuration, the admin API is off \
    and answers 404.";

const REMEDIES: &[(ErrorCode, &str)] = &[
    (
        ErrorCode::MissingRequiredField,
        "Set every field that `additionalInfo.fields` lists. Each is required, and is missing, empty or blank.",
    ),
    (
        ErrorCode::AuthenticationFailed,
        "The token is missing or wrong: send `Authorization: Bearer TOKEN`. If the role of an operator of the console \
         is too low, `additionalInfo` has `roleNeeded`.",
    ),
    (
        ErrorCode::InvalidPhoneNumber,
        "`additionalInfo.field` names a field that is not a number in E.164 form. Some fields also take a short code \
         or the name of a sender.",
    ),
    (
        ErrorCode::MalformedRequest,
        "A field is unknown or has a wrong value: `additionalInfo.field` names the field, and `expected` the allowed \
         values. If the body is not JSON, `line` and `column` have the place of the mistake.",
    ),
    (ErrorCode::NotFound, "There is no resource with this name."),
];

const DESCRIPTION: &str = "\
    The command line (`smsfactory`) and the console are clients of this API. It listens on `admin.listen`, apart from \
    the public API.\n\n\
    Each request to `/admin/v1` needs the admin token, which allows every operation. Operators who sign in to the \
    console use the same operations with their role: `viewer`, `operator` or `admin`. Each operation names the role \
    that it needs. The audit log records every change.\n\n\
    Times are in UTC, in RFC 3339 format with milliseconds. A body needs `Content-Type: application/json`; a missing \
    body is an empty object. An unknown field of a body is an error. `null` means the same as an absent field, unless \
    the description of the field says otherwise. Every error is JSON with a `code`, and `moreInfo` links to a page \
    that explains the code.\n\n\
    Answers to viewers are masked, and so are answers to requests with `mask=1` in the query: `+1********43` replaces \
    a number, and an object with `masked` and `length` replaces a text.";

/// A path of the admin API, below its base.
macro_rules! admin_path {
    ($path:literal) => {
        concat!("/admin/v1", $path)
    };
}
use admin_path;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use testkit::openapi;

    use super::super::{BASE, access, open_routes, routes};
    use super::*;

    #[test]
    fn the_file_in_the_repository_is_the_document_that_is_served() {
        openapi::is_the_file(&document(), "openapi-admin.json");
    }

    #[test]
    fn every_path_of_the_api_begins_with_its_base() {
        assert_eq!(admin_path!(""), BASE);
    }

    #[test]
    fn every_reference_leads_somewhere_and_nothing_is_left_over() {
        openapi::has_no_loose_end(&document());
    }

    #[test]
    fn the_document_has_the_routes_and_no_others() {
        let behind_the_guard = routes().known.into_iter().map(|(path, methods)| (format!("{BASE}{path}"), methods));
        let open = open_routes().known.into_iter().map(|(path, methods)| (path.to_owned(), methods));
        let of_router: BTreeSet<String> = behind_the_guard
            .chain(open)
            .flat_map(|(path, methods)| methods.split(", ").map(move |method| format!("{method} {path}")))
            .collect();
        openapi::has_the_routes(&document(), &of_router, "an entry in crates/server/src/admin/openapi/paths/");
    }

    #[test]
    fn operations_have_names_of_their_own() {
        openapi::has_one_name_each(&document());
    }

    #[test]
    fn every_operation_says_which_role_it_needs() {
        let document = document();
        for (method, route, role) in access::roles() {
            let operation = &document["paths"][format!("{BASE}{route}")][method.to_lowercase()];
            let description = operation["description"].as_str().unwrap_or_default();
            assert!(description.contains(&format!("Role: `{role}`")), "{method} {route}: {description}");
        }
    }

    #[test]
    fn what_changes_something_by_a_body_has_an_example_of_it() {
        for (path, methods) in document()["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let Some(content) = operation["requestBody"]["content"].as_object() else { continue };
                let has_example = content.values().any(|content| !content["example"].is_null());
                assert!(has_example, "the body of {method} {path} has no example");
            }
        }
    }
}
