//! How far endpoints have come.

use std::collections::BTreeMap;

use model::{Timestamp, WebhookId};
use uuid::Uuid;

use super::erased::Kept;
use super::number;
use crate::fault::Fault;
use crate::rows;
use crate::unit::Unit;
use ledger::contract::webhooks::{DeliveryRecord, EventHead, Failing, Progress};
use ledger::delivery_rows::{state_number, with_attempt};

const LOCK: &str = "SELECT id, webhook, log FROM webhook_endpoints WHERE id = ANY($1) AND NOT removed \
    ORDER BY webhook FOR NO KEY UPDATE";
const LOGS: &str = "SELECT id, log FROM webhook_endpoints WHERE id = ANY($1) AND NOT removed";
const ADVANCE: &str = "UPDATE webhook_endpoints w SET position = greatest(w.position, n.position), \
    failing_since = CASE WHEN n.stands AND w.active THEN n.since ELSE w.failing_since END, \
    failing_attempts = CASE WHEN n.stands AND w.active THEN n.probes ELSE w.failing_attempts END \
    FROM unnest($1::bigint[], $2::bigint[], $3::boolean[], $4::bigint[], $5::bigint[]) \
    AS n(webhook, position, stands, since, probes) WHERE w.webhook = n.webhook";
const ADVANCE_REPLAYS: &str = "UPDATE webhook_replays r SET next_seq = greatest(r.next_seq, n.position) \
    FROM unnest($1::bigint[], $2::bigint[]) AS n(replay, position) WHERE r.replay = n.replay";
const END_REPLAYS: &str = "DELETE FROM webhook_replays WHERE replay = ANY($1) AND next_seq >= end_seq";
const KNOWN: &str = "SELECT d.webhook, d.seq, d.attempts FROM unnest($1::bigint[], $2::bigint[]) AS n(webhook, seq) \
    JOIN webhook_deliveries d ON d.webhook = n.webhook AND d.seq = n.seq";
const PUT: &str = "INSERT INTO webhook_deliveries (webhook, seq, type, at, state, tries, due_at, attempts, resource, \
    body) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[], $5::smallint[], $6::bigint[], \
    $7::bigint[], $8::bytea[], $9::bytea[], $10::text[]) \
    ON CONFLICT (webhook, seq) DO UPDATE SET state = excluded.state, tries = excluded.tries, \
    due_at = excluded.due_at, attempts = excluded.attempts, resource = excluded.resource, body = excluded.body";

/// All that an endpoint has come to.
#[derive(Default)]
struct Sum<'p> {
    position: u64,
    failing: Option<Option<Failing>>,
    deliveries: Vec<&'p DeliveryRecord>,
}

