//! The addresses of the console.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::acts::Act;
use crate::api::Problem;
use crate::assets::Assets;
use crate::frame;
use crate::guard::{identify, protect, see_other};
use crate::pages::account::acts::{
    BLOCK, CHANGE, KEY_CREATE, KEY_REVOKE, LIFT, NUMBER_CREATE, OPT_IN, OPT_OUT, POLICY, RETAIN, TEMPLATE,
    TEMPLATE_REMOVE,
};
use crate::pages::account::lists::LISTS;
use crate::pages::{
    account, accounts, audit, broadcasts, carriers, inbound, keywords, live, messages, number, operators, overview,
    screening, webhook,
};
use crate::shared::{Console, Shared};
use crate::sign;

/// Every act.
static ACTS: [&Act; 40] = [
    &accounts::CREATE,
    &CHANGE,
    &RETAIN,
    &KEY_CREATE,
    &KEY_REVOKE,
    &NUMBER_CREATE,
    &number::CHANGE,
    &BLOCK,
    &LIFT,
    &OPT_OUT,
    &OPT_IN,
    &POLICY,
    &keywords::OF_ACCOUNT,
    &keywords::OF_NUMBER,
    &TEMPLATE,
    &TEMPLATE_REMOVE,
    &broadcasts::CANCEL,
    &screening::CORRECT,
    &screening::ERROR,
    &screening::allow::PHRASE,
    &screening::allow::DOMAIN,
    &inbound::ASSIGN,
    &messages::acts::SEND,
    &messages::acts::AGAIN,
    &messages::acts::CANCEL,
    &messages::acts::REVEAL,
    &carriers::acts::STOP,
    &carriers::acts::START,
    &carriers::acts::TEST,
    &carriers::acts::MESSAGE,
    &carriers::acts::TRACE,
    &carriers::acts::TRACE_END,
    &operators::CREATE,
    &operators::CHANGE_ROLE,
    &operators::SET_PASSWORD,
    &operators::DISABLE,
    &operators::ENABLE,
    &operators::LINK,
    &webhook::REPLAY,
    &webhook::REPLAY_TIME,
];

/// The console under `/console`. Requests have a [`Client`](crate::Client) in their extensions.
pub fn router(console: Console) -> Router {
    let shared = Arc::new(Shared { console, assets: Assets::default() });
    let pages = Router::new()
        .route("/console", get(overview::show))
        .route("/console/live", get(live::show))
        .route("/console/live/events", get(live::events))
        .route("/console/operators", get(operators::list))
        .route("/console/audit", get(audit::list))
        .route("/console/messages", get(messages::list))
        .route("/console/messages/{id}", get(messages::show))
        .route("/console/broadcasts", get(broadcasts::list))
        .route("/console/broadcasts/{id}", get(broadcasts::show))
        .route("/console/accounts", get(accounts::list))
        .route("/console/accounts/{id}", get(account::show))
        .route("/console/accounts/{id}/usage", get(account::usage::show))
        .route("/console/webhooks/{id}", get(webhook::show))
        .route("/console/carriers", get(carriers::list))
        .route("/console/carriers/{name}", get(carriers::show))
        .route("/console/screening", get(screening::list))
        .route("/console/screening/groups", get(screening::groups::list))
        .route("/console/inbound", get(inbound::list))
        .route("/console/inbound/unrouted", get(inbound::unrouted))
        .route("/console/inbound/keywords", get(inbound::of_numbers))
        .route("/console/numbers/{number}", get(number::show))
        .route("/console/screening/{id}", get(screening::show));
    let pages = LISTS.iter().fold(pages, |router, list| router.route(&list.path(), list.served()));
    let known = ACTS
        .iter()
        .fold(pages, |router, act| router.route(act.path, act.served()))
        .layer(from_fn_with_state(Arc::clone(&shared), identify));
    let open = Router::new()
        .route("/console/", get(|| async { see_other("/console") }))
        .route("/console/sign-in", get(sign::show).post(sign::sign_in))
        .route("/console/login", get(sign::show_link).post(sign::redeem))
        .route("/console/sign-out", post(sign::sign_out))
        .route("/console/assets/{name}", get(asset))
        .route("/console/{*path}", get(unknown));
    known.merge(open).layer(from_fn_with_state(Arc::clone(&shared), protect)).with_state(shared)
}

async fn asset(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    shared.assets.serve(request.uri().path()).unwrap_or_else(|| nothing(&shared))
}

async fn unknown(State(shared): State<Arc<Shared>>) -> Response<Body> {
    nothing(&shared)
}

fn nothing(shared: &Shared) -> Response<Body> {
    frame::refused(shared, &Problem::new(StatusCode::NOT_FOUND, "The console has no such page"))
}
