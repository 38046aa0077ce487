//! Operators: who they are, what they may do, and links with which they sign in. A link is in the answer that makes it
//! and in no other.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode, Uri};
use model::error::{ErrorCode, Refusal};
use model::operator::LINK_VALID;
use model::{Operator, OperatorName, PasswordHash, Role, SignInToken};
use pipeline::refusal::refused_by_store;
use serde::Deserialize;
use serde_json::{Value, json as object};
use store::contract::operators::OperatorChange;

use super::input::{body, meaning, not_there, path, refused, required, wrong};
use super::page::PageQuery;
use super::{Admin, Answered, Shared, json, no_content};
use crate::operators::passwords::{BYTES_MAX, CHARACTERS_MIN, Passwords};
use api::http::query::Parameters;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewInput {
    name: Option<String>,
    role: Option<String>,
    password: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChangeInput {
    role: Option<String>,
    disabled: Option<bool>,
    /// `null` takes the password away.
    #[serde(default, deserialize_with = "super::input::tri_state")]
    password: Option<Option<String>>,
}

type Named = Result<Path<String>, PathRejection>;

pub(super) async fn list(State(admin): Shared, uri: Uri) -> Response<Body> {
    let listed = listed(&admin, &Parameters::parse(uri.query())).await;
    admin.answer(listed)
}

async fn listed(admin: &Admin, query: &Parameters) -> Answered {
    let page = PageQuery::read(query, name_of)?;
    let mut found = admin.pipeline.store().operators(page.after, page.limit + 1).await.map_err(refused_by_store)?;
    let is_more = found.len() > page.limit;
    found.truncate(page.limit);
    let next = found.last().filter(|_| is_more).map(|operator| operator.name.to_string());
    json(StatusCode::OK, &object!({ "data": found.iter().map(view).collect::<Vec<_>>(), "nextCursor": next }))
}

pub(super) async fn show(State(admin): Shared, name: Named) -> Response<Body> {
    let shown = shown(&admin, name).await;
    admin.answer(shown)
}

async fn shown(admin: &Admin, name: Named) -> Answered {
    let name = path(name, name_of)?;
    let found = admin.pipeline.store().operator(&name).await.map_err(refused_by_store)?;
    json(StatusCode::OK, &view(&found.ok_or(ErrorCode::NotFound)?))
}

pub(super) async fn create(State(admin): Shared, request: Request) -> Response<Body> {
    let created = created(&admin, request).await;
    admin.answer(created)
}

async fn created(admin: &Admin, request: Request) -> Answered {
    let input: NewInput = body(admin, request).await?;
    let name = meaning(required(input.name.as_deref(), "name")?, "name", OperatorName::EXPECTED, name_of)?;
    let role = role(required(input.role.as_deref(), "role")?)?;
    let password = match input.password {
        Some(password) => Some(hashed(admin, password).await?),
        None => None,
    };
    let operator = Operator { name, role, password, created_at: admin.runtime.now(), disabled_at: None };
    admin.pipeline.store().create_operator(operator.clone()).await.map_err(|error| refused(error, "name"))?;
    json(StatusCode::CREATED, &view(&operator))
}

pub(super) async fn change(State(admin): Shared, name: Named, request: Request) -> Response<Body> {
    let changed = changed(&admin, name, request).await;
    admin.answer(changed)
}

async fn changed(admin: &Admin, name: Named, request: Request) -> Answered {
    let name = path(name, name_of)?;
    let input: ChangeInput = body(admin, request).await?;
    let role = input.role.as_deref().map(role).transpose()?;
    let password = match input.password {
        Some(Some(password)) => Some(Some(hashed(admin, password).await?)),
        Some(None) => Some(None),
        None => None,
    };
    changed_so(admin, &name, OperatorChange { role, password, disabled: input.disabled }).await
}

async fn changed_so(admin: &Admin, name: &OperatorName, change: OperatorChange) -> Answered {
    let now = admin.runtime.now();
    let operator = admin.pipeline.store().change_operator(name, change, now).await.map_err(not_there)?;
    json(StatusCode::OK, &view(&operator))
}

/// The audit log names operators for years: a removed one is disabled, and stays.
pub(super) async fn disable(State(admin): Shared, name: Named) -> Response<Body> {
    let disabled = disabled(&admin, name).await;
    admin.answer(disabled)
}

async fn disabled(admin: &Admin, name: Named) -> Answered {
    let name = path(name, name_of)?;
    let change = OperatorChange { disabled: Some(true), ..OperatorChange::default() };
    changed_so(admin, &name, change).await.map(|_| no_content())
}

pub(super) async fn link(State(admin): Shared, name: Named) -> Response<Body> {
    let linked = linked(&admin, name).await;
    admin.answer(linked)
}

async fn linked(admin: &Admin, name: Named) -> Answered {
    let name = path(name, name_of)?;
    let token = SignInToken::new(&*admin.entropy);
    let (digest, expires_at) = (SignInToken::digest_of(token.reveal()), admin.runtime.now() + LINK_VALID);
    admin.pipeline.store().create_link(digest, &name, expires_at).await.map_err(not_there)?;
    let link = admin.operators.link(token.reveal());
    let answer = object!({ "token": token.reveal(), "link": link, "expiresAt": expires_at.to_string() });
    json(StatusCode::CREATED, &answer)
}

async fn hashed(admin: &Admin, password: String) -> Result<PasswordHash, Refusal> {
    if !Passwords::is_fit(&password) {
        let expected = format!("a text of at least {CHARACTERS_MIN} characters and at most {BYTES_MAX} bytes");
        return Err(wrong("password", expected));
    }
    let hashed = admin.passwords.hash(password).await;
    hashed.map_err(|error| Refusal::new(ErrorCode::ServiceUnavailable).caused_by(error))
}

fn name_of(text: &str) -> Option<OperatorName> {
    text.parse().ok()
}

fn role(text: &str) -> Result<Role, Refusal> {
    meaning(text, "role", "viewer, operator or admin", Role::parse)
}

fn view(operator: &Operator) -> Value {
    object!({
        "name": operator.name.as_str(),
        "role": operator.role.as_str(),
        "hasPassword": operator.password.is_some(),
        "createdAt": operator.created_at.to_string(),
        "disabledAt": operator.disabled_at.map(|at| at.to_string()),
    })
}
