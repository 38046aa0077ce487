//! A restored store that is held: what waits in it, and what becomes of that.

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use model::error::ErrorCode;
use serde_json::json as object;
use store::contract::holds::Waiting;

use super::{Admin, Answered, Shared, json};

pub(super) async fn show(State(admin): Shared) -> Response<Body> {
    let shown = shown(&admin).await;
    admin.answer(shown)
}

async fn shown(admin: &Admin) -> Answered {
    let hold = admin.pipeline.hold();
    let Waiting { queued, under_way, broadcasts, recipients, scheduled, overdue } = admin.pipeline.waiting().await?;
    json(
        StatusCode::OK,
        &object!({
            "at": admin.runtime.now().to_string(),
            "held": hold.is_some(),
            "since": hold.map(|hold| hold.since.to_string()),
            "backedUpAt": hold.map(|hold| hold.backed_up_at.to_string()),
            "queuedMessages": queued,
            "underWay": under_way,
            "openBroadcasts": broadcasts,
            "recipientsToCome": recipients,
            "scheduledMessages": scheduled,
            "overdueMessages": overdue,
        }),
    )
}

/// Ends some of what waits. The operator repeats it until nothing was ended.
pub(super) async fn end(State(admin): Shared) -> Response<Body> {
    let ended = ended(&admin).await;
    admin.answer(ended)
}

async fn ended(admin: &Admin) -> Answered {
    let ended = admin.pipeline.end_waiting().await?.ok_or(ErrorCode::NotFound)?;
    json(StatusCode::OK, &object!({ "canceledBroadcasts": ended.broadcasts, "endedMessages": ended.messages }))
}

pub(super) async fn release(State(admin): Shared) -> Response<Body> {
    let released = admin.pipeline.release().await;
    admin.answer(released.and_then(|released| json(StatusCode::OK, &object!({ "released": released }))))
}
