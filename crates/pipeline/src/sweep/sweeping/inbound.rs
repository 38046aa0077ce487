//! The strand of messages of handsets: waits for parts end, and what is old is forgotten, in steps that let others have
//! their turn in between.

use std::time::Duration;

use model::{Moment, Timestamp};

use super::super::STEP;
use super::{Action, Call, Input, Later, Owed, Report, Rounds, after};

/// How often it is looked whether waits are over.
const EVERY: Duration = Duration::from_secs(1);

/// Every so many rounds, the parts that wait are counted.
const ROUNDS_PER_COUNT: u32 = 10;

/// What the driver is doing.
#[derive(Clone, Copy)]
enum Step {
    Idle,
    EndingWaits,
    Forgetting,
    Counting,
}

pub(super) struct Inbound {
    rounds: Rounds,
    count: Owed,
    /// The beginning of the present round.
    at: Timestamp,
    step: Step,
}

impl Inbound {
    pub(super) fn new() -> Self {
        let (rounds, count) = (Rounds::new(EVERY), Owed::every(ROUNDS_PER_COUNT));
        Self { rounds, count, at: Timestamp::from_millis(0), step: Step::Idle }
    }

    pub(super) fn on(&mut self, input: Input, now: Moment) -> Vec<Action> {
        match (self.step, input) {
            (Step::Idle, Input::Due) => {
                self.at = now.wall;
                self.rounds.begin(now);
                self.count.begin_round();
                self.go(Step::EndingWaits, Call::EndPartWaits(self.at))
            }
            (Step::EndingWaits, Input::PartsShown(step)) => {
                let next = match step.more {
                    true => self.go(Step::EndingWaits, Call::EndPartWaits(self.at)),
                    false => self.go(Step::Forgetting, Call::ForgetInbound(self.at)),
                };
                let reports = step.shown.into_iter().map(|outcome| Action::Report(Report::Shown(outcome)));
                reports.chain(next).collect()
            }
            (Step::Forgetting, Input::InboundForgotten(STEP..)) => {
                self.go(Step::Forgetting, Call::ForgetInbound(self.at))
            }
            (Step::Forgetting, Input::InboundForgotten(_)) if self.count.is_due() => {
                self.go(Step::Counting, Call::CountParts)
            }
            (Step::Forgetting, Input::InboundForgotten(_)) => self.end(now),
            (Step::Counting, Input::PartsCounted) => {
                self.count.done();
                self.end(now)
            }
            (Step::Idle, _) => Vec::new(),
            (_, Input::Unavailable(error)) => after(Later::Inbound, error, self.end(now)),
            _ => Vec::new(),
        }
    }

    fn go(&mut self, step: Step, call: Call) -> Vec<Action> {
        self.step = step;
        vec![Action::Do(call)]
    }

    fn end(&mut self, now: Moment) -> Vec<Action> {
        self.step = Step::Idle;
        vec![self.rounds.rest(now)]
    }
}
