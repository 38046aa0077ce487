//! Looking for what is old, on a reading connection. What is found may have changed when it is to be removed.

use model::{AccountId, BroadcastId, MessageId, TextRetention, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::removal::{Segment, Thing};
use crate::sqlite::rows;
use ledger::contract::retention::Walk;
use ledger::walks::{Looked, Place, ROWS, lowest_at};

/// Looks behind `from`, or behind the mark on disk, for what was accepted before `before`: until `limit` are found.
pub(super) fn look(
    connection: &Connection,
    walk: Walk,
    from: Option<Place>,
    before: Timestamp,
    limit: usize,
) -> rusqlite::Result<Looked<Thing>> {
    let from = match from {
        Some(from) => from,
        None => mark(connection, walk)?.unwrap_or_default(),
    };
    let mut looking = Looking { limit, looked: Looked::behind(from.clone()) };
    let bounds = (from.id, lowest_at(before).to_be_bytes());
    match walk {
        Walk::Texts(account) => {
            let thing = |account, id| Thing::Text(account, MessageId::from_bytes(id));
            texts(connection, &mut looking, account, bounds, [TEXTS, TEXTS_OF], thing)?;
        }
        Walk::ScheduledTexts(account) => scheduled_texts(connection, &mut looking, account, &from, before)?,
        Walk::BroadcastTexts(account) => {
            let thing = |account, id| Thing::BroadcastText(account, BroadcastId::from_bytes(id));
            texts(connection, &mut looking, account, bounds, [BROADCAST_TEXTS, BROADCAST_TEXTS_OF], thing)?;
        }
        Walk::InboundTexts(account) => {
            let sql = if account.is_some() { INBOUND_TEXTS_OF } else { INBOUND_TEXTS };
            let mut select = connection.prepare_cached(sql)?;
            let values = params![bounds.0, bounds.1, ROWS, account.map(AccountId::to_bytes)];
            looking.through(&mut select.query(values)?, |row| {
                let (id, has_text): ([u8; 16], bool) = (row.get(0)?, row.get(1)?);
                let thing = Thing::InboundText(MessageId::from_bytes(id));
                Ok((Place::of_id(id), has_text.then_some(thing)))
            })?;
        }
        Walk::InboundMessages => {
            let mut select = connection.prepare_cached(INBOUND_MESSAGES)?;
            looking.through(&mut select.query(params![bounds.0, bounds.1, ROWS])?, |row| {
                let id: [u8; 16] = row.get(0)?;
                Ok((Place::of_id(id), Some(Thing::Inbound(MessageId::from_bytes(id)))))
            })?;
        }
        Walk::Messages => {
            let mut select = connection.prepare_cached(MESSAGES)?;
            looking.through(&mut select.query(params![bounds.0, bounds.1, ROWS, before.as_millis()])?, |row| {
                let (id, has_ended): ([u8; 16], bool) = (row.get(1)?, row.get(2)?);
                let thing = Thing::Message(AccountId::from_bytes(row.get(0)?), MessageId::from_bytes(id));
                Ok((Place::of_id(id), has_ended.then_some(thing)))
            })?;
        }
        Walk::Broadcasts => {
            let mut select = connection.prepare_cached(BROADCASTS)?;
            looking.through(&mut select.query(params![bounds.0, bounds.1, ROWS])?, |row| {
                let (id, is_open): ([u8; 16], bool) = (row.get(1)?, row.get(2)?);
                let thing = Thing::Broadcast(AccountId::from_bytes(row.get(0)?), BroadcastId::from_bytes(id));
                Ok((Place::of_id(id), (!is_open).then_some(thing)))
            })?;
        }
        Walk::ReceiptKeys => keys(connection, &mut looking, &from, before)?,
        Walk::Unmatched => {
            let mut select = connection.prepare_cached(UNMATCHED)?;
            looking.through(&mut select.query(params![from.number, ROWS])?, |row| {
                let (number, is_old) = (row.get(0)?, rows::time(row, 1)? < before);
                Ok((Place { number, ..Place::default() }, is_old.then_some(Thing::Unmatched(number))))
            })?;
        }
    }
    Ok(looking.looked)
}

/// A look under way.
struct Looking {
    limit: usize,
    looked: Looked<Thing>,
}

impl Looking {
    /// Goes through rows, until enough are found.
    fn through(
        &mut self,
        rows: &mut rusqlite::Rows<'_>,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<(Place, Option<Thing>)>,
    ) -> rusqlite::Result<()> {
        while let Some(row) = rows.next()? {
            let (place, thing) = read(row)?;
            if self.looked.add(place, thing, self.limit) {
                break;
            }
        }
        Ok(())
    }
}

type Bounds = ([u8; 16], [u8; 16]);

/// Texts that are there, whether their message or broadcast has ended or not: the writer sees that.
fn texts(
    connection: &Connection,
    looking: &mut Looking,
    account: Option<AccountId>,
    (after, before): Bounds,
    [of_all, of_one]: [&str; 2],
    thing: fn(AccountId, [u8; 16]) -> Thing,
) -> rusqlite::Result<()> {
    let read = |row: &Row<'_>| {
        let (id, has_text): ([u8; 16], bool) = (row.get(1)?, row.get(2)?);
        let thing = thing(AccountId::from_bytes(row.get(0)?), id);
        Ok((Place::of_id(id), has_text.then_some(thing)))
    };
    match account {
        None => {
            let mut select = connection.prepare_cached(of_all)?;
            looking.through(&mut select.query(params![after, before, ROWS])?, read)
        }
        Some(account) => {
            let mut select = connection.prepare_cached(of_one)?;
            looking.through(&mut select.query(params![after, before, ROWS, account.to_bytes()])?, read)
        }
    }
}

