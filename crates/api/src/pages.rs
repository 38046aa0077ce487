//! Pages for people: the error catalogue, and the reference of an API. They need no credentials and no script. Both
//! listeners serve them.

mod causes;
mod errors;
mod reference;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Response};
use maud::{Markup, html};

pub(super) use errors::code;
pub use errors::index;
pub use errors::named as error_named;
pub use reference::of as reference_of;
pub(super) use reference::show as reference;

/// The path of the style sheet.
pub const STYLE: &str = "/page/style.css";

/// The style sheet.
pub async fn style() -> Response<Body> {
    let mut response =
        with_type("text/css; charset=utf-8", format!("{}{}", look::STYLE, include_str!("pages/style.css")));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    response
}

fn page(title: &str, content: &Markup) -> Response<Body> {
    let head = look::Head { title, part: "smsfactory", style: STYLE, icon: None, script: None };
    let body = html! {
        header {
            a.brand href="/docs" { "smsfactory" }
            nav aria-label="Pages" {
                a href="/docs" { "API reference" }
                a href="/page/errors" { "Errors" }
                a href="/openapi.json" { "OpenAPI" }
            }
        }
        main #content tabindex="-1" { h1 { (breakable(title)) } (content) }
    };
    let mut response = with_type("text/html; charset=utf-8", look::page(&head, &body));
    let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

/// A title in which a narrow screen breaks a name of several words between them: `NotFound` behind `Not`.
fn breakable(title: &str) -> Markup {
    let letters: Vec<char> = title.chars().collect();
    let words = letters.chunk_by(|before, after| !(before.is_lowercase() && after.is_uppercase()));
    html! {
        @for (index, word) in words.enumerate() {
            @if index > 0 { wbr; }
            (word.iter().collect::<String>())
        }
    }
}

fn with_type(kind: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A table, which scrolls by itself if it is wider than the page, by keyboard too.
fn wide(name: &str, columns: &[&str], rows: &Markup) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(name) {
            table {
                thead { tr { @for column in columns { th scope="col" { (column) } } } }
                tbody { (rows) }
            }
        }
    }
}

/// A request or an answer as it is written.
fn sample(name: &str, text: &str) -> Markup {
    html! { pre tabindex="0" role="region" aria-label=(name) { code { (text) } } }
}

/// Text whose backquotes mark code.
fn with_code(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
