//! Carriers: state, queue and counts.

pub(super) mod codes;
pub(super) mod show;
pub(super) mod stop;
pub(super) mod test;
pub(super) mod trace;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use carrier::{Carrier, CarrierStatus};
use model::error::ErrorCode;
use model::{CarrierName, Unmatched};
use pipeline::Pipeline;
use pipeline::refusal::refused_by_store;
use runtime::Runtime;
use serde::Serialize;
use serde_json::{Value, json as object};
use store::contract::dispatch::QueueDepth;
use store::contract::receipts::UNMATCHED_KEPT;

use super::input::path;
use super::{Admin, Answered, Shared, json};
use crate::reload::carriers::REMOVED;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CarrierView {
    name: String,
    state: &'static str,
    sessions: InUse,
    window: InUse,
    queued: u64,
    sent: u64,
    delivered: u64,
    undelivered: u64,
    failed: u64,
    /// Segments.
    submitted: u64,
    throttled: u64,
    unknown: u64,
    /// Segments a second, over the last few seconds.
    throughput: f64,
    /// Segments a second that it is sent at most; 0 for no bound.
    rate: u32,
    last_error: Option<String>,
    /// The time at which an operator stopped it.
    stopped_at: Option<String>,
    /// The node that dispatches to it.
    node: Option<String>,
    /// The acceptance of the oldest waiting message.
    oldest_queued_at: Option<String>,
}

impl CarrierView {
    /// A carrier that this configuration does not know, and for which messages wait.
    fn unknown(name: &str, depth: &QueueDepth) -> Self {
        let none = || InUse { used: 0, of: 0 };
        Self {
            name: name.to_owned(),
            state: "unknown",
            sessions: none(),
            window: none(),
            queued: depth.queued,
            sent: 0,
            delivered: 0,
            undelivered: 0,
            failed: 0,
            submitted: 0,
            throttled: 0,
            unknown: 0,
            throughput: 0.0,
            rate: 0,
            stopped_at: None,
            node: None,
            oldest_queued_at: depth.waits_since.map(|at| at.to_string()),
            last_error: Some(
                "it is not in this configuration: its messages wait until it is, or until `smsfactory carrier abandon`"
                    .to_owned(),
            ),
        }
    }
}

/// A used number and its maximum.
#[derive(Serialize)]
struct InUse {
    used: usize,
    of: usize,
}

pub(super) async fn list(State(admin): Shared) -> Response<Body> {
    let depths = admin.pipeline.store().queue_depths().await;
    let listed = depths
        .map_err(refused_by_store)
        .and_then(|depths| json(StatusCode::OK, &object!({ "data": views(&admin, &depths), "nextCursor": null })));
    admin.answer(listed)
}

/// Every carrier that is known, and every one for which messages wait although it is not.
pub(super) fn views(admin: &Admin, depths: &[QueueDepth]) -> Vec<CarrierView> {
    let carriers = admin.pipeline.carriers();
    // Asked once for each name: a carrier that is being removed becomes unknown at any moment.
    let queues: BTreeMap<CarrierName, &QueueDepth> = depths.iter().filter_map(of_carrier).collect();
    let names = queues.keys().map(CarrierName::as_str).chain(carriers.iter().map(|(carrier, _)| carrier.name()));
    let unknown: BTreeSet<String> = names.filter(|name| admin.pipeline.is_unknown(name)).map(str::to_owned).collect();
    let strange = queues.iter().filter(|(name, _)| unknown.contains(name.as_str()));
    let strange = strange.map(|(name, depth)| CarrierView::unknown(name, depth));
    let known = carriers.iter().filter(|(carrier, _)| !unknown.contains(carrier.name()));
    let views = known.map(|(carrier, _)| view(admin, &**carrier, queues.get(carrier.name()).copied()));
    // One that is being removed is shown for as long as messages wait for it.
    views.filter(|view| view.state != REMOVED || view.queued > 0).chain(strange).collect()
}

