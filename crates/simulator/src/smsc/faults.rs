//! What goes wrong with a `submit_sm`, if anything.

use std::time::{Duration, Instant};

use wire::smpp::{Address, CommandStatus};

use super::options::Options;
use crate::random::Random;

/// What happens to one `submit_sm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fate {
    /// How it is answered.
    pub(crate) status: CommandStatus,
    /// When; never when `None`.
    pub(crate) answer_in: Option<Duration>,
    pub(crate) receipt_first: bool,
    pub(crate) duplicate_receipt: bool,
    pub(crate) disconnect: bool,
    pub(crate) unbind: bool,
    pub(crate) garbage: bool,
}

/// How many segments came in the second that is running.
#[derive(Debug)]
pub(crate) struct Meter {
    began_at: Instant,
    count: u32,
}

impl Meter {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { began_at: now, count: 0 }
    }

    /// Counts one; says whether it is over `limit`.
    fn is_over(&mut self, limit: u32, now: Instant) -> bool {
        if now.duration_since(self.began_at) >= Duration::from_secs(1) {
            *self = Self::new(now);
        }
        self.count += 1;
        limit > 0 && self.count > limit
    }
}

/// Throws the dice for a message to `recipient`, in a fixed order, so that a seed tells the whole story.
pub(crate) fn decide(
    options: &Options,
    random: &mut Random,
    meter: &mut Meter,
    unanswered: usize,
    recipient: &Address,
    now: Instant,
) -> Fate {
    let over_window = options.window > 0 && unanswered >= options.window;
    let over_rate = meter.is_over(options.throttle_above, now);
    let rejected = options
        .reject
        .iter()
        .filter(|rejection| random.happens(rejection.probability))
        .map(|rejection| rejection.status)
        .next();
    let rejected = options
        .reject_to
        .iter()
        .find(|rule| recipient.text().ends_with(&rule.digits))
        .map(|rule| rule.status)
        .or(rejected);
    let status =
        if over_window || over_rate { CommandStatus::RTHROTTLED } else { rejected.unwrap_or(CommandStatus::ROK) };
    let mut answer_in = Some(options.response_delay_ms.pick(random));
    if random.happens(options.late_response) {
        answer_in = answer_in.map(|delay| delay + Duration::from_millis(options.late_ms));
    }
    if random.happens(options.lose_response) {
        answer_in = None;
    }
    Fate {
        status,
        answer_in,
        receipt_first: random.happens(options.receipt_first),
        duplicate_receipt: random.happens(options.duplicate_receipt),
        disconnect: random.happens(options.disconnect),
        unbind: random.happens(options.unbind),
        garbage: random.happens(options.garbage),
    }
}
