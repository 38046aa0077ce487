//! The web console on the operator's listener: where its requests come from, who is signed in, and how it calls the
//! admin API.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderValue, Request};
use axum::middleware::map_request;
use console::{Actor, Client, Console, Door, Role, Settings, SignIn, SignedIn, Unavailable};
use model::{Entropy, Timestamp};
use runtime::Runtime;

use crate::admin::Admin;
use crate::api::address;
use crate::http::Peer;

/// The console, which calls the admin API `api` in this process.
pub fn router(admin: &Arc<Admin>, api: Router, sessions: Arc<Sessions>) -> Router {
    let (runtime, entropy) = (Arc::clone(&admin.runtime), Arc::clone(&sessions.entropy));
    let (calling, called) = (Arc::clone(admin), Arc::clone(admin));
    let api = api.layer(map_request(move |request| std::future::ready(as_operator(&called, request))));
    let settings = Settings::default();
    console::router(Console { api, door: sessions, settings, runtime, entropy })
        .layer(map_request(move |request| std::future::ready(with_client(&calling, request))))
}

/// A call of the console has passed its guard: it comes with the admin API's token.
fn as_operator(admin: &Admin, mut request: Request<Body>) -> Request<Body> {
    let actor = request.extensions().get::<Actor>().cloned();
    if let (Some(actor), Some(token)) = (actor, admin.operators.token())
        && let Ok(token) = HeaderValue::try_from(format!("Bearer {token}"))
    {
        request.headers_mut().insert(AUTHORIZATION, token);
        request.extensions_mut().insert(Peer(SocketAddr::new(actor.address, 0)));
    }
    request
}

fn with_client(admin: &Admin, mut request: Request<Body>) -> Request<Body> {
    let peer = request.extensions().get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip());
    let address = address::of_client(peer, request.headers(), &admin.trusted_proxies);
    request.extensions_mut().insert(Client { address, proxied: None });
    request
}

/// Sessions of this process. They begin by a one-time link and end with the process.
pub struct Sessions {
    known: Mutex<Known>,
    entropy: Arc<dyn Entropy>,
    runtime: Arc<dyn Runtime>,
}

#[derive(Default)]
struct Known {
    /// Until when each link can be used.
    links: HashMap<String, Timestamp>,
    /// When each session was last seen.
    sessions: HashMap<String, Timestamp>,
}

/// How long a link can be used.
const LINK_VALID: Duration = Duration::from_secs(600);

/// A session ends after so long without a request.
const IDLE: Duration = Duration::from_secs(12 * 3_600);

impl Sessions {
    /// None yet.
    pub fn new(entropy: Arc<dyn Entropy>, runtime: Arc<dyn Runtime>) -> Self {
        Self { known: Mutex::default(), entropy, runtime }
    }

    /// A token that signs in once, within 10 minutes.
    pub fn link(&self) -> String {
        let token = secret(&*self.entropy);
        self.known().links.insert(token.clone(), self.runtime.now() + LINK_VALID);
        token
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A secret of letters and digits.
fn secret(entropy: &dyn Entropy) -> String {
    let mut octets = [0; 32];
    entropy.fill(&mut octets);
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn operator(address: IpAddr) -> Actor {
    Actor { name: "admin".to_owned(), role: Role::Admin, address }
}

#[async_trait]
impl Door for Sessions {
    async fn redeem(&self, link: &str, address: IpAddr) -> Result<Option<SignedIn>, Unavailable> {
        let now = self.runtime.now();
        if self.known().links.remove(link).is_none_or(|until| until <= now) {
            return Ok(None);
        }
        let cookie = secret(&*self.entropy);
        self.known().sessions.insert(cookie.clone(), now);
        Ok(Some(SignedIn { cookie, actor: operator(address) }))
    }

    async fn sign_in(&self, _: &str, _: &str, _: IpAddr) -> Result<SignIn, Unavailable> {
        Ok(SignIn::Wrong)
    }

    async fn actor(&self, cookie: &str, address: IpAddr) -> Result<Option<Actor>, Unavailable> {
        let now = self.runtime.now();
        let mut known = self.known();
        known.sessions.retain(|_, seen| *seen + IDLE > now);
        Ok(known.sessions.get_mut(cookie).map(|seen| *seen = now).map(|()| operator(address)))
    }

    async fn by_proxy(&self, _: &str, _: IpAddr) -> Result<Option<Actor>, Unavailable> {
        Ok(None)
    }

    async fn sign_out(&self, cookie: &str) -> Result<(), Unavailable> {
        self.known().sessions.remove(cookie);
        Ok(())
    }
}
