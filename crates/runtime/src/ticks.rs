//! Something that is done again and again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{Runtime, deadline};

/// Ticks of a runtime. The first comes at once; each later one comes `every` after the one before was taken, so that a
/// late one is not followed by a burst.
pub struct Ticks {
    runtime: Arc<dyn Runtime>,
    every: Duration,
    next: Instant,
}

impl Ticks {
    pub(crate) fn new(runtime: Arc<dyn Runtime>, every: Duration) -> Self {
        let next = runtime.instant();
        Self { runtime, every, next }
    }

    /// Waits for the next tick. One that was not awaited to its end is not lost.
    pub async fn tick(&mut self) {
        self.runtime.sleep_until(self.next).await;
        self.next = deadline(self.runtime.instant(), self.every);
    }
}
