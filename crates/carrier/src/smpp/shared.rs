//! The state that the links of a carrier share with the carrier.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use model::CarrierName;
use model::sampler::{Line, Sampler};
use runtime::Runtime;
use tokio::sync::watch;
use wire::smpp::BindKind;

use super::config::SmppConfig;
use super::effect::Counted;
use super::errors::ErrorTable;
use super::link_state::{Changes, LinkState, Standing};
use super::looks::Look;
use super::parts::Parts;
use crate::codes::Consequence;
use crate::unusable::Refusals;
use crate::{CarrierEvent, Event, Events, Insight, SegmentOutcome, SubmissionOutcome};

/// What all links of a carrier share.
pub(crate) struct Shared {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) config: Arc<SmppConfig>,
    pub(crate) errors: Arc<ErrorTable>,
    pub(crate) parts: Arc<Parts>,
    pub(crate) links: Vec<LinkState>,
    /// How each of them looks to the operator.
    pub(crate) looks: Vec<Look>,
    pub(crate) insight: Arc<Insight>,
    pub(crate) counts: Counts,
    name: CarrierName,
    events: Events,
    changes: Changes,
    draining: watch::Sender<bool>,
    health: Mutex<Health>,
    /// Log lines about what the SMSC brings: each of its PDUs can cause one.
    silent_lines: Sampler,
    put_off_lines: Sampler,
}

/// What is counted since the start.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) submitted: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) throttled: AtomicU64,
    pub(crate) unknown: AtomicU64,
    pub(crate) receipts: AtomicU64,
    pub(crate) inbound: AtomicU64,
    pub(crate) silent: AtomicU64,
    pub(crate) put_off: AtomicU64,
    pub(crate) binds: AtomicU64,
    pub(crate) malformed: AtomicU64,
    pub(crate) unusable: Refusals,
}

/// Since when nothing could be sent, and what went wrong last.
struct Health {
    down_since: Option<Instant>,
    refused: bool,
    last_error: Option<String>,
}

impl Shared {
    pub(crate) fn new(
        runtime: Arc<dyn Runtime>,
        config: Arc<SmppConfig>,
        links: &[BindKind],
        events: Events,
        insight: Arc<Insight>,
    ) -> Self {
        let unsent_max = if config.session_rate == 0 { usize::MAX } else { config.session_rate as usize };
        let link = |kind: &BindKind| LinkState::new(*kind != BindKind::Receiver, config.window, unsent_max);
        Self {
            errors: Arc::new(ErrorTable::new(&config)),
            parts: Arc::default(),
            links: links.iter().map(link).collect(),
            looks: links.iter().map(|kind| Look::new(*kind, runtime.instant())).collect(),
            insight,
            counts: Counts::default(),
            name: config.name.as_str().into(),
            events,
            changes: Changes::new(),
            draining: watch::Sender::new(false),
            health: Mutex::new(Health { down_since: Some(runtime.instant()), refused: false, last_error: None }),
            silent_lines: Sampler::new(1),
            put_off_lines: Sampler::new(1),
            runtime,
            config,
        }
    }

    /// Tells the pipeline. One that has stopped listening has stopped altogether.
    pub(crate) fn tell(&self, event: Event) {
        let _ = self.events.send(CarrierEvent { carrier: self.name.clone(), event });
    }

    /// Publishes how a link stands (`None`: its session has ended), then tells what happened, then wakes those who
    /// wait.
    pub(crate) fn publish<T>(&self, link: &LinkState, standing: Option<Standing>, tell: impl FnOnce() -> T) -> T {
        let tell = || {
            self.note_outage();
            let told = tell();
            // It may have told of a session that was bound and ended at once.
            self.note_outage();
            told
        };
        match standing {
            Some(standing) => link.publish(standing, &self.changes, tell),
            None => link.publish_end(&self.changes, tell),
        }
    }

    /// Notes since when no link can send.
    fn note_outage(&self) {
        if !self.links.iter().any(|link| link.sends && link.is_bound()) {
            let mut health = self.health();
            health.down_since = health.down_since.or_else(|| Some(self.runtime.instant()));
        }
    }

    /// There will be no other session on a link, and no further event is reported.
    pub(crate) fn close(&self, link: &LinkState) {
        link.close(&self.changes);
    }

    /// Resolves when something may be different from what it was at this call. Make it before looking, so that no
    /// change is missed.
    pub(crate) fn change(&self) -> impl Future<Output = ()> + '_ {
        self.changes.change()
    }

    /// A link is bound. One that only receives does not end a time without sending.
    pub(crate) fn bound(&self, link: &LinkState) {
        tracing::info!(carrier.name = %self.name, "Bound to carrier {}", self.name);
        let mut health = self.health();
        if link.sends {
            *health = Health { down_since: None, refused: false, last_error: None };
        }
    }

    /// Notes what went wrong, and whether it is that the SMSC does not take our credentials; says it in the log when it
    /// is new.
    pub(crate) fn failed(&self, why: &str, refused: bool) {
        let mut health = self.health();
        health.refused = refused;
        if health.last_error.as_deref() != Some(why) {
            tracing::warn!(carrier.name = %self.name, "Carrier {}: {why}", self.name);
            health.last_error = Some(why.to_owned());
        }
    }

    /// Says in the log what was counted, where nothing else says it.
    pub(crate) fn say(&self, counted: Counted) {
        let (lines, what) = match counted {
            Counted::Silent => (&self.silent_lines, "a Short Message Type 0 was acknowledged and dropped"),
            Counted::PutOff => {
                (&self.put_off_lines, "it was asked to deliver later, since too much waits to be stored")
            }
            Counted::Submitted | Counted::Throttled | Counted::Malformed => return,
        };
        if let Some(Line { left_out }) = lines.line(self.runtime.instant()) {
            tracing::info!(carrier.name = %self.name, left_out, "Carrier {}: {what}", self.name);
        }
    }

    pub(crate) fn down_since(&self) -> Option<Instant> {
        self.health().down_since
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        self.health().last_error.clone()
    }

    pub(crate) fn was_refused(&self) -> bool {
        self.health().refused
    }

    pub(crate) fn drain(&self) {
        self.draining.send_replace(true);
        self.changes.wake();
    }

    pub(crate) fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Waits until the carrier is drained.
    pub(crate) async fn drained(&self) {
        // The sender lives as long as we do.
        let _ = self.draining.subscribe().wait_for(|draining| *draining).await;
    }

    pub(crate) fn count_outcome(&self, outcome: &SubmissionOutcome) {
        for (_, segment) in &outcome.segments {
            let counter = match segment {
                SegmentOutcome::Accepted { .. } => &self.counts.accepted,
                SegmentOutcome::Refused { .. } => &self.counts.refused,
                SegmentOutcome::Unknown { why } => {
                    self.insight.codes.text(why, Consequence::Unknown);
                    &self.counts.unknown
                }
                SegmentOutcome::TryLater { .. } | SegmentOutcome::NotBound { .. } | SegmentOutcome::NotSent => continue,
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
