//! Who may pass to the admin API: the holder of the token, and operators whom this process has signed in; and to which
//! part of it, by the role.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, Response};
use axum::middleware::Next;
use model::Via;
use model::error::{AdditionalInfo, ErrorCode, Refusal};
use subtle::ConstantTimeEq;

use super::principal::Principal;
use super::{Admin, BASE, access};
use api::address;
use api::http::Peer;
use api::http::caught::to_the_end;
use api::http::envelope::challenge;
use api::http::head::check_host;

/// Lets the operator through. Those who guess have as many guesses in a window as the public API grants; the token
/// itself always passes.
pub(super) async fn guard(State(admin): State<Arc<Admin>>, mut request: Request, next: Next) -> Response<Body> {
    // An operator who signed in. No client can put this value there over the network.
    if let Some(principal) = request.extensions().get::<Principal>().cloned() {
        return admitted(&admin, principal, request, next).await;
    }
    // Without a token the admin API is off, as if it were not there.
    let Some(token) = admin.operators.token() else { return admin.envelope.refuse(ErrorCode::NotFound.into()) };
    if offered(request.headers()).is_some_and(|offered| bool::from(offered.as_bytes().ct_eq(token.as_bytes()))) {
        let principal = Principal::of_token(client_address(&admin, &request), via(request.headers()));
        request.extensions_mut().insert(principal.clone());
        return admitted(&admin, principal, request, next).await;
    }
    let (address, now) = (client_address(&admin, &request), admin.runtime.now());
    match admin.operators.limiter.take_failed_auth(address, now).await {
        Ok(_) => challenge(admin.envelope.refuse(ErrorCode::AuthenticationFailed.into()), "Bearer"),
        Err((_, refusal)) => admin.envelope.refuse(refusal),
    }
}

/// Lets a request through for which the role is enough.
async fn admitted(admin: &Admin, principal: Principal, mut request: Request, next: Next) -> Response<Body> {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().and_then(|route| route.as_str().strip_prefix(BASE));
    // What is not there, or has another method, is answered by the router.
    let Some(access) = route.and_then(|route| access::of(request.method(), route)) else {
        return next.run(request).await;
    };
    if principal.role < access.least {
        // The published catalogue has no code for this alone: the operator is known, and another one is needed.
        let info = AdditionalInfo::RoleNeeded(access.least.as_str());
        return admin.envelope.refuse(Refusal::new(ErrorCode::AuthenticationFailed).with_info(info));
    }
    request.extensions_mut().insert(access);
    next.run(request).await
}

/// What the command line calls itself.
pub const CLI: &str = concat!("smsfactory-cli/", env!("CARGO_PKG_VERSION"));

/// By which door a request comes in that has the token.
fn via(headers: &HeaderMap) -> Via {
    let agent = headers.get(USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
    if agent.starts_with(b"smsfactory-cli/") { Via::Cli } else { Via::Api }
}

/// The token of a request (RFC 6750, section 2.1). Of two headers nobody knows which one counts, so that they offer
/// none.
fn offered(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    let (scheme, token) = line.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn client_address(admin: &Admin, request: &Request) -> IpAddr {
    let peer = request.extensions().get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip());
    address::of_client(peer, request.headers(), &admin.trusted_proxies)
}

/// Writes a line for each request to the admin API; health and metrics are asked all the time.
pub(super) async fn log(State(admin): State<Arc<Admin>>, request: Request, next: Next) -> Response<Body> {
    let began = admin.runtime.instant();
    let method = request.method().clone();
    let is_api = request.uri().path().starts_with("/admin/");
    let route = request.extensions().get::<MatchedPath>().cloned();
    let address = client_address(&admin, &request);
    // What is in the store must be in memory too, or a revoked key lives on: a change is never given up half way.
    let response = match check_host(&request) {
        Ok(()) => match to_the_end(&admin.runtime, next.run(request)).await {
            Ok(response) => response,
            Err(panic) => admin.envelope.refuse(Refusal::new(ErrorCode::UnexpectedError).caused_by(panic)),
        },
        Err(refusal) => admin.envelope.refuse(refusal),
    };
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    if is_api {
        admin.lines.operated(&method, route, address, &response, admin.runtime.instant() - began);
    }
    admin.lines.failure(&method, route, &response);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_offered_once() {
        for (header, token) in
            [("Bearer abc", Some("abc")), ("bearer  abc ", Some("abc")), ("Basic abc", None), ("Bearer", None)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, header.parse().unwrap());
            assert_eq!(offered(&headers), token, "{header}");
            headers.append(AUTHORIZATION, header.parse().unwrap());
            assert_eq!(offered(&headers), None, "twice: {header}");
        }
    }
}
