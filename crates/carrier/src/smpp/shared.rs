//! What the links of a carrier and the carrier itself both see.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use runtime::Runtime;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, watch};
use wire::smpp::BindKind;

use super::config::SmppConfig;
use super::errors::ErrorTable;
use super::parts::Parts;
use super::session::Session;
use crate::unusable::Refusals;
use crate::{CarrierEvent, Event, Events, SegmentOutcome, SubmissionOutcome};

/// What all links of a carrier share.
pub(crate) struct Shared {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) config: Arc<SmppConfig>,
    pub(crate) errors: Arc<ErrorTable>,
    pub(crate) parts: Arc<Parts>,
    pub(crate) links: Vec<LinkState>,
    pub(crate) counts: Counts,
    name: Arc<str>,
    events: Events,
    /// Wakes whoever waits for room, or for the end.
    changes: Notify,
    draining: watch::Sender<bool>,
    health: Mutex<Health>,
}

/// One link, as the carrier sees it.
#[derive(Default)]
pub(crate) struct LinkState {
    /// Whether it is one that sends: no receiver.
    pub(crate) sends: bool,
    pub(crate) bound: AtomicBool,
    pub(crate) closed: AtomicBool,
    pub(crate) binds: AtomicU64,
    /// Segments handed to it and not answered.
    in_use: AtomicUsize,
    /// Those of them that have left.
    unanswered: AtomicUsize,
    /// How many may wait to leave: what its own pace lets go in a second.
    unsent_max: usize,
    window: AtomicUsize,
    resting: AtomicBool,
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
    pub(crate) malformed: AtomicU64,
    pub(crate) unusable: Refusals,
}

/// Since when nothing could be sent, and what went wrong last.
struct Health {
    down_since: Option<Instant>,
    refused: bool,
    last_error: Option<String>,
}

impl LinkState {
    /// Whether segments handed to it would leave.
    pub(crate) fn can_send(&self) -> bool {
        self.bound.load(Ordering::Acquire) && !self.resting.load(Ordering::Acquire)
    }

    /// How many more segments it would send.
    pub(crate) fn room(&self) -> usize {
        if !self.can_send() {
            return 0;
        }
        let in_use = self.in_use();
        let unsent = in_use.saturating_sub(self.unanswered.load(Ordering::Acquire));
        self.window().saturating_sub(in_use).min(self.unsent_max.saturating_sub(unsent))
    }

    /// How many unanswered segments there may be now.
    pub(crate) fn window(&self) -> usize {
        self.window.load(Ordering::Acquire)
    }

    pub(crate) fn in_use(&self) -> usize {
        self.in_use.load(Ordering::Acquire)
    }

    pub(crate) fn resting(&self) -> bool {
        self.resting.load(Ordering::Acquire)
    }

    pub(crate) fn reserve(&self, segments: usize) {
        self.in_use.fetch_add(segments, Ordering::AcqRel);
    }

    pub(crate) fn release(&self, segments: usize) {
        self.in_use.fetch_sub(segments, Ordering::AcqRel);
    }

    /// Shows how the session stands.
    pub(crate) fn show(&self, session: &Session, now: Instant) {
        self.window.store(session.window(), Ordering::Release);
        self.unanswered.store(session.unanswered(), Ordering::Release);
        self.resting.store(session.rests(now), Ordering::Release);
    }
}

impl Shared {
    pub(crate) fn new(runtime: Arc<dyn Runtime>, config: Arc<SmppConfig>, links: &[BindKind], events: Events) -> Self {
        let unsent_max = if config.session_rate == 0 { usize::MAX } else { config.session_rate as usize };
        let link = |kind: &BindKind| {
            let (sends, window) = (*kind != BindKind::Receiver, AtomicUsize::new(config.window));
            LinkState { sends, window, unsent_max, ..LinkState::default() }
        };
        Self {
            errors: Arc::new(ErrorTable::new(&config)),
            parts: Arc::default(),
            links: links.iter().map(link).collect(),
            counts: Counts::default(),
            name: config.name.as_str().into(),
            events,
            changes: Notify::new(),
            draining: watch::Sender::new(false),
            health: Mutex::new(Health { down_since: Some(runtime.instant()), refused: false, last_error: None }),
            runtime,
            config,
        }
    }

    /// Tells the pipeline. One that has stopped listening has stopped altogether.
    pub(crate) fn tell(&self, event: Event) {
        let _ = self.events.send(CarrierEvent { carrier: Arc::clone(&self.name), event });
    }

    /// Something about the links is different: whoever waits for room looks again.
    pub(crate) fn changed(&self) {
        if !self.links.iter().any(|link| link.sends && link.bound.load(Ordering::Acquire)) {
            let mut health = self.health();
            health.down_since = health.down_since.or_else(|| Some(self.runtime.instant()));
        }
        self.changes.notify_waiters();
    }

    /// Resolves when something may be different from what it was at this call. Make it before looking, so that no change is missed.
    pub(crate) fn change(&self) -> Notified<'_> {
        self.changes.notified()
    }

    /// A link is bound. One that only receives does not end a time without sending.
    pub(crate) fn bound(&self, link: &LinkState) {
        tracing::info!(carrier.name = %self.name, "Bound to carrier {}", self.name);
        let mut health = self.health();
        if link.sends {
            *health = Health { down_since: None, refused: false, last_error: None };
        }
    }

    /// Notes what went wrong, and whether it is that the SMSC does not take our credentials; says it in the log when it is new.
    pub(crate) fn failed(&self, why: &str, refused: bool) {
        let mut health = self.health();
        health.refused = refused;
        if health.last_error.as_deref() != Some(why) {
            tracing::warn!(carrier.name = %self.name, "Carrier {}: {why}", self.name);
            health.last_error = Some(why.to_owned());
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
        self.changed();
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
                SegmentOutcome::Unknown { .. } => &self.counts.unknown,
                SegmentOutcome::TryLater { .. } | SegmentOutcome::NotBound { .. } | SegmentOutcome::NotSent => continue,
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
