//! The driver of the lanes: it has the requests made that they ask for, as slots allow, and their progress recorded.
//!
//! One task has all lanes. Reading, sending and recording are tasks of their own, which report back; none of them is
//! waited for, so that no endpoint delays another one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::sampler::Sampler;
use model::webhook::{DisabledReason, Webhook};
use model::{Owner, Timestamp, WebhookId};
use store::StoreError;
use store::contract::webhooks::{Endpoint, EventBell, Progress};
use tokio::sync::{mpsc, watch};

use super::WebhookSettings;
use super::attempt::{self, Context, Target};
use super::lane::{Action, EXCEPTIONS_MAX, Ended, Input, Lane, READ};
use super::slots::{Slot, Slots};

/// Whether the same events are sent to an endpoint in the same order, before a change and after it.
fn is_sent_alike(before: &Webhook, after: &Webhook) -> bool {
    before.events == after.events
        && before.active == after.active
        && before.ordering == after.ordering
        && before.broadcast_messages == after.broadcast_messages
}

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
}

/// The driver.
pub(crate) struct Driver {
    context: Arc<Context>,
    settings: WebhookSettings,
    commands: mpsc::Receiver<Command>,
    stopped: watch::Receiver<bool>,
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
    lines: Sampler,
}

impl Driver {
    pub(crate) fn new(
        context: Arc<Context>,
        settings: WebhookSettings,
        commands: mpsc::Receiver<Command>,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        let (now, bell) = (context.runtime.instant(), context.store.event_bell());
        Self {
            context,
            settings,
            commands,
            stopped,
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
            lines: Sampler::new(LINES),
        }
    }

    /// Delivers until the process ends, and then records what is still under way.
    pub(crate) async fn run(mut self) {
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

    fn endpoints_read(&mut self, owner: Option<Owner>, result: Result<Vec<Endpoint>, StoreError>) {
        self.is_reading = false;
        match result {
            Ok(endpoints) => self.endpoints(owner, endpoints),
            Err(error) => {
                tracing::warn!("The endpoints of webhooks could not be read: {error}");
                self.to_read.push_back(owner);
            }
        }
        if let Some(next) = self.to_read.pop_front() {
            self.read_endpoints(next);
        }
    }

    /// Takes over the endpoints as they are on record now.
    fn endpoints(&mut self, owner: Option<Owner>, endpoints: Vec<Endpoint>) {
        let is_meant = |entry: &Entry| owner.is_none_or(|owner| entry.target.webhook.owner == owner);
        let gone: Vec<WebhookId> = self
            .entries
            .iter()
            .filter(|(id, entry)| is_meant(entry) && !endpoints.iter().any(|found| found.webhook.id == **id))
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            self.entries.remove(&id);
            self.wakes.remove(&id);
            self.unrecorded.remove(&id);
        }
        for endpoint in endpoints {
            let id = endpoint.webhook.id;
            match self.entries.get_mut(&id) {
                Some(entry) => {
                    let is_other = !is_sent_alike(&entry.target.webhook, &endpoint.webhook);
                    // Secrets and connections are those of the endpoint as it is now.
                    entry.target = Arc::new(Target::new(Arc::new(endpoint.webhook.clone())));
                    // A lane that begins to read anew sends again what is delivered and not on record.
                    if is_other {
                        self.input(id, Input::Changed(Box::new(endpoint)));
                    }
                }
                None => self.add(endpoint),
            }
        }
    }

