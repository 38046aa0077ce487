//! The counts of broadcasts: changes are added up by broadcast, and written once for the whole group before its commit.

use model::{BroadcastId, BroadcastStatus};
use rusqlite::{OptionalExtension, params};

use super::broadcasts;
use super::rows;
use super::writer::Group;
use ledger::tally::Tally;

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
