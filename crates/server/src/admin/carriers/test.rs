//! A try of a carrier, step by step, beside the sessions that it has.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use carrier::probe::{Step, probe};
use model::error::ErrorCode;
use serde_json::{Value, json as object};

use super::super::input::path;
use super::super::{Admin, Answered, Shared, json};

pub(in crate::admin) async fn test(State(admin): Shared, name: Result<Path<String>, PathRejection>) -> Response<Body> {
    let tested = tested(&admin, name).await;
    admin.answer(tested)
}

async fn tested(admin: &Admin, name: Result<Path<String>, PathRejection>) -> Answered {
    let name = path(name, |text| Some(text.to_owned()))?;
    let settings = admin.reloader.carrier_settings(&name).await.ok_or(ErrorCode::NotFound)?;
    let steps = probe(&settings, &admin.runtime).await;
    let is_ok = steps.iter().all(|step| step.is_ok);
    let sessions_bound = admin
        .pipeline
        .carriers()
        .iter()
        .find(|(carrier, _)| carrier.name() == name)
        .map_or(0, |(carrier, _)| carrier.status().sessions_bound);
    let was_refused = steps.last().is_some_and(|step| step.name == "bind" && !step.is_ok);
    let note = (was_refused && sessions_bound > 0).then(|| {
        format!(
            "the SMSC accepts no session in addition to the {sessions_bound} of this node, which are bound and answer \
             enquire_link: the carrier can be reached"
        )
    });
    json(
        StatusCode::OK,
        &object!({
            "carrier": name,
            "node": admin.pipeline.node().name(),
            "ok": is_ok || note.is_some(),
            "sessionsBound": sessions_bound,
            "note": note,
            "steps": steps.iter().map(view).collect::<Vec<_>>(),
        }),
    )
}

fn view(step: &Step) -> Value {
    object!({
        "step": step.name,
        "ok": step.is_ok,
        "detail": step.detail,
        "hint": step.hint,
        "tookMs": u64::try_from(step.took.as_millis()).unwrap_or(u64::MAX),
    })
}
