//! The public API as an OpenAPI 3.1 document: `GET /openapi.json`, and the same in `docs/openapi.json`. The document of
//! the admin API is written with the same parts.
//!
//! Handlers judge requests field by field and decide the order of the errors, so that no type could describe them:
//! the document is written here, and the tests hold it against the router, the error catalogue and every answer that
//! they get.

/// A path of the API, below its base.
macro_rules! api_path {
    ($path:literal) => {
        concat!("/api/v1/messaging", $path)
    };
}

pub mod conventions;
pub mod deliveries;
pub mod document;
mod errors;
mod events;
mod headers;
pub mod operation;
pub mod parts;
pub mod paths;
pub mod schemas;
pub mod status;

use model::error::ErrorCode;
use serde_json::Value;

use conventions::Conventions;
use document::Document;

pub use paths::IMPORT_TYPES;

/// What every path of the API begins with.
pub const BASE: &str = api_path!("");

/// The whole document.
pub fn document() -> Value {
    DOCUMENT.to_json(&paths::all(), Some(events::webhooks()), &schemas::all())
}

const DOCUMENT: Document = Document {
    title: "smsfactory messaging API",
    summary: "Send and receive SMS and MMS.",
    description: DESCRIPTION,
    tags: &[
        ("Messages", "Send a message and follow its status. Lists have inbound messages, too."),
        ("Broadcasts", "Send one text to many recipients."),
        ("Opt-outs", "Recipients that opted out of your messages."),
        ("Webhooks", "Endpoints of your account that get events, their deliveries and their secrets."),
        ("Account", "Your limits, your quota and your numbers."),
        ("Pages", "Pages that need no key: explanations of errors, and this document."),
    ],
    credentials: ("key", "basic", CREDENTIALS),
    headers: &[
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        "Retry-After",
        "WWW-Authenticate",
        "Location",
        "Idempotent-Replayed",
        "Preference-Applied",
        "X-Ignored-Fields",
    ],
    conventions: Conventions {
        headers: &["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"],
        of_bodies: &["Preference-Applied", "X-Ignored-Fields"],
        preference: Some(STRICT),
        remedies: &[],
    },
};

const CREDENTIALS: &str = "\
    The key id (`uk_…`) as user, and the secret (`sk_live_…` or `sk_test_…`) as password.";

/// What a client may prefer that sends a body.
const STRICT: &str = "\
    With `handling=strict` (RFC 7240), a request whose body has an unknown field is refused with 33100. Without it, \
    unknown fields are ignored, and `X-Ignored-Fields` names them.";

const DESCRIPTION: &str = "\
    Every answer has `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`. Every error is JSON with a \
    `code`, and `moreInfo` links to a page that explains the code. A refused request creates nothing and sends \
    nothing. A 201 means that the message is on disk and will be submitted.\n\n\
    Times are in UTC, in RFC 3339 format with milliseconds. Ids sort by time. Answers omit fields that do not apply. \
    In requests, `null` means the same as an absent field. The platform ignores unknown fields of a request and names \
    them in `X-Ignored-Fields`; with `Prefer: handling=strict`, it refuses the request. A live key does not see test \
    messages, and a test key does not see live ones.";

/// An example of an error's answer.
pub fn example(code: ErrorCode) -> Value {
    errors::example(code)
}

#[cfg(test)]
mod tests {
    use testkit::openapi;

    use super::*;

    #[test]
    fn the_file_in_the_repository_is_the_document_that_is_served() {
        openapi::is_the_file(&document(), "openapi.json");
    }

    #[test]
    fn every_reference_leads_somewhere_and_nothing_is_left_over() {
        openapi::has_no_loose_end(&document());
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
        openapi::has_one_name_each(&document());
    }
}
