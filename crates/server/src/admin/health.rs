//! Whether the process lives, and whether it can take messages.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use pipeline::OVER;
use serde_json::json as object;
use store::contract::holds::Hold;

use super::{Shared, json};

/// How long the store may take to answer.
const STORE: Duration = Duration::from_secs(5);

/// What a held store waits for.
pub fn held(hold: Hold) -> String {
    format!(
        "the store was restored from a backup of {}, and is held until `smsfactory hold release`",
        hold.backed_up_at
    )
}

pub(super) async fn alive(State(admin): Shared) -> Response<Body> {
    admin.answer(json(StatusCode::OK, &object!({ "status": "ok" })))
}

/// Ready means: not draining (because the process ends, or an operator has said so), every task that must run does, the
/// node's epoch is not over, the store is not held, and a write reaches the disk. Carriers that are down do not
/// count: messages are accepted and wait for them.
pub(super) async fn ready(State(admin): Shared) -> Response<Body> {
    let draining = admin.pipeline.is_draining() || admin.pipeline.node().is_draining();
    let over = admin.pipeline.node().is_over();
    let hold = admin.pipeline.hold();
    let store = match admin.runtime.timeout(STORE, admin.pipeline.store().probe()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("no answer within {} s", STORE.as_secs())),
    };
    let failure = admin.supervisor.failure();
    let ready = !draining && !over && hold.is_none() && store.is_none() && failure.is_none();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = if ready { "ready" } else { "unavailable" };
    let (store, tasks) = (store.as_deref().unwrap_or("ok"), failure.as_deref().unwrap_or("ok"));
    let mut told = object!({ "status": word, "draining": draining, "store": store, "tasks": tasks });
    if over {
        told["node"] = OVER.into();
    }
    if let Some(hold) = hold {
        told["held"] = held(hold).into();
    }
    admin.answer(json(status, &told))
}
