//! Rows to values and back.

use std::borrow::Cow;
use std::sync::Arc;

use model::message::{Delivery, Direction, Encoding, Message, MessageRecord, MessageType};
use model::{
    AccountId, Assignment, BroadcastId, CarrierName, ClientReference, ErrorType, KeywordKind, MediaId, MessageId, Mode,
    Msisdn, Originator, Owner, Status, Timestamp,
};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use uuid::Uuid;

use super::fault::Fault;
use ledger::contract::nodes::Epoch;
use ledger::life;
use ledger::shares::Shares;

/// The columns of a message, for [`message`].
pub(super) const MESSAGE: &str = "m.account_id, m.id, m.broadcast_id, m.direction, m.test, m.kind, m.originator, \
     m.recipient, m.body, m.media_url, m.encoding, m.segments, m.reference, m.created_at, m.expires_at, m.media_id, \
     m.client_reference, m.automatic, m.status_callback, m.send_at";

/// How many columns [`MESSAGE`] has.
pub(super) const MESSAGE_COLUMNS: usize = 20;

/// The columns of what became of it, for [`delivery`]; the row of `queue` is joined as `q`, where there is one.
pub(super) const DELIVERY: &str = "d.status, coalesce(q.carrier, d.carrier), coalesce(q.attempts, d.attempts), \
     d.unknown_outcomes, d.held, d.sent_at, d.delivered_at, d.failed_at, d.error_type, d.error_message, \
     d.receipt_missing, d.erased_at, d.queued_at";

/// An id as a parameter.
pub(super) const fn id(octets: [u8; 16]) -> Uuid {
    Uuid::from_bytes(octets)
}

/// The account of what belongs to none, or to all.
pub(super) const NO_ACCOUNT: Uuid = Uuid::nil();

/// A value.
pub(super) fn get<'r, T: FromSql<'r>>(row: &'r Row, at: usize) -> Result<T, Fault> {
    row.try_get(at).map_err(Fault::from)
}

/// The octets of an id.
pub(super) fn octets(row: &Row, at: usize) -> Result<[u8; 16], Fault> {
    get::<Uuid>(row, at).map(Uuid::into_bytes)
}

/// The octets of an id that may be missing.
pub(super) fn octets_if_any(row: &Row, at: usize) -> Result<Option<[u8; 16]>, Fault> {
    Ok(get::<Option<Uuid>>(row, at)?.map(Uuid::into_bytes))
}

/// A count or a number that is never negative.
pub(super) fn count<T: TryFrom<i64>>(row: &Row, at: usize) -> Result<T, Fault> {
    let number: i64 = get(row, at)?;
    T::try_from(number).map_err(|_| unknown(at, &number.to_string()))
}

/// The same from a column of 32 bits.
pub(super) fn small<T: TryFrom<i32>>(row: &Row, at: usize) -> Result<T, Fault> {
    let number: i32 = get(row, at)?;
    T::try_from(number).map_err(|_| unknown(at, &number.to_string()))
}

/// A message from the columns of [`MESSAGE`], which begin at `at`.
pub(super) fn message(row: &Row, at: usize) -> Result<Arc<Message>, Fault> {
    Ok(Arc::new(Message {
        account: AccountId::from_bytes(octets(row, at)?),
        id: MessageId::from_bytes(octets(row, at + 1)?),
        broadcast: octets_if_any(row, at + 2)?.map(BroadcastId::from_bytes),
        direction: word(row, at + 3, Direction::parse)?,
        mode: mode(row, at + 4)?,
        kind: word(row, at + 5, MessageType::parse)?,
        originator: originator(row, at + 6)?,
        recipient: number(row, at + 7)?,
        body: text_if_any(row, at + 8)?.map(Arc::from),
        media_url: text_if_any(row, at + 9)?,
        media: octets_if_any(row, at + 15)?.map(MediaId::from_bytes),
        encoding: word(row, at + 10, Encoding::parse)?,
        segments: small(row, at + 11)?,
        reference: small(row, at + 12)?,
        client_reference: word_if_any(row, at + 16, ClientReference::parse)?,
        automatic: word_if_any(row, at + 17, KeywordKind::parse)?,
        status_callback: text_if_any(row, at + 18)?.map(Arc::from),
        created_at: time(row, at + 13)?,
        send_at: time_if_any(row, at + 19)?,
        expires_at: time(row, at + 14)?,
    }))
}

/// What became of a message, from the columns of [`DELIVERY`], which begin at `at`.
pub(super) fn delivery(row: &Row, at: usize) -> Result<Delivery, Fault> {
    Ok(Delivery {
        status: word(row, at, Status::parse)?,
        carrier: assignment(row, at + 1)?,
        attempts: count(row, at + 2)?,
        unknown_outcomes: count(row, at + 3)?,
        held: get(row, at + 4)?,
        queued_at: time_if_any(row, at + 12)?,
        sent_at: time_if_any(row, at + 5)?,
        delivered_at: time_if_any(row, at + 6)?,
        failed_at: time_if_any(row, at + 7)?,
        error_type: word_if_any(row, at + 8, ErrorType::parse)?,
        error_message: text_if_any(row, at + 9)?,
        receipt_missing: get(row, at + 10)?,
        erased_at: time_if_any(row, at + 11)?,
    })
}

