//! The public API: what a client of the messaging API sees.
//!
//! A request passes the `guard` (who is it, may it ask so often), then its handler in `message`, `both_ways`, `media`,
//! `broadcast`, `broadcasts`, `optouts`, `webhook` or `event`; `fields` reads bodies, `view` writes answers. No rule
//! about messages is here: those are the pipeline's.

pub(crate) mod address;
mod both_ways;
pub(crate) mod broadcast;
pub(crate) mod broadcasts;
pub mod event;
pub mod fields;
mod guard;
mod key;
pub mod links;
pub(crate) mod list;
mod media;
pub(crate) mod message;
pub mod optouts;
mod pages;
mod prefer;
pub(crate) mod view;
pub(crate) mod webhook;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::Response;
use axum::routing::{get, post, put};
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

/// Under this path everything needs a key.
pub const BASE: &str = "/api/v1/messaging";

/// How many bodies of broadcasts are read at the same time; more wait for a place.
pub const READERS: usize = 2;

/// How many imports of opt-outs are carried out at the same time; more wait for a place.
pub const IMPORTERS: usize = 2;

/// All that the public API needs.
pub struct Api {
    /// The path of a message.
    pub pipeline: Arc<Pipeline>,
    /// Who has asked how often.
    pub limiter: RateLimiter,
    /// The form of error answers.
    pub envelope: Envelope,
    /// Links to the media of inbound messages.
    pub links: MediaLinks,
    /// Where media are kept.
    pub objects: Arc<dyn Objects>,
    /// How large bodies may be.
    pub body_limits: BodyLimits,
    /// How large the body of a broadcast may be.
    pub broadcast_body_limits: BodyLimits,
    /// Places for bodies of broadcasts that are read at the same time, [`READERS`] of them.
    pub reading: Semaphore,
    /// Places for imports that are carried out at the same time, [`IMPORTERS`] of them.
    pub importing: Semaphore,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether every request is logged.
    pub log_requests: AtomicBool,
    /// The log lines.
    pub lines: Arc<Lines>,
    /// What requests pass while the process does not end.
    pub gate: Gate,
    /// The counts.
    pub metrics: HttpMetrics,
    /// Time and tasks.
    pub runtime: Arc<dyn Runtime>,
}

type Shared = State<Arc<Api>>;

/// The routes, behind the guard.
pub fn router(api: Arc<Api>) -> Router {
    let only_get = || get(pages::index).fallback(only_get_or_head);
    Router::new()
        .route("/api/v1/messaging/message", get(both_ways::messages).post(message::send).fallback(only_get_or_post))
        .route("/api/v1/messaging/message/{id}", get(message::show).fallback(only_get_or_head))
        .route("/api/v1/messaging/message/{id}/media/{place}", get(media::of_message).fallback(only_get_or_head))
        .route("/api/v1/messaging/broadcast", get(broadcasts::list).post(broadcast::send).fallback(only_get_or_post))
        .route("/api/v1/messaging/broadcast/{id}", get(broadcast::show).fallback(only_get_or_head))
        .route("/api/v1/messaging/broadcast/{id}/cancel", post(broadcast::cancel).fallback(only_post))
        .route("/api/v1/messaging/optout", get(optouts::list).fallback(only_get_or_head))
        .route("/api/v1/messaging/optout/import", post(optouts::import).fallback(only_post))
        .route("/api/v1/messaging/optout/{number}", put(optouts::set).delete(optouts::end).fallback(only_put_or_delete))
        .route("/api/v1/messaging/optout/{number}/history", get(optouts::history).fallback(only_get_or_head))
        .route("/media/{id}/{place}", get(media::linked).fallback(only_get_or_head))
        .route("/api/v1/messaging/event", get(event::list).fallback(only_get_or_head))
        .route("/api/v1/messaging/webhook", get(webhook::list).post(webhook::create).fallback(only_get_or_post))
        .route(
            "/api/v1/messaging/webhook/{id}",
            get(webhook::show).patch(webhook::change).delete(webhook::remove).fallback(only_one_of_webhook),
        )
        .route("/api/v1/messaging/webhook/{id}/secret", get(webhook::secret).fallback(only_get_or_head))
        .route("/api/v1/messaging/webhook/{id}/delivery", get(webhook::deliveries).fallback(only_get_or_head))
        .route("/api/v1/messaging/webhook/{id}/rotate", post(webhook::rotate).fallback(only_post))
        .route("/api/v1/messaging/webhook/{id}/test", post(webhook::test).fallback(only_post))
        .route("/api/v1/messaging/webhook/{id}/replay", post(webhook::replay).fallback(only_post))
        .route("/page/errors", only_get())
        .route("/page/errors/{code}", get(pages::code).fallback(only_get_or_head))
        .fallback(not_found)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&api), guard::guard))
        .with_state(api)
}

/// How requests are answered whose head cannot be read.
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

async fn only_get_or_head(State(api): Shared) -> Response<Body> {
    allow(api.envelope.refuse(ErrorCode::MethodNotAllowed.into()), "GET, HEAD")
}

async fn only_get_or_post(State(api): Shared) -> Response<Body> {
    allow(api.envelope.refuse(ErrorCode::MethodNotAllowed.into()), "GET, HEAD, POST")
}

async fn only_one_of_webhook(State(api): Shared) -> Response<Body> {
    allow(api.envelope.refuse(ErrorCode::MethodNotAllowed.into()), "GET, HEAD, PATCH, DELETE")
}

async fn only_post(State(api): Shared) -> Response<Body> {
    allow(api.envelope.refuse(ErrorCode::MethodNotAllowed.into()), "POST")
}

async fn only_put_or_delete(State(api): Shared) -> Response<Body> {
    allow(api.envelope.refuse(ErrorCode::MethodNotAllowed.into()), "PUT, DELETE")
}

/// When a client may try again that met a process which ends.
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
