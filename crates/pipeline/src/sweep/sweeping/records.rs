//! The strand of records: all that are old go at once, however many came in meanwhile, in steps that let others have
//! their turn in between.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Moment, Timestamp};
use store::contract::changes::Consumer;

use super::super::{CHANGES_STEP, STEP};
use super::{Action, Call, Input, Later, Owed, Report, Rounds, after};

/// How often old records are looked for.
const EVERY: Duration = Duration::from_secs(1);

/// Every so many rounds, the consumers of the change feed are looked at.
const ROUNDS_PER_LOOK: u32 = 30;

/// A consumer that has more changes than these before it is reported: five seconds of a platform at its fastest, so
/// that a consumer which keeps up never has them.
pub(super) const BEHIND_MAX: u64 = 100_000;

/// How often such a consumer is reported again.
pub(super) const REPORTED_EVERY: Duration = Duration::from_secs(600);

/// A step that forgot so many may have left some.
const STEP_FULL: u64 = STEP as u64;

/// The same of changes.
const CHANGES_FULL: u64 = CHANGES_STEP as u64;

/// What the driver is doing.
#[derive(Clone, Copy)]
enum Step {
    Idle,
    Requests,
    Screening,
    Audit,
    SignIns,
    Changes,
    Consumers,
}

pub(super) struct Records {
    /// How long decisions of the screen are kept.
    screening_log: Duration,
    /// How long changes by operators are kept.
    audit_log: Duration,
    rounds: Rounds,
    look: Owed,
    /// The beginning of the present round.
    at: Moment,
    /// The consumers that are far behind, and when each is reported again, in steady time.
    behind: BTreeMap<String, Timestamp>,
    step: Step,
}

impl Records {
    pub(super) fn new(screening_log: Duration, audit_log: Duration) -> Self {
        let (rounds, look) = (Rounds::new(EVERY), Owed::every(ROUNDS_PER_LOOK));
        Self {
            screening_log,
            audit_log,
            rounds,
            look,
            at: Moment::of(Timestamp::from_millis(0)),
            behind: BTreeMap::new(),
            step: Step::Idle,
        }
    }

    pub(super) fn on(&mut self, input: Input, now: Moment) -> Vec<Action> {
        match (self.step, input) {
            (Step::Idle, Input::Due) => {
                self.at = now;
                self.rounds.begin(now);
                self.look.begin_round();
                self.requests()
            }
            (Step::Requests, Input::Forgotten(STEP_FULL..)) => self.requests(),
            (Step::Requests, Input::Forgotten(_)) | (Step::Screening, Input::Forgotten(STEP_FULL..)) => {
                self.screening()
            }
            (Step::Screening, Input::Forgotten(_)) | (Step::Audit, Input::Forgotten(STEP_FULL..)) => self.audit(),
            (Step::Audit, Input::Forgotten(_)) | (Step::SignIns, Input::Forgotten(STEP_FULL..)) => {
                self.go(Step::SignIns, Call::ForgetSignIns(self.at.wall))
            }
            (Step::SignIns, Input::Forgotten(_)) | (Step::Changes, Input::Forgotten(CHANGES_FULL..)) => {
                self.go(Step::Changes, Call::ForgetChanges)
            }
            (Step::Changes, Input::Forgotten(_)) if self.look.is_due() => self.go(Step::Consumers, Call::Consumers),
            (Step::Changes, Input::Forgotten(_)) => self.end(now),
            (Step::Consumers, Input::Consumers(consumers)) => {
                self.look.done();
                let mut actions = self.reports(consumers, now.steady);
                actions.extend(self.end(now));
                actions
            }
            (Step::Idle, _) => Vec::new(),
            (_, Input::Unavailable(error)) => after(Later::Records, error, self.end(now)),
            _ => Vec::new(),
        }
    }

    fn requests(&mut self) -> Vec<Action> {
        self.go(Step::Requests, Call::ForgetRequests(self.at.wall))
    }

    fn screening(&mut self) -> Vec<Action> {
        self.go(Step::Screening, Call::ForgetScreening(self.at.wall - self.screening_log))
    }

    fn audit(&mut self) -> Vec<Action> {
        self.go(Step::Audit, Call::ForgetAudit(self.at.wall - self.audit_log))
    }

    fn go(&mut self, step: Step, call: Call) -> Vec<Action> {
        self.step = step;
        vec![Action::Do(call)]
    }

    fn end(&mut self, now: Moment) -> Vec<Action> {
        self.step = Step::Idle;
        vec![self.rounds.rest(now)]
    }

    /// Reports the consumers that are far behind: at once, and then now and then for as long as they are. The log of
    /// changes grows with the one that is furthest behind.
    fn reports(&mut self, consumers: Vec<Consumer>, now: Timestamp) -> Vec<Action> {
        let far: Vec<Consumer> = consumers.into_iter().filter(|consumer| consumer.behind > BEHIND_MAX).collect();
        self.behind.retain(|name, _| far.iter().any(|consumer| consumer.name == *name));
        let mut reports = Vec::new();
        for Consumer { name, behind, .. } in far {
            let again_at = self.behind.entry(name.clone()).or_insert(now);
            if *again_at <= now {
                *again_at = now + REPORTED_EVERY;
                reports.push(Action::Report(Report::Behind(name, behind)));
            }
        }
        reports
    }
}
