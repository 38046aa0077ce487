//! Templates of an account: texts that pass although the screen finds something in them.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode, Uri};
use model::error::{ErrorCode, Refusal};
use model::{AccountId, ScreeningTemplate, TemplateId};
use pipeline::refusal::refused_by_store;
use pipeline::tenants::ApproveError;
use serde::{Deserialize, Serialize};
use store::StoreError;

use super::input::{body, not_there, required, wrong};
use super::page::{Page, PageQuery};
use super::screening::account;
use super::{Admin, Answered, Shared, json, no_content};
use api::http::query::Parameters;

/// The longest note, in Unicode scalar values.
pub(super) const NOTE_CHARACTERS_MAX: usize = 500;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TemplateView {
    id: String,
    text: String,
    note: Option<String>,
    created_at: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateInput {
    text: Option<String>,
    note: Option<String>,
}

pub(super) async fn list(State(admin): Shared, id: Result<Path<String>, PathRejection>, uri: Uri) -> Response<Body> {
    let listed = listed(&admin, id, &Parameters::parse(uri.query()));
    admin.answer(listed)
}

fn listed(admin: &Admin, id: Result<Path<String>, PathRejection>, query: &Parameters) -> Answered {
    let id = account(admin, id)?;
    let page = PageQuery::read(query, |text| text.parse::<TemplateId>().ok())?;
    let templates = admin.pipeline.tenants().templates(id, page.after, page.limit);
    json(StatusCode::OK, &Page::of(&templates, |template| template.id.to_string(), view))
}

pub(super) async fn approve(
    State(admin): Shared,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response<Body> {
    let approved = approved(&admin, id, request).await;
    admin.answer(approved)
}

async fn approved(admin: &Admin, id: Result<Path<String>, PathRejection>, request: Request) -> Answered {
    let id = account(admin, id)?;
    let input: TemplateInput = body(admin, request).await?;
    let (text, note) = (required(input.text, "text")?, note(input.note)?);
    let screen = admin.pipeline.screen();
    let approved = admin.pipeline.tenants().approve_template(id, &text, note, &screen).await;
    let (template, is_new) = approved.map_err(|error| not_approved(error, "text"))?;
    json(if is_new { StatusCode::CREATED } else { StatusCode::OK }, &view(&template))
}

pub(super) async fn show(State(admin): Shared, names: Result<Path<(String, String)>, PathRejection>) -> Response<Body> {
    admin.answer(shown(&admin, names))
}

fn shown(admin: &Admin, names: Result<Path<(String, String)>, PathRejection>) -> Answered {
    let (id, template) = named(admin, names)?;
    let template = admin.pipeline.tenants().template(id, template).ok_or(ErrorCode::NotFound)?;
    json(StatusCode::OK, &view(&template))
}

pub(super) async fn remove(
    State(admin): Shared,
    names: Result<Path<(String, String)>, PathRejection>,
) -> Response<Body> {
    let removed = removed(&admin, names).await;
    admin.answer(removed)
}

async fn removed(admin: &Admin, names: Result<Path<(String, String)>, PathRejection>) -> Answered {
    let (id, template) = named(admin, names)?;
    admin.pipeline.tenants().remove_template(id, template).await.map_err(not_there)?;
    Ok(no_content())
}

/// The account and the template that a path names.
fn named(
    admin: &Admin,
    names: Result<Path<(String, String)>, PathRejection>,
) -> Result<(AccountId, TemplateId), Refusal> {
    let Path((id, template)) = names.map_err(|_| Refusal::from(ErrorCode::NotFound))?;
    let template = template.parse().map_err(|_| Refusal::from(ErrorCode::NotFound))?;
    Ok((account(admin, Ok(Path(id)))?, template))
}

/// A note that is short enough.
pub(super) fn note(note: Option<String>) -> Result<Option<String>, Refusal> {
    match note.filter(|note| !note.trim().is_empty()) {
        Some(note) if note.chars().count() > NOTE_CHARACTERS_MAX => {
            Err(wrong("note", format!("at most {NOTE_CHARACTERS_MAX} characters")))
        }
        note => Ok(note),
    }
}

/// Why a template was not approved; `field` held its text.
pub(super) fn not_approved(error: ApproveError, field: &'static str) -> Refusal {
    match error {
        ApproveError::Text(error) => wrong(field, error.to_string()),
        ApproveError::Full => {
            wrong(field, format!("one of {} templates at most: remove one first", ScreeningTemplate::PER_ACCOUNT_MAX))
        }
        ApproveError::Store(StoreError::NotFound) => ErrorCode::NotFound.into(),
        ApproveError::Store(error) => refused_by_store(error),
    }
}

fn view(template: &ScreeningTemplate) -> TemplateView {
    TemplateView {
        id: template.id.to_string(),
        text: template.text.to_string(),
        note: template.note.clone(),
        created_at: template.created_at.to_string(),
    }
}
