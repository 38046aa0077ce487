//! The way back: receipts find their segments, or wait for them.

use async_trait::async_trait;
use model::event::EventKind;
use model::status::SegmentFate;
use model::{Status, Timestamp};
use rusqlite::{Connection, params};

use super::Sqlite;
use super::life::Life;
use super::matching::{Filed, filed, find, tail};
use super::messages::add_event;
use super::rows::{self, fate_word};
use super::writer::Group;
use crate::StoreError;
use crate::contract::dispatch::Outcome;
use crate::contract::messages::{StatusChange, StatusChanges};
use crate::contract::receipts::{Receipt, ReceiptOutcome, Receipts};

#[async_trait]
impl Receipts for Sqlite {
    async fn record_receipts(&self, receipts: Vec<Receipt>) -> Result<Vec<ReceiptOutcome>, StoreError> {
        let write = move |group: &mut Group| {
            let record = |receipt: &Receipt| record(group, receipt);
            Ok(receipts.iter().map(record).collect::<rusqlite::Result<_>>()?)
        };
        self.writer.write(write).await
    }

    async fn settle_held(&self, unclaimed_since: Timestamp) -> Result<StatusChanges, StoreError> {
        self.writer.write(move |group: &mut Group| Ok(settle_held(group, unclaimed_since)?)).await
    }

    async fn forget_parked(&self, before: Timestamp) -> Result<u64, StoreError> {
        let write = move |group: &mut Group| {
            if group.parked == 0 {
                return Ok(0);
            }
            let connection = &group.connection;
            let at = before.as_millis();
            connection.prepare_cached("DELETE FROM parked_keys WHERE parked_id IN (SELECT id FROM parked_receipts WHERE at < ?1)")?.execute([at])?;
            let forgotten = connection.prepare_cached("DELETE FROM parked_receipts WHERE at < ?1")?.execute([at])? as u64;
            group.parked -= forgotten.min(group.parked);
            Ok(forgotten)
        };
        self.writer.write(write).await
    }
}

fn record(group: &mut Group, receipt: &Receipt) -> rusqlite::Result<ReceiptOutcome> {
    if let Some((key, filed)) = find(&group.connection, receipt, false)? {
        let settled = settle(group, &filed, receipt)?;
        return Ok(settled.map_or(ReceiptOutcome::Repeated, |change| ReceiptOutcome::Matched { key, change }));
    }
    park(group, receipt)?;
    Ok(ReceiptOutcome::Parked)
}

/// The key of a message that is held and has no id, and of a receipt for it. No id of a carrier has a blank.
fn key_of_recipient(digits: &str) -> String {
    format!("to {}", tail(digits))
}

/// Files a held message of one segment under its recipient.
pub(super) fn file_held(connection: &Connection, outcome: &Outcome) -> rusqlite::Result<()> {
    file_segment(connection, outcome, 1, &key_of_recipient(outcome.recipient.digits()))
}

