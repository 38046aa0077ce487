//! The validity of a message, if its client sets one.

use std::time::Duration;

/// A validity period: a whole number of seconds from [`Validity::MIN_SECS`] to [`Validity::MAX_SECS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity(u32);

impl Validity {
    /// The shortest one.
    pub const MIN_SECS: u32 = 1;

    /// The longest validity: 30 days, also for the operator's setting.
    pub const MAX_SECS: u32 = 30 * 86_400;

    /// The validity of so many seconds; `None` where that is too short or too long.
    pub fn from_secs(secs: u32) -> Option<Self> {
        (Self::MIN_SECS..=Self::MAX_SECS).contains(&secs).then_some(Self(secs))
    }

    /// Its length in seconds.
    pub const fn as_secs(self) -> u32 {
        self.0
    }

    /// Its length.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validity_is_a_second_to_thirty_days() {
        for (secs, is_one) in [(0, false), (1, true), (2_592_000, true), (2_592_001, false), (u32::MAX, false)] {
            assert_eq!(Validity::from_secs(secs).map(Validity::as_secs), is_one.then_some(secs));
        }
    }
}
