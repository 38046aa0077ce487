//! Receipts that match nothing: parked until their acknowledgement comes, within bounds, and kept for the operator when
//! they end.

use std::time::Duration;

use model::unmatched::{Fate, Raw, Reason};
use model::{CarrierName, MessageId, Timestamp, Unmatched};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::matching::{accepted_at, filed, find};
use super::receipts::{HELD_UNDER_KEY, settle};
use super::writer::Group;
use super::{flights, rows};
use ledger::contract::receipts::{HeldStep, Receipt, Refused, UNMATCHED_KEPT};
use ledger::receipts::held::is_meant;
use ledger::receipts::numbers::key_of_recipient;
use ledger::receipts::parking::{Entry, SAME_KEY_MAX, kept_of, make_room, seen_under};
use ledger::receipts::{Filed, words};

/// What became of a receipt that was to be parked.
pub(super) struct Parking {
    /// How many were dropped for want of room, itself included.
    pub(super) dropped: u64,
    /// Its place among those parked.
    pub(super) parked: Option<i64>,
}

/// Parks a receipt.
pub(super) fn park(group: &mut Group, receipt: &Receipt) -> rusqlite::Result<Parking> {
    let entry = Entry::of(receipt);
    let carrier = entry.carrier.as_str();
    let has_room = |group: &Group| group.parked.has_room(carrier, entry.bytes, group.bounds);
    let dropped = make_room(group, has_room, |group| drop_oldest(group, carrier, receipt.at))?;
    let fits = has_room(group) && entry.can_match;
    let fate = if fits { Fate::Waiting } else { Fate::Dropped };
    let sql = "INSERT INTO unmatched (carrier, addresses, says, at, detail, fate, reason, ended_at, bytes, keys, \
               scope, raw) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'unknown_id', ?7, ?8, ?9, ?10, ?11)";
    let values = params![
        carrier,
        entry.addresses,
        entry.says,
        entry.at.as_millis(),
        entry.detail,
        fate.as_str(),
        (!fits).then_some(entry.at.as_millis()),
        entry.bytes,
        entry.listed,
        entry.scope,
        entry.raw
    ];
    group.connection.prepare_cached(sql)?.execute(values)?;
    if !fits {
        trim(&group.connection, carrier, fate)?;
        return Ok(Parking { dropped: dropped + 1, parked: None });
    }
    let parked = group.connection.last_insert_rowid();
    for key in &entry.keys {
        let mut insert = group
            .connection
            .prepare_cached("INSERT OR IGNORE INTO parked_keys (carrier, key, parked_id) VALUES (?1, ?2, ?3)")?;
        insert.execute(params![carrier, key, parked])?;
    }
    group.parked.change(carrier, |load| load.add(entry.bytes));
    Ok(Parking { dropped, parked: Some(parked) })
}

fn drop_oldest(group: &mut Group, carrier: &str, at: Timestamp) -> rusqlite::Result<bool> {
    let mut select = group.connection.prepare_cached(OLDEST)?;
    let oldest: Option<i64> = select.query_map([carrier], |row| row.get(0))?.next().transpose()?;
    drop(select);
    let Some(oldest) = oldest else { return Ok(false) };
    end(group, oldest, carrier, Fate::Dropped, at)?;
    Ok(true)
}

/// Ends the wait of a parked receipt that has found its message.
pub(super) fn end_matched(group: &mut Group, parked: i64, carrier: &str, at: Timestamp) -> rusqlite::Result<()> {
    end(group, parked, carrier, Fate::Matched, at)
}

/// Ends the wait of a receipt, if it is parked.
pub(super) fn drop_if_waiting(group: &mut Group, parked: i64, at: Timestamp) -> rusqlite::Result<()> {
    match parked_receipt(&group.connection, parked)? {
        Some(receipt) => end(group, parked, &receipt.carrier, Fate::Dropped, at),
        None => Ok(()),
    }
}

/// Ends the wait of a parked receipt.
fn end(group: &mut Group, parked: i64, carrier: &str, fate: Fate, at: Timestamp) -> rusqlite::Result<()> {
    let connection = &group.connection;
    connection.prepare_cached(FORGET_KEYS)?.execute([parked])?;
    let bytes: u64 =
        connection.prepare_cached(END)?.query_row(params![parked, fate.as_str(), at.as_millis()], |row| row.get(0))?;
    trim(connection, carrier, fate)?;
    group.flights.forget(parked);
    group.parked.change(carrier, |load| load.take(bytes));
    Ok(())
}

/// Keeps the last hundred entries of a carrier and fate.
fn trim(connection: &Connection, carrier: &str, fate: Fate) -> rusqlite::Result<()> {
    connection.prepare_cached(TRIM)?.execute(params![carrier, fate.as_str(), UNMATCHED_KEPT])?;
    Ok(())
}

