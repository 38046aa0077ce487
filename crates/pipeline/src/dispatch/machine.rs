//! Dispatch to one carrier, without its tasks, its store and its carrier: what happens and the time go in, what is to
//! be done comes out.
//!
//! It holds the messages in memory and the attempts under way, and decides what is leased, sent, ended, tried again and
//! given to another carrier. The driver asks it for a [turn](Input::Turn), performs what it answers, one [`Action`]
//! after the other, and reports each result; when there is nothing left to do the turn is over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use carrier::Submission;
use model::{AccountId, BroadcastId, CarrierName, Media, MediaId, Message, Moment, Timestamp};
use store::contract::dispatch::{Lease, LeaseRequest, Leased, Verdict};
use store::contract::nodes::Tokens;

use super::DispatchSettings;
use crate::media::MediaError;
use crate::outcome::unattempted;
use crate::pace::SenderPaces;
use crate::queue::FairQueue;
use crate::route::Routes;
use crate::under_way::UnderWay;

mod decide;
mod words;

pub(super) use decide::skips;
pub(super) use words::{Action, Carriers, Input, Report, Wait};

/// Says why a message is not to leave any more.
pub(super) type Skips = Arc<dyn Fn(&Message) -> Option<&'static str> + Send + Sync>;

/// What the machine looks up and counts with, beside its own memory.
#[derive(Clone)]
pub(super) struct Books {
    /// Why a message is not to leave any more, as the tenants have it.
    pub(super) skips: Skips,
    pub(super) routes: Arc<Routes>,
    /// The paces of sender numbers, over all carriers.
    pub(super) senders: Arc<SenderPaces>,
    /// Where lease tokens come from: no two leases of a store share one.
    pub(super) tokens: Arc<Tokens>,
}

/// A message that may leave, with its media where it has some.
type Live = (Leased, Option<Media>);

/// Messages on their way from memory to the carrier.
#[derive(Default)]
struct Batch {
    live: Vec<Live>,
    /// Those that do not leave, and why.
    ended: Vec<(Leased, Verdict)>,
    /// When they were taken out of memory, in steady time.
    taken_at: Timestamp,
}

/// What the driver is doing.
enum Phase {
    /// Nothing.
    Idle,
    Waiting,
    Leasing(Then),
    /// It records that the outcome of so many attempts of an earlier process is unknown.
    Settling(usize, Then),
    /// It ends messages whose validity is over.
    Weeding(Vec<Leased>, Carriers),
    /// It gives messages to other carriers.
    Diverting(Vec<Leased>, BTreeSet<CarrierName>),
    /// It reads the media of messages.
    Reading(Batch),
    /// It ends those that do not leave.
    Ending(Batch),
    /// It begins the attempts, since this moment.
    Beginning(Batch, Moment),
    /// It has given back everything.
    Over,
}

/// What follows once messages were leased.
enum Then {
    Wait,
    LookRound(Carriers),
}

/// How long a dispatcher rests after the store did not answer it.
const STORE_REST: Duration = Duration::from_millis(250);

/// The dispatch to one carrier.
pub(super) struct Dispatch {
    carrier: CarrierName,
    settings: DispatchSettings,
    books: Books,
    queue: FairQueue,
    under_way: UnderWay,
    /// How long the carrier may take for an outcome, when it had room last.
    answers_within: Duration,
    /// The store may hold messages that are due.
    backlog: bool,
    /// When it was asked last there was no room for messages of broadcasts, so that it may hold some that are due.
    broadcasts_left: bool,
    stopped: bool,
    phase: Phase,
}

impl Dispatch {
    pub(super) fn new(carrier: CarrierName, settings: DispatchSettings, books: Books) -> Self {
        let queue = FairQueue::new(settings.queue, Arc::clone(&books.senders));
        let under_way = UnderWay::default();
        Self {
            carrier,
            settings,
            books,
            queue,
            under_way,
            answers_within: Duration::ZERO,
            backlog: true,
            broadcasts_left: false,
            stopped: false,
            phase: Phase::Idle,
        }
    }

