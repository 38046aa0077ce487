//! The reference of an API, read from its OpenAPI document.

use axum::body::Body;
use axum::http::Response;
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::{page, sample, wide, with_code};

/// The methods in the order of the page.
const METHODS: [&str; 5] = ["post", "get", "put", "patch", "delete"];

/// `GET /docs`.
pub(crate) async fn show() -> Response<Body> {
    of("API reference", &openapi::document())
}

/// The reference of the API that a document describes.
pub fn of(title: &str, document: &Value) -> Response<Body> {
    let tags = document["tags"].as_array().into_iter().flatten();
    page(
        title,
        &html! {
            (paragraphs(&document["info"]["description"]))
            @for (_, scheme) in fields_of(&document["components"]["securitySchemes"]) {
                p { "Credentials: " (with_code(text(&scheme["description"]))) }
            }
            (contents(document))
            @for tag in tags {
                h2 id=(slug(text(&tag["name"]))) { (text(&tag["name"])) }
                p { (with_code(text(&tag["description"]))) }
                @for (path, method, operation) in operations(document, text(&tag["name"])) {
                    (shown(path, method, operation))
                }
            }
            @if has_events(document) {
                h2 id="events" { "Events" }
                p { "Each is a signed " code { "POST" } " to your endpoint, as in Standard Webhooks 1.0." }
                (events(document))
            }
            h2 id="schemas" { "Schemas" }
            @for (name, schema) in fields_of(&document["components"]["schemas"]) { (schema_of(name, schema)) }
        },
    )
}

/// The operations of a tag, with their paths and methods.
fn operations<'a>(document: &'a Value, tag: &str) -> Vec<(&'a str, &'static str, &'a Value)> {
    let mut found = Vec::new();
    for (path, methods) in fields_of(&document["paths"]) {
        for method in METHODS {
            let operation = &methods[method];
            if operation["tags"][0] == tag {
                found.push((path.as_str(), method, operation));
            }
        }
    }
    found
}

fn contents(document: &Value) -> Markup {
    html! {
        nav aria-label="Contents" {
            ul {
                @for tag in document["tags"].as_array().into_iter().flatten() {
                    li {
                        a href={ "#" (slug(text(&tag["name"]))) } { (text(&tag["name"])) } ": "
                        @for (index, (_, _, operation)) in operations(document, text(&tag["name"])).iter().enumerate() {
                            @if index > 0 { ", " }
                            a href={ "#" (text(&operation["operationId"])) } { (text(&operation["summary"])) }
                        }
                    }
                }
                @if has_events(document) { li { a href="#events" { "Events" } } }
                li { a href="#schemas" { "Schemas" } }
            }
        }
    }
}

/// Whether the API has events.
fn has_events(document: &Value) -> bool {
    !fields_of(&document["webhooks"]).is_empty()
}

/// A text of several paragraphs.
fn paragraphs(description: &Value) -> Markup {
    html! {
        @for paragraph in text(description).split("\n\n") { p { (with_code(paragraph)) } }
    }
}

fn shown(path: &str, method: &str, operation: &Value) -> Markup {
    let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
    html! {
        h3 id=(text(&operation["operationId"])) { (text(&operation["summary"])) }
        p { span.method { (method.to_uppercase()) } code { (path) } }
        (paragraphs(&operation["description"]))
        @if !parameters.is_empty() {
            @let name = format!("Parameters of {}", text(&operation["operationId"]));
            (wide(&name, &["Parameter", "In", "Meaning"], &html! {
                @for parameter in parameters {
                    tr {
                        td { code { (text(&parameter["name"])) } }
                        td { (text(&parameter["in"])) }
                        td { (with_code(text(&parameter["description"]))) " " (kind(&parameter["schema"])) }
                    }
                }
            }))
        }
        (body(text(&operation["operationId"]), &operation["requestBody"]))
        (answers(&operation["responses"]))
    }
}

