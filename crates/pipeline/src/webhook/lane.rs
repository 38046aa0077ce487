//! The lane of one endpoint: which event is sent next, and what follows from the response. A state machine without
//! sockets, tasks or clocks: the driver tells it what happened ([`Lane::on`]), asks what to send ([`Lane::send`]), and
//! writes down how far it has come ([`Lane::progress`]).
//!
//! A lane has the heads of a few events in memory and reads on in the log as they leave, so that a backlog lies on disk
//! whatever its length. An event that fails while the endpoint is well becomes an exception: the position goes on, and
//! the event is tried again by itself. While the endpoint is failing the position stops, and the oldest event probes
//! it.

mod choose;
mod ended;
mod exceptions;
mod reading;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use model::webhook::Ordering;
use model::{Timestamp, WebhookId};
use store::contract::webhooks::{DeliveryRecord, Endpoint, Failing, Heads, PendingDelivery, Progress, ResourceKey};

use super::health::Health;
use super::schedule::{TRIES_MAX, wait_after};
use exceptions::{Exception, Exceptions};
use reading::Reading;
pub(crate) use words::{Action, Ended, Input, Outcome, Sending, Source};

/// How many heads are read at once.
pub(crate) const READ: usize = 256;

/// The most exceptions that a lane has in memory. With so many its position stops, as if the endpoint were failing.
pub(crate) const EXCEPTIONS_MAX: usize = 1_000;

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
    exceptions: Exceptions,
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
            exceptions: Exceptions::default(),
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
            if !self.in_flight.contains_key(&head.seq) && !self.exceptions.contains(head.seq) {
                self.exceptions.insert(Exception { head, tries, due: due_at.min(latest) });
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

    /// Makes every exception due, once the endpoint is well.
    fn due_at_once(&mut self, now: Timestamp) {
        self.exceptions.make_due(now);
        self.are_pending_due = self.more_pending.is_some();
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
        let due = self.exceptions.next_due(now).map(|due| due.max(ready_at));
        let waits = has_heads || self.exceptions.due(now).next().is_some();
        let paused = (waits && ready_at > now).then_some(ready_at);
        [due, paused].into_iter().flatten().min()
    }

    /// The time of the oldest event that the endpoint does not have, as far as it is in memory.
    pub(crate) fn behind_since(&self) -> Option<Timestamp> {
        let in_flight = self.in_flight.values().map(|sending| sending.head.at);
        let exceptions = self.exceptions.iter().map(|exception| exception.head.at);
        let tail = self.tail.heads.iter().map(|head| head.at);
        in_flight.chain(exceptions).chain(tail).min()
    }

    /// Whether events are sent.
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
