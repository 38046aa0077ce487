//! The lives of messages: events are noted while a transaction goes on, and written before its commit.

use std::collections::BTreeMap;

use model::{CarrierName, MessageId};
use uuid::Uuid;

use super::fault::Fault;
use super::rows;
use super::unit::Unit;
use crate::life::NewEvent;

const LAST: &str = "SELECT message_id, max(seq) FROM events WHERE message_id = ANY($1) AND message_id BETWEEN $2 AND \
    $3 \
    GROUP BY message_id";
const INSERT: &str = "INSERT INTO events (message_id, seq, at, kind, carrier, attempt, detail) \
    SELECT * FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::text[])";

/// Writes the noted events. Part of every commit, and of whatever reads events in order to change them. Whoever notes
/// an event of a message has its row locked.
pub(super) async fn write(unit: &mut Unit) -> Result<(), Fault> {
    let events = std::mem::take(&mut unit.events);
    let ids: Vec<Uuid> = events.iter().map(|event| rows::id(event.id.to_bytes())).collect();
    let (Some(low), Some(high)) = (ids.iter().min(), ids.iter().max()) else { return Ok(()) };
    let mut last: BTreeMap<MessageId, i32> = BTreeMap::new();
    for row in unit.query(LAST, &[&ids, low, high]).await? {
        last.insert(MessageId::from_bytes(rows::octets(&row, 0)?), rows::get(&row, 1)?);
    }
    let number = |event: &NewEvent| {
        let last = last.entry(event.id).or_default();
        *last += 1;
        *last
    };
    let numbers: Vec<i32> = events.iter().map(number).collect();
    let at: Vec<i64> = events.iter().map(|event| event.at.as_millis()).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    let carriers: Vec<Option<&str>> =
        events.iter().map(|event| event.carrier.as_ref().map(CarrierName::as_str)).collect();
    let attempts: Vec<Option<i64>> = events.iter().map(|event| event.attempt.map(i64::from)).collect();
    let details: Vec<_> = events.iter().map(|event| rows::kept(&event.detail)).collect();
    unit.execute(INSERT, &[&ids, &numbers, &at, &kinds, &carriers, &attempts, &details]).await?;
    Ok(())
}
