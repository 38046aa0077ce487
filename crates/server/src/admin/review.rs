//! Review of what the screen decided: texts of one shape together, and an operator's judgement.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode, Uri};
use model::ScreeningId;
use model::error::ErrorCode;
use pipeline::refusal::refused_by_store;
use pipeline::run::{Approval, Judgement, ReviewError, Reviewed, ScreeningGroup};
use serde::Deserialize;
use serde_json::{Value, json as object};

use super::input::{body, path, required, wrong};
use super::screening::filter;
use super::templates::{not_approved, note};
use super::{Admin, Answered, Shared, json};
use api::http::query::Parameters;

pub(super) async fn groups(State(admin): Shared, uri: Uri) -> Response<Body> {
    let listed = grouped(&admin, &Parameters::parse(uri.query())).await;
    admin.answer(listed)
}

async fn grouped(admin: &Admin, given: &Parameters) -> Answered {
    let found = admin.pipeline.screening_groups(filter(given)?).await;
    let (groups, of) = found.map_err(refused_by_store)?;
    json(StatusCode::OK, &object!({ "data": groups.iter().map(view).collect::<Vec<_>>(), "of": of }))
}

fn view(group: &ScreeningGroup) -> Value {
    object!({
        "count": group.count, "firstAt": group.between.0.to_string(), "lastAt": group.between.1.to_string(),
        "accountId": group.account.to_string(), "categories": group.categories,
        "template": group.offer.as_ref().ok(),
        "templateProblem": group.offer.as_ref().err().map(ToString::to_string),
        "templatePasses": group.fitting, "sampleId": group.sample.id.to_string(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReviewInput {
    correct: Option<bool>,
    note: Option<String>,
    #[serde(default)]
    approve: bool,
    template: Option<String>,
}

pub(super) async fn review(
    State(admin): Shared,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response<Body> {
    let reviewed = reviewed(&admin, id, request).await;
    admin.answer(reviewed)
}

async fn reviewed(admin: &Admin, id: Result<Path<String>, PathRejection>, request: Request) -> Answered {
    let id: ScreeningId = path(id, |text| text.parse().ok())?;
    let input: ReviewInput = body(admin, request).await?;
    let is_correct = required(input.correct, "correct")?;
    let note = note(input.note)?;
    if is_correct && input.approve {
        return Err(wrong("approve", "false if the decision was correct"));
    }
    let approve = match (input.approve, input.template) {
        (true, Some(text)) => Some(Approval::Written(text)),
        (true, None) => Some(Approval::Offered),
        (false, Some(_)) => return Err(wrong("template", "nothing, or the text to approve, together with approve")),
        (false, None) => None,
    };
    let reviewed = admin.pipeline.review_screening(id, Judgement { is_correct, note, approve }).await;
    let reviewed = reviewed.map_err(|error| match error {
        ReviewError::NotFound => ErrorCode::NotFound.into(),
        ReviewError::Approve(error) => not_approved(error, "template"),
    })?;
    json(StatusCode::OK, &outcome(&reviewed))
}

fn outcome(reviewed: &Reviewed) -> Value {
    let review = reviewed.record.review.as_ref();
    let offer = reviewed.offer.as_ref();
    let offered = offer.and_then(|offer| offer.as_ref().ok());
    let approved = reviewed.approved.as_ref();
    object!({
        "id": reviewed.record.id.to_string(), "accountId": reviewed.record.account.to_string(),
        "reviewedAt": review.map(|review| review.at.to_string()), "correct": review.map(|review| review.is_correct),
        "note": review.and_then(|review| review.note.as_deref()), "reviewed": reviewed.marked,
        "template": approved.map(|template| &*template.text).or(offered.map(|(text, _)| text.as_str())),
        "templateProblem": offer.and_then(|offer| offer.as_ref().err()).map(ToString::to_string),
        "templatePasses": offered.map(|(_, passing)| passing),
        "templateId": approved.map(|template| template.id.to_string()),
    })
}
