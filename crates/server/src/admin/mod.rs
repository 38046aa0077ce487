//! The admin listener: the admin API behind its token, and health and metrics for machines.

mod access;
mod accounts;
mod allowing;
mod audit;
mod auditing;
mod blocks;
mod broadcasts;
mod carriers;
mod erase;
mod guard;
mod health;
mod hold;
mod inbound;
mod input;
mod keys;
mod keywords;
mod live;
mod masking;
mod messages;
mod metrics;
mod nodes;
mod numbers;
pub mod openapi;
mod operators;
mod optouts;
mod overview;
mod page;
mod principal;
mod reload;
mod review;
mod routes;
mod screening;
mod sending;
mod shade;
mod templates;
mod usage;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use axum::routing::{MethodRouter, get, post, put};
use ipnet::IpNet;
use model::Entropy;
use model::error::{ErrorCode, Refusal};
use pipeline::Pipeline;
use runtime::{Runtime, Supervisor};
use serde::Serialize;

pub use carriers::Throughput;
pub use guard::CLI;
pub use health::held;
pub use metrics::Metrics;
pub use overview::Rates;
pub use principal::Principal;

use self::auditing::Auditing;
use self::routes::{Methods, Routes};
use crate::operators::Operators;
use crate::operators::passwords::Passwords;
use crate::reload::Reloader;
use api::http::body::BodyLimits;
use api::http::envelope::{Envelope, allow};
use api::http::log::Lines;
use api::http::serve::Unreadable;
use api::links::MediaLinks;
use api::pages;

/// The parts of the admin listener.
pub struct Admin {
    /// The path of a message.
    pub pipeline: Arc<Pipeline>,
    /// The form of error answers.
    pub envelope: Envelope,
    /// The limits of bodies.
    pub body_limits: BodyLimits,
    /// How large the body of an import may be.
    pub import_limits: BodyLimits,
    /// Links to the media of inbound messages.
    pub links: MediaLinks,
    /// What the operator may change while the server runs.
    pub operators: Arc<Operators>,
    /// Hashes passwords of operators.
    pub passwords: Arc<Passwords>,
    /// Where ids and tokens come from.
    pub entropy: Arc<dyn Entropy>,
    /// What takes over another configuration.
    pub reloader: Arc<Reloader>,
    /// Networks of proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// The log lines.
    pub lines: Arc<Lines>,
    /// What is measured.
    pub metrics: Metrics,
    /// How fast the carriers are.
    pub throughput: Throughput,
    /// How many messages a second, and since when.
    pub rates: Rates,
    /// What watches the tasks that must run as long as the process.
    pub supervisor: Supervisor,
    /// Time and tasks.
    pub runtime: Arc<dyn Runtime>,
}

type Shared = State<Arc<Admin>>;

/// What a handler comes to.
type Answered = Result<Response<Body>, Refusal>;

/// Under this path everything needs the token.
const BASE: &str = "/admin/v1";

