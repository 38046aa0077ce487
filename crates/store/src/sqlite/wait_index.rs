//! The index of waits for receipts: of messages that the index of lists has and that still wait.

use rusqlite::{Connection, params};

/// Notes until when a message in the index of lists waits for receipts, if it waits.
pub(super) fn file(connection: &Connection, message: [u8; 16], receipt_by: Option<i64>) -> rusqlite::Result<()> {
    let Some(receipt_by) = receipt_by else { return Ok(()) };
    let sql = "INSERT OR IGNORE INTO receipt_waits (receipt_by, message_id) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![receipt_by, message])?;
    Ok(())
}
