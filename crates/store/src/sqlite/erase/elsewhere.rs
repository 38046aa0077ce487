//! What is known of a person beside messages: recipients of broadcasts that have not had their turn, and what matched
//! nothing.

use model::{AccountId, BroadcastId, ErasureCounts, Msisdn, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::message::erase_broadcast;
use crate::sqlite::parked;
use crate::sqlite::writer::Group;
use ledger::contract::erase::{Chunk, ErasedMessages, Packed, ReceiptsOf};
use ledger::erasing::{CHUNKS, ENTRIES, mentions, places, put_nobody, take_values};

/// Which rows of packed recipients of open broadcasts hold the number, a few rows at a time.
pub(super) fn packed_with(connection: &Connection, number: Msisdn, after: Option<Chunk>) -> rusqlite::Result<Packed> {
    let (mut found, mut left) = (Packed::default(), CHUNKS);
    let (mut broadcast, mut first) =
        after.map_or(([0; 16], None), |(broadcast, first)| (broadcast.to_bytes(), Some(first)));
    loop {
        let mut select = connection.prepare_cached(CHUNKS_OF)?;
        let read = |row: &Row<'_>| Ok((row.get::<_, u32>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, u32>(2)?));
        let mut rows = select.query_map(params![broadcast, first, left], read)?;
        while let Some((at, octets, next_index)) = rows.next().transpose()? {
            let id = BroadcastId::from_bytes(broadcast);
            let places: Vec<u32> = places(&octets, number).into_iter().map(|place| at + place).collect();
            if !places.is_empty() {
                found.chunks.push((id, at));
                found.recipients += places.into_iter().filter(|place| *place >= next_index).count() as u64;
            }
            left -= 1;
            if left == 0 {
                found.next = Some((id, at));
                return Ok(found);
            }
        }
        let next = connection.prepare_cached(NEXT_OPEN)?.query_row([broadcast], |row| row.get(0)).optional()?;
        let Some(next) = next else { return Ok(found) };
        (broadcast, first) = (next, None);
    }
}

/// Puts nobody in the place of the number, and takes the broadcasts from their nodes: a turn that was prepared is
/// refused, and the broadcasts are found again as ones without an owner.
pub(super) fn erase_packed(group: &mut Group, number: Msisdn, chunks: &[Chunk]) -> rusqlite::Result<ErasureCounts> {
    let mut counts = ErasureCounts::default();
    for (broadcast, first) in chunks {
        let id = broadcast.to_bytes();
        let read = |row: &Row<'_>| {
            let packed: (Vec<u8>, Option<String>) = (row.get(0)?, row.get(4)?);
            Ok((packed, row.get::<_, u32>(1)?, row.get(2)?, row.get(3)?))
        };
        let found = group.connection.prepare_cached(CHUNK)?.query_row(params![id, first], read).optional()?;
        let Some(((mut octets, values), next_index, account, is_lonely)) = found else { continue };
        let places = places(&octets, number);
        if places.is_empty() {
            continue;
        }
        put_nobody(&mut octets, &places);
        let values = take_values(values.as_deref(), &places);
        counts.recipients += places.iter().filter(|place| first + **place >= next_index).count() as u64;
        group.connection.prepare_cached(REPACK)?.execute(params![id, first, octets, values])?;
        group.connection.prepare_cached(DISOWN)?.execute([id])?;
        if is_lonely {
            let account = AccountId::from_bytes(account);
            // The sweep takes the media, once the broadcast is over.
            counts = counts.and(erase_broadcast(group, account, *broadcast, &mut ErasedMessages::default())?);
        }
    }
    Ok(counts)
}

/// Which entries of what matched nothing mention the number, in their addresses or as they came.
pub(super) fn receipts_of(connection: &Connection, number: Msisdn, after: Option<i64>) -> rusqlite::Result<ReceiptsOf> {
    let mut found = ReceiptsOf::default();
    let read = |row: &Row<'_>| {
        let texts: (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
        Ok((row.get::<_, i64>(0)?, texts))
    };
    let mut select = connection.prepare_cached(UNMATCHED)?;
    let rows = select.query_map(params![after.unwrap_or(i64::MIN), ENTRIES], read)?;
    let mut looked = 0;
    for row in rows {
        let (place, (addresses, detail, raw)) = row?;
        looked += 1;
        if mentions(number, &addresses, [&detail, &raw]) {
            found.places.push(place);
        }
        found.next = (looked == ENTRIES).then_some(place);
    }
    Ok(found)
}

/// Removes entries of what matched nothing.
pub(super) fn erase_receipts(group: &mut Group, places: &[i64], now: Timestamp) -> rusqlite::Result<ErasureCounts> {
    let mut receipts = 0;
    for place in places {
        receipts += u64::from(group.connection.prepare_cached(IS_THERE)?.exists([place])?);
        // Among those that were dropped, old ones make room for it, and it may be the oldest.
        parked::drop_if_waiting(group, *place, now)?;
        group.connection.prepare_cached(REMOVE)?.execute([place])?;
    }
    Ok(ErasureCounts { receipts, ..ErasureCounts::default() })
}

const NEXT_OPEN: &str = "SELECT broadcast_id FROM broadcast_progress INDEXED BY broadcast_progress_open \
    WHERE status IN ('queued', 'sending') AND broadcast_id > ?1 ORDER BY broadcast_id LIMIT 1";
const CHUNKS_OF: &str = "SELECT c.first, c.recipients, p.next_index FROM broadcast_progress p \
    CROSS JOIN broadcast_chunks c ON c.broadcast_id = p.broadcast_id AND c.first > coalesce(?2, -1) \
    WHERE p.broadcast_id = ?1 ORDER BY c.first LIMIT ?3";
const CHUNK: &str = "SELECT c.recipients, p.next_index, p.account_id, b.total = 1, c.variables \
    FROM broadcast_progress p CROSS JOIN broadcast_chunks c ON c.broadcast_id = p.broadcast_id AND c.first = ?2 \
    CROSS JOIN broadcasts b ON b.account_id = p.account_id AND b.id = p.broadcast_id WHERE p.broadcast_id = ?1";
const REPACK: &str = "UPDATE broadcast_chunks SET recipients = ?3, variables = ?4 WHERE broadcast_id = ?1 \
    AND first = ?2";
const DISOWN: &str = "UPDATE broadcast_progress SET owner = 0 WHERE broadcast_id = ?1";
const UNMATCHED: &str = "SELECT id, addresses, detail, raw FROM unmatched WHERE id > ?1 ORDER BY id LIMIT ?2";
const IS_THERE: &str = "SELECT 1 FROM unmatched WHERE id = ?1";
const REMOVE: &str = "DELETE FROM unmatched WHERE id = ?1";

/// Every statement of this file.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[NEXT_OPEN, CHUNKS_OF, CHUNK, REPACK, DISOWN, UNMATCHED, IS_THERE, REMOVE];