    /// What follows from `input` at `now`.
    pub(super) fn on(&mut self, input: Input<'_>, now: Moment) -> Vec<Action> {
        match input {
            Input::Placed(leased) => {
                self.queue.cancel(leased.message.account);
                self.queue.push(leased);
            }
            Input::Held(messages) => self.keep(messages),
            Input::Due => self.backlog = true,
            Input::Forget(broadcast) => self.queue.forget_broadcast(broadcast),
            Input::Ended(outcomes) => outcomes
                .iter()
                .filter(|outcome| outcome.carrier.carrier() == Some(&self.carrier))
                .for_each(|outcome| self.under_way.record(outcome)),
            Input::Stop => return self.stop(),
            answer => {
                let phase = std::mem::replace(&mut self.phase, Phase::Idle);
                return self.go_on(phase, answer, now);
            }
        }
        Vec::new()
    }

    /// How many messages wait in memory.
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// How many messages of a broadcast wait in memory.
    pub(super) fn held_of(&self, id: BroadcastId) -> usize {
        self.queue.held_of(id)
    }

    /// When the paces let a message of the account from `originator` go; `None` where no pace holds it.
    pub(super) fn paced_until(
        &self,
        account: AccountId,
        originator: model::Originator,
        now: Timestamp,
    ) -> Option<Timestamp> {
        self.queue.paced_until(account, originator, now)
    }

    /// The messages with an attempt under way.
    pub(super) const fn under_way(&self) -> &UnderWay {
        &self.under_way
    }

    /// Whether it has given back everything, and does nothing more.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// Begins anew after it has given back everything: its carrier is back.
    pub(super) fn resume(&mut self) {
        if self.is_over() {
            (self.stopped, self.backlog, self.phase) = (false, true, Phase::Idle);
        }
    }

    /// Keeps a place for a message that is about to be admitted, and says under which lease. `None` where there is no
    /// room.
    pub(super) fn reserve(&mut self, account: AccountId, now: Timestamp) -> Option<Lease> {
        if self.stopped || !self.queue.reserve(account) {
            // The message will be found in the store.
            self.backlog = true;
            return None;
        }
        Some(self.new_lease(now))
    }

    /// Gives a place back that was kept.
    pub(super) fn cancel(&mut self, account: AccountId) {
        self.queue.cancel(account);
    }

    /// Room for messages of broadcasts, and the lease that those would be made with.
    pub(super) fn room_for_broadcasts(&self, now: Timestamp) -> (usize, Lease) {
        (self.queue.room_for_broadcasts(), self.new_lease(now))
    }

    /// The slowest of the paces that a message from `originator` keeps; `None` where it keeps none.
    pub(super) fn pace_of(&self, originator: model::Originator) -> Option<u32> {
        let limits = self.settings.queue;
        let of_number = self.books.senders.rate_of(originator).map_or(0, std::num::NonZeroU32::get);
        [of_number, limits.originator_rate, limits.account_rate].into_iter().filter(|rate| *rate > 0).min()
    }

    /// A lease that begins now.
    fn new_lease(&self, now: Timestamp) -> Lease {
        Lease { token: self.books.tokens.next(), until: now + self.settings.lease }
    }

