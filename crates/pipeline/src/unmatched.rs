//! Unusable input of carriers: counted by carrier and reason, and logged at a limited rate, without texts and numbers.

use std::time::Instant;

use model::CarrierName;
use model::sampler::{Line, Sampler};
use model::unmatched::Reason;

use crate::count::Counter;

/// Lines of one carrier and reason that are logged in a second.
const LINES_PER_SECOND: u32 = 1;

/// Counts of one carrier.
#[derive(Debug)]
pub struct UnmatchedCounters {
    /// Receipts that matched no segment when they came, and wait for their acknowledgement.
    pub unknown_id: Counter,
    /// Of these, those dropped for want of room.
    pub dropped: Counter,
    /// Of these, those that waited too long.
    pub expired: Counter,
    /// Messages without all receipts after `receipt_wait_hours`.
    pub missing: Counter,
    lines: [Sampler; Reason::ALL.len()],
    dropped_lines: Sampler,
    expired_lines: Sampler,
    missing_lines: Sampler,
}

impl Default for UnmatchedCounters {
    fn default() -> Self {
        Self {
            unknown_id: Counter::default(),
            dropped: Counter::default(),
            expired: Counter::default(),
            missing: Counter::default(),
            lines: std::array::from_fn(|_| Sampler::new(LINES_PER_SECOND)),
            dropped_lines: Sampler::new(LINES_PER_SECOND),
            expired_lines: Sampler::new(LINES_PER_SECOND),
            missing_lines: Sampler::new(LINES_PER_SECOND),
        }
    }
}

impl UnmatchedCounters {
    /// Logs unusable input of `carrier`. `why` is in our own words.
    pub(crate) fn log(&self, carrier: &str, reason: Reason, why: &str, now: Instant) {
        let Some(Line { left_out }) = self.lines[reason as usize].line(now) else { return };
        let what = match reason {
            Reason::UnknownId => "sent a receipt that matches no message",
            Reason::Unreadable => "sent a receipt or request that cannot be used",
            Reason::Inbound => "sent an inbound message that was refused",
        };
        tracing::warn!(carrier.name = %carrier, reason = reason.as_str(), left_out, "Carrier {carrier} {what}: {why}");
    }

    /// Counts and logs parked receipts that were dropped for want of room.
    pub(crate) fn drop_parked(&self, carrier: &str, count: u64, now: Instant) {
        self.dropped.add_many(count);
        let Some(Line { left_out }) = self.dropped_lines.line(now) else { return };
        tracing::warn!(carrier.name = %carrier, dropped = count, left_out, "Carrier {carrier}: too many receipts \
            match no message; the oldest ones were dropped");
    }

    /// Counts and logs parked receipts that waited too long.
    pub(crate) fn expire_parked(&self, carrier: &str, count: u64, now: Instant) {
        self.expired.add_many(count);
        let Some(Line { left_out }) = self.expired_lines.line(now) else { return };
        tracing::info!(carrier.name = %carrier, expired = count, left_out, "Carrier {carrier}: {count} receipts \
            matched no message in time and were dropped");
    }

    /// Counts and logs messages without receipts in time.
    pub(crate) fn miss(&self, carrier: &str, count: u64, now: Instant) {
        self.missing.add_many(count);
        let Some(Line { left_out }) = self.missing_lines.line(now) else { return };
        tracing::warn!(carrier.name = %carrier, missing = count, left_out, "Carrier {carrier} sent no receipts for \
            {count} messages in time");
    }
}

/// How many there are of each, in the order in which they were first seen.
pub(crate) fn by_carrier(carriers: impl IntoIterator<Item = CarrierName>) -> Vec<(CarrierName, u64)> {
    let mut counts: Vec<(CarrierName, u64)> = Vec::new();
    for carrier in carriers {
        match counts.iter_mut().find(|(known, _)| *known == carrier) {
            Some((_, count)) => *count += 1,
            None => counts.push((carrier, 1)),
        }
    }
    counts
}
