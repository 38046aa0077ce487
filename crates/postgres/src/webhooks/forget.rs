//! Retention.

use model::Timestamp;

use super::rows_at_most;
use crate::fault::Fault;
use crate::rows;
use crate::unit::Unit;

/// How many removed endpoints are looked at in a call, at most.
const ENDPOINTS_AT_ONCE: i64 = 100;

const OLD: &str = "SELECT log, seq FROM webhook_events WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED";
const DROP: &str = "DELETE FROM webhook_events e USING unnest($1::bigint[], $2::bigint[]) AS n(log, seq) \
    WHERE e.log = n.log AND e.seq = n.seq";
const DROP_DELIVERIES: &str = "DELETE FROM webhook_deliveries d USING webhook_endpoints w, \
    unnest($1::bigint[], $2::bigint[]) AS n(log, seq) \
    WHERE w.log = n.log AND d.webhook = w.webhook AND d.seq = n.seq";
const OLD_COUNTS: &str = "SELECT log, resource FROM webhook_sequences WHERE octet_length(resource) = 16 AND at < $1 \
    ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED";
const DROP_COUNTS: &str = "DELETE FROM webhook_sequences s USING unnest($1::bigint[], $2::bytea[]) AS n(log, resource) \
    WHERE s.log = n.log AND s.resource = n.resource";
const REMOVED: &str = "SELECT webhook FROM webhook_endpoints WHERE removed ORDER BY webhook LIMIT $1 \
    FOR UPDATE SKIP LOCKED";
const DROP_OF: &str = "DELETE FROM webhook_deliveries d USING (SELECT webhook, seq FROM webhook_deliveries \
    WHERE webhook = ANY($1) ORDER BY webhook, seq LIMIT $2) AS n WHERE d.webhook = n.webhook AND d.seq = n.seq";
const DROP_ENDPOINTS: &str = "DELETE FROM webhook_endpoints w WHERE w.webhook = ANY($1) \
    AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook = w.webhook)";

/// Removes what is old. Rows that another node removes meanwhile are passed over.
pub(super) async fn old(unit: &Unit, before: Timestamp, limit: usize) -> Result<usize, Fault> {
    let before = before.as_millis();
    let (mut logs, mut seqs): (Vec<i64>, Vec<i64>) = (Vec::new(), Vec::new());
    for row in unit.query(OLD, &[&before, &rows_at_most(limit)]).await? {
        logs.push(rows::get(&row, 0)?);
        seqs.push(rows::get(&row, 1)?);
    }
    let mut removed = 0;
    if !logs.is_empty() {
        removed += unit.execute(DROP_DELIVERIES, &[&logs, &seqs]).await?;
        removed += unit.execute(DROP, &[&logs, &seqs]).await?;
    }
    let left = |removed: u64| rows_at_most(limit).saturating_sub(removed.cast_signed());
    if left(removed) > 0 {
        removed += counts(unit, before, left(removed)).await?;
    }
    if left(removed) > 0 {
        removed += endpoints(unit, left(removed)).await?;
    }
    Ok(usize::try_from(removed).unwrap_or(usize::MAX))
}

/// Removes the counts of messages of handsets that have no events any more.
async fn counts(unit: &Unit, before: i64, limit: i64) -> Result<u64, Fault> {
    let (mut logs, mut resources): (Vec<i64>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
    for row in unit.query(OLD_COUNTS, &[&before, &limit]).await? {
        logs.push(rows::get(&row, 0)?);
        resources.push(rows::get(&row, 1)?);
    }
    if logs.is_empty() { Ok(0) } else { unit.execute(DROP_COUNTS, &[&logs, &resources]).await }
}

/// Removes what is left of removed endpoints.
async fn endpoints(unit: &Unit, limit: i64) -> Result<u64, Fault> {
    let found = unit.query(REMOVED, &[&ENDPOINTS_AT_ONCE]).await?;
    let removed: Vec<i64> = found.iter().map(|row| rows::get(row, 0)).collect::<Result<_, _>>()?;
    if removed.is_empty() {
        return Ok(0);
    }
    let dropped = unit.execute(DROP_OF, &[&removed, &limit]).await?;
    unit.execute(DROP_ENDPOINTS, &[&removed]).await?;
    Ok(dropped)
}
