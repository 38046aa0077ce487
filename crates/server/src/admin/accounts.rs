//! Accounts.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode, Uri};
use model::error::{ErrorCode, Refusal};
use model::quota::QUOTA_MAX;
use model::{Account, AccountState, LimitsChange, TextRetention};
use serde::{Deserialize, Serialize};
use store::contract::tenants::AccountChange;

use super::input::{absent, account_of, body, meaning, not_there, path, required, tri_state, wrong};
use super::page::{Page, PageQuery};
use super::{Admin, Answered, Shared, json};
use api::http::query::Parameters;
use api::twilio;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountView {
    id: String,
    name: String,
    state: &'static str,
    message_per_minute: u32,
    broadcast_per_minute: u32,
    read_per_minute: u32,
    daily_quota: u64,
    retention_days: Option<RetentionDays>,
    /// Its name for clients of Twilio's API.
    twilio_account_sid: String,
    created_at: String,
}

/// How long texts are kept: a number of days, or `"discard"`.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "an integer of days, \"discard\" or null")]
enum RetentionDays {
    Days(u64),
    Word(String),
}

impl RetentionDays {
    fn of(rule: TextRetention) -> Self {
        match rule {
            TextRetention::Discard => Self::Word(rule.to_string()),
            TextRetention::Days(days) => Self::Days(days.get().into()),
        }
    }

    fn rule(&self) -> Result<TextRetention, Refusal> {
        let rule = match self {
            Self::Days(days) => u16::try_from(*days).ok().and_then(TextRetention::of_days),
            Self::Word(word) if word == "discard" => Some(TextRetention::Discard),
            Self::Word(_) => None,
        };
        rule.ok_or_else(|| wrong("retentionDays", "an integer from 1 to 3650, \"discard\" or null"))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AccountInput {
    name: Option<String>,
    state: Option<String>,
    message_per_minute: Option<u32>,
    broadcast_per_minute: Option<u32>,
    read_per_minute: Option<u32>,
    daily_quota: Option<u64>,
    /// `null` keeps texts for as long as the platform does.
    #[serde(default, deserialize_with = "tri_state")]
    retention_days: Option<Option<RetentionDays>>,
}

impl AccountInput {
    fn limits(&self) -> Result<LimitsChange, Refusal> {
        if self.daily_quota.is_some_and(|quota| quota > QUOTA_MAX) {
            return Err(wrong("dailyQuota", format!("an integer up to {QUOTA_MAX}")));
        }
        Ok(LimitsChange {
            message_per_minute: self.message_per_minute,
            broadcast_per_minute: self.broadcast_per_minute,
            read_per_minute: self.read_per_minute,
            daily_quota: self.daily_quota,
        })
    }

    fn retention(&self) -> Result<Option<Option<TextRetention>>, Refusal> {
        self.retention_days.as_ref().map(|rule| rule.as_ref().map(RetentionDays::rule).transpose()).transpose()
    }

    fn state(&self) -> Result<Option<AccountState>, Refusal> {
        self.state
            .as_deref()
            .map(|text| meaning(text, "state", "active, suspended or disabled", AccountState::parse))
            .transpose()
    }
}

pub(super) async fn list(State(admin): Shared, uri: Uri) -> Response<Body> {
    let given = Parameters::parse(uri.query());
    let listed = PageQuery::read(&given, account_of).and_then(|query| {
        let accounts = admin.pipeline.tenants().accounts(given.get("name"), query.after, query.limit);
        json(StatusCode::OK, &Page::of(&accounts, |account| account.id.to_string(), view))
    });
    admin.answer(listed)
}

pub(super) async fn create(State(admin): Shared, request: Request) -> Response<Body> {
    let created = created(&admin, request).await;
    admin.answer(created)
}

async fn created(admin: &Admin, request: Request) -> Answered {
    let input: AccountInput = body(admin, request).await?;
    let name = required(input.name.clone().filter(|name| !name.trim().is_empty()), "name")?;
    absent(input.state.as_ref(), "state", "nothing, for a new account is active")?;
    let account = admin
        .pipeline
        .tenants()
        .create_account_keeping(name, admin.operators.new_account().with(input.limits()?), input.retention()?.flatten())
        .await
        .map_err(not_there)?;
    json(StatusCode::CREATED, &view(&account))
}

pub(super) async fn show(State(admin): Shared, id: Result<Path<String>, PathRejection>) -> Response<Body> {
    let found = path(id, account_of)
        .and_then(|id| admin.pipeline.tenants().account(id).ok_or_else(|| ErrorCode::NotFound.into()));
    admin.answer(found.and_then(|account| json(StatusCode::OK, &view(&account))))
}

pub(super) async fn change(
    State(admin): Shared,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response<Body> {
    let changed = changed(&admin, id, request).await;
    admin.answer(changed)
}

async fn changed(admin: &Admin, id: Result<Path<String>, PathRejection>, request: Request) -> Answered {
    let tenants = admin.pipeline.tenants();
    let account = path(id, account_of).and_then(|id| tenants.account(id).ok_or_else(|| ErrorCode::NotFound.into()))?;
    let input: AccountInput = body(admin, request).await?;
    absent(input.name.as_ref(), "name", "nothing, for an account keeps its name")?;
    let change = AccountChange { state: input.state()?, limits: input.limits()?, retention: input.retention()? };
    let account = tenants.change_account(account.id, change).await.map_err(not_there)?;
    json(StatusCode::OK, &view(&account))
}

fn view(account: &Account) -> AccountView {
    AccountView {
        id: account.id.to_string(),
        name: account.name.clone(),
        state: account.state.as_str(),
        message_per_minute: account.limits.message_per_minute,
        broadcast_per_minute: account.limits.broadcast_per_minute,
        read_per_minute: account.limits.read_per_minute,
        daily_quota: account.limits.daily_quota,
        retention_days: account.retention.map(RetentionDays::of),
        twilio_account_sid: twilio::of_account(account.id),
        created_at: account.created_at.to_string(),
    }
}
