//! Who may pass to the admin API: the holder of the token.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Response;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use model::error::{ErrorCode, Refusal};
use subtle::ConstantTimeEq;

use super::Admin;
use crate::http::Peer;
use crate::http::caught::to_the_end;
use crate::http::envelope::challenge;

/// Lets the operator through.
pub(super) async fn guard(State(admin): State<Arc<Admin>>, request: Request, next: Next) -> Response<Body> {
    // Without a token the admin API is off, as if it were not there.
    let Some(token) = &admin.token else { return admin.envelope.refuse(ErrorCode::NotFound.into()) };
    let offered = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.split_once(' '));
    let offered = offered.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    if offered.is_some_and(|offered| bool::from(offered.as_bytes().ct_eq(token.as_bytes()))) {
        return next.run(request).await;
    }
    challenge(admin.envelope.refuse(ErrorCode::AuthenticationFailed.into()), "Bearer")
}

/// Writes a line for each request to the admin API; health and metrics are asked all the time.
pub(super) async fn log(State(admin): State<Arc<Admin>>, request: Request, next: Next) -> Response<Body> {
    let began = Instant::now();
    let method = request.method().clone();
    let is_api = request.uri().path().starts_with("/admin/");
    let route = request.extensions().get::<MatchedPath>().cloned();
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    // What is in the store must be in memory too, or a revoked key lives on: a change is never given up half way.
    let response = match to_the_end(next.run(request)).await {
        Ok(response) => response,
        Err(panic) => admin.envelope.refuse(Refusal::new(ErrorCode::UnexpectedError).caused_by(panic)),
    };
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    if let Some(peer) = peer.filter(|_| is_api) {
        crate::http::log::request(&method, route, peer, None, &response, began.elapsed());
    }
    crate::http::log::failure(&method, route, &response);
    response
}
