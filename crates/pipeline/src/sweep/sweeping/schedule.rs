//! The strand of scheduled messages: each is queued when its time has come.

use std::time::Duration;

use model::Moment;

use super::{Action, Call, Input, Later, Rounds, after};

/// The time between two looks for messages that are due.
const EVERY: Duration = Duration::from_secs(1);

pub(super) struct Schedule {
    rounds: Rounds,
    /// Whether the driver is launching messages.
    is_launching: bool,
}

impl Schedule {
    pub(super) const fn new() -> Self {
        Self { rounds: Rounds::new(EVERY), is_launching: false }
    }

    pub(super) fn on(&mut self, input: Input, now: Moment) -> Vec<Action> {
        match (self.is_launching, input) {
            (false, Input::Due) => {
                self.rounds.begin(now);
                self.is_launching = true;
                vec![Action::Do(Call::Launch)]
            }
            (true, Input::Launched) => self.end(now),
            (true, Input::Unavailable(error)) => after(Later::Schedule, error, self.end(now)),
            _ => Vec::new(),
        }
    }

    fn end(&mut self, now: Moment) -> Vec<Action> {
        self.is_launching = false;
        vec![self.rounds.rest(now)]
    }
}
