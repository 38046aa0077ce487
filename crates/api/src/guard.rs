//! The steps of every request and answer: authentication, rate limits and their headers, and one log line.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, CONNECTION, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, Response};
use axum::middleware::Next;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use model::error::{ErrorCode, Refusal};
use model::limits::{RequestKind, Standing};
use model::{AccountId, Timestamp};
use openapi::BASE;
use pipeline::tenants::Caller;

use super::{Api, DRAINING, address, twilio};
use crate::http::Peer;
use crate::http::caught::caught;
use crate::http::envelope::challenge;
use crate::http::head::check_host;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The challenge for credentials (RFC 7617).
const BASIC: &str = r#"Basic realm="smsfactory", charset="UTF-8""#;

/// The account for which a handler counted a request without credentials, and the state of its limit. An extension of
/// answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) account: AccountId,
    pub(super) standing: Standing,
}

/// Lets a request through to its handler, or answers it.
pub(super) async fn guard(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response<Body> {
    let began = api.runtime.instant();
    let now = api.runtime.now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let address = client_address(&api, &request);
    let is_twilios = is_twilios(&api, &request);
    let mut account = None;
    let pass = api.gate.enter();
    let asked = if pass.is_some() { Asked::of(&api, &request, now) } else { Asked::Refused(draining()) };
    let admitted = admit(&api, asked, address, now).await;
    let (mut standing, mut response) = match admitted {
        Admit::Refused(standing, refusal) => (standing, refuse(&api, refusal)),
        Admit::Anybody(standing) => (standing, handle(&api, request, next).await),
        Admit::Caller(standing, caller) => {
            account = Some(caller.account);
            request.extensions_mut().insert(caller);
            (standing, handle(&api, request, next).await)
        }
    };
    if is_twilios {
        response = twilio::spoken(&api.envelope, response);
    }
    if let Some(counted) = response.extensions().get::<Counted>() {
        (standing, account) = (counted.standing, Some(counted.account));
    }
    put_standing(response.headers_mut(), standing);
    if api.gate.is_closed() {
        // The next request goes to the process that takes over.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    note(&api, &method, route, address, account, &response, api.runtime.instant() - began);
    response
}

/// The whole answer to a request that could not be read, from `peer`.
pub(super) async fn answer_unread(api: &Api, peer: SocketAddr, code: ErrorCode) -> Bytes {
    let address = peer.ip().to_canonical();
    let standing = api.limiter.address_standing(address, api.runtime.now()).await;
    note(api, &Method::default(), "unreadable", address, None, &api.envelope.refuse(code.into()), Duration::ZERO);
    let (limit, remaining, reset) = (standing.limit, standing.remaining, standing.resets_at.as_secs_ceil());
    api.envelope.raw(code, &format!("{LIMIT}: {limit}\r\n{REMAINING}: {remaining}\r\n{RESET}: {reset}\r\n"))
}

/// A process that ends takes no more requests.
fn draining() -> Refusal {
    Refusal::new(ErrorCode::ServiceUnavailable).with_retry_after(DRAINING).caused_by("draining")
}

enum Admit {
    /// Answered here.
    Refused(Standing, Refusal),
    /// A page for everybody, or nothing at all.
    Anybody(Standing),
    /// A client with a key.
    Caller(Standing, Caller),
}

/// A request before it is counted.
enum Asked {
    /// One that is refused for every client.
    Refused(Refusal),
    /// One for a page for everybody.
    Page,
    /// One that should have a valid key and has none.
    Stranger,
    /// One of a client with a key.
    Caller(Caller, RequestKind),
}

impl Asked {
    fn of(api: &Api, request: &Request, now: Timestamp) -> Self {
        if let Err(refusal) = check_host(request) {
            return Self::Refused(refusal);
        }
        let is_twilios = is_twilios(api, request);
        if !is_twilios && !request.uri().path().starts_with(BASE) {
            return Self::Page;
        }
        let tenants = api.pipeline.tenants();
        let caller = credentials(request.headers()).and_then(|(user, password)| match is_twilios {
            true => twilio::caller(tenants, &user, &password, now),
            false => tenants.authenticate(&user, &password, now),
        });
        let kind = || if is_twilios { twilio::kind_of(request) } else { kind_of(request) };
        caller.map_or(Self::Stranger, |caller| Self::Caller(caller, kind()))
    }
}

/// Whether a request comes to the door for clients of Twilio's API, and that door is open.
fn is_twilios(api: &Api, request: &Request) -> bool {
    api.twilio && twilio::is_of(request.uri().path())
}

/// Counts a request, and says whether it passes.
async fn admit(api: &Api, asked: Asked, address: IpAddr, now: Timestamp) -> Admit {
    match asked {
        Asked::Refused(refusal) => Admit::Refused(api.limiter.address_standing(address, now).await, refusal),
        Asked::Page => Admit::Anybody(api.limiter.address_standing(address, now).await),
        Asked::Stranger => match api.limiter.take_failed_auth(address, now).await {
            Ok(standing) => Admit::Refused(standing, ErrorCode::AuthenticationFailed.into()),
            Err((standing, refusal)) => Admit::Refused(standing, refusal),
        },
        Asked::Caller(caller, kind) => match api.limiter.take(caller.owner(), kind, &caller.limits, now).await {
            Ok(standing) => Admit::Caller(standing, caller),
            Err((standing, refusal)) => Admit::Refused(standing, refusal),
        },
    }
}

/// User and password of HTTP Basic (RFC 7617, section 2).
fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    let (scheme, encoded) = line.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

fn kind_of(request: &Request) -> RequestKind {
    match request.uri().path().strip_prefix(BASE) {
        Some("/message") if request.method() == Method::POST => RequestKind::Message,
        Some("/broadcast") if request.method() == Method::POST => RequestKind::Broadcast,
        _ => RequestKind::Read,
    }
}

fn refuse(api: &Api, refusal: Refusal) -> Response<Body> {
    let unauthenticated = refusal.code == ErrorCode::AuthenticationFailed;
    let response = api.envelope.refuse(refusal);
    if unauthenticated { challenge(response, BASIC) } else { response }
}

async fn handle(api: &Api, request: Request, next: Next) -> Response<Body> {
    match caught(next.run(request)).await {
        Ok(response) => response,
        Err(panic) => api.envelope.refuse(Refusal::new(ErrorCode::UnexpectedError).caused_by(panic)),
    }
}

fn client_address(api: &Api, request: &Request) -> IpAddr {
    let peer = request.extensions().get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip());
    address::of_client(peer, request.headers(), &api.trusted_proxies)
}

fn put_standing(headers: &mut HeaderMap, standing: Standing) {
    headers.insert(LIMIT, standing.limit.into());
    headers.insert(REMAINING, standing.remaining.into());
    headers.insert(RESET, HeaderValue::from(standing.resets_at.as_secs_ceil()));
}

fn note(
    api: &Api,
    method: &Method,
    route: &str,
    address: IpAddr,
    account: Option<AccountId>,
    response: &Response<Body>,
    took: Duration,
) {
    api.metrics.note(method, route, response.status().as_u16(), took);
    if api.log_requests.load(Ordering::Relaxed) {
        api.lines.request(method, route, address, account, response, took);
    }
    api.lines.failure(method, route, response);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_as_basic_says() {
        for (header, expected) in [
            ("Basic dWs6c2s=", Some(("uk", "sk"))),
            ("basic dWs6czprOg==", Some(("uk", "s:k:"))),
            ("Basic dWs=", None),
            ("Basic !!!", None),
            ("Bearer dWs6c2s=", None),
            ("Basic", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, header.parse().unwrap());
            let expected = expected.map(|(user, password)| (user.to_owned(), password.to_owned()));
            assert_eq!(credentials(&headers), expected, "{header}");
            headers.append(AUTHORIZATION, header.parse().unwrap());
            assert_eq!(credentials(&headers), None, "twice: {header}");
        }
    }
}
