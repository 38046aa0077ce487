//! The weeks of ids, each of which has partitions of its own.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use model::Timestamp;
use uuid::Uuid;

/// The tables with partitions, and whether updates are to find room beside the row.
pub(super) const TABLES: [(&str, bool); 5] =
    [("messages", false), ("delivery", true), ("events", false), ("segments", true), ("failures", false)];

const WEEK_MS: u128 = 7 * 86_400_000;

/// The weeks that are known to have their partitions.
#[derive(Default)]
pub(super) struct Weeks(Mutex<BTreeSet<u64>>);

impl Weeks {
    /// Forgets a week whose partitions are gone.
    pub(super) fn forget(&self, week: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&week);
    }

    /// Forgets all weeks; which they were.
    pub(super) fn forget_all(&self) -> BTreeSet<u64> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn has(&self, week: u64) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&week)
    }

    pub(super) fn add(&self, week: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(week);
    }
}

/// The week of an id: how many weeks after 1970 its time lies (RFC 9562, section 5.7: the first 48 bits are
/// milliseconds).
pub(super) fn week_of(id: Uuid) -> u64 {
    let week = (id.as_u128() >> 80) / WEEK_MS;
    u64::try_from(week).unwrap_or(u64::MAX)
}

/// When a week begins.
pub(super) fn start_of(week: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(u128::from(week) * WEEK_MS).unwrap_or(i64::MAX))
}

/// The lowest id of a week.
pub(super) fn begin_of(week: u64) -> Uuid {
    Uuid::from_u128((u128::from(week) * WEEK_MS) << 80)
}
