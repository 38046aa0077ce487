//! The lane of one endpoint: which event is sent next, and what follows from the response. A state machine without
//! sockets, tasks or clocks: the driver tells it what happened ([`Lane::on`]), asks what to send ([`Lane::send`]), and
//! writes down how far it has come ([`Lane::progress`]).
//!
//! A lane has the heads of a few events in memory and reads on in the log as they leave, so that a backlog lies on disk
//! whatever its length. An event that fails while the endpoint is well becomes an exception: the position goes on, and
//! the event is tried again by itself. While the endpoint is failing the position stops, and the oldest event probes
//! it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use model::webhook::{DisabledReason, Ordering};
use model::{Timestamp, WebhookId};
use store::contract::webhooks::{
    DeliveryAttempt, DeliveryRecord, DeliveryState, Endpoint, EventHead, Failing, Heads, PendingDelivery, Progress,
    Replaying, ResourceKey,
};

use super::health::{Health, Verdict};
use super::schedule::{TRIES_MAX, wait_after};

/// How many heads are read at once.
pub(crate) const READ: usize = 256;

/// With fewer heads in memory a lane reads on.
const LOW: usize = 128;

/// The most exceptions that a lane has in memory. With so many its position stops, as if the endpoint were failing.
pub(crate) const EXCEPTIONS_MAX: usize = 1_000;

/// The most deliveries that are not recorded yet. With so many nothing more is sent.
const UNRECORDED_MAX: usize = 2_000;

/// Where an event was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// The position of the endpoint.
    Tail,
    /// A replay.
    Replay,
    /// The deliveries that are tried again.
    Exceptions,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// The owner's log ends here now.
    Grew(u64),
    /// Events were read; after an error there are none, and the same is asked for again.
    Read(Source, Option<Heads>),
    /// There is this replay, or none.
    Replay(Option<Replaying>),
    /// Pending deliveries were read, up to `limit`; after an error there are none, and the same is asked for again.
    Pending(Option<Vec<PendingDelivery>>, usize),
    /// An attempt has ended.
    Ended(u64, Ended),
    /// The account changed its endpoint.
    Changed(Box<Endpoint>),
}

/// How an attempt ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    /// What is recorded of it; nothing where nothing was sent.
    pub(crate) attempt: Option<DeliveryAttempt>,
    /// What was sent.
    pub(crate) body: Option<Arc<str>>,
    /// A random number from 0 up to 1, for the next wait.
    pub(crate) unit: f64,
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The endpoint has the event.
    Delivered,
    /// The event is not there any more.
    Vanished,
    /// The endpoint answered 410.
    Gone,
    /// It failed, and the endpoint asks for so much time.
    Failed(Option<Duration>),
    /// This platform could not make the attempt: it says nothing about the endpoint.
    NotMade,
}

/// What the driver is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Read events after this number; of a replay where it is named.
    Read { source: Source, after: u64, replay: Option<u64> },
    /// Look which replay is next.
    LookForReplay,
    /// Read pending deliveries after this event.
    ReadPending(u64),
    /// Disable the endpoint.
    Disable(DisabledReason),
    /// The endpoint is failing from now on.
    Failing,
    /// The endpoint answers as it should again.
    Recovered,
}

/// An event that is to be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sending {
    pub(crate) head: EventHead,
    /// How many attempts were made before.
    pub(crate) tries: u32,
    /// What it was read from.
    pub(crate) source: Source,
    /// Whether it probes a failing endpoint.
    probe: bool,
}

/// A place in the log and the heads behind it.
#[derive(Debug, Default)]
struct Reading {
    heads: VecDeque<EventHead>,
    /// Events that were read here and have not ended, those under way included.
    open: BTreeSet<u64>,
    read_to: u64,
    end: u64,
    under_way: bool,
    /// What comes of the read under way is not wanted any more.
    is_stale: bool,
}

impl Reading {
    fn from(position: u64, end: u64) -> Self {
        Self { read_to: position, end, ..Self::default() }
    }

