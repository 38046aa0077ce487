//! The public API, for clients, and HTTP, which the admin API shares.
//!
//! A request passes the `guard` (authentication and rate limits), then its handler in [`message`], `both_ways`,
//! `media`, [`broadcast`], [`broadcasts`], [`optouts`], [`webhook`], [`event`], `account`, [`usage`] or `number`.
//! [`fields`] reads bodies, `handling` handles unknown fields, [`view`] writes answers. No rule about messages is here:
//! those are the pipeline's. [`twilio`] is a second interface to the same, for clients of Twilio's API. [`http`] has
//! connections, request heads, bodies and the form of errors. The crate [`openapi`] has the document.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks"))]

mod account;
pub mod address;
mod both_ways;
pub mod broadcast;
pub mod broadcasts;
pub mod csv_lines;
mod document;
pub mod event;
pub mod fields;
mod guard;
mod handling;
pub mod http;
mod key;
pub mod links;
pub mod list;
mod media;
pub mod message;
mod number;
pub mod optouts;
pub mod pages;
mod prefer;
pub mod twilio;
pub mod usage;
pub mod view;
pub mod webhook;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::Response;
use axum::routing::{MethodRouter, get, post, put};
use bytes::Bytes;
use ipnet::IpNet;
use model::error::{ErrorCode, Refusal};
use pipeline::Pipeline;
use pipeline::limiter::RateLimiter;
use runtime::Runtime;
use store::objects::Objects;
use tokio::sync::Semaphore;

use self::links::MediaLinks;
use crate::http::body::{self, BodyLimits};
use crate::http::envelope::{Envelope, allow};
use crate::http::gate::Gate;
use crate::http::log::Lines;
use crate::http::metrics::HttpMetrics;
use crate::http::serve::Unreadable;

/// The number of broadcast bodies that are read at the same time; further ones wait for a place.
pub const READERS: usize = 2;

/// The number of imports of opt-outs that run at the same time; further ones wait for a place.
pub const IMPORTERS: usize = 2;

/// All that the public API needs.
pub struct Api {
    /// The path of a message.
    pub pipeline: Arc<Pipeline>,
    /// The rate limiter.
    pub limiter: RateLimiter,
    /// The form of error answers.
    pub envelope: Envelope,
    /// Links to the media of inbound messages.
    pub links: MediaLinks,
    /// The place of media.
    pub objects: Arc<dyn Objects>,
    /// The limits of bodies.
    pub body_limits: BodyLimits,
    /// The limits of the body of a broadcast.
    pub broadcast_body_limits: BodyLimits,
    /// Places for bodies of broadcasts that are read at the same time, [`READERS`] of them.
    pub reading: Semaphore,
    /// Places for imports that are carried out at the same time, [`IMPORTERS`] of them.
    pub importing: Semaphore,
    /// Networks of proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether clients of Twilio's API are served as well.
    pub twilio: bool,
    /// Whether every request is logged.
    pub log_requests: AtomicBool,
    /// The log lines.
    pub lines: Arc<Lines>,
    /// The gate for requests, which closes when the process ends.
    pub gate: Gate,
    /// The counts.
    pub metrics: HttpMetrics,
    /// Time and tasks.
    pub runtime: Arc<dyn Runtime>,
}

type Shared = State<Arc<Api>>;

/// The routes, behind the guard.
pub fn router(api: Arc<Api>) -> Router {
    let mut router = Router::new();
    let twilio = twilio::routes().into_iter().filter(|_| api.twilio);
    for Route { path, allowed, methods } in routes().into_iter().chain(twilio) {
        let refuse = move |State(api): Shared| async move {
            allow(api.envelope.refuse(ErrorCode::MethodNotAllowed.into()), allowed)
        };
        router = router.route(path, methods.fallback(refuse));
    }
    router
        .fallback(not_found)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&api), guard::guard))
        .with_state(api)
}

/// A path, its methods as `Allow` lists them, and their handlers.
struct Route {
    path: &'static str,
    allowed: &'static str,
    methods: MethodRouter<Arc<Api>>,
}

