//! Endpoints of all accounts for the operator: owner and health, without secrets; their deliveries, and replays.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode, Uri};
use model::error::{ErrorCode, Refusal};
use model::{Mode, WebhookId};
use pipeline::webhook::Webhooks;
use serde::Deserialize;
use serde_json::{Value, json as object};
use store::contract::webhooks::Endpoint;

use super::input::{account_of, body, meaning, path};
use super::page::PageQuery;
use super::{Admin, Answered, Shared, json};
use api::fields::webhook::ReplayFields;
use api::http::query::Parameters;
use api::webhook::{deliveries_of, endpoint_view, replay_of};

type Id = Result<Path<String>, PathRejection>;

pub(super) async fn list(State(admin): Shared, uri: Uri) -> Response<Body> {
    let listed = listed(&admin, &Parameters::parse(uri.query())).await;
    admin.answer(listed)
}

async fn listed(admin: &Admin, given: &Parameters) -> Answered {
    let account =
        given.get("accountId").map(|text| meaning(text, "accountId", "one that exists", account_of)).transpose()?;
    let mode = given.get("mode").map(|text| meaning(text, "mode", "live or test", Mode::parse)).transpose()?;
    let page: PageQuery<WebhookId> = PageQuery::read(given, |text| text.parse().ok())?;
    let webhooks = admin.pipeline.webhooks();
    let mut endpoints = webhooks.list(None).await?;
    endpoints.sort_unstable_by_key(|endpoint| endpoint.webhook.id);
    let is_meant = |endpoint: &&Endpoint| {
        let owner = endpoint.webhook.owner;
        account.is_none_or(|account| owner.account == account)
            && mode.is_none_or(|mode| owner.mode == mode)
            && page.after.is_none_or(|after| endpoint.webhook.id > after)
    };
    let found: Vec<_> = endpoints.iter().filter(is_meant).take(page.limit + 1).collect();
    let shown = &found[..found.len().min(page.limit)];
    let next = shown.last().filter(|_| found.len() > page.limit).map(|last| last.webhook.id.to_string());
    let data: Vec<Value> = shown.iter().map(|endpoint| view(webhooks, endpoint)).collect();
    json(StatusCode::OK, &object!({ "data": data, "nextCursor": next }))
}

/// An endpoint, and whose it is.
pub(super) fn view(webhooks: &Webhooks, endpoint: &Endpoint) -> Value {
    let mut view = endpoint_view(webhooks, endpoint);
    view["accountId"] = endpoint.webhook.owner.account.to_string().into();
    view["mode"] = endpoint.webhook.owner.mode.as_str().into();
    view
}

pub(super) async fn show(State(admin): Shared, id: Id) -> Response<Body> {
    let shown = named(&admin, id).await;
    admin.answer(shown.and_then(|endpoint| json(StatusCode::OK, &view(admin.pipeline.webhooks(), &endpoint))))
}

/// The endpoint that a path names, whosever it is.
async fn named(admin: &Admin, id: Id) -> Result<Endpoint, Refusal> {
    let id: WebhookId = path(id, |text| text.parse().ok())?;
    let found = admin.pipeline.webhooks().list(None).await?.into_iter().find(|endpoint| endpoint.webhook.id == id);
    found.ok_or_else(|| ErrorCode::NotFound.into())
}

pub(super) async fn deliveries(State(admin): Shared, id: Id, uri: Uri) -> Response<Body> {
    let shown = delivered(&admin, id, &Parameters::parse(uri.query())).await;
    admin.answer(shown)
}

async fn delivered(admin: &Admin, id: Id, given: &Parameters) -> Answered {
    let webhook = named(admin, id).await?.webhook;
    json(StatusCode::OK, &deliveries_of(admin.pipeline.webhooks(), webhook.owner, webhook.id, given).await?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReplayInput {
    since: Option<String>,
    until: Option<String>,
    status: Option<String>,
    event_ids: Option<Vec<String>>,
}

pub(super) async fn replay(State(admin): Shared, id: Id, request: Request) -> Response<Body> {
    let replayed = replayed(&admin, id, request).await;
    admin.answer(replayed)
}

async fn replayed(admin: &Admin, id: Id, request: Request) -> Answered {
    let webhook = named(admin, id).await?.webhook;
    let ReplayInput { since, until, status, event_ids } = body(admin, request).await?;
    let of = replay_of(&ReplayFields { since, until, status, event_ids })?;
    admin.pipeline.webhooks().replay(webhook.owner, webhook.id, of).await?;
    json(StatusCode::ACCEPTED, &object!({ "replaying": true }))
}
