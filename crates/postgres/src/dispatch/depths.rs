//! How much waits for each carrier, and how one message waits.

use model::MessageId;

use crate::fault::Fault;
use crate::pages::number_of;
use crate::rows;
use crate::unit::Unit;
use ledger::contract::dispatch::{QueueDepth, Waiting};
use ledger::contract::nodes::Epoch;

/// Ids sort in the order of acceptance, so the lowest one is of the oldest message. The time in an id may be ahead of
/// the clock; the message has the time of the clock. One that was scheduled waits since its time has come, and others
/// may have waited longer than it. `least` passes over NULL.
const DEPTHS: &str = "SELECT c.carrier, c.queued, least(m.created_at, (SELECT min(q.queued_at) FROM queue q \
    WHERE q.carrier = c.carrier AND q.queued_at IS NOT NULL)) \
    FROM (SELECT carrier, count(*) AS queued FROM queue GROUP BY carrier) c \
    LEFT JOIN LATERAL (SELECT q.message_id FROM queue q WHERE q.carrier = c.carrier AND q.queued_at IS NULL \
    ORDER BY q.message_id LIMIT 1) o ON true LEFT JOIN messages m ON m.id = o.message_id";

/// What waits for each carrier.
pub(super) async fn depths(unit: &Unit) -> Result<Vec<QueueDepth>, Fault> {
    let found = unit.query(DEPTHS, &[]).await?;
    let depth = |row| {
        let (carrier, queued) = (rows::assignment(row, 0)?, rows::count(row, 1)?);
        Ok(QueueDepth { carrier, queued, waits_since: rows::time_if_any(row, 2)? })
    };
    found.iter().map(depth).collect()
}

const WAITING: &str = "SELECT due_at, lease, attempt_began IS NOT NULL, (SELECT count(*) FROM (SELECT o.message_id \
    FROM queue o WHERE o.carrier = q.carrier LIMIT $2) o WHERE o.message_id < q.message_id) \
    FROM queue q WHERE q.message_id = $1";

/// How a message waits.
pub(super) async fn waiting(unit: &Unit, id: MessageId) -> Result<Option<Waiting>, Fault> {
    let looked_at = number_of(Waiting::LOOKED_AT_MAX);
    let Some(row) = unit.find(WAITING, &[&rows::id(id.to_bytes()), &looked_at]).await? else { return Ok(None) };
    let owner = Epoch::of_token(rows::get::<i64>(&row, 1)?.cast_unsigned());
    let (in_flight, ahead) = (rows::get(&row, 2)?, rows::count(&row, 3)?);
    Ok(Some(Waiting { due_at: rows::time(&row, 0)?, owner, in_flight, ahead }))
}

/// How many messages are held.
pub(super) async fn held(unit: &Unit, limit: usize) -> Result<u64, Fault> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM queue WHERE held LIMIT $1) h";
    rows::count(&unit.one(sql, &[&number_of(limit)]).await?, 0)
}
