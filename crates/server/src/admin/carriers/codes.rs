//! The codes of a carrier's answers: count, meaning and consequence.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use carrier::Insight;
use carrier::codes::CodeCount;
use model::error::{ErrorCode, Refusal};
use serde_json::{Value, json as object};

use super::super::input::path;
use super::super::{Admin, Answered, Shared, json};

pub(in crate::admin) async fn codes(State(admin): Shared, name: Result<Path<String>, PathRejection>) -> Response<Body> {
    let listed = listed(&admin, name);
    admin.answer(listed)
}

fn listed(admin: &Admin, name: Result<Path<String>, PathRejection>) -> Answered {
    let (_, insight) = insight(admin, name)?;
    let counts = insight.codes.counts();
    let data: Vec<Value> = counts.codes.iter().map(view).collect();
    json(StatusCode::OK, &object!({ "data": data, "other": counts.other, "nextCursor": null }))
}

fn view(code: &CodeCount) -> Value {
    object!({
        "answers": code.answers.as_str(),
        "code": code.code,
        "name": code.name,
        "meaning": code.meaning,
        "consequence": code.consequence.as_str(),
        "count": code.count,
    })
}

/// The carrier that a path names, and what the operator may look into.
pub(super) fn insight(
    admin: &Admin,
    name: Result<Path<String>, PathRejection>,
) -> Result<(String, Arc<Insight>), Refusal> {
    let name = path(name, |text| Some(text.to_owned()))?;
    let carriers = admin.pipeline.carriers();
    let carrier = carriers.iter().find(|(carrier, _)| carrier.name() == name && !admin.pipeline.is_unknown(&name));
    let insight = carrier.and_then(|(carrier, _)| carrier.insight()).ok_or(ErrorCode::NotFound)?;
    Ok((name, insight))
}
