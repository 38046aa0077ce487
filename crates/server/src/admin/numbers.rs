//! Senders: numbers, short codes and names.

use std::num::NonZeroU32;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode, Uri};
use model::error::{ErrorCode, Refusal};
use model::number::{Number, NumberState};
use model::{AccountId, SenderKind};
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::contract::tenants::NumberChange;

use super::input::{absent, account_of, address, address_of, body, meaning, path, refused, required, tri_state, wrong};
use super::page::{Page, PageQuery};
use super::{Admin, Answered, Shared, json};
use api::http::query::Parameters;

/// What the name of a new sender has to be.
const NEW_NAME: &str = "one that does not exist yet; names that differ in case alone are the same";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NumberView {
    number: String,
    kind: &'static str,
    account_id: Option<String>,
    state: &'static str,
    segments_per_second: Option<NonZeroU32>,
    created_at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NumberInput {
    number: Option<String>,
    /// `null` takes the number away from whoever has it.
    #[serde(default, deserialize_with = "tri_state")]
    account_id: Option<Option<String>>,
    state: Option<String>,
    /// `null` takes the pace away.
    #[serde(default, deserialize_with = "tri_state")]
    segments_per_second: Option<Option<NonZeroU32>>,
}

impl NumberInput {
    fn account(&self) -> Result<Option<Option<AccountId>>, Refusal> {
        let account = |text: &String| meaning(text, "accountId", "one that exists", account_of);
        self.account_id.as_ref().map(|id| id.as_ref().map(account).transpose()).transpose()
    }

    fn state(&self) -> Result<Option<NumberState>, Refusal> {
        let expected = "active, pending, suspended, deactivated, released or unavailable";
        self.state.as_deref().map(|text| meaning(text, "state", expected, NumberState::parse)).transpose()
    }
}

pub(super) async fn list(State(admin): Shared, uri: Uri) -> Response<Body> {
    admin.answer(listed(&admin, &Parameters::parse(uri.query())))
}

fn listed(admin: &Admin, given: &Parameters) -> Answered {
    let account =
        given.get("accountId").map(|text| meaning(text, "accountId", "one that exists", account_of)).transpose()?;
    let (query, tenants) = (PageQuery::read(given, address_of)?, admin.pipeline.tenants());
    let after = query.after.as_ref();
    let numbers = match account {
        Some(account) => tenants.numbers_of(account, after, query.limit),
        None => tenants.numbers(after, query.limit),
    };
    json(StatusCode::OK, &Page::of(&numbers, |number| number.number.to_string(), view))
}

pub(super) async fn create(State(admin): Shared, request: Request) -> Response<Body> {
    let created = created(&admin, request).await;
    admin.answer(created)
}

async fn created(admin: &Admin, request: Request) -> Answered {
    let input: NumberInput = body(admin, request).await?;
    let new = address(required(input.number.as_deref(), "number")?, "number")?;
    let account = input.account()?.flatten();
    let tenants = admin.pipeline.tenants();
    if account.is_some_and(|id| tenants.account(id).is_none()) {
        return Err(wrong("accountId", "one that exists"));
    }
    let state = input.state()?.unwrap_or(NumberState::Active);
    let number =
        tenants.create_number(new, account, state, input.segments_per_second.flatten()).await.map_err(|error| {
            match error {
                StoreError::AlreadyExists if new.kind() == SenderKind::Name => wrong("number", NEW_NAME),
                other => refused(other, "number"),
            }
        })?;
    json(StatusCode::CREATED, &view(&number))
}

pub(super) async fn show(State(admin): Shared, name: Result<Path<String>, PathRejection>) -> Response<Body> {
    let found = path(name, address_of)
        .and_then(|name| admin.pipeline.tenants().number(name).ok_or_else(|| ErrorCode::NotFound.into()));
    admin.answer(found.and_then(|number| json(StatusCode::OK, &view(&number))))
}

pub(super) async fn change(
    State(admin): Shared,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response<Body> {
    let changed = changed(&admin, name, request).await;
    admin.answer(changed)
}

async fn changed(admin: &Admin, name: Result<Path<String>, PathRejection>, request: Request) -> Answered {
    let tenants = admin.pipeline.tenants();
    let known =
        path(name, address_of).and_then(|name| tenants.number(name).ok_or_else(|| ErrorCode::NotFound.into()))?;
    let input: NumberInput = body(admin, request).await?;
    absent(input.number.as_ref(), "number", "nothing, for the path names it")?;
    let change = NumberChange {
        account: input.account()?,
        state: input.state()?,
        segments_per_second: input.segments_per_second,
    };
    let number = tenants.change_number(known.number, change).await.map_err(|error| refused(error, "accountId"))?;
    json(StatusCode::OK, &view(&number))
}

fn view(number: &Number) -> NumberView {
    NumberView {
        number: number.number.to_string(),
        kind: number.number.kind().as_str(),
        account_id: number.account.map(|id| id.to_string()),
        state: number.state.as_str(),
        segments_per_second: number.segments_per_second,
        created_at: number.created_at.to_string(),
    }
}
