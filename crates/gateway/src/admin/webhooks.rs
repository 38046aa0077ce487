//! Endpoints of all accounts for the operator: owner and health, without secrets.

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode, Uri};
use model::{Mode, WebhookId};
use serde_json::{Value, json as object};

use super::input::{account_of, meaning};
use super::page::PageQuery;
use super::{Admin, Answered, Shared, json};
use crate::api::webhook::endpoint_view;
use crate::http::query::Parameters;

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
    let is_meant = |endpoint: &&store::contract::webhooks::Endpoint| {
        let owner = endpoint.webhook.owner;
        account.is_none_or(|account| owner.account == account)
            && mode.is_none_or(|mode| owner.mode == mode)
            && page.after.is_none_or(|after| endpoint.webhook.id > after)
    };
    let found: Vec<_> = endpoints.iter().filter(is_meant).take(page.limit + 1).collect();
    let shown = &found[..found.len().min(page.limit)];
    let next = shown.last().filter(|_| found.len() > page.limit).map(|last| last.webhook.id.to_string());
    let data: Vec<Value> = shown
        .iter()
        .map(|endpoint| {
            let mut view = endpoint_view(webhooks, endpoint);
            view["accountId"] = endpoint.webhook.owner.account.to_string().into();
            view["mode"] = endpoint.webhook.owner.mode.as_str().into();
            view
        })
        .collect();
    json(StatusCode::OK, &object!({ "data": data, "nextCursor": next }))
}