const fn route(path: &'static str, allowed: &'static str, methods: MethodRouter<Arc<Api>>) -> Route {
    Route { path, allowed, methods }
}

/// Every route; the document of [`openapi`] describes the same ones. Those of [`twilio`] are Twilio's to describe.
fn routes() -> [Route; 28] {
    const READ: &str = "GET, HEAD";
    const READ_AND_POST: &str = "GET, HEAD, POST";
    [
        route("/api/v1/messaging/message", READ_AND_POST, get(both_ways::messages).post(message::send)),
        route("/api/v1/messaging/message/{id}", READ, get(message::show)),
        route("/api/v1/messaging/message/{id}/cancel", "POST", post(message::cancel)),
        route("/api/v1/messaging/message/{id}/media/{place}", READ, get(media::of_message)),
        route("/api/v1/messaging/broadcast", READ_AND_POST, get(broadcasts::list).post(broadcast::send)),
        route("/api/v1/messaging/broadcast/{id}", READ, get(broadcast::show)),
        route("/api/v1/messaging/broadcast/{id}/cancel", "POST", post(broadcast::cancel)),
        route("/api/v1/messaging/optout", READ, get(optouts::list)),
        route("/api/v1/messaging/optout/import", "POST", post(optouts::import)),
        route("/api/v1/messaging/optout/{number}", "PUT, DELETE", put(optouts::set).delete(optouts::end)),
        route("/api/v1/messaging/optout/{number}/history", READ, get(optouts::history)),
        route("/api/v1/messaging/account", READ, get(account::show)),
        route("/api/v1/messaging/usage", READ, get(usage::show)),
        route("/api/v1/messaging/number", READ, get(number::list)),
        route("/api/v1/messaging/event", READ, get(event::list)),
        route("/api/v1/messaging/webhook", READ_AND_POST, get(webhook::list).post(webhook::create)),
        route(
            "/api/v1/messaging/webhook/{id}",
            "GET, HEAD, PATCH, DELETE",
            get(webhook::show).patch(webhook::change).delete(webhook::remove),
        ),
        route("/api/v1/messaging/webhook/{id}/secret", READ, get(webhook::secret)),
        route("/api/v1/messaging/webhook/{id}/delivery", READ, get(webhook::deliveries)),
        route("/api/v1/messaging/webhook/{id}/rotate", "POST", post(webhook::rotate)),
        route("/api/v1/messaging/webhook/{id}/test", "POST", post(webhook::test)),
        route("/api/v1/messaging/webhook/{id}/replay", "POST", post(webhook::replay)),
        route("/media/{id}/{place}", READ, get(media::linked)),
        route("/openapi.json", READ, get(document::show)),
        route("/docs", READ, get(pages::reference)),
        route("/page/errors", READ, get(pages::index)),
        route("/page/errors/{code}", READ, get(pages::code)),
        route(pages::STYLE, READ, get(pages::style)),
    ]
}

/// The answer to requests with an unreadable head.
pub fn unreadable(api: &Arc<Api>) -> Unreadable {
    let api = Arc::clone(api);
    Arc::new(move |peer| {
        let api = Arc::clone(&api);
        Arc::new(move |code| {
            let api = Arc::clone(&api);
            Box::pin(async move { guard::answer_unread(&api, peer, code).await })
        })
    })
}

async fn not_found(State(api): Shared) -> Response<Body> {
    api.envelope.refuse(ErrorCode::NotFound.into())
}

/// The `Retry-After` of a process that is ending.
const DRAINING: Duration = Duration::from_secs(5);

impl Api {
    /// Reads a body. A process that ends does not wait for the rest of it: nothing has been promised yet.
    async fn body(&self, body: Body, limits: BodyLimits) -> Result<Bytes, Refusal> {
        tokio::select! {
            biased;
            read = body::read(&self.runtime, body, limits) => read,
            () = self.gate.closed() => {
                Err(Refusal::new(ErrorCode::ServiceUnavailable).with_retry_after(DRAINING).caused_by("draining"))
            }
        }
    }

    fn answer(&self, answered: Result<Response<Body>, Refusal>) -> Response<Body> {
        answered.unwrap_or_else(|refusal| self.envelope.refuse(refusal))
    }
}
