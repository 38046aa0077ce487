//! Messages by names that others have for them: the ids of carriers, and idempotency keys.

use std::collections::BTreeSet;

use model::MessageRecord;
use model::idempotency::Endpoint;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::{self, DELIVERY, MESSAGE};
use ledger::contract::messages::Reference;

const OF_CARRIER: &str = "SELECT DISTINCT message_id FROM segments WHERE carrier = ?1 AND key = ?2 \
    ORDER BY message_id DESC LIMIT ?3";
const OF_REQUEST: &str = "SELECT message_id FROM idempotency WHERE account_id = ?1 AND mode IN ('live', 'test') \
    AND endpoint = ?2 AND key = ?3";

/// Messages that are named so, newest first.
pub(super) fn named(
    connection: &Connection,
    reference: &Reference,
    limit: usize,
) -> rusqlite::Result<Vec<MessageRecord>> {
    let mut ids: BTreeSet<[u8; 16]> = BTreeSet::new();
    let id = |row: &Row<'_>| row.get(0);
    for carrier in &reference.carriers {
        for key in &reference.keys {
            let mut select = connection.prepare_cached(OF_CARRIER)?;
            for found in select.query_map(params![carrier.as_str(), key, limit], id)? {
                ids.insert(found?);
            }
        }
    }
    if let Some((account, key)) = &reference.idempotency {
        let values = params![account.to_bytes(), Endpoint::Message.as_str(), key.as_str()];
        for found in connection.prepare_cached(OF_REQUEST)?.query_map(values, id)? {
            ids.insert(found?);
        }
    }
    let sql = format!(
        "SELECT {MESSAGE}, {DELIVERY} FROM delivery d JOIN messages m ON m.account_id = d.account_id AND m.id = \
         d.message_id WHERE d.message_id = ?1"
    );
    let mut select = connection.prepare_cached(&sql)?;
    // What is gone leaves its keys behind for a while.
    let records = ids.iter().rev().map(|id| select.query_row([id], rows::record).optional());
    records.filter_map(Result::transpose).take(limit).collect()
}
