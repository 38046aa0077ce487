//! The lives of messages: events are noted while a transaction goes on, and written before its commit.

use std::collections::BTreeMap;

use model::{CarrierName, MessageId};
use uuid::Uuid;

use super::fault::Fault;
use super::rows;
use super::unit::Unit;
use ledger::life::NewEvent;

/// An event follows those that its message has. $8 and $9 are the first and the last message, so that only the
/// partitions between them are looked into.
const INSERT: &str = "INSERT INTO events (message_id, seq, at, kind, carrier, attempt, detail) \
    SELECT n.id, n.place + coalesce((SELECT max(e.seq) FROM events e WHERE e.message_id = n.id \
    AND e.message_id BETWEEN $8 AND $9), 0), n.at, n.kind, n.carrier, n.attempt, n.detail \
    FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::text[]) \
    AS n(id, place, at, kind, carrier, attempt, detail)";

/// Writes the noted events. Part of every commit, and of whatever reads events in order to change them. Whoever notes
/// an event of a message has its row locked.
pub(super) async fn write(unit: &mut Unit) -> Result<(), Fault> {
    let events = std::mem::take(&mut unit.events);
    let ids: Vec<Uuid> = events.iter().map(|event| rows::id(event.id.to_bytes())).collect();
    let (Some(low), Some(high)) = (ids.iter().min(), ids.iter().max()) else { return Ok(()) };
    let mut places: BTreeMap<MessageId, i32> = BTreeMap::new();
    let place = |event: &NewEvent| {
        let place = places.entry(event.id).or_default();
        *place += 1;
        *place
    };
    let places: Vec<i32> = events.iter().map(place).collect();
    let at: Vec<i64> = events.iter().map(|event| event.at.as_millis()).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    let carriers: Vec<Option<&str>> =
        events.iter().map(|event| event.carrier.as_ref().map(CarrierName::as_str)).collect();
    let attempts: Vec<Option<i64>> = events.iter().map(|event| event.attempt.map(i64::from)).collect();
    let details: Vec<_> = events.iter().map(|event| rows::kept(&event.detail)).collect();
    unit.execute(INSERT, &[&ids, &places, &at, &kinds, &carriers, &attempts, &details, low, high]).await?;
    Ok(())
}
