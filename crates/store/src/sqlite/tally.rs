//! The counts of broadcasts, within a transaction: changes are added up by broadcast, and written once for the whole group before its commit.

use model::{BroadcastId, Status};
use rusqlite::params;

use super::writer::Group;

/// How the counts of a broadcast changed and are not written yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    skipped: i64,
    queued: i64,
    sent: i64,
    delivered: i64,
    undelivered: i64,
    failed: i64,
    taken: i64,
}

impl Tally {
    /// A message went from one status to another; `skipped` says that its recipient now counts as skipped, `taken` that a carrier took it first now.
    pub(super) fn moved(&mut self, from: Status, to: Status, skipped: bool, taken: bool) {
        if from == to {
            return;
        }
        *self.of(from) -= 1;
        *if skipped { &mut self.skipped } else { self.of(to) } += 1;
        self.taken += i64::from(taken);
    }

    /// So many recipients who waited are skipped.
    pub(super) fn skip(&mut self, count: u64) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.queued -= count;
        self.skipped += count;
    }

    fn of(&mut self, status: Status) -> &mut i64 {
        match status {
            Status::Queued => &mut self.queued,
            Status::Sent => &mut self.sent,
            Status::Delivered => &mut self.delivered,
            Status::Undelivered => &mut self.undelivered,
            Status::Failed => &mut self.failed,
        }
    }
}

impl Group {
    /// The changes of a broadcast's counts.
    pub(super) fn tally(&mut self, broadcast: BroadcastId) -> &mut Tally {
        self.tallies.entry(broadcast).or_default()
    }

    /// Writes the changed counts, and ends the broadcasts in which nobody waits any more. Part of every commit, and of whatever reads counts in
    /// order to change them.
    pub(super) fn write_tallies(&mut self) -> rusqlite::Result<()> {
        let sql = "UPDATE broadcast_progress SET skipped = skipped + ?2, queued = queued + ?3, sent = sent + ?4, delivered = delivered + ?5, \
                   undelivered = undelivered + ?6, failed = failed + ?7, taken = taken + ?8, \
                   status = CASE WHEN status NOT IN ('queued', 'sending') OR queued + ?3 > 0 THEN status \
                                 WHEN taken + ?8 > 0 THEN 'completed' ELSE 'failed' END \
                   WHERE broadcast_id = ?1";
        for (broadcast, tally) in std::mem::take(&mut self.tallies).into_iter().filter(|(_, tally)| *tally != Tally::default()) {
            let Tally { skipped, queued, sent, delivered, undelivered, failed, taken } = tally;
            let values = params![broadcast.to_bytes(), skipped, queued, sent, delivered, undelivered, failed, taken];
            self.connection.prepare_cached(sql)?.execute(values)?;
        }
        Ok(())
    }
}
