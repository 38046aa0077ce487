//! The speed of background work in the store, which is done in steps, each a small transaction.
//!
//! The size of a step and the pause after it depend on the number of other calls that the store had to write since the
//! last one. While it is busy, the work takes about a hundredth of the writer's time; while it is idle, steps follow
//! each other almost at once.

use std::time::Duration;

/// Up to so many other calls a second, the store counts as quiet.
const QUIET_CALLS_PER_SEC: u128 = 50;

/// Up to so many, there is much time left.
const MODERATE_CALLS_PER_SEC: u128 = 5_000;

/// How large a step is, and how long the pause behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Speed {
    /// What one step does at most.
    pub(crate) batch: usize,
    pub(crate) pause: Duration,
}

/// The speeds of some work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speeds {
    /// While the store has nothing else to write.
    pub(crate) quiet: Speed,
    /// While it has, and much time is left.
    pub(crate) moderate: Speed,
    /// While little may be left.
    pub(crate) busy: Speed,
}

/// The speed, and what it follows from.
pub(crate) struct Pace {
    speeds: Speeds,
    speed: Speed,
    /// How many calls the store had run when the last pause began.
    calls: Option<u64>,
}

impl Pace {
    /// Work that begins: as if the store were busy.
    pub(crate) const fn new(speeds: Speeds) -> Self {
        Self { speeds, speed: speeds.busy, calls: None }
    }

    /// What the next step does at most.
    pub(crate) const fn batch(&self) -> usize {
        self.speed.batch
    }

    /// The pause behind the last step.
    pub(crate) const fn pause(&self) -> Duration {
        self.speed.pause
    }

    /// There was nothing to do, and what comes next begins anew.
    pub(crate) const fn begin_anew(&mut self) {
        *self = Self::new(self.speeds);
    }

    /// The pause behind a step that was a call of the store, when it had run so many. The next step may have another
    /// size.
    pub(crate) fn pause_after(&mut self, calls: u64) -> Duration {
        // The step itself is one call.
        let others = self.calls.map(|before| u128::from(calls.saturating_sub(before + 1)));
        let up_to =
            |per_sec: u128| others.is_some_and(|others| others * 1_000 <= per_sec * self.speed.pause.as_millis());
        self.speed = if up_to(QUIET_CALLS_PER_SEC) {
            self.speeds.quiet
        } else if up_to(MODERATE_CALLS_PER_SEC) {
            self.speeds.moderate
        } else {
            self.speeds.busy
        };
        self.calls = Some(calls);
        self.speed.pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Speed = Speed { batch: 500, pause: Duration::from_millis(2) };
    const MODERATE: Speed = Speed { batch: 50, pause: Duration::from_millis(20) };
    const BUSY: Speed = Speed { batch: 50, pause: Duration::from_millis(100) };

    /// The speeds behind steps at which the store had run so many calls.
    fn speeds(calls: &[u64]) -> Vec<Speed> {
        let mut pace = Pace::new(Speeds { quiet: QUIET, moderate: MODERATE, busy: BUSY });
        let speed = |calls: &u64| {
            let pause = pace.pause_after(*calls);
            assert_eq!(pause, pace.pause());
            pace.speed
        };
        calls.iter().map(speed).collect()
    }

    #[test]
    fn steps_follow_each_other_while_the_store_has_nothing_else_to_write() {
        assert_eq!(speeds(&[10, 11, 12, 13]), [BUSY, QUIET, QUIET, QUIET]);
    }

    #[test]
    fn steps_are_small_and_rare_while_it_has_much_to_write() {
        assert_eq!(speeds(&[10, 1_011, 3_012]), [BUSY; 3]);
    }

    #[test]
    fn the_speed_follows_the_calls_in_the_last_pause() {
        // Other calls: 500 in 100 ms, none in 20 ms, one in 2 ms, 101 in 20 ms, 500 in 100 ms.
        let calls = [10, 511, 512, 514, 616, 1_117];
        assert_eq!(speeds(&calls), [BUSY, MODERATE, QUIET, MODERATE, BUSY, MODERATE]);
    }
}
