//! Parts, arrivals, messages without an account and records of automatic messages that can mean nothing any more. What
//! a transaction is about at the moment is passed over, and found the next time.

use std::time::Duration;

use model::{MessageId, Timestamp};

use crate::fault::Fault;
use crate::unit::Unit;
use crate::{inbound_rows, rows};
use ledger::contract::inbound::REDELIVERED_WITHIN;
use ledger::handsets::arrivals::AUTOMATIC_KEPT;

const ARRIVALS: &str = "DELETE FROM inbound_arrivals WHERE id = ANY(ARRAY(SELECT id FROM inbound_arrivals \
    WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))";
/// Those of a time to come, after the clock was set back.
const ARRIVALS_AHEAD: &str = "DELETE FROM inbound_arrivals WHERE id = ANY(ARRAY(SELECT id FROM inbound_arrivals \
    WHERE at > $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))";
const JOINS: &str = "DELETE FROM inbound_joins WHERE id = ANY(ARRAY(SELECT id FROM inbound_joins \
    WHERE forget_at IS NOT NULL AND forget_at < $1 ORDER BY forget_at LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING id";
const PARTS: &str = "DELETE FROM inbound_parts WHERE join_id = ANY($1)";
const UNROUTED: &str = "SELECT id FROM inbound WHERE account_id = '00000000-0000-0000-0000-000000000000' \
    AND received_at < $1 ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED";
const AUTOMATIC: &str = "DELETE FROM automatic_messages WHERE (number, account_id, test, sender, at, message_id) IN \
    (SELECT number, account_id, test, sender, at, message_id FROM automatic_messages WHERE at < $1 ORDER BY at LIMIT \
    $2)";

/// Forgets at most `limit` of each. Returns how many rows went.
pub(super) async fn forget(unit: &Unit, now: Timestamp, unrouted_kept: Duration, limit: usize) -> Result<usize, Fault> {
    let mut left = i64::try_from(limit).unwrap_or(i64::MAX);
    let most = left;
    let mut forgotten = 0;
    for (sql, at) in [(ARRIVALS, now - REDELIVERED_WITHIN), (ARRIVALS_AHEAD, now + REDELIVERED_WITHIN)] {
        let gone = unit.execute(sql, &[&at.as_millis(), &left]).await?;
        forgotten += gone;
        left = left.saturating_sub_unsigned(gone);
    }
    let found = unit.query(JOINS, &[&now.as_millis(), &most]).await?;
    let joins: Vec<i64> = found.iter().map(|row| rows::get(row, 0)).collect::<Result<_, _>>()?;
    if !joins.is_empty() {
        unit.execute(PARTS, &[&joins]).await?;
    }
    forgotten += joins.len() as u64;
    forgotten += forget_unrouted(unit, now - unrouted_kept, most).await?;
    forgotten += unit.execute(AUTOMATIC, &[&(now - AUTOMATIC_KEPT).as_millis(), &most]).await?;
    Ok(usize::try_from(forgotten).unwrap_or(usize::MAX))
}

async fn forget_unrouted(unit: &Unit, before: Timestamp, most: i64) -> Result<u64, Fault> {
    let found = unit.query(UNROUTED, &[&before.as_millis(), &most]).await?;
    if found.is_empty() {
        return Ok(0);
    }
    let ids: Vec<MessageId> =
        found.iter().map(|row| rows::octets(row, 0).map(MessageId::from_bytes)).collect::<Result<_, _>>()?;
    let gone = inbound_rows::remove(unit, &ids).await?;
    inbound_rows::let_go(unit, &gone.objects).await?;
    Ok(gone.messages as u64)
}
