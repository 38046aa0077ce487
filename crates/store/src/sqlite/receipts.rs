//! The way back: receipts find their segments, or wait for them.

use std::time::Duration;

use async_trait::async_trait;
use model::status::SegmentFate;
use model::{CarrierName, MessageId, Timestamp, Unmatched};
use rusqlite::{Connection, params};

use super::events::add_event;
use super::matching::find;
use super::parked::{self, Parking, park};
use super::writer::Group;
use super::{Sqlite, flights, life, waits};
use ledger::StoreError;
use ledger::contract::dispatch::Outcome;
use ledger::contract::receipts::{HeldStep, KEY_BYTES_MAX, Receipt, ReceiptOutcome, Receipts, Refused, WaitStep};
use ledger::receipts::numbers::key_of_recipient;
use ledger::receipts::words::fate_word;
use ledger::receipts::{Filed, settling};

#[async_trait]
impl Receipts for Sqlite {
    async fn record_receipts(&self, receipts: Vec<Receipt>) -> Result<Vec<ReceiptOutcome>, StoreError> {
        let write = move |group: &mut Group| {
            let record = |receipt: &Receipt| record(group, receipt);
            Ok(receipts.iter().map(record).collect::<rusqlite::Result<_>>()?)
        };
        self.writer.write(write).await
    }

    async fn record_refused(&self, refused: Vec<Refused>) -> Result<(), StoreError> {
        self.writer.write(move |group: &mut Group| Ok(parked::keep_refused(&group.connection, &refused)?)).await
    }

    async fn settle_held(
        &self,
        now: Timestamp,
        unclaimed: Duration,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<HeldStep, StoreError> {
        self.writer.write(move |group: &mut Group| Ok(parked::settle_held(group, now, unclaimed, after, limit)?)).await
    }

    async fn forget_parked(
        &self,
        now: Timestamp,
        kept: Duration,
        limit: usize,
    ) -> Result<Vec<CarrierName>, StoreError> {
        self.writer.write(move |group: &mut Group| Ok(parked::forget(group, now, kept, limit)?)).await
    }

    async fn end_waits(&self, now: Timestamp, limit: usize) -> Result<WaitStep, StoreError> {
        self.writer.write(move |group: &mut Group| Ok(waits::end_waits(group, now, limit)?)).await
    }

    async fn unmatched(&self, carrier: &str, limit: usize) -> Result<Vec<Unmatched>, StoreError> {
        let carrier = carrier.to_owned();
        self.readers.read(move |connection| parked::unmatched(connection, &carrier, limit)).await
    }

    async fn count_unmatched(&self, carrier: &str) -> Result<u64, StoreError> {
        let carrier = carrier.to_owned();
        self.readers.read(move |connection| parked::count_unmatched(connection, &carrier)).await
    }
}

fn record(group: &mut Group, receipt: &Receipt) -> rusqlite::Result<ReceiptOutcome> {
    let mut waits_for = None;
    if let Some((key, filed)) = find(&group.connection, receipt, false)? {
        waits_for = flights::has_to_wait(group, receipt, key, &filed)?;
        if waits_for.is_none() {
            let settled = settle(group, &filed, receipt)?;
            return Ok(if settled { ReceiptOutcome::Matched { key } } else { ReceiptOutcome::Repeated });
        }
    }
    let Parking { dropped, parked } = park(group, receipt)?;
    if let Some((parked, flight)) = parked.zip(waits_for) {
        flights::wait(group, parked, flight);
    }
    Ok(if dropped == 0 { ReceiptOutcome::Parked } else { ReceiptOutcome::Crowded { dropped } })
}

/// Files a held message of one segment under its recipient.
pub(super) fn file_held(connection: &Connection, outcome: &Outcome) -> rusqlite::Result<()> {
    file_segment(connection, outcome, 1, &key_of_recipient(&outcome.recipient.digits()))
}

/// The held messages of one segment under a key: whether there is one, and whether there is another.
pub(super) const HELD_UNDER_KEY: &str = "SELECT s.key, s.message_id, s.number, s.total, s.recipient, s.fate \
    FROM segments s CROSS JOIN delivery d ON d.message_id = s.message_id WHERE s.carrier = ?1 AND s.key = ?2 \
    AND s.fate = '' AND d.held = 1 AND d.status = 'queued' LIMIT 2";

/// Gives a segment its fate, and its message the status that follows. `false` when the segment had its fate already.
pub(super) fn settle(group: &mut Group, filed: &Filed, receipt: &Receipt) -> rusqlite::Result<bool> {
    let connection = &group.connection;
    if filed.fate.is_final() {
        note(connection, filed, receipt)?;
        return Ok(false);
    }
    let Some(mut life) = life::load(connection, filed.id)? else { return Ok(false) };
    if receipt.fate == SegmentFate::Pending {
        note(connection, filed, receipt)?;
        return Ok(true);
    }
    let sql = "UPDATE segments SET fate = ?5 WHERE carrier = ?1 AND key = ?2 AND message_id = ?3 AND number = ?4";
    let name = params![receipt.carrier.as_str(), filed.key, filed.id.to_bytes(), filed.number, fate_word(receipt.fate)];
    connection.prepare_cached(sql)?.execute(name)?;
    settling::settle(&mut life, filed, receipt);
    life::save(group, &life)?;
    Ok(true)
}

/// Leaves an event of a receipt that settles nothing.
fn note(connection: &Connection, filed: &Filed, receipt: &Receipt) -> rusqlite::Result<()> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM events WHERE message_id = ?1 AND kind = 'receipt' LIMIT ?2)";
    let values = params![filed.id.to_bytes(), settling::notes_max(filed)];
    let known: u64 = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
    settling::note(filed, receipt, known).map_or(Ok(()), |event| add_event(connection, &event))
}

/// Files a segment that a carrier took, so that its receipt finds it.
pub(super) fn file_segment(connection: &Connection, outcome: &Outcome, number: u16, key: &str) -> rusqlite::Result<()> {
    if key.len() > KEY_BYTES_MAX {
        return Ok(());
    }
    let sql = "INSERT OR IGNORE INTO segments (carrier, key, message_id, number, total, recipient, fate) VALUES (?1, \
        ?2, ?3, ?4, ?5, ?6, '')";
    let recipient = outcome.recipient.digits();
    let values =
        params![outcome.carrier.as_str(), key, outcome.id.to_bytes(), number, outcome.total, recipient.as_str()];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}
