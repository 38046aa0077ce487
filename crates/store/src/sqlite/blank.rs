//! What is left of a person who was erased, and who is being erased: for those who record something of a message later.

use std::borrow::Cow;

use model::Msisdn;
use rusqlite::Connection;

use crate::life::Life;
use crate::contract::dispatch::Outcome;

/// Why the messages end that were queued when their person was erased.
pub(super) const ERASED: &str = "The recipient's data were erased before the message left";

/// Whether a number is being erased. The index has the erasures that are under way, which are few.
pub(super) const BEING_ERASED: &str = "SELECT 1 FROM erasures INDEXED BY erasures_number WHERE number = ?1 \
    AND ended_at IS NULL";

/// Whether a number is being erased.
pub(super) fn is_being_erased(connection: &Connection, number: Msisdn) -> rusqlite::Result<bool> {
    connection.prepare_cached(BEING_ERASED)?.exists([number.to_string()])
}

/// An outcome as it may be recorded: of a message that was erased, without the recipient and the carrier's words.
pub(super) fn unless_erased<'o>(outcome: &'o Outcome, life: &Life) -> Cow<'o, Outcome> {
    if life.delivery.erased_at.is_none() {
        return Cow::Borrowed(outcome);
    }
    Cow::Owned(Outcome { recipient: Msisdn::nobody(), detail: String::new(), ..outcome.clone() })
}
