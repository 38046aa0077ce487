//! A carrier whose message is one request with one answer, as MM4 and MM7 are: how many may be under way, how fast, and
//! what is done while it cannot be reached.
//!
//! In come submissions, out goes one outcome each. What a request is, is the [`Exchange`]'s to say. There is no
//! connection that could be seen to be down, so the answers tell: after a failure the carrier rests, longer each time,
//! and then one message is its probe.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use model::unmatched::{Reason, escaped};
use model::{CarrierName, MessageId};
use runtime::Runtime;
use tokio::sync::Notify;

use crate::ack::{Ack, AckId};
use crate::codes::Consequence;
use crate::inbound::ANSWERED_WITHIN;
use crate::rooms::{Refused, RefusedCounters};
use crate::throttle::{Bucket, Rest};
use crate::trace::{Decoded, Direction, Seen};
use crate::unusable::{Refusals, SHOWN_HEAD_OCTETS_MAX, SHOWN_INBOUND_OCTETS_MAX};
use crate::{
    Carrier, CarrierEvent, CarrierStatus, Event, Events, Inbound, Insight, Receipt, SegmentOutcome, Submission,
};

/// How a message is handed over.
#[async_trait]
pub(crate) trait Exchange: Send + Sync + 'static {
    /// Hands a message over and waits for the answer, for as long as an answer may take and no longer.
    async fn hand_over(&self, submission: &Submission) -> Handed;

    /// Where it listens for what the carrier reports; `None` where it does not.
    fn listens_at(&self) -> Option<SocketAddr>;

    /// Nothing more will be handed over: waits that a message can do without may end.
    fn begin_drain(&self) {}

    /// Stops listening for what the carrier reports. Called when nothing is under way any more; perhaps more than once.
    fn close(&self);
}

/// How handing over went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handed {
    /// What became of the message.
    pub(crate) outcome: SegmentOutcome,
    /// What it says about the carrier.
    pub(crate) peer: Peer,
}

/// What an exchange shows about the carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Nothing: it was not asked.
    NotAsked,
    /// It answers.
    Answers,
    /// It asks to be spared for a while.
    Busy,
    /// It cannot be reached, or does not talk sense: why, for the operator.
    Fails(String),
    /// It does not take our credentials, or does not let us in: why, for the operator.
    RefusesUs(String),
}

/// The knobs that every carrier of this kind has.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// Messages under way at once.
    pub(crate) window: usize,
    /// The longest time from a submission to its outcome.
    pub(crate) answers_within: Duration,
    /// Messages a second; 0 for no limit.
    pub(crate) rate: u32,
    /// How long a message waits for its report; `None` for no end.
    pub(crate) receipt_wait: Option<Duration>,
    /// The pause after a first failure; it doubles with each further failure.
    pub(crate) rest_floor: Duration,
    /// The longest such pause.
    pub(crate) rest_ceiling: Duration,
}

/// What the carrier and those who listen for it tell the pipeline, and count.
pub(crate) struct Teller {
    name: CarrierName,
    events: Events,
    insight: Arc<Insight>,
    receipts: AtomicU64,
    inbound: AtomicU64,
    malformed: AtomicU64,
    unusable: Refusals,
    refused_connections: RefusedCounters,
}