/// A message and its state, from the columns of [`MESSAGE`] and then [`DELIVERY`].
pub(super) fn record(row: &Row) -> Result<MessageRecord, Fault> {
    Ok(MessageRecord { message: message(row, 0)?, delivery: life::told(delivery(row, MESSAGE_COLUMNS)?) })
}

/// A number from the column at `at`.
pub(super) fn number(row: &Row, at: usize) -> Result<Msisdn, Fault> {
    word(row, at, |text| Msisdn::parse(text).ok())
}

/// A number, a short code or a name from the column at `at`.
pub(super) fn originator(row: &Row, at: usize) -> Result<Originator, Fault> {
    word(row, at, |text| Originator::parse(text).ok())
}

/// An address as its column has it.
pub(super) fn address(address: impl Into<Originator>) -> String {
    address.into().text().to_string()
}

/// Whose world of an account something belongs to, as it is written.
pub(super) const fn is_test(mode: Mode) -> bool {
    matches!(mode, Mode::Test)
}

/// The mode that is written so.
pub(super) const fn mode_if_test(is_test: bool) -> Mode {
    if is_test { Mode::Test } else { Mode::Live }
}

/// The mode in a column.
pub(super) fn mode(row: &Row, at: usize) -> Result<Mode, Fault> {
    get(row, at).map(mode_if_test)
}

/// An owner from two columns.
pub(super) fn owner(row: &Row, at: usize) -> Result<Owner, Fault> {
    Ok(Owner { account: AccountId::from_bytes(octets(row, at)?), mode: mode(row, at + 1)? })
}

/// How many rows at most, as a parameter.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A moment.
pub(super) fn time(row: &Row, at: usize) -> Result<Timestamp, Fault> {
    get(row, at).map(Timestamp::from_millis)
}

/// A moment that may be missing.
pub(super) fn time_if_any(row: &Row, at: usize) -> Result<Option<Timestamp>, Fault> {
    Ok(get::<Option<i64>>(row, at)?.map(Timestamp::from_millis))
}

/// A moment that may be missing, as a parameter.
pub(super) fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millis)
}

/// An epoch, as a parameter.
pub(super) fn epoch_number(epoch: Epoch) -> i64 {
    i64::from(epoch.get())
}

/// The epoch in a column.
pub(super) fn epoch(row: &Row, at: usize) -> Result<Epoch, Fault> {
    Epoch::new(count(row, at)?).ok_or_else(|| unknown(at, "0"))
}

/// A carrier that a message is assigned to.
pub(super) fn assignment(row: &Row, at: usize) -> Result<Assignment, Fault> {
    get::<&str>(row, at).map(Assignment::parse)
}

/// The name of a carrier.
pub(super) fn carrier(row: &Row, at: usize) -> Result<CarrierName, Fault> {
    get::<&str>(row, at).map(Into::into)
}

/// The name of a carrier, or none.
pub(super) fn carrier_if_any(row: &Row, at: usize) -> Result<Option<CarrierName>, Fault> {
    Ok(get::<Option<&str>>(row, at)?.and_then(|text| Assignment::parse(text).carrier().cloned()))
}

/// A word that `parse` knows.
pub(super) fn word<T>(row: &Row, at: usize, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Fault> {
    let text: &str = get(row, at)?;
    parse(text).ok_or_else(|| unknown(at, text))
}

/// A word that `parse` knows, or none.
pub(super) fn word_if_any<T>(row: &Row, at: usize, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Fault> {
    match get::<Option<&str>>(row, at)? {
        Some(text) => parse(text).map(Some).ok_or_else(|| unknown(at, text)),
        None => Ok(None),
    }
}

/// What carriers took that a message has left.
pub(super) fn shares(row: &Row, at: usize) -> Result<Shares, Fault> {
    Ok(word_if_any(row, at, Shares::parse)?.unwrap_or_default())
}

/// That a column has something that is not known here.
pub(super) fn unknown(at: usize, text: &str) -> Fault {
    Fault::Broken(format!("`{text}` is not known here (column {at})"))
}

/// A text of a stranger as it is written: PostgreSQL takes no U+0000. The noncharacter U+FFFF stands before a letter
/// that says what was there.
pub(super) fn kept(text: &str) -> Cow<'_, str> {
    if text.contains(['\0', '\u{FFFF}']) {
        Cow::Owned(text.replace('\u{FFFF}', "\u{FFFF}f").replace('\0', "\u{FFFF}0"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text that is written so.
pub(super) fn restored(text: &str) -> String {
    text.replace("\u{FFFF}0", "\0").replace("\u{FFFF}f", "\u{FFFF}")
}

/// A text of a stranger from a column.
pub(super) fn text(row: &Row, at: usize) -> Result<String, Fault> {
    get(row, at).map(restored)
}

/// A text of a stranger from a column, or none.
pub(super) fn text_if_any(row: &Row, at: usize) -> Result<Option<String>, Fault> {
    Ok(get::<Option<&str>>(row, at)?.map(restored))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_it_was_written() {
        for text in ["", "plain", "a\0b", "\u{FFFF}0", "\0\u{FFFF}\0", "\u{FFFF}f\0"] {
            let written = kept(text);
            assert!(!written.contains('\0'), "{text:?}");
            assert_eq!(restored(&written), text);
        }
    }
}
