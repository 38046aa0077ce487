//! Keyword settings of accounts and numbers.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode};
use model::error::{AdditionalInfo, ErrorCode, Refusal, WrongField};
use model::{AccountId, Originator};
use pipeline::keywords::{KeywordSettings, Mistake};
use store::contract::tenants::KeywordsOf;

use super::input::{account_of, address_of, body, not_there, path};
use super::{Admin, Answered, Shared, json};

pub(super) async fn show_of_account(State(admin): Shared, id: Result<Path<String>, PathRejection>) -> Response<Body> {
    let tenants = admin.pipeline.tenants();
    let shown = account(&admin, id).and_then(|id| json(StatusCode::OK, &*tenants.keywords_of_account(id)));
    admin.answer(shown)
}

pub(super) async fn set_of_account(
    State(admin): Shared,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response<Body> {
    let changed = match account(&admin, id) {
        Ok(id) => changed(&admin, KeywordsOf::Account(id), KeywordSettings::mistakes_of_account, request).await,
        Err(refusal) => Err(refusal),
    };
    admin.answer(changed)
}

pub(super) async fn show_of_number(State(admin): Shared, name: Result<Path<String>, PathRejection>) -> Response<Body> {
    let tenants = admin.pipeline.tenants();
    let shown = number(&admin, name).and_then(|(name, _)| json(StatusCode::OK, &*tenants.keywords_of_number(name)));
    admin.answer(shown)
}

pub(super) async fn set_of_number(
    State(admin): Shared,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response<Body> {
    let changed = match number(&admin, name) {
        Ok((name, account)) => {
            let of_account = account.map(|id| admin.pipeline.tenants().keywords_of_account(id)).unwrap_or_default();
            let mistakes = |settings: &KeywordSettings| settings.mistakes_of_number(&of_account);
            changed(&admin, KeywordsOf::Number(name), mistakes, request).await
        }
        Err(refusal) => Err(refusal),
    };
    admin.answer(changed)
}

/// Puts settings in the place of those that were there. Every mistake is named.
async fn changed(
    admin: &Admin,
    of: KeywordsOf,
    mistakes: impl Fn(&KeywordSettings) -> Vec<Mistake>,
    request: Request,
) -> Answered {
    let settings: KeywordSettings = body(admin, request).await?;
    let wrong: Vec<WrongField> = mistakes(&settings)
        .into_iter()
        .map(|Mistake { field, expected }| WrongField { field: field.into(), expected: expected.into() })
        .collect();
    if !wrong.is_empty() {
        return Err(Refusal::new(ErrorCode::MalformedRequest).with_info(AdditionalInfo::WrongFields(wrong)));
    }
    admin.pipeline.tenants().set_keywords(of, &settings).await.map_err(not_there)?;
    json(StatusCode::OK, &settings)
}

fn account(admin: &Admin, id: Result<Path<String>, PathRejection>) -> Result<AccountId, Refusal> {
    let id = path(id, account_of)?;
    admin.pipeline.tenants().account(id).map(|account| account.id).ok_or_else(|| ErrorCode::NotFound.into())
}

/// A number, and whose it is.
fn number(
    admin: &Admin,
    name: Result<Path<String>, PathRejection>,
) -> Result<(Originator, Option<AccountId>), Refusal> {
    let name = path(name, address_of)?;
    let found = admin.pipeline.tenants().number(name).map(|number| (number.number, number.account));
    found.ok_or_else(|| ErrorCode::NotFound.into())
}