/// Keeps what was refused as it came.
pub(super) fn keep_refused(connection: &Connection, refused: &[Refused]) -> rusqlite::Result<()> {
    let sql = "INSERT INTO unmatched (carrier, addresses, says, at, detail, fate, reason, ended_at, bytes, raw) \
        VALUES (?1, '', '', ?2, ?3, ?4, ?5, ?2, 0, ?6)";
    for one in refused {
        let (detail, raw) = kept_of(one);
        let values =
            params![one.carrier.as_str(), one.at.as_millis(), detail, Fate::Refused.as_str(), one.reason.as_str(), raw];
        connection.prepare_cached(sql)?.execute(values)?;
        trim(connection, &one.carrier, Fate::Refused)?;
    }
    Ok(())
}

/// Drops receipts that have been parked for longer than `kept` at `now`, `limit` at most. The carrier of each.
pub(super) fn forget(
    group: &mut Group,
    now: Timestamp,
    kept: Duration,
    limit: usize,
) -> rusqlite::Result<Vec<CarrierName>> {
    if group.parked.is_empty() {
        return Ok(Vec::new());
    }
    let old: Vec<(i64, CarrierName)> = {
        let mut select = group.connection.prepare_cached(OLD)?;
        select
            .query_map(params![(now - kept).as_millis(), limit], |row| Ok((row.get(0)?, rows::carrier(row, 1)?)))?
            .collect::<rusqlite::Result<_>>()?
    };
    for (parked, carrier) in &old {
        end(group, *parked, carrier, Fate::Expired, now)?;
    }
    Ok(old.into_iter().map(|(_, carrier)| carrier).collect())
}

/// Applies receipts that came before the acknowledgement that files a segment under `key`, at `at`. Of a receipt to
/// which `key` is another reading of its id, all readings are looked at, the exact ids first.
pub(super) fn apply(group: &mut Group, carrier: &str, key: &str, at: Timestamp) -> rusqlite::Result<()> {
    for (parked, receipt) in parked_under(&group.connection, carrier, key)? {
        if receipt.keys.first().is_some_and(|first| first != key) {
            flights::settle_parked(group, parked, at)?;
            continue;
        }
        // Another recipient's: it waits for its own segment.
        let Some((_, filed)) = find(&group.connection, &receipt, true)? else { continue };
        settle(group, &filed, &receipt)?;
        end(group, parked, carrier, Fate::Matched, at)?;
    }
    Ok(())
}

/// One step through the held messages.
pub(super) fn settle_held(
    group: &mut Group,
    now: Timestamp,
    unclaimed: Duration,
    after: Option<MessageId>,
    limit: usize,
) -> rusqlite::Result<HeldStep> {
    let (mut step, unclaimed_since) = (HeldStep::default(), now - unclaimed);
    if group.parked.is_empty() {
        return Ok(step);
    }
    if after.is_none() {
        flights::sweep(group, now, limit)?;
    }
    let after = after.unwrap_or(MessageId::from_bytes([0; 16]));
    let held: Vec<([u8; 16], String, String)> = {
        let mut select = group.connection.prepare_cached(HELD)?;
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        select.query_map(params![after.to_bytes(), limit], read)?.collect::<rusqlite::Result<_>>()?
    };
    step.next = held.last().filter(|_| held.len() == limit).map(|(id, _, _)| MessageId::from_bytes(*id));
    for (_, carrier, recipient) in
        held.iter().filter(|(_, carrier, _)| group.parked.has(carrier)).cloned().collect::<Vec<_>>()
    {
        let key = key_of_recipient(recipient.trim_start_matches('+'));
        let Some(mut filed) = the_only_held(&group.connection, &carrier, &key)? else { continue };
        let accepted_at = accepted_at(&group.connection, filed.id)?;
        for (parked, receipt) in parked_under(&group.connection, &carrier, &key)? {
            if is_meant(&receipt, unclaimed_since, accepted_at) {
                settle(group, &filed, &receipt)?;
                // The others change nothing once one has given the segment its fate.
                if !filed.fate.is_final() {
                    filed.fate = receipt.fate;
                }
                end(group, parked, &carrier, Fate::Matched, now)?;
            }
        }
    }
    Ok(step)
}

/// The message that is held under this key, if there is just one.
fn the_only_held(connection: &Connection, carrier: &str, key: &str) -> rusqlite::Result<Option<Filed>> {
    let mut held: Vec<Filed> = connection
        .prepare_cached(HELD_UNDER_KEY)?
        .query_map(params![carrier, key], filed)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(if held.len() == 1 { held.pop() } else { None })
}

/// The receipts that are parked under a key, the longest parked first, as what comes under it sees them.
fn parked_under(connection: &Connection, carrier: &str, key: &str) -> rusqlite::Result<Vec<(i64, Receipt)>> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, seen_under(key, read_parked(row)?)));
    connection.prepare_cached(UNDER_KEY)?.query_map(params![carrier, key, SAME_KEY_MAX], read)?.collect()
}

/// A receipt that is parked, with all its keys; `None` where it is parked no longer.
pub(super) fn parked_receipt(connection: &Connection, parked: i64) -> rusqlite::Result<Option<Receipt>> {
    connection.prepare_cached(PARKED)?.query_row([parked], read_parked).optional()
}

