//! The daily quota: recipients in a UTC day.

use std::fmt;
use std::time::Duration;

use crate::clock::Timestamp;

/// The largest daily quota of an account: more recipients a day than there are people.
pub const QUOTA_MAX: u64 = 1_000_000_000_000;

const DAY_MS: i64 = 86_400_000;

/// A day in UTC, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcDay(pub i64);

impl UtcDay {
    /// The day that holds `now`.
    pub const fn of(now: Timestamp) -> Self {
        Self(now.as_millis().div_euclid(DAY_MS))
    }

    /// The day of a date as in RFC 3339 (`2026-03-15`), or the one that holds a time as in RFC 3339.
    pub fn parse(text: &str) -> Option<Self> {
        let midnight = || Timestamp::parse(&format!("{text}T00:00:00Z"));
        Timestamp::parse(text).or_else(midnight).map(Self::of)
    }

    /// The end of the day.
    pub const fn end(self) -> Timestamp {
        Timestamp::from_millis((self.0 + 1) * DAY_MS)
    }

    /// The remaining time of the day at `now`, rounded up to whole seconds, at least one: the wait until the quota is
    /// renewed.
    pub fn time_left(self, now: Timestamp) -> Duration {
        Duration::from_secs(u64::try_from(self.end().since(now).as_millis().div_ceil(1000)).unwrap_or(1).max(1))
    }
}

impl fmt::Display for UtcDay {
    /// The date, as in RFC 3339.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let midnight = Timestamp::from_millis(self.0 * DAY_MS).to_string();
        f.write_str(midnight.split('T').next().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_turns_at_midnight_utc() {
        for (before, wait_secs) in
            [("2026-03-15T23:59:59.999Z", 1), ("2028-02-29T23:00:00.000Z", 3600), ("2026-12-31T00:00:00.000Z", 86_400)]
        {
            let now = Timestamp::parse(before).unwrap();
            let day = UtcDay::of(now);
            assert_eq!(day.time_left(now), Duration::from_secs(wait_secs), "{before}");
            assert_eq!(UtcDay::of(day.end()), UtcDay(day.0 + 1));
        }
    }

    #[test]
    fn a_day_is_named_by_its_date_or_by_a_time_within_it() {
        for (text, date) in [
            ("2026-03-15", Some("2026-03-15")),
            ("2026-03-15T23:59:59.999Z", Some("2026-03-15")),
            ("2026-03-15T23:30:00-01:00", Some("2026-03-16")),
            ("1969-12-31", Some("1969-12-31")),
            ("2024-02-29", Some("2024-02-29")),
            ("9999-12-31", Some("9999-12-31")),
            ("2026-02-29", None),
            ("2026-3-15", None),
            ("15.3.2026", None),
            ("", None),
        ] {
            assert_eq!(UtcDay::parse(text).map(|day| day.to_string()).as_deref(), date, "{text}");
        }
    }
}
