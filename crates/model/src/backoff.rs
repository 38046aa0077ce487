//! The wait before the next try: doubling, with jitter, up to a ceiling.

use std::time::Duration;

/// A schedule of waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait, before jitter.
    pub floor: Duration,
    /// The longest wait, before jitter.
    pub ceiling: Duration,
}

impl Backoff {
    /// The wait after `failures` failures in a row (from 1). `unit` is a random number from 0 up to 1: the wait lies
    /// between half and the whole of its step, so that many waiters do not come back at once and none at once at all.
    pub fn wait(&self, failures: u32, unit: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let step = self.floor.saturating_mul(1 << doublings).min(self.ceiling);
        step.mul_f64(0.5 + unit.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_ceiling_and_keep_their_half() {
        let backoff = Backoff { floor: Duration::from_secs(1), ceiling: Duration::from_secs(30) };
        for (failures, full_secs) in [(0, 1), (1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (1000, 30)] {
            assert_eq!(backoff.wait(failures, 1.0), Duration::from_secs(full_secs), "{failures}");
            assert_eq!(backoff.wait(failures, 0.0), Duration::from_secs(full_secs) / 2, "{failures}");
        }
    }
}