/// Reads the columns `id`, `addresses`, `says`, `at`, `detail`, `scope`, `keys` and `carrier`.
fn read_parked(row: &Row<'_>) -> rusqlite::Result<Receipt> {
    let (addresses, keys): (String, String) = (row.get(1)?, row.get(6)?);
    Ok(Receipt {
        carrier: rows::carrier(row, 7)?,
        keys: words::listed_keys(&keys),
        addresses: words::listed_addresses(&addresses),
        fate: rows::word(row, 2, words::fate)?,
        at: rows::time(row, 3)?,
        detail: row.get(4)?,
        scope: words::scope(row.get(5)?),
        raw: Raw::default(),
    })
}

/// The last of a carrier, newest first; those that were matched later only where there is room beside the others.
pub(super) fn unmatched(connection: &Connection, carrier: &str, limit: usize) -> rusqlite::Result<Vec<Unmatched>> {
    let mut found: Vec<(i64, Unmatched)> = Vec::new();
    for fate in Fate::ALL.iter().filter(|fate| **fate != Fate::Matched) {
        found.extend(of_fate(connection, carrier, *fate, limit)?);
    }
    found.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id));
    found.truncate(limit);
    let room = limit - found.len();
    found.extend(of_fate(connection, carrier, Fate::Matched, room)?);
    found.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id));
    Ok(found.into_iter().map(|(_, unmatched)| unmatched).collect())
}

fn of_fate(
    connection: &Connection,
    carrier: &str,
    fate: Fate,
    limit: usize,
) -> rusqlite::Result<Vec<(i64, Unmatched)>> {
    let read = |row: &Row<'_>| {
        let (keys, addresses): (String, String) = (row.get(4)?, row.get(5)?);
        let unmatched = Unmatched {
            at: rows::time(row, 1)?,
            reason: rows::word(row, 2, Reason::parse)?,
            fate,
            ended_at: rows::time_if_any(row, 3)?,
            keys: words::listed_keys(&keys),
            addresses: words::listed_addresses(&addresses),
            detail: row.get(6)?,
            raw: row.get(7)?,
        };
        Ok((row.get(0)?, unmatched))
    };
    connection.prepare_cached(LAST)?.query_map(params![carrier, fate.as_str(), limit], read)?.collect()
}

/// How many receipts of a carrier match nothing.
pub(super) fn count_unmatched(connection: &Connection, carrier: &str) -> rusqlite::Result<u64> {
    connection.prepare_cached(COUNT)?.query_row([carrier], |row| row.get(0))
}

const OLDEST: &str =
    "SELECT id FROM unmatched INDEXED BY unmatched_of WHERE carrier = ?1 AND fate = 'waiting' ORDER BY id LIMIT 1";
const OLD: &str = "SELECT id, carrier FROM unmatched INDEXED BY unmatched_age WHERE fate = 'waiting' AND at < ?1 \
    ORDER BY at LIMIT ?2";
const FORGET_KEYS: &str = "DELETE FROM parked_keys WHERE parked_id = ?1";
const END: &str = "UPDATE unmatched SET fate = ?2, ended_at = ?3 WHERE id = ?1 RETURNING bytes";
const TRIM: &str = "DELETE FROM unmatched WHERE id IN \
    (SELECT id FROM unmatched INDEXED BY unmatched_of WHERE carrier = ?1 AND fate = ?2 ORDER BY id DESC \
    LIMIT 4 OFFSET ?3)";
const HELD: &str = "SELECT d.message_id, d.carrier, m.recipient FROM delivery d INDEXED BY delivery_held \
    CROSS JOIN messages m ON m.account_id = d.account_id AND m.id = d.message_id WHERE d.held = 1 \
    AND d.message_id > ?1 ORDER BY d.message_id LIMIT ?2";
const PARKED: &str =
    "SELECT id, addresses, says, at, detail, scope, keys, carrier FROM unmatched WHERE id = ?1 AND fate = 'waiting'";
const UNDER_KEY: &str = "SELECT p.id, p.addresses, p.says, p.at, p.detail, p.scope, p.keys, p.carrier \
    FROM parked_keys k CROSS JOIN unmatched p ON p.id = k.parked_id WHERE k.carrier = ?1 AND k.key = ?2 \
    ORDER BY k.parked_id LIMIT ?3";
const LAST: &str = "SELECT id, at, reason, ended_at, keys, addresses, detail, raw \
    FROM unmatched INDEXED BY unmatched_of WHERE carrier = ?1 AND fate = ?2 ORDER BY id DESC LIMIT ?3";
const COUNT: &str = "SELECT (SELECT count(*) FROM unmatched INDEXED BY unmatched_of WHERE carrier = ?1 \
    AND fate = 'waiting') + (SELECT count(*) FROM unmatched INDEXED BY unmatched_of WHERE carrier = ?1 \
    AND fate = 'refused' AND reason = 'unreadable')";

/// Every statement of this file that maintenance runs.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] = &[
    OLDEST,
    OLD,
    FORGET_KEYS,
    END,
    TRIM,
    HELD,
    HELD_UNDER_KEY,
    super::matching::ACCEPTED_AT,
    PARKED,
    UNDER_KEY,
    LAST,
    COUNT,
];
