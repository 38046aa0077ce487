//! Which of the old things have ended, so that they may go.

use tokio_postgres::Row;
use uuid::Uuid;

use crate::fault::Fault;
use crate::rows;
use crate::unit::Unit;

const ENDED: &str = "SELECT message_id, status NOT IN ('scheduled', 'queued') AND receipt_by IS NULL \
    FROM delivery \
    WHERE message_id = ANY($1) AND message_id BETWEEN $2 AND $3 ORDER BY message_id FOR UPDATE";

/// Locks messages. Those that have ended: nothing of them is sent any more, and they wait for no receipt.
pub(super) async fn lock_ended(unit: &Unit, ids: &[Uuid]) -> Result<Vec<Uuid>, Fault> {
    let (Some(low), Some(high)) = (ids.iter().min(), ids.iter().max()) else { return Ok(Vec::new()) };
    allowed(&unit.query(ENDED, &[&ids, low, high]).await?)
}

const OVER: &str = "SELECT broadcast_id, status NOT IN ('queued', 'sending') FROM broadcast_progress \
    WHERE broadcast_id = ANY($1) ORDER BY broadcast_id FOR UPDATE";

/// Locks broadcasts. Those that are not open.
pub(super) async fn lock_over(unit: &Unit, ids: &[Uuid]) -> Result<Vec<Uuid>, Fault> {
    allowed(&unit.query(OVER, &[&ids]).await?)
}

/// The ids in the first column of the rows whose second column is true.
pub(super) fn allowed(rows: &[Row]) -> Result<Vec<Uuid>, Fault> {
    let mut ids = Vec::new();
    for row in rows {
        if rows::get(row, 1)? {
            ids.push(rows::get(row, 0)?);
        }
    }
    Ok(ids)
}