impl Teller {
    pub(crate) fn new(name: &str, events: Events, insight: Arc<Insight>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            events,
            insight,
            receipts: AtomicU64::new(0),
            inbound: AtomicU64::new(0),
            malformed: AtomicU64::new(0),
            unusable: Refusals::default(),
            refused_connections: RefusedCounters::default(),
        })
    }

    /// What the operator looks into.
    pub(crate) const fn insight(&self) -> &Arc<Insight> {
        &self.insight
    }

    /// Traces what goes to the peer or comes from it, which `decode` writes, while the operator has it traced.
    pub(crate) fn trace(
        &self,
        runtime: &Arc<dyn Runtime>,
        direction: Direction,
        message: Option<MessageId>,
        decode: impl FnOnce(bool) -> Decoded,
    ) {
        if self.insight.trace.is_on() {
            let seen = Seen { at: runtime.now(), session: None, direction, message };
            self.insight.trace.note(seen, decode);
        }
    }

    /// The carrier's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Tells of a report. The peer is answered when its [`Ack`] is.
    pub(crate) fn receipt(&self, receipt: Receipt, ack: Ack) {
        self.receipts.fetch_add(1, Ordering::Relaxed);
        self.insight.codes.receipt(receipt.state, receipt.error.as_deref());
        self.tell(Event::Receipt(receipt, ack));
    }

    /// Tells of a message of a handset. The peer is answered when its [`Ack`] is.
    pub(crate) fn inbound(&self, inbound: Inbound, ack: Ack) {
        self.inbound.fetch_add(1, Ordering::Relaxed);
        self.tell(Event::Inbound(Box::new(inbound), ack));
    }

    /// Counts an answer that could not be read.
    pub(crate) fn malformed(&self) {
        self.malformed.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that could not be read, and tells of it: how it came is `octets`.
    pub(crate) fn unreadable(&self, why: impl Into<String>, octets: &[u8]) {
        self.malformed();
        self.unusable(Reason::Unreadable, why, octets);
    }

    /// Tells of something that nothing here can use, and that was refused: how it came is `octets`.
    pub(crate) fn unusable(&self, reason: Reason, why: impl Into<String>, octets: &[u8]) {
        let most = if reason == Reason::Inbound { SHOWN_INBOUND_OCTETS_MAX } else { SHOWN_HEAD_OCTETS_MAX };
        if let Some(unusable) = self.unusable.count(reason, why, escaped(octets, most)) {
            self.tell(Event::Unusable(unusable));
        }
    }

    /// Counts a connection that our listener refused.
    pub(crate) fn refused_connection(&self, why: Refused) {
        self.refused_connections.add(why);
    }

    fn tell(&self, event: Event) {
        // A pipeline that no longer listens has stopped altogether.
        let _ = self.events.send(CarrierEvent { carrier: self.name.clone(), event });
    }
}

/// The answer to a message of a handset that is on its way to the peer.
#[derive(Clone)]
pub(crate) struct Unconfirmed {
    teller: Arc<Teller>,
    id: AckId,
    came_at: Instant,
}

impl Unconfirmed {
    /// The answer of this name to what came at `came_at`.
    pub(crate) const fn new(teller: Arc<Teller>, id: AckId, came_at: Instant) -> Self {
        Self { teller, id, came_at }
    }

    /// The peer has it: tells so, if that is in time.
    pub(crate) fn reached_peer(self, now: Instant) {
        if now <= self.came_at + ANSWERED_WITHIN {
            self.teller.tell(Event::Answered(self.id));
        }
    }
}

/// A carrier made of exchanges.
pub(crate) struct ExchangeCarrier<E: Exchange> {
    core: Arc<Core<E>>,
}

struct Core<E> {
    runtime: Arc<dyn Runtime>,
    exchange: E,
    teller: Arc<Teller>,
    bounds: Bounds,
    pace: Mutex<Bucket>,
    health: Mutex<Health>,
    in_use: AtomicUsize,
    draining: AtomicBool,
    counts: Counts,
    /// Wakes whoever waits for room, or for the end.
    changes: Notify,
}

#[derive(Default)]
struct Counts {
    submitted: AtomicU64,
    accepted: AtomicU64,
    refused: AtomicU64,
    throttled: AtomicU64,
    unknown: AtomicU64,
}

/// Since when nothing could be handed over, until when nobody tries, and what went wrong last.
struct Health {
    down_since: Option<Instant>,
    refuses_us: bool,
    rest: Rest,
    last_error: Option<String>,
}

impl<E: Exchange> ExchangeCarrier<E> {
    pub(crate) fn new(runtime: Arc<dyn Runtime>, exchange: E, teller: Arc<Teller>, bounds: Bounds) -> Self {
        let health = Health {
            down_since: None,
            refuses_us: false,
            rest: Rest::new(bounds.rest_floor, bounds.rest_ceiling),
            last_error: None,
        };
        let core = Core {
            exchange,
            teller,
            pace: Mutex::new(Bucket::new(bounds.rate, runtime.instant())),
            runtime,
            bounds,
            health: Mutex::new(health),
            in_use: AtomicUsize::new(0),
            draining: AtomicBool::new(false),
            counts: Counts::default(),
            changes: Notify::new(),
        };
        Self { core: Arc::new(core) }
    }
}

