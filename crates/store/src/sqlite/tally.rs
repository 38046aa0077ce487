//! The counts of broadcasts, within a transaction: changes are added up by broadcast, and written once for the whole
//! group before its commit.

use model::{BroadcastId, BroadcastStatus, Status, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::broadcasts;
use super::rows;
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
    /// When the last of these changes happened.
    at: Timestamp,
}

impl Tally {
    /// A message went from one status to another; `skipped` says that its recipient now counts as skipped, `taken` that
    /// a carrier took it first now.
    pub(super) fn moved(&mut self, from: Status, to: Status, skipped: bool, taken: bool, at: Timestamp) {
        if from == to {
            return;
        }
        *self.of(from) -= 1;
        *if skipped { &mut self.skipped } else { self.of(to) } += 1;
        self.taken += i64::from(taken);
        self.at = self.at.max(at);
    }

    /// So many recipients who waited are skipped at `at`.
    pub(super) fn skip(&mut self, count: u64, at: Timestamp) {
        self.at = self.at.max(at);
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.queued -= count;
        self.skipped += count;
    }

    /// Whether anything is to be written.
    fn counts(&self) -> bool {
        *self != Self { at: self.at, ..Self::default() }
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

    /// Writes the changed counts, and ends the broadcasts in which nobody waits any more. Part of every commit, and of
    /// whatever reads counts in order to change them.
    pub(super) fn write_tallies(&mut self) -> rusqlite::Result<()> {
        let sql = "UPDATE broadcast_progress SET skipped = skipped + ?2, queued = queued + ?3, sent = sent + ?4, \
                   delivered = delivered + ?5, undelivered = undelivered + ?6, failed = failed + ?7, taken = taken + \
                   ?8, status = CASE WHEN status NOT IN ('queued', 'sending') OR queued + ?3 > 0 THEN status \
                                 WHEN taken + ?8 > 0 THEN 'completed' ELSE 'failed' END \
                   WHERE broadcast_id = ?1 RETURNING status";
        let before = "SELECT status FROM broadcast_progress WHERE broadcast_id = ?1";
        let status = |row: &rusqlite::Row<'_>| rows::word(row, 0, BroadcastStatus::parse);
        for (broadcast, tally) in std::mem::take(&mut self.tallies).into_iter().filter(|(_, tally)| tally.counts()) {
            let Tally { skipped, queued, sent, delivered, undelivered, failed, taken, at } = tally;
            let Some(was) =
                self.connection.prepare_cached(before)?.query_row([broadcast.to_bytes()], status).optional()?
            else {
                continue;
            };
            let values = params![broadcast.to_bytes(), skipped, queued, sent, delivered, undelivered, failed, taken];
            let is = self.connection.prepare_cached(sql)?.query_row(values, status)?;
            if is != was {
                broadcasts::note(self, broadcast, at)?;
            }
        }
        Ok(())
    }
}
