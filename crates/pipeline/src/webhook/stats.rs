//! Metrics of webhooks.

use crate::count::{Counter, Level};

/// What an attempt came to, for the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The endpoint has the event.
    Delivered,
    /// It answered with another status than 2xx.
    Status,
    /// It did not answer, or not whole, in time.
    TimedOut,
    /// There was no connection, or it broke.
    Connection,
    /// The URL may not be asked any more.
    Denied,
}

impl AttemptOutcome {
    /// Every outcome.
    pub const ALL: [Self; 5] = [Self::Delivered, Self::Status, Self::TimedOut, Self::Connection, Self::Denied];

    /// The name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Status => "status",
            Self::TimedOut => "timed_out",
            Self::Connection => "connection",
            Self::Denied => "denied",
        }
    }
}

/// What is measured of webhooks.
#[derive(Debug, Default)]
pub struct Stats {
    attempts: [Counter; AttemptOutcome::ALL.len()],
    /// Endpoints.
    pub endpoints: Level,
    /// Endpoints that are failing.
    pub failing: Level,
    /// Endpoints disabled by the platform.
    pub disabled: Level,
    /// How old the oldest event is that an active endpoint does not have, in milliseconds: of the slowest endpoint.
    pub lag_ms: Level,
    /// Requests under way.
    pub in_flight: Level,
    /// Events that were removed because they were old.
    pub forgotten: Counter,
}

impl Stats {
    /// How many attempts came to this.
    pub fn attempts(&self, outcome: AttemptOutcome) -> u64 {
        self.attempts[outcome as usize].get()
    }

    pub(crate) fn count(&self, outcome: AttemptOutcome) {
        self.attempts[outcome as usize].add();
    }
}