    /// The answer to what the driver was doing. One that nobody waits for changes nothing.
    fn go_on(&mut self, phase: Phase, input: Input<'_>, now: Moment) -> Vec<Action> {
        match (phase, input) {
            (Phase::Idle, Input::Turn) => self.turn(now),
            (Phase::Waiting, Input::Woken) => Vec::new(),
            (Phase::Waiting, Input::Tick(carriers)) => self.tick(carriers, now),
            (Phase::Waiting, Input::Room { ready, window, answers_within }) => {
                self.answers_within = answers_within;
                self.take(ready.min(self.under_way.room(window)), now)
            }
            (Phase::Leasing(then), Input::Leased(leased)) => self.leased(leased, then, now),
            (Phase::Settling(count, then), Input::Written) => {
                let mut actions = vec![Action::Report(Report::Unknown(count))];
                actions.extend(self.then(then, now));
                actions
            }
            (Phase::Weeding(_, carriers), Input::Written) => self.divert(&carriers, now),
            (Phase::Diverting(diverted, carriers), Input::Written) => {
                vec![Action::Report(Report::Diverted(diverted.len())), Action::LookAt(carriers)]
            }
            (Phase::Reading(batch), Input::Media(media)) => self.with_media(batch, &media, now),
            (Phase::Ending(batch), Input::Written) => self.begin(batch, now),
            (Phase::Beginning(batch, since), Input::Begun(begun)) => self.submit(batch, since, begun, now),
            (Phase::Over, _) => {
                self.phase = Phase::Over;
                Vec::new()
            }
            (phase, Input::Unavailable) => {
                self.put_back(phase);
                self.wait(Wait::Store(STORE_REST))
            }
            (phase, _) => {
                self.phase = phase;
                Vec::new()
            }
        }
    }

    /// A turn: look into the store if there may be something, wait until the carrier can send, and send what is next.
    fn turn(&mut self, now: Moment) -> Vec<Action> {
        let may_be_due =
            self.backlog || (self.broadcasts_left && self.queue.room_for_broadcasts() >= self.room_wanted());
        if may_be_due && self.queue.singles() < self.settings.batch && !self.stopped {
            self.lease(Then::Wait, now)
        } else {
            self.then(Then::Wait, now)
        }
    }

    /// How much room for messages of broadcasts is worth asking the store for them: a batch, so that a carrier with a
    /// small window does not cost a call for each.
    fn room_wanted(&self) -> usize {
        self.settings.batch.min(self.settings.queue.total / 2).max(1)
    }

    fn wait(&mut self, wait: Wait) -> Vec<Action> {
        if self.stopped {
            return self.release();
        }
        self.phase = Phase::Waiting;
        vec![Action::Wait(wait)]
    }

    fn then(&mut self, then: Then, now: Moment) -> Vec<Action> {
        match then {
            Then::Wait if self.queue.len() == 0 => self.wait(Wait::Messages),
            Then::Wait => self.wait(Wait::Room),
            Then::LookRound(carriers) => self.weed(carriers, now),
        }
    }

    /// What is done now and then however much is in memory: others' messages are fetched, what has expired is ended,
    /// and what a carrier that is down cannot send goes to the next one.
    fn tick(&mut self, carriers: Carriers, now: Moment) -> Vec<Action> {
        if self.queue.len() == 0 {
            self.backlog = true;
            return Vec::new();
        }
        self.lease(Then::LookRound(carriers), now)
    }

    /// Leases what is due, of accounts that have not enough in memory already.
    fn lease(&mut self, then: Then, now: Moment) -> Vec<Action> {
        let limit = self.queue.room().min(self.settings.batch);
        if limit == 0 {
            return self.then(then, now);
        }
        self.backlog = matches!(then, Then::LookRound(_));
        let limit_of_broadcasts = self.queue.room_for_broadcasts();
        self.broadcasts_left = limit_of_broadcasts == 0;
        let request = LeaseRequest {
            carrier: self.carrier.clone().into(),
            now,
            lease: self.new_lease(now.steady),
            limit,
            limit_per_account: (limit / 4).max(1),
            limit_of_broadcasts,
            passed_over: self.queue.with_at_least(self.settings.batch),
            under_way: self.under_way.messages(),
        };
        self.phase = Phase::Leasing(then);
        vec![Action::Lease(request)]
    }

