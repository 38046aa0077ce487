//! What is around every page: its head, the navigation, and what the last act came to.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response, StatusCode};
use maud::{Markup, html};

use crate::api::Problem;
use crate::door::Role;
use crate::shared::{Shared, Visit};

/// A part of the console in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Overview,
    Live,
    Messages,
    Broadcasts,
    Accounts,
    Carriers,
    Screening,
    Inbound,
    Operators,
    Audit,
}

impl Part {
    const ALL: [Self; 10] = [
        Self::Overview,
        Self::Live,
        Self::Messages,
        Self::Broadcasts,
        Self::Accounts,
        Self::Carriers,
        Self::Screening,
        Self::Inbound,
        Self::Operators,
        Self::Audit,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Live => "Live",
            Self::Messages => "Messages",
            Self::Broadcasts => "Broadcasts",
            Self::Accounts => "Accounts",
            Self::Carriers => "Carriers",
            Self::Screening => "Screening",
            Self::Inbound => "Inbound",
            Self::Operators => "Operators",
            Self::Audit => "Audit log",
        }
    }

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/console",
            Self::Live => "/console/live",
            Self::Messages => "/console/messages",
            Self::Broadcasts => "/console/broadcasts",
            Self::Accounts => "/console/accounts",
            Self::Carriers => "/console/carriers",
            Self::Screening => "/console/screening",
            Self::Inbound => "/console/inbound",
            Self::Operators => "/console/operators",
            Self::Audit => "/console/audit",
        }
    }

    /// The key that goes there after `g`.
    const fn key(self) -> &'static str {
        match self {
            Self::Overview => "o",
            Self::Live => "l",
            Self::Messages => "m",
            Self::Broadcasts => "b",
            Self::Accounts => "a",
            Self::Carriers => "c",
            Self::Screening => "s",
            Self::Inbound => "i",
            Self::Operators => "p",
            Self::Audit => "u",
        }
    }

    /// Who sees it.
    pub(crate) const fn least(self) -> Role {
        match self {
            Self::Operators => Role::Admin,
            Self::Audit => Role::Operator,
            _ => Role::Viewer,
        }
    }
}

/// A page of an operator who is signed in. `title` has no text that strangers wrote; `within` are the links to it.
pub(crate) fn page(
    visit: &Visit,
    part: Part,
    title: &str,
    within: &[(&str, String)],
    content: &Markup,
) -> Response<Body> {
    let around = html! {
        header.top {
            a.brand href="/console" { "smsfactory" }
            nav aria-label="Parts of the console" {
                ul {
                    @for each in Part::ALL.into_iter().filter(|each| visit.may(each.least())) {
                        li {
                            a href=(each.path()) data-key=(each.key())
                                aria-current=[(each == part).then_some("page")] { (each.name()) }
                        }
                    }
                    @if visit.shared.console.settings.has_phones { li { a href="/dev" { "Phones" } } }
                }
            }
            div.who {
                span { bdi { (visit.actor().name) } " " span.role { (visit.actor().role.as_str()) } }
                form method="post" action="/console/sign-out" {
                    input type="hidden" name="token" value=(visit.token.as_str());
                    button.quiet type="submit" { "Sign out" }
                }
            }
        }
        main #content tabindex="-1" {
            @if !within.is_empty() {
                nav.within aria-label="Breadcrumb" {
                    ol {
                        @for (name, path) in within { li { a href=(path) { (name) } } }
                        li aria-current="page" { (title) }
                    }
                }
            }
            h1 { (title) }
            @if let Some(flash) = &visit.flash { p.flash role="status" { (flash.0) } }
            (content)
        }
    };
    answer(&visit.shared, StatusCode::OK, title, &around)
}

/// A page for visitors who have not signed in.
pub(crate) fn bare(shared: &Shared, status: StatusCode, title: &str, content: &Markup) -> Response<Body> {
    let around = html! {
        main.bare #content tabindex="-1" {
            p.brand { "smsfactory" }
            h1 { (title) }
            (content)
        }
    };
    answer(shared, status, title, &around)
}

/// A page that says why a request is refused, before anybody is known.
pub(crate) fn refused(shared: &Shared, problem: &Problem) -> Response<Body> {
    let content = html! {
        p { (problem.message) "." }
        p { a.button href="/console" { "Open the console" } }
    };
    bare(shared, problem.status, "This request was refused", &content)
}

/// A page that says why the admin API did not do as asked. `again` is the form to fix, if there is one.
pub(crate) fn problem(visit: &Visit, part: Part, problem: &Problem, back: &str, again: &Markup) -> Response<Body> {
    let title = match problem.status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN => "Your role may not do this",
        _ => "That did not work",
    };
    let content = html! {
        div.problem role="alert" {
            p { (problem.message) }
            @if !problem.fields.is_empty() {
                ul {
                    @for (field, expected) in &problem.fields {
                        li { code { (field) } @if !expected.is_empty() { ": " (expected) } }
                    }
                }
            }
        }
        @if problem.status == StatusCode::NOT_FOUND {
            p { "It may have been removed, or the address has a mistake." }
        }
        (again)
        p.acts { a.button href=(back) { "Back" } }
    };
    let mut response = page(visit, part, title, &[(part.name(), part.path().to_owned())], &content);
    *response.status_mut() = problem.status;
    response
}

fn answer(shared: &Shared, status: StatusCode, title: &str, body: &Markup) -> Response<Body> {
    let head = look::Head {
        title,
        part: "smsfactory",
        style: shared.assets.style(),
        icon: Some(shared.assets.icon()),
        script: Some(shared.assets.script()),
    };
    let mut response = Response::new(Body::from(look::page(&head, body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}
