//! How much waits for each carrier.

use crate::contract::dispatch::QueueDepth;
use crate::postgres::fault::Fault;
use crate::postgres::rows;
use crate::postgres::unit::Unit;

/// Ids sort in the order of acceptance, so the lowest one is of the oldest message. The time in an id may be ahead of
/// the clock; the message has the time of the clock.
const DEPTHS: &str = "SELECT c.carrier, c.queued, m.created_at \
    FROM (SELECT carrier, count(*) AS queued FROM queue GROUP BY carrier) c \
    LEFT JOIN LATERAL (SELECT q.message_id FROM queue q WHERE q.carrier = c.carrier ORDER BY q.message_id LIMIT 1) o \
    ON true LEFT JOIN messages m ON m.id = o.message_id";

/// What waits for each carrier.
pub(super) async fn depths(unit: &Unit) -> Result<Vec<QueueDepth>, Fault> {
    let found = unit.query(DEPTHS, &[]).await?;
    let depth = |row| {
        let (carrier, queued) = (rows::assignment(row, 0)?, rows::count(row, 1)?);
        Ok(QueueDepth { carrier, queued, oldest_created_at: rows::time_if_any(row, 2)? })
    };
    found.iter().map(depth).collect()
}
