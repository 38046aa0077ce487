//! Whether the recipient of a message has opted out, for those who begin an attempt of it or record something of it
//! later.

use model::{MessageId, Msisdn};
use rusqlite::{Connection, params};

/// Begins with the opt-outs of the number: most numbers have none, and then one look into the index is all.
///
/// The confirmation of a STOP and the answer to a HELP go out all the same. The confirmation of a START does not: the
/// handset has opted out since.
const STOPS: &str = "SELECT 1 FROM opt_outs o INDEXED BY opt_outs_name CROSS JOIN messages m \
    ON m.account_id = o.account_id AND m.id = ?1 AND m.mode = o.mode AND o.sender IN ('', m.originator) \
    AND (m.automatic IS NULL OR m.automatic = 'start') WHERE o.number = ?2";

/// Whether an opt-out stops a message to this recipient.
pub(super) fn stops(connection: &Connection, message: MessageId, recipient: Msisdn) -> rusqlite::Result<bool> {
    connection.prepare_cached(STOPS)?.exists(params![message.to_bytes(), recipient.to_u64().cast_signed()])
}

/// Every statement of this file.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] = &[STOPS];
