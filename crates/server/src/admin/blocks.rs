//! Blocks: numbers that get nothing, and senders from which nothing is sent.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode, Uri};
use model::error::Refusal;
use model::number::{Block, BlockKind};
use model::{AccountId, SenderKind};
use pipeline::tenants::BlockName;
use serde::{Deserialize, Serialize};
use serde_json::json as object;

use super::input::{account_of, address, address_of, body, meaning, no_address, not_there, path, refused, required};
use super::page::{Page, PageQuery};
use super::{Admin, Answered, Shared, json, no_content};
use api::http::query::Parameters;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlockView {
    number: String,
    kind: &'static str,
    account_id: Option<String>,
    reason: Option<String>,
    created_at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BlockInput {
    kind: Option<String>,
    account_id: Option<String>,
    reason: Option<String>,
}

pub(super) async fn list(State(admin): Shared, uri: Uri) -> Response<Body> {
    let listed = listed(&admin, &Parameters::parse(uri.query()));
    admin.answer(listed)
}

fn listed(admin: &Admin, query: &Parameters) -> Answered {
    let kind = query.get("kind").map(kind).transpose()?;
    let account = query.get("accountId").map(account).transpose()?;
    let page = PageQuery::read(query, name_of)?;
    let blocks = admin.pipeline.tenants().blocks(kind, account, page.after.as_ref(), page.limit);
    json(StatusCode::OK, &Page::of(&blocks, name, view))
}

pub(super) async fn of_number(State(admin): Shared, name: Result<Path<String>, PathRejection>) -> Response<Body> {
    let blocks = path(name, address_of).map(|number| admin.pipeline.tenants().blocks_of_number(number));
    admin.answer(blocks.and_then(|blocks| {
        let data: Vec<BlockView> = blocks.iter().map(view).collect();
        json(StatusCode::OK, &object!({ "data": data, "nextCursor": null }))
    }))
}

pub(super) async fn set(
    State(admin): Shared,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response<Body> {
    let done = done(&admin, name, request).await;
    admin.answer(done)
}

async fn done(admin: &Admin, name: Result<Path<String>, PathRejection>, request: Request) -> Answered {
    let number = address(&name.map(|Path(text)| text).unwrap_or_default(), "number")?;
    let input: BlockInput = body(admin, request).await?;
    let kind = kind(required(input.kind.as_deref(), "kind")?)?;
    if kind == BlockKind::Recipient && number.kind() != SenderKind::Number {
        return Err(no_address("number"));
    }
    let account = input.account_id.as_deref().map(account).transpose()?;
    let block = admin
        .pipeline
        .tenants()
        .put_block(number, kind, account, input.reason)
        .await
        .map_err(|error| refused(error, "accountId"))?;
    json(StatusCode::OK, &view(&block))
}

pub(super) async fn lift(State(admin): Shared, name: Result<Path<String>, PathRejection>, uri: Uri) -> Response<Body> {
    let lifted = lifted(&admin, name, &Parameters::parse(uri.query())).await;
    admin.answer(lifted)
}

async fn lifted(admin: &Admin, name: Result<Path<String>, PathRejection>, query: &Parameters) -> Answered {
    let number = address(&name.map(|Path(text)| text).unwrap_or_default(), "number")?;
    let kind = kind(required(query.get("kind"), "kind")?)?;
    let account = query.get("accountId").map(account).transpose()?;
    admin.pipeline.tenants().delete_block(number, kind, account).await.map_err(not_there)?;
    Ok(no_content())
}

/// A block's name in a cursor.
fn name(block: &Block) -> String {
    format!("{}.{}.{}", block.number, block.kind.as_str(), block.account.map(|id| id.to_string()).unwrap_or_default())
}

/// The block that a cursor names.
fn name_of(text: &str) -> Option<BlockName> {
    // A name may have dots.
    let mut parts = text.rsplitn(3, '.');
    let (account, kind, number) = (parts.next()?, parts.next()?, parts.next()?);
    let account = if account.is_empty() { None } else { Some(account_of(account)?) };
    Some((address_of(number)?, BlockKind::parse(kind)?, account))
}

fn kind(text: &str) -> Result<BlockKind, Refusal> {
    meaning(text, "kind", "recipient or sender", BlockKind::parse)
}

fn account(text: &str) -> Result<AccountId, Refusal> {
    meaning(text, "accountId", "one that exists", account_of)
}

fn view(block: &Block) -> BlockView {
    BlockView {
        number: block.number.to_string(),
        kind: block.kind.as_str(),
        account_id: block.account.map(|id| id.to_string()),
        reason: block.reason.clone(),
        created_at: block.created_at.to_string(),
    }
}
