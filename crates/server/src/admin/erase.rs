//! Erasure of persons: begun, watched, and on record.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode, Uri};
use model::error::{ErrorCode, Refusal};
use model::{Erasure, ErasureCounts, ErasureId, Msisdn};
use pipeline::refusal::refused_by_store;
use serde::Deserialize;
use serde_json::{Value, json as object};

use super::input::{body, meaning, path, required, wrong};
use super::principal::Principal;
use super::{Admin, Answered, Shared, json};
use api::http::query::Parameters;

/// Erasures on a page, unless asked otherwise.
const LIMIT_DEFAULT: usize = 50;

/// Erasures on a page at most.
const LIMIT_MAX: usize = 100;

/// The longest reference, in bytes.
const REFERENCE_BYTES_MAX: usize = 200;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ErasureInput {
    number: Option<String>,
    /// Only count what would go.
    #[serde(default)]
    dry_run: bool,
    reference: Option<String>,
}

pub(super) async fn begin(State(admin): Shared, request: Request) -> Response<Body> {
    let begun = begun(&admin, request).await;
    admin.answer(begun)
}

async fn begun(admin: &Admin, request: Request) -> Answered {
    let operator = request.extensions().get::<Principal>().map(Principal::in_words).unwrap_or_default();
    let input: ErasureInput = body(admin, request).await?;
    let number = required(input.number.as_deref(), "number")?;
    let number = number_of(number).ok_or_else(|| wrong("number", E164))?;
    let reference = input.reference.filter(|reference| !reference.trim().is_empty());
    // The record stays, and is to say nothing of the number.
    let is_unfit = |reference: &String| {
        let digits: String = reference.chars().filter(char::is_ascii_digit).collect();
        reference.len() > REFERENCE_BYTES_MAX || digits.contains(number.digits().as_str())
    };
    if reference.as_ref().is_some_and(is_unfit) {
        return Err(wrong("reference", format!("a text of at most {REFERENCE_BYTES_MAX} bytes without the number")));
    }
    if input.dry_run {
        let counts = admin.pipeline.erasable(number).await?.ok_or_else(provisioned)?;
        return json(StatusCode::OK, &object!({ "dryRun": true, "counts": view_of_counts(counts) }));
    }
    let erasure = admin.pipeline.erase(number, operator, reference).await?.ok_or_else(provisioned)?;
    json(StatusCode::ACCEPTED, &view(&erasure))
}

/// The form of the number of a person.
const E164: &str = "an E.164 number";

fn number_of(text: &str) -> Option<Msisdn> {
    Msisdn::parse(text).ok()
}

fn provisioned() -> Refusal {
    wrong("number", "a person's number: this one is provisioned as a sender")
}

pub(super) async fn show(State(admin): Shared, id: Result<Path<String>, PathRejection>) -> Response<Body> {
    let shown = shown(&admin, id).await;
    admin.answer(shown)
}

async fn shown(admin: &Admin, id: Result<Path<String>, PathRejection>) -> Answered {
    let id: ErasureId = path(id, |text| text.parse().ok())?;
    let found = admin.pipeline.store().erasure(id).await.map_err(refused_by_store)?;
    json(StatusCode::OK, &view(&found.ok_or(ErrorCode::NotFound)?))
}

pub(super) async fn list(State(admin): Shared, uri: Uri) -> Response<Body> {
    let listed = listed(&admin, &Parameters::parse(uri.query())).await;
    admin.answer(listed)
}

async fn listed(admin: &Admin, given: &Parameters) -> Answered {
    let of = given.get("number").map(|text| meaning(text, "number", E164, number_of)).transpose()?;
    let expected = "a nextCursor of an earlier page";
    let after =
        given.get("cursor").map(|text| meaning(text, "cursor", expected, |text| text.parse().ok())).transpose()?;
    let limit = match given.get("limit") {
        Some(text) => meaning(text, "limit", "an integer from 1 to 100", |text| {
            text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit))
        })?,
        None => LIMIT_DEFAULT,
    };
    let mut found = admin.pipeline.erasures(of, after, limit + 1).await?;
    let is_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| is_more).map(|erasure| erasure.id.to_string());
    let data: Vec<Value> = found.iter().map(view).collect();
    json(StatusCode::OK, &object!({ "data": data, "nextCursor": next }))
}

fn view(erasure: &Erasure) -> Value {
    let digest: String = erasure.digest.iter().map(|octet| format!("{octet:02x}")).collect();
    object!({
        "id": erasure.id.to_string(),
        "state": if erasure.ended_at.is_some() { "completed" } else { "running" },
        "operator": erasure.operator,
        "reference": erasure.reference,
        "numberDigest": digest,
        "beganAt": erasure.began_at.to_string(),
        "endedAt": erasure.ended_at.map(|at| at.to_string()),
        "counts": view_of_counts(erasure.counts),
    })
}

fn view_of_counts(counts: ErasureCounts) -> Value {
    let ErasureCounts { messages, canceled, texts, events, media, screenings, receipts, recipients, requests } = counts;
    object!({
        "messages": messages, "canceled": canceled, "texts": texts, "events": events, "media": media,
        "screeningRecords": screenings, "unmatchedReceipts": receipts, "broadcastRecipients": recipients,
        "idempotencyRecords": requests,
    })
}
