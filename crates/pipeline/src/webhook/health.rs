//! The health of an endpoint, as a function of its answers.

use std::time::Duration;

use model::Timestamp;
use store::contract::webhooks::Failing;

use super::schedule::wait_after;

/// How many failures in a row make an endpoint failing.
const FAILURES: u32 = 5;

/// How long they must last.
const FAILURES_LAST: Duration = Duration::from_secs(30);

/// How long an endpoint may be failing before it is disabled.
pub(crate) const FAILING_MAX: Duration = Duration::from_secs(5 * 86_400);

/// How long an endpoint has few requests at once after it was in trouble.
const CAREFUL: Duration = Duration::from_secs(60);

/// How long nothing is sent after a failure, once there were [`FAILURES`] in a row.
const PACE: Duration = Duration::from_secs(5);

/// The longest that an endpoint can ask for silence.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// The requests that an endpoint has at once while all is well, and in or after trouble.
const IN_FLIGHT: (usize, usize) = (16, 2);

/// The health of an endpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health {
    /// Failures since the last success, and when the first of them was.
    failures: u32,
    first_failure: Timestamp,
    failing: Option<Failing>,
    probe_due: Timestamp,
    careful_until: Timestamp,
    pause_until: Timestamp,
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Same,
    /// The endpoint is failing from now on.
    Failing,
    /// It has been failing for too long.
    Hopeless,
}

impl Health {
    /// That of an endpoint as it is on record.
    pub(crate) fn of(failing: Option<Failing>, now: Timestamp, unit: f64) -> Self {
        let probe_due = now + wait_after(1, unit, None);
        Self { failing, probe_due, careful_until: now, ..Self::default() }
    }

    /// The state for the record.
    pub(crate) const fn failing(&self) -> Option<Failing> {
        self.failing
    }

    /// How many requests the endpoint may have at once.
    pub(crate) fn in_flight_max(&self, now: Timestamp) -> usize {
        match self.failing {
            Some(_) => 1,
            None if now < self.careful_until || self.failures >= FAILURES => IN_FLIGHT.1,
            None => IN_FLIGHT.0,
        }
    }

    /// From when on something may be sent.
    pub(crate) fn ready_at(&self) -> Timestamp {
        match self.failing {
            Some(_) => self.probe_due.max(self.pause_until),
            None => self.pause_until,
        }
    }

    /// Notes a success. Says whether the endpoint was failing until now.
    pub(crate) fn succeeded(&mut self, now: Timestamp) -> bool {
        self.failures = 0;
        let recovered = self.failing.take().is_some();
        if recovered {
            (self.careful_until, self.pause_until) = (now + CAREFUL, now);
        }
        recovered
    }

    /// Notes a failure. `asked` is the time for which the endpoint wants to be spared; `probe` says that this attempt
    /// was the one that tries whether a failing endpoint is well again.
    pub(crate) fn failed(&mut self, now: Timestamp, unit: f64, asked: Option<Duration>, probe: bool) -> Verdict {
        if self.failures == 0 {
            self.first_failure = now;
        }
        self.failures = self.failures.saturating_add(1);
        if let Some(asked) = asked {
            self.pause_until = self.pause_until.max(now + asked.min(PAUSE_MAX));
            self.careful_until = now + CAREFUL;
        }
        if let Some(failing) = &mut self.failing {
            if probe {
                failing.probes = failing.probes.saturating_add(1);
                self.probe_due = now + wait_after(failing.probes + 1, unit, asked);
            }
            let is_hopeless = now.since(failing.since) >= FAILING_MAX;
            return if is_hopeless { Verdict::Hopeless } else { Verdict::Same };
        }
        if self.failures < FAILURES {
            return Verdict::Same;
        }
        if now.since(self.first_failure) >= FAILURES_LAST {
            self.failing = Some(Failing { since: now, probes: 0 });
            self.probe_due = now + wait_after(1, unit, asked);
            return Verdict::Failing;
        }
        // It may be failing: a request every few seconds tells soon enough.
        self.pause_until = self.pause_until.max(now + PACE);
        Verdict::Same
    }
}
