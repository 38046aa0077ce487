//! The end of validity periods.

use std::collections::HashSet;

use model::{MessageId, Moment};
use uuid::Uuid;

use crate::fault::Fault;
use crate::unit::Unit;
use crate::{life, living, rows};
use ledger::contract::nodes::Epoch;
use ledger::verdict::Ending;

const EXPIRED: &str = "SELECT message_id FROM queue WHERE expires_at <= $1 AND (lease = 0 OR due_at <= $2) \
    AND (lease >> 32) & 4294967295 <= $3 AND (lease >> 32) & 4294967295 <> ALL($4) AND message_id <> ALL($5) \
    ORDER BY expires_at LIMIT $6";

/// Ends queued messages that no other node owns. Returns their number.
pub(crate) async fn end(
    unit: &mut Unit,
    node: Epoch,
    now: Moment,
    under_way: &HashSet<MessageId>,
    ending: Ending,
    limit: usize,
) -> Result<usize, Fault> {
    living::require(unit, node).await?;
    let owners = living::owners(unit, Some(node)).await?;
    let (wall, steady) = (ending.valid_until(now.wall).as_millis(), now.steady.as_millis());
    let under_way: Vec<Uuid> = under_way.iter().map(|id| rows::id(id.to_bytes())).collect();
    let found =
        unit.query(EXPIRED, &[&wall, &steady, &owners.last, &owners.living, &under_way, &rows::limit(limit)]).await?;
    let ids = found.iter().map(|row| rows::octets(row, 0).map(MessageId::from_bytes));
    let ids = ids.collect::<Result<Vec<_>, Fault>>()?;
    let mut lives = life::lock(unit, ids.iter().copied()).await?;
    let mut ended = Vec::new();
    for id in ids {
        let Some(mut life) = lives.remove(&id) else { continue };
        // Another node may have leased it before it was locked.
        let is_free = (life.lease == 0 || life.due_at <= now.steady) && owners.leave_free(life.lease);
        if is_free && ending.apply(&mut life, now.wall) {
            ended.push(life);
        }
    }
    let count = ended.len();
    life::save(unit, ended).await?;
    Ok(count)
}