    /// Everything up to this number has ended.
    fn position(&self) -> u64 {
        self.open.first().map_or(self.read_to, |first| first - 1)
    }

    fn take(&mut self, heads: Heads) {
        self.open.extend(heads.heads.iter().map(|head| head.seq));
        self.heads.extend(heads.heads);
        self.read_to = self.read_to.max(heads.looked_to);
        self.end = self.end.max(self.read_to);
    }

    fn wants_more(&self) -> bool {
        !self.under_way && self.heads.len() < LOW && self.read_to < self.end
    }
}

#[derive(Clone, Copy, Debug)]
struct Exception {
    head: EventHead,
    tries: u32,
    due: Timestamp,
}

/// The lane of an endpoint.
#[derive(Debug)]
pub(crate) struct Lane {
    id: WebhookId,
    active: bool,
    ordering: Ordering,
    per_endpoint: usize,
    health: Health,
    tail: Reading,
    replay: Option<(u64, Reading)>,
    looks_for_replay: bool,
    /// A replay has come to its end; once that is on record, the next one is looked for.
    replay_ended: bool,
    exceptions: BTreeMap<u64, Exception>,
    due: BTreeSet<(Timestamp, u64)>,
    /// The exceptions of each resource, where their order counts.
    of_resource: BTreeMap<ResourceKey, BTreeSet<u64>>,
    /// There may be pending deliveries on disk after this event which are not in memory.
    more_pending: Option<u64>,
    reads_pending: bool,
    /// Those on disk are due at once when they are read, as those in memory were.
    are_pending_due: bool,
    /// What is being read is to be read once more, because it may have changed meanwhile.
    pending_again: bool,
    replay_again: bool,
    in_flight: BTreeMap<u64, Sending>,
    busy: BTreeSet<ResourceKey>,
    unrecorded: Vec<DeliveryRecord>,
    failing_recorded: Option<Failing>,
    is_dirty: bool,
}

impl Lane {
    /// The lane of an endpoint as it is on record. `per_endpoint` is the most that it may send at once, whatever its
    /// health.
    pub(crate) fn new(endpoint: &Endpoint, per_endpoint: usize, now: Timestamp, unit: f64) -> Self {
        Self {
            id: endpoint.webhook.id,
            active: endpoint.webhook.active,
            ordering: endpoint.webhook.ordering,
            per_endpoint,
            health: Health::of(endpoint.failing, now, unit),
            tail: Reading::from(endpoint.position, endpoint.last),
            replay: None,
            looks_for_replay: false,
            replay_ended: false,
            exceptions: BTreeMap::new(),
            due: BTreeSet::new(),
            of_resource: BTreeMap::new(),
            more_pending: Some(0),
            reads_pending: false,
            are_pending_due: false,
            pending_again: false,
            replay_again: false,
            in_flight: BTreeMap::new(),
            busy: BTreeSet::new(),
            unrecorded: Vec::new(),
            failing_recorded: endpoint.failing,
            is_dirty: false,
        }
    }

    /// What the lane asks for at its start.
    pub(crate) fn begin(&mut self) -> Vec<Action> {
        let mut actions = vec![Action::LookForReplay];
        self.looks_for_replay = true;
        actions.extend(self.reads());
        actions
    }

    /// Takes what happened, and says what is to be done.
    pub(crate) fn on(&mut self, input: Input, now: Timestamp) -> Vec<Action> {
        let mut actions = Vec::new();
        match input {
            Input::Grew(end) => self.tail.end = self.tail.end.max(end),
            Input::Read(source, heads) => self.read(source, heads),
            Input::Replay(replay) => {
                self.looks_for_replay = std::mem::take(&mut self.replay_again) && replay.is_none();
                if self.looks_for_replay {
                    actions.push(Action::LookForReplay);
                }
                self.replay = replay.map(|replay| (replay.number, Reading::from(replay.position, replay.end)));
            }
            Input::Pending(pending, limit) => self.pending(pending, limit, now),
            Input::Ended(seq, ended) => actions.extend(self.ended(seq, ended, now)),
            Input::Changed(endpoint) => self.changed(&endpoint, now),
        }
        actions.extend(self.reads());
        actions
    }