/// A carrier that nobody can hand anything to has nothing to listen for.
impl<E: Exchange> Drop for ExchangeCarrier<E> {
    fn drop(&mut self) {
        self.core.exchange.close();
    }
}

#[async_trait]
impl<E: Exchange> Carrier for ExchangeCarrier<E> {
    fn name(&self) -> &str {
        self.core.teller.name()
    }

    async fn ready(&self) -> usize {
        loop {
            let change = self.core.changes.notified();
            let now = self.core.runtime.instant();
            match self.core.room(now) {
                Room::Messages(count) => return count,
                Room::NoneUntil(at) => {
                    let _ = self.core.runtime.timeout_at(at, change).await;
                }
                Room::None => change.await,
            }
        }
    }

    fn window(&self) -> usize {
        self.core.bounds.window
    }

    fn answers_within(&self) -> Duration {
        self.core.bounds.answers_within
    }

    fn submit(&self, submission: Submission) {
        self.core.pace().spend(1);
        self.core.counts.submitted.fetch_add(1, Ordering::Relaxed);
        let under_way = UnderWay::begin(Arc::clone(&self.core), submission);
        let handing_over = async move {
            let handed = match under_way.core.draining.load(Ordering::Acquire) {
                true => Handed { outcome: SegmentOutcome::NotSent, peer: Peer::NotAsked },
                false => under_way.core.exchange.hand_over(&under_way.submission).await,
            };
            under_way.end(handed);
        };
        self.core.runtime.spawn("handing over", Box::pin(handing_over));
    }

    fn down_for(&self) -> Option<Duration> {
        let now = self.core.runtime.instant();
        self.core.health().down_since.map(|since| now.saturating_duration_since(since))
    }

    fn status(&self) -> CarrierStatus {
        let core = &*self.core;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let in_use = core.in_use.load(Ordering::Acquire);
        let health = core.health();
        let state = match () {
            () if core.draining.load(Ordering::Acquire) && in_use == 0 => "closed",
            () if core.draining.load(Ordering::Acquire) => "draining",
            () if health.refuses_us => "refused",
            () if health.down_since.is_some() => "down",
            () if health.rest.until(core.runtime.instant()).is_some() => "throttled",
            () => "ready",
        };
        CarrierStatus {
            state,
            sessions_bound: 0,
            sessions_configured: 0,
            sessions: Vec::new(),
            rate: core.bounds.rate,
            window_in_use: in_use,
            window: core.bounds.window,
            submitted: count(&core.counts.submitted),
            accepted: count(&core.counts.accepted),
            refused: count(&core.counts.refused),
            throttled: count(&core.counts.throttled),
            unknown: count(&core.counts.unknown),
            receipts: count(&core.teller.receipts),
            inbound: count(&core.teller.inbound),
            silent: 0,
            put_off: 0,
            binds: 0,
            malformed_pdus: count(&core.teller.malformed),
            unusable: core.teller.unusable.counts(),
            refused_connections: core.teller.refused_connections.counts(),
            last_error: health.last_error.clone(),
            listens_at: core.exchange.listens_at(),
        }
    }

    fn insight(&self) -> Option<Arc<Insight>> {
        Some(Arc::clone(self.core.teller.insight()))
    }

    fn receipt_wait(&self) -> Option<Duration> {
        self.core.bounds.receipt_wait
    }

    async fn drain(&self, limit: Duration) {
        self.core.draining.store(true, Ordering::Release);
        self.core.exchange.begin_drain();
        let answered = async {
            loop {
                let change = self.core.changes.notified();
                if self.core.in_use.load(Ordering::Acquire) == 0 {
                    return;
                }
                change.await;
            }
        };
        // Past the limit the process ends; what is unanswered is of unknown outcome in the store already.
        let _ = self.core.runtime.timeout(limit, answered).await;
        self.core.exchange.close();
    }
}

/// A message that is being handed over. When it is dropped, by its end or by a fault of ours, its place is free and its
/// outcome told.
struct UnderWay<E: Exchange> {
    core: Arc<Core<E>>,
    submission: Submission,
    handed: Handed,
}

impl<E: Exchange> UnderWay<E> {
    fn begin(core: Arc<Core<E>>, submission: Submission) -> Self {
        core.in_use.fetch_add(1, Ordering::AcqRel);
        let outcome = SegmentOutcome::Unknown { why: "handing it over was broken off" };
        Self { core, submission, handed: Handed { outcome, peer: Peer::NotAsked } }
    }

