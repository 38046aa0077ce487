//! The strand of messages: validity, waits for receipts, unclaimed receipts, unknown carriers, and messages without a
//! route.

use std::time::Duration;

use model::{CarrierName, Moment, Timestamp};
use store::contract::receipts::WaitStep;

use super::super::{BATCH, STEP};
use super::{Action, Call, Input, Later, Owed, Report, Rounds, after};
use crate::unmatched::by_carrier;

/// How often what has ended is looked for.
const EVERY: Duration = Duration::from_secs(1);

/// Every so many rounds, carriers are looked for that are in the store and not in this configuration, and receipts for
/// held messages.
const ROUNDS_PER_CENSUS: u32 = 30;

/// So many batches of messages without a carrier are routed in one round.
const REROUTED_BATCHES: usize = 20;

/// What the driver is doing.
#[derive(Clone, Copy)]
enum Step {
    Idle,
    Expiring,
    EndingWaits,
    ForgettingParked,
    Counting,
    /// It routes messages, and may do so for so many batches more.
    Rerouting(usize),
    Settling,
}

pub(super) struct Messages {
    /// How long a receipt waits for its acknowledgement.
    parked: Duration,
    rounds: Rounds,
    census: Owed,
    settling: Owed,
    /// The beginning of the present round.
    at: Moment,
    /// What the last census found, which the log has.
    unknown: Vec<(CarrierName, u64)>,
    step: Step,
}

impl Messages {
    pub(super) fn new(parked: Duration) -> Self {
        let (census, settling) = (Owed::every(ROUNDS_PER_CENSUS), Owed::every(ROUNDS_PER_CENSUS));
        Self {
            parked,
            rounds: Rounds::new(EVERY),
            census,
            settling,
            at: Moment::of(Timestamp::from_millis(0)),
            unknown: Vec::new(),
            step: Step::Idle,
        }
    }

    pub(super) fn on(&mut self, input: Input, now: Moment) -> Vec<Action> {
        match (self.step, input) {
            (Step::Idle, Input::Due) => self.begin(now),
            (Step::Expiring, Input::Expired(ended)) if ended < BATCH => {
                self.go(Step::EndingWaits, Call::EndWaits(self.at.wall))
            }
            (Step::Expiring, Input::Expired(_)) => vec![Action::Do(Call::Expire(self.at))],
            (Step::EndingWaits, Input::WaitsEnded(ended)) => self.waits_ended(ended),
            (Step::ForgettingParked, Input::ParkedForgotten(carriers)) => self.parked_forgotten(carriers),
            (Step::Counting, Input::Unknown(unknown)) => self.counted(unknown),
            (Step::Rerouting(left), Input::Rerouted(count)) if left > 1 && count >= BATCH as u64 => {
                self.reroute(left - 1)
            }
            (Step::Rerouting(_), Input::Rerouted(_)) if self.settling.is_due() => {
                self.go(Step::Settling, Call::SettleHeld(self.at.wall, None))
            }
            (Step::Rerouting(_), Input::Rerouted(_)) => self.end(now),
            (Step::Settling, Input::Settled(next @ Some(_))) => vec![Action::Do(Call::SettleHeld(self.at.wall, next))],
            (Step::Settling, Input::Settled(None)) => {
                self.settling.done();
                self.end(now)
            }
            (Step::Idle, _) => Vec::new(),
            // What is left of the round would meet the same store. The next round begins anew, and owes what this one
            // did.
            (_, Input::Unavailable(error)) => after(Later::Messages, error, self.end(now)),
            _ => Vec::new(),
        }
    }

    fn begin(&mut self, now: Moment) -> Vec<Action> {
        self.at = now;
        self.rounds.begin(now);
        self.census.begin_round();
        self.settling.begin_round();
        self.go(Step::Expiring, Call::Expire(now))
    }

    fn go(&mut self, step: Step, call: Call) -> Vec<Action> {
        self.step = step;
        vec![Action::Do(call)]
    }

    fn end(&mut self, now: Moment) -> Vec<Action> {
        self.step = Step::Idle;
        vec![self.rounds.rest(now)]
    }

    fn waits_ended(&mut self, WaitStep { over, missing, .. }: WaitStep) -> Vec<Action> {
        let is_last = over < STEP;
        let missing =
            by_carrier(missing).into_iter().map(|(carrier, count)| Action::Report(Report::Missing(carrier, count)));
        let mut actions: Vec<Action> = missing.collect();
        let next = if is_last {
            self.go(Step::ForgettingParked, Call::ForgetParked(self.at.wall, self.parked))
        } else {
            vec![Action::Do(Call::EndWaits(self.at.wall))]
        };
        actions.extend(next);
        actions
    }

    fn parked_forgotten(&mut self, carriers: Vec<CarrierName>) -> Vec<Action> {
        let is_last = carriers.len() < STEP;
        let unclaimed =
            by_carrier(carriers).into_iter().map(|(carrier, count)| Action::Report(Report::Unclaimed(carrier, count)));
        let mut actions: Vec<Action> = unclaimed.collect();
        let next = match is_last {
            false => vec![Action::Do(Call::ForgetParked(self.at.wall, self.parked))],
            true if self.census.is_due() => self.go(Step::Counting, Call::Census),
            true => self.reroute(REROUTED_BATCHES),
        };
        actions.extend(next);
        actions
    }

    /// Reports the messages that wait for carriers missing from this configuration, whenever their number changes.
    fn counted(&mut self, unknown: Vec<(CarrierName, u64)>) -> Vec<Action> {
        self.census.done();
        let changed = unknown.iter().filter(|found| !self.unknown.contains(found)).cloned();
        let mut actions: Vec<Action> =
            changed.map(|(carrier, queued)| Action::Report(Report::Unknown(carrier, queued))).collect();
        self.unknown = unknown;
        actions.extend(self.reroute(REROUTED_BATCHES));
        actions
    }

    /// Gives messages that had no route to the carrier that their route names now, as many as one round may, and fails
    /// the others.
    fn reroute(&mut self, batches: usize) -> Vec<Action> {
        self.go(Step::Rerouting(batches), Call::Reroute(self.at))
    }
}
