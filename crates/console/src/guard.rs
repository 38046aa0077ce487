//! What every request to the console passes: its origin, its form token, and who has sent it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERER, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use axum::middleware::Next;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::api::{Api, Problem};
use crate::cookies::Cookie;
use crate::door::{Actor, Client, Unavailable};
use crate::form::Form;
use crate::frame;
use crate::origin;
use crate::return_to;
use crate::shared::{Flash, Shared, Visit};
use crate::token::{FormToken, fresh};

/// The largest form, in octets.
const FORM_MAX: usize = 2 << 20;

/// How long a form may take to arrive.
const FORM_TIME: Duration = Duration::from_secs(10);

/// What a page without an operator knows: the token of its form.
#[derive(Clone)]
pub(crate) struct Guest {
    pub(crate) token: FormToken,
    pub(crate) address: IpAddr,
}

/// Refuses what comes from elsewhere, checks the tokens of forms, and gives every answer its headers.
pub(crate) async fn protect(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response<Body> {
    let is_secure = shared.is_secure();
    let given = Cookie::Form.read(request.headers(), is_secure);
    let form = given.clone().unwrap_or_else(|| fresh(&*shared.console.entropy));
    let session = Cookie::Session.read(request.headers(), is_secure);
    let mut response = match passed(&shared, &mut request, &form, session.as_deref()).await {
        Ok(()) => next.run(request).await,
        Err(problem) => frame::refused(&shared, &problem),
    };
    let headers = response.headers_mut();
    if given.is_none() {
        headers.append(SET_COOKIE, Cookie::Form.set(&form, is_secure));
    }
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(look::POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // With `no-referrer` browsers hide the origin of forms from the console itself.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn passed(shared: &Arc<Shared>, request: &mut Request, form: &str, session: Option<&str>) -> Result<(), Problem> {
    origin::judge(request.method(), request.headers(), &shared.console.settings.hosts)
        .map_err(|foreign| Problem::new(StatusCode::FORBIDDEN, foreign.message()))?;
    let unusable = || Problem::new(StatusCode::BAD_REQUEST, "The cookies of this browser cannot be used");
    let token = FormToken::of(form, session).ok_or_else(unusable)?;
    if request.method() == Method::POST {
        let body = std::mem::take(request.body_mut());
        let too_large = |_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The form is too large, or broke off");
        let octets = shared
            .console
            .runtime
            .timeout(FORM_TIME, to_bytes(body, FORM_MAX))
            .await
            .map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "The form did not arrive in time"))?
            .map_err(too_large)?;
        let sent = Form::parse(&octets);
        if !sent.get("token").is_some_and(|given| token.is(given)) {
            let message = "This form belongs to another session. Open the page again, and repeat the action";
            return Err(Problem::new(StatusCode::FORBIDDEN, message));
        }
        request.extensions_mut().insert(sent);
    }
    let address =
        request.extensions().get::<Client>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |client| client.address);
    request.extensions_mut().insert(Guest { token, address });
    Ok(())
}

/// Lets operators through who are signed in, and shows others where to sign in.
pub(crate) async fn identify(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response<Body> {
    let Some(guest) = request.extensions().get::<Guest>().cloned() else {
        return frame::refused(&shared, &Problem::new(StatusCode::FORBIDDEN, "This request was not checked"));
    };
    let session = Cookie::Session.read(request.headers(), shared.is_secure());
    let proxied = request.extensions().get::<Client>().and_then(|client| client.proxied.clone());
    match actor(&shared, session.as_deref(), proxied.as_deref(), guest.address).await {
        Ok(Some(actor)) => {
            let is_secure = shared.is_secure();
            let flash = flash(request.headers(), is_secure);
            let had_flash = flash.is_some() && *request.method() == Method::GET;
            let api = Api { router: shared.console.api.clone(), actor: Arc::new(actor) };
            let now = shared.console.runtime.now();
            request.extensions_mut().insert(Visit { shared, api, token: guest.token, flash, now });
            let mut response = next.run(request).await;
            if had_flash {
                response.headers_mut().append(SET_COOKIE, Cookie::Flash.set("", is_secure));
            }
            response
        }
        Ok(None) => see_other(&return_to::address(request.method(), request.uri())),
        Err(error) => {
            tracing::warn!("{error}");
            let message = "Operators cannot be looked up at the moment. Try again in a while";
            frame::refused(&shared, &Problem::new(StatusCode::SERVICE_UNAVAILABLE, message))
        }
    }
}

async fn actor(
    shared: &Shared,
    session: Option<&str>,
    proxied: Option<&str>,
    address: IpAddr,
) -> Result<Option<Actor>, Unavailable> {
    let door = &shared.console.door;
    if let Some(cookie) = session
        && let Some(actor) = door.actor(cookie, address).await?
    {
        return Ok(Some(actor));
    }
    match proxied {
        Some(name) => door.by_proxy(name, address).await,
        None => Ok(None),
    }
}

/// An answer that leads to another page.
pub(crate) fn see_other(path: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(path) = HeaderValue::try_from(path) {
        response.headers_mut().insert(LOCATION, path);
    }
    response
}

/// The same, and the next page says `words`.
pub(crate) fn done(path: &str, words: &str, is_secure: bool) -> Response<Body> {
    let mut response = see_other(path);
    response.headers_mut().append(SET_COOKIE, Cookie::Flash.set(&URL_SAFE_NO_PAD.encode(words), is_secure));
    response
}

/// The page with the dialog from which a form was sent, with its filters and its place in a list: where it is `back` or
/// below that, and not the act's own page.
pub(crate) fn came_from(headers: &HeaderMap, own: &str, back: &str) -> Option<String> {
    let from: Uri = headers.get(REFERER)?.to_str().ok()?.parse().ok()?;
    let is_below = from.path().strip_prefix(back).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    (is_below && from.path() != own).then(|| from.path_and_query().map(ToString::to_string))?
}

fn flash(headers: &HeaderMap, is_secure: bool) -> Option<Flash> {
    let octets = URL_SAFE_NO_PAD.decode(Cookie::Flash.read(headers, is_secure)?).ok()?;
    String::from_utf8(octets).ok().map(Flash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_leads_back_to_the_list_as_it_was_narrowed() {
        let (own, back) = ("/console/screening/scr_1/correct", "/console/screening");
        let from = |address: &str| {
            let headers = HeaderMap::from_iter([(REFERER, HeaderValue::try_from(address).unwrap())]);
            came_from(&headers, own, back)
        };
        let narrowed = "/console/screening?reviewed=false&cursor=x";
        assert_eq!(from(&format!("https://sms.example.com{narrowed}")).as_deref(), Some(narrowed));
        assert_eq!(from("http://localhost/console/screening/groups").as_deref(), Some("/console/screening/groups"));
        for elsewhere in [own, "/console", "/console/screenings", "/console/messages"] {
            assert_eq!(from(&format!("http://localhost{elsewhere}")), None, "{elsewhere}");
        }
        assert_eq!(came_from(&HeaderMap::new(), own, back), None);
    }
}
