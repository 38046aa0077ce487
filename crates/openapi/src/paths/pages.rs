//! Paths that need no key.

use serde_json::{Value, json};

use super::super::operation::Operation;
use super::super::parts::{in_path, query};
use super::messages::file;

const TAG: &str = "Pages";

pub(super) fn all() -> [Operation; 6] {
    [linked(), index(), code(), style(), document(), reference()]
}

fn html() -> Value {
    json!({ "text/html": { "schema": { "type": "string" } } })
}

fn linked() -> Operation {
    let about = (
        TAG,
        "Get a file by its link",
        "The `url` of a file of an inbound message. It expires an hour after the answer that contained it.",
    );
    let text = json!({ "type": "string" });
    Operation::new("get", "/media/{id}/{place}", "getLinkedMedia", about)
        .open()
        .parameters([
            in_path("id", "The id of the message.", &text),
            in_path("place", "The index of the file, from 0.", &json!({ "type": "integer", "minimum": 0 })),
            query("exp", "The expiry of the link, in Unix seconds.", &text),
            query("sig", "The signature of the link.", &text),
        ])
        .answers_with(200, "The file.", &[], file())
        .of_one()
}

fn index() -> Operation {
    Operation::new("get", "/page/errors", "listErrors", (TAG, "All errors", "For people.")).open().answers_with(
        200,
        "A page.",
        &[],
        html(),
    )
}

fn code() -> Operation {
    Operation::new("get", "/page/errors/{code}", "explainError", (TAG, "An error explained", "For people."))
        .open()
        .parameters([in_path("code", "The number of the error.", &json!({ "type": "integer" }))])
        .answers_with(200, "A page.", &[], html())
        .of_one()
}

fn style() -> Operation {
    Operation::new("get", "/page/style.css", "getStyle", (TAG, "The style of pages", "A style sheet."))
        .open()
        .answers_with(200, "The style sheet.", &[], json!({ "text/css": { "schema": { "type": "string" } } }))
}

fn document() -> Operation {
    Operation::new("get", "/openapi.json", "getOpenApi", (TAG, "This document", "OpenAPI 3.1.")).open().answers_with(
        200,
        "The document.",
        &[],
        json!({ "application/json": { "schema": { "type": "object" } } }),
    )
}

fn reference() -> Operation {
    Operation::new("get", "/docs", "getReference", (TAG, "This document as a page", "For people.")).open().answers_with(
        200,
        "A page.",
        &[],
        html(),
    )
}
