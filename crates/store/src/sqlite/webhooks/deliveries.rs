//! Deliveries: how far endpoints have come, what was tried, and the end of what is kept.

use model::webhook::{EventId, EventType};
use model::{Owner, Timestamp, WebhookId};
use rusqlite::{Connection, Row, params};

use super::found::{Found, find};
use super::{events, replays};
use crate::sqlite::rows;
use crate::sqlite::writer::Group;
use ledger::contract::webhooks::{Delivery, DeliveryPage, DeliveryRecord, DeliveryState, PendingDelivery, Progress};
use ledger::delivery_rows::{attempts_of, state_number, state_of, with_attempt};

pub(super) fn record(group: &mut Group, progress: &[Progress]) -> rusqlite::Result<()> {
    for Progress { webhook, position, failing, replay, deliveries } in progress {
        let Some(Found { number, .. }) = find(&group.connection, *webhook)? else { continue };
        group.connection.prepare_cached(ADVANCE)?.execute(params![number, position])?;
        if let Some(failing) = failing {
            let (since, probes) = failing.map(|failing| (failing.since.as_millis(), failing.probes)).unzip();
            let probes = probes.unwrap_or(0);
            group.connection.prepare_cached(STAND)?.execute(params![number, since, probes])?;
        }
        if let Some((replay, position)) = replay {
            replays::advance(&group.connection, *replay, *position)?;
        }
        for delivery in deliveries {
            write(group, number, delivery)?;
        }
    }
    Ok(())
}

fn write(group: &Group, webhook: i64, record: &DeliveryRecord) -> rusqlite::Result<()> {
    let DeliveryRecord { head, state, tries, due_at, attempt, body } = record;
    let body = body.as_deref().filter(|_| !group.events.was_erased(head.resource));
    let resource = body.map(|_| head.resource.to_be_bytes());
    let due_at = due_at.map(Timestamp::as_millis);
    let inserted = group.connection.prepare_cached(INSERT)?.execute(params![
        webhook,
        head.seq,
        head.kind.number(),
        head.at.as_millis(),
        state_number(*state),
        tries,
        due_at,
        with_attempt(&[], attempt.as_ref()),
        resource,
        body
    ])?;
    if inserted > 0 {
        return Ok(());
    }
    let name = params![webhook, head.seq];
    let known: Vec<u8> = group.connection.prepare_cached(ATTEMPTS)?.query_row(name, |row| row.get(0))?;
    let attempts = with_attempt(&known, attempt.as_ref());
    let values = params![webhook, head.seq, state_number(*state), tries, due_at, attempts, resource, body];
    group.connection.prepare_cached(UPDATE)?.execute(values)?;
    Ok(())
}