/// What the admin API answers, address by address; the document in [`openapi`] describes the same ones.
fn routes() -> Routes {
    Routes::default()
        .route("/accounts", with(get(accounts::list).post(accounts::create), "GET, HEAD, POST"))
        .route("/accounts/{id}", with(get(accounts::show).patch(accounts::change), "GET, HEAD, PATCH"))
        .route("/accounts/{id}/keys", with(get(keys::list).post(keys::create), "GET, HEAD, POST"))
        .route("/accounts/{id}/usage", with(get(usage::show), "GET, HEAD"))
        .route(
            "/accounts/{id}/keywords",
            with(get(keywords::show_of_account).put(keywords::set_of_account), "GET, HEAD, PUT"),
        )
        .route("/keys/{id}", with(get(keys::show).delete(keys::revoke), "GET, HEAD, DELETE"))
        .route("/numbers", with(get(numbers::list).post(numbers::create), "GET, HEAD, POST"))
        .route("/numbers/{number}", with(get(numbers::show).patch(numbers::change), "GET, HEAD, PATCH"))
        .route(
            "/numbers/{number}/keywords",
            with(get(keywords::show_of_number).put(keywords::set_of_number), "GET, HEAD, PUT"),
        )
        .route("/blocks", with(get(blocks::list), "GET, HEAD"))
        .route(
            "/blocks/{number}",
            with(get(blocks::of_number).put(blocks::set).delete(blocks::lift), "GET, HEAD, PUT, DELETE"),
        )
        .merge(of_screening())
        .merge(of_carriers())
        .route("/broadcasts", with(get(broadcasts::list), "GET, HEAD"))
        .route("/broadcasts/{id}", with(get(broadcasts::show), "GET, HEAD"))
        .route("/broadcasts/{id}/cancel", with(post(broadcasts::cancel), "POST"))
        .route("/erasures", with(get(erase::list).post(erase::begin), "GET, HEAD, POST"))
        .route("/erasures/{id}", with(get(erase::show), "GET, HEAD"))
        .route("/hold", with(get(hold::show), "GET, HEAD"))
        .route("/hold/end", with(post(hold::end), "POST"))
        .route("/hold/release", with(post(hold::release), "POST"))
        .route("/inbound", with(get(inbound::list), "GET, HEAD"))
        .route("/inbound/unrouted", with(get(inbound::unrouted), "GET, HEAD"))
        .route("/inbound/unrouted/{id}/assign", with(post(inbound::assign), "POST"))
        .route("/optouts", with(get(optouts::list), "GET, HEAD"))
        .route("/optouts/import", with(post(optouts::import), "POST"))
        .route("/optouts/{number}", with(put(optouts::set).delete(optouts::end), "PUT, DELETE"))
        .route("/optouts/{number}/history", with(get(optouts::history), "GET, HEAD"))
        .route("/messages", with(get(messages::list).post(sending::send), "GET, HEAD, POST"))
        .route("/messages/{id}", with(get(messages::show), "GET, HEAD"))
        .route("/messages/{id}/again", with(post(sending::again), "POST"))
        .route("/messages/{id}/cancel", with(post(messages::cancel), "POST"))
        .route("/overview", with(get(overview::show), "GET, HEAD"))
        .route("/live", with(get(live::stream), "GET, HEAD"))
        .route("/webhooks", with(get(webhooks::list), "GET, HEAD"))
        .route("/webhooks/{id}", with(get(webhooks::show), "GET, HEAD"))
        .route("/webhooks/{id}/deliveries", with(get(webhooks::deliveries), "GET, HEAD"))
        .route("/webhooks/{id}/replay", with(post(webhooks::replay), "POST"))
        .route("/nodes", with(get(nodes::list), "GET, HEAD"))
        .route("/nodes/{name}/drain", with(post(nodes::drain), "POST"))
        .route("/nodes/{name}/resume", with(post(nodes::resume), "POST"))
        .route("/reload", with(post(reload::reload), "POST"))
        .route("/messages/{id}/reveal", with(post(messages::reveal), "POST"))
        .route("/operators", with(get(operators::list).post(operators::create), "GET, HEAD, POST"))
        .route(
            "/operators/{name}",
            with(get(operators::show).patch(operators::change).delete(operators::disable), "GET, HEAD, PATCH, DELETE"),
        )
        .route("/operators/{name}/link", with(post(operators::link), "POST"))
        .route("/audit", with(get(audit::list), "GET, HEAD"))
}

/// The routes behind their guard, and those that need none.
pub fn router(admin: Arc<Admin>) -> Router {
    let api = routes().router.fallback(not_found);
    let looks = api.clone().with_state(Arc::clone(&admin));
    let auditing = Arc::new(Auditing { admin: Arc::clone(&admin), looks });
    let api = api
        .layer(axum::middleware::from_fn_with_state(auditing, auditing::audited))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&admin), masking::masked))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&admin), guard::guard));
    Router::new()
        .nest(BASE, api)
        .merge(open_routes().router)
        .fallback(not_found)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&admin), guard::log))
        .with_state(admin)
}

