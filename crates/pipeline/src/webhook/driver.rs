//! The driver of the lanes: it has the requests made that they ask for, as slots allow, and their progress recorded.
//!
//! One task has all lanes. It starts further tasks for reading, sending and recording, which report back. It waits for
//! none of them, so that no endpoint delays another one.

mod endpoints;
mod tasks;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::sampler::Sampler;
use model::{Owner, Timestamp, WebhookId};
use store::StoreError;
use store::contract::webhooks::{Endpoint, EventBell, Progress};
use tokio::sync::{mpsc, watch};

use super::WebhookSettings;
use super::attempt::{Context, Target};
use super::lane::{Action, Ended, Input, Lane, Outcome};
use super::slots::{Slot, Slots};
use crate::hold::Holding;

/// What an account changed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Command {
    /// The endpoints of an owner.
    Changed(Owner),
    /// An endpoint has something to deliver once more.
    Replayed(WebhookId),
}

/// What a task reports.
enum Note {
    /// For a lane.
    Lane(WebhookId, Input),
    /// An attempt has ended, and how long it took.
    Attempted(WebhookId, u64, Ended, Slot, Duration),
    /// Progress is on record, or not.
    Recorded(Vec<Progress>, Result<(), StoreError>),
    /// The endpoints of an owner, or of all.
    Endpoints(Option<Owner>, Result<Vec<Endpoint>, StoreError>),
    /// An endpoint of this owner was disabled.
    Disabled(Owner),
    /// So many old rows were removed.
    Forgotten(Result<usize, StoreError>),
}

/// Why the driver goes on.
enum Woken {
    Note(Note),
    Command(Command),
    Grew(BTreeMap<Owner, u64>),
    Time,
}

/// How long a call of the store is not repeated that failed.
const AGAIN: Duration = Duration::from_secs(1);

/// Between two looks at what is old, idle and behind.
const ROUND: Duration = Duration::from_secs(1);

/// Between two looks for old events.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// Between two looks at what accounts changed at other nodes.
const LOOK_AROUND: Duration = Duration::from_secs(5);

/// The place that the node holds which delivers. No carrier has such a name.
const DELIVERING: &str = "@webhooks";

/// Rows that one step of forgetting removes.
const FORGET: usize = 1_000;

/// An endpoint whose last request took longer is slow.
const QUICK: Duration = Duration::from_secs(1);

/// Lines a second about endpoints in trouble.
const LINES: u32 = 5;

struct Entry {
    lane: Lane,
    target: Arc<Target>,
    is_slow: bool,
    /// Why the last attempt that failed did, for the log.
    failure: String,
}

/// Why an attempt failed; `None` where it did not.
fn failure(ended: &Ended) -> Option<String> {
    let attempt = ended.attempt.as_ref().filter(|_| matches!(ended.outcome, Outcome::Failed(_)))?;
    let status = || attempt.status.map(|status| format!("it answered {status}"));
    attempt.cause.as_deref().map(str::to_owned).or_else(status)
}

/// The driver.
pub(crate) struct Driver {
    context: Arc<Context>,
    settings: WebhookSettings,
    commands: mpsc::Receiver<Command>,
    stopped: watch::Receiver<bool>,
    /// Nothing is delivered while the store is held.
    holding: Arc<Holding>,
    bell: EventBell,
    entries: BTreeMap<WebhookId, Entry>,
    slots: Slots,
    /// Endpoints that may have something to send.
    ready: BTreeSet<WebhookId>,
    /// Endpoints that found no slot, in the order of their turns.
    waiting: VecDeque<WebhookId>,
    wakes: BTreeMap<WebhookId, Timestamp>,
    /// Endpoints whose progress is not on record.
    unrecorded: BTreeSet<WebhookId>,
    /// Progress that the store did not take.
    refused: Vec<Progress>,
    is_recording: bool,
    /// Endpoints are being read, and those of these owners are read next.
    is_reading: bool,
    to_read: VecDeque<Option<Owner>>,
    record_after: Instant,
    // As long as the requests and reads that are under way, which are bounded.
    notes: (mpsc::UnboundedSender<Note>, mpsc::UnboundedReceiver<Note>),
    next_round: Instant,
    next_forget: Instant,
    next_look: Instant,
    lines: Sampler,
}

impl Driver {
    pub(crate) fn new(
        context: Arc<Context>,
        settings: WebhookSettings,
        commands: mpsc::Receiver<Command>,
        stopped: watch::Receiver<bool>,
        holding: Arc<Holding>,
    ) -> Self {
        let (now, bell) = (context.runtime.instant(), context.store.event_bell());
        Self {
            context,
            settings,
            commands,
            stopped,
            holding,
            bell,
            entries: BTreeMap::new(),
            slots: Slots::new(settings.requests_max),
            ready: BTreeSet::new(),
            waiting: VecDeque::new(),
            wakes: BTreeMap::new(),
            unrecorded: BTreeSet::new(),
            refused: Vec::new(),
            is_recording: false,
            is_reading: false,
            to_read: VecDeque::new(),
            record_after: now,
            notes: mpsc::unbounded_channel(),
            next_round: now,
            next_forget: now + FORGET_EVERY,
            next_look: now,
            lines: Sampler::new(LINES),
        }
    }

