//! Paths of the admin listener that need no token.

use model::error::ErrorCode;
use serde_json::{Value, json};

use openapi::operation::Operation;
use openapi::parts::{in_path, reference};

const TAG: &str = "Pages";

pub(super) fn all() -> Vec<Operation> {
    let probes = [alive(), ready(), metrics()];
    let documents = [
        page("/openapi.json", "getOpenApi", "This document", "OpenAPI 3.1.", "application/json", "object"),
        page("/docs", "getReference", "This document as a page", "For people.", "text/html", "string"),
        page("/page/errors", "listErrors", "All errors", "For people.", "text/html", "string"),
        page("/page/errors/{code}", "explainError", "An error explained", "For people.", "text/html", "string")
            .parameters([in_path("code", "The number of the error.", &json!({ "type": "integer" }))])
            .of_one(),
        page("/page/style.css", "getStyle", "The style of pages", "A style sheet.", "text/css", "string"),
    ];
    probes.into_iter().chain(documents).collect()
}

/// An operation that anybody may use: no token is asked for, so that none can be wrong too often.
fn open(path: &'static str, id: &'static str, summary: &'static str, description: &'static str) -> Operation {
    Operation::new("get", path, id, (TAG, summary, description)).open().never([ErrorCode::RateLimitExceeded])
}

fn page(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    description: &'static str,
    media_type: &str,
    kind: &str,
) -> Operation {
    open(path, id, summary, description).answers_with(200, "The page.", &[], content(media_type, kind))
}

fn content(media_type: &str, kind: &str) -> Value {
    json!({ media_type: { "schema": { "type": kind } } })
}

fn alive() -> Operation {
    open("/healthz", "getHealth", "Whether the process answers", "For a liveness probe.").answers(
        200,
        "The process answers.",
        &reference("Health"),
    )
}

fn ready() -> Operation {
    let about = "For a readiness probe. Carriers that are down do not count: messages are accepted and wait for them.";
    let unready = json!({ "oneOf": [reference("Readiness"), reference("Error")] });
    open("/readyz", "getReadiness", "Whether the server accepts messages", about)
        .answers(200, "The server accepts messages.", &reference("Readiness"))
        .answers(503, "The server accepts no messages; the fields name the reason.", &unready)
}

fn metrics() -> Operation {
    open("/metrics", "getMetrics", "Metrics", "In the OpenMetrics text format, for Prometheus.").answers_with(
        200,
        "The metrics.",
        &[],
        content("application/openmetrics-text", "string"),
    )
}
