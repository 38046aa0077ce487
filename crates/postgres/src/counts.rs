//! The counts of broadcasts: changes are added up by broadcast, and written once before the commit.

use super::broadcast_records;
use super::fault::Fault;
use super::rows;
use super::unit::Unit;
use ledger::tally::Tally;

const LOCK: &str = "SELECT status FROM broadcast_progress WHERE broadcast_id = $1 FOR UPDATE";
const UPDATE: &str = "UPDATE broadcast_progress SET skipped = skipped + $2, queued = queued + $3, sent = sent + $4, \
    delivered = delivered + $5, undelivered = undelivered + $6, failed = failed + $7, taken = taken + $8, \
    status = CASE WHEN status NOT IN ('queued', 'sending') OR queued + $3 > 0 THEN status \
                  WHEN taken + $8 > 0 THEN 'completed' ELSE 'failed' END \
    WHERE broadcast_id = $1 RETURNING status";

/// Writes the changed counts, and ends the broadcasts in which nobody waits any more. Part of every commit, and of
/// whatever reads counts in order to change them.
pub(super) async fn write(unit: &mut Unit) -> Result<(), Fault> {
    // In the order of ids, as every transaction locks them.
    let tallies = std::mem::take(&mut unit.tallies);
    for (broadcast, tally) in tallies.into_iter().filter(|(_, tally)| tally.counts()) {
        let Tally { skipped, queued, sent, delivered, undelivered, failed, taken, at } = tally;
        let id = rows::id(broadcast.to_bytes());
        let Some(before) = unit.find(LOCK, &[&id]).await? else { continue };
        let after =
            unit.one(UPDATE, &[&id, &skipped, &queued, &sent, &delivered, &undelivered, &failed, &taken]).await?;
        if before.try_get::<_, &str>(0)? != after.try_get::<_, &str>(0)? {
            broadcast_records::note(unit, broadcast, at).await?;
        }
    }
    Ok(())
}
