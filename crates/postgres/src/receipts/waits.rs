//! The end of the wait for missing receipts.

use model::{MessageId, Timestamp};
use uuid::Uuid;

use super::super::fault::Fault;
use super::super::unit::Unit;
use super::super::{life, rows};
use ledger::contract::receipts::WaitStep;
use ledger::receipts::waits;

/// Ends the waits that are over at `now`, `limit` at most.
pub(super) async fn end_waits(unit: &mut Unit, now: Timestamp, limit: usize) -> Result<WaitStep, Fault> {
    let over = unit.query(OVER, &[&now.as_millis(), &(limit as i64)]).await?;
    let wait = |row| Ok((MessageId::from_bytes(rows::octets(row, 0)?), rows::time(row, 1)?));
    let over: Vec<(MessageId, Timestamp)> = over.iter().map(wait).collect::<Result<_, Fault>>()?;
    let mut step = WaitStep { over: over.len(), ..WaitStep::default() };
    let mut lives = life::lock(unit, over.iter().map(|(id, _)| *id)).await?;
    let (mut ended, mut stale) = (Vec::new(), Vec::new());
    for (id, receipt_by) in over {
        let mut life = lives.remove(&id);
        if life.as_mut().is_some_and(|life| waits::end(life, receipt_by, now, &mut step)) {
            ended.extend(life);
        } else {
            stale.push((rows::id(id.to_bytes()), receipt_by.as_millis()));
        }
    }
    let (ids, ends): (Vec<Uuid>, Vec<i64>) = stale.into_iter().unzip();
    if !ids.is_empty() {
        unit.execute(REMOVE, &[&ids, &ends]).await?;
    }
    life::save(unit, ended).await?;
    Ok(step)
}

const OVER: &str =
    "SELECT message_id, receipt_by FROM receipt_waits WHERE receipt_by <= $1 ORDER BY receipt_by LIMIT $2";

/// Waits of messages that are gone. One that began meanwhile is another.
const REMOVE: &str = "DELETE FROM receipt_waits w USING unnest($1::uuid[], $2::bigint[]) n(id, receipt_by) \
    WHERE w.message_id = n.id AND w.receipt_by = n.receipt_by";
