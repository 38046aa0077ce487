//! The length of the leases of messages and attempts: as long as their carriers need.
//!
//! The dispatcher of a message leases it, and the lease starts again with each attempt. An attempt needs the time until
//! its outcome ([`Carrier::answers_within`](carrier::Carrier::answers_within)) and the time to record that.

use std::time::Duration;

/// The longest time from an outcome of the carrier until it is on disk.
const RECORDING: Duration = Duration::from_secs(15);

/// The longest time until an attempt begins: its media are read, and its beginning is recorded.
const BEGINNING: Duration = Duration::from_secs(15);

/// The lease of an attempt with a carrier whose outcomes come within `answers_within`.
pub(crate) const fn of_attempt(answers_within: Duration) -> Duration {
    answers_within.saturating_add(RECORDING)
}

/// The shortest lease of messages for a carrier whose outcomes come within `answers_within`.
pub const fn shortest(answers_within: Duration) -> Duration {
    of_attempt(answers_within).saturating_add(BEGINNING)
}

/// The longest time for outcomes of a carrier if messages are leased for `lease`.
pub const fn longest_answers(lease: Duration) -> Duration {
    lease.saturating_sub(RECORDING).saturating_sub(BEGINNING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_lasts_until_the_outcome_of_its_attempt_is_on_disk() {
        for secs in [0, 1, 120, 86_400] {
            let within = Duration::from_secs(secs);
            assert!(shortest(within) > of_attempt(within) && of_attempt(within) > within, "{secs}");
            assert_eq!(longest_answers(shortest(within)), within, "{secs}");
        }
        assert_eq!(longest_answers(Duration::from_secs(5)), Duration::ZERO);
        assert_eq!(shortest(Duration::MAX), Duration::MAX);
    }
}