    fn end(mut self, handed: Handed) {
        self.handed = handed;
    }
}

impl<E: Exchange> Drop for UnderWay<E> {
    fn drop(&mut self) {
        self.core.note(&self.handed);
        if let SegmentOutcome::Accepted { carrier_id: Some(carrier_id), .. } = &self.handed.outcome
            && self.core.teller.insight.trace.is_on()
        {
            self.core.teller.insight.trace.took(carrier_id, self.submission.message.id);
        }
        self.core.teller.tell(Event::Outcome(self.submission.ended(1, vec![(1, self.handed.outcome.clone())])));
        self.core.in_use.fetch_sub(1, Ordering::AcqRel);
        self.core.changes.notify_waiters();
    }
}

/// Whether messages can leave.
enum Room {
    /// So many, now.
    Messages(usize),
    /// Not before then.
    NoneUntil(Instant),
    /// Not before something changes.
    None,
}

impl<E> Core<E> {
    fn room(&self, now: Instant) -> Room {
        let in_use = self.in_use.load(Ordering::Acquire);
        let health = self.health();
        if let Some(until) = health.rest.until(now) {
            return Room::NoneUntil(until);
        }
        // After a failure one message finds out whether it is over.
        let window = if health.down_since.is_some() { 1 } else { self.bounds.window };
        let room = window.saturating_sub(in_use);
        if room == 0 || self.draining.load(Ordering::Acquire) {
            return Room::None;
        }
        let mut pace = self.pace();
        match (pace.available(now), pace.free_at(now)) {
            (0, free_at) => Room::NoneUntil(free_at.unwrap_or(now + Duration::from_millis(1))),
            (tokens, _) => Room::Messages(room.min(tokens)),
        }
    }

    fn note(&self, handed: &Handed) {
        let counter = match &handed.outcome {
            SegmentOutcome::Accepted { .. } => Some(&self.counts.accepted),
            SegmentOutcome::Refused { .. } => Some(&self.counts.refused),
            SegmentOutcome::Unknown { .. } => Some(&self.counts.unknown),
            SegmentOutcome::TryLater { .. } | SegmentOutcome::NotBound { .. } | SegmentOutcome::NotSent => None,
        };
        counter.map(|counter| counter.fetch_add(1, Ordering::Relaxed));
        self.count_code(handed);
        let now = self.runtime.instant();
        let mut health = self.health();
        match &handed.peer {
            Peer::NotAsked => {}
            Peer::Answers => {
                health.rest.over(now);
                if health.down_since.take().is_some() {
                    tracing::info!(carrier.name = %self.teller.name, "Carrier {} answers again", self.teller.name);
                }
                health.refuses_us = false;
                health.last_error = None;
            }
            Peer::Busy => {
                self.counts.throttled.fetch_add(1, Ordering::Relaxed);
                health.rest.begin(now);
            }
            Peer::Fails(why) | Peer::RefusesUs(why) => {
                health.down_since = health.down_since.or(Some(now));
                health.refuses_us = matches!(handed.peer, Peer::RefusesUs(_));
                health.rest.begin(now);
                if health.last_error.as_deref() != Some(why) {
                    tracing::warn!(carrier.name = %self.teller.name, "Carrier {}: {why}", self.teller.name);
                    health.last_error = Some(why.clone());
                }
            }
        }
    }

    /// Counts the code with which the carrier answered, where it did.
    fn count_code(&self, handed: &Handed) {
        let codes = &self.teller.insight.codes;
        match &handed.outcome {
            SegmentOutcome::Accepted { remark, .. } => {
                codes.text(remark.as_deref().unwrap_or("accepted"), Consequence::Accepted);
            }
            SegmentOutcome::Refused { status, .. } => codes.text(status, Consequence::Failed),
            SegmentOutcome::TryLater { status } if handed.peer == Peer::Busy => {
                codes.text(status, Consequence::Throttled);
            }
            SegmentOutcome::TryLater { status } | SegmentOutcome::NotBound { status } => {
                codes.text(status, Consequence::Retry);
            }
            SegmentOutcome::Unknown { why } => codes.text(why, Consequence::Unknown),
            SegmentOutcome::NotSent => {}
        }
    }

    fn pace(&self) -> MutexGuard<'_, Bucket> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