    fn add(&mut self, endpoint: Endpoint) {
        let (id, now, unit) = (endpoint.webhook.id, self.context.runtime.steady(), self.context.entropy.next_unit());
        self.next_round = self.next_round.min(self.context.runtime.instant() + ROUND);
        let lane = Lane::new(&endpoint, self.slots.per_endpoint(), now, unit);
        let target = Arc::new(Target::new(Arc::new(endpoint.webhook)));
        let entry = self.entries.entry(id).or_insert(Entry { lane, target, is_slow: false });
        let actions = entry.lane.begin();
        self.perform(id, actions);
        self.touched(id);
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

    fn send(&mut self, id: WebhookId) {
        let now = self.context.runtime.steady();
        loop {
            let Some(entry) = self.entries.get_mut(&id) else { return };
            let Some(slot) = self.slots.take(entry.is_slow) else {
                if !self.waiting.contains(&id) {
                    self.waiting.push_back(id);
                }
                return;
            };
            let Some(sending) = entry.lane.send(now) else {
                self.slots.give_back(slot);
                break;
            };
            let (context, target) = (Arc::clone(&self.context), Arc::clone(&entry.target));
            let (notes, seq) = (self.notes.0.clone(), sending.head.seq);
            let attempt = async move {
                let began = context.runtime.instant();
                let ended = attempt::deliver(&context, &target, seq).await;
                let took = context.runtime.instant().saturating_duration_since(began);
                // Only a driver that has ended does not listen.
                let _ = notes.send(Note::Attempted(id, seq, ended, slot, took));
            };
            drop(self.context.runtime.spawn("webhook attempt", Box::pin(attempt)));
            self.unrecorded.insert(id);
        }
        if let Some(entry) = self.entries.get_mut(&id) {
            // Reading on may have become possible.
            let actions = entry.lane.on(Input::Grew(0), now);
            match entry.lane.wake_at(now) {
                Some(at) => drop(self.wakes.insert(id, at)),
                None => drop(self.wakes.remove(&id)),
            }
            self.perform(id, actions);
        }
    }

    /// Has what is not on record recorded, in one transaction, unless one is under way.
    fn record(&mut self) {
        let now = self.context.runtime.instant();
        if self.is_recording || now < self.record_after {
            return;
        }
        let mut progress = std::mem::take(&mut self.refused);
        for id in std::mem::take(&mut self.unrecorded) {
            progress.extend(self.entries.get_mut(&id).and_then(|entry| entry.lane.progress()));
        }
        if progress.is_empty() {
            return;
        }
        self.is_recording = true;
        let store = Arc::clone(&self.context.store);
        let kept = progress.clone();
        self.spawn("webhook record", async move {
            let result = store.record_progress(progress).await;
            Note::Recorded(kept, result)
        });
    }

    fn recorded(&mut self, progress: Vec<Progress>, result: Result<(), StoreError>) {
        self.is_recording = false;
        match result {
            Ok(()) => {
                for id in progress.iter().map(|progress| progress.webhook) {
                    let actions = self.entries.get_mut(&id).map(|entry| entry.lane.recorded());
                    self.perform(id, actions.unwrap_or_default());
                    self.ready.insert(id);
                }
            }
            Err(error) => {
                tracing::warn!("The progress of webhooks could not be recorded: {error}");
                self.record_after = self.context.runtime.instant() + AGAIN;
                self.refused = progress;
            }
        }
    }

    fn perform(&mut self, id: WebhookId, actions: Vec<Action>) {
        let store = Arc::clone(&self.context.store);
        for action in actions {
            let store = Arc::clone(&store);
            match action {
                Action::Read { source, after, replay } => {
                    let runtime = Arc::clone(&self.context.runtime);
                    self.spawn("webhook read", async move {
                        let heads = store.event_heads(id, after, replay, READ).await.ok();
                        if heads.is_none() {
                            runtime.sleep(AGAIN).await;
                        }
                        Note::Lane(id, Input::Read(source, heads))
                    });
                }
                Action::LookForReplay => self.spawn("webhook read", async move {
                    let replay = store.replay_under_way(id).await.ok().flatten();
                    Note::Lane(id, Input::Replay(replay))
                }),
                Action::ReadPending(after) => {
                    let runtime = Arc::clone(&self.context.runtime);
                    self.spawn("webhook read", async move {
                        let limit = EXCEPTIONS_MAX / 2;
                        let pending = store.pending_deliveries(id, after, limit).await.ok();
                        if pending.is_none() {
                            runtime.sleep(AGAIN).await;
                        }
                        Note::Lane(id, Input::Pending(pending, limit))
                    });
                }
                Action::Disable(reason) => self.disable(id, reason),
                Action::Failing => self.say(id, "is failing: events wait for it"),
                Action::Recovered => self.say(id, "answers again"),
            }
        }
    }

    /// Has an endpoint disabled on record. Its lane sends nothing any more.
    fn disable(&self, id: WebhookId, reason: DisabledReason) {
        let (context, notes) = (Arc::clone(&self.context), self.notes.0.clone());
        let disable = async move {
            loop {
                match context.store.disable_webhook(id, reason, context.runtime.now()).await {
                    Ok(Some(webhook)) => {
                        let owner = webhook.owner;
                        tracing::warn!(
                            webhook.id = %id,
                            account.id = %owner.account,
                            "The webhook {id} was disabled: {}",
                            reason.as_str()
                        );
                        // Only a driver that has ended does not listen.
                        let _ = notes.send(Note::Disabled(owner));
                        return;
                    }
                    Ok(None) => return,
                    Err(error @ (StoreError::Failed(_) | StoreError::Over)) => {
                        tracing::warn!("The webhook {id} could not be disabled: {error}");
                        return;
                    }
                    Err(_) => context.runtime.sleep(AGAIN).await,
                }
            }
        };
        drop(self.context.runtime.spawn("webhook disable", Box::pin(disable)));
    }

    fn say(&self, id: WebhookId, what: &str) {
        let Some(entry) = self.entries.get(&id) else { return };
        if let Some(line) = self.lines.line(self.context.runtime.instant()) {
            let account = entry.target.webhook.owner.account;
            tracing::warn!(
                webhook.id = %id,
                account.id = %account,
                left_out = line.left_out,
                "The webhook {id} of {account} {what}"
            );
        }
    }

    /// Has endpoints read, one call after the other, so that none brings back an earlier state.
    fn read_endpoints(&mut self, owner: Option<Owner>) {
        if self.is_reading {
            if !self.to_read.contains(&owner) {
                self.to_read.push_back(owner);
            }
            return;
        }
        self.is_reading = true;
        let context = Arc::clone(&self.context);
        self.spawn("webhook read", async move {
            let read = context.store.webhooks(owner).await;
            if read.is_err() {
                context.runtime.sleep(AGAIN).await;
            }
            Note::Endpoints(owner, read)
        });
    }

    fn spawn(&self, name: &'static str, work: impl Future<Output = Note> + Send + 'static) {
        let notes = self.notes.0.clone();
        // Only a driver that has ended does not listen.
        let report = async move { drop(notes.send(work.await)) };
        drop(self.context.runtime.spawn(name, Box::pin(report)));
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
            self.next_round = instant + if self.entries.is_empty() { FORGET_EVERY } else { ROUND };
            self.measure(instant);
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
