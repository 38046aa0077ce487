//! Rows to values and back.

use std::sync::Arc;

use model::message::{Delivery, Direction, Encoding, Message, MessageRecord, MessageType};
use model::{
    AccountId, AddressText, Assignment, BroadcastId, CarrierName, ClientReference, ErrorType, KeywordKind, MediaId,
    MessageId, Mode, Msisdn, Originator, Status, Timestamp,
};
use rusqlite::types::{ToSqlOutput, Type};
use rusqlite::{Row, ToSql};

use ledger::life;
use ledger::shares::Shares;

/// The columns of a message, for [`message`].
pub(super) const MESSAGE: &str = "m.account_id, m.id, m.broadcast_id, m.direction, m.mode, m.kind, m.originator, \
     m.recipient, m.body, m.media_url, m.encoding, m.segments, m.reference, m.created_at, m.expires_at, m.media_id, \
     m.client_reference, m.automatic, m.status_callback, m.send_at";

/// The columns of what became of it, for [`delivery`].
pub(super) const DELIVERY: &str = "d.status, d.carrier, d.attempts, d.unknown_outcomes, d.held, d.sent_at, \
     d.delivered_at, d.failed_at, d.error_type, d.error_message, d.receipt_missing, d.erased_at, d.queued_at";

/// How many columns [`MESSAGE`] has.
const MESSAGE_COLUMNS: usize = 20;

/// How many columns [`DELIVERY`] has.
pub(super) const DELIVERY_COLUMNS: usize = 13;

/// A message from the columns of [`MESSAGE`], which begin at `at`.
pub(super) fn message(row: &Row<'_>, at: usize) -> rusqlite::Result<Arc<Message>> {
    Ok(Arc::new(Message {
        account: AccountId::from_bytes(row.get(at)?),
        id: MessageId::from_bytes(row.get(at + 1)?),
        broadcast: row.get::<_, Option<[u8; 16]>>(at + 2)?.map(BroadcastId::from_bytes),
        direction: word(row, at + 3, Direction::parse)?,
        mode: word(row, at + 4, Mode::parse)?,
        kind: word(row, at + 5, MessageType::parse)?,
        originator: originator(row, at + 6)?,
        recipient: number(row, at + 7)?,
        body: row.get(at + 8)?,
        media_url: row.get(at + 9)?,
        media: row.get::<_, Option<[u8; 16]>>(at + 15)?.map(MediaId::from_bytes),
        encoding: word(row, at + 10, Encoding::parse)?,
        segments: row.get(at + 11)?,
        reference: row.get(at + 12)?,
        client_reference: word_if_any(row, at + 16, ClientReference::parse)?,
        automatic: word_if_any(row, at + 17, KeywordKind::parse)?,
        status_callback: row.get(at + 18)?,
        created_at: time(row, at + 13)?,
        send_at: time_if_any(row, at + 19)?,
        expires_at: time(row, at + 14)?,
    }))
}

/// A number from the column at `at`.
pub(super) fn number(row: &Row<'_>, at: usize) -> rusqlite::Result<Msisdn> {
    word(row, at, |text| Msisdn::parse(text).ok())
}

/// A number, a short code or a name from the column at `at`.
pub(super) fn originator(row: &Row<'_>, at: usize) -> rusqlite::Result<Originator> {
    word(row, at, |text| Originator::parse(text).ok())
}

/// The text of an address as a parameter.
pub(super) struct Text(AddressText);

impl Text {
    /// The text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl ToSql for Text {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_str().into())
    }
}

/// An address as its column has it.
pub(super) fn text(address: impl Into<Originator>) -> Text {
    Text(address.into().text())
}

/// What became of a message, from the columns of [`DELIVERY`], which begin at `at`.
pub(super) fn delivery(row: &Row<'_>, at: usize) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        status: word(row, at, Status::parse)?,
        carrier: assignment(row, at + 1)?,
        attempts: row.get(at + 2)?,
        unknown_outcomes: row.get(at + 3)?,
        held: row.get(at + 4)?,
        queued_at: time_if_any(row, at + 12)?,
        sent_at: time_if_any(row, at + 5)?,
        delivered_at: time_if_any(row, at + 6)?,
        failed_at: time_if_any(row, at + 7)?,
        error_type: word_if_any(row, at + 8, ErrorType::parse)?,
        error_message: row.get(at + 9)?,
        receipt_missing: row.get(at + 10)?,
        erased_at: time_if_any(row, at + 11)?,
    })
}

/// A message and its state, from the columns of [`MESSAGE`] and then [`DELIVERY`].
pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<MessageRecord> {
    Ok(MessageRecord { message: message(row, 0)?, delivery: life::told(delivery(row, MESSAGE_COLUMNS)?) })
}

/// How a mode is written beside what changes: a test key's, or a live one's.
pub(super) const fn is_test(mode: Mode) -> bool {
    matches!(mode, Mode::Test)
}

/// The mode that is written so.
pub(super) const fn mode_if_test(is_test: bool) -> Mode {
    if is_test { Mode::Test } else { Mode::Live }
}

/// A moment.
pub(super) fn time(row: &Row<'_>, at: usize) -> rusqlite::Result<Timestamp> {
    row.get(at).map(Timestamp::from_millis)
}

/// A moment that may be missing.
pub(super) fn time_if_any(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(at)?.map(Timestamp::from_millis))
}

/// A carrier that a message is assigned to.
pub(super) fn assignment(row: &Row<'_>, at: usize) -> rusqlite::Result<Assignment> {
    Ok(Assignment::parse(row.get_ref(at)?.as_str()?))
}

/// What carriers took that a message has left.
pub(super) fn shares(row: &Row<'_>, at: usize) -> rusqlite::Result<Shares> {
    let text = row.get_ref(at)?.as_str_or_null()?;
    text.map_or_else(|| Ok(Shares::default()), |text| Shares::parse(text).ok_or_else(|| unknown(at, text)))
}

/// The name of a carrier.
pub(super) fn carrier(row: &Row<'_>, at: usize) -> rusqlite::Result<CarrierName> {
    Ok(row.get_ref(at)?.as_str()?.into())
}

/// The name of a carrier, or none.
pub(super) fn carrier_if_any(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<CarrierName>> {
    Ok(row.get_ref(at)?.as_str_or_null()?.and_then(|text| Assignment::parse(text).carrier().cloned()))
}

/// A word that `parse` knows.
pub(super) fn word<T>(row: &Row<'_>, at: usize, parse: impl FnOnce(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text = row.get_ref(at)?.as_str()?;
    parse(text).ok_or_else(|| unknown(at, text))
}

/// A word that `parse` knows, or none.
pub(super) fn word_if_any<T>(
    row: &Row<'_>,
    at: usize,
    parse: impl FnOnce(&str) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    match row.get_ref(at)?.as_str_or_null()? {
        Some(text) => parse(text).map(Some).ok_or_else(|| unknown(at, text)),
        None => Ok(None),
    }
}

fn unknown(at: usize, text: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, Type::Text, format!("`{text}` is not known here").into())
}

/// A mask of 64 segments as SQLite's signed integer.
pub(super) const fn mask_to_sql(mask: u64) -> i64 {
    mask.cast_signed()
}

/// A mask of 64 segments from SQLite's signed integer.
pub(super) const fn mask_from_sql(mask: i64) -> u64 {
    mask.cast_unsigned()
}
