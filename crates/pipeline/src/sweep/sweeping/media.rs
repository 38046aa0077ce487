//! The strand of media: a batch of them in each round, and now and then all bytes that no record names.

use std::time::Duration;

use model::{MediaId, Moment};

use super::super::STEP;
use super::{Action, Call, Input, Later, Owed, Rounds, after};

/// How often unneeded media are looked for.
const EVERY: Duration = Duration::from_secs(30);

/// Every so many of these looks, bytes are looked for that no record names.
const ROUNDS_PER_INVENTORY: u32 = 720;

/// What the driver is doing.
#[derive(Clone, Copy)]
enum Step {
    Idle,
    RemovingOrphans,
    Sweeping,
    SweepingFiles,
}

pub(super) struct Media {
    /// How long unneeded media are kept.
    kept: Duration,
    rounds: Rounds,
    inventory: Owed,
    /// The last of the media that the round before looked at.
    reached: Option<MediaId>,
    step: Step,
}

impl Media {
    pub(super) fn new(kept: Duration) -> Self {
        Self {
            kept,
            rounds: Rounds::new(EVERY),
            inventory: Owed::every(ROUNDS_PER_INVENTORY),
            reached: None,
            step: Step::Idle,
        }
    }

    pub(super) fn on(&mut self, input: Input, now: Moment) -> Vec<Action> {
        match (self.step, input) {
            (Step::Idle, Input::Due) => {
                self.rounds.begin(now);
                self.inventory.begin_round();
                if !self.inventory.is_due() {
                    return self.sweep(now);
                }
                self.step = Step::RemovingOrphans;
                vec![Action::Do(Call::RemoveOrphans)]
            }
            (Step::RemovingOrphans, Input::OrphansRemoved) => {
                self.inventory.done();
                self.sweep(now)
            }
            // The disk may have failed, and the store may answer.
            (Step::RemovingOrphans, Input::Unavailable(error)) => after(Later::Orphans, error, self.sweep(now)),
            (Step::Sweeping, Input::MediaSwept(reached)) => {
                self.reached = reached;
                self.sweep_files()
            }
            (Step::SweepingFiles, Input::FilesSwept(STEP..)) => self.sweep_files(),
            (Step::SweepingFiles, Input::FilesSwept(_)) => self.end(now),
            (Step::Sweeping | Step::SweepingFiles, Input::Unavailable(error)) => {
                after(Later::Media, error, self.end(now))
            }
            _ => Vec::new(),
        }
    }

    fn sweep(&mut self, now: Moment) -> Vec<Action> {
        self.step = Step::Sweeping;
        vec![Action::Do(Call::SweepMedia(self.reached, now.wall - self.kept))]
    }

    /// Files that no message of a handset has any more go at once.
    fn sweep_files(&mut self) -> Vec<Action> {
        self.step = Step::SweepingFiles;
        vec![Action::Do(Call::SweepFiles)]
    }

    fn end(&mut self, now: Moment) -> Vec<Action> {
        self.step = Step::Idle;
        vec![self.rounds.rest(now)]
    }
}
