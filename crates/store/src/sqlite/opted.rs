//! Whether the recipient of a message has opted out, for those who record something of the message later.

use model::{AccountId, MessageId, Msisdn};
use rusqlite::{Connection, params};

/// Why messages end whose recipient has opted out.
pub(super) const OPTED_OUT: &str = "The recipient has opted out";

/// The confirmation of a STOP and the answer to a HELP go out all the same. The confirmation of a START does not: the
/// handset has opted out since.
const STOPS: &str = "SELECT 1 FROM messages m CROSS JOIN opt_outs o INDEXED BY opt_outs_name ON o.number = ?3 \
    AND o.account_id = m.account_id AND o.mode = m.mode AND o.sender IN ('', m.originator) \
    WHERE m.account_id = ?1 AND m.id = ?2 AND (m.automatic IS NULL OR m.automatic = 'start')";

/// Whether an opt-out stops a message to this recipient.
pub(super) fn stops(
    connection: &Connection,
    account: AccountId,
    message: MessageId,
    recipient: Msisdn,
) -> rusqlite::Result<bool> {
    let values = params![account.to_bytes(), message.to_bytes(), recipient.to_u64().cast_signed()];
    connection.prepare_cached(STOPS)?.exists(values)
}

/// Every statement of this file.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] = &[STOPS];
