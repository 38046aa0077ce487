//! Launches of scheduled messages, counted.

use std::time::{Duration, Instant};

use model::sampler::{Line, Sampler};

use crate::count::{Counter, Level};
use crate::histogram::Histogram;

/// Log lines a second about launches that fail.
const LINES_PER_SECOND: u32 = 1;

/// How late scheduled messages are launched.
#[derive(Debug)]
pub struct LaunchCounters {
    /// Time from the `sendAt` of a message until this node launched it.
    pub late: Histogram,
    /// Launches that failed: each is repeated with the next round.
    pub failed: Counter,
    overdue_ms: Level,
    lines: Sampler,
}

impl Default for LaunchCounters {
    fn default() -> Self {
        Self {
            late: Histogram::default(),
            failed: Counter::default(),
            overdue_ms: Level::default(),
            lines: Sampler::new(LINES_PER_SECOND),
        }
    }
}

impl LaunchCounters {
    /// Notes how long ago the time of the longest overdue message came, as the last round found it; zero where no
    /// message is overdue.
    pub(crate) fn overdue(&self, by: Duration) {
        self.overdue_ms.set(u64::try_from(by.as_millis()).unwrap_or(u64::MAX));
    }

    /// Counts a launch that failed. Returns the log line about it, where one is due.
    pub(crate) fn failed(&self, now: Instant) -> Option<Line> {
        self.failed.add();
        self.lines.line(now)
    }

    /// How long ago the time of the longest overdue message came, as the last round found it.
    pub fn overdue_by(&self) -> Duration {
        Duration::from_millis(self.overdue_ms.get())
    }
}
