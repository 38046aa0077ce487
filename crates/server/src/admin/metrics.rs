//! Metrics, in Prometheus' text format.

mod disks;
mod inbound;
mod launches;
mod process;
mod screening;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use carrier::CarrierStatus;
use model::Timestamp;
use model::error::{ErrorCode, Refusal};
use model::unmatched::Reason;
use pipeline::Pipeline;
use pipeline::counters::Fates;
use pipeline::histogram::Histogram as Durations;
use pipeline::webhook::stats::AttemptOutcome;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use store::contract::changes::Consumer;
use store::contract::dispatch::QueueDepth;
use store::contract::health::CommitSample;

use self::disks::{Directories, Disk};
use self::process::Process;
use super::Shared;
use crate::built;
use crate::operators::failures::Failures;
use crate::reload::carriers::REMOVED;
use api::http::log::Lines;
use api::http::metrics::HttpMetrics;
use config::Config;

/// What is counted while it happens; the rest is looked up when it is asked for.
#[derive(Clone)]
pub struct Metrics {
    /// Requests to the public API.
    pub http: HttpMetrics,
    /// Sign-ins of operators that failed.
    pub sign_ins: Failures,
    group_size: Histogram,
    commit_duration: Histogram,
    directories: Directories,
    started_at: Timestamp,
}

impl Metrics {
    /// Those of a platform that starts at this time.
    pub fn new(config: &Config, started_at: Timestamp) -> Self {
        Self {
            directories: Directories::of(config),
            started_at,
            http: HttpMetrics::default(),
            sign_ins: Failures::default(),
            group_size: Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0]),
            commit_duration: Histogram::new([
                0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0,
            ]),
        }
    }

    /// What the store calls after each commit.
    pub fn observer(&self) -> Box<dyn Fn(CommitSample) + Send + Sync> {
        let (sizes, durations) = (self.group_size.clone(), self.commit_duration.clone());
        Box::new(move |sample| {
            sizes.observe(sample.group as f64);
            durations.observe(sample.took.as_secs_f64());
        })
    }

    fn register(&self, registry: &mut Registry) {
        self.http.register(registry);
        self.sign_ins.register(registry);
        registry.register("store_commit_group_size", "Calls that shared a commit", self.group_size.clone());
        registry.register(
            "store_commit_duration_seconds",
            "Time of a commit, fsync included",
            self.commit_duration.clone(),
        );
    }
}

pub(super) async fn text(State(admin): Shared) -> Response<Body> {
    let depths = admin.pipeline.store().queue_depths().await.unwrap_or_else(|error| {
        tracing::warn!("The queue depths could not be read for the metrics: {error}");
        Vec::new()
    });
    let consumers = admin.pipeline.store().consumers().await.unwrap_or_else(|error| {
        tracing::warn!("The consumers of the change feed could not be read for the metrics: {error}");
        Vec::new()
    });
    let store_bytes = admin.pipeline.store().size_bytes().await.inspect_err(|error| {
        tracing::warn!("The size of the store could not be read for the metrics: {error}");
    });
    let (directories, started_at) = (admin.metrics.directories.clone(), admin.metrics.started_at);
    let looked = admin.runtime.run_blocking("metrics", move || (directories.look(), Process::look(started_at))).await;
    let (disks, process) = looked
        .inspect_err(|error| {
            tracing::warn!("Disks and process could not be read for the metrics: {error}");
        })
        .ok()
        .unzip();
    let mut of_process = Registry::default();
    process.into_iter().for_each(|process| of_process.register_collector(Box::new(process)));
    let mut registry = Registry::with_prefix("smsfactory");
    admin.metrics.register(&mut registry);
    let now_ms = admin.runtime.now().as_millis();
    let (pipeline, lines) = (Arc::clone(&admin.pipeline), Arc::clone(&admin.lines));
    let (store_bytes, disks) = (store_bytes.ok(), disks.unwrap_or_default());
    let snapshot = Snapshot { pipeline, lines, depths, consumers, store_bytes, disks, now_ms };
    registry.register_collector(Box::new(snapshot));
    let mut text = String::new();
    let mut write = || {
        encode_registry(&mut text, &registry)?;
        encode_registry(&mut text, &of_process)?;
        encode_eof(&mut text)
    };
    let answered = match write() {
        Ok(()) => {
            let mut response = Response::new(Body::from(text));
            let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
            response.headers_mut().insert(CONTENT_TYPE, kind);
            Ok(response)
        }
        Err(error) => Err(Refusal::new(ErrorCode::UnexpectedError).caused_by(error)),
    };
    admin.answer(answered)
}