fn body(operation: &str, body: &Value) -> Markup {
    html! {
        @for (media_type, content) in fields_of(&body["content"]) {
            p { "Body, " code { (media_type) } ": " (kind(&content["schema"])) }
            @if !content["example"].is_null() {
                (sample(&format!("Body of {operation}"), &format!("{:#}", content["example"])))
            }
        }
    }
}

fn answers(responses: &Value) -> Markup {
    let is_error = |status: &str| status.starts_with(['4', '5']);
    html! {
        @for (status, answer) in fields_of(responses).iter().filter(|(status, _)| !is_error(status)) {
            p {
                strong { (status) } " " (with_code(text(&answer["description"]))) " "
                @if let Some(content) = answer["content"].get("application/json") { (kind(&content["schema"])) }
            }
        }
        p.quiet {
            "Errors: "
            @for (_, answer) in fields_of(responses).iter().filter(|(status, _)| is_error(status)) {
                @for (code, _) in fields_of(&answer["content"]["application/json"]["examples"]) {
                    a href={ "/page/errors/" (code) } { (code) } " "
                }
            }
        }
    }
}

fn events(document: &Value) -> Markup {
    wide(
        "Events",
        &["Event", "Meaning", "Data"],
        &html! {
            @for (name, webhook) in fields_of(&document["webhooks"]) {
                tr {
                    td { code { (name) } }
                    td { (with_code(text(&webhook["post"]["summary"]))) }
                    td { (kind(data_of(webhook))) }
                }
            }
        },
    )
}

/// The schema of an event's data.
fn data_of(webhook: &Value) -> &Value {
    &webhook["post"]["requestBody"]["content"]["application/json"]["schema"]["allOf"][1]["properties"]["data"]
}

fn schema_of(name: &str, schema: &Value) -> Markup {
    let required = schema["required"].as_array();
    let is_required = |field: &str| required.is_some_and(|names| names.iter().any(|name| name == field));
    html! {
        h3 id=(slug(name)) { (name) }
        @if schema["properties"].is_object() {
            (wide(&format!("Fields of {name}"), &["Field", "Type", "Meaning"], &html! {
                @for (field, schema) in fields_of(&schema["properties"]) {
                    tr {
                        td { code { (field) } @if is_required(field) { " required" } }
                        td { (kind(schema)) }
                        td { (with_code(text(&schema["description"]))) }
                    }
                }
            }))
        } @else {
            p { (kind(schema)) " " (with_code(text(&schema["description"]))) }
        }
    }
}

/// The type that a schema describes, in a few words.
fn kind(schema: &Value) -> Markup {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return html! { a href={ "#" (slug(name)) } { (name) } };
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return html! {
            @for (index, choice) in choices.iter().enumerate() { @if index > 0 { " or " } (kind(choice)) }
        };
    }
    if let Some(values) = schema["enum"].as_array() {
        return html! {
            @for (index, value) in values.iter().filter(|value| !value.is_null()).enumerate() {
                @if index > 0 { ", " } code { (plain(value)) }
            }
        };
    }
    if !schema["const"].is_null() {
        return html! { code { (plain(&schema["const"])) } };
    }
    if schema["properties"]["data"].is_object() {
        return html! { "a page of " (kind(&schema["properties"]["data"]["items"])) };
    }
    if schema["items"].is_object() {
        return html! { "list of " (kind(&schema["items"])) };
    }
    let named = match &schema["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        other => text(other).to_owned(),
    };
    html! { (named) @if schema["format"] == "date-time" { ", a time" } }
}

/// A value without the quotes of a text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The fields of an object; none of anything else.
fn fields_of(value: &Value) -> Vec<(&String, &Value)> {
    value.as_object().map(Map::iter).into_iter().flatten().collect()
}

/// A name as the end of a link.
fn slug(name: &str) -> String {
    format!("at-{}", name.to_lowercase().replace(' ', "-"))
}
