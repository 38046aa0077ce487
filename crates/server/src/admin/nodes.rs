//! Nodes that share the store, with their carriers.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use pipeline::refusal::refused_by_store;
use serde::Serialize;
use serde_json::json as object;
use store::StoreError;
use store::contract::nodes::{Node, Slot};

use super::input::path;
use super::{Admin, Answered, Shared, json, no_content};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeView {
    name: String,
    epoch: u32,
    state: &'static str,
    version: String,
    joined_at: String,
    /// Until when no other node may end it, unless it renews itself.
    renewed_until: String,
    carriers: Vec<String>,
    /// Whether it is the one that answers.
    answering: bool,
}

pub(super) async fn list(State(admin): Shared) -> Response<Body> {
    let listed = listed(&admin).await;
    admin.answer(listed)
}

async fn listed(admin: &Admin) -> Answered {
    let store = admin.pipeline.store();
    let (nodes, slots) = tokio::try_join!(store.nodes(), store.slots()).map_err(refused_by_store)?;
    let views: Vec<NodeView> = nodes.iter().map(|node| view(admin, node, &slots)).collect();
    json(StatusCode::OK, &object!({ "data": views, "nextCursor": null }))
}

fn view(admin: &Admin, node: &Node, slots: &[Slot]) -> NodeView {
    let state = match (node.is_over, node.is_draining) {
        (true, _) => "over",
        (false, true) => "draining",
        (false, false) => "running",
    };
    let carriers = slots.iter().filter(|slot| slot.epoch == node.epoch).map(|slot| slot.carrier.clone());
    NodeView {
        name: node.name.clone(),
        epoch: node.epoch.get(),
        state,
        version: node.build.clone(),
        joined_at: node.joined_at.to_string(),
        renewed_until: node.ends_at.to_string(),
        carriers: carriers.collect(),
        answering: node.epoch == admin.pipeline.node().epoch(),
    }
}

pub(super) async fn drain(State(admin): Shared, name: Result<Path<String>, PathRejection>) -> Response<Body> {
    let drained = set_draining(&admin, name, true).await;
    admin.answer(drained)
}

pub(super) async fn resume(State(admin): Shared, name: Result<Path<String>, PathRejection>) -> Response<Body> {
    let resumed = set_draining(&admin, name, false).await;
    admin.answer(resumed)
}

async fn set_draining(admin: &Admin, name: Result<Path<String>, PathRejection>, is_draining: bool) -> Answered {
    let name = path(name, |text| Some(text.to_owned()))?;
    match admin.pipeline.store().set_draining(&name, is_draining).await {
        Ok(()) => Ok(no_content()),
        Err(StoreError::NotFound) => Err(model::error::ErrorCode::NotFound.into()),
        Err(error) => Err(refused_by_store(error)),
    }
}