/// What is looked up when it is asked for.
struct Snapshot {
    pipeline: Arc<Pipeline>,
    lines: Arc<Lines>,
    depths: Vec<QueueDepth>,
    consumers: Vec<Consumer>,
    /// Unknown where the store did not say.
    store_bytes: Option<u64>,
    disks: Vec<Disk>,
    now_ms: i64,
}

// The registry wants to be able to print its collectors.
impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Snapshot")
    }
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let counters = self.pipeline.counters();
        let media = &counters.media;
        let totals: [(&str, &str, u64); 16] = [
            ("messages_admitted", "Messages accepted", counters.admitted.get()),
            (
                "messages_admitted_test",
                "Messages accepted with test keys (part of messages_admitted)",
                counters.admitted_test.get(),
            ),
            ("media_fetched", "Media fetched and accepted", media.fetched.get()),
            ("media_not_allowed", "Media refused because of their URL or a redirect (33018)", media.not_allowed.get()),
            ("media_failed", "Media refused because the download failed (33017)", media.failed.get()),
            (
                "media_crowded",
                "Media refused because too many other fetches were under way (33017)",
                media.crowded.get(),
            ),
            ("media_too_large", "Media refused because of their size (33014)", media.too_large.get()),
            ("media_unsupported", "Media refused because of their type (33015)", media.unsupported.get()),
            (
                "media_lost",
                "Media of accepted messages that were missing or damaged at the time of sending",
                media.lost.get(),
            ),
            (
                "windows_fallback",
                "Rate window counts that Valkey did not answer and PostgreSQL did",
                self.pipeline.store().fallbacks(),
            ),
            ("attempts_retried", "Attempts that failed for now and are repeated", counters.retried.get()),
            (
                "changes_missed",
                "Status changes that came faster than they could be counted",
                counters.changes_missed.get(),
            ),
            ("attempts_unknown", "Attempts of unknown outcome", counters.unknown.get()),
            ("messages_diverted", "Messages rerouted to another carrier of their route", counters.diverted.get()),
            ("receipts_matched", "Receipts that found their segment", counters.receipts_matched.get()),
            ("receipts_repeated", "Receipts that changed nothing", counters.receipts_repeated.get()),
        ];
        for (name, help, value) in totals {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        self.encode_lists(&mut encoder)?;
        let behind = self.consumers.iter().map(|consumer| (consumer.name.clone(), consumer.behind));
        gauge_of(
            &mut encoder,
            "changes_behind",
            "Changes that a consumer of the change feed has not read",
            "consumer",
            behind,
        )?;
        let kind = ConstCounter::new(0u64).metric_type();
        let help = "Items removed because they were older than [retention] allows";
        let mut family = encoder.encode_descriptor("retention_removed", help, None, kind)?;
        for (what, count) in counters.removed.all() {
            ConstCounter::new(count).encode(family.encode_family(&[("what", what)])?)?;
        }
        let carriers: Vec<String> =
            self.pipeline.carriers().iter().map(|(carrier, _)| carrier.name().to_owned()).collect();
        inbound::encode(&mut encoder, counters, &carriers)?;
        screening::encode(&mut encoder, counters)?;
        launches::encode(&mut encoder, counters)?;
        self.encode_node(&mut encoder)?;
        self.encode_room(&mut encoder)?;
        self.encode_lines(&mut encoder)?;
        self.encode_webhooks(&mut encoder)?;
        self.encode_queues(&mut encoder)?;
        self.encode_carriers(&mut encoder)
    }
}

impl Snapshot {
    fn encode_lists(&self, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
        let counters = self.pipeline.counters();
        let behind_secs = ConstGauge::new(i64::try_from(counters.lists_behind_ms.get() / 1000).unwrap_or(i64::MAX));
        let help = "Age of the oldest message that the index of lists should have and lacks";
        behind_secs.encode(encoder.encode_descriptor("lists_behind_seconds", help, None, behind_secs.metric_type())?)
    }