    /// Looks again for replays and pending deliveries, after the account asked for some.
    pub(crate) fn look_again(&mut self) -> Vec<Action> {
        // What is being read was perhaps read before.
        (self.pending_again, self.replay_again) = (self.reads_pending, self.looks_for_replay);
        self.more_pending = Some(0);
        let mut actions = self.reads();
        if self.replay.is_none() && !self.looks_for_replay {
            self.looks_for_replay = true;
            actions.push(Action::LookForReplay);
        }
        actions
    }

    /// What is to be read.
    fn reads(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        if !self.active {
            return actions;
        }
        if let Some(after) = self.more_pending.filter(|_| !self.reads_pending)
            && self.exceptions.len() < EXCEPTIONS_MAX / 2
        {
            self.reads_pending = true;
            actions.push(Action::ReadPending(after));
        }
        // A failing endpoint needs nothing but its oldest event.
        let needs_none = self.health.failing().is_some() && self.oldest().is_some();
        if self.more_pending.is_some() || needs_none {
            return actions;
        }
        if self.tail.wants_more() {
            self.tail.under_way = true;
            actions.push(Action::Read { source: Source::Tail, after: self.tail.read_to, replay: None });
        }
        if let Some((number, reading)) = self.replay.as_mut().filter(|(_, reading)| reading.wants_more()) {
            reading.under_way = true;
            let (after, replay) = (reading.read_to, Some(*number));
            actions.push(Action::Read { source: Source::Replay, after, replay });
        }
        actions
    }

    fn read(&mut self, source: Source, heads: Option<Heads>) {
        let reading = match source {
            Source::Tail => &mut self.tail,
            Source::Replay | Source::Exceptions => match &mut self.replay {
                Some((_, reading)) => reading,
                None => return,
            },
        };
        reading.under_way = false;
        if std::mem::take(&mut reading.is_stale) {
            return;
        }
        if let Some(heads) = heads {
            reading.take(heads);
            self.is_dirty = true;
        }
    }

    fn pending(&mut self, pending: Option<Vec<PendingDelivery>>, limit: usize, now: Timestamp) {
        self.reads_pending = false;
        let Some(pending) = pending else { return };
        let is_more = pending.len() >= limit;
        self.more_pending = match std::mem::take(&mut self.pending_again) {
            true => Some(0),
            false => pending.last().map(|last| last.head.seq).filter(|_| is_more),
        };
        // A clock that ran ahead must not put a delivery off for longer than the schedule does.
        let latest = now + wait_after(TRIES_MAX, 1.0, None);
        let latest = if self.are_pending_due { now } else { latest };
        self.are_pending_due &= self.more_pending.is_some();
        for PendingDelivery { head, tries, due_at } in pending {
            if !self.in_flight.contains_key(&head.seq) && !self.exceptions.contains_key(&head.seq) {
                self.except(Exception { head, tries, due: due_at.min(latest) });
            }
        }
    }

    fn changed(&mut self, endpoint: &Endpoint, now: Timestamp) {
        let was_active = std::mem::replace(&mut self.active, endpoint.webhook.active);
        self.ordering = endpoint.webhook.ordering;
        // Another subscription wants other events.
        self.tail.read_to = self.tail.position();
        self.tail.heads.clear();
        self.tail.open.retain(|seq| self.in_flight.contains_key(seq));
        self.tail.is_stale = self.tail.under_way;
        self.tail.end = self.tail.end.max(endpoint.last);
        if self.active && !was_active {
            self.health = Health::of(endpoint.failing, now, 0.0);
            self.failing_recorded = endpoint.failing;
            self.due_at_once(now);
        }
    }

