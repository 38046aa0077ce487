//! What the pipeline counts, for the operator.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Messages admitted.
    pub admitted: Counter,
    /// Messages that a carrier took.
    pub sent: Counter,
    /// Messages delivered.
    pub delivered: Counter,
    /// Messages undelivered.
    pub undelivered: Counter,
    /// Messages failed.
    pub failed: Counter,
    /// Attempts to be repeated.
    pub retried: Counter,
    /// Attempts whose outcome nobody knows.
    pub unknown: Counter,
    /// Messages diverted to another carrier.
    pub diverted: Counter,
    /// Receipts that found their segment.
    pub receipts_matched: Counter,
    /// Receipts that said nothing new.
    pub receipts_repeated: Counter,
    /// Receipts kept until their acknowledgement comes.
    pub receipts_parked: Counter,
}

/// One count.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts one more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The count.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