/// Texts of messages that leave later. Those of messages that have not ended are found again by the next walk.
fn scheduled_texts(
    connection: &Connection,
    looking: &mut Looking,
    account: Option<AccountId>,
    from: &Place,
    before: Timestamp,
) -> rusqlite::Result<()> {
    let read = |row: &Row<'_>| {
        let (id, number): ([u8; 16], i64) = (row.get(1)?, row.get(2)?);
        let thing = Thing::Text(AccountId::from_bytes(row.get(0)?), MessageId::from_bytes(id));
        Ok((Place { number, ..Place::of_id(id) }, Some(thing)))
    };
    let before = before.as_millis();
    match account {
        None => {
            let mut select = connection.prepare_cached(SCHEDULED_TEXTS)?;
            looking.through(&mut select.query(params![from.number, from.id, before, ROWS])?, read)
        }
        Some(account) => {
            let mut select = connection.prepare_cached(SCHEDULED_TEXTS_OF)?;
            let values = params![from.number, from.id, before, ROWS, account.to_bytes()];
            looking.through(&mut select.query(values)?, read)
        }
    }
}

/// Keys are in no order of time, so that the walk goes through all of them, and old ones are removed from pages that
/// lie one after the other.
fn keys(connection: &Connection, looking: &mut Looking, from: &Place, old_before: Timestamp) -> rusqlite::Result<()> {
    let before = lowest_at(old_before).to_be_bytes();
    let mut select = connection.prepare_cached(KEYS)?;
    let values = params![from.carrier, from.key, from.id, from.number, ROWS];
    looking.through(&mut select.query(values)?, |row| {
        let place = Place { carrier: row.get(0)?, key: row.get(1)?, id: row.get(2)?, number: row.get(3)? };
        let segment = Segment {
            carrier: place.carrier.clone(),
            key: place.key.clone(),
            message: MessageId::from_bytes(place.id),
            number: place.number,
        };
        let is_old = place.id < before;
        Ok((place, is_old.then_some(Thing::Key(segment, old_before))))
    })
}

/// The accounts that have a rule for their texts.
pub(super) fn text_rules(connection: &Connection) -> rusqlite::Result<Vec<(AccountId, TextRetention)>> {
    let read = |row: &Row<'_>| Ok((AccountId::from_bytes(row.get(0)?), rows::word(row, 1, TextRetention::parse)?));
    connection.prepare_cached(RULES)?.query_map([], read)?.collect()
}

/// The account that a walk is confined to, as its mark has it.
pub(super) fn mark_account(walk: Walk) -> Vec<u8> {
    walk.account().map_or_else(Vec::new, |account| account.to_bytes().to_vec())
}

fn mark(connection: &Connection, walk: Walk) -> rusqlite::Result<Option<Place>> {
    if !walk.is_marked() {
        return Ok(None);
    }
    let read =
        |row: &Row<'_>| Ok(Place { carrier: row.get(0)?, key: row.get(1)?, id: row.get(2)?, number: row.get(3)? });
    connection.prepare_cached(MARK_OF)?.query_row(params![walk.name(), mark_account(walk)], read).optional()
}

/// Those of messages that leave later have a walk of their own.
const TEXTS: &str = "SELECT d.account_id, d.message_id, \
    m.send_at IS NULL AND (m.body IS NOT NULL OR m.media_url IS NOT NULL) FROM delivery d \
    CROSS JOIN messages m ON m.account_id = d.account_id AND m.id = d.message_id WHERE d.message_id > ?1 \
    AND d.message_id < ?2 ORDER BY d.message_id LIMIT ?3";
