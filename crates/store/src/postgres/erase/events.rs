//! What is kept of a person for webhooks.

use model::Msisdn;
use uuid::Uuid;

use crate::contract::changes::Resource;
use crate::facts;
use crate::postgres::fault::Fault;
use crate::postgres::rows;
use crate::postgres::unit::Unit;

const BLANK_BODIES: &str = "UPDATE webhook_deliveries SET body = NULL WHERE resource = ANY($1) AND body IS NOT NULL";

/// Removes what was sent of resources whose person is erased. Events that are not delivered yet are made of their rows,
/// which are blank by then.
pub(super) async fn erase_resources(unit: &Unit, ids: &[Uuid]) -> Result<(), Fault> {
    let ids: Vec<&[u8]> = ids.iter().map(|id| &id.as_bytes()[..]).collect();
    unit.execute(BLANK_BODIES, &[&ids]).await.map(drop)
}

const OPT_OUTS: &str = "SELECT log, seq, facts FROM webhook_events WHERE type IN (6, 7)";
const REMOVE: &str = "DELETE FROM webhook_events e USING unnest($1::bigint[], $2::bigint[]) AS n(log, seq) \
    WHERE e.log = n.log AND e.seq = n.seq";
const BLANK_BODIES_OF: &str = "UPDATE webhook_deliveries d SET body = NULL FROM webhook_endpoints w, \
    unnest($1::bigint[], $2::bigint[]) AS n(log, seq) WHERE w.log = n.log AND d.webhook = w.webhook AND d.seq = n.seq";
const REMOVE_COUNTS: &str = "DELETE FROM webhook_sequences WHERE substr(resource, 1, length($1::bytea)) = $1::bytea";

/// Removes the events of a person's opt-outs, and their counts, whether they were delivered or not.
pub(super) async fn erase_number(unit: &Unit, number: Msisdn) -> Result<(), Fault> {
    let (mut logs, mut numbers): (Vec<i64>, Vec<i64>) = (Vec::new(), Vec::new());
    for row in unit.query(OPT_OUTS, &[]).await? {
        if let Some(Resource::OptedOut(opt_out) | Resource::OptedIn(opt_out)) = facts::decode(rows::get(&row, 2)?)
            && opt_out.name.number == number
        {
            logs.push(rows::get(&row, 0)?);
            numbers.push(rows::get(&row, 1)?);
        }
    }
    unit.execute(REMOVE, &[&logs, &numbers]).await?;
    unit.execute(BLANK_BODIES_OF, &[&logs, &numbers]).await?;
    unit.execute(REMOVE_COUNTS, &[&format!("{number} ").as_bytes()]).await?;
    erase_resources(unit, &[Uuid::from_u128(number.to_u64().into())]).await
}
