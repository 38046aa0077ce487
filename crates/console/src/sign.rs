//! Signing in and out.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::{Response, StatusCode, Uri};
use maud::{Markup, html};

use crate::api::Problem;
use crate::cookies::Cookie;
use crate::door::{SignIn, SignedIn, Unavailable};
use crate::form::Form;
use crate::frame::{bare, refused};
use crate::guard::{Guest, see_other};
use crate::return_to::{self, HOME};
use crate::shared::Shared;

/// The form for a name and a password.
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    uri: Uri,
) -> Response<Body> {
    let asked = Form::parse(uri.query().unwrap_or_default().as_bytes());
    bare(&shared, StatusCode::OK, "Sign in", &password_form(&guest, return_to::page(&asked), None))
}

fn password_form(guest: &Guest, next: &str, problem: Option<&str>) -> Markup {
    html! {
        @if let Some(problem) = problem { p.problem role="alert" { (problem) } }
        form method="post" action="/console/sign-in" {
            input type="hidden" name="token" value=(guest.token.as_str());
            input type="hidden" name="next" value=(next);
            label for="name" { "Name" }
            input #name name="name" autocomplete="username" autocapitalize="none" required;
            label for="password" { "Password" }
            input #password name="password" type="password" autocomplete="current-password" required;
            button.primary type="submit" { "Sign in" }
        }
        p.hint { "Without a password, " code { "smsfactory console login" } " prints a link that signs you in." }
    }
}

/// Signs in by name and password.
pub(crate) async fn sign_in(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    Extension(form): Extension<Form>,
) -> Response<Body> {
    let (name, password) = (form.get("name").unwrap_or_default(), form.get("password").unwrap_or_default());
    let next = return_to::page(&form);
    let again = |status, words: &str| bare(&shared, status, "Sign in", &password_form(&guest, next, Some(words)));
    match shared.console.door.sign_in(name, password, guest.address).await {
        Ok(SignIn::In(signed_in)) => begun(&shared, &signed_in, next),
        Ok(SignIn::Wrong) => again(StatusCode::FORBIDDEN, "The name or the password is wrong."),
        Ok(SignIn::Later(secs)) => {
            again(StatusCode::TOO_MANY_REQUESTS, &format!("Too many attempts. Try again in {secs} seconds."))
        }
        Err(error) => unavailable(&shared, &error),
    }
}

/// The page of a one-time link. It asks first, so that a program that previews links does not use the link up.
pub(crate) async fn show_link(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    uri: Uri,
) -> Response<Body> {
    let asked = Form::parse(uri.query().unwrap_or_default().as_bytes());
    let link = asked.get("token").unwrap_or_default();
    let content = html! {
        p { "This link signs you in to the console on this browser. It works once." }
        form method="post" action="/console/login" {
            input type="hidden" name="token" value=(guest.token.as_str());
            input type="hidden" name="link" value=(link);
            button.primary type="submit" autofocus { "Sign in" }
        }
    };
    bare(&shared, StatusCode::OK, "Sign in by link", &content)
}

/// Signs in by a one-time link.
pub(crate) async fn redeem(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
    Extension(form): Extension<Form>,
) -> Response<Body> {
    match shared.console.door.redeem(form.get("link").unwrap_or_default(), guest.address).await {
        Ok(Some(signed_in)) => begun(&shared, &signed_in, HOME),
        Ok(None) => {
            let content = html! {
                p { "This link was used already, or it is older than 10 minutes." }
                p { "Run " code { "smsfactory console login" } " on the server for a new one." }
                p { a.button href="/console/sign-in" { "Sign in with a password" } }
            };
            bare(&shared, StatusCode::FORBIDDEN, "This link does not work any more", &content)
        }
        Err(error) => unavailable(&shared, &error),
    }
}

/// Ends the session.
pub(crate) async fn sign_out(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let is_secure = shared.is_secure();
    if let Some(cookie) = Cookie::Session.read(request.headers(), is_secure)
        && let Err(error) = shared.console.door.sign_out(&cookie).await
    {
        return unavailable(&shared, &error);
    }
    let mut response = see_other("/console/sign-in");
    response.headers_mut().append(SET_COOKIE, Cookie::Session.set("", is_secure));
    response
}

fn begun(shared: &Shared, signed_in: &SignedIn, next: &str) -> Response<Body> {
    let mut response = see_other(next);
    response.headers_mut().append(SET_COOKIE, Cookie::Session.set(&signed_in.cookie, shared.is_secure()));
    response
}

fn unavailable(shared: &Shared, error: &Unavailable) -> Response<Body> {
    tracing::warn!("{error}");
    let message = "Operators cannot be looked up at the moment. Try again in a while";
    refused(shared, &Problem::new(StatusCode::SERVICE_UNAVAILABLE, message))
}