    /// Delivers until the process ends, and then records what is still under way. Where several nodes share the store,
    /// one of them delivers.
    pub(crate) async fn run(mut self) {
        if !self.is_released().await || !self.is_this_nodes().await {
            return;
        }
        self.read_endpoints(None);
        loop {
            self.act();
            let runtime = Arc::clone(&self.context.runtime);
            let wake = self.wake_at();
            let woken = tokio::select! {
                biased;
                _ = self.stopped.wait_for(|stopped| *stopped) => break,
                Some(note) = self.notes.1.recv() => Woken::Note(note),
                Some(command) = self.commands.recv() => Woken::Command(command),
                ends = self.bell.next() => Woken::Grew(ends),
                () = runtime.sleep_until(wake) => Woken::Time,
            };
            match woken {
                Woken::Note(note) => self.take_all(note),
                Woken::Command(command) => self.command(command),
                Woken::Grew(ends) => self.grew(&ends),
                Woken::Time => {}
            }
            self.round();
        }
        self.finish().await;
    }

    /// Waits until the store is not held. `false` where the process ends before.
    async fn is_released(&mut self) -> bool {
        let holding = Arc::clone(&self.holding);
        while holding.get().is_some() {
            tokio::select! {
                biased;
                _ = self.stopped.wait_for(|stopped| *stopped) => return false,
                () = holding.released() => {}
                // What accounts change meanwhile is read when delivering begins.
                Some(_) = self.commands.recv() => {}
            }
        }
        true
    }

    /// Waits until delivering is this node's. `false` where the process ends before.
    async fn is_this_nodes(&mut self) -> bool {
        let (store, node) = (Arc::clone(&self.context.store), self.context.node);
        while store.is_shared() {
            match store.claim_slots(node, DELIVERING.to_owned(), 1, 1).await {
                Ok(held) if !held.is_empty() => break,
                Ok(_) => {}
                Err(error) => tracing::debug!("Whether this node delivers webhooks is not known: {error}"),
            }
            // What accounts change meanwhile is read when delivering begins.
            while self.commands.try_recv().is_ok() {}
            let runtime = Arc::clone(&self.context.runtime);
            tokio::select! {
                biased;
                _ = self.stopped.wait_for(|stopped| *stopped) => return false,
                () = runtime.sleep(AGAIN) => {}
            }
        }
        true
    }

    /// Looks at what accounts changed at other nodes.
    fn look_around(&mut self) {
        self.read_endpoints(None);
        let ids: Vec<WebhookId> = self.entries.keys().copied().collect();
        ids.into_iter().for_each(|id| self.command(Command::Replayed(id)));
    }

    /// Begins no further request, and records what comes of those under way. The caller bounds the time.
    async fn finish(mut self) {
        loop {
            self.record();
            if self.slots.used() == 0 && !self.is_recording {
                // What the store does not take now is sent once more after the next start.
                return;
            }
            let Some(note) = self.notes.1.recv().await else { return };
            self.take_all(note);
        }
    }

    /// Takes a report and those that wait behind it.
    fn take_all(&mut self, first: Note) {
        self.take(first);
        while let Ok(note) = self.notes.1.try_recv() {
            self.take(note);
        }
    }

    fn take(&mut self, note: Note) {
        match note {
            Note::Lane(id, input) => self.input(id, input),
            Note::Attempted(id, seq, ended, slot, took) => {
                self.slots.give_back(slot);
                if let Some(entry) = self.entries.get_mut(&id) {
                    entry.is_slow = took >= QUICK;
                    entry.failure = failure(&ended).unwrap_or_else(|| std::mem::take(&mut entry.failure));
                }
                self.input(id, Input::Ended(seq, ended));
            }
            Note::Recorded(progress, result) => self.recorded(progress, result),
            Note::Endpoints(owner, result) => self.endpoints_read(owner, result),
            Note::Disabled(owner) => self.read_endpoints(Some(owner)),
            Note::Forgotten(Ok(count)) => {
                self.context.stats.forgotten.add_many(count as u64);
                if count >= FORGET {
                    self.next_forget = self.context.runtime.instant();
                }
            }
            Note::Forgotten(Err(error)) => tracing::debug!("Old events could not be removed: {error}"),
        }
    }

    fn input(&mut self, id: WebhookId, input: Input) {
        let now = self.context.runtime.steady();
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let actions = entry.lane.on(input, now);
        self.perform(id, actions);
        self.touched(id);
    }

