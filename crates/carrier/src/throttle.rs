//! Pace: how many segments a second, how long to rest when the SMSC asks for it, and when full queues of recipients
//! amount to that.

use std::time::{Duration, Instant};

use model::Msisdn;

/// A token bucket that holds a tenth of a second's worth. A rate of 0 lets everything pass.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: f64,
    tokens: f64,
    filled_at: Instant,
}

impl Bucket {
    /// A full bucket of `rate` tokens a second.
    pub(crate) fn new(rate: u32, now: Instant) -> Self {
        let mut bucket = Self { rate: f64::from(rate), tokens: 0.0, filled_at: now };
        bucket.tokens = bucket.capacity();
        bucket
    }

    /// How many whole tokens there are.
    pub(crate) fn available(&mut self, now: Instant) -> usize {
        if self.rate == 0.0 {
            return usize::MAX;
        }
        let gained = now.saturating_duration_since(self.filled_at).as_secs_f64() * self.rate;
        self.tokens = (self.tokens + gained).min(self.capacity());
        self.filled_at = now;
        self.tokens.max(0.0) as usize
    }

    /// Takes one token, if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let free = self.available(now) > 0;
        if free {
            self.spend(1);
        }
        free
    }

    /// Takes `count` tokens, running into debt where there are fewer: what is over is waited for afterwards.
    pub(crate) fn spend(&mut self, count: usize) {
        if self.rate > 0.0 {
            self.tokens -= count as f64;
        }
    }

    /// Gives one token back unused.
    pub(crate) fn give_back(&mut self) {
        if self.rate > 0.0 {
            self.tokens += 1.0;
        }
    }

    /// When there will be a token; `None` when there is one at `now`.
    pub(crate) fn free_at(&self, now: Instant) -> Option<Instant> {
        let gained = now.saturating_duration_since(self.filled_at).as_secs_f64() * self.rate;
        let missing = 1.0 - (self.tokens + gained);
        (self.rate > 0.0 && missing > 0.0)
            .then(|| now + Duration::from_secs_f64(missing / self.rate).max(Duration::from_millis(1)))
    }

    fn capacity(&self) -> f64 {
        (self.rate / 10.0).max(1.0)
    }
}

/// The rest that an SMSC asks for: longer each time it asks again, over when it takes something.
#[derive(Debug)]
pub(crate) struct Rest {
    floor: Duration,
    ceiling: Duration,
    next: Duration,
    until: Option<Instant>,
}

impl Rest {
    pub(crate) const fn new(floor: Duration, ceiling: Duration) -> Self {
        Self { floor, ceiling, next: floor, until: None }
    }

    /// Rests from `now`. What is asked during a rest, by answers that were under way, is the same request and makes it
    /// no longer.
    pub(crate) fn begin(&mut self, now: Instant) {
        if self.until(now).is_none() {
            self.until = Some(now + self.next);
            self.next = (self.next * 2).min(self.ceiling);
        }
    }

    /// The SMSC took something: the next rest is a short one, unless one is under way, whose answers were only late.
    pub(crate) fn over(&mut self, now: Instant) {
        if self.until(now).is_none() {
            self.next = self.floor;
        }
    }

    /// Until when it lasts; `None` when it is over.
    pub(crate) fn until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| now < *until)
    }
}

/// Recipients whose queues are full, as far as the SMSC said so since it last took something.
///
/// A handset that is off fills its own queue, which is no reason to send others less. Where many different recipients
/// in a row are refused so and nothing is taken in between, it is the SMSC that is full.
#[derive(Debug)]
pub(crate) struct FullQueues {
    recipients: Vec<Msisdn>,
    limit: usize,
}

impl FullQueues {
    /// Rests begin with the `limit`th recipient in a row; with 0 never.
    pub(crate) const fn new(limit: usize) -> Self {
        Self { recipients: Vec::new(), limit }
    }

    /// Notes that the queue of `recipient` is full. Whether the link is to rest: this recipient is another one, and at
    /// least the `limit`th.
    pub(crate) fn note(&mut self, recipient: Msisdn) -> bool {
        if self.limit == 0 || self.recipients.contains(&recipient) {
            return false;
        }
        let is_one_too_many = self.recipients.len() + 1 >= self.limit;
        if !is_one_too_many {
            self.recipients.push(recipient);
        }
        is_one_too_many
    }

    /// The SMSC took something: the full queues are those of their recipients.
    pub(crate) fn over(&mut self) {
        self.recipients.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_queues_of_many_recipients_in_a_row_make_a_rest_and_those_of_a_few_do_not() {
        let number = |last: u32| Msisdn::parse(&format!("+1800555{last:04}")).unwrap();
        let mut full = FullQueues::new(3);
        assert!((0..100).all(|_| !full.note(number(1))), "one handset, however often");
        assert!(!full.note(number(2)));
        assert!(full.note(number(3)) && full.note(number(4)) && full.note(number(3)), "all others are full as well");
        assert!(!full.note(number(2)), "one of the first is no news");
        full.over();
        assert!(!full.note(number(3)) && !full.note(number(4)));
        let mut never = FullQueues::new(0);
        assert!((0..100).all(|last| !never.note(number(last))));
        assert!(FullQueues::new(1).note(number(1)));
    }

    #[test]
    fn a_bucket_lets_its_rate_pass_and_no_more() {
        let start = Instant::now();
        let mut bucket = Bucket::new(100, start);
        let passed = (0..1_000).filter(|ms| bucket.take(start + Duration::from_millis(*ms))).count();
        assert!((100..=110).contains(&passed), "{passed}");
        assert!(bucket.free_at(start + Duration::from_millis(999)).is_some());
    }

    #[test]
    fn debt_is_waited_for() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, start);
        bucket.spend(6);
        assert_eq!(bucket.available(start + Duration::from_millis(400)), 0);
        assert_eq!(bucket.available(start + Duration::from_millis(610)), 1);
    }

    #[test]
    fn a_rate_of_zero_is_no_bound() {
        let now = Instant::now();
        let mut bucket = Bucket::new(0, now);
        assert!((0..1_000).all(|_| bucket.take(now)) && bucket.free_at(now).is_none());
    }

    #[test]
    fn rests_grow_while_the_smsc_goes_on_asking() {
        let start = Instant::now();
        let mut rest = Rest::new(Duration::from_millis(100), Duration::from_millis(400));
        let mut now = start;
        for expected_ms in [100, 200, 400, 400] {
            rest.begin(now);
            rest.begin(now);
            let until = rest.until(now).unwrap();
            assert_eq!(until - now, Duration::from_millis(expected_ms));
            now = until;
        }
        rest.over(now);
        rest.begin(now);
        assert_eq!(rest.until(now), Some(now + Duration::from_millis(100)));
    }
}
