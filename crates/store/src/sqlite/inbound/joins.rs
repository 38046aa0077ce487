//! Parts to wholes.

use std::sync::Arc;
use std::time::Duration;

use model::{InboundAddress, MessageId, Timestamp};
use rusqlite::{Connection, Row, params};

use crate::sqlite::rows;
use ledger::contract::inbound::{Arrival, Assembled, PartName, REDELIVERED_WITHIN};
use ledger::handsets::arrivals::form_number;
use ledger::handsets::parts::{Candidate, Place, SAME_NAME_MAX, State};

/// What became of a part.
pub(super) enum Joined {
    /// It exists already.
    Known,
    /// Others are awaited. It begins a new message where it replaces that of this join.
    Waits(Option<i64>),
    /// It completes a message, or is one more part of a message that is shown without some.
    Assembled(i64, Assembled),
}

/// Adds a part to those that it belongs to.
pub(super) fn join(connection: &Connection, arrival: &Arrival, part: &PartName) -> rusqlite::Result<Joined> {
    let candidates = candidates(connection, arrival, part)?;
    match Place::of(arrival, &candidates) {
        Place::Known => Ok(Joined::Known),
        Place::Begins(replaced) => {
            let id = begin(connection, arrival, part)?;
            add(connection, id, arrival, part)?;
            Ok(Joined::Waits(replaced))
        }
        Place::Joins(id, state) => {
            add(connection, id, arrival, part)?;
            let assembled = assembled(connection, id)?;
            Ok(if state.shows(&assembled) { Joined::Assembled(id, assembled) } else { Joined::Waits(None) })
        }
    }
}

/// The messages that have the name of a part, the newest first.
fn candidates(connection: &Connection, arrival: &Arrival, part: &PartName) -> rusqlite::Result<Vec<Candidate>> {
    let read = |row: &Row<'_>| {
        let (state, last_at) = (State::of(row.get(1)?), rows::time(row, 2)?);
        Ok(Candidate { id: row.get(0)?, state, last_at, content: row.get(3)? })
    };
    let values = params![
        arrival.from.to_string(),
        arrival.to.to_string(),
        part.reference,
        part.total,
        &*arrival.carrier,
        form_number(part.form),
        part.other_elements,
        part.number,
        SAME_NAME_MAX
    ];
    connection.prepare_cached(CANDIDATES)?.query_map(values, read)?.collect()
}

fn begin(connection: &Connection, arrival: &Arrival, part: &PartName) -> rusqlite::Result<i64> {
    connection.prepare_cached(BEGIN)?.execute(params![
        &*arrival.carrier,
        arrival.from.to_string(),
        arrival.to.to_string(),
        form_number(part.form),
        part.reference,
        part.total,
        part.other_elements,
        arrival.at.as_millis()
    ])?;
    Ok(connection.last_insert_rowid())
}

fn add(connection: &Connection, join: i64, arrival: &Arrival, part: &PartName) -> rusqlite::Result<()> {
    connection.prepare_cached(ADD)?.execute(params![join, part.number, arrival.content])?;
    connection.prepare_cached(TOUCH)?.execute(params![join, arrival.at.as_millis()])?;
    Ok(())
}

/// The parts of a message that came.
fn assembled(connection: &Connection, join: i64) -> rusqlite::Result<Assembled> {
    let mut select = connection.prepare_cached(PARTS)?;
    let part = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let parts = select.query_map([join], part)?.collect::<rusqlite::Result<Vec<(u8, Arc<[u8]>)>>>()?;
    connection.prepare_cached(JOIN)?.query_row([join], |row| {
        let address = |at| Ok::<_, rusqlite::Error>(InboundAddress::of(row.get_ref(at)?.as_str()?));
        Ok(Assembled {
            carrier: rows::carrier(row, 0)?,
            from: address(1)?,
            to: address(2)?,
            received_at: rows::time(row, 4)?,
            total: row.get(3)?,
            parts,
            media: Arc::from([]),
            earlier: row.get::<_, Option<[u8; 16]>>(5)?.map(MessageId::from_bytes),
        })
    })
}

/// The parts of a message that came, if others are awaited.
pub(super) fn awaited(connection: &Connection, join: i64) -> rusqlite::Result<Option<Assembled>> {
    let is_awaited = connection.prepare_cached(IS_AWAITED)?.exists([join])?;
    is_awaited.then(|| assembled(connection, join)).transpose()
}

