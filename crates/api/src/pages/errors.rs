//! The error pages: the meaning of each error, a request that causes it, the answer, and the fix.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Response;
use maud::{Markup, html};
use model::MediaType;
use model::error::{ErrorCode, Refusal};

use super::causes::cause;
use super::{page, sample, wide, with_code};
use crate::Shared;
use openapi::status;

/// `GET /page/errors`.
pub async fn index() -> Response<Body> {
    page(
        "Errors",
        &html! {
            p { "Every error answer is JSON with a " code { "code" } ", which these pages explain." }
            (wide("Errors", &["Code", "Status", "Message"], &html! {
                @for code in ErrorCode::ALL {
                    tr {
                        td { a href={ "/page/errors/" (code.number()) } { (code.number()) } }
                        td { (status::of(code).as_u16()) }
                        td { (code.message()) }
                    }
                }
            }))
        },
    )
}

/// `GET /page/errors/{code}`.
pub(crate) async fn code(State(api): Shared, number: Result<Path<String>, PathRejection>) -> Response<Body> {
    api.answer(named(number))
}

/// The page of the error that a path names.
///
/// # Errors
/// [`ErrorCode::NotFound`] where there is no such error.
pub fn named(number: Result<Path<String>, PathRejection>) -> Result<Response<Body>, Refusal> {
    let code = number.ok().and_then(|Path(text)| text.parse().ok()).and_then(ErrorCode::from_number);
    code.map(explained).ok_or_else(|| ErrorCode::NotFound.into())
}

fn explained(code: ErrorCode) -> Response<Body> {
    page(
        &format!("{} {}", code.number(), code.name()),
        &html! {
            p.message { (code.message()) }
            p { "HTTP status " (status::of(code).as_u16()) "." }
            h2 { "How to fix it" }
            p { (with_code(code.remedy())) }
            (details(code))
            h2 { "A request that causes it" }
            (sample("Request", cause(code)))
            h2 { "The answer" }
            (sample("Answer", &format!("{:#}", openapi::example(code))))
            p { a href="/page/errors" { "All errors" } }
        },
    )
}

/// The limits and lists that belong to an error.
fn details(code: ErrorCode) -> Markup {
    match code {
        ErrorCode::NonCompliantMessageContent => categories(),
        ErrorCode::MediaTypeNotSupported => html! {
            h2 { "Supported types" }
            ul { @for kind in MediaType::ALL { li { code { (kind.as_str()) } } } }
            p { "The content of the file decides, not its " code { "Content-Type" } "." }
        },
        ErrorCode::MediaUrlNotAllowed => sentences("Rules for a `mediaUrl`", &URL_RULES),
        ErrorCode::MediaUploadFailed => sentences("Causes", &DOWNLOAD_CAUSES),
        ErrorCode::MessageTooLong => sentences("Limits", &LENGTHS),
        ErrorCode::TooManyRecipients => sentences("Limits", &RECIPIENTS),
        ErrorCode::RequestTooLarge => sentences("Limits", &SIZES),
        _ => html! {},
    }
}

fn sentences(title: &str, sentences: &[&str]) -> Markup {
    html! {
        h2 { (with_code(title)) }
        ul { @for sentence in sentences { li { (with_code(sentence)) } } }
    }
}

const URL_RULES: [&str; 5] = [
    "The scheme is `http` or `https`, and the port is 80, 443, 8080 or 8443.",
    "It has at most 2,048 characters, and no control characters, blanks, backslashes or user info.",
    "The host is public: so are all its addresses, and its name has a dot and is not reserved.",
    "The platform follows at most three redirects, and none from `https` to `http`. Each must keep these rules.",
    "The URL of a webhook must be `https`, on any port, unless the operator allows other URLs.",
];

const LENGTHS: [&str; 3] = [
    "An SMS has at most 640 characters, unless the operator has set another limit.",
    "An MMS has at most 1,600 characters, unless the operator has set another limit.",
    "A character is a Unicode scalar value: most letters and many emoji count as one, a flag as two.",
];

const RECIPIENTS: [&str; 1] = ["A broadcast has at most 50,000 recipients, unless the operator has set another limit."];

const SIZES: [&str; 4] = [
    "A body has at most 262,144 bytes, unless the operator has set another limit.",
    "The body of a broadcast has at most 5,242,880 bytes, unless the operator has set another limit.",
    "The headers have at most 32,768 bytes in at most 100 fields, unless the operator has set another limit.",
    "An import of opt-outs has at most 50,000 entries.",
];

const DOWNLOAD_CAUSES: [&str; 7] = [
    "The host name does not resolve, or the server cannot be reached.",
    "The server answers with a status other than 200, 203 or 206, or redirects to a URL that is not valid.",
    "The download takes longer than 10 seconds, or than the limit that the operator has set.",
    "The connection ends before the end of the file.",
    "The file is compressed by a `Content-Encoding`, empty or truncated.",
    "Your account has too many downloads in progress. Send the request again.",
    "A redirect leads to a URL of more than 8,192 characters, or is the fourth.",
];

/// The meaning of each category of the compliance screen, and the way to fix a message.
fn categories() -> Markup {
    html! {
        h2 { "Categories" }
        dl {
            @for category in screening::Category::ALL {
                dt id=(category.name()) { code { (category.name()) } }
                dd {
                    p { (category.meaning()) }
                    p { strong { "To fix it: " } (category.remedy()) }
                }
            }
        }
        p {
            code { "help" } " in " code { "additionalInfo" } " has at most one sentence for each category that the \
            screen found. It names the change that helps for this message: a link beside certain words, a request to \
            leave out, or an exemption that the operator can grant."
        }
        p {
            "If a harmless message is refused, the operator can allow a domain, a phrase or a category for your \
            account."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    const DEFAULTS: &str = include_str!("../../../../config.default.toml");

    #[test]
    fn limits_on_the_pages_are_those_of_the_defaults() {
        let defaults: toml::Table = toml::from_str(DEFAULTS).unwrap();
        let shown = [&LENGTHS[..], &RECIPIENTS, &SIZES].concat().join(" ").replace(',', "");
        for (section, key) in [
            ("limits", "sms_characters_max"),
            ("limits", "mms_characters_max"),
            ("limits", "max_recipients"),
            ("api", "body_bytes_max"),
            ("api", "broadcast_body_bytes_max"),
            ("api", "head_bytes_max"),
        ] {
            let limit = defaults[section][key].as_integer().unwrap();
            assert!(shown.contains(&format!("at most {limit} ")), "{section}.{key}");
        }
    }
}
