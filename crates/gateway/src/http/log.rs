//! One line for each request, and one for each failure. Neither holds a text, a secret or a whole number.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Response};
use model::{AccountId, BroadcastId, MessageId};

use super::envelope::Refused;

/// What a request was about. An extension of answers whose request named or made a message.
#[derive(Clone, Copy, Debug)]
pub struct About(pub MessageId);

/// The broadcast that a request was about. An extension of answers whose request named or made one.
#[derive(Clone, Copy, Debug)]
pub struct AboutBroadcast(pub BroadcastId);

/// Writes the line of a request.
pub fn request(method: &Method, route: &str, address: IpAddr, account: Option<AccountId>, response: &Response<Body>, took: Duration) {
    let status = response.status().as_u16();
    let message_id = response.extensions().get::<About>().map(|about| tracing::field::display(about.0));
    let broadcast_id = response.extensions().get::<AboutBroadcast>().map(|about| tracing::field::display(about.0));
    let code = response.extensions().get::<Refused>().map(|refused| refused.code.number());
    let account = account.map(tracing::field::display);
    let took_ms = took.as_secs_f64() * 1000.0;
    let route = if route.is_empty() { "unmatched" } else { route };
    tracing::info!(target: "request", %method, route, status, code, took_ms = (took_ms * 100.0).round() / 100.0, %address, account, message_id, broadcast_id, "{method} {route} {status}");
}

/// Writes the line of a failure of ours, with its cause; and of a refusal whose cause only we may know, as that of media that could not be fetched.
pub fn failure(method: &Method, route: &str, response: &Response<Body>) {
    let Some(refused) = response.extensions().get::<Refused>() else { return };
    let code = refused.code.number();
    match refused.cause.as_deref() {
        cause if refused.code.http_status() >= 500 => {
            let cause = cause.unwrap_or("no cause given");
            tracing::error!(target: "failure", %method, route, code, cause, "{method} {route} failed: {cause}");
        }
        Some(cause) => tracing::info!(target: "failure", %method, route, code, cause, "{method} {route} refused with {code}: {cause}"),
        None => {}
    }
}
