//! Sweeping, without its store and its media: the time and the answers of the store go in, what is to be done comes
//! out.
//!
//! There are six strands, and none waits for another: messages expire in time although the disk with the media hangs,
//! or many old records are removed. Each strand has rounds. The driver [begins](Input::Due) one, performs what is
//! answered, and reports each result; the last action of a round is the [rest](Action::Rest) before the next.

mod inbound;
mod media;
mod messages;
mod records;
mod retention;
mod schedule;

use std::time::Duration;

use model::{AccountId, CarrierName, MediaId, MessageId, Moment, TextRetention, Timestamp};
use store::StoreError;
use store::contract::changes::Consumer;
use store::contract::inbound::{InboundOutcome, PartsStep};
use store::contract::receipts::WaitStep;
use store::contract::retention::{Removed, Walk};

use inbound::Inbound;
use media::Media;
use messages::Messages;
use records::Records;
use retention::Retention;
use schedule::Schedule;

use crate::counters::RemovedCounters;
use crate::retention::Rule;

/// What is swept by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strand {
    /// Messages whose time to leave has come.
    Schedule,
    /// Messages whose time is over or whose carrier is not known, and unclaimed receipts.
    Messages,
    /// Records that are old.
    Records,
    /// Media that no message needs any more.
    Media,
    /// Messages of handsets that wait for their parts, and what is old of such messages.
    Inbound,
    /// Texts, messages and what belongs to them that are older than the operator's rules.
    Retention,
}

/// How long data are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    /// Decisions of the screen.
    pub(super) screening_log: Duration,
    /// What operators changed.
    pub(super) audit_log: Duration,
    /// Media that no message needs any more.
    pub(super) media: Duration,
    /// A receipt that waits for its acknowledgement.
    pub(super) parked: Duration,
}

/// The event.
#[derive(Debug)]
pub(super) enum Input {
    /// The next round begins. Nothing of this strand that the driver was to do is left undone.
    Due,
    /// The messages were launched whose time had come.
    Launched,
    /// So many messages have ended.
    Expired(usize),
    /// What became of waits for receipts.
    WaitsEnded(WaitStep),
    /// The carriers of parked receipts that were dropped, one entry for each receipt.
    ParkedForgotten(Vec<CarrierName>),
    /// The carriers that this configuration does not know, by name, and how many messages wait for each.
    Unknown(Vec<(CarrierName, u64)>),
    /// So many messages without a route were looked at.
    Rerouted(u64),
    /// Held messages were looked at up to this one; `None` for all.
    Settled(Option<MessageId>),
    /// So many records or changes were forgotten.
    Forgotten(u64),
    /// The consumers of the change feed.
    Consumers(Vec<Consumer>),
    /// The accounts that have a rule for their texts.
    TextRules(Vec<(AccountId, TextRetention)>),
    /// What a step of a walk came to.
    Removed(Removed),
    /// Bytes that no record names are gone.
    OrphansRemoved,
    /// Media were looked at up to this one; `None` for all.
    MediaSwept(Option<MediaId>),
    /// So many files of messages of handsets were removed.
    FilesSwept(usize),
    /// What became of messages whose wait for parts was over.
    PartsShown(PartsStep),
    /// So many rows of messages of handsets were forgotten.
    InboundForgotten(usize),
    /// The parts that wait were counted.
    PartsCounted,
    /// The store refused or failed.
    Unavailable(StoreError),
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Something that has an answer. The last of its list.
    Do(Call),
    /// A report to the operator.
    Report(Report),
    /// The round is over: [`Input::Due`] after so long.
    Rest(Duration),
}