    /// An attempt that an earlier process began is of unknown outcome, and goes by its route's policy; the attempts of
    /// this process, whose answers will come, stay where they are.
    fn leased(&mut self, leased: Vec<Leased>, then: Then, now: Moment) -> Vec<Action> {
        self.backlog |= !leased.is_empty();
        let (interrupted, fresh): (Vec<_>, Vec<_>) = leased.into_iter().partition(|leased| leased.interrupted);
        self.keep(fresh);
        self.queue.forget_idle(now.steady);
        if interrupted.is_empty() {
            return self.then(then, now);
        }
        let outcomes = interrupted.iter().map(|leased| self.interrupted(leased, now)).collect();
        self.phase = Phase::Settling(interrupted.len(), then);
        vec![Action::Report(Report::Interrupted(interrupted.len())), Action::Record(outcomes)]
    }

    /// Ends what has expired.
    fn weed(&mut self, carriers: Carriers, now: Moment) -> Vec<Action> {
        self.backlog = true;
        let expired = self.queue.weed(now);
        if expired.is_empty() {
            return self.divert(&carriers, now);
        }
        let outcomes =
            expired.iter().map(|leased| unattempted(leased, now.wall, Verdict::Expired, String::new())).collect();
        self.phase = Phase::Weeding(expired, carriers);
        vec![Action::Record(outcomes)]
    }

    /// Gives the messages of a carrier that has been down for long to the next one of their route that is up.
    fn divert(&mut self, carriers: &Carriers, now: Moment) -> Vec<Action> {
        if self.stopped || carriers.down_for.is_none_or(|down| down < self.settings.fallback_after) {
            return Vec::new();
        }
        let (mut diverted, mut outcomes, mut to) = (Vec::new(), Vec::new(), BTreeSet::new());
        for leased in self.queue.clear() {
            let Some(carrier) = self.other_carrier(&leased, &carriers.up) else {
                self.queue.push(leased);
                continue;
            };
            outcomes.push(self.diverted(&leased, carrier.clone(), now));
            diverted.push(leased);
            to.insert(carrier);
        }
        if outcomes.is_empty() {
            return Vec::new();
        }
        self.phase = Phase::Diverting(diverted, to);
        vec![Action::Record(outcomes)]
    }

    /// Takes what is next out of memory, for so many segments.
    fn take(&mut self, room: usize, now: Moment) -> Vec<Action> {
        let taken = self.queue.take(room.min(self.settings.batch), now.steady);
        if taken.messages.is_empty() {
            return taken.paced_until.map_or_else(Vec::new, |until| self.wait(Wait::Pace(until)));
        }
        let mut actions = Vec::new();
        if taken.messages.iter().any(|leased| leased.message.broadcast.is_some()) {
            actions.push(Action::MadeRoom);
        }
        let mut batch =
            Batch { live: Vec::with_capacity(taken.messages.len()), ended: Vec::new(), taken_at: now.steady };
        for leased in taken.messages {
            match self.reason_against(&leased.message, now.wall) {
                Some(verdict) => batch.ended.push((leased, verdict)),
                None => batch.live.push((leased, None)),
            }
        }
        let wanted: BTreeSet<MediaId> = batch.live.iter().filter_map(|(leased, _)| leased.message.media).collect();
        if wanted.is_empty() {
            actions.extend(self.end(batch, now));
        } else {
            self.phase = Phase::Reading(batch);
            actions.push(Action::Read(wanted));
        }
        actions
    }

    /// Tells the messages whose media came from those whose media did not.
    fn with_media(
        &mut self,
        mut batch: Batch,
        media: &BTreeMap<MediaId, Result<Media, MediaError>>,
        now: Moment,
    ) -> Vec<Action> {
        let mut actions = Vec::new();
        for (leased, _) in std::mem::take(&mut batch.live) {
            let Some(id) = leased.message.media else {
                batch.live.push((leased, None));
                continue;
            };
            match media.get(&id) {
                Some(Ok(media)) => batch.live.push((leased, Some(media.clone()))),
                other => {
                    let (verdict, report) =
                        self.without_media(&leased, other.and_then(|read| read.as_ref().err()), now);
                    batch.ended.push((leased, verdict));
                    actions.push(Action::Report(report));
                }
            }
        }
        actions.extend(self.end(batch, now));
        actions
    }