    /// The event that is sent next, if one may be sent now.
    pub(crate) fn send(&mut self, now: Timestamp) -> Option<Sending> {
        if !self.active || self.unrecorded.len() >= UNRECORDED_MAX {
            return None;
        }
        let limit = match self.ordering {
            Ordering::Strict => 1,
            Ordering::Message | Ordering::None => self.health.in_flight_max(now).min(self.per_endpoint),
        };
        if self.in_flight.len() >= limit || now < self.health.ready_at() {
            return None;
        }
        let sending = if self.health.failing().is_some() {
            let (head, tries, source) = self.oldest()?;
            Sending { head, tries, source, probe: true }
        } else {
            self.again(now, limit).or_else(|| self.first_time(now))?
        };
        self.leave(&sending);
        self.in_flight.insert(sending.head.seq, sending);
        self.busy.insert(sending.head.resource);
        Some(sending)
    }

    /// The oldest event that the endpoint does not have.
    fn oldest(&self) -> Option<(EventHead, u32, Source)> {
        if self.more_pending.is_some() && self.exceptions.is_empty() {
            return None;
        }
        let exception = self.exceptions.values().next().map(|e| (e.head, e.tries, Source::Exceptions));
        let tail = self.tail.heads.front().map(|head| (*head, 0, Source::Tail));
        let replay = self.replay.as_ref().and_then(|(_, reading)| reading.heads.front());
        let replay = replay.map(|head| (*head, 0, Source::Replay));
        [exception, tail, replay].into_iter().flatten().min_by_key(|(head, ..)| head.seq)
    }

    /// An exception that is due. They have no more than half of the requests, so that events which were never tried are
    /// not starved.
    fn again(&self, now: Timestamp, limit: usize) -> Option<Sending> {
        let again = self.in_flight.values().filter(|sending| sending.source == Source::Exceptions).count();
        if again >= limit.div_ceil(2) {
            return None;
        }
        let due = self.due.iter().take_while(|(due, _)| *due <= now);
        let found = due.filter_map(|(_, seq)| self.exceptions.get(seq)).find(|exception| self.may_go(exception))?;
        Some(Sending { head: found.head, tries: found.tries, source: Source::Exceptions, probe: false })
    }

    /// Whether nothing that must come before an exception is open.
    fn may_go(&self, exception: &Exception) -> bool {
        let head = &exception.head;
        match self.ordering {
            Ordering::None => true,
            Ordering::Strict => self.exceptions.keys().next() == Some(&head.seq),
            Ordering::Message => {
                !self.busy.contains(&head.resource)
                    && self.of_resource.get(&head.resource).and_then(BTreeSet::first) == Some(&head.seq)
            }
        }
    }

    /// An event that was never tried: from the tail, or from a replay where the tail has none. Those whose resource has
    /// an exception become exceptions too, which wait for it.
    fn first_time(&mut self, now: Timestamp) -> Option<Sending> {
        if self.more_pending.is_some() {
            return None;
        }
        for source in [Source::Tail, Source::Replay] {
            loop {
                let strict_waits = self.ordering == Ordering::Strict && !self.exceptions.is_empty();
                if strict_waits || self.exceptions.len() >= EXCEPTIONS_MAX {
                    return None;
                }
                let (busy, ordering) = (&self.busy, self.ordering);
                let is_free = |head: &&EventHead| ordering != Ordering::Message || !busy.contains(&head.resource);
                let heads = match source {
                    Source::Tail => &self.tail.heads,
                    Source::Replay | Source::Exceptions => match &self.replay {
                        Some((_, reading)) => &reading.heads,
                        None => break,
                    },
                };
                // Those of a busy resource wait; others overtake them.
                let Some(head) = heads.iter().find(is_free).copied() else { break };
                let sending = Sending { head, tries: 0, source, probe: false };
                if self.in_flight.contains_key(&head.seq) {
                    // It is under way anyway, and is closed when that has ended.
                    self.leave(&sending);
                    continue;
                }
                if self.exceptions.contains_key(&head.seq) {
                    self.leave(&sending);
                    self.close(head.seq);
                    continue;
                }
                if self.ordering == Ordering::Message && self.of_resource.contains_key(&head.resource) {
                    self.leave(&sending);
                    self.close(head.seq);
                    self.note(&sending, DeliveryState::Pending, 0, Some(now), None, None);
                    self.except(Exception { head, tries: 0, due: now });
                    continue;
                }
                return Some(sending);
            }
        }
        None
    }

