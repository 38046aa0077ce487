//! What becomes of leases whose epochs are over.
//!
//! A node may have leased very many messages. They are freed in steps, each a transaction of its own; a lease that is
//! left over because a step failed still has its own end.

use std::sync::Arc;

use model::Timestamp;
use uuid::Uuid;

use crate::core::Core;
use crate::fault::Fault;
use crate::unit::Unit;
use crate::{living, rows};
use ledger::StoreError;
use ledger::contract::nodes::Epoch;

/// How many messages one transaction frees at most.
const STEP: i64 = 2_000;

/// Which leases end, and when what had them is due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Freeing {
    /// A living node whose own leases end too.
    pub(crate) node: Option<Epoch>,
    /// When what was leased is due.
    pub(crate) now: Timestamp,
    /// When what nobody has leased is due at the latest.
    pub(crate) retries_by: Option<Timestamp>,
}

/// Makes what epochs that are over have leased due. Returns how many of those leases had an attempt under way.
pub(crate) async fn free_leases(core: &Arc<Core>, freeing: Freeing) -> Result<u64, StoreError> {
    let (mut place, mut interrupted) = (Uuid::nil(), 0);
    loop {
        let step = core.write((place, freeing), |unit, (place, freeing)| Box::pin(free_some(unit, *place, *freeing)));
        let freed = step.await?;
        let Some((last, _)) = freed.last() else { return Ok(interrupted) };
        place = *last;
        interrupted += freed.iter().map(|(_, was_begun)| u64::from(*was_begun)).sum::<u64>();
    }
}

const LOCK: &str = "SELECT message_id, lease <> 0 AND attempt_began IS NOT NULL FROM queue WHERE message_id > $1 \
    AND (lease <> 0 AND due_at > $2 AND (lease >> 32) & 4294967295 <= $3 \
        AND (lease >> 32) & 4294967295 <> ALL($4) OR lease = 0 AND due_at > $5) \
    ORDER BY message_id LIMIT $6 FOR UPDATE";
const FREE: &str =
    "UPDATE queue SET due_at = CASE lease WHEN 0 THEN $3::bigint ELSE $2::bigint END WHERE message_id = ANY($1)";

/// Frees what comes first after `place`, and tells of each message whether an attempt was under way.
async fn free_some(unit: &Unit, place: Uuid, freeing: Freeing) -> Result<Vec<(Uuid, bool)>, Fault> {
    let Freeing { node, now, retries_by } = freeing;
    if let Some(node) = node {
        living::require(unit, node).await?;
    }
    let owners = living::owners(unit, node).await?;
    let (now, latest) = (now.as_millis(), retries_by.map_or(i64::MAX, Timestamp::as_millis));
    let found = unit.query(LOCK, &[&place, &now, &owners.last, &owners.living, &latest, &STEP]).await?;
    let freed = found.iter().map(|row| Ok((rows::get(row, 0)?, rows::get(row, 1)?)));
    let freed = freed.collect::<Result<Vec<(Uuid, bool)>, Fault>>()?;
    let ids: Vec<Uuid> = freed.iter().map(|(id, _)| *id).collect();
    unit.execute(FREE, &[&ids, &now, &latest]).await?;
    Ok(freed)
}
