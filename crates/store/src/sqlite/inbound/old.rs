//! Parts, arrivals, messages without an account and records of automatic messages that can mean nothing any more.

use std::time::Duration;

use model::{MessageId, Timestamp};
use rusqlite::{Connection, Row, params};

use crate::sqlite::inbound_rows;
use crate::sqlite::rows;
use ledger::handsets::arrivals::{AUTOMATIC_KEPT, comes_again};

/// Whether there is something to forget.
pub(super) fn is_any(connection: &Connection, now: Timestamp, unrouted_kept: Duration) -> rusqlite::Result<bool> {
    let exists = |sql: &str, at: Timestamp| connection.prepare_cached(sql)?.exists(params![at.as_millis(), 1]);
    Ok(!arrivals(connection, now, 1)?.is_empty()
        || exists(JOINS, now)?
        || exists(UNROUTED, now - unrouted_kept)?
        || exists(AUTOMATIC, now - AUTOMATIC_KEPT)?)
}

/// Forgets at most `limit` of each. Returns how many rows went.
pub(super) fn forget(
    connection: &Connection,
    now: Timestamp,
    unrouted_kept: Duration,
    limit: usize,
) -> rusqlite::Result<usize> {
    let mut forgotten = 0;
    for id in arrivals(connection, now, limit)? {
        forgotten += connection.prepare_cached(DELETE_ARRIVAL)?.execute([id])?;
    }
    let ids = |sql: &str, at: Timestamp| {
        let mut select = connection.prepare_cached(sql)?;
        select.query_map(params![at.as_millis(), limit], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()
    };
    for join in ids(JOINS, now)? {
        connection.prepare_cached(DELETE_PARTS)?.execute([join])?;
        forgotten += connection.prepare_cached(DELETE_JOIN)?.execute([join])?;
    }
    let mut select = connection.prepare_cached(UNROUTED)?;
    let read = |row: &Row<'_>| row.get(0).map(MessageId::from_bytes);
    let values = params![(now - unrouted_kept).as_millis(), limit];
    for id in select.query_map(values, read)?.collect::<rusqlite::Result<Vec<_>>>()? {
        let objects = inbound_rows::remove(connection, id)?;
        inbound_rows::let_go(connection, &objects.unwrap_or_default())?;
        forgotten += 1;
    }
    forgotten +=
        connection.prepare_cached(DELETE_AUTOMATIC)?.execute(params![(now - AUTOMATIC_KEPT).as_millis(), limit])?;
    Ok(forgotten)
}

/// Arrivals that came too long ago to come again, among the oldest. Those of a time to come are among them, after the
/// clock was set back.
fn arrivals(connection: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<Vec<i64>> {
    let mut select = connection.prepare_cached(ARRIVALS)?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, rows::time(row, 1)?));
    let oldest: Vec<(i64, Timestamp)> = select.query_map([limit], read)?.collect::<rusqlite::Result<_>>()?;
    Ok(oldest.into_iter().filter(|(_, at)| !comes_again(*at, now)).map(|(id, _)| id).collect())
}

const ARRIVALS: &str = "SELECT id, at FROM inbound_arrivals WHERE id > 0 ORDER BY id LIMIT ?1";
const DELETE_ARRIVAL: &str = "DELETE FROM inbound_arrivals WHERE id = ?1";
const JOINS: &str = "SELECT id FROM inbound_joins INDEXED BY inbound_joins_end WHERE forget_at IS NOT NULL \
    AND forget_at < ?1 ORDER BY forget_at LIMIT ?2";
const DELETE_PARTS: &str = "DELETE FROM inbound_parts WHERE join_id = ?1";
const DELETE_JOIN: &str = "DELETE FROM inbound_joins WHERE id = ?1";
const UNROUTED: &str = "SELECT id FROM inbound INDEXED BY inbound_unrouted WHERE account_id = x'' \
    AND received_at < ?1 ORDER BY received_at LIMIT ?2";
const AUTOMATIC: &str =
    "SELECT at FROM automatic_messages INDEXED BY automatic_messages_at WHERE at < ?1 ORDER BY at LIMIT ?2";
const DELETE_AUTOMATIC: &str = "DELETE FROM automatic_messages \
    WHERE (number, account_id, mode, sender, at, message_id) IN \
    (SELECT number, account_id, mode, sender, at, message_id FROM automatic_messages \
    INDEXED BY automatic_messages_at WHERE at < ?1 ORDER BY at LIMIT ?2)";

/// Every statement of this file.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] =
    &[ARRIVALS, DELETE_ARRIVAL, JOINS, DELETE_PARTS, DELETE_JOIN, UNROUTED, AUTOMATIC, DELETE_AUTOMATIC];
