//! How the platform does, at a glance.

mod attention;
mod rates;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode, Uri};
use model::error::Refusal;
use pipeline::refusal::refused_by_store;
use serde_json::{Value, json as object};
use store::contract::dispatch::QueueDepth;
use store::contract::webhooks::Endpoint;

pub use rates::Rates;

use super::input::meaning;
use super::{Admin, Answered, Shared, carriers, json, webhooks};
use api::http::query::Parameters;
use attention::Looked;

pub(super) async fn show(State(admin): Shared, uri: Uri) -> Response<Body> {
    let shown = shown(&admin, &Parameters::parse(uri.query())).await;
    admin.answer(shown)
}

/// Which series are wanted.
#[derive(Clone, Copy)]
struct Series {
    hour: bool,
    day: bool,
}

impl Series {
    fn read(given: &Parameters) -> Result<Self, Refusal> {
        let parse = |text: &str| match text {
            "all" => Some(Self { hour: true, day: true }),
            "hour" => Some(Self { hour: true, day: false }),
            "day" => Some(Self { hour: false, day: true }),
            "none" => Some(Self { hour: false, day: false }),
            _ => None,
        };
        meaning(given.get("rates").unwrap_or("all"), "rates", "all, hour, day or none", parse)
    }
}

/// Counts and rates are of the node that answers; queues, endpoints and nodes are those of the store.
async fn shown(admin: &Admin, given: &Parameters) -> Answered {
    let series = Series::read(given)?;
    let (store, node, now) = (admin.pipeline.store(), admin.pipeline.node(), admin.runtime.now());
    let (depths, nodes) = tokio::try_join!(store.queue_depths(), store.nodes()).map_err(refused_by_store)?;
    let endpoints = admin.pipeline.webhooks().list(None).await?;
    let looked = Looked { admin, now, depths: &depths, endpoints: &endpoints, nodes: &nodes };
    let attention = looked.attention().await.map_err(refused_by_store)?;
    let living = nodes.iter().filter(|node| !node.is_over).count();
    json(
        StatusCode::OK,
        &object!({
            "at": now.to_string(),
            "node": { "name": node.name(), "epoch": node.epoch().get(), "of": living },
            "now": admin.rates.now(),
            "hour": series.hour.then(|| admin.rates.hour()),
            "day": series.day.then(|| admin.rates.day()),
            "queue": depths.iter().map(queue).collect::<Vec<Value>>(),
            "carriers": carriers::views(admin, &depths),
            "webhooks": { "endpoints": endpoints.len(), "failing": failing(admin, &endpoints) },
            "attention": attention,
        }),
    )
}

fn queue(depth: &QueueDepth) -> Value {
    object!({
        "carrier": depth.carrier.carrier().map(|name| name.as_str()),
        "queued": depth.queued,
        "oldestAt": depth.waits_since.map(|at| at.to_string()),
    })
}

/// How many failing endpoints are shown; `GET /webhooks` has all.
const FAILING_MAX: usize = 50;

fn failing(admin: &Admin, endpoints: &[Endpoint]) -> Vec<Value> {
    let fails = |endpoint: &&Endpoint| endpoint.failing.is_some() || endpoint.webhook.disabled.is_some();
    let view = |endpoint| webhooks::view(admin.pipeline.webhooks(), endpoint);
    endpoints.iter().filter(fails).take(FAILING_MAX).map(view).collect()
}
