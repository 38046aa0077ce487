//! The error pages: the catalogue, for people.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, Response};
use maud::{DOCTYPE, Markup, html};
use model::error::{ErrorCode, Refusal};

use super::Shared;
use crate::http::status;

pub(super) async fn index() -> Response<Body> {
    page(
        "Errors",
        &html! {
            p { "Every error answer is JSON with a " code { "code" } ", which these pages explain." }
            table {
                thead { tr { th { "Code" } th { "Status" } th { "Message" } } }
                tbody {
                    @for code in ErrorCode::ALL {
                        tr {
                            td { a href={ "/page/errors/" (code.number()) } { (code.number()) } }
                            td { (status::of(code).as_u16()) }
                            td { (code.message()) }
                        }
                    }
                }
            }
        },
    )
}

pub(super) async fn code(State(api): Shared, number: Result<Path<String>, PathRejection>) -> Response<Body> {
    let code = number.ok().and_then(|Path(text)| text.parse().ok()).and_then(ErrorCode::from_number);
    let found = code.map(explained).ok_or_else(|| Refusal::new(ErrorCode::NotFound));
    api.answer(found)
}

fn explained(code: ErrorCode) -> Response<Body> {
    page(
        &format!("{} {}", code.number(), code.name()),
        &html! {
            p.message { (code.message()) }
            p { "HTTP status " (status::of(code).as_u16()) "." }
            h2 { "What to do" }
            p { (with_code(code.remedy())) }
            @if code == ErrorCode::NonCompliantMessageContent { (categories()) }
            p { a href="/page/errors" { "All errors" } }
        },
    )
}

/// What each category means, and how a message is mended.
fn categories() -> Markup {
    html! {
        h2 { "Categories" }
        table {
            thead { tr { th { "Category" } th { "What was found" } th { "How to mend it" } } }
            tbody {
                @for category in screening::Category::ALL {
                    tr id=(category.name()) {
                        td { code { (category.name()) } }
                        td { (category.meaning()) }
                        td { (category.remedy()) }
                    }
                }
            }
        }
        p {
            code { "help" } " in " code { "additionalInfo" } " has at most one sentence for each category that was \
            found. It says what would help for this message: which link stands next to what, which request to leave \
            out, or what the operator can do."
        }
        p { "Was the message innocent? The operator can allow a domain, a phrase or a category for your account." }
    }
}

/// Text whose backquotes mark code.
fn with_code(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;\
color:#1c1c1c;background:#fff}\
table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.35rem .8rem .35rem 0;border-bottom:1px solid #ddd}\
code{background:#f1f1f1;padding:.1rem .25rem;border-radius:3px}a{color:#0b57d0}.message{font-size:1.25rem}\
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}\
th,td{border-color:#333}code{background:#2a2a2a}a{color:#8ab4f8}}";

fn page(title: &str, content: &Markup) -> Response<Body> {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · smsfactory" }
                style { (maud::PreEscaped(STYLE)) }
            }
            body { main { h1 { (title) } (content) } }
        }
    };
    let mut response = Response::new(Body::from(markup.into_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    response
}
