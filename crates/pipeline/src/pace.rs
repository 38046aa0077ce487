//! Pace: the segments a second of an account or a sender. Every time here is steady time, so setting the clock delays
//! no segment.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{Originator, Timestamp};

/// The time at which the next segment may leave: the bucket of one second for one rate.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    free_at_us: i64,
}

/// A dispatcher that wakes late, by so much, may catch up where a pace has several segments in that time.
const LATENESS_US: i64 = 20_000;

impl Pace {
    pub(crate) fn is_free(self, now: Timestamp) -> bool {
        self.free_at_us <= micros(now)
    }

    /// Counts `segments` at `rate` a second. A bucket never saves up: after a pause one message leaves at once and the
    /// next in its time.
    pub(crate) fn spend(&mut self, rate: u32, segments: u32, now: Timestamp) {
        if rate > 0 {
            let interval_us = 1_000_000 / i64::from(rate);
            let lateness_us = if interval_us < LATENESS_US { LATENESS_US } else { 0 };
            // Against the start of time there is nothing to catch up with.
            let begin_us =
                if self.free_at_us == 0 { micros(now) } else { self.free_at_us.max(micros(now) - lateness_us) };
            self.free_at_us = begin_us + i64::from(segments) * 1_000_000 / i64::from(rate);
        }
    }

    /// When it is free, rounded up, so that it is free for a caller that waits until then.
    pub(crate) fn free_at(self) -> Timestamp {
        Timestamp::from_millis(self.free_at_us.div_euclid(1_000) + i64::from(self.free_at_us.rem_euclid(1_000) > 0))
    }
}

fn micros(at: Timestamp) -> i64 {
    at.as_millis().saturating_mul(1_000)
}

/// Looks up the pace of a number, in segments a second; `None` for no pace of its own.
type RateOf = Box<dyn Fn(Originator) -> Option<NonZeroU32> + Send + Sync>;

/// The number of nodes that share paces.
type Sharing = Box<dyn Fn() -> u32 + Send + Sync>;

/// The paces of sender numbers. The dispatchers of all real carriers share them: a number's pace is kept over all of
/// these together, and what test keys send counts apart.
pub(crate) struct SenderPaces {
    rate_of: RateOf,
    /// Among how many nodes each pace is divided, now.
    sharing: Sharing,
    paces: Mutex<HashMap<Originator, Pace>>,
}

impl SenderPaces {
    pub(crate) fn new(rate_of: impl Fn(Originator) -> Option<NonZeroU32> + Send + Sync + 'static) -> Self {
        Self { rate_of: Box::new(rate_of), sharing: Box::new(|| 1), paces: Mutex::default() }
    }

    /// The same, of which other processes have their shares.
    pub(crate) fn among(self, sharing: impl Fn() -> u32 + Send + Sync + 'static) -> Self {
        Self { sharing: Box::new(sharing), ..self }
    }

    /// The pace of this number, in segments a second.
    pub(crate) fn rate_of(&self, originator: Originator) -> Option<NonZeroU32> {
        (self.rate_of)(originator)
    }

    /// The time at which the next segment may leave from this number; `None` if it may at `now`.
    pub(crate) fn wait(&self, originator: Originator, now: Timestamp) -> Option<Timestamp> {
        self.rate_of(originator)?;
        self.lock().get(&originator).filter(|pace| !pace.is_free(now)).map(|pace| pace.free_at())
    }

    /// Counts segments that leave from this number.
    pub(crate) fn spend(&self, originator: Originator, segments: u32, now: Timestamp) {
        if let Some(rate) = self.rate_of(originator) {
            // With a share of the pace a segment takes the time of so many.
            let segments = segments.saturating_mul((self.sharing)().max(1));
            self.lock().entry(originator).or_default().spend(rate.get(), segments, now);
        }
    }

    /// Counted segments leave so much later than they were counted. The next segment of a slow number is delayed by
    /// that; otherwise it would follow too soon.
    pub(crate) fn delayed(&self, originator: Originator, by: Duration) {
        let Some(rate) = self.rate_of(originator) else { return };
        let interval_us = 1_000_000 / i64::from(rate.get());
        if interval_us >= LATENESS_US
            && let Some(pace) = self.lock().get_mut(&originator)
        {
            // A hundredth more, because the way from here to the carrier is not always equally long.
            pace.free_at_us += i64::try_from(by.as_micros()).unwrap_or(i64::MAX / 2) + (interval_us / 100).min(5_000);
        }
    }

    /// Forgets numbers that may send again.
    pub(crate) fn forget_idle(&self, now: Timestamp) {
        self.lock().retain(|_, pace| !pace.is_free(now));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Originator, Pace>> {
        self.paces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn a_slow_pace_never_catches_up() {
        let mut pace = Pace::default();
        pace.spend(1, 1, NOW);
        let late = NOW + Duration::from_millis(1_010);
        pace.spend(1, 1, late);
        assert_eq!(pace.free_at(), late + Duration::from_secs(1));
    }

    #[test]
    fn a_fast_pace_makes_up_for_a_late_dispatcher_and_no_more() {
        let (mut pace, mut now) = (Pace::default(), NOW);
        let mut left = 0;
        // Woken every 15 ms, which is later than each of 100 segments a second is due.
        while now < NOW + Duration::from_secs(3) {
            while pace.is_free(now) {
                pace.spend(100, 1, now);
                left += 1;
            }
            now = now + Duration::from_millis(15);
        }
        assert!((298..=302).contains(&left), "{left}");
    }

    #[test]
    fn a_sender_is_paced_over_all_its_users_and_others_are_not() {
        let (slow, free) = (Originator::parse("ACME").unwrap(), Originator::parse("18005").unwrap());
        let paces = SenderPaces::new(move |number| NonZeroU32::new(2).filter(|_| number == slow));
        for number in [slow, free] {
            assert_eq!(paces.wait(number, NOW), None);
            paces.spend(number, 3, NOW);
        }
        assert_eq!(paces.wait(slow, NOW), Some(NOW + Duration::from_millis(1_500)));
        paces.delayed(slow, Duration::from_millis(7));
        assert_eq!(paces.wait(slow, NOW), Some(NOW + Duration::from_millis(1_512)));
        assert_eq!(paces.wait(free, NOW), None);
        paces.forget_idle(NOW + Duration::from_secs(2));
        assert!(paces.lock().is_empty());
    }
}