    /// Takes an event from where it was read.
    fn leave(&mut self, sending: &Sending) {
        let seq = sending.head.seq;
        match sending.source {
            Source::Exceptions => drop(self.forget_exception(seq)),
            Source::Tail => self.tail.heads.retain(|head| head.seq != seq),
            Source::Replay => {
                if let Some((_, reading)) = &mut self.replay {
                    reading.heads.retain(|head| head.seq != seq);
                }
            }
        }
    }

    /// Notes that no position need wait for an event any more.
    fn close(&mut self, seq: u64) {
        self.tail.open.remove(&seq);
        if let Some((_, reading)) = &mut self.replay {
            reading.open.remove(&seq);
        }
        self.is_dirty = true;
    }

    fn ended(&mut self, seq: u64, ended: Ended, now: Timestamp) -> Vec<Action> {
        let Some(sending) = self.in_flight.remove(&seq) else { return Vec::new() };
        if !self.in_flight.values().any(|other| other.head.resource == sending.head.resource) {
            self.busy.remove(&sending.head.resource);
        }
        self.close(seq);
        let Ended { outcome, attempt, body, unit } = ended;
        let tries = sending.tries + 1;
        let mut actions = Vec::new();
        match outcome {
            Outcome::Delivered => {
                self.note(&sending, DeliveryState::Succeeded, tries, None, attempt, None);
                if self.health.succeeded(now) {
                    self.due_at_once(now);
                    actions.push(Action::Recovered);
                }
            }
            Outcome::Vanished => {
                if sending.source == Source::Exceptions {
                    self.note(&sending, DeliveryState::Failed, tries, None, attempt, None);
                }
            }
            Outcome::NotMade => self.try_again(&sending, sending.tries, now + wait_after(1, unit, None), attempt, body),
            Outcome::Gone => {
                self.try_again(&sending, tries, now, attempt, body);
                self.active = false;
                actions.push(Action::Disable(DisabledReason::Gone));
            }
            Outcome::Failed(asked) => {
                let verdict = self.health.failed(now, unit, asked, sending.probe);
                if tries >= TRIES_MAX && self.health.failing().is_none() {
                    self.note(&sending, DeliveryState::Failed, tries, None, attempt, None);
                } else {
                    self.try_again(&sending, tries, now + wait_after(tries, unit, asked), attempt, body);
                }
                match verdict {
                    Verdict::Same => {}
                    Verdict::Failing => actions.push(Action::Failing),
                    Verdict::Hopeless => {
                        self.active = false;
                        actions.push(Action::Disable(DisabledReason::Failing));
                    }
                }
            }
        }
        actions
    }

    fn try_again(
        &mut self,
        sending: &Sending,
        tries: u32,
        due: Timestamp,
        attempt: Option<DeliveryAttempt>,
        body: Option<Arc<str>>,
    ) {
        self.note(sending, DeliveryState::Pending, tries, Some(due), attempt, body);
        self.except(Exception { head: sending.head, tries, due });
    }

    fn except(&mut self, exception: Exception) {
        let Exception { head, due, .. } = exception;
        self.exceptions.insert(head.seq, exception);
        self.due.insert((due, head.seq));
        self.of_resource.entry(head.resource).or_default().insert(head.seq);
    }

