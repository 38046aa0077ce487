//! What is left of a person who was erased, and who is being erased: for those who record something of a message later.

use model::Msisdn;
use rusqlite::Connection;

/// Whether a number is being erased. The index has the erasures that are under way, which are few.
pub(super) const BEING_ERASED: &str = "SELECT 1 FROM erasures INDEXED BY erasures_number WHERE number = ?1 \
    AND ended_at IS NULL";

/// Whether a number is being erased.
pub(super) fn is_being_erased(connection: &Connection, number: Msisdn) -> rusqlite::Result<bool> {
    connection.prepare_cached(BEING_ERASED)?.exists([number.to_string()])
}
