//! What is known of a person beside messages: recipients of broadcasts that have not had their turn, and what matched
//! nothing.

use model::{BroadcastId, ErasureCounts, Msisdn, Timestamp};
use uuid::Uuid;

use super::message::erase_broadcasts;
use crate::fault::Fault;
use crate::receipts::parked;
use crate::rows;
use crate::unit::Unit;
use ledger::contract::erase::{Chunk, Packed, ReceiptsOf};
use ledger::erasing::{CHUNKS, ENTRIES, mentions, places, put_nobody, take_values};

const CHUNKS_AFTER: &str = "SELECT c.broadcast_id, c.first, c.recipients, p.next_index FROM broadcast_chunks c \
    JOIN broadcast_progress p ON p.broadcast_id = c.broadcast_id AND p.status IN ('queued', 'sending') \
    WHERE (c.broadcast_id, c.first) > ($1, $2) ORDER BY c.broadcast_id, c.first LIMIT $3";

/// Which rows of packed recipients of open broadcasts hold the number, a few rows at a time.
pub(super) async fn packed_with(unit: &Unit, number: Msisdn, after: Option<Chunk>) -> Result<Packed, Fault> {
    let (broadcast, first) = after.map_or(([0; 16], -1), |(id, first)| (id.to_bytes(), i64::from(first)));
    let rows = unit.query(CHUNKS_AFTER, &[&rows::id(broadcast), &first, &(CHUNKS as i64)]).await?;
    let mut found = Packed::default();
    for row in &rows {
        let (id, first) = (BroadcastId::from_bytes(rows::octets(row, 0)?), rows::count(row, 1)?);
        let places = places(rows::get(row, 2)?, number);
        if !places.is_empty() {
            found.chunks.push((id, first));
            found.recipients += waiting(&places, first, rows::count(row, 3)?);
        }
        found.next = (rows.len() == CHUNKS).then_some((id, first));
    }
    Ok(found)
}

/// How many of these places in a row have not had their turn.
fn waiting(places: &[u32], first: u32, next_index: u32) -> u64 {
    places.iter().filter(|place| first + **place >= next_index).count() as u64
}

/// Whoever gives turns has the row locked as well.
const LOCK_CHUNKS: &str = "SELECT c.broadcast_id, c.first, c.recipients, c.variables FROM broadcast_chunks c \
    JOIN unnest($1::uuid[], $2::bigint[]) AS n(id, first) ON c.broadcast_id = n.id AND c.first = n.first \
    ORDER BY c.broadcast_id, c.first FOR UPDATE OF c";
const LOCK_COUNTS: &str = "SELECT broadcast_id, next_index FROM broadcast_progress WHERE broadcast_id = ANY($1) \
    ORDER BY broadcast_id FOR UPDATE";
const REPACK: &str = "UPDATE broadcast_chunks c SET recipients = n.recipients, variables = n.variables \
    FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::text[]) AS n(id, first, recipients, variables) \
    WHERE c.broadcast_id = n.id AND c.first = n.first";
const DISOWN: &str = "UPDATE broadcast_progress SET owner = 0 WHERE broadcast_id = ANY($1)";

/// Puts nobody in the place of the number, and takes the broadcasts from their nodes: a turn that was prepared is
/// refused, and the broadcasts are found again as ones without an owner.
pub(super) async fn erase_packed(unit: &Unit, number: Msisdn, chunks: &[Chunk]) -> Result<(ErasureCounts, ()), Fault> {
    let (asked, firsts): (Vec<Uuid>, Vec<i64>) =
        chunks.iter().map(|(id, first)| (rows::id(id.to_bytes()), i64::from(*first))).unzip();
    let mut repacked: Vec<(Uuid, u32, Vec<u8>, Vec<u32>)> = Vec::new();
    let mut values: Vec<Option<String>> = Vec::new();
    for row in unit.query(LOCK_CHUNKS, &[&asked, &firsts]).await? {
        let mut recipients: Vec<u8> = rows::get(&row, 2)?;
        let places = places(&recipients, number);
        if !places.is_empty() {
            put_nobody(&mut recipients, &places);
            values.push(take_values(rows::get(&row, 3)?, &places));
            repacked.push((rows::get(&row, 0)?, rows::count(&row, 1)?, recipients, places));
        }
    }
    if repacked.is_empty() {
        return Ok(((ErasureCounts::default()), ()));
    }
    let ids: Vec<Uuid> = repacked.iter().map(|(id, ..)| *id).collect();
    let firsts: Vec<i64> = repacked.iter().map(|(_, first, ..)| i64::from(*first)).collect();
    let recipients: Vec<&[u8]> = repacked.iter().map(|(_, _, recipients, _)| &recipients[..]).collect();
    unit.execute(REPACK, &[&ids, &firsts, &recipients, &values]).await?;
    let mut counts = ErasureCounts::default();
    for row in unit.query(LOCK_COUNTS, &[&ids]).await? {
        let (id, next_index): (Uuid, u32) = (rows::get(&row, 0)?, rows::count(&row, 1)?);
        let of_it = repacked.iter().filter(|(of, ..)| *of == id);
        counts.recipients += of_it.map(|(_, first, _, places)| waiting(places, *first, next_index)).sum::<u64>();
    }
    unit.execute(DISOWN, &[&ids]).await?;
    // The sweep takes the media, once the broadcasts are over.
    let (more, _) = erase_broadcasts(unit, &ids).await?;
    Ok((counts.and(more), ()))
}

const UNMATCHED: &str = "SELECT id, addresses, detail, raw FROM unmatched WHERE id > $1 ORDER BY id LIMIT $2";

/// Which entries of what matched nothing mention the number, in their addresses or as they came.
pub(super) async fn receipts_of(unit: &Unit, number: Msisdn, after: Option<i64>) -> Result<ReceiptsOf, Fault> {
    let rows = unit.query(UNMATCHED, &[&after.unwrap_or(i64::MIN), &(ENTRIES as i64)]).await?;
    let mut found = ReceiptsOf::default();
    for row in &rows {
        let place = rows::get(row, 0)?;
        if mentions(number, &rows::text(row, 1)?, [&rows::text(row, 2)?, &rows::text(row, 3)?]) {
            found.places.push(place);
        }
        found.next = (rows.len() == ENTRIES).then_some(place);
    }
    Ok(found)
}

/// Removes entries of what matched nothing.
pub(super) async fn erase_receipts(
    unit: &mut Unit,
    places: &[i64],
    now: Timestamp,
) -> Result<(ErasureCounts, ()), Fault> {
    let there = "SELECT id FROM unmatched WHERE id = ANY($1) ORDER BY id FOR UPDATE";
    let receipts = unit.query(there, &[&places]).await?.len() as u64;
    // Among those that were dropped, old ones make room for them, and they may be the oldest.
    parked::drop_if_waiting(unit, places, now).await?;
    unit.execute("DELETE FROM unmatched WHERE id = ANY($1)", &[&places]).await?;
    Ok((ErasureCounts { receipts, ..ErasureCounts::default() }, ()))
}