/// What the driver does with the store and the media, and its answer; [`Input::Unavailable`] may be the answer to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// Launch the messages whose time to leave has come: [`Input::Launched`].
    Launch,
    /// End messages whose validity is over, a batch: [`Input::Expired`].
    Expire(Moment),
    /// End waits for receipts, a step: [`Input::WaitsEnded`].
    EndWaits(Timestamp),
    /// Drop unclaimed receipts, a step: [`Input::ParkedForgotten`].
    ForgetParked(Timestamp, Duration),
    /// Look which carriers messages wait for: [`Input::Unknown`].
    Census,
    /// Route messages that had no route, a batch: [`Input::Rerouted`].
    Reroute(Moment),
    /// Give receipts to held messages after this one, a step: [`Input::Settled`].
    SettleHeld(Timestamp, Option<MessageId>),
    /// Forget records of requests, a step: [`Input::Forgotten`].
    ForgetRequests(Timestamp),
    /// Forget decisions of the screen from before this time, a step: [`Input::Forgotten`].
    ForgetScreening(Timestamp),
    /// Forget changes by operators from before this time, a step: [`Input::Forgotten`].
    ForgetAudit(Timestamp),
    /// Forget links and sessions of operators that are over, a step: [`Input::Forgotten`].
    ForgetSignIns(Timestamp),
    /// Forget changes that every consumer has passed, a step: [`Input::Forgotten`].
    ForgetChanges,
    /// Look how far the consumers of the change feed are: [`Input::Consumers`].
    Consumers,
    /// Look which accounts have a rule for their texts: [`Input::TextRules`].
    TextRules,
    /// Remove what is old by this rule at this time, one step of a walk, at most so many: [`Input::Removed`].
    RemoveOld(Walk, Rule, Timestamp, usize),
    /// Remove bytes that no record names: [`Input::OrphansRemoved`].
    RemoveOrphans,
    /// Remove media after this one that no message has needed since this time, a batch: [`Input::MediaSwept`].
    SweepMedia(Option<MediaId>, Timestamp),
    /// Remove files that no message of a handset has any more, a step: [`Input::FilesSwept`].
    SweepFiles,
    /// End waits for parts, a step: [`Input::PartsShown`].
    EndPartWaits(Timestamp),
    /// Forget parts that mean nothing any more and unrouted messages that are old, a step: [`Input::InboundForgotten`].
    ForgetInbound(Timestamp),
    /// Count the parts that wait: [`Input::PartsCounted`].
    CountParts,
}

/// The reports to the operator, in counters and in the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// Receipts of this carrier did not come for so many messages.
    Missing(CarrierName, u64),
    /// So many receipts of this carrier were dropped unclaimed.
    Unclaimed(CarrierName, u64),
    /// So many messages wait for a carrier that this configuration does not know.
    Unknown(CarrierName, u64),
    /// A consumer of the change feed has so many changes before it.
    Behind(String, u64),
    /// So much was removed because it was old, by the names of [`RemovedCounters`].
    Removed([u64; RemovedCounters::NAMES.len()]),
    /// What became of a message whose wait for parts was over.
    Shown(InboundOutcome),
    /// Something is done later, because the store did not answer.
    Later(Later, StoreError),
}

/// What is done later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Later {
    Schedule,
    Messages,
    Records,
    Orphans,
    Media,
    Inbound,
    Retention,
}

/// The sweeping of all strands.
pub(super) struct Sweeping {
    schedule: Schedule,
    messages: Messages,
    records: Records,
    media: Media,
    inbound: Inbound,
    retention: Retention,
}

impl Sweeping {
    pub(super) fn new(kept: Kept) -> Self {
        Self {
            schedule: Schedule::new(),
            messages: Messages::new(kept.parked),
            records: Records::new(kept.screening_log, kept.audit_log),
            media: Media::new(kept.media),
            inbound: Inbound::new(),
            retention: Retention::new(),
        }
    }

    /// What follows from `input` in a strand at `now`. An answer that the strand does not wait for changes nothing.
    pub(super) fn on(&mut self, strand: Strand, input: Input, now: Moment) -> Vec<Action> {
        match strand {
            Strand::Schedule => self.schedule.on(input, now),
            Strand::Messages => self.messages.on(input, now),
            Strand::Records => self.records.on(input, now),
            Strand::Media => self.media.on(input, now),
            Strand::Inbound => self.inbound.on(input, now),
            Strand::Retention => self.retention.on(input, now),
        }
    }
}

/// When rounds begin: each `every` after the one before has begun, or at once where that took longer.
struct Rounds {
    every: Duration,
    /// In steady time.
    next: Timestamp,
}

impl Rounds {
    const fn new(every: Duration) -> Self {
        Self { every, next: Timestamp::from_millis(0) }
    }

    fn begin(&mut self, now: Moment) {
        self.next = now.steady + self.every;
    }

    /// The end of a round.
    fn rest(&self, now: Moment) -> Action {
        Action::Rest(self.next.since(now.steady))
    }
}

/// Something that belongs to every so many rounds, from the first on. Where it cannot be done, the next round owes it.
struct Owed {
    every: u32,
    rounds_left: u32,
}

impl Owed {
    const fn every(rounds: u32) -> Self {
        Self { every: rounds, rounds_left: 0 }
    }

    fn begin_round(&mut self) {
        self.rounds_left = self.rounds_left.saturating_sub(1);
    }

    const fn is_due(&self) -> bool {
        self.rounds_left == 0
    }

    fn done(&mut self) {
        self.rounds_left = self.every;
    }
}

/// These actions, after a report.
fn after(what: Later, error: StoreError, actions: Vec<Action>) -> Vec<Action> {
    let mut reported = vec![Action::Report(Report::Later(what, error))];
    reported.extend(actions);
    reported
}

#[cfg(test)]
mod tests;
