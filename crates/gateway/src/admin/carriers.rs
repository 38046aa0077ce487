//! Carriers: how each one is doing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use carrier::CarrierStatus;
use pipeline::Pipeline;
use serde::Serialize;

use super::{Shared, json};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CarrierView {
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
    last_error: Option<String>,
}

/// How much there is of something, and how much there may be.
#[derive(Serialize)]
struct InUse {
    used: usize,
    of: usize,
}

pub(super) async fn list(State(admin): Shared) -> Response<Body> {
    let depths = admin.pipeline.store().queue_depths().await;
    let listed = depths.map_err(pipeline::admit::refused_by_store).and_then(|depths| {
        let queued: HashMap<_, _> = depths.into_iter().map(|depth| (depth.carrier, depth.queued)).collect();
        let carriers = admin.pipeline.carriers();
        let views = carriers.iter().map(|(carrier, _)| {
            let name = carrier.name().to_owned();
            let fates = admin.pipeline.counters().fates(&name);
            let status = carrier.status();
            CarrierView {
                state: status.state,
                sessions: InUse { used: status.sessions_bound, of: status.sessions_configured },
                window: InUse { used: status.window_in_use, of: status.window },
                queued: queued.get(&name).copied().unwrap_or(0),
                sent: fates.sent.get(),
                delivered: fates.delivered.get(),
                undelivered: fates.undelivered.get(),
                failed: fates.failed.get(),
                throughput: admin.throughput.of(&name),
                submitted: status.submitted,
                throttled: status.throttled,
                unknown: status.unknown,
                last_error: status.last_error,
                name,
            }
        });
        json(StatusCode::OK, &serde_json::json!({ "data": views.collect::<Vec<_>>(), "nextCursor": null }))
    });
    admin.answer(listed)
}

/// How fast carriers take segments, measured over the last full interval.
#[derive(Default)]
pub struct Throughput(Mutex<HashMap<String, f64>>);

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(5);

impl Throughput {
    /// Looks again and again, until the task is dropped.
    pub async fn measure(&self, pipeline: &Pipeline) {
        let mut before: HashMap<String, (u64, Instant)> = HashMap::new();
        loop {
            for (carrier, _) in pipeline.carriers() {
                let CarrierStatus { accepted, .. } = carrier.status();
                let now = Instant::now();
                if let Some((count, at)) = before.insert(carrier.name().to_owned(), (accepted, now)) {
                    let rate = accepted.saturating_sub(count) as f64 / (now - at).as_secs_f64().max(0.001);
                    self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(carrier.name().to_owned(), (rate * 10.0).round() / 10.0);
                }
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    fn of(&self, carrier: &str) -> f64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(carrier).copied().unwrap_or(0.0)
    }
}
