//! The events that failed and are tried again by themselves.

use std::collections::{BTreeMap, BTreeSet};

use model::Timestamp;
use store::contract::webhooks::{EventHead, ResourceKey};

/// An event that failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exception {
    pub(super) head: EventHead,
    /// How many attempts were made.
    pub(super) tries: u32,
    pub(super) due: Timestamp,
}

/// The exceptions of an endpoint: by number, by the time at which they are due, and by resource.
#[derive(Debug, Default)]
pub(super) struct Exceptions {
    by_number: BTreeMap<u64, Exception>,
    due: BTreeSet<(Timestamp, u64)>,
    /// The exceptions of each resource, where their order counts.
    of_resource: BTreeMap<ResourceKey, BTreeSet<u64>>,
}

impl Exceptions {
    pub(super) fn insert(&mut self, exception: Exception) {
        let Exception { head, due, .. } = exception;
        self.by_number.insert(head.seq, exception);
        self.due.insert((due, head.seq));
        self.of_resource.entry(head.resource).or_default().insert(head.seq);
    }

    pub(super) fn remove(&mut self, seq: u64) {
        let Some(exception) = self.by_number.remove(&seq) else { return };
        self.due.remove(&(exception.due, seq));
        if let Some(seqs) = self.of_resource.get_mut(&exception.head.resource) {
            seqs.remove(&seq);
            if seqs.is_empty() {
                self.of_resource.remove(&exception.head.resource);
            }
        }
    }

    /// Makes every exception due.
    pub(super) fn make_due(&mut self, now: Timestamp) {
        self.due = self.by_number.keys().map(|seq| (now, *seq)).collect();
        self.by_number.values_mut().for_each(|exception| exception.due = now);
    }

    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }

    pub(super) fn contains(&self, seq: u64) -> bool {
        self.by_number.contains_key(&seq)
    }

    /// All of them, by number.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Exception> {
        self.by_number.values()
    }

    /// The one with the lowest number.
    pub(super) fn first(&self) -> Option<&Exception> {
        self.by_number.values().next()
    }

    /// The lowest number of a resource's.
    pub(super) fn first_of(&self, resource: &ResourceKey) -> Option<u64> {
        self.of_resource.get(resource).and_then(BTreeSet::first).copied()
    }

    /// Those that are due at `now`, the longest due first.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = &Exception> {
        let due = self.due.iter().take_while(move |(due, _)| *due <= now);
        due.filter_map(|(_, seq)| self.by_number.get(seq))
    }

    /// When the next one is due that is not due at `now`.
    pub(super) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        self.due.range((now, u64::MAX)..).next().map(|(due, _)| *due)
    }
}