    /// Records what becomes of those that do not leave, before the others do.
    fn end(&mut self, batch: Batch, now: Moment) -> Vec<Action> {
        if batch.ended.is_empty() {
            return self.begin(batch, now);
        }
        let outcomes = batch
            .ended
            .iter()
            .map(|(leased, verdict)| unattempted(leased, now.wall, verdict.clone(), String::new()))
            .collect();
        self.phase = Phase::Ending(batch);
        vec![Action::Record(outcomes)]
    }

    /// Records that the others are about to leave. Media may have taken their time, and an attempt has all of its
    /// lease.
    fn begin(&mut self, batch: Batch, now: Moment) -> Vec<Action> {
        if self.stopped {
            self.keep(batch.live.into_iter().map(|(leased, _)| leased));
            return self.release();
        }
        if batch.live.is_empty() {
            return Vec::new();
        }
        let attempts = batch.live.iter().map(|(leased, _)| self.attempt(leased, now.steady)).collect();
        self.phase = Phase::Beginning(Batch { ended: Vec::new(), ..batch }, now);
        vec![Action::Begin(attempts, now)]
    }

    /// Lets those leave whose attempts are on disk, also when the process ends meanwhile: an attempt that is recorded
    /// and does not leave would be of unknown outcome for nothing.
    fn submit(&mut self, batch: Batch, since: Moment, begun: Vec<Option<u32>>, now: Moment) -> Vec<Action> {
        let took = now.steady.since(batch.taken_at);
        let mut submissions = Vec::with_capacity(batch.live.len());
        for ((leased, media), attempt) in batch.live.into_iter().zip(begun) {
            self.books.senders.delayed(leased.message.originator, took);
            // Another worker has what is under this lease no more.
            let Some(attempt) = attempt else { continue };
            let segments = leased.message.segments.max(1).into();
            self.under_way.begin(leased.message.id, attempt, segments, leased.refused_by);
            let valid_for = leased.message.expires_at.since(since.wall);
            let (token, accepted_segments) = (leased.lease.token, leased.accepted_segments);
            submissions.push(Submission {
                message: leased.message,
                media,
                attempt,
                token,
                accepted_segments,
                valid_for,
            });
        }
        vec![Action::Submit(submissions)]
    }

    /// Puts messages back into memory that the driver could not bring further. Their leases go on.
    fn put_back(&mut self, phase: Phase) {
        match phase {
            Phase::Leasing(_) => self.backlog = true,
            Phase::Weeding(messages, _) | Phase::Diverting(messages, _) => self.keep(messages),
            // Nothing has left.
            Phase::Reading(batch) | Phase::Ending(batch) | Phase::Beginning(batch, _) => {
                self.keep(batch.ended.into_iter().map(|(leased, _)| leased));
                self.keep(batch.live.into_iter().map(|(leased, _)| leased));
            }
            // What was leased as interrupted is found again when that lease ends.
            Phase::Settling(..) | Phase::Idle | Phase::Waiting | Phase::Over => {}
        }
    }

    fn keep(&mut self, messages: impl IntoIterator<Item = Leased>) {
        messages.into_iter().for_each(|leased| self.queue.push(leased));
    }

    /// Only waits are broken off, and reading, never a write. What comes after the end is given back too.
    fn stop(&mut self) -> Vec<Action> {
        self.stopped = true;
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Over if self.queue.len() == 0 => {
                self.phase = Phase::Over;
                Vec::new()
            }
            phase @ (Phase::Idle | Phase::Waiting | Phase::Reading(_) | Phase::Over) => {
                self.put_back(phase);
                self.release()
            }
            phase => {
                self.phase = phase;
                Vec::new()
            }
        }
    }

    fn release(&mut self) -> Vec<Action> {
        self.phase = Phase::Over;
        vec![Action::Release(
            self.queue.clear().into_iter().map(|leased| (leased.message.id, leased.lease.token)).collect(),
        )]
    }
}

#[cfg(test)]
mod tests;
