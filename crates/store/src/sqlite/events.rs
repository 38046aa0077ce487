//! The events of a message's life, written one by one.

use model::CarrierName;
use rusqlite::{Connection, params};

use ledger::life::NewEvent;

/// Adds an event to a message's life.
pub(super) fn add_event(connection: &Connection, event: &NewEvent) -> rusqlite::Result<()> {
    let NewEvent { id, at, kind, carrier, attempt, detail } = event;
    let sql = "INSERT INTO events (message_id, seq, at, kind, carrier, attempt, detail) \
               VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM events WHERE message_id = ?1), ?2, ?3, ?4, ?5, ?6)";
    connection.prepare_cached(sql)?.execute(params![
        id.to_bytes(),
        at.as_millis(),
        kind.as_str(),
        carrier.as_ref().map(CarrierName::as_str),
        attempt,
        detail
    ])?;
    Ok(())
}