/// Notes that a message is shown, whole or in part.
pub(super) fn shown(
    connection: &Connection,
    join: i64,
    message: MessageId,
    is_whole: bool,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let (state, kept) = State::shown(is_whole);
    let values = params![join, state.number(), message.to_bytes(), (now + kept).as_millis()];
    connection.prepare_cached(SHOWN)?.execute(values)?;
    Ok(())
}

/// Notes that another message took the name of this one: no part that comes belongs to it any more.
pub(super) fn replace(connection: &Connection, join: i64, now: Timestamp) -> rusqlite::Result<()> {
    let values = params![join, State::Replaced.number(), (now + REDELIVERED_WITHIN).as_millis()];
    connection.prepare_cached(REPLACE)?.execute(values)?;
    Ok(())
}

/// The messages of which no part came for so long, the longest first. Where the clock was set back, those of a time to
/// come are among them.
pub(super) fn over(
    connection: &Connection,
    now: Timestamp,
    wait: Duration,
    limit: usize,
) -> rusqlite::Result<Vec<i64>> {
    let mut found: Vec<i64> = Vec::new();
    for (sql, end) in [(OVER, now - wait), (AHEAD, now + wait)] {
        let mut select = connection.prepare_cached(sql)?;
        let ids = select.query_map(params![end.as_millis(), limit - found.len()], |row| row.get(0))?;
        found.extend(ids.collect::<rusqlite::Result<Vec<i64>>>()?);
    }
    Ok(found)
}

/// The number of parts that wait for others.
pub(super) fn count_waiting(connection: &Connection) -> rusqlite::Result<u64> {
    connection.prepare_cached(COUNT)?.query_row([], |row| row.get(0))
}

/// The name of the carrier is compared row by row: an index of all that names a part would be as long as the table.
const CANDIDATES: &str = "SELECT j.id, j.state, j.last_at, (SELECT p.content FROM inbound_parts p \
    WHERE p.join_id = j.id AND p.number = ?8) FROM inbound_joins j INDEXED BY inbound_joins_of \
    WHERE j.sender = ?1 AND j.recipient = ?2 AND j.reference = ?3 AND j.total = ?4 AND j.carrier = ?5 AND j.form = ?6 \
    AND j.elements = ?7 ORDER BY j.id DESC LIMIT ?9";
const BEGIN: &str = "INSERT INTO inbound_joins (carrier, sender, recipient, form, reference, total, elements, state, \
    first_at, last_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?8)";
const ADD: &str = "INSERT INTO inbound_parts (join_id, number, content) VALUES (?1, ?2, ?3)";
const TOUCH: &str = "UPDATE inbound_joins SET last_at = ?2 WHERE id = ?1";
const PARTS: &str = "SELECT number, content FROM inbound_parts WHERE join_id = ?1 ORDER BY number";
const JOIN: &str = "SELECT carrier, sender, recipient, total, first_at, message_id FROM inbound_joins WHERE id = ?1";
const IS_AWAITED: &str = "SELECT 1 FROM inbound_joins WHERE id = ?1 AND state = 0";
const SHOWN: &str = "UPDATE inbound_joins SET state = ?2, message_id = ?3, forget_at = ?4 WHERE id = ?1";
const REPLACE: &str = "UPDATE inbound_joins SET state = ?2, forget_at = ?3 WHERE id = ?1";
const OVER: &str = "SELECT id FROM inbound_joins INDEXED BY inbound_joins_wait WHERE forget_at IS NULL \
    AND last_at <= ?1 ORDER BY last_at LIMIT ?2";
const AHEAD: &str = "SELECT id FROM inbound_joins INDEXED BY inbound_joins_wait WHERE forget_at IS NULL \
    AND last_at > ?1 ORDER BY last_at LIMIT ?2";
const COUNT: &str = "SELECT count(*) FROM inbound_joins j INDEXED BY inbound_joins_wait CROSS JOIN inbound_parts p \
    ON p.join_id = j.id WHERE j.forget_at IS NULL AND j.last_at > -9223372036854775808";

/// Every statement of this file.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] =
    &[CANDIDATES, BEGIN, ADD, TOUCH, PARTS, JOIN, IS_AWAITED, SHOWN, REPLACE, OVER, AHEAD, COUNT];
