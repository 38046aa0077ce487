//! The pages, each from what the admin API answers.

pub(crate) mod account;
pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod broadcasts;
pub(crate) mod carriers;
pub(crate) mod inbound;
pub(crate) mod keywords;
pub(crate) mod live;
pub(crate) mod messages;
pub(crate) mod number;
pub(crate) mod operators;
pub(crate) mod overview;
mod pdus;
pub(crate) mod screening;
pub(crate) mod webhook;

use axum::body::Body;
use axum::http::{Response, Uri};
use maud::html;

use crate::api::Problem;
use crate::form::Form;
use crate::frame::{self, Part};
use crate::shared::Visit;

/// The query of an address.
fn asked(uri: &Uri) -> Form {
    Form::parse(uri.query().unwrap_or_default().as_bytes())
}

/// A page, or the page that says why there is none.
fn shown(visit: &Visit, part: Part, made: Result<Response<Body>, Problem>) -> Response<Body> {
    if !visit.may(part.least()) {
        return frame::problem(visit, part, &Problem::of_role(part.least()), Part::Overview.path(), &html! {});
    }
    made.unwrap_or_else(|problem| frame::problem(visit, part, &problem, part.path(), &html! {}))
}
