//! Reading the log: what an endpoint is to receive, and what an event says.

use model::webhook::{EventId, EventType};
use model::{BroadcastRecord, Delivery, MessageRecord, Owner, Timestamp, WebhookId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::found::{self, Found};
use super::logs;
use crate::sqlite::broadcasts;
use crate::sqlite::rows::{self, MESSAGE};
use ledger::contract::changes::Resource;
use ledger::contract::webhooks::{EventContent, EventHead, EventPage, EventRecord, EventsAfter, Heads, ToSend};
use ledger::event_log::{Facts, Halves, shown};

pub(super) fn heads(
    connection: &Connection,
    id: WebhookId,
    after: u64,
    replay: Option<u64>,
    limit: usize,
) -> rusqlite::Result<Heads> {
    let Some(Found { number, log, endpoint }) = found::find(connection, id)? else { return Ok(Heads::default()) };
    let (end, state) = match replay {
        Some(replay) => {
            let read = |row: &Row<'_>| Ok((row.get::<_, u64>(0)?, row.get::<_, Option<u8>>(1)?));
            let found = connection.prepare_cached(REPLAY)?.query_row([replay], read).optional()?;
            let Some(found) = found else { return Ok(Heads { heads: Vec::new(), looked_to: after }) };
            found
        }
        None => (endpoint.last, None),
    };
    let mut heads = Heads { heads: Vec::new(), looked_to: after };
    let mut looked = 0;
    let mut select = connection.prepare_cached(HEADS)?;
    let mut found = select.query(params![log, after, end, limit, number])?;
    while let Some(row) = found.next()? {
        looked += 1;
        heads.looked_to = row.get(0)?;
        let Some(kind) = EventType::from_number(row.get(2)?).filter(|kind| endpoint.webhook.events.has(*kind)) else {
            continue;
        };
        if state.is_some() && row.get::<_, Option<u8>>(4)? != state {
            continue;
        }
        let Some(facts) = Facts::read(kind, row.get_ref(3)?.as_blob()?) else { continue };
        if facts.is_for(id, kind, endpoint.webhook.broadcast_messages) {
            heads.heads.push(EventHead { seq: heads.looked_to, at: rows::time(row, 1)?, kind, resource: facts.key() });
        }
    }
    if looked < limit {
        // Rows at the end may be gone.
        heads.looked_to = heads.looked_to.max(end);
    }
    Ok(heads)
}

/// The head of one event.
pub(super) fn head(connection: &Connection, log: u32, seq: u64) -> rusqlite::Result<Option<EventHead>> {
    let read = |row: &Row<'_>| {
        let kind = EventType::from_number(row.get(1)?);
        let facts = kind.zip(kind.and_then(|kind| Facts::read(kind, row.get_ref(2).ok()?.as_blob().ok()?)));
        let at = rows::time(row, 0)?;
        Ok(facts.map(|(kind, facts)| EventHead { seq, at, kind, resource: facts.key() }))
    };
    Ok(connection.prepare_cached(HEAD)?.query_row(params![log, seq], read).optional()?.flatten())
}

pub(super) fn to_send(connection: &Connection, id: WebhookId, seq: u64) -> rusqlite::Result<Option<ToSend>> {
    let Some(Found { number, log, endpoint }) = found::find(connection, id)? else { return Ok(None) };
    let Some(event) = find(connection, endpoint.webhook.owner, log, seq)? else { return Ok(None) };
    let body = connection.prepare_cached(BODY)?.query_row(params![number, seq], |row| row.get(0)).optional()?;
    Ok(Some(ToSend { event, body: body.flatten() }))
}

pub(super) fn page(
    connection: &Connection,
    owner: Owner,
    kind: Option<EventType>,
    after: Option<EventsAfter>,
    limit: usize,
) -> rusqlite::Result<EventPage> {
    let mut page = EventPage::default();
    let Some(log) = logs::number(connection, owner)? else { return Ok(page) };
    let after = match after {
        Some(EventsAfter::Seq(seq)) => seq,
        Some(EventsAfter::Time(at)) => before(connection, log, at)?,
        None => 0,
    };
    let mut select = connection.prepare_cached(PAGE)?;
    let mut found = select.query(params![log, after, limit, kind.map(EventType::number)])?;
    let (mut looked, mut last) = (0, after);
    while let Some(row) = found.next()? {
        looked += 1;
        last = row.get(0)?;
        page.events.extend(event(connection, owner, log, row)?);
    }
    page.next = (looked == limit).then_some(last);
    Ok(page)
}