fn view(admin: &Admin, carrier: &dyn Carrier, queue: Option<&QueueDepth>) -> CarrierView {
    let name = carrier.name().to_owned();
    let fates = admin.pipeline.counters().fates(&name);
    let status = carrier.status();
    CarrierView {
        state: status.state,
        sessions: InUse { used: status.sessions_bound, of: status.sessions_configured },
        window: InUse { used: status.window_in_use, of: status.window },
        queued: queue.map_or(0, |depth| depth.queued),
        sent: fates.sent.get(),
        delivered: fates.delivered.get(),
        undelivered: fates.undelivered.get(),
        failed: fates.failed.get(),
        throughput: admin.throughput.of(&name),
        submitted: status.submitted,
        throttled: status.throttled,
        unknown: status.unknown,
        rate: status.rate,
        last_error: status.last_error,
        stopped_at: admin.pipeline.stopped_since(&name).map(|at| at.to_string()),
        node: admin.pipeline.node().holder_of(&name),
        oldest_queued_at: queue.and_then(|depth| depth.waits_since).map(|at| at.to_string()),
        name,
    }
}

/// The queue of a carrier; messages without a route have no carrier.
fn of_carrier(depth: &QueueDepth) -> Option<(CarrierName, &QueueDepth)> {
    depth.carrier.carrier().map(|name| (name.clone(), depth))
}

pub(super) async fn abandon(State(admin): Shared, name: Result<Path<String>, PathRejection>) -> Response<Body> {
    let abandoned = abandoned(&admin, name).await;
    admin.answer(abandoned)
}

/// Gives up a carrier that this configuration does not know and for which messages wait; nothing else is found under
/// this address.
async fn abandoned(admin: &Admin, name: Result<Path<String>, PathRejection>) -> Answered {
    let name = path(name, |text| Some(text.to_owned()))?;
    let abandoned = admin.pipeline.abandon(&name).await?.ok_or(ErrorCode::NotFound)?;
    json(
        StatusCode::OK,
        &object!({ "name": name, "rerouted": abandoned.rerouted, "failed": abandoned.failed, "held": abandoned.held }),
    )
}

pub(super) async fn unmatched(State(admin): Shared, name: Result<Path<String>, PathRejection>) -> Response<Body> {
    let listed = listed_unmatched(&admin, name).await;
    admin.answer(listed)
}

/// What a carrier sent last that nothing could use. A carrier that has left the configuration is known as long as there
/// is something of it.
async fn listed_unmatched(admin: &Admin, name: Result<Path<String>, PathRejection>) -> Answered {
    let name = path(name, |text| Some(text.to_owned()))?;
    let found = admin.pipeline.store().unmatched(&name, UNMATCHED_KEPT).await.map_err(refused_by_store)?;
    if found.is_empty() && !admin.pipeline.carriers().iter().any(|(carrier, _)| carrier.name() == name) {
        return Err(ErrorCode::NotFound.into());
    }
    let data: Vec<Value> = found.iter().map(unmatched_view).collect();
    json(StatusCode::OK, &object!({ "data": data, "nextCursor": null }))
}

fn unmatched_view(unmatched: &Unmatched) -> Value {
    object!({
        "at": unmatched.at.to_string(), "reason": unmatched.reason.as_str(), "fate": unmatched.fate.as_str(),
        "endedAt": unmatched.ended_at.map(|at| at.to_string()),
        "keys": unmatched.keys,
        "addresses": unmatched.addresses,
        "detail": unmatched.detail,
        "received": unmatched.raw,
    })
}

/// How fast carriers take segments, measured over the last full interval.
#[derive(Default)]
pub struct Throughput(Mutex<HashMap<String, f64>>);

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(5);

impl Throughput {
    /// Looks again and again, until the task is dropped.
    pub async fn measure(&self, pipeline: &Pipeline, runtime: &Arc<dyn Runtime>) {
        let mut before: HashMap<String, (u64, Instant)> = HashMap::new();
        loop {
            for (carrier, _) in pipeline.carriers() {
                let CarrierStatus { accepted, .. } = carrier.status();
                let now = runtime.instant();
                if let Some((count, at)) = before.insert(carrier.name().to_owned(), (accepted, now)) {
                    let rate = accepted.saturating_sub(count) as f64 / (now - at).as_secs_f64().max(0.001);
                    self.0
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(carrier.name().to_owned(), (rate * 10.0).round() / 10.0);
                }
            }
            runtime.sleep(INTERVAL).await;
        }
    }

    fn of(&self, carrier: &str) -> f64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(carrier).copied().unwrap_or(0.0)
    }
}
