//! Histograms of durations: observations in buckets, counted by many tasks concurrently.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets, in seconds: from the answer of an SMSC next door to the longest wait for a receipt.
pub const BOUNDS_SECS: [f64; 19] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 28_800.0,
    86_400.0, 259_200.0,
];

/// Durations, counted in buckets.
#[derive(Debug, Default)]
pub struct Histogram {
    /// One for each bound, and one for what is longer than the last.
    buckets: [AtomicU64; BOUNDS_SECS.len() + 1],
    sum_ms: AtomicU64,
}

/// What a histogram has counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// For each bucket: its upper bound in seconds ([`f64::INFINITY`] for the last one), and the number of observations
    /// in it alone.
    pub buckets: Vec<(f64, u64)>,
    /// The number of observations.
    pub count: u64,
    /// The sum of all durations, in seconds.
    pub sum_secs: f64,
}

impl Histogram {
    /// Counts one.
    pub(crate) fn observe(&self, took: Duration) {
        let secs = took.as_secs_f64();
        let bucket = BOUNDS_SECS.partition_point(|bound| *bound < secs);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_ms.fetch_add(u64::try_from(took.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What it has counted.
    pub fn get(&self) -> Observed {
        let bounds = BOUNDS_SECS.into_iter().chain([f64::INFINITY]);
        let counts = self.buckets.iter().map(|count| count.load(Ordering::Relaxed));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        Observed { buckets, count, sum_secs: self.sum_ms.load(Ordering::Relaxed) as f64 / 1_000.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::default();
        for ms in [0, 5, 6, 1_000, 259_200_000, 259_200_001] {
            histogram.observe(Duration::from_millis(ms));
        }
        let Observed { buckets, count, sum_secs } = histogram.get();
        let filled: Vec<(f64, u64)> = buckets.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(0.005, 2), (0.01, 1), (1.0, 1), (259_200.0, 1), (f64::INFINITY, 1)]);
        assert_eq!((count, sum_secs), (6, 518_401.012));
    }
}
