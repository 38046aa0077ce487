//! One carrier, with its sessions one by one, its queue, and all that is counted of it.

use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use carrier::{CarrierStatus, SessionStatus};
use model::Timestamp;
use model::error::ErrorCode;
use pipeline::refusal::refused_by_store;
use serde_json::{Value, json as object};

use super::super::input::path;
use super::super::{Admin, Answered, Shared, json};
use super::{CarrierView, views};

pub(in crate::admin) async fn show(State(admin): Shared, name: Result<Path<String>, PathRejection>) -> Response<Body> {
    let shown = shown(&admin, name).await;
    admin.answer(shown)
}

async fn shown(admin: &Admin, name: Result<Path<String>, PathRejection>) -> Answered {
    let name = path(name, |text| Some(text.to_owned()))?;
    let depths = admin.pipeline.store().queue_depths().await.map_err(refused_by_store)?;
    let views = views(admin, &depths);
    let view: CarrierView = views.into_iter().find(|view| view.name == name).ok_or(ErrorCode::NotFound)?;
    let mut shown = object!(view);
    if let Some((carrier, held)) = admin.pipeline.carriers().into_iter().find(|(carrier, _)| carrier.name() == name) {
        let details = details(admin, &name, &carrier.status(), held);
        if let (Some(shown), Some(details)) = (shown.as_object_mut(), details.as_object()) {
            shown.extend(details.clone());
        }
        let down = carrier.down_for().filter(|down| *down < Duration::MAX);
        shown["downSince"] = down.map(|down| ago(admin.runtime.now(), down)).into();
    }
    json(StatusCode::OK, &shown)
}

fn details(admin: &Admin, name: &str, status: &CarrierStatus, held: usize) -> Value {
    let now = admin.runtime.now();
    let counters = admin.pipeline.counters();
    let unmatched = counters.unmatched(name);
    let refused = &status.refused_connections;
    object!({
        "sessionList": status.sessions.iter().map(|one| session(now, one)).collect::<Vec<_>>(),
        "listensAt": status.listens_at.map(|at| at.to_string()),
        "inMemory": held,
        "accepted": status.accepted,
        "refused": status.refused,
        "receipts": status.receipts,
        "inbound": status.inbound,
        "inboundSilent": status.silent,
        "putOff": status.put_off,
        "binds": status.binds,
        "malformedPdus": status.malformed_pdus,
        "unmatched": {
            "unknownId": unmatched.unknown_id.get(),
            "unreadable": status.unusable.unreadable,
            "inbound": status.unusable.inbound,
        },
        "receiptsDropped": { "noRoom": unmatched.dropped.get(), "tooOld": unmatched.expired.get() },
        "receiptsMissing": unmatched.missing.get(),
        "connectionsRefused": {
            "notAllowed": refused.not_allowed, "addressFull": refused.address_full, "full": refused.full,
        },
    })
}

fn session(now: Timestamp, session: &SessionStatus) -> Value {
    object!({
        "number": session.number,
        "kind": session.kind,
        "state": session.state,
        "since": ago(now, session.state_for),
        "window": { "used": session.window_in_use, "of": session.window },
    })
}

/// The time so long before `now`.
fn ago(now: Timestamp, time: Duration) -> String {
    let ms = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_sub(ms).max(0)).to_string()
}