fn settle_held(group: &mut Group, unclaimed_since: Timestamp) -> rusqlite::Result<StatusChanges> {
    let mut changes = StatusChanges::default();
    if group.parked == 0 {
        return Ok(changes);
    }
    let sql = "SELECT DISTINCT k.carrier, k.key FROM parked_keys k JOIN parked_receipts p ON p.id = k.parked_id JOIN segments s \
               ON s.carrier = k.carrier AND s.key = k.key AND s.fate = '' WHERE k.key LIKE 'to %' AND p.at < ?1";
    let meeting: Vec<(String, String)> = {
        let mut select = group.connection.prepare_cached(sql)?;
        select.query_map([unclaimed_since.as_millis()], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?
    };
    for (carrier, key) in meeting {
        let Some(filed) = the_only_held(&group.connection, &carrier, &key)? else { continue };
        for (parked, receipt) in parked_under(&group.connection, &carrier, &key)? {
            if receipt.at < unclaimed_since && receipt.at >= filed.id.made_at() {
                changes.extend(settle(group, &filed, &receipt)?.flatten());
                unpark(group, parked)?;
            }
        }
    }
    Ok(changes)
}

/// The message that is held under this key, if there is just one.
fn the_only_held(connection: &Connection, carrier: &str, key: &str) -> rusqlite::Result<Option<Filed>> {
    let sql = "SELECT s.key, s.message_id, s.number, s.total, s.recipient, s.fate FROM segments s JOIN delivery d ON d.message_id = s.message_id \
               WHERE s.carrier = ?1 AND s.key = ?2 AND s.fate = '' AND d.held = 1 AND d.status = 'queued' LIMIT 2";
    let mut held: Vec<Filed> = connection.prepare_cached(sql)?.query_map(params![carrier, key], filed)?.collect::<rusqlite::Result<_>>()?;
    Ok(if held.len() == 1 { held.pop() } else { None })
}

/// Gives a segment its fate, and its message the status that follows. `None` when the segment had its fate already.
fn settle(group: &mut Group, filed: &Filed, receipt: &Receipt) -> rusqlite::Result<Option<Option<StatusChange>>> {
    if filed.fate.is_final() {
        return Ok(None);
    }
    let connection = &group.connection;
    let Some(mut life) = Life::load(connection, filed.id)? else { return Ok(None) };
    let detail = format!("segment {}: {}", filed.number, receipt.detail);
    add_event(connection, filed.id, receipt.at, EventKind::Receipt, Some(&receipt.carrier), None, &detail)?;
    if receipt.fate == SegmentFate::Pending {
        return Ok(Some(None));
    }
    let sql = "UPDATE segments SET fate = ?5 WHERE carrier = ?1 AND key = ?2 AND message_id = ?3 AND number = ?4";
    let name = params![receipt.carrier, filed.key, filed.id.to_bytes(), filed.number, fate_word(receipt.fate)];
    connection.prepare_cached(sql)?.execute(name)?;
    let changed = conclude(&mut life, filed, receipt);
    life.save(group)?;
    Ok(Some(changed.then(|| life.status_change())))
}

/// The status that follows once every segment has its fate.
fn conclude(life: &mut Life, filed: &Filed, receipt: &Receipt) -> bool {
    // From a carrier that the message has left, only the word that all of it arrived means anything.
    let has_left = life.delivery.carrier != receipt.carrier;
    let bits = match filed.total {
        1 => u64::MAX,
        _ if has_left => 0,
        _ => Life::bit(filed.number),
    };
    match receipt.fate {
        SegmentFate::Delivered => {
            life.delivered |= bits;
            life.lost &= !bits;
        }
        SegmentFate::Undelivered(why) if !has_left => {
            life.lost |= bits & !life.delivered;
            if life.delivery.error_type.is_none() && !life.is_whole(life.delivered) {
                life.delivery.error_type = Some(why);
                life.delivery.error_message = Some(why.sentence().to_owned());
            }
        }
        SegmentFate::Undelivered(_) | SegmentFate::Pending => {}
    }
    if life.is_whole(life.delivered) {
        return life.change(Status::Delivered, receipt.at, None);
    }
    life.is_whole(life.delivered | life.lost) && life.change(Status::Undelivered, receipt.at, None)
}

fn park(group: &mut Group, receipt: &Receipt) -> rusqlite::Result<()> {
    let connection = &group.connection;
    let sql = "INSERT INTO parked_receipts (carrier, addresses, fate, at, detail) VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = params![receipt.carrier, receipt.addresses.join(" "), fate_word(receipt.fate), receipt.at.as_millis(), receipt.detail];
    connection.prepare_cached(sql)?.execute(values)?;
    let parked = connection.last_insert_rowid();
    let by_recipient: Vec<String> = receipt.addresses.iter().map(|address| key_of_recipient(address)).collect();
    for key in receipt.keys.iter().chain(&by_recipient) {
        let mut insert = connection.prepare_cached("INSERT OR IGNORE INTO parked_keys (carrier, key, parked_id) VALUES (?1, ?2, ?3)")?;
        insert.execute(params![receipt.carrier, key, parked])?;
    }
    group.parked += 1;
    Ok(())
}

/// Files a segment that a carrier took, so that its receipt finds it.
pub(super) fn file_segment(connection: &Connection, outcome: &Outcome, number: u16, key: &str) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO segments (carrier, key, message_id, number, total, recipient, fate) VALUES (?1, ?2, ?3, ?4, ?5, ?6, '')";
    let values = params![outcome.carrier, key, outcome.id.to_bytes(), number, outcome.total, outcome.recipient.digits()];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// Applies receipts that came before the acknowledgement that files a segment under `key`.
pub(super) fn apply_parked(group: &mut Group, carrier: &str, key: &str, changes: &mut StatusChanges) -> rusqlite::Result<()> {
    for (parked, receipt) in parked_under(&group.connection, carrier, key)? {
        // Another recipient's: it waits for its own segment.
        let Some((_, filed)) = find(&group.connection, &receipt, true)? else { continue };
        if let Some(Some(change)) = settle(group, &filed, &receipt)? {
            changes.push(change);
        }
        unpark(group, parked)?;
    }
    Ok(())
}

fn unpark(group: &mut Group, parked: i64) -> rusqlite::Result<()> {
    group.connection.prepare_cached("DELETE FROM parked_keys WHERE parked_id = ?1")?.execute([parked])?;
    group.connection.prepare_cached("DELETE FROM parked_receipts WHERE id = ?1")?.execute([parked])?;
    group.parked = group.parked.saturating_sub(1);
    Ok(())
}

fn parked_under(connection: &Connection, carrier: &str, key: &str) -> rusqlite::Result<Vec<(i64, Receipt)>> {
    let sql = "SELECT p.id, p.addresses, p.fate, p.at, p.detail FROM parked_keys k JOIN parked_receipts p ON p.id = k.parked_id \
               WHERE k.carrier = ?1 AND k.key = ?2 ORDER BY p.id";
    let read = |row: &rusqlite::Row<'_>| {
        let addresses: String = row.get(1)?;
        let receipt = Receipt {
            carrier: carrier.to_owned(),
            keys: vec![key.to_owned()],
            addresses: addresses.split_whitespace().map(str::to_owned).collect(),
            fate: rows::word(row, 2, rows::fate)?,
            at: rows::time(row, 3)?,
            detail: row.get(4)?,
        };
        Ok((row.get(0)?, receipt))
    };
    connection.prepare_cached(sql)?.query_map(params![carrier, key], read)?.collect()
}
