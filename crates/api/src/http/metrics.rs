//! Rate, errors and duration of requests, by route.

use std::time::Duration;

use axum::http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// The labels of requests. Routes and methods are from closed lists, so no stranger can make new series.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

/// The labels of durations.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    method: &'static str,
    route: String,
}

/// The labels of lost connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LostLabels {
    door: &'static str,
    reason: &'static str,
}

/// The requests to the public API, and the connections of every door that came to nothing.
#[derive(Clone)]
pub struct HttpMetrics {
    lost: Family<LostLabels, Counter>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
}

/// Upper bounds in seconds; the middle ones lie around the time of an fsync.
const BUCKETS_SECS: [f64; 12] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

impl Default for HttpMetrics {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS_SECS);
        Self {
            lost: Family::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(histogram),
        }
    }
}

impl HttpMetrics {
    /// Puts them where they are read.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("http_requests", "Requests to the public API", self.requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "How long requests to the public API took",
            self.durations.clone(),
        );
        registry.register(
            "http_connections_lost",
            "Connections that were refused or came to nothing",
            self.lost.clone(),
        );
    }

    /// Notes a connection that was refused or came to nothing, by its door and the reason.
    pub fn lost_connection(&self, door: &'static str, reason: &'static str) {
        self.lost.get_or_create(&LostLabels { door, reason }).inc();
    }

    /// Notes an answer. `route` is the pattern that matched, empty for none.
    pub fn note(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let route = if route.is_empty() { "unmatched" } else { route }.to_owned();
        let method = label(method);
        self.requests.get_or_create(&RequestLabels { method, route: route.clone(), status }).inc();
        self.durations.get_or_create(&RouteLabels { method, route }).observe(took.as_secs_f64());
    }
}

fn label(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("OTHER")
}
