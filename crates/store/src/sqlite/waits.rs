//! The end of the wait for missing receipts.

use model::{MessageId, Timestamp};
use rusqlite::{Row, params};

use super::life;
use super::writer::Group;
use ledger::contract::receipts::WaitStep;
use ledger::receipts::waits;

const OVER: &str =
    "SELECT receipt_by, message_id FROM receipt_waits WHERE receipt_by <= ?1 ORDER BY receipt_by LIMIT ?2";

const REMOVE: &str = "DELETE FROM receipt_waits WHERE receipt_by = ?1 AND message_id = ?2";

/// Every statement of this file that maintenance runs.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] = &[OVER, REMOVE];

/// Ends the waits that are over at `now`, `limit` at most.
pub(super) fn end_waits(group: &mut Group, now: Timestamp, limit: usize) -> rusqlite::Result<WaitStep> {
    let over: Vec<(i64, [u8; 16])> = {
        let mut select = group.connection.prepare_cached(OVER)?;
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        select.query_map(params![now.as_millis(), limit], read)?.collect::<rusqlite::Result<_>>()?
    };
    let mut step = WaitStep { over: over.len(), ..WaitStep::default() };
    for (receipt_by, id) in over {
        group.connection.prepare_cached(REMOVE)?.execute(params![receipt_by, id])?;
        let id = MessageId::from_bytes(id);
        let Some(mut life) = life::load(&group.connection, id)? else { continue };
        if waits::end(&mut life, Timestamp::from_millis(receipt_by), now, &mut step) {
            life::save(group, &life)?;
        }
    }
    Ok(step)
}