/// The number before the first event of this time or later.
pub(super) fn before(connection: &Connection, log: u32, at: Timestamp) -> rusqlite::Result<u64> {
    let ends = connection
        .prepare_cached(ENDS)?
        .query_row([log], |row| Ok(row.get::<_, Option<u64>>(0)?.zip(row.get::<_, Option<u64>>(1)?)))?;
    let Some((first, last)) = ends else { return Ok(0) };
    let mut halves = Halves::new(first, last, at);
    while let Some(from) = halves.next() {
        let found = connection
            .prepare_cached(FROM)?
            .query_row(params![log, from], |row| Ok((row.get(0)?, rows::time(row, 1)?)))
            .optional()?;
        halves.look(from, found);
    }
    Ok(halves.found())
}

/// The event with this number, unless it or its resource is gone.
pub(super) fn find(connection: &Connection, owner: Owner, log: u32, seq: u64) -> rusqlite::Result<Option<EventRecord>> {
    let mut select = connection.prepare_cached(ONE)?;
    let mut found = select.query(params![log, seq])?;
    match found.next()? {
        Some(row) => event(connection, owner, log, row),
        None => Ok(None),
    }
}

fn event(connection: &Connection, owner: Owner, log: u32, row: &Row<'_>) -> rusqlite::Result<Option<EventRecord>> {
    let Some(kind) = EventType::from_number(row.get(2)?) else { return Ok(None) };
    let Some(facts) = Facts::read(kind, row.get_ref(4)?.as_blob()?) else { return Ok(None) };
    let (seq, at, sequence) = (row.get(0)?, rows::time(row, 1)?, row.get(3)?);
    let is_final = facts.is_final();
    let content = match facts {
        Facts::Webhook(id, reason) => EventContent::Webhook { id, reason },
        Facts::Resource(Resource::Message { id, delivery, .. }) => {
            let Some(record) = message(connection, owner, id.to_bytes(), delivery)? else { return Ok(None) };
            EventContent::Message(Box::new(record))
        }
        Facts::Resource(Resource::Broadcast { id, status, counts }) => {
            let Some(record) = broadcasts::load(connection, Some(owner), id)? else { return Ok(None) };
            EventContent::Broadcast(Box::new(BroadcastRecord { status, counts, ..record }))
        }
        Facts::Resource(Resource::Inbound { id, .. }) => EventContent::Inbound(id),
        Facts::Resource(Resource::OptedOut(opt_out) | Resource::OptedIn(opt_out)) => {
            EventContent::OptOut(Box::new(opt_out))
        }
        Facts::Resource(_) => return Ok(None),
    };
    Ok(Some(EventRecord { id: EventId::new(at, log, seq), owner, kind, at, sequence, is_final, content }))
}

/// A message with what had become of it then; erased, if it is by now.
fn message(
    connection: &Connection,
    owner: Owner,
    id: [u8; 16],
    delivery: Delivery,
) -> rusqlite::Result<Option<MessageRecord>> {
    let sql = format!(
        "SELECT d.erased_at, {MESSAGE} FROM messages m JOIN delivery d ON d.message_id = m.id \
         WHERE m.account_id = ?1 AND m.id = ?2"
    );
    let read = |row: &Row<'_>| Ok((rows::time_if_any(row, 0)?, rows::message(row, 1)?));
    let values = params![owner.account.to_bytes(), id];
    let found = connection.prepare_cached(&sql)?.query_row(values, read).optional()?;
    Ok(found.map(|(erased_at, message)| MessageRecord { message, delivery: shown(delivery, erased_at) }))
}

const HEADS: &str = "SELECT e.seq, e.at, e.type, e.facts, d.state FROM webhook_events e LEFT JOIN webhook_deliveries d \
    ON d.webhook = ?5 AND d.seq = e.seq WHERE e.log = ?1 AND e.seq > ?2 AND e.seq <= ?3 ORDER BY e.seq LIMIT ?4";
const HEAD: &str = "SELECT at, type, facts FROM webhook_events WHERE log = ?1 AND seq = ?2";
const REPLAY: &str = "SELECT end_seq, state FROM webhook_replays WHERE replay = ?1";
const BODY: &str = "SELECT body FROM webhook_deliveries WHERE webhook = ?1 AND seq = ?2";
const PAGE: &str = "SELECT seq, at, type, sequence, facts FROM webhook_events WHERE log = ?1 AND seq > ?2 AND \
    (?4 IS NULL OR type = ?4) ORDER BY seq LIMIT ?3";
const ONE: &str = "SELECT seq, at, type, sequence, facts FROM webhook_events WHERE log = ?1 AND seq = ?2";
const ENDS: &str = "SELECT (SELECT seq FROM webhook_events WHERE log = ?1 ORDER BY seq LIMIT 1), \
    (SELECT seq FROM webhook_events WHERE log = ?1 ORDER BY seq DESC LIMIT 1)";
const FROM: &str = "SELECT seq, at FROM webhook_events WHERE log = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1";
