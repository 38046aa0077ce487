//! Unusable receipts and messages of carriers: refused, counted, and shown to the operator.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::unmatched::Reason;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many may wait to be recorded. The operator sees the last hundred; a carrier that sends more than that at once is
/// shown by its count.
const WAITING_MAX: usize = 100;

/// How much of what came the operator sees, in octets.
pub(crate) const SHOWN_OCTETS_MAX: usize = 300;

/// The same of a mail or an envelope, whose heads are long.
pub(crate) const SHOWN_HEAD_OCTETS_MAX: usize = 900;

/// The same where a message of a handset follows the head: less, so that its text stays out of it.
pub(crate) const SHOWN_INBOUND_OCTETS_MAX: usize = 400;

/// How much of the text of a handset's message the operator sees, in octets: enough to know what it is.
pub(crate) const SHOWN_TEXT_OCTETS_MAX: usize = 40;

/// Something that a carrier sent and that was refused.
#[derive(Debug)]
pub struct Unusable {
    /// Why.
    pub reason: Reason,
    /// The same in words of ours, without a text or number of the carrier's: it may be logged.
    pub why: String,
    /// How it came, for the operator: cut, and with control characters escaped.
    pub raw: String,
    /// Its place among those that wait to be recorded.
    _place: OwnedSemaphorePermit,
}

/// How much was refused since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnusableCounts {
    /// Receipts and requests that cannot be read, or name no message.
    pub unreadable: u64,
    /// Inbound messages.
    pub inbound: u64,
}

/// Counts what a carrier sends in vain.
#[derive(Debug)]
pub(crate) struct Refusals {
    unreadable: AtomicU64,
    inbound: AtomicU64,
    places: Arc<Semaphore>,
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            unreadable: AtomicU64::new(0),
            inbound: AtomicU64::new(0),
            places: Arc::new(Semaphore::new(WAITING_MAX)),
        }
    }
}

impl Refusals {
    /// Counts one, and returns its record; `None` where too many wait to be recorded.
    pub(crate) fn count(&self, reason: Reason, why: impl Into<String>, raw: String) -> Option<Unusable> {
        let counter = if reason == Reason::Inbound { &self.inbound } else { &self.unreadable };
        counter.fetch_add(1, Ordering::Relaxed);
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Unusable { reason, why: why.into(), raw, _place: place })
    }

    pub(crate) fn counts(&self) -> UnusableCounts {
        UnusableCounts {
            unreadable: self.unreadable.load(Ordering::Relaxed),
            inbound: self.inbound.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_a_bounded_number_waits_to_be_recorded() {
        let refusals = Refusals::default();
        let told: Vec<_> = (0..1_000)
            .filter_map(|_| refusals.count(Reason::Inbound, "a message of a handset", String::new()))
            .collect();
        assert_eq!((told.len(), refusals.counts()), (WAITING_MAX, UnusableCounts { unreadable: 0, inbound: 1_000 }));
        drop(told);
        assert!(refusals.count(Reason::Unreadable, "no id", String::new()).is_some(), "what was recorded makes room");
        assert_eq!(refusals.counts().unreadable, 1);
    }
}
