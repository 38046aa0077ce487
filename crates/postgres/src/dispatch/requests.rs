//! Idempotency records and daily quotas that count no more.

use model::Timestamp;
use model::quota::UtcDay;

use crate::fault::Fault;
use crate::rows;
use crate::unit::Unit;
use ledger::contract::requests::REMEMBERED;

const FORGET_QUOTA: &str = "WITH old AS MATERIALIZED (SELECT day, account_id, test FROM quota WHERE day < $1 \
    ORDER BY day LIMIT $2 FOR UPDATE SKIP LOCKED) \
    DELETE FROM quota q USING old WHERE (q.day, q.account_id, q.test) = (old.day, old.account_id, old.test)";
const FORGET_RECORDS: &str = "WITH old AS MATERIALIZED (SELECT account_id, test, endpoint, key FROM idempotency \
    WHERE created_at < $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED) \
    DELETE FROM idempotency i USING old \
    WHERE (i.account_id, i.test, i.endpoint, i.key) = (old.account_id, old.test, old.endpoint, old.key)";

/// Forgets those that count no more, the oldest first.
pub(super) async fn forget(unit: &Unit, now: Timestamp, limit: usize) -> Result<u64, Fault> {
    let before = now - REMEMBERED;
    let quotas = unit.execute(FORGET_QUOTA, &[&UtcDay::of(before).0, &rows::limit(limit)]).await?;
    let left = rows::limit(limit).saturating_sub_unsigned(quotas);
    let records = unit.execute(FORGET_RECORDS, &[&before.as_millis(), &left]).await?;
    Ok(quotas + records)
}
