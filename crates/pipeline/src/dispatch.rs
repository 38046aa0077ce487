//! Dispatch: from the store to a carrier, one dispatcher for each.
//!
//! In come messages under lease, straight from admission or out of the store; out go submissions whose attempts are on disk. A dispatcher takes no more than the
//! carrier can send at once, so that a crash leaves no more of unknown outcome than that.

mod dispatchers;
mod load;
mod refill;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use carrier::{Carrier, Submission};
use model::backoff::Backoff;
use model::{Clock, Media, Moment, Timestamp};
use store::contract::dispatch::{Attempt, Lease, Leased, Outcome, Verdict};
use store::{Store, StoreError};
use tokio::sync::{Notify, Semaphore, watch};

use crate::counters::Counters;
use crate::media::Shelf;
use crate::outcome::unattempted;
use crate::pace::SenderPaces;
use crate::queue::{FairQueue, QueueLimits};
use crate::route::Routes;
use crate::tenants::TenantBook;
use crate::under_way::UnderWay;

pub(crate) use dispatchers::Dispatchers;
pub use load::READS_MAX;

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
    shelf: Arc<Shelf>,
    under_way: UnderWay,
    clock: Arc<dyn Clock>,
    queue: Mutex<FairQueue>,
    /// Something was put into the queue, or is due in the store.
    wake: Notify,
    /// The store may hold messages that are due.
    backlog: AtomicBool,
    /// Places for reads of media.
    loading: Arc<Semaphore>,
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
            shelf: around.shelf,
            clock: around.clock,
            queue: Mutex::new(FairQueue::new(limits, Arc::clone(&around.senders))),
            senders: around.senders,
            wake: Notify::new(),
            under_way: UnderWay::default(),
            backlog: AtomicBool::new(true),
            loading: Arc::new(Semaphore::new(load::READS_MAX)),
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
        if let Err(error) = self.store.release(held, self.clock.steady()).await {
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
        let now = self.clock.look();
        let taken = self.queue().take(room.min(self.settings.batch), now.steady);
        if taken.messages.iter().any(|leased| leased.message.broadcast.is_some()) {
            self.made_room.notify_one();
        }
        if taken.messages.is_empty() {
            let Some(until) = taken.paced_until else { return Ok(()) };
            // A pace of one account keeps waiting neither another's retry nor a message whose validity ends.
            tokio::select! {
                biased;
                () = told(stop) => {}
                _ = poll.tick() => return self.look_round(dispatchers).await,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(until.since(now.steady).max(Duration::from_millis(1))) => {}
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
        let now = self.clock.look();
        let expired = self.queue().weed(now);
        if let Err(error) = self.end(expired.iter().map(|leased| (leased, Verdict::Expired)), now.wall).await {
            self.keep(expired);
            return Err(error);
        }
        self.divert(dispatchers).await
    }

    /// Ends messages that are not to leave.
    async fn end<'a>(&self, ended: impl Iterator<Item = (&'a Leased, Verdict)>, now: Timestamp) -> Result<(), StoreError> {
        let outcomes: Vec<Outcome> = ended.map(|(leased, verdict)| unattempted(leased, now, verdict, String::new())).collect();
        if outcomes.is_empty() {
            return Ok(());
        }
        self.store.record_outcomes(outcomes).await
    }

    /// Records that these messages are about to leave, and then lets them.
    async fn send(&self, messages: Vec<Leased>, now: Moment) -> Result<(), StoreError> {
        let (live, ended) = self.prepare(messages, now).await;
        // Media may have taken their time, and an attempt has all of its lease.
        let begins = self.clock.look();
        let attempts: Vec<Attempt> = live.iter().map(|(leased, _)| self.attempt(leased, begins.steady)).collect();
        // Where the store does not answer, nothing has left: they wait in memory for as long as their leases last.
        if let Err(error) = self.end(ended.iter().map(|(leased, verdict)| (leased, verdict.clone())), begins.wall).await {
            self.keep(ended.into_iter().map(|(leased, _)| leased).chain(live.into_iter().map(|(leased, _)| leased)));
            return Err(error);
        }
        let begun = match self.store.begin_attempts(attempts, begins).await {
            Ok(begun) => begun,
            Err(error) => {
                self.keep(live.into_iter().map(|(leased, _)| leased));
                return Err(error);
            }
        };
        let took = self.clock.steady().since(now.steady);
        for ((leased, media), attempt) in live.into_iter().zip(begun) {
            self.senders.delayed(&leased.message.originator, took);
            // Another worker has what is under this lease no more.
            let Some(attempt) = attempt else { continue };
            self.under_way.begin(leased.message.id, attempt, leased.message.segments.max(1).into());
            let valid_for = leased.message.expires_at.since(begins.wall);
            let (token, accepted_segments) = (leased.lease.token, leased.accepted_segments);
            self.carrier.submit(Submission { message: leased.message, media, attempt, token, accepted_segments, valid_for });
        }
        Ok(())
    }

    /// Tells the messages that may leave, with their media, from those that may not.
    async fn prepare(&self, messages: Vec<Leased>, now: Moment) -> (Vec<(Leased, Option<Media>)>, Vec<(Leased, Verdict)>) {
        let (mut wanted, mut ended) = (Vec::with_capacity(messages.len()), Vec::new());
        for leased in messages {
            match self.reason_against(&leased, now.wall) {
                Some(verdict) => ended.push((leased, verdict)),
                None => wanted.push(leased),
            }
        }
        let (live, without) = self.with_media(wanted).await;
        ended.extend(without);
        (live, ended)
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

    /// The attempt of a message that begins at `now`, in steady time.
    fn attempt(&self, leased: &Leased, now: Timestamp) -> Attempt {
        let detail = match leased.accepted_segments {
            0 => String::new(),
            mask => format!("{} segments are with the carrier already", mask.count_ones()),
        };
        Attempt { id: leased.message.id, token: leased.lease.token, carrier: self.carrier.name().to_owned(), lease_until: now + self.settings.attempt, detail }
    }

    /// Whether its carrier has been down for so long that messages go to the next one of their route.
    fn is_down_for_long(&self) -> bool {
        self.carrier.down_for().is_some_and(|down| down >= self.settings.fallback_after)
    }

    /// Puts messages back into memory that could not leave it, because the store did not answer. Their leases go on.
    fn keep(&self, messages: impl IntoIterator<Item = Leased>) {
        let mut queue = self.queue();
        messages.into_iter().for_each(|leased| queue.push(leased));
    }

    /// A lease that begins now.
    fn new_lease(&self) -> Lease {
        Lease { token: self.tokens.fetch_add(1, Ordering::Relaxed).max(1), until: self.clock.steady() + self.settings.lease }
    }

    fn stopped(&self) -> bool {
        *self.stop.borrow()
    }

    fn queue(&self) -> MutexGuard<'_, FairQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests;