    /// Notes that a lane may have something to send or to record.
    fn touched(&mut self, id: WebhookId) {
        self.ready.insert(id);
        self.unrecorded.insert(id);
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Changed(owner) => self.read_endpoints(Some(owner)),
            Command::Replayed(id) => {
                let Some(entry) = self.entries.get_mut(&id) else { return };
                let actions = entry.lane.look_again();
                self.perform(id, actions);
            }
        }
    }

    fn grew(&mut self, ends: &BTreeMap<Owner, u64>) {
        let found: Vec<(WebhookId, u64)> = self
            .entries
            .iter()
            .filter_map(|(id, entry)| Some((*id, *ends.get(&entry.target.webhook.owner)?)))
            .collect();
        for (id, end) in found {
            self.input(id, Input::Grew(end));
        }
    }

    /// Sends and records what there is.
    fn act(&mut self) {
        for _ in 0..self.waiting.len() {
            let Some(id) = self.waiting.pop_front() else { break };
            self.send(id);
        }
        while let Some(id) = self.ready.pop_first() {
            self.send(id);
        }
        self.record();
    }

    /// Says that an endpoint is failing, and why, or that it is not any more.
    fn say(&self, id: WebhookId, is_failing: bool) {
        let Some(entry) = self.entries.get(&id) else { return };
        if let Some(line) = self.lines.line(self.context.runtime.instant()) {
            let account = entry.target.webhook.owner.account;
            let what = match is_failing {
                true => format!("is failing, and its events wait: {}", entry.failure),
                false => "answers again".to_owned(),
            };
            tracing::warn!(
                webhook.id = %id,
                account.id = %account,
                left_out = line.left_out,
                "The webhook {id} of {account} {what}"
            );
        }
    }

    /// When something is to be done, should nothing happen before.
    fn wake_at(&self) -> Instant {
        let (now, instant) = (self.context.runtime.steady(), self.context.runtime.instant());
        let lanes = self.wakes.values().min().map(|at| instant + at.since(now));
        let record = (!self.refused.is_empty() && !self.is_recording).then_some(self.record_after);
        [Some(self.next_round), lanes, record].into_iter().flatten().min().unwrap_or(self.next_round)
    }

    /// What time brings: deliveries that are due, connections that nothing uses, old events.
    fn round(&mut self) {
        let (now, instant) = (self.context.runtime.steady(), self.context.runtime.instant());
        let due: Vec<WebhookId> = self.wakes.iter().filter(|(_, at)| **at <= now).map(|(id, _)| *id).collect();
        for id in due {
            self.wakes.remove(&id);
            self.ready.insert(id);
        }
        if instant >= self.next_round {
            self.next_round =
                instant + if self.entries.is_empty() && !self.context.store.is_shared() { FORGET_EVERY } else { ROUND };
            self.measure(instant);
        }
        if self.context.store.is_shared() && instant >= self.next_look {
            self.next_look = instant + LOOK_AROUND;
            self.look_around();
        }
        if instant >= self.next_forget {
            self.next_forget = instant + FORGET_EVERY;
            let (store, before) = (Arc::clone(&self.context.store), self.context.runtime.now() - self.settings.keep);
            self.spawn("webhook forget", async move { Note::Forgotten(store.forget_events(before, FORGET).await) });
        }
    }

    fn measure(&self, instant: Instant) {
        let (stats, now) = (&self.context.stats, self.context.runtime.now());
        let mut oldest = None;
        for entry in self.entries.values() {
            entry.target.close_idle(instant);
            if entry.lane.is_active() {
                oldest = [oldest, entry.lane.behind_since()].into_iter().flatten().min();
            }
        }
        let count = |is: fn(&Entry) -> bool| self.entries.values().filter(|entry| is(entry)).count() as u64;
        stats.lag_ms.set(oldest.map_or(0, |at| u64::try_from(now.since(at).as_millis()).unwrap_or(u64::MAX)));
        stats.endpoints.set(self.entries.len() as u64);
        stats.failing.set(count(|entry| entry.lane.is_active() && entry.lane.is_failing()));
        stats.disabled.set(count(|entry| entry.target.webhook.disabled.is_some()));
        stats.in_flight.set(self.entries.values().map(|entry| entry.lane.in_flight() as u64).sum());
    }
}

#[cfg(test)]
mod tests {
    use store::contract::webhooks::DeliveryAttempt;

    use super::*;

    #[test]
    fn a_failed_attempt_has_a_cause_for_the_log() {
        let cause = Some("TLS failed: the server offers neither TLS 1.3 nor TLS 1.2".into());
        let said = |outcome, status, cause| {
            let attempt = DeliveryAttempt { at: Timestamp::default(), status, cause, took_ms: 7, response: "".into() };
            failure(&Ended { outcome, attempt: Some(attempt), body: None, unit: 0.5 })
        };
        for (outcome, status, cause, wanted) in [
            (Outcome::Failed(None), None, cause, Some("TLS failed: the server offers neither TLS 1.3 nor TLS 1.2")),
            (Outcome::Failed(None), Some(503), None, Some("it answered 503")),
            (Outcome::Delivered, Some(204), None, None),
            (Outcome::Gone, Some(410), None, None),
        ] {
            assert_eq!(said(outcome, status, cause).as_deref(), wanted, "{outcome:?}, {status:?}");
        }
    }
}