    /// The size of the store, and the room on the disks.
    fn encode_room(&self, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
        if let Some(bytes) = self.store_bytes {
            let gauge = ConstGauge::new(i64::try_from(bytes).unwrap_or(i64::MAX));
            let help = "What the store takes on disk: the file with its log, or the database";
            gauge.encode(encoder.encode_descriptor("store_bytes", help, None, gauge.metric_type())?)?;
        }
        disks::encode(encoder, &self.disks)
    }

    fn encode_node(&self, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
        let node = self.pipeline.node();
        let info = ConstGauge::new(1i64);
        let help = "This build: its version, and its commit if known";
        let mut family = encoder.encode_descriptor("build_info", help, None, info.metric_type())?;
        info.encode(family.encode_family(&[("version", built::VERSION), ("commit", built::COMMIT)])?)?;
        let mut family =
            encoder.encode_descriptor("node_info", "This node: its name and its epoch", None, info.metric_type())?;
        let epoch = node.epoch().to_string();
        info.encode(family.encode_family(&[("node", node.name()), ("epoch", &*epoch)])?)?;
        let gauges = [
            ("nodes", "Living nodes of the store, as this node sees them", node.living()),
            ("node_carriers", "Carriers to which this node dispatches", node.carriers()),
            (
                "store_held",
                "Whether the store was restored and is held, so that nothing leaves",
                usize::from(self.pipeline.hold().is_some()),
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }

    fn encode_lines(&self, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
        let kind = ConstCounter::new(0u64).metric_type();
        let mut family = encoder.encode_descriptor(
            "log_lines_left_out",
            "Log lines left out because there were too many of their kind",
            None,
            kind,
        )?;
        for (kind, sampler) in self.lines.kinds() {
            ConstCounter::new(sampler.left_out_ever()).encode(family.encode_family(&[("kind", kind)])?)?;
        }
        Ok(())
    }

    fn encode_webhooks(&self, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
        let stats = self.pipeline.webhooks().stats();
        let gauges = [
            ("webhook_endpoints", "Webhook endpoints", stats.endpoints.get()),
            ("webhook_endpoints_failing", "Failing endpoints, for which events wait", stats.failing.get()),
            ("webhook_endpoints_disabled", "Endpoints disabled by the platform", stats.disabled.get()),
            ("webhook_requests_under_way", "Requests to endpoints under way", stats.in_flight.get()),
            (
                "webhook_lag_seconds",
                "Age of the oldest undelivered event of an active endpoint, for the slowest endpoint",
                stats.lag_ms.get() / 1_000,
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let kind = ConstCounter::new(0u64).metric_type();
        let help = "Attempts to deliver an event to an endpoint, by outcome";
        let mut family = encoder.encode_descriptor("webhook_attempts", help, None, kind)?;
        for outcome in AttemptOutcome::ALL {
            let count = ConstCounter::new(stats.attempts(outcome));
            count.encode(family.encode_family(&[("outcome", outcome.as_str())])?)?;
        }
        let forgotten = ConstCounter::new(stats.forgotten.get());
        let help = "Rows of events and deliveries that were removed because they were old";
        let kind = forgotten.metric_type();
        forgotten.encode(encoder.encode_descriptor("webhook_rows_removed", help, None, kind)?)
    }

    fn encode_queues(&self, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
        let carriers = self.pipeline.carriers();
        // Messages may wait for a carrier that is no longer configured; one that has nothing waiting is shown with 0.
        let idle = carriers
            .iter()
            .map(|(carrier, _)| carrier.name())
            .filter(|name| !self.depths.iter().any(|depth| depth.carrier.as_str() == *name));
        let idle: Vec<(String, u64)> = idle.map(|name| (name.to_owned(), 0)).collect();
        let queued = self.depths.iter().map(|depth| (depth.carrier.as_str().to_owned(), depth.queued));
        gauge(encoder, "queue_messages", "Messages that wait", queued.chain(idle.clone()))?;
        let of_carriers = self.depths.iter().filter_map(|depth| Some((depth.carrier.carrier()?, depth.queued)));
        let strange = of_carriers.filter(|(name, _)| self.pipeline.is_unknown(name));
        let strange = strange.map(|(name, queued)| (name.to_string(), queued));
        gauge(
            encoder,
            "queue_messages_unknown_carrier",
            "Messages waiting for a carrier that is not in the configuration",
            strange,
        )?;
        let age_secs = |depth: &QueueDepth| {
            depth.waits_since.map_or(0, |at| (self.now_ms - at.as_millis()).max(0).unsigned_abs() / 1000)
        };
        let ages = self.depths.iter().map(|depth| (depth.carrier.as_str().to_owned(), age_secs(depth)));
        let help = "Age of the message that has waited longest";
        gauge(encoder, "queue_oldest_age_seconds", help, ages.chain(idle))?;
        let in_memory = carriers.iter().map(|(carrier, count)| (carrier.name().to_owned(), *count as u64));
        gauge(encoder, "dispatcher_messages", "Messages in the dispatcher's memory", in_memory)
    }

    fn encode_carriers(&self, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
        type Read = fn(&CarrierStatus) -> u64;
        type Count = fn(&Fates) -> u64;
        let all = self.pipeline.carriers();
        let carriers: Vec<(String, CarrierStatus)> =
            all.iter().map(|(carrier, _)| (carrier.name().to_owned(), carrier.status())).collect();
        // Nobody waits for a carrier that was removed from the configuration.
        let known = all.iter().zip(&carriers).filter(|(_, (_, status))| status.state != REMOVED);
        let up = known.map(|((carrier, _), (name, _))| (name.clone(), u64::from(carrier.down_for().is_none())));
        gauge(encoder, "carrier_up", "Whether messages can leave", up)?;
        let stopped =
            carriers.iter().map(|(name, _)| (name.clone(), u64::from(self.pipeline.stopped_since(name).is_some())));
        gauge(encoder, "carrier_stopped", "Whether an operator has stopped the carrier", stopped)?;
        let gauges: [(&str, &str, Read); 3] = [
            ("carrier_sessions", "Sessions that are bound", |status| status.sessions_bound as u64),
            ("carrier_window_in_use", "Unanswered segments", |status| status.window_in_use as u64),
            ("carrier_window", "Segments that may be unanswered", |status| status.window as u64),
        ];
        for (name, help, read) in gauges {
            gauge(encoder, name, help, carriers.iter().map(|(carrier, status)| (carrier.clone(), read(status))))?;
        }
        let counts: [(&str, &str, Read); 11] = [
            ("carrier_segments_submitted", "Segments sent", |status| status.submitted),
            ("carrier_segments_accepted", "Segments accepted by the carrier", |status| status.accepted),
            ("carrier_segments_refused", "Segments refused for good", |status| status.refused),
            ("carrier_segments_unknown", "Segments of unknown outcome", |status| status.unknown),
            ("carrier_throttled", "Throttling answers of the carrier", |status| status.throttled),
            ("carrier_receipts", "Receipts from the carrier", |status| status.receipts),
            ("carrier_inbound", "Inbound messages and parts from the carrier", |status| status.inbound),
            (
                "carrier_inbound_silent",
                "Inbound messages of Short Message Type 0, acknowledged and dropped",
                |status| status.silent,
            ),
            ("carrier_put_off", "Receipts and inbound messages that the carrier was asked to send later", |status| {
                status.put_off
            }),
            ("carrier_binds", "Sessions opened", |status| status.binds),
            ("carrier_pdus_malformed", "PDUs that could not be read", |status| status.malformed_pdus),
        ];
        for (name, help, read) in counts {
            counter(encoder, name, help, carriers.iter().map(|(carrier, status)| (carrier.clone(), read(status))))?;
        }
        self.encode_unmatched(encoder, &carriers)?;
        let fates = |read: fn(&Fates) -> u64| {
            carriers
                .iter()
                .map(move |(carrier, _)| (carrier.clone(), read(self.pipeline.counters().fates(carrier))))
                .collect::<Vec<_>>()
        };
        let ends: [(&str, &str, Count); 5] = [
            ("messages_sent", "Messages accepted by a carrier", |fates| fates.sent.get()),
            ("messages_delivered", "Messages delivered", |fates| fates.delivered.get()),
            ("messages_undelivered", "Messages undelivered", |fates| fates.undelivered.get()),
            ("messages_failed", "Messages failed", |fates| fates.failed.get()),
            ("messages_canceled", "Messages canceled before they were submitted", |fates| fates.canceled.get()),
        ];
        for (name, help, read) in ends {
            counter(encoder, name, help, fates(read).into_iter())?;
        }
        let submitted = "Time from acceptance, or launch, to the acknowledgement of the whole message";
        self.encode_durations(encoder, "submit_seconds", submitted, &carriers, |fates| &fates.submitted_after)?;
        let delivered = "Time from acceptance, or launch, to delivery at the handset";
        self.encode_durations(encoder, "delivery_seconds", delivered, &carriers, |fates| &fates.delivered_after)
    }

    /// A histogram of each carrier.
    fn encode_durations(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        carriers: &[(String, CarrierStatus)],
        read: fn(&Fates) -> &Durations,
    ) -> std::fmt::Result {
        let counters = self.pipeline.counters();
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (carrier, _) in carriers {
            let observed = read(counters.fates(carrier)).get();
            let labels = [("carrier", carrier.as_str())];
            let mut of_carrier = family.encode_family(&labels)?;
            of_carrier.encode_histogram::<NoLabelSet>(observed.sum_secs, observed.count, &observed.buckets, None)?;
        }
        Ok(())
    }
}

impl Snapshot {
    /// What carriers send in vain, and what became of it: one label for the carrier, one for the reason, both from
    /// fixed lists.
    fn encode_unmatched(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        carriers: &[(String, CarrierStatus)],
    ) -> std::fmt::Result {
        let counters = self.pipeline.counters();
        let sent = carriers.iter().flat_map(|(carrier, status)| {
            let reasons = [
                (Reason::UnknownId, counters.unmatched(carrier).unknown_id.get()),
                (Reason::Unreadable, status.unusable.unreadable),
                (Reason::Inbound, status.unusable.inbound),
            ];
            reasons.map(|(reason, count)| (carrier.clone(), reason.as_str(), count))
        });
        let refused = carriers.iter().flat_map(|(carrier, status)| {
            let counts = &status.refused_connections;
            [("not_allowed", counts.not_allowed), ("address_full", counts.address_full), ("full", counts.full)]
                .map(|(reason, count)| (carrier.clone(), reason, count))
        });
        counter_by_reason(
            encoder,
            "carrier_connections_refused",
            "Connections refused by the listener of a carrier",
            refused,
        )?;
        counter_by_reason(
            encoder,
            "carrier_unmatched",
            "Receipts and messages of a carrier that could not be used",
            sent,
        )?;
        let dropped = carriers.iter().flat_map(|(carrier, _)| {
            let unmatched = counters.unmatched(carrier);
            [("no_room", unmatched.dropped.get()), ("too_old", unmatched.expired.get())]
                .map(|(reason, count)| (carrier.clone(), reason, count))
        });
        counter_by_reason(encoder, "receipts_dropped", "Receipts that matched nothing and were dropped", dropped)?;
        let missing = carriers.iter().map(|(carrier, _)| (carrier.clone(), counters.unmatched(carrier).missing.get()));
        counter(encoder, "receipts_missing", "Messages without all receipts after receipt_wait_hours", missing)
    }
}

fn counter_by_reason(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (String, &'static str, u64)>,
) -> std::fmt::Result {
    let kind = ConstCounter::new(0u64).metric_type();
    let mut family = encoder.encode_descriptor(name, help, None, kind)?;
    for (carrier, reason, value) in values {
        ConstCounter::new(value).encode(family.encode_family(&[("carrier", carrier.as_str()), ("reason", reason)])?)?;
    }
    Ok(())
}

/// A gauge of each carrier.
fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (String, u64)>,
) -> std::fmt::Result {
    gauge_of(encoder, name, help, "carrier", values)
}

/// A gauge of each value of a label.
fn gauge_of(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &'static str,
    values: impl Iterator<Item = (String, u64)>,
) -> std::fmt::Result {
    let kind = ConstGauge::new(0i64).metric_type();
    let mut family = encoder.encode_descriptor(name, help, None, kind)?;
    for (of, value) in values {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        ConstGauge::new(value).encode(family.encode_family(&[(label, of)])?)?;
    }
    Ok(())
}

fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (String, u64)>,
) -> std::fmt::Result {
    let kind = ConstCounter::new(0u64).metric_type();
    let mut family = encoder.encode_descriptor(name, help, None, kind)?;
    for (carrier, value) in values {
        ConstCounter::new(value).encode(family.encode_family(&[("carrier", carrier)])?)?;
    }
    Ok(())
}
