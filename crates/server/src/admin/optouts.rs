//! Opt-outs of all accounts, as the operator sees and changes them.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode, Uri};
use model::error::Refusal;
use model::{Mode, Msisdn, OptOut, OptOutChange, OptOutName, OptOutSource, Owner};
use pipeline::refusal::refused_by_store;
use serde::Deserialize;
use serde_json::{Value, json as object};

use super::input::{self, account_of, meaning, no_address, required};
use super::{Admin, Answered, Shared, json, no_content};
use api::http::body;
use api::http::head::require_type;
use api::http::query::Parameters;
use api::list::{cursor, limit};
use api::optouts::import::{File, Format, Imported};
use api::optouts::{Query, cursor_of, cursor_text, put, reason, sender, take};
use api::view::{OptOutChangeView, OptOutView};

type Named = Result<Path<String>, PathRejection>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OptOutInput {
    account_id: Option<String>,
    mode: Option<String>,
    from: Option<String>,
    reason: Option<String>,
}

pub(super) async fn list(State(admin): Shared, uri: Uri) -> Response<Body> {
    let listed = listed(&admin, &Parameters::parse(uri.query())).await;
    admin.answer(listed)
}

async fn listed(admin: &Admin, given: &Parameters) -> Answered {
    let (owner, query) = (owner(admin, given.get("accountId"), given.get("mode"))?, Query::read(given)?);
    let page = admin
        .pipeline
        .store()
        .opt_outs(owner, query.filter, query.after, query.limit)
        .await
        .map_err(refused_by_store)?;
    let data: Vec<Value> = page.opt_outs.iter().map(view).collect();
    json(StatusCode::OK, &object!({ "data": data, "nextCursor": page.next.map(cursor_text) }))
}

pub(super) async fn history(State(admin): Shared, name: Named, uri: Uri) -> Response<Body> {
    let shown = shown(&admin, name, &Parameters::parse(uri.query())).await;
    admin.answer(shown)
}

async fn shown(admin: &Admin, name: Named, given: &Parameters) -> Answered {
    let number = handset(name)?;
    let owner = owner(admin, given.get("accountId"), given.get("mode"))?;
    let (after, limit) = (cursor(given, cursor_of)?, limit(given)?);
    let page = admin.pipeline.store().opt_out_history(owner, number, after, limit).await.map_err(refused_by_store)?;
    let line = |change: &OptOutChange| object!(OptOutChangeView::of(change));
    let data: Vec<Value> = page.changes.iter().map(line).collect();
    json(StatusCode::OK, &object!({ "data": data, "nextCursor": page.next.map(cursor_text) }))
}

pub(super) async fn set(State(admin): Shared, name: Named, request: Request) -> Response<Body> {
    let answered = opted_out(&admin, name, request).await;
    admin.answer(answered)
}

async fn opted_out(admin: &Admin, name: Named, request: Request) -> Answered {
    let number = handset(name)?;
    let input: OptOutInput = input::body(admin, request).await?;
    let owner = owner(admin, input.account_id.as_deref(), input.mode.as_deref())?;
    let name = OptOutName { owner, number, from: sender(input.from.as_deref())? };
    let reason = reason(input.reason)?;
    let opt_out = put(&admin.pipeline, name, OptOutSource::Operator, reason, admin.runtime.now()).await?;
    json(StatusCode::OK, &view(&opt_out))
}

pub(super) async fn end(State(admin): Shared, name: Named, uri: Uri) -> Response<Body> {
    let ended = opted_in(&admin, name, &Parameters::parse(uri.query())).await;
    admin.answer(ended)
}

async fn opted_in(admin: &Admin, name: Named, given: &Parameters) -> Answered {
    let number = handset(name)?;
    let owner = owner(admin, given.get("accountId"), given.get("mode"))?;
    let name = OptOutName { owner, number, from: sender(given.get("from"))? };
    let reason = reason(given.get("reason").map(str::to_owned))?;
    take(&admin.pipeline, name, OptOutSource::Operator, reason).await?;
    Ok(no_content())
}

pub(super) async fn import(State(admin): Shared, uri: Uri, request: Request) -> Response<Body> {
    let imported = imported(&admin, &Parameters::parse(uri.query()), request).await;
    admin.answer(imported)
}

async fn imported(admin: &Admin, given: &Parameters, request: Request) -> Answered {
    let owner = owner(admin, given.get("accountId"), given.get("mode"))?;
    let (head, body) = request.into_parts();
    let format = Format::of_type(require_type(&head.headers, &openapi::IMPORT_TYPES)?);
    let body = body::read(&admin.runtime, body, admin.import_limits).await?;
    let file = File::read(&admin.runtime, format, body).await?;
    json(StatusCode::OK, &Imported::of(&admin.pipeline, owner, file).await?)
}

/// Whose opt-outs are meant: those of an account that exists, of its live keys unless asked otherwise.
pub(super) fn owner(admin: &Admin, account: Option<&str>, mode: Option<&str>) -> Result<Owner, Refusal> {
    let known = |text: &str| account_of(text).filter(|id| admin.pipeline.tenants().account(*id).is_some());
    let account = meaning(required(account, "accountId")?, "accountId", "one that exists", known)?;
    let mode = mode.map(|text| meaning(text, "mode", "live or test", Mode::parse)).transpose()?.unwrap_or(Mode::Live);
    Ok(Owner { account, mode })
}

/// The handset that a path names.
fn handset(name: Named) -> Result<Msisdn, Refusal> {
    let text = name.map(|Path(text)| text).unwrap_or_default();
    Msisdn::parse(&text).map_err(|_| no_address("number"))
}

/// What a client sees, and what is the operator's: whose it is, and why.
fn view(opt_out: &OptOut) -> Value {
    let mut view = object!(OptOutView::of(opt_out));
    view["reason"] = opt_out.reason.as_deref().into();
    view["accountId"] = opt_out.name.owner.account.to_string().into();
    view["mode"] = opt_out.name.owner.mode.as_str().into();
    view
}
