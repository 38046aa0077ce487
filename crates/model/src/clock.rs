//! Time as a value: milliseconds since 1970 in UTC, and the trait through which the program learns it.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A moment: whole milliseconds since 1970-01-01T00:00:00Z. Displays as RFC 3339 with milliseconds, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `ms` milliseconds after 1970 began.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970 began.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970 began, rounded up: the first second at which this moment has passed.
    pub const fn as_secs_ceil(self) -> i64 {
        self.0.div_euclid(1000) + if self.0.rem_euclid(1000) > 0 { 1 } else { 0 }
    }

    /// Time from `earlier` until this moment; zero when `earlier` is the later one.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// 9999-12-31T23:59:59.999Z: the last moment that RFC 3339 can write, and what people write when they mean "never".
    pub const LAST: Self = Self(253_402_300_799_999);

    /// Reads an RFC 3339 date and time with an offset; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_millisecond())).or_else(|| Self::parse_at_the_end(text))
    }

    /// The last hours of the year 9999, which jiff's moments leave out so that each of them exists in every time zone.
    /// An offset may push one beyond [`LAST`](Self::LAST), which then stands for it.
    fn parse_at_the_end(text: &str) -> Option<Self> {
        let pieces = jiff::fmt::temporal::Pieces::parse(text).ok()?;
        let seconds_east = pieces.to_numeric_offset()?.seconds();
        let local = pieces.date().to_datetime(pieces.time()?);
        let ms = i64::try_from(local.duration_since(EPOCH).as_millis()).ok()? - i64::from(seconds_east) * 1_000;
        (local.year() == 9999).then_some(Self(ms.min(Self::LAST.0)))
    }
}

/// The beginning of 1970, which has no time zone here: all that is computed with it is UTC.
const EPOCH: jiff::civil::DateTime = jiff::civil::date(1970, 1, 1).to_datetime(jiff::civil::Time::midnight());

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            // The last hours of the year 9999.
            Err(_) if (0..=Self::LAST.0).contains(&self.0) => {
                write!(f, "{:.3}Z", EPOCH.saturating_add(jiff::SignedDuration::from_millis(self.0)))
            }
            // Beyond the years -9999 to 9999; only a corrupt value gets here, and it should be seen as it is.
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// One look at a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The time of day: for times that people read, such as those of events and the end of validity.
    pub wall: Timestamp,
    /// The steady time ([`Clock::steady`]): for waits, such as leases, paces and the next try.
    pub steady: Timestamp,
}

impl Moment {
    /// The moment at which both clocks show `at`, as they do when a process starts.
    pub const fn of(at: Timestamp) -> Self {
        Self { wall: at, steady: at }
    }
}

/// The clock of the program: the machine's clock in production, [`SimClock`] in tests.
pub trait Clock: Send + Sync {
    /// The time of day. Steps forward or back when the machine's clock is set.
    fn now(&self) -> Timestamp;

    /// The steady time: the time of day at which the process started, and the time that has passed since. It never goes
    /// back, and no setting of the machine's clock moves it. Two readings of one process compare; a reading of an
    /// earlier process may lie ahead or behind by any amount.
    fn steady(&self) -> Timestamp;

    /// Both readings.
    fn look(&self) -> Moment {
        Moment { wall: self.now(), steady: self.steady() }
    }
}

/// A clock that moves when a test moves it.
#[derive(Debug, Default)]
pub struct SimClock {
    wall: AtomicI64,
    steady: AtomicI64,
}

impl SimClock {
    /// A clock that begins at `start`.
    pub fn at(start: Timestamp) -> Self {
        Self { wall: AtomicI64::new(start.0), steady: AtomicI64::new(start.0) }
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.wall.fetch_add(by, Ordering::SeqCst);
        self.steady.fetch_add(by, Ordering::SeqCst);
    }

    /// Sets the time of day, forward or back, as an operator or NTP does. No time passes.
    pub fn set(&self, to: Timestamp) {
        self.wall.store(to.0, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.wall.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Timestamp {
        Timestamp(self.steady.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_displays_with_exactly_three_decimals() {
        assert_eq!(Timestamp::from_millis(1_773_585_000_000).to_string(), "2026-03-15T14:30:00.000Z");
        assert_eq!(Timestamp::from_millis(1_773_585_000_007).to_string(), "2026-03-15T14:30:00.007Z");
        assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn what_is_displayed_parses_to_the_same_moment() {
        let at = Timestamp::from_millis(1_773_585_000_123);
        assert_eq!(Timestamp::parse(&at.to_string()), Some(at));
        assert_eq!(Timestamp::parse("2026-03-15T15:30:00.123+01:00"), Some(at));
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    #[test]
    fn the_last_moment_of_the_year_9999_is_a_time() {
        for (text, shown) in [
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
            ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999Z"),
            ("9999-12-31t00:00:00z", "9999-12-31T00:00:00.000Z"),
            ("9999-12-30T22:00:00Z", "9999-12-30T22:00:00.000Z"),
            ("9999-12-30T22:00:01Z", "9999-12-30T22:00:01.000Z"),
            ("9999-12-31T23:59:59+00:00", "9999-12-31T23:59:59.000Z"),
            ("9999-12-31T23:59:59+14:00", "9999-12-31T09:59:59.000Z"),
            ("9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59.999Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
            ("9999-12-31T23:59:60Z", "9999-12-31T23:59:59.000Z"),
        ] {
            let at = Timestamp::parse(text);
            assert_eq!(at.map(|at| at.to_string()).as_deref(), Some(shown), "{text}");
            assert_eq!(Timestamp::parse(shown), at, "{text}: what is shown is read again");
        }
        assert_eq!(Timestamp::parse("9999-12-31T23:59:59.999Z"), Some(Timestamp::LAST));
        for text in [
            "9999-12-31T23:59:59",
            "9999-12-31",
            "10000-01-01T00:00:00Z",
            "+010000-01-01T00:00:00Z",
            "9999-13-01T00:00:00Z",
            "9999-12-31T24:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn seconds_are_rounded_up() {
        assert_eq!(Timestamp::from_millis(1_000).as_secs_ceil(), 1);
        assert_eq!(Timestamp::from_millis(1_001).as_secs_ceil(), 2);
    }

    #[test]
    fn setting_the_clock_moves_the_time_of_day_alone() {
        let clock = SimClock::at(Timestamp::from_millis(5_000));
        clock.set(Timestamp::from_millis(1_000));
        assert_eq!(clock.look(), Moment { wall: Timestamp::from_millis(1_000), steady: Timestamp::from_millis(5_000) });
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.look(), Moment { wall: Timestamp::from_millis(2_000), steady: Timestamp::from_millis(6_000) });
    }
}
