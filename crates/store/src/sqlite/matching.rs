//! Which segment a receipt means, by the rows.

use model::{AddressText, MessageId, Originator, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::rows;
use ledger::contract::receipts::Receipt;
use ledger::receipts::matching::{SEGMENTS_MAX, Segments};
use ledger::receipts::{Filed, matching, words};

/// The segment that a receipt means, and the place of the key that it was found by ([`matching::find`]).
pub(super) fn find(
    connection: &Connection,
    receipt: &Receipt,
    was_parked: bool,
) -> rusqlite::Result<Option<(usize, Filed)>> {
    matching::find(&mut Rows(connection), receipt, was_parked)
}

struct Rows<'c>(&'c Connection);

impl Segments for Rows<'_> {
    type Fault = rusqlite::Error;

    fn filed_under(&mut self, carrier: &str, key: &str) -> rusqlite::Result<Vec<Filed>> {
        let sql = "SELECT key, message_id, number, total, recipient, fate FROM segments WHERE carrier = ?1 AND key = \
            ?2 \
            ORDER BY message_id DESC LIMIT ?3";
        self.0.prepare_cached(sql)?.query_map(params![carrier, key, SEGMENTS_MAX], filed)?.collect()
    }

    fn accepted_at(&mut self, id: MessageId) -> rusqlite::Result<Timestamp> {
        accepted_at(self.0, id)
    }

    fn originator_of(&mut self, id: MessageId) -> rusqlite::Result<Option<AddressText>> {
        let sql = "SELECT m.originator FROM delivery d JOIN messages m ON m.account_id = d.account_id AND m.id = \
            d.message_id WHERE d.message_id = ?1";
        let read = |row: &rusqlite::Row<'_>| rows::originator(row, 0);
        let originator = self.0.prepare_cached(sql)?.query_row([id.to_bytes()], read).optional()?;
        Ok(originator.and_then(Originator::digits))
    }
}

/// Reads the columns `key`, `message_id`, `number`, `total`, `recipient` and `fate`.
pub(super) fn filed(row: &rusqlite::Row<'_>) -> rusqlite::Result<Filed> {
    Ok(Filed {
        key: row.get(0)?,
        id: MessageId::from_bytes(row.get(1)?),
        number: row.get(2)?,
        total: row.get(3)?,
        recipient: row.get(4)?,
        fate: rows::word(row, 5, words::fate)?,
    })
}

/// When a message was accepted ([`Segments::accepted_at`]).
pub(super) fn accepted_at(connection: &Connection, id: MessageId) -> rusqlite::Result<Timestamp> {
    let found =
        connection.prepare_cached(ACCEPTED_AT)?.query_row([id.to_bytes()], |row| rows::time(row, 0)).optional()?;
    Ok(found.unwrap_or_else(|| id.made_at()))
}

pub(super) const ACCEPTED_AT: &str = "SELECT m.created_at FROM delivery d \
    CROSS JOIN messages m ON m.account_id = d.account_id AND m.id = d.message_id WHERE d.message_id = ?1";