/// Routes that need no token: for probes, for Prometheus, and for persons.
fn open_routes() -> Routes {
    Routes::default()
        .route("/healthz", with(get(health::alive), "GET, HEAD"))
        .route("/readyz", with(get(health::ready), "GET, HEAD"))
        .route("/metrics", with(get(metrics::text), "GET, HEAD"))
        .route("/openapi.json", with(get(openapi::show), "GET, HEAD"))
        .route("/docs", with(get(openapi::reference), "GET, HEAD"))
        .route("/page/errors", with(get(pages::index), "GET, HEAD"))
        .route("/page/errors/{code}", with(get(page_of_error), "GET, HEAD"))
        .route(pages::STYLE, with(get(pages::style), "GET, HEAD"))
}

async fn page_of_error(State(admin): Shared, code: Result<Path<String>, PathRejection>) -> Response<Body> {
    admin.answer(pages::error_named(code))
}

/// The routes of the compliance screen.
fn of_screening() -> Routes {
    Routes::default()
        .route("/accounts/{id}/screening", with(get(screening::show).put(screening::set), "GET, HEAD, PUT"))
        .route(
            "/accounts/{id}/screening/templates",
            with(get(templates::list).put(templates::approve), "GET, HEAD, PUT"),
        )
        .route(
            "/accounts/{id}/screening/templates/{template}",
            with(get(templates::show).delete(templates::remove), "GET, HEAD, DELETE"),
        )
        .route("/accounts/{id}/screening/allow", with(post(allowing::allow), "POST"))
        .route("/screening", with(get(screening::log), "GET, HEAD"))
        .route("/screening/{id}", with(get(screening::decision), "GET, HEAD"))
        .route("/screening/groups", with(get(review::groups), "GET, HEAD"))
        .route("/screening/{id}/review", with(post(review::review), "POST"))
}

/// The routes of carriers.
fn of_carriers() -> Routes {
    Routes::default()
        .route("/carriers", with(get(carriers::list), "GET, HEAD"))
        .route("/carriers/{name}", with(get(carriers::show::show), "GET, HEAD"))
        .route("/carriers/{name}/stop", with(post(carriers::stop::stop), "POST"))
        .route("/carriers/{name}/start", with(post(carriers::stop::start), "POST"))
        .route("/carriers/{name}/test", with(post(carriers::test::test), "POST"))
        .route("/carriers/{name}/codes", with(get(carriers::codes::codes), "GET, HEAD"))
        .route(
            "/carriers/{name}/trace",
            with(
                get(carriers::trace::read).post(carriers::trace::begin).delete(carriers::trace::end),
                "GET, HEAD, POST, DELETE",
            ),
        )
        .route("/carriers/{name}/abandon", with(post(carriers::abandon), "POST"))
        .route("/carriers/{name}/unmatched", with(get(carriers::unmatched), "GET, HEAD"))
}

/// The answer to requests with an unreadable head.
pub fn unreadable(admin: &Arc<Admin>) -> Unreadable {
    let envelope = admin.envelope.clone();
    Arc::new(move |_| {
        let envelope = envelope.clone();
        Arc::new(move |code| Box::pin(std::future::ready(envelope.raw(code, ""))))
    })
}

/// Other methods of an address are answered with those that it has.
fn with(methods: MethodRouter<Arc<Admin>>, names: &'static str) -> Methods {
    let served = methods.fallback(move |State(admin): Shared| async move {
        allow(admin.envelope.refuse(ErrorCode::MethodNotAllowed.into()), names)
    });
    Methods { served, names }
}

async fn not_found(State(admin): Shared) -> Response<Body> {
    admin.envelope.refuse(ErrorCode::NotFound.into())
}

impl Admin {
    fn answer(&self, answered: Answered) -> Response<Body> {
        answered.unwrap_or_else(|refusal| self.envelope.refuse(refusal))
    }
}

/// A JSON answer.
fn json(status: StatusCode, value: &impl Serialize) -> Answered {
    let text =
        serde_json::to_string(value).map_err(|error| Refusal::new(ErrorCode::UnexpectedError).caused_by(error))?;
    let mut response = api::http::json(text);
    *response.status_mut() = status;
    Ok(response)
}

fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
