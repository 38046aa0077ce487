//! The compliance screen: policies of accounts, and the review log.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode, Uri};
use model::error::{AdditionalInfo, ErrorCode, Refusal};
use model::{Mode, Screened, ScreeningCertainty, ScreeningId, ScreeningOutcome, ScreeningRecord};
use pipeline::refusal::refused_by_store;
use screening::Policy;
use serde_json::{Value, json as object};
use store::contract::screening::ScreeningFilter;

use super::input::{account_of, body, meaning, not_there, path, wrong};
use super::{Admin, Answered, Shared, json};
use api::http::query::Parameters;

/// Decisions on a page, unless asked otherwise.
const LIMIT_DEFAULT: usize = 50;

/// Decisions on a page at most.
const LIMIT_MAX: usize = 100;

/// The most that a policy may list of domains, and of phrases.
pub(super) const LISTED_MAX: usize = 1_000;

/// The longest domain or phrase, in bytes.
pub(super) const LISTED_BYTES_MAX: usize = 500;

pub(super) async fn show(State(admin): Shared, id: Result<Path<String>, PathRejection>) -> Response<Body> {
    let shown = account(&admin, id).and_then(|id| json(StatusCode::OK, &*admin.pipeline.tenants().screening(id)));
    admin.answer(shown)
}

pub(super) async fn set(
    State(admin): Shared,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response<Body> {
    let answered = changed(&admin, id, request).await;
    admin.answer(answered)
}

async fn changed(admin: &Admin, id: Result<Path<String>, PathRejection>, request: Request) -> Answered {
    let id = account(admin, id)?;
    let policy: Policy = body(admin, request).await.map_err(two_actions)?;
    sized(&policy, ("allowedDomains", "allowedPhrases"))?;
    let tenants = admin.pipeline.tenants();
    tenants.set_screening(id, policy).await.map_err(not_there)?;
    json(StatusCode::OK, &*tenants.screening(id))
}

/// Refuses a policy whose lists are too long, by the names of the fields that made its domains and its phrases so.
pub(super) fn sized(policy: &Policy, (domains, phrases): (&'static str, &'static str)) -> Result<(), Refusal> {
    for (field, listed) in [(domains, &policy.allowed_domains), (phrases, &policy.allowed_phrases)] {
        if listed.len() > LISTED_MAX
            || listed.iter().any(|item| item.trim().is_empty() || item.len() > LISTED_BYTES_MAX)
        {
            return Err(wrong(
                field,
                format!("up to {LISTED_MAX} texts, none empty or longer than {LISTED_BYTES_MAX} bytes"),
            ));
        }
    }
    Ok(())
}

/// A policy of one action is one of an earlier version: says what it is now.
fn two_actions(mut refusal: Refusal) -> Refusal {
    if let Some(AdditionalInfo::WrongType { field, expected }) = &mut refusal.info
        && *field == "action"
    {
        *expected = "no such field: use `sure` (for texts of which the screen is sure; block by default) and `unsure` \
                     (flag by default), each block, flag or off"
            .into();
    }
    refusal
}

/// The account that a path names.
pub(super) fn account(admin: &Admin, id: Result<Path<String>, PathRejection>) -> Result<model::AccountId, Refusal> {
    let id = path(id, account_of)?;
    admin.pipeline.tenants().account(id).map(|account| account.id).ok_or_else(|| ErrorCode::NotFound.into())
}

pub(super) async fn log(State(admin): Shared, uri: Uri) -> Response<Body> {
    let listed = listed(&admin, &Parameters::parse(uri.query())).await;
    admin.answer(listed)
}

pub(super) async fn decision(State(admin): Shared, id: Result<Path<String>, PathRejection>) -> Response<Body> {
    let shown = decided(&admin, id).await;
    admin.answer(shown)
}

async fn decided(admin: &Admin, id: Result<Path<String>, PathRejection>) -> Answered {
    let id: ScreeningId = path(id, |text| text.parse().ok())?;
    let record = admin.pipeline.store().screening_record(id).await.map_err(refused_by_store)?;
    json(StatusCode::OK, &view(&record.ok_or(ErrorCode::NotFound)?))
}

/// Which decisions a query asks for.
pub(super) fn filter(given: &Parameters) -> Result<ScreeningFilter, Refusal> {
    let account =
        given.get("accountId").map(|text| meaning(text, "accountId", "one that exists", account_of)).transpose()?;
    let outcome = given
        .get("outcome")
        .map(|text| meaning(text, "outcome", "blocked or flagged", ScreeningOutcome::parse))
        .transpose()?;
    let certainty = given
        .get("certainty")
        .map(|text| meaning(text, "certainty", "sure or unsure", ScreeningCertainty::parse))
        .transpose()?;
    let mode = given.get("mode").map(|text| meaning(text, "mode", "live or test", Mode::parse)).transpose()?;
    let is_reviewed = |text: &str| text.parse().ok();
    let reviewed =
        given.get("reviewed").map(|text| meaning(text, "reviewed", "true or false", is_reviewed)).transpose()?;
    Ok(ScreeningFilter { account, mode, outcome, certainty, reviewed })
}

async fn listed(admin: &Admin, given: &Parameters) -> Answered {
    let filter = filter(given)?;
    let cursor = |text: &str| text.parse::<ScreeningId>().ok();
    let after = given
        .get("cursor")
        .map(|text| meaning(text, "cursor", "a nextCursor of an earlier page", cursor))
        .transpose()?;
    let limit = |text: &str| text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
    let limit = given
        .get("limit")
        .map(|text| meaning(text, "limit", "an integer from 1 to 100", limit))
        .transpose()?
        .unwrap_or(LIMIT_DEFAULT);
    // One more than asked for tells whether there is a next page.
    let mut found = admin.pipeline.store().screening_log(filter, after, limit + 1).await.map_err(refused_by_store)?;
    let is_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| is_more).map(|record| record.id.to_string());
    json(StatusCode::OK, &object!({ "data": found.iter().map(view).collect::<Vec<_>>(), "nextCursor": next }))
}

fn view(record: &ScreeningRecord) -> Value {
    let about = record.about.map(|about| match about {
        Screened::Message(id) => id.to_string(),
        Screened::Broadcast(id) => id.to_string(),
    });
    // It was written by us; what cannot be read any more is shown as it stands.
    let mut findings = serde_json::from_str(&record.findings).unwrap_or_else(|_| Value::from(record.findings.as_str()));
    // Findings of an earlier version say nothing of it: there was one point, and they were above it.
    for finding in findings.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        finding.entry("certainty").or_insert_with(|| ScreeningCertainty::Sure.as_str().into());
    }
    object!({
        "id": record.id.to_string(), "at": record.at.to_string(), "accountId": record.account.to_string(),
        "mode": record.mode.as_str(), "outcome": record.outcome.as_str(),
        "certainty": record.certainty.as_str(), "about": about,
        "from": record.originator.to_string(), "categories": record.categories, "findings": findings,
        "body": &*record.body, "reviewedAt": record.review.as_ref().map(|review| review.at.to_string()),
        "correct": record.review.as_ref().map(|review| review.is_correct),
        "note": record.review.as_ref().and_then(|review| review.note.as_deref()),
    })
}
