//! The machine: the only place that asks it what time it is and for random bytes.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use model::{Clock, Entropy, Timestamp};

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn steady(&self) -> Timestamp {
        static START: OnceLock<(Instant, Timestamp)> = OnceLock::new();
        let (began, at) = *START.get_or_init(|| (Instant::now(), self.now()));
        at + began.elapsed()
    }
}

/// The operating system's random numbers.
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // Without random numbers there are no secrets and no ids: nothing can go on.
        getrandom::fill(bytes).expect("the operating system gives random numbers");
    }
}
