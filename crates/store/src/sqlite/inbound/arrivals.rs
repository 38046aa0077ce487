//! What came from carriers whose answers are not known to have reached them: it may come again.

use model::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use ledger::contract::inbound::{Arrival, ArrivalId};
use ledger::handsets::arrivals::{comes_again, digest};

/// Notes an arrival as one that is not answered. Says whether it is on record already.
pub(super) fn note(connection: &Connection, arrival: &Arrival) -> rusqlite::Result<(ArrivalId, bool)> {
    let digest = digest(arrival);
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let known = connection.prepare_cached(FIND)?.query_row([digest], read).optional()?;
    let Some((id, at)) = known else {
        connection.prepare_cached(INSERT)?.execute(params![digest, arrival.at.as_millis()])?;
        return Ok((ArrivalId(connection.last_insert_rowid()), false));
    };
    // From this answer on, the carrier may be late again.
    connection.prepare_cached(UPDATE)?.execute(params![id, arrival.at.as_millis()])?;
    Ok((ArrivalId(id), comes_again(Timestamp::from_millis(at), arrival.at)))
}

/// Forgets arrivals of which the carrier has the answer.
pub(super) fn answered(connection: &Connection, arrivals: &[ArrivalId]) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached(DELETE)?;
    arrivals.iter().try_for_each(|arrival| delete.execute([arrival.0]).map(drop))
}

const FIND: &str = "SELECT id, at FROM inbound_arrivals WHERE digest = ?1";
const INSERT: &str = "INSERT INTO inbound_arrivals (digest, at) VALUES (?1, ?2)";
const UPDATE: &str = "UPDATE inbound_arrivals SET at = ?2 WHERE id = ?1";
const DELETE: &str = "DELETE FROM inbound_arrivals WHERE id = ?1";

/// Every statement of this file.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] = &[FIND, INSERT, UPDATE, DELETE];
