//! Keys. A secret is in the answer that makes it and in no other.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode, Uri};
use model::error::ErrorCode;
use model::{ApiKey, KeyId, Mode, Timestamp};
use pipeline::refusal::refused_by_store;
use pipeline::tenants::KeyPlace;
use serde::{Deserialize, Serialize};

use super::input::{account_of, body, meaning, not_there, path, wrong};
use super::page::{Page, PageQuery};
use super::{Admin, Answered, Shared, json, no_content};
use api::http::query::Parameters;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyView {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_secret: Option<String>,
    account_id: String,
    mode: &'static str,
    name: Option<String>,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    last_used_at: Option<String>,
}

/// The longest name of a key, in characters.
pub(super) const NAME_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct KeyInput {
    mode: Option<String>,
    name: Option<String>,
    expires_at: Option<String>,
}

pub(super) async fn list(State(admin): Shared, id: Result<Path<String>, PathRejection>, uri: Uri) -> Response<Body> {
    let listed = listed(&admin, id, &Parameters::parse(uri.query())).await;
    admin.answer(listed)
}

async fn listed(admin: &Admin, id: Result<Path<String>, PathRejection>, query: &Parameters) -> Answered {
    let tenants = admin.pipeline.tenants();
    let account = path(id, account_of).and_then(|id| tenants.account(id).ok_or_else(|| ErrorCode::NotFound.into()))?;
    let query = PageQuery::read(query, place_of)?;
    let keys = tenants.keys(account.id, query.after.as_ref(), query.limit);
    let uses = tenants.key_uses(account.id).await.map_err(refused_by_store)?;
    json(StatusCode::OK, &Page::of(&keys, place, |key| view(key, None, uses.get(&key.id).copied())))
}

pub(super) async fn create(
    State(admin): Shared,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response<Body> {
    let created = created(&admin, id, request).await;
    admin.answer(created)
}

async fn created(admin: &Admin, id: Result<Path<String>, PathRejection>, request: Request) -> Answered {
    let account = path(id, account_of)?;
    let input: KeyInput = body(admin, request).await?;
    let mode =
        input.mode.as_deref().map_or(Ok(Mode::Live), |text| meaning(text, "mode", "live or test", Mode::parse))?;
    let expires_at = match &input.expires_at {
        Some(text) => Some(meaning(text, "expiresAt", "a time as in RFC 3339", Timestamp::parse)?),
        None => None,
    };
    if expires_at.is_some_and(|at| at <= admin.runtime.now()) {
        return Err(wrong("expiresAt", "a time to come"));
    }
    let name = input.name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    if name.as_ref().is_some_and(|name| name.chars().count() > NAME_MAX) {
        return Err(wrong("name", format!("a text of at most {NAME_MAX} characters")));
    }
    let tenants = admin.pipeline.tenants();
    let (key, secret) = tenants.create_key(account, mode, name, expires_at).await.map_err(not_there)?;
    json(StatusCode::CREATED, &view(&key, Some(secret.reveal().to_owned()), None))
}

pub(super) async fn show(State(admin): Shared, id: Result<Path<String>, PathRejection>) -> Response<Body> {
    let shown = shown(&admin, id).await;
    admin.answer(shown)
}

async fn shown(admin: &Admin, id: Result<Path<String>, PathRejection>) -> Answered {
    let tenants = admin.pipeline.tenants();
    let key = path(id, |text| tenants.key(text))?;
    let uses = tenants.key_uses(key.account).await.map_err(refused_by_store)?;
    json(StatusCode::OK, &view(&key, None, uses.get(&key.id).copied()))
}

pub(super) async fn revoke(State(admin): Shared, id: Result<Path<String>, PathRejection>) -> Response<Body> {
    let revoked = revoked(&admin, id).await;
    admin.answer(revoked)
}

async fn revoked(admin: &Admin, id: Result<Path<String>, PathRejection>) -> Answered {
    let id = path(id, |text| Some(KeyId::from_text(text)))?;
    admin.pipeline.tenants().revoke_key(&id).await.map_err(not_there)?;
    Ok(no_content())
}

/// Where a key stands in its account's list, which is in order of time: its milliseconds, as wide as any, and its id.
fn place(key: &ApiKey) -> String {
    format!("{:015}.{}", key.created_at.as_millis(), key.id)
}

fn place_of(text: &str) -> Option<KeyPlace> {
    let (at, id) = text.split_once('.').filter(|(at, id)| at.len() == 15 && !id.is_empty())?;
    let created_at = Timestamp::from_millis(i64::try_from(at.parse::<u64>().ok()?).ok()?);
    Some(KeyPlace { created_at, id: KeyId::from_text(id) })
}

fn view(key: &ApiKey, secret: Option<String>, last_used_at: Option<Timestamp>) -> KeyView {
    KeyView {
        key_id: key.id.to_string(),
        key_secret: secret,
        account_id: key.account.to_string(),
        mode: key.mode.as_str(),
        name: key.name.clone(),
        created_at: key.created_at.to_string(),
        expires_at: key.expires_at.map(|at| at.to_string()),
        revoked_at: key.revoked_at.map(|at| at.to_string()),
        last_used_at: last_used_at.map(|at| at.to_string()),
    }
}
