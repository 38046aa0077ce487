//! Dispatch: from the store to a carrier, one dispatcher for each.
//!
//! In come messages under lease, straight from admission or out of the store; out go submissions whose attempts are on disk. A dispatcher takes no more than the
//! carrier can send at once, so that a crash leaves no more of unknown outcome than that.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use carrier::{Carrier, Submission};
use model::backoff::Backoff;
use model::{AccountId, BroadcastId, Clock, ErrorType, Media, Message, Mode, Timestamp};
use store::contract::dispatch::{Attempt, Lease, LeaseRequest, Leased, Outcome, Retry, Verdict};
use store::{Store, StoreError};
use tokio::sync::{Notify, watch};

use crate::counters::Counters;
use crate::media::{MediaError, Shelf};
use crate::outcome::{policy_of, unattempted};
use crate::pace::SenderPaces;
use crate::queue::{FairQueue, QueueLimits};
use crate::receipt::count_changes;
use crate::route::{OnUnknown, Routes};
use crate::tenants::TenantBook;
use crate::under_way::UnderWay;
use crate::watch::MessageWaiters;

/// How dispatchers behave.
#[derive(Clone, Copy, Debug)]
pub struct DispatchSettings {
    /// The bounds of each dispatcher's memory; `originator_rate` is each carrier's own.
    pub queue: QueueLimits,
    /// How long a message is leased.
    pub lease: Duration,
    /// How much of a lease must be left when an attempt begins: longer than a carrier takes to answer.
    pub attempt: Duration,
    /// Messages whose attempts are recorded together, at most.
    pub batch: usize,
    /// How often the store is asked for what is due, at least.
    pub poll: Duration,
    /// The waits between attempts that a carrier puts off.
    pub retry: Backoff,
    /// After so many attempts that were put off, the next carrier of the route is tried.
    pub attempts_per_carrier: u32,
    /// After being down for so long, a carrier's messages go to the next one of their route.
    pub fallback_after: Duration,
}

/// The dispatchers, by carrier.
#[derive(Clone, Default)]
pub(crate) struct Dispatchers(Arc<HashMap<String, Arc<Dispatcher>>>);

impl Dispatchers {
    pub(crate) fn new(dispatchers: Vec<Arc<Dispatcher>>) -> Self {
        Self(Arc::new(dispatchers.into_iter().map(|dispatcher| (dispatcher.carrier.name().to_owned(), dispatcher)).collect()))
    }

    /// Keeps a place in a carrier's dispatcher for a message about to be admitted, with the lease that it will have. `None` when there is no room, or no such carrier.
    pub(crate) fn reserve(&self, carrier: &str, account: AccountId, now: Timestamp) -> Option<Place> {
        let dispatcher = self.0.get(carrier)?;
        if dispatcher.stopped() || !dispatcher.queue().reserve(account) {
            dispatcher.backlog.store(true, Ordering::Release);
            return None;
        }
        Some(Place { dispatcher: Arc::clone(dispatcher), account, lease: dispatcher.new_lease(now), filled: false })
    }

    /// Room for messages of broadcasts with this carrier, and the lease that those would be born with. `None` where there is no such carrier.
    pub(crate) fn room_for_broadcasts(&self, carrier: &str, now: Timestamp) -> Option<(usize, Lease)> {
        let dispatcher = self.0.get(carrier).filter(|dispatcher| !dispatcher.stopped())?;
        Some((dispatcher.queue().room_for_broadcasts(), dispatcher.new_lease(now)))
    }

    /// Takes messages into memory that were made under such leases.
    pub(crate) fn hold(&self, messages: Vec<Leased>) {
        let carriers: std::collections::BTreeSet<String> = messages.iter().map(|leased| leased.carrier.clone()).collect();
        let mut messages = messages;
        for carrier in carriers {
            let (here, rest): (Vec<_>, Vec<_>) = messages.into_iter().partition(|leased| leased.carrier == carrier);
            messages = rest;
            if let Some(dispatcher) = self.0.get(&carrier) {
                let mut queue = dispatcher.queue();
                here.into_iter().for_each(|leased| queue.push(leased));
                drop(queue);
                dispatcher.wake.notify_one();
            }
        }
    }

    /// How many messages of a broadcast wait in memory.
    pub(crate) fn held_of(&self, id: BroadcastId) -> usize {
        self.0.values().map(|dispatcher| dispatcher.queue().held_of(id)).sum()
    }

