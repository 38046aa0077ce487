//! Replays: ranges of the log that an endpoint receives once more.

use model::webhook::EventId;
use model::{Owner, Timestamp, WebhookId};

use super::found::{Found, find, require};
use super::{events, number};
use crate::fault::Fault;
use crate::rows;
use crate::unit::Unit;
use ledger::contract::webhooks::{DeliveryState, EventHead, REPLAYS_MAX, ReplayBegun, ReplayOf, Replaying};
use ledger::delivery_rows::state_number;

const COUNT: &str = "SELECT count(*) FROM webhook_replays WHERE webhook = $1";
const INSERT: &str = "INSERT INTO webhook_replays (webhook, next_seq, end_seq, state) VALUES ($1, $2, $3, $4)";
const LAST: &str = "SELECT last FROM webhook_logs WHERE log = $1";
const PUT: &str = "INSERT INTO webhook_deliveries (webhook, seq, type, at, state, tries, due_at, attempts) \
    SELECT $1, n.seq, n.type, n.at, $5, 0, $6, ''::bytea \
    FROM unnest($2::bigint[], $3::smallint[], $4::bigint[]) AS n(seq, type, at) \
    ON CONFLICT (webhook, seq) DO UPDATE SET state = excluded.state, tries = 0, due_at = excluded.due_at";
const OLDEST: &str = "SELECT replay, next_seq, end_seq FROM webhook_replays WHERE webhook = $1 ORDER BY replay LIMIT 1";

pub(super) async fn begin(
    unit: &Unit,
    owner: Owner,
    id: WebhookId,
    of: &ReplayOf,
    due_at: Timestamp,
) -> Result<ReplayBegun, Fault> {
    // The lock of the endpoint has others that begin a replay wait.
    let Found { number: webhook, log, .. } = require(unit, owner, id).await?;
    match of {
        ReplayOf::Range { since, until, state } => {
            let count: u64 = rows::count(&unit.one(COUNT, &[&webhook]).await?, 0)?;
            if count >= REPLAYS_MAX {
                return Ok(ReplayBegun::TooMany);
            }
            let first = events::before(unit, log, *since).await?;
            // What comes later is delivered anyway.
            let last = match until {
                Some(until) => events::before(unit, log, *until).await?,
                None => rows::count(&unit.one(LAST, &[&i64::from(log)]).await?, 0)?,
            };
            if last > first {
                let state = state.map(|state| i16::from(state_number(state)));
                unit.execute(INSERT, &[&webhook, &number(first), &number(last), &state]).await?;
            }
            Ok(ReplayBegun::Begun)
        }
        ReplayOf::Events(ids) => deliver(unit, webhook, log, ids, due_at).await,
    }
}

/// Makes these events pending deliveries.
async fn deliver(
    unit: &Unit,
    webhook: i64,
    log: u32,
    ids: &[EventId],
    due_at: Timestamp,
) -> Result<ReplayBegun, Fault> {
    let mut seqs: Vec<i64> = ids.iter().map(|id| number(id.seq())).collect();
    seqs.sort_unstable();
    seqs.dedup();
    let heads = events::heads_of(unit, log, &seqs).await?;
    let is_there = |id: &EventId| {
        heads.binary_search_by_key(&id.seq(), |head| head.seq).is_ok_and(|place| *id == id_of(&heads[place], log))
    };
    if !ids.iter().all(is_there) {
        return Ok(ReplayBegun::UnknownEvent);
    }
    let kinds: Vec<i16> = heads.iter().map(|head| i16::from(head.kind.number())).collect();
    let at: Vec<i64> = heads.iter().map(|head| head.at.as_millis()).collect();
    let state = i16::from(state_number(DeliveryState::Pending));
    unit.execute(PUT, &[&webhook, &seqs, &kinds, &at, &state, &due_at.as_millis()]).await?;
    Ok(ReplayBegun::Begun)
}

fn id_of(head: &EventHead, log: u32) -> EventId {
    EventId::new(head.at, log, head.seq)
}

pub(super) async fn under_way(unit: &Unit, id: WebhookId) -> Result<Option<Replaying>, Fault> {
    let Some(Found { number: webhook, .. }) = find(unit, id).await? else { return Ok(None) };
    let Some(row) = unit.find(OLDEST, &[&webhook]).await? else { return Ok(None) };
    let (number, position, end) = (rows::count(&row, 0)?, rows::count(&row, 1)?, rows::count(&row, 2)?);
    Ok(Some(Replaying { number, position, end }))
}
