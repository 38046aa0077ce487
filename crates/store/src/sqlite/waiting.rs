//! How one message waits, and how many are held, for the operator.

use model::MessageId;
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{self, mask_from_sql};
use ledger::contract::dispatch::Waiting;
use ledger::contract::nodes::Epoch;

const WAITING: &str = "SELECT due_at, lease, in_flight, carrier FROM delivery WHERE message_id = ?1 AND status = \
    'queued'";

/// The index has the id of every message of a carrier, in the order of accounts.
const AHEAD: &str = "SELECT count(*) FROM (SELECT message_id FROM delivery INDEXED BY delivery_due \
    WHERE status = 'queued' AND carrier = ?1 LIMIT ?3) WHERE message_id < ?2";

/// How a message waits.
pub(super) fn waiting(connection: &Connection, id: MessageId) -> rusqlite::Result<Option<Waiting>> {
    let read = |row: &rusqlite::Row<'_>| {
        let owner = Epoch::of_token(mask_from_sql(row.get(1)?));
        let carrier: String = row.get(3)?;
        Ok((Waiting { due_at: rows::time(row, 0)?, owner, in_flight: row.get(2)?, ahead: 0 }, carrier))
    };
    let found = connection.prepare_cached(WAITING)?.query_row([id.to_bytes()], read).optional()?;
    let Some((waiting, carrier)) = found else { return Ok(None) };
    let values = params![carrier, id.to_bytes(), Waiting::LOOKED_AT_MAX];
    let ahead = connection.prepare_cached(AHEAD)?.query_row(values, |row| row.get(0))?;
    Ok(Some(Waiting { ahead, ..waiting }))
}

const HELD: &str = "SELECT count(*) FROM (SELECT 1 FROM delivery INDEXED BY delivery_held WHERE held = 1 AND status = \
    'queued' LIMIT ?1)";

/// How many messages are held.
pub(super) fn held(connection: &Connection, limit: usize) -> rusqlite::Result<u64> {
    connection.prepare_cached(HELD)?.query_row([limit], |row| row.get(0))
}
