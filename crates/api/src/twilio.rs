//! A door for clients of Twilio's API: they send, read, list and cancel messages with the requests of that API, and
//! get answers in its form. Off unless the operator switches it on.
//!
//! This module decides nothing. A request passes the same guard as all others; `form` and `sending` make a
//! `SendRequest` of it, which takes the one path of admission. `view` writes messages, `list` pages of them, `errors`
//! refusals, `notice` the forms for endpoints, and `sid` ids.

mod errors;
pub mod form;
mod list;
mod message;
mod notice;
mod sending;
mod sid;
mod view;

use axum::extract::Path;
use axum::extract::Request;
use axum::extract::rejection::PathRejection;
use axum::http::Method;
use axum::routing::get;
use model::error::{ErrorCode, Refusal};
use model::limits::RequestKind;
use model::{AccountId, Timestamp};
use pipeline::tenants::{Caller, TenantBook};

use super::{Route, route};
pub(super) use errors::spoken;
pub(super) use notice::{of_inbound, of_status, of_test};
pub use sid::of_account;

/// The version of their API, which begins each path.
const VERSION: &str = "2010-04-01";

/// Under this path everything needs credentials.
const BASE: &str = "/2010-04-01";

/// The routes.
pub(super) fn routes() -> [Route; 2] {
    [
        route(
            "/2010-04-01/Accounts/{account}/Messages.json",
            "GET, HEAD, POST",
            get(list::messages).post(sending::send),
        ),
        route(
            "/2010-04-01/Accounts/{account}/Messages/{message}",
            "GET, HEAD, POST",
            get(message::show).post(message::change),
        ),
    ]
}

/// Whether a path belongs to this interface, even if no route has it.
pub(super) fn is_of(path: &str) -> bool {
    path.strip_prefix(BASE).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The caller: an account by its SID with the secret of one of its keys as its auth token, or a key by its id.
pub(super) fn caller(tenants: &TenantBook, user: &str, password: &str, now: Timestamp) -> Option<Caller> {
    match sid::account(user) {
        Some(account) => tenants.authenticate_account(account, password, now),
        None => tenants.authenticate(user, password, now),
    }
}

/// The kind of request for the rate limit.
pub(super) fn kind_of(request: &Request) -> RequestKind {
    let is_sent = request.method() == Method::POST && request.uri().path().ends_with("/Messages.json");
    if is_sent { RequestKind::Message } else { RequestKind::Read }
}

/// The account that a path names is the caller's own; any other is nothing to it.
fn check_account(caller: &Caller, named: &str) -> Result<AccountId, Refusal> {
    sid::account(named).filter(|account| *account == caller.account).ok_or_else(|| ErrorCode::NotFound.into())
}

/// The name in a path, as text; anything else names nothing.
fn named<T>(path: Result<Path<T>, PathRejection>) -> Result<T, Refusal> {
    path.map(|Path(named)| named).map_err(|_| ErrorCode::NotFound.into())
}