    /// Drops the messages of a broadcast, which the store lets nobody send any more.
    pub(crate) fn forget_broadcast(&self, id: BroadcastId) {
        self.0.values().for_each(|dispatcher| dispatcher.queue().forget_broadcast(id));
    }

    /// The slowest of the paces that a message from `originator` with `carrier` keeps; `None` where it keeps none.
    pub(crate) fn pace_of(&self, carrier: &str, originator: &model::Msisdn) -> Option<u32> {
        let dispatcher = self.0.get(carrier)?;
        let limits = dispatcher.settings.queue;
        let of_number = dispatcher.senders.rate_of(originator).map_or(0, std::num::NonZeroU32::get);
        [of_number, dispatcher.originator_rate, limits.account_rate].into_iter().filter(|rate| *rate > 0).min()
    }

    /// Something is due for this carrier in the store.
    pub(crate) fn look_at(&self, carrier: &str) {
        if let Some(dispatcher) = self.0.get(carrier) {
            dispatcher.backlog.store(true, Ordering::Release);
            dispatcher.wake.notify_one();
        }
    }

    /// Outcomes are recorded: what they are of is under way no more.
    pub(crate) fn recorded(&self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            if let Some(dispatcher) = self.0.get(&outcome.carrier) {
                dispatcher.under_way.record(outcome);
            }
        }
    }

    /// Whether there is such a carrier.
    pub(crate) fn has(&self, carrier: &str) -> bool {
        self.0.contains_key(carrier)
    }

    /// The carrier of this name.
    pub(crate) fn carrier(&self, name: &str) -> Option<&Arc<dyn Carrier>> {
        self.0.get(name).map(|dispatcher| &dispatcher.carrier)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Dispatcher>> {
        self.0.values()
    }

    /// The first of these carriers that can be used, other than `not`.
    fn first_up(&self, carriers: &[String], not: &str) -> Option<String> {
        let up = |name: &&String| *name != not && self.0.get(*name).is_some_and(|dispatcher| dispatcher.carrier.down_for().is_none());
        carriers.iter().find(up).cloned()
    }
}

/// A place kept in a dispatcher. Given back when it is dropped unfilled.
pub(crate) struct Place {
    dispatcher: Arc<Dispatcher>,
    account: AccountId,
    lease: Lease,
    filled: bool,
}

impl Place {
    /// The lease under which the message is to be admitted.
    pub(crate) const fn lease(&self) -> Lease {
        self.lease
    }

    /// Puts the admitted message in its place.
    pub(crate) fn fill(mut self, message: Arc<Message>) {
        self.filled = true;
        let dispatcher = &self.dispatcher;
        let carrier = dispatcher.carrier.name().to_owned();
        let leased = Leased { message, lease: self.lease, carrier, attempts: 0, accepted_segments: 0, interrupted: false };
        {
            let mut queue = dispatcher.queue();
            queue.cancel(self.account);
            queue.push(leased);
        }
        dispatcher.wake.notify_one();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.filled {
            self.dispatcher.queue().cancel(self.account);
        }
    }
}

/// The dispatcher of one carrier.
pub(crate) struct Dispatcher {
    pub(crate) carrier: Arc<dyn Carrier>,
    store: Arc<dyn Store>,
    tenants: Arc<TenantBook>,
    routes: Arc<Routes>,
    settings: DispatchSettings,
    originator_rate: u32,
    senders: Arc<SenderPaces>,
    counters: Arc<Counters>,
    waiters: Arc<MessageWaiters>,
    shelf: Arc<Shelf>,
    under_way: UnderWay,
    clock: Arc<dyn Clock>,
    queue: Mutex<FairQueue>,
    /// Something was put into the queue, or is due in the store.
    wake: Notify,
    /// The store may hold messages that are due.
    backlog: AtomicBool,
    /// Wakes who makes messages of broadcasts when some of them have left memory.
    made_room: Arc<Notify>,
    tokens: Arc<AtomicU64>,
    stop: watch::Receiver<bool>,
}

