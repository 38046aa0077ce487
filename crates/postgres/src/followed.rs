//! How far this process has told those who follow what all nodes do.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::Owner;

use ledger::contract::changes::tail::Tails;
use ledger::contract::changes::{Change, Kinds};

/// A change that every node has to know, under its number.
pub(super) struct News {
    pub(super) seq: i64,
    pub(super) change: Option<Change>,
}

/// How far this process has told what all nodes do.
#[derive(Default)]
pub(super) struct Followed {
    /// The last news that the tails have. Changes only while [`Core::publishing`] is held.
    news: AtomicI64,
    /// The ends of logs that the bell rang for.
    ends: Mutex<BTreeMap<Owner, u64>>,
}

impl Followed {
    pub(super) fn told(&self) -> i64 {
        self.news.load(Ordering::Acquire)
    }

    /// Notes that all news up to `last` are told.
    pub(super) fn have_told(&self, last: i64) {
        self.news.store(last, Ordering::Release);
    }

    /// Tells the news up to `end` that are not told yet. Those that are not among `news` are gone: they were missed.
    pub(super) fn tell(&self, tails: &Tails, news: Vec<News>, end: i64) {
        let told = self.told();
        if end <= told {
            return;
        }
        let changes: Vec<Change> =
            news.into_iter().filter(|one| one.seq > told && one.seq <= end).filter_map(|one| one.change).collect();
        let missed = (end - told).cast_unsigned().saturating_sub(changes.len() as u64);
        if missed > 0 {
            tails.miss(Kinds::TENANTS, missed);
        }
        tails.publish(changes);
        self.have_told(end);
    }

    /// Begins anew at `last`, since numbers are given a second time: the database has lost what was committed.
    pub(super) fn begin_anew(&self, tails: &Tails, last: i64) {
        tails.miss(Kinds::TENANTS, 1);
        self.have_told(last);
        self.ends().clear();
    }

    /// Those of these ends of logs that are later than the ones that the bell rang for.
    pub(super) fn later_ends(&self, ends: BTreeMap<Owner, u64>) -> BTreeMap<Owner, u64> {
        let mut known = self.ends();
        let is_later = |(owner, last): &(Owner, u64)| known.get(owner).is_none_or(|known| last > known);
        let later: BTreeMap<Owner, u64> = ends.into_iter().filter(is_later).collect();
        known.extend(&later);
        later
    }

    // No step under the lock can leave the map half changed.
    pub(super) fn ends(&self) -> MutexGuard<'_, BTreeMap<Owner, u64>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
