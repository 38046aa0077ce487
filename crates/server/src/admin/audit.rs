//! The audit log: changes and their actors.

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode, Uri};
use model::error::Refusal;
use model::{AuditRecord, Timestamp};
use pipeline::refusal::refused_by_store;
use serde_json::{Value, json as object};
use store::contract::audit::AuditFilter;

use super::input::{meaning, wrong};
use super::{Admin, Answered, Shared, json};
use api::http::query::Parameters;

/// Entries on a page, unless asked otherwise.
const LIMIT_DEFAULT: usize = 50;

/// Entries on a page at most.
const LIMIT_MAX: usize = 100;

pub(super) async fn list(State(admin): Shared, uri: Uri) -> Response<Body> {
    let listed = listed(&admin, &Parameters::parse(uri.query())).await;
    admin.answer(listed)
}

async fn listed(admin: &Admin, given: &Parameters) -> Answered {
    let filter = AuditFilter {
        actor: given.get("actor").map(Into::into),
        path: given.get("path").map(Into::into),
        since: time(given, "since")?,
        before: time(given, "before")?,
    };
    let expected = "a nextCursor of an earlier page";
    let after =
        given.get("cursor").map(|text| meaning(text, "cursor", expected, |text| text.parse().ok())).transpose()?;
    let limit = match given.get("limit") {
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=LIMIT_MAX).contains(limit))
            .ok_or_else(|| wrong("limit", "an integer from 1 to 100"))?,
        None => LIMIT_DEFAULT,
    };
    let page = admin.pipeline.store().audit(filter, after, limit).await.map_err(refused_by_store)?;
    let data: Vec<Value> = page.records.iter().map(view).collect();
    json(StatusCode::OK, &object!({ "data": data, "nextCursor": page.next.map(|id| id.to_string()) }))
}

fn time(given: &Parameters, name: &'static str) -> Result<Option<Timestamp>, Refusal> {
    given.get(name).map(|text| meaning(text, name, "a time as in RFC 3339", Timestamp::parse)).transpose()
}

fn view(record: &AuditRecord) -> Value {
    let (entry, outcome) = (&record.entry, record.outcome.as_ref());
    let read = |text: Option<&str>| text.and_then(|text| serde_json::from_str::<Value>(text).ok());
    object!({
        "id": entry.id.to_string(),
        "at": entry.at.to_string(),
        "actor": { "kind": entry.actor.kind.as_str(), "name": &*entry.actor.name },
        "address": entry.address.map(|address| address.to_string()),
        "via": entry.via.as_str(),
        "method": &*entry.method,
        "route": &*entry.route,
        "path": &*entry.path,
        "request": read(entry.request.as_deref()),
        "before": read(entry.before.as_deref()),
        "status": outcome.map(|outcome| outcome.status),
        "answeredAt": outcome.map(|outcome| outcome.at.to_string()),
        "after": read(outcome.and_then(|outcome| outcome.after.as_deref())),
    })
}
