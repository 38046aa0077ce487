//! A place in the log, and the heads of events that were read behind it.

use std::collections::{BTreeSet, VecDeque};

use store::contract::webhooks::{EventHead, Heads};

/// With fewer heads in memory a lane reads on.
const LOW: usize = 128;

/// A place in the log and the heads behind it.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) heads: VecDeque<EventHead>,
    /// Events that were read here and have not ended, those under way included.
    pub(super) open: BTreeSet<u64>,
    pub(super) read_to: u64,
    pub(super) end: u64,
    pub(super) under_way: bool,
    /// What comes of the read under way is not wanted any more.
    pub(super) is_stale: bool,
}

impl Reading {
    pub(super) fn from(position: u64, end: u64) -> Self {
        Self { read_to: position, end, ..Self::default() }
    }

    /// Everything up to this number was read and has ended. What is under way may lie behind a place from which the
    /// log is read once more.
    pub(super) fn position(&self) -> u64 {
        self.open.first().map_or(self.read_to, |first| self.read_to.min(first - 1))
    }

    pub(super) fn take(&mut self, heads: Heads) {
        self.open.extend(heads.heads.iter().map(|head| head.seq));
        self.heads.extend(heads.heads);
        self.read_to = self.read_to.max(heads.looked_to);
        self.end = self.end.max(self.read_to);
    }

    pub(super) fn wants_more(&self) -> bool {
        !self.under_way && self.heads.len() < LOW && self.read_to < self.end
    }
}
