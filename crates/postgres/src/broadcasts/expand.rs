//! Recipients have their turn: who owns a broadcast, whose turn is next, and their messages.

use std::sync::Arc;

use model::{Broadcast, BroadcastId, Msisdn};
use uuid::Uuid;

use crate::broadcast_records::{self, BROADCAST, BROADCAST_COLUMNS, broadcast};
use crate::fault::Fault;
use crate::unit::Unit;
use crate::{admission, living, rows};
use ledger::contract::admission::NewMessage;
use ledger::contract::broadcasts::{Expanded, Expansion, Upcoming};
use ledger::contract::nodes::Epoch;
use ledger::packing::{PACKED_BYTES, unpack, unpack_values};

/// Open broadcasts of a node, and those that no living epoch owns, each with its owner.
pub(super) async fn unexpanded(
    unit: &Unit,
    node: Epoch,
    after: Option<BroadcastId>,
    limit: usize,
) -> Result<Vec<(Arc<Broadcast>, i64)>, Fault> {
    let sql = format!(
        "SELECT {BROADCAST}, p.owner FROM broadcast_progress p JOIN broadcasts b ON b.id = p.broadcast_id \
         WHERE p.status IN ('queued', 'sending') AND p.broadcast_id > $1 AND p.next_index < p.packed \
         AND (p.owner = $2 OR p.owner NOT IN (SELECT epoch FROM nodes WHERE NOT is_over)) \
         ORDER BY p.broadcast_id LIMIT $3"
    );
    let after = rows::id(after.map_or([0; 16], BroadcastId::to_bytes));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = unit.query(&sql, &[&after, &rows::epoch_number(node), &limit]).await?;
    found.iter().map(|row| Ok((Arc::new(broadcast(row)?), rows::get(row, BROADCAST_COLUMNS)?))).collect()
}

const LOCK_UNOWNED: &str =
    "SELECT broadcast_id, owner FROM broadcast_progress WHERE broadcast_id = ANY($1) ORDER BY broadcast_id FOR UPDATE";

const OWN: &str = "UPDATE broadcast_progress SET owner = $2 WHERE broadcast_id = ANY($1)";

/// Makes a node the owner of these broadcasts, where they still have the owner that was seen: an epoch that is over
/// stays over. Returns those that another node was quicker to get.
pub(super) async fn own(unit: &Unit, node: Epoch, unowned: &[(BroadcastId, i64)]) -> Result<Vec<BroadcastId>, Fault> {
    living::require(unit, node).await?;
    let ids: Vec<Uuid> = unowned.iter().map(|(id, _)| rows::id(id.to_bytes())).collect();
    let mut owned = Vec::new();
    for row in unit.query(LOCK_UNOWNED, &[&ids]).await? {
        let found = (BroadcastId::from_bytes(rows::octets(&row, 0)?), rows::get(&row, 1)?);
        owned.extend(unowned.contains(&found).then_some(found.0));
    }
    let ids: Vec<Uuid> = owned.iter().map(|id| rows::id(id.to_bytes())).collect();
    unit.execute(OWN, &[&ids, &rows::epoch_number(node)]).await?;
    Ok(unowned.iter().map(|(id, _)| *id).filter(|id| !owned.contains(id)).collect())
}

const UPCOMING: &str = "SELECT p.next_index, p.queued - (p.packed - p.next_index), c.first, c.recipients, \
    c.variables \
    FROM broadcast_progress p JOIN broadcast_chunks c ON c.broadcast_id = p.broadcast_id AND c.first <= p.next_index \
    WHERE p.broadcast_id = $1 AND p.status IN ('queued', 'sending') AND p.next_index < p.packed \
    ORDER BY c.first DESC LIMIT 1";

pub(super) async fn upcoming(unit: &Unit, id: BroadcastId, limit: usize) -> Result<Option<Upcoming>, Fault> {
    let Some(row) = unit.find(UPCOMING, &[&rows::id(id.to_bytes())]).await? else { return Ok(None) };
    let (from, outstanding, first) = (rows::count(&row, 0)?, rows::count(&row, 1)?, rows::count::<u32>(&row, 2)?);
    let broken = || rows::unknown(3, "a recipient that is no number");
    let passed = (from - first) as usize;
    let recipients = unpack(rows::get(&row, 3)?).skip(passed).take(limit).map(|recipient| recipient.ok_or_else(broken));
    let recipients: Vec<Msisdn> = recipients.collect::<Result<_, _>>()?;
    let unreadable = || rows::unknown(4, "values of variables that cannot be read");
    let values = unpack_values(rows::get(&row, 4)?).ok_or_else(unreadable)?;
    let values = values.into_iter().skip(passed).take(recipients.len()).collect();
    let upcoming = Upcoming { from, recipients, values, outstanding };
    Ok(Some(upcoming).filter(|upcoming| !upcoming.recipients.is_empty()))
}

/// Who stops the broadcast takes all of its chunks before it looks for messages that wait.
const LOCK_CHUNK: &str = "SELECT 1 FROM broadcast_chunks WHERE broadcast_id = $1 AND first <= $2 \
    AND first + octet_length(recipients) / $3 > $2 FOR UPDATE";

const LOCK: &str = "SELECT status = 'queued' FROM broadcast_progress WHERE broadcast_id = $1 AND next_index = $2 \
    AND next_index + $3 <= packed AND status IN ('queued', 'sending') AND owner = $4 FOR UPDATE";

const MOVE: &str =
    "UPDATE broadcast_progress SET next_index = next_index + $2, status = 'sending' WHERE broadcast_id = $1";

const FORGET: &str =
    "DELETE FROM broadcast_chunks WHERE broadcast_id = $1 AND first + octet_length(recipients) / $3 <= $2";

pub(super) async fn expand(unit: &mut Unit, expansion: &Expansion) -> Result<bool, Fault> {
    living::require(unit, expansion.node).await?;
    let id = rows::id(expansion.broadcast.to_bytes());
    let (from, turns) = (i64::from(expansion.from), i64::from(expansion.turns));
    let octets = i32::try_from(PACKED_BYTES).unwrap_or(i32::MAX);
    if unit.find(LOCK_CHUNK, &[&id, &from, &octets]).await?.is_none() {
        return Ok(false);
    }
    let locked = unit.find(LOCK, &[&id, &from, &turns, &rows::epoch_number(expansion.node)]).await?;
    let Some(locked) = locked else { return Ok(false) };
    unit.execute(MOVE, &[&id, &turns]).await?;
    if rows::get(&locked, 0)? {
        broadcast_records::note(unit, expansion.broadcast, expansion.at).await?;
    }
    let made: Vec<NewMessage> = expansion.messages.iter().map(|made| new(made, expansion)).collect();
    admission::insert_messages(unit, &made.iter().collect::<Vec<_>>()).await?;
    let skipped = u64::from(expansion.turns).saturating_sub(expansion.messages.len() as u64);
    unit.tally(expansion.broadcast).skip(skipped, expansion.at);
    unit.execute(FORGET, &[&id, &(from + turns), &octets]).await?;
    Ok(true)
}

fn new(made: &Expanded, expansion: &Expansion) -> NewMessage {
    let Expanded { message, carrier, lease } = made;
    NewMessage { message: Arc::clone(message), carrier: carrier.clone(), lease: *lease, due_at: expansion.due_at }
}
