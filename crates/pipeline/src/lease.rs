//! How long messages and attempts are leased: as long as their carriers need.
//!
//! A message is leased by the dispatcher that has it, and the lease of an attempt begins anew when the attempt does. An
//! attempt needs the time until its outcome ([`Carrier::answers_within`](carrier::Carrier::answers_within)) and the
//! time to record that.

use std::time::Duration;

/// How long an outcome may take from the carrier until it is on disk.
const RECORDING: Duration = Duration::from_secs(15);

/// How long an attempt may take until it begins: its media are read, and its beginning is recorded.
const BEGINNING: Duration = Duration::from_secs(15);

/// The lease of an attempt with a carrier whose outcomes come within `answers_within`.
pub(crate) const fn of_attempt(answers_within: Duration) -> Duration {
    answers_within.saturating_add(RECORDING)
}

/// The shortest lease of messages for a carrier whose outcomes come within `answers_within`.
pub const fn shortest(answers_within: Duration) -> Duration {
    of_attempt(answers_within).saturating_add(BEGINNING)
}

/// The longest that outcomes of a carrier may take where messages are leased for `lease`.
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