    fn forget_exception(&mut self, seq: u64) -> Option<Exception> {
        let exception = self.exceptions.remove(&seq)?;
        self.due.remove(&(exception.due, seq));
        if let Some(seqs) = self.of_resource.get_mut(&exception.head.resource) {
            seqs.remove(&seq);
            if seqs.is_empty() {
                self.of_resource.remove(&exception.head.resource);
            }
        }
        Some(exception)
    }

    /// Makes every exception due, once the endpoint is well.
    fn due_at_once(&mut self, now: Timestamp) {
        self.due = self.exceptions.keys().map(|seq| (now, *seq)).collect();
        self.exceptions.values_mut().for_each(|exception| exception.due = now);
        self.are_pending_due = self.more_pending.is_some();
    }

    fn note(
        &mut self,
        sending: &Sending,
        state: DeliveryState,
        tries: u32,
        due_at: Option<Timestamp>,
        attempt: Option<DeliveryAttempt>,
        body: Option<Arc<str>>,
    ) {
        self.is_dirty = true;
        self.unrecorded.push(DeliveryRecord { head: sending.head, state, tries, due_at, attempt, body });
    }

    /// What is to be recorded since the last call.
    pub(crate) fn progress(&mut self) -> Option<Progress> {
        if !std::mem::take(&mut self.is_dirty) {
            return None;
        }
        let replay = self.replay.as_ref().map(|(number, reading)| (*number, reading.position()));
        // A replay that has come to its end is removed; the next one is looked for.
        if self.replay.as_ref().is_some_and(|(_, r)| r.open.is_empty() && r.read_to >= r.end && !r.under_way) {
            (self.replay, self.replay_ended) = (None, true);
        }
        Some(Progress {
            webhook: self.id,
            position: self.tail.position(),
            failing: self.failing_changed(),
            replay,
            deliveries: std::mem::take(&mut self.unrecorded),
        })
    }

    /// The state, where it is not the one on record.
    fn failing_changed(&mut self) -> Option<Option<Failing>> {
        let failing = self.health.failing();
        (std::mem::replace(&mut self.failing_recorded, failing) != failing).then_some(failing)
    }

    /// What follows once progress is on record.
    pub(crate) fn recorded(&mut self) -> Vec<Action> {
        if !std::mem::take(&mut self.replay_ended) || self.looks_for_replay {
            return Vec::new();
        }
        self.looks_for_replay = true;
        vec![Action::LookForReplay]
    }

    /// When there is something to send, should nothing happen before; `None` when only an input can change that.
    pub(crate) fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        if !self.active {
            return None;
        }
        let has_heads = !self.tail.heads.is_empty() || self.replay.as_ref().is_some_and(|(_, r)| !r.heads.is_empty());
        let ready_at = self.health.ready_at();
        if self.health.failing().is_some() {
            return (has_heads || !self.exceptions.is_empty()).then_some(ready_at).filter(|at| *at > now);
        }
        // Those that were due before wait for others of their resource, whose ends are inputs.
        let due = self.due.range((now, u64::MAX)..).next().map(|(due, _)| (*due).max(ready_at));
        let waits = has_heads || self.due.first().is_some_and(|(due, _)| *due <= now);
        let paused = (waits && ready_at > now).then_some(ready_at);
        [due, paused].into_iter().flatten().min()
    }

    /// The time of the oldest event that the endpoint does not have, as far as it is in memory.
    pub(crate) fn behind_since(&self) -> Option<Timestamp> {
        let in_flight = self.in_flight.values().map(|sending| sending.head.at);
        let exceptions = self.exceptions.values().map(|exception| exception.head.at);
        let tail = self.tail.heads.iter().map(|head| head.at);
        in_flight.chain(exceptions).chain(tail).min()
    }

    /// Whether anything is sent.
    pub(crate) const fn is_active(&self) -> bool {
        self.active
    }

    /// Whether the endpoint is failing.
    pub(crate) const fn is_failing(&self) -> bool {
        self.health.failing().is_some()
    }

    /// How many requests are under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }
}

#[cfg(test)]
mod tests;