const TEXTS_OF: &str = "SELECT account_id, id, send_at IS NULL AND (body IS NOT NULL OR media_url IS NOT NULL) \
    FROM messages WHERE account_id = ?4 AND id > ?1 AND id < ?2 ORDER BY id LIMIT ?3";
const SCHEDULED_TEXTS: &str = "SELECT account_id, id, send_at FROM messages INDEXED BY messages_scheduled_texts \
    WHERE send_at IS NOT NULL AND (body IS NOT NULL OR media_url IS NOT NULL) AND (send_at, id) > (?1, ?2) \
    AND send_at < ?3 ORDER BY send_at, id LIMIT ?4";
const SCHEDULED_TEXTS_OF: &str = "SELECT account_id, id, send_at FROM messages INDEXED BY messages_scheduled_texts_of \
    WHERE account_id = ?5 AND send_at IS NOT NULL AND (body IS NOT NULL OR media_url IS NOT NULL) \
    AND (send_at, id) > (?1, ?2) AND send_at < ?3 ORDER BY send_at, id LIMIT ?4";
const BROADCAST_TEXTS: &str = "SELECT p.account_id, p.broadcast_id, b.body IS NOT NULL OR b.media_url IS NOT NULL FROM \
    broadcast_progress p CROSS JOIN broadcasts b ON b.account_id = p.account_id AND b.id = p.broadcast_id \
    WHERE p.broadcast_id > ?1 AND p.broadcast_id < ?2 ORDER BY p.broadcast_id LIMIT ?3";
const BROADCAST_TEXTS_OF: &str = "SELECT account_id, id, body IS NOT NULL OR media_url IS NOT NULL FROM broadcasts \
    WHERE account_id = ?4 AND id > ?1 AND id < ?2 ORDER BY id LIMIT ?3";
const INBOUND_TEXTS: &str = "SELECT id, body IS NOT NULL OR octets IS NOT NULL OR media <> '' FROM inbound \
    WHERE id > ?1 AND id < ?2 AND ?4 IS NULL ORDER BY id LIMIT ?3";
const INBOUND_TEXTS_OF: &str = "SELECT id, body IS NOT NULL OR octets IS NOT NULL OR media <> '' FROM inbound \
    INDEXED BY inbound_of WHERE account_id = ?4 AND mode = 'live' AND id > ?1 AND id < ?2 \
    UNION ALL SELECT id, body IS NOT NULL OR octets IS NOT NULL OR media <> '' FROM inbound INDEXED BY inbound_of \
    WHERE account_id = ?4 AND mode = 'test' AND id > ?1 AND id < ?2 ORDER BY id LIMIT ?3";
const INBOUND_MESSAGES: &str = "SELECT id FROM inbound WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3";
/// A message that leaves later was queued later, or has failed. Only then it is looked up when it was to leave.
const MESSAGES: &str = "SELECT d.account_id, d.message_id, d.status NOT IN ('scheduled', 'queued') \
    AND d.receipt_by IS NULL AND (d.queued_at IS NULL AND d.failed_at IS NULL OR NOT EXISTS (SELECT 1 FROM messages m \
    WHERE m.account_id = d.account_id AND m.id = d.message_id AND m.send_at >= ?4)) \
    FROM delivery d WHERE d.message_id > ?1 AND d.message_id < ?2 ORDER BY d.message_id LIMIT ?3";
const BROADCASTS: &str = "SELECT account_id, broadcast_id, status IN ('queued', 'sending') FROM broadcast_progress \
    WHERE broadcast_id > ?1 AND broadcast_id < ?2 ORDER BY broadcast_id LIMIT ?3";
const KEYS: &str = "SELECT carrier, key, message_id, number FROM segments \
    WHERE (carrier, key, message_id, number) > (?1, ?2, ?3, ?4) ORDER BY carrier, key, message_id, number LIMIT ?5";
const UNMATCHED: &str = "SELECT id, at FROM unmatched WHERE id > ?1 AND fate <> 'waiting' ORDER BY id LIMIT ?2";
const RULES: &str = "SELECT id, retention FROM accounts INDEXED BY accounts_retention WHERE retention IS NOT NULL \
    AND id >= x'' ORDER BY id";
const MARK_OF: &str = "SELECT carrier, key, id, number FROM retention_marks WHERE walk = ?1 AND account_id = ?2";

/// Every statement of this file that maintenance runs.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] = &[
    TEXTS,
    TEXTS_OF,
    SCHEDULED_TEXTS,
    SCHEDULED_TEXTS_OF,
    BROADCAST_TEXTS,
    BROADCAST_TEXTS_OF,
    INBOUND_TEXTS,
    INBOUND_TEXTS_OF,
    INBOUND_MESSAGES,
    MESSAGES,
    BROADCASTS,
    KEYS,
    UNMATCHED,
    RULES,
    MARK_OF,
];
