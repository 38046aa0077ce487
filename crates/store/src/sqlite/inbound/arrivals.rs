//! What came from carriers whose answers are not known to have reached them: it may come again.

use std::time::Duration;

use model::Timestamp;
use model::media::Digest;
use rusqlite::{Connection, OptionalExtension, params};

use crate::contract::inbound::{Arrival, ArrivalId, PartName, REDELIVERED_WITHIN, ReferenceForm};

/// How many octets of a digest are kept. Nobody can choose a text with the same ones as another, and by chance no two
/// of ten minutes have them.
const DIGEST_OCTETS: usize = 16;

/// Notes an arrival as one that is not answered. Says whether it is on record already.
pub(super) fn note(connection: &Connection, arrival: &Arrival) -> rusqlite::Result<(ArrivalId, bool)> {
    let digest = Digest::of(&octets(arrival)).0;
    let digest = &digest[..DIGEST_OCTETS];
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let known = connection.prepare_cached(FIND)?.query_row([digest], read).optional()?;
    let Some((id, at)) = known else {
        connection.prepare_cached(INSERT)?.execute(params![digest, arrival.at.as_millis()])?;
        return Ok((ArrivalId(connection.last_insert_rowid()), false));
    };
    // From this answer on, the carrier may be late again.
    connection.prepare_cached(UPDATE)?.execute(params![id, arrival.at.as_millis()])?;
    Ok((ArrivalId(id), is_within(Timestamp::from_millis(at), arrival.at, REDELIVERED_WITHIN)))
}

/// Whether two moments are no further apart, whichever is the earlier one: clocks are set back.
pub(super) fn is_within(one: Timestamp, other: Timestamp, apart: Duration) -> bool {
    one.as_millis().abs_diff(other.as_millis()) <= u64::try_from(apart.as_millis()).unwrap_or(u64::MAX)
}

/// Forgets arrivals of which the carrier has the answer.
pub(super) fn answered(connection: &Connection, arrivals: &[ArrivalId]) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached(DELETE)?;
    arrivals.iter().try_for_each(|arrival| delete.execute([arrival.0]).map(drop))
}

/// All that tells an arrival from others.
fn octets(arrival: &Arrival) -> Vec<u8> {
    let (from, to) = (arrival.from.to_string(), arrival.to.to_string());
    let mut octets = Vec::with_capacity(arrival.content.len() + 128);
    let mut add = |field: &[u8]| {
        octets.extend((field.len() as u64).to_be_bytes());
        octets.extend(field);
    };
    add(&[u8::from(arrival.part.is_some())]);
    add(arrival.carrier.as_bytes());
    add(from.as_bytes());
    add(to.as_bytes());
    if let Some(PartName { form, reference, total, number, other_elements }) = &arrival.part {
        let [high, low] = reference.to_be_bytes();
        add(&[form_number(*form), high, low, *total, *number]);
        add(other_elements);
    }
    add(&arrival.content);
    arrival.media.iter().for_each(|media| add(&media.sha256));
    octets
}

/// How a form is written. A number is never given another meaning.
pub(super) const fn form_number(form: ReferenceForm) -> u8 {
    match form {
        ReferenceForm::Header8 => 1,
        ReferenceForm::Header16 => 2,
        ReferenceForm::Parameters => 3,
    }
}

const FIND: &str = "SELECT id, at FROM inbound_arrivals WHERE digest = ?1";
const INSERT: &str = "INSERT INTO inbound_arrivals (digest, at) VALUES (?1, ?2)";
const UPDATE: &str = "UPDATE inbound_arrivals SET at = ?2 WHERE id = ?1";
const DELETE: &str = "DELETE FROM inbound_arrivals WHERE id = ?1";

/// Every statement of this file.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] = &[FIND, INSERT, UPDATE, DELETE];