pub(super) fn pending(
    connection: &Connection,
    id: WebhookId,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<PendingDelivery>> {
    let Some(Found { number, log, .. }) = find(connection, id)? else { return Ok(Vec::new()) };
    let read = |row: &Row<'_>| Ok((row.get::<_, u64>(0)?, row.get::<_, u32>(1)?, rows::time_if_any(row, 2)?));
    let mut select = connection.prepare_cached(PENDING)?;
    let found = select.query_map(params![number, after, limit], read)?;
    let mut pending = Vec::new();
    for delivery in found {
        let (seq, tries, due_at) = delivery?;
        // What was erased or removed is not delivered; its row goes with its time.
        if let Some(head) = events::head(connection, log, seq)? {
            pending.push(PendingDelivery { head, tries, due_at: due_at.unwrap_or_default() });
        }
    }
    Ok(pending)
}

/// A part of a list, narrowed to a state and to a type.
pub(super) fn page(
    connection: &Connection,
    owner: Owner,
    id: WebhookId,
    (state, kind): (Option<DeliveryState>, Option<EventType>),
    before: Option<u64>,
    limit: usize,
    rows_max: usize,
) -> rusqlite::Result<DeliveryPage> {
    let mut page = DeliveryPage::default();
    let found = find(connection, id)?.filter(|found| found.endpoint.webhook.owner == owner);
    let Some(Found { number, log, .. }) = found else { return Ok(page) };
    let mut select = connection.prepare_cached(PAGE)?;
    let mut found = select.query(params![number, before.map_or(i64::MAX, u64::cast_signed), rows_max])?;
    let mut looked = 0;
    while let Some(row) = found.next()? {
        looked += 1;
        let (seq, at): (u64, Timestamp) = (row.get(0)?, rows::time(row, 2)?);
        let is_state = state_of(row.get(3)?);
        let Some(is_kind) = EventType::from_number(row.get(1)?) else { continue };
        if state.is_none_or(|state| state == is_state) && kind.is_none_or(|kind| kind == is_kind) {
            page.deliveries.push(Delivery {
                event: EventId::new(at, log, seq),
                kind: is_kind,
                at,
                state: is_state,
                due_at: rows::time_if_any(row, 4)?,
                attempts: attempts_of(row.get_ref(5)?.as_blob()?),
            });
        }
        if page.deliveries.len() == limit || looked == rows_max {
            page.next = Some(seq);
            break;
        }
    }
    Ok(page)
}

/// Removes what is old. Each statement begins at one end of a primary key.
pub(super) fn forget(group: &mut Group, before: Timestamp, limit: usize) -> rusqlite::Result<usize> {
    group.events.write(&group.connection)?;
    let connection = &group.connection;
    let mut removed = 0;
    let logs: Vec<u32> = connection.prepare_cached(LOGS)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for log in logs {
        let mut last = None;
        let mut select = connection.prepare_cached(OLDEST)?;
        let mut found = select.query(params![log, limit - removed])?;
        while let Some(row) = found.next()?
            && row.get::<_, i64>(1)? < before.as_millis()
        {
            last = Some(row.get::<_, u64>(0)?);
        }
        let Some(last) = last else { continue };
        connection.prepare_cached(BASE)?.execute(params![log, last])?;
        removed += connection.prepare_cached(DROP_DELIVERIES)?.execute(params![log, last])?;
        removed += connection.prepare_cached(DROP)?.execute(params![log, last])?;
        if removed >= limit {
            return Ok(removed);
        }
    }
    removed += connection.prepare_cached(DROP_COUNTS)?.execute(params![before.as_millis(), limit - removed])?;
    for webhook in connection.prepare_cached(REMOVED)?.query_map([], |row| row.get::<_, i64>(0))? {
        let webhook = webhook?;
        let dropped = connection.prepare_cached(DROP_OF)?.execute(params![webhook, limit.saturating_sub(removed)])?;
        if dropped == 0 && removed < limit {
            connection.prepare_cached(DROP_ENDPOINT)?.execute([webhook])?;
        }
        removed += dropped;
    }
    Ok(removed)
}

const ADVANCE: &str = "UPDATE webhook_endpoints SET position = max(position, ?2) WHERE webhook = ?1";
const STAND: &str = "UPDATE webhook_endpoints SET failing_since = ?2, failing_attempts = ?3 WHERE webhook = ?1 AND \
    active = 1";
const INSERT: &str = "INSERT INTO webhook_deliveries (webhook, seq, type, at, state, tries, due_at, attempts, \
    resource, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING";
const ATTEMPTS: &str = "SELECT attempts FROM webhook_deliveries WHERE webhook = ?1 AND seq = ?2";
const UPDATE: &str = "UPDATE webhook_deliveries SET state = ?3, tries = ?4, due_at = ?5, attempts = ?6, resource = ?7, \
    body = ?8 WHERE webhook = ?1 AND seq = ?2";
const PENDING: &str = "SELECT seq, tries, due_at FROM webhook_deliveries INDEXED BY webhook_deliveries_pending \
    WHERE webhook = ?1 AND state = 0 AND seq > ?2 ORDER BY seq LIMIT ?3";
const PAGE: &str = "SELECT seq, type, at, state, due_at, attempts FROM webhook_deliveries WHERE webhook = ?1 AND \
    seq < ?2 ORDER BY seq DESC LIMIT ?3";
const LOGS: &str = "SELECT log FROM webhook_logs ORDER BY log";
const OLDEST: &str = "SELECT seq, at FROM webhook_events WHERE log = ?1 ORDER BY seq LIMIT ?2";
const BASE: &str = "UPDATE webhook_logs SET base = max(base, ?2) WHERE log = ?1";
const DROP: &str = "DELETE FROM webhook_events WHERE log = ?1 AND seq <= ?2";
const DROP_DELIVERIES: &str = "DELETE FROM webhook_deliveries WHERE webhook IN (SELECT webhook FROM webhook_endpoints \
    WHERE log = ?1) AND seq <= ?2";
const DROP_COUNTS: &str = "DELETE FROM webhook_sequences WHERE (log, resource) IN (SELECT log, resource FROM \
    webhook_sequences WHERE length(resource) = 16 AND at < ?1 LIMIT ?2)";
const REMOVED: &str = "SELECT webhook FROM webhook_endpoints WHERE removed = 1";
const DROP_OF: &str = "DELETE FROM webhook_deliveries WHERE webhook = ?1 AND seq IN (SELECT seq FROM \
    webhook_deliveries WHERE webhook = ?1 ORDER BY seq LIMIT ?2)";
const DROP_ENDPOINT: &str = "DELETE FROM webhook_endpoints WHERE webhook = ?1";
