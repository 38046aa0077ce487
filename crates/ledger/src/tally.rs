//! How the counts of a broadcast change within a transaction.

use model::{Status, Timestamp};

/// How the counts of a broadcast changed and are not written yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Recipients that were skipped.
    pub skipped: i64,
    /// Messages that are queued.
    pub queued: i64,
    /// Messages that are sent.
    pub sent: i64,
    /// Messages that are delivered.
    pub delivered: i64,
    /// Messages that are undelivered.
    pub undelivered: i64,
    /// Messages that failed.
    pub failed: i64,
    /// Messages that a carrier took.
    pub taken: i64,
    /// When the last of these changes happened.
    pub at: Timestamp,
}

impl Tally {
    /// A message went from one status to another; `skipped` says that its recipient now counts as skipped, `taken` that
    /// a carrier took it first now.
    pub(crate) fn moved(&mut self, from: Status, to: Status, skipped: bool, taken: bool, at: Timestamp) {
        if from == to {
            return;
        }
        *self.of(from) -= 1;
        *if skipped { &mut self.skipped } else { self.of(to) } += 1;
        self.taken += i64::from(taken);
        self.at = self.at.max(at);
    }

    /// So many recipients who waited are skipped at `at`.
    pub fn skip(&mut self, count: u64, at: Timestamp) {
        self.at = self.at.max(at);
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.queued -= count;
        self.skipped += count;
    }

    /// Whether anything is to be written.
    pub fn counts(&self) -> bool {
        *self != Self { at: self.at, ..Self::default() }
    }

    fn of(&mut self, status: Status) -> &mut i64 {
        match status {
            Status::Scheduled | Status::Queued => &mut self.queued,
            Status::Sent => &mut self.sent,
            Status::Delivered => &mut self.delivered,
            Status::Undelivered => &mut self.undelivered,
            Status::Failed => &mut self.failed,
            // Its recipient counts as skipped.
            Status::Canceled => &mut self.skipped,
        }
    }
}