/// What a dispatcher needs, beside its carrier.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tenants: Arc<TenantBook>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) settings: DispatchSettings,
    /// The paces of sender numbers, over all carriers.
    pub(crate) senders: Arc<SenderPaces>,
    /// Told when messages of broadcasts have left memory.
    pub(crate) made_room: Arc<Notify>,
    pub(crate) counters: Arc<Counters>,
    /// Told of messages that end here.
    pub(crate) waiters: Arc<MessageWaiters>,
    /// Where the media of messages are.
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Where lease tokens come from: no two leases of this process, nor of the one before it, share one.
    pub(crate) tokens: Arc<AtomicU64>,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Dispatcher {
    pub(crate) fn new(carrier: Arc<dyn Carrier>, originator_rate: u32, around: Surroundings) -> Self {
        let limits = QueueLimits { originator_rate, ..around.settings.queue };
        Self {
            carrier,
            store: around.store,
            tenants: around.tenants,
            routes: around.routes,
            settings: around.settings,
            originator_rate,
            counters: around.counters,
            waiters: around.waiters,
            shelf: around.shelf,
            clock: around.clock,
            queue: Mutex::new(FairQueue::new(limits, Arc::clone(&around.senders))),
            senders: around.senders,
            wake: Notify::new(),
            under_way: UnderWay::default(),
            backlog: AtomicBool::new(true),
            made_room: around.made_room,
            tokens: around.tokens,
            stop: around.stop,
        }
    }

    /// How many messages it holds.
    pub(crate) fn queued(&self) -> usize {
        self.queue().len()
    }

    /// Dispatches until it is told to stop; then gives back what it holds.
    pub(crate) async fn run(&self, dispatchers: Dispatchers) {
        let mut stop = self.stop.clone();
        let mut poll = tokio::time::interval(self.settings.poll);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // Only waits are broken off, never a write: attempts that are recorded and do not leave would be of unknown outcome for nothing.
        while !self.stopped() {
            if let Err(error) = self.turn(&dispatchers, &mut poll, &mut stop).await {
                tracing::warn!(carrier.name = self.carrier.name(), %error, "Dispatch to {} is waiting for the store: {error}", self.carrier.name());
                tokio::select! {
                    () = tokio::time::sleep(STORE_REST) => {}
                    () = told(&mut stop) => {}
                }
            }
        }
        let held: Vec<_> = self.queue().clear().into_iter().map(|leased| (leased.message.id, leased.lease.token)).collect();
        if let Err(error) = self.store.release(held, self.clock.now()).await {
            tracing::warn!(%error, "Leases were not given back and will run out: {error}");
        }
    }

    /// One round: look into the store if there may be something, wait until the carrier can send, and send what is next.
    async fn turn(&self, dispatchers: &Dispatchers, poll: &mut tokio::time::Interval, stop: &mut watch::Receiver<bool>) -> Result<(), StoreError> {
        if self.backlog.load(Ordering::Acquire) && self.queue().singles() < self.settings.batch {
            self.refill().await?;
        }
        if self.queue().len() == 0 {
            tokio::select! {
                () = self.wake.notified() => {}
                _ = poll.tick() => self.backlog.store(true, Ordering::Release),
                () = told(stop) => {}
            }
            return Ok(());
        }
        let room = tokio::select! {
            biased;
            () = told(stop) => return Ok(()),
            _ = poll.tick() => return self.look_round(dispatchers).await,
            room = self.room() => room,
        };
        let now = self.clock.now();
        let taken = self.queue().take(room.min(self.settings.batch), now);
        if taken.messages.iter().any(|leased| leased.message.broadcast.is_some()) {
            self.made_room.notify_one();
        }
        if taken.messages.is_empty() {
            let Some(until) = taken.paced_until else { return Ok(()) };
            tokio::select! {
                () = tokio::time::sleep(until.since(now).max(Duration::from_millis(1))) => {}
                () = self.wake.notified() => {}
                () = told(stop) => {}
            }
            return Ok(());
        }
        self.send(taken.messages, now).await
    }

    /// Waits until the carrier can send and not too much is under way; how many segments may leave, at least 1.
    async fn room(&self) -> usize {
        let ready = self.carrier.ready().await;
        ready.min(self.under_way.room(|| self.carrier.window()).await)
    }

    /// What is done now and then however much is in memory: others' messages are fetched, what has expired is ended, and what a carrier
    /// that is down cannot send goes to the next one.
    async fn look_round(&self, dispatchers: &Dispatchers) -> Result<(), StoreError> {
        self.refill().await?;
        self.backlog.store(true, Ordering::Release);
        let now = self.clock.now();
        let expired = self.queue().weed(now);
        self.end(expired.iter().map(|leased| (leased, Verdict::Expired)), now).await?;
        self.divert(dispatchers).await
    }

    /// Ends messages that are not to leave.
    async fn end<'a>(&self, ended: impl Iterator<Item = (&'a Leased, Verdict)>, now: Timestamp) -> Result<(), StoreError> {
        let outcomes: Vec<Outcome> = ended.map(|(leased, verdict)| unattempted(leased, now, verdict, String::new())).collect();
        if outcomes.is_empty() {
            return Ok(());
        }
        let changes = self.store.record_outcomes(outcomes).await?;
        count_changes(&self.counters, &changes);
        self.waiters.tell(&changes);
        Ok(())
    }

    /// Records that these messages are about to leave, and then lets them.
    async fn send(&self, messages: Vec<Leased>, now: Timestamp) -> Result<(), StoreError> {
        let (mut live, mut ended) = (Vec::with_capacity(messages.len()), Vec::new());
        for leased in messages {
            match self.reason_against(&leased, now) {
                Some(verdict) => ended.push((leased, verdict)),
                None => match self.media_of(&leased, now).await {
                    Ok(media) => live.push((leased, media)),
                    Err(verdict) => ended.push((leased, verdict)),
                },
            }
        }
        // Media may have taken their time, and an attempt has all of its lease.
        let begins = self.clock.now();
        let attempts: Vec<Attempt> = live.iter().map(|(leased, _)| self.attempt(leased, begins)).collect();
        // Where the store does not answer, nothing has left: they wait in memory for as long as their leases last.
        let keep = |leased: &mut dyn Iterator<Item = Leased>| {
            let mut queue = self.queue();
            leased.for_each(|leased| queue.push(leased));
        };
        if let Err(error) = self.end(ended.iter().map(|(leased, verdict)| (leased, verdict.clone())), begins).await {
            keep(&mut ended.into_iter().map(|(leased, _)| leased).chain(live.into_iter().map(|(leased, _)| leased)));
            return Err(error);
        }
        let begun = match self.store.begin_attempts(attempts, begins).await {
            Ok(begun) => begun,
            Err(error) => {
                keep(&mut live.into_iter().map(|(leased, _)| leased));
                return Err(error);
            }
        };
        let took = self.clock.now().since(now);
        for ((leased, media), attempt) in live.into_iter().zip(begun) {
            self.senders.delayed(&leased.message.originator, took);
            // A lease that is over belongs to somebody else now.
            let Some(attempt) = attempt else { continue };
            self.under_way.begin(leased.message.id, attempt, leased.message.segments.max(1).into());
            let valid_for = leased.message.expires_at.since(begins);
            let (token, accepted_segments) = (leased.lease.token, leased.accepted_segments);
            self.carrier.submit(Submission { message: leased.message, media, attempt, token, accepted_segments, valid_for });
        }
        Ok(())
    }

    /// Why a message is not to leave, although it was accepted. What a broadcast sends may have waited for long: who was blocked meanwhile does not get it.
    fn reason_against(&self, leased: &Leased, now: Timestamp) -> Option<Verdict> {
        let message = &*leased.message;
        match message.broadcast {
            _ if message.expires_at <= now => Some(Verdict::Expired),
            Some(_) if self.tenants.check_sender(message.account, &message.originator).is_err() => Some(Verdict::Skipped(SENDER_STOPPED)),
            Some(_) if self.tenants.check_recipient(message.account, &message.recipient).is_err() => Some(Verdict::Skipped(RECIPIENT_BLOCKED)),
            _ => None,
        }
    }

    /// The media of a message, where it has some; what follows where they cannot be had.
    async fn media_of(&self, leased: &Leased, now: Timestamp) -> Result<Option<Media>, Verdict> {
        let Some(id) = leased.message.media else { return Ok(None) };
        match self.shelf.load(id).await {
            Ok(media) => Ok(Some(media)),
            Err(error @ MediaError::Lost(..)) => {
                tracing::error!(message.id = %leased.message.id, "A message cannot be sent: {error}");
                self.counters.media.lost.add();
                let error_type = ErrorType::MediaFailed;
                Err(Verdict::Failed { error_type, message: error_type.sentence().to_owned() })
            }
            Err(error) => {
                tracing::warn!(message.id = %leased.message.id, "A message waits for its media: {error}");
                let due_at = now + self.settings.retry.floor;
                Err(Verdict::Retry(Retry { due_at, carrier: leased.carrier.clone(), counts: false, outcome_unknown: false }))
            }
        }
    }

    fn attempt(&self, leased: &Leased, now: Timestamp) -> Attempt {
        let detail = match leased.accepted_segments {
            0 => String::new(),
            mask => format!("{} segments are with the carrier already", mask.count_ones()),
        };
        Attempt { id: leased.message.id, token: leased.lease.token, carrier: self.carrier.name().to_owned(), lease_until: now + self.settings.attempt, detail }
    }

    /// Leases what is due, of accounts that have not enough in memory already. What a process that died had begun is of unknown outcome, and goes by its route's policy.
    async fn refill(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let (limit, limit_of_broadcasts) = {
            let queue = self.queue();
            (queue.room().min(self.settings.batch), queue.room_for_broadcasts())
        };
        if limit == 0 {
            return Ok(());
        }
        self.backlog.store(false, Ordering::Release);
        let passed_over = self.queue().with_at_least(self.settings.batch);
        let (carrier, lease) = (self.carrier.name().to_owned(), self.new_lease(now));
        let request = LeaseRequest { carrier, now, lease, limit, limit_per_account: (limit / 4).max(1), limit_of_broadcasts, passed_over };
        let leased = self.store.lease_due(request).await?;
        if !leased.is_empty() {
            self.backlog.store(true, Ordering::Release);
        }
        let (interrupted, fresh): (Vec<_>, Vec<_>) = leased.into_iter().partition(|leased| leased.interrupted);
        {
            let mut queue = self.queue();
            fresh.into_iter().for_each(|leased| queue.push(leased));
            queue.forget_idle(now);
        }
        if interrupted.is_empty() {
            return Ok(());
        }
        tracing::warn!(carrier.name = self.carrier.name(), "{} attempts were begun by a process that died: their outcome is unknown", interrupted.len());
        let outcomes = interrupted.iter().map(|leased| self.interrupted(leased, now)).collect();
        self.store.record_outcomes(outcomes).await.map(drop)
    }

    fn interrupted(&self, leased: &Leased, now: Timestamp) -> Outcome {
        self.counters.unknown.add();
        let verdict = match policy_of(&leased.message, &self.routes) {
            OnUnknown::Hold => Verdict::Hold,
            OnUnknown::Resend => Verdict::Retry(Retry { due_at: now, carrier: leased.carrier.clone(), counts: true, outcome_unknown: true }),
        };
        unattempted(leased, now, verdict, "the process ended before an answer was recorded".to_owned())
    }

    /// Gives the messages of a carrier that has been down for long to the next one of their route that is up.
    async fn divert(&self, dispatchers: &Dispatchers) -> Result<(), StoreError> {
        if self.carrier.down_for().is_none_or(|down| down < self.settings.fallback_after) {
            return Ok(());
        }
        let now = self.clock.now();
        let mut outcomes = Vec::new();
        let held = self.queue().clear();
        for leased in held {
            match self.other_carrier(&leased.message, dispatchers) {
                Some(carrier) => {
                    let detail = format!("{} is down; next carrier: {carrier}", self.carrier.name());
                    let verdict = Verdict::Retry(Retry { due_at: now, carrier, counts: false, outcome_unknown: false });
                    // It was never attempted here, so there is no attempt to take back.
                    outcomes.push(unattempted(&leased, now, verdict, detail));
                    self.counters.diverted.add();
                }
                None => self.queue().push(leased),
            }
        }
        if outcomes.is_empty() {
            return Ok(());
        }
        let carriers: std::collections::BTreeSet<String> = outcomes.iter().filter_map(next_carrier).collect();
        self.store.record_outcomes(outcomes).await?;
        carriers.iter().for_each(|carrier| dispatchers.look_at(carrier));
        Ok(())
    }

    fn other_carrier(&self, message: &Message, dispatchers: &Dispatchers) -> Option<String> {
        match message.mode {
            Mode::Live => dispatchers.first_up(&self.routes.find(&message.recipient, message.kind)?.carriers, self.carrier.name()),
            Mode::Test => None,
        }
    }

    fn new_lease(&self, now: Timestamp) -> Lease {
        Lease { token: self.tokens.fetch_add(1, Ordering::Relaxed).max(1), until: now + self.settings.lease }
    }

    fn stopped(&self) -> bool {
        *self.stop.borrow()
    }

    fn queue(&self) -> MutexGuard<'_, FairQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn next_carrier(outcome: &Outcome) -> Option<String> {
    match &outcome.verdict {
        Verdict::Retry(retry) => Some(retry.carrier.clone()),
        _ => None,
    }
}

/// Resolves when the dispatcher is to stop.
async fn told(stop: &mut watch::Receiver<bool>) {
    // The sender lives as long as the pipeline.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Why a message of a broadcast does not leave.
const SENDER_STOPPED: &str = "The sender number may not send any more";
const RECIPIENT_BLOCKED: &str = "The recipient is blocked";

/// How long a dispatcher rests after the store did not answer it.
const STORE_REST: Duration = Duration::from_millis(250);
