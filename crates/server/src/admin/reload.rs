//! Taking over another configuration at the operator's word.

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json as object};

use super::{Shared, json};
use crate::reload::Report;

/// Reads the configuration again and takes over what can be. The answer is the report; what is wrong with the file is
/// in it.
pub(super) async fn reload(State(admin): Shared) -> Response<Body> {
    let report = admin.reloader.reload().await;
    admin.answer(json(StatusCode::OK, &view(&report)))
}

fn view(report: &Report) -> Value {
    let Report { outcome, applied, needs_restart, mistakes } = report;
    object!({
        "outcome": outcome,
        "summary": report.summary(),
        "applied": applied,
        "needsRestart": needs_restart,
        "mistakes": mistakes,
    })
}
