//! The strand of retention: walks through what may be old, one after the other, in steps that leave the store its time
//! for everything else.

use std::collections::VecDeque;
use std::time::Duration;

use model::{AccountId, Moment, TextRetention, Timestamp};
use store::contract::retention::{Removed, Walk};

use super::{Action, Call, Input, Later, Owed, Report, Rounds, after};
use crate::beside::{Pace, Speed, Speeds};
use crate::counters::RemovedCounters;
use crate::retention::Rule;

/// How often walks begin.
const EVERY: Duration = Duration::from_secs(60);

/// Every so many rounds, keys of receipts are walked through: all of them, since they are in no order of time.
const ROUNDS_PER_KEYS: u32 = 60;

/// How often a round that takes long says how far it is.
pub(super) const REPORTED_EVERY: Duration = Duration::from_secs(600);

/// A step of a hundred messages changes a thousand rows or so.
const SPEEDS: Speeds = Speeds {
    quiet: Speed { batch: 400, pause: Duration::from_millis(4) },
    moderate: Speed { batch: 100, pause: Duration::from_millis(20) },
    busy: Speed { batch: 50, pause: Duration::from_millis(100) },
};

/// What the driver is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Idle,
    ReadingRules,
    Removing,
    /// It rests, and removes more after that.
    Resting,
}

pub(super) struct Retention {
    rounds: Rounds,
    keys: Owed,
    pace: Pace,
    /// The beginning of the present round.
    at: Moment,
    /// The walks of the round, the present one first.
    walks: VecDeque<(Walk, Rule)>,
    removed: RemovedSince,
    step: Step,
}

/// What was removed since the last report.
#[derive(Debug, Default)]
struct RemovedSince {
    counts: [u64; RemovedCounters::NAMES.len()],
    /// When it is reported, in steady time.
    due: Timestamp,
}

impl Retention {
    pub(super) fn new() -> Self {
        Self {
            rounds: Rounds::new(EVERY),
            keys: Owed::every(ROUNDS_PER_KEYS),
            pace: Pace::new(SPEEDS),
            at: Moment::of(Timestamp::from_millis(0)),
            walks: VecDeque::new(),
            removed: RemovedSince::default(),
            step: Step::Idle,
        }
    }

    pub(super) fn on(&mut self, input: Input, now: Moment) -> Vec<Action> {
        match (self.step, input) {
            (Step::Idle, Input::Due) => {
                self.at = now;
                self.rounds.begin(now);
                self.keys.begin_round();
                self.removed.due = now.steady + REPORTED_EVERY;
                self.step = Step::ReadingRules;
                vec![Action::Do(Call::TextRules)]
            }
            (Step::ReadingRules, Input::TextRules(rules)) => {
                self.plan(rules);
                self.go_on(now)
            }
            (Step::Resting, Input::Due) => self.go_on(now),
            (Step::Removing, Input::Removed(removed)) => self.removed(removed, now),
            (Step::Idle | Step::Resting, _) => Vec::new(),
            // The next round begins the walks anew; each goes on where it was.
            (_, Input::Unavailable(error)) => after(Later::Retention, error, self.end(now)),
            _ => Vec::new(),
        }
    }

    /// The walks of a round: texts before their messages, and messages before their broadcasts.
    fn plan(&mut self, rules: Vec<(AccountId, TextRetention)>) {
        self.walks.clear();
        self.walks.extend([
            (Walk::Texts(None), Rule::Texts),
            (Walk::ScheduledTexts(None), Rule::Texts),
            (Walk::BroadcastTexts(None), Rule::Texts),
            (Walk::InboundTexts(None), Rule::Texts),
        ]);
        for (account, rule) in rules {
            let inbound = Rule::InboundOfAccount(rule);
            let rule = Rule::OfAccount(rule);
            self.walks.extend([
                (Walk::Texts(Some(account)), rule),
                (Walk::ScheduledTexts(Some(account)), rule),
                (Walk::BroadcastTexts(Some(account)), rule),
                (Walk::InboundTexts(Some(account)), inbound),
            ]);
        }
        self.walks.extend([
            (Walk::Messages, Rule::Messages),
            (Walk::Broadcasts, Rule::Messages),
            (Walk::InboundMessages, Rule::Messages),
        ]);
        if self.keys.is_due() {
            self.walks.extend([(Walk::ReceiptKeys, Rule::ReceiptKeys), (Walk::Unmatched, Rule::ReceiptKeys)]);
        }
    }

    fn go_on(&mut self, now: Moment) -> Vec<Action> {
        match self.walks.front() {
            Some((walk, rule)) => {
                self.step = Step::Removing;
                vec![Action::Do(Call::RemoveOld(*walk, *rule, self.at.wall, self.pace.batch()))]
            }
            None => {
                if self.keys.is_due() {
                    self.keys.done();
                }
                self.end(now)
            }
        }
    }

    fn removed(&mut self, Removed { removed, looked, is_end, calls }: Removed, now: Moment) -> Vec<Action> {
        let mut actions = Vec::new();
        if let Some((walk, _)) = self.walks.front() {
            self.removed.add(*walk, removed);
        }
        if is_end {
            self.walks.pop_front();
        }
        if self.removed.due <= now.steady {
            actions.extend(self.removed.report());
            self.removed.due = now.steady + REPORTED_EVERY;
        }
        let pause = calls.map_or(self.pace.pause(), |calls| self.pace.pause_after(calls));
        // A walk that found nothing has cost one look.
        if looked == 0 || self.walks.is_empty() {
            actions.extend(self.go_on(now));
        } else {
            self.step = Step::Resting;
            actions.push(Action::Rest(pause));
        }
        actions
    }

    fn end(&mut self, now: Moment) -> Vec<Action> {
        self.step = Step::Idle;
        self.walks.clear();
        self.pace.begin_anew();
        let mut actions: Vec<Action> = self.removed.report().into_iter().collect();
        actions.push(self.rounds.rest(now));
        actions
    }
}

impl RemovedSince {
    fn add(&mut self, walk: Walk, count: u64) {
        if let Some(at) = RemovedCounters::NAMES.iter().position(|name| *name == walk.name()) {
            self.counts[at] += count;
        }
    }

    /// A report of what was removed, if anything was, after which counting begins anew.
    fn report(&mut self) -> Option<Action> {
        let counts = std::mem::take(&mut self.counts);
        counts.iter().any(|count| *count > 0).then_some(Action::Report(Report::Removed(counts)))
    }
}