pub(super) async fn record(unit: &Unit, progress: &[Progress]) -> Result<(), Fault> {
    let mut sums: BTreeMap<WebhookId, Sum<'_>> = BTreeMap::new();
    for Progress { webhook, position, failing, deliveries, .. } in progress {
        let sum = sums.entry(*webhook).or_default();
        sum.position = sum.position.max(*position);
        sum.failing = failing.or(sum.failing);
        sum.deliveries.extend(deliveries);
    }
    let kept = kept(unit, &sums).await?;
    // The lock of an endpoint is that of its deliveries and its replays as well.
    let ids: Vec<Uuid> = sums.keys().map(|id| rows::id(id.to_bytes())).collect();
    let mut found: Vec<(i64, i64, Sum<'_>)> = Vec::new();
    for row in unit.query(LOCK, &[&ids]).await? {
        if let Some(sum) = sums.remove(&WebhookId::from_bytes(rows::octets(&row, 0)?)) {
            found.push((rows::get(&row, 1)?, rows::get(&row, 2)?, sum));
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    advance(unit, &found).await?;
    let is_gone = |progress: &&Progress| sums.contains_key(&progress.webhook);
    advance_replays(unit, progress.iter().filter(|one| !is_gone(one))).await?;
    put(unit, &found, &kept).await
}

/// Which of what was sent may be kept. Locks messages, which come before endpoints.
async fn kept(unit: &Unit, sums: &BTreeMap<WebhookId, Sum<'_>>) -> Result<Kept, Fault> {
    let with_body = |sum: &Sum<'_>| sum.deliveries.iter().any(|delivery| delivery.body.is_some());
    let with_bodies = sums.iter().filter(|(_, sum)| with_body(sum));
    let ids: Vec<Uuid> = with_bodies.map(|(id, _)| rows::id(id.to_bytes())).collect();
    if ids.is_empty() {
        return Ok(Kept::default());
    }
    let mut events: Vec<(i64, EventHead)> = Vec::new();
    for row in unit.query(LOGS, &[&ids]).await? {
        let log: i64 = rows::get(&row, 1)?;
        let Some(sum) = sums.get(&WebhookId::from_bytes(rows::octets(&row, 0)?)) else { continue };
        let with_body = sum.deliveries.iter().filter(|delivery| delivery.body.is_some());
        events.extend(with_body.map(|delivery| (log, delivery.head)));
    }
    Kept::find(unit, &events).await
}

async fn advance(unit: &Unit, found: &[(i64, i64, Sum<'_>)]) -> Result<(), Fault> {
    let webhooks: Vec<i64> = found.iter().map(|(webhook, ..)| *webhook).collect();
    let sums = || found.iter().map(|(_, _, sum)| sum);
    let positions: Vec<i64> = sums().map(|sum| number(sum.position)).collect();
    let stands: Vec<bool> = sums().map(|sum| sum.failing.is_some()).collect();
    let failing = || sums().map(|sum| sum.failing.flatten());
    let since: Vec<Option<i64>> = failing().map(|failing| rows::millis(failing.map(|failing| failing.since))).collect();
    let probes: Vec<i64> = failing().map(|failing| failing.map_or(0, |failing| i64::from(failing.probes))).collect();
    unit.execute(ADVANCE, &[&webhooks, &positions, &stands, &since, &probes]).await.map(drop)
}

async fn advance_replays(unit: &Unit, progress: impl Iterator<Item = &Progress>) -> Result<(), Fault> {
    let mut replays: BTreeMap<i64, i64> = BTreeMap::new();
    for (replay, position) in progress.filter_map(|progress| progress.replay) {
        let known = replays.entry(number(replay)).or_default();
        *known = number(position).max(*known);
    }
    if replays.is_empty() {
        return Ok(());
    }
    let (replays, positions): (Vec<i64>, Vec<i64>) = replays.into_iter().unzip();
    unit.execute(ADVANCE_REPLAYS, &[&replays, &positions]).await?;
    unit.execute(END_REPLAYS, &[&replays]).await.map(drop)
}

/// Writes deliveries, each with the attempts that are known of it.
async fn put(unit: &Unit, found: &[(i64, i64, Sum<'_>)], kept: &Kept) -> Result<(), Fault> {
    // The newest record of each delivery, with the log; and the attempts, by endpoint and number.
    let mut rows: BTreeMap<(i64, i64), (i64, &DeliveryRecord, Vec<u8>)> = BTreeMap::new();
    let all =
        || found.iter().flat_map(|(webhook, log, sum)| sum.deliveries.iter().map(move |one| (*webhook, *log, *one)));
    let (webhooks, seqs): (Vec<i64>, Vec<i64>) = all().map(|(webhook, _, one)| (webhook, number(one.head.seq))).unzip();
    if webhooks.is_empty() {
        return Ok(());
    }
    let mut known: BTreeMap<(i64, i64), Vec<u8>> = BTreeMap::new();
    for row in unit.query(KNOWN, &[&webhooks, &seqs]).await? {
        known.insert((rows::get(&row, 0)?, rows::get(&row, 1)?), rows::get(&row, 2)?);
    }
    for (webhook, log, record) in all() {
        let name = (webhook, number(record.head.seq));
        let before = rows.remove(&name).map(|(_, _, attempts)| attempts).or_else(|| known.remove(&name));
        let attempts = with_attempt(before.as_deref().unwrap_or_default(), record.attempt.as_ref());
        rows.insert(name, (log, record, attempts));
    }
    let (webhooks, seqs): (Vec<i64>, Vec<i64>) = rows.keys().copied().unzip();
    let records = || rows.values().map(|(_, record, _)| *record);
    let bodies: Vec<Option<_>> = rows
        .values()
        .map(|(log, record, _)| record.body.as_deref().filter(|_| kept.has(*log, &record.head)).map(rows::kept))
        .collect();
    let resource = |(record, body): (&DeliveryRecord, &Option<_>)| {
        body.as_ref().map(|_| record.head.resource.to_be_bytes().to_vec())
    };
    let resources: Vec<Option<Vec<u8>>> = records().zip(&bodies).map(resource).collect();
    let kinds: Vec<i16> = records().map(|record| i16::from(record.head.kind.number())).collect();
    let at: Vec<i64> = records().map(|record| record.head.at.as_millis()).collect();
    let states: Vec<i16> = records().map(|record| i16::from(state_number(record.state))).collect();
    let tries: Vec<i64> = records().map(|record| i64::from(record.tries)).collect();
    let due: Vec<Option<i64>> = records().map(|record| record.due_at.map(Timestamp::as_millis)).collect();
    let attempts: Vec<&[u8]> = rows.values().map(|(_, _, attempts)| &**attempts).collect();
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 10] =
        [&webhooks, &seqs, &kinds, &at, &states, &tries, &due, &attempts, &resources, &bodies];
    unit.execute(PUT, &values).await.map(drop)
}
