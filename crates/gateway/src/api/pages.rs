//! Pages for people: the error catalogue, and the reference of an API. They need no credentials and no script. Both
//! listeners serve them.

mod causes;
mod errors;
mod reference;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Response};
use maud::{DOCTYPE, Markup, html};

pub(super) use errors::code;
pub(crate) use errors::{index, named as error_named};
pub(crate) use reference::of as reference_of;
pub(super) use reference::show as reference;

/// Where the style sheet is.
pub(crate) const STYLE: &str = "/page/style.css";

/// The style sheet.
pub(crate) async fn style() -> Response<Body> {
    let mut response = with_type("text/css; charset=utf-8", include_str!("pages/style.css").to_owned());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    response
}

fn page(title: &str, content: &Markup) -> Response<Body> {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · smsfactory" }
                link rel="stylesheet" href=(STYLE);
            }
            body {
                header {
                    a.mark href="/docs" { "smsfactory" }
                    nav {
                        a href="/docs" { "API reference" }
                        a href="/page/errors" { "Errors" }
                        a href="/openapi.json" { "OpenAPI" }
                    }
                }
                main { h1 { (title) } (content) }
            }
        }
    };
    let mut response = with_type("text/html; charset=utf-8", markup.into_string());
    let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

fn with_type(kind: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Text whose backquotes mark code.
fn with_code(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
