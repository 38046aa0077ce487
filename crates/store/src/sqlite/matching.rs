//! Which segment a receipt means: by the ids that it names, and by its addresses where an id alone does not say.

use std::time::Duration;

use model::status::SegmentFate;
use model::{AddressText, MessageId, Originator, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::blank;
use super::rows;
use crate::contract::receipts::Receipt;

/// How many segments under one key are looked at, the newest first. A carrier may give every segment the same id.
const SEGMENTS_MAX: u32 = 500;

/// How long an id means one message only. Carriers count from the beginning again, and none tries to deliver for so
/// long.
const WINDOW: Duration = Duration::from_secs(7 * 86_400);

/// By how much clocks may differ, or be set back, between a message and its receipt.
pub(super) const CLOCKS: Duration = Duration::from_secs(300);

/// An id of so many characters is never given twice, so that no address speaks against it.
const UNMISTAKABLE_CHARS: usize = 12;

/// How many last digits tell numbers apart: carriers write national forms.
const TELLING_DIGITS: usize = 7;

/// How many digits a short national number has at least.
const SHORT_DIGITS: usize = 5;

/// A segment that a carrier took, as it is filed.
pub(super) struct Filed {
    pub(super) key: String,
    pub(super) id: MessageId,
    pub(super) number: u16,
    /// Of how many, in that carrier's cut.
    pub(super) total: u16,
    pub(super) recipient: String,
    pub(super) fate: SegmentFate,
}

/// What a receipt's addresses say of a segment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    /// They name its recipient, in so many digits.
    Recipient(usize),
    /// They name no recipient: they are hidden, words, or our own sender's.
    Nobody,
    /// They name another number.
    Another,
}

/// The segment that a receipt means, and the place of the key that it was found by. `None` where no segment is filed
/// under its keys, or several are and nothing says which of them is meant.
///
/// In the order of the keys: first a segment whose recipient is named. Where no recipient is named, the only message
/// under the first key, and then the only one under all others. A receipt that `was_parked` and names no recipient is
/// of no message that was accepted after it came.
pub(super) fn find(
    connection: &Connection,
    receipt: &Receipt,
    was_parked: bool,
) -> rusqlite::Result<Option<(usize, Filed)>> {
    let mut under_others = Vec::new();
    for (at, key) in receipt.keys.iter().enumerate() {
        let (mut of_recipient, mut of_nobody) = (Vec::new(), Vec::new());
        for filed in filed_under(connection, &receipt.carrier, key)? {
            match named(connection, receipt, &filed)? {
                // One that has its fate, and had the id long ago, says nothing of a new message to the same recipient.
                Named::Recipient(digits)
                    if !filed.fate.is_final() || is_in_window(connection, receipt, was_parked, &filed)? =>
                {
                    of_recipient.push((digits, filed));
                }
                Named::Nobody if is_in_window(connection, receipt, was_parked, &filed)? => of_nobody.push(filed),
                Named::Recipient(_) | Named::Nobody | Named::Another => {}
            }
        }
        if !of_recipient.is_empty() {
            return Ok(best_named(of_recipient).map(|filed| (at, filed)).filter(may_be_meant));
        }
        if at > 0 {
            under_others.extend(of_nobody.into_iter().map(|filed| (at, filed)));
        } else if !of_nobody.is_empty() {
            return Ok(the_only_message(of_nobody.into_iter().map(|filed| (at, filed)).collect()));
        }
    }
    Ok(the_only_message(under_others).filter(may_be_meant))
}

/// Whether a segment's fate allows that it is meant. One that has its fate is meant by the id as written alone: what is
/// another reading of its id may be the exact id of a message whose acknowledgement has yet to come.
fn may_be_meant((at, filed): &(usize, Filed)) -> bool {
    *at == 0 || !filed.fate.is_final()
}

/// The segment that is meant where no recipient is named: of one message alone, whether or not it has its fate. A
/// report on another that shares the id may come again.
fn the_only_message(candidates: Vec<(usize, Filed)>) -> Option<(usize, Filed)> {
    let first = candidates.first().map(|(_, filed)| filed.id)?;
    if candidates.iter().any(|(_, filed)| filed.id != first) {
        return None;
    }
    only(candidates)
}

/// Segments under a key, the newest message first.
fn filed_under(connection: &Connection, carrier: &str, key: &str) -> rusqlite::Result<Vec<Filed>> {
    let sql = "SELECT key, message_id, number, total, recipient, fate FROM segments WHERE carrier = ?1 AND key = ?2 \
        ORDER BY message_id DESC LIMIT ?3";
    connection.prepare_cached(sql)?.query_map(params![carrier, key, SEGMENTS_MAX], filed)?.collect()
}

/// Reads the columns `key`, `message_id`, `number`, `total`, `recipient` and `fate`.
pub(super) fn filed(row: &rusqlite::Row<'_>) -> rusqlite::Result<Filed> {
    Ok(Filed {
        key: row.get(0)?,
        id: MessageId::from_bytes(row.get(1)?),
        number: row.get(2)?,
        total: row.get(3)?,
        recipient: row.get(4)?,
        fate: rows::word(row, 5, rows::fate)?,
    })
}

/// Of segments whose recipient is named, those that are named in the most digits, and of these the newest that waits
/// for its fate, or else the newest. `None` where two recipients are named in as many, as hidden digits may do.
fn best_named(named: Vec<(usize, Filed)>) -> Option<Filed> {
    let most = named.iter().map(|(digits, _)| *digits).max()?;
    only(named.into_iter().filter(|(digits, _)| *digits == most).collect()).map(|(_, filed)| filed)
}

/// The newest that waits for its fate, or else the newest that has it; `None` where several recipients, or keys, are in
/// question. They come newest first.
fn only<T: Copy + PartialEq>(candidates: Vec<(T, Filed)>) -> Option<(T, Filed)> {
    let waits = candidates.iter().any(|(_, filed)| !filed.fate.is_final());
    let mut candidates = candidates.into_iter().filter(|(_, filed)| !(waits && filed.fate.is_final()));
    let (at, first) = candidates.next()?;
    // Whoever has its fate already changes nothing, so that one of them is as good as another.
    let is_only = !waits || candidates.all(|(other_at, other)| other_at == at && other.recipient == first.recipient);
    is_only.then_some((at, first))
}

/// Whether the id meant this message when the receipt came: it was given not too long before. A receipt that was not
/// parked came just now, whatever the clock said when the message was accepted.
fn is_in_window(connection: &Connection, receipt: &Receipt, was_parked: bool, filed: &Filed) -> rusqlite::Result<bool> {
    let accepted_at = accepted_at(connection, filed.id)?;
    // An id that is given once means its message, however far the clock was set back after the message was accepted.
    let may_come_before = !was_parked || filed.key.len() >= UNMISTAKABLE_CHARS || accepted_at <= receipt.at + CLOCKS;
    Ok(receipt.at <= accepted_at + WINDOW && may_come_before)
}

/// When a message was accepted, by the clock of then. The time in its id may be days ahead of that, after a clock was
/// set back ([`model::Mint`]).
pub(super) fn accepted_at(connection: &Connection, id: MessageId) -> rusqlite::Result<Timestamp> {
    let found =
        connection.prepare_cached(ACCEPTED_AT)?.query_row([id.to_bytes()], |row| rows::time(row, 0)).optional()?;
    Ok(found.unwrap_or_else(|| id.made_at()))
}

pub(super) const ACCEPTED_AT: &str = "SELECT m.created_at FROM delivery d \
    CROSS JOIN messages m ON m.account_id = d.account_id AND m.id = d.message_id WHERE d.message_id = ?1";

fn named(connection: &Connection, receipt: &Receipt, filed: &Filed) -> rusqlite::Result<Named> {
    if let Some(digits) = receipt.addresses.iter().filter_map(|address| shared_digits(address, &filed.recipient)).max()
    {
        return Ok(Named::Recipient(digits));
    }
    if blank::is_nobody(&filed.recipient) {
        return Ok(Named::Nobody);
    }
    let shown = |address: &str| address.bytes().filter(u8::is_ascii_digit).count();
    let mut others = receipt.addresses.iter().filter(|address| shown(address) >= TELLING_DIGITS).peekable();
    if others.peek().is_none() || filed.key.chars().count() >= UNMISTAKABLE_CHARS {
        return Ok(Named::Nobody);
    }
    let own = originator_of(connection, filed.id)?;
    let is_own = |address: &String| own.as_deref().is_some_and(|digits| shared_digits(address, digits).is_some());
    Ok(if others.all(is_own) { Named::Nobody } else { Named::Another })
}

/// The digits of a message's originator; a name has none. Asked only for a receipt that does not name the recipient.
fn originator_of(connection: &Connection, id: MessageId) -> rusqlite::Result<Option<AddressText>> {
    let sql = "SELECT m.originator FROM delivery d JOIN messages m ON m.account_id = d.account_id AND m.id = \
        d.message_id WHERE d.message_id = ?1";
    let read = |row: &rusqlite::Row<'_>| rows::originator(row, 0);
    let originator = connection.prepare_cached(sql)?.query_row([id.to_bytes()], read).optional()?;
    Ok(originator.and_then(Originator::digits))
}

/// In how many digits an address of a receipt, which may have `*` for digits that are hidden, is `number`; `None` when
/// it is another. Numbers are compared from their ends, since carriers write national forms, prefixes and trunk zeros.
pub(crate) fn shared_digits(address: &str, number: &str) -> Option<usize> {
    if let (Some((head, _)), Some((_, tail))) = (address.split_once('*'), address.rsplit_once('*')) {
        return shared_with_hidden(head.trim_start_matches('0'), tail, number);
    }
    if address == number {
        return Some(usize::MAX);
    }
    let address = address.trim_start_matches('0');
    let shared = address.bytes().rev().zip(number.bytes().rev()).take_while(|(one, other)| one == other).count();
    let is_whole = shared >= SHORT_DIGITS && shared == address.len().min(number.len());
    (shared >= TELLING_DIGITS || is_whole).then_some(shared)
}

/// The same for an address that begins with `head`, ends with `tail`, and hides what is between. `head` may lack the
/// country's code of at most three digits.
fn shared_with_hidden(head: &str, tail: &str, number: &str) -> Option<usize> {
    const COUNTRY_DIGITS: usize = 3;
    let is_head = (0..=COUNTRY_DIGITS).any(|skipped| number.get(skipped..).is_some_and(|rest| rest.starts_with(head)));
    let shared = head.len() + tail.len();
    (is_head && number.ends_with(tail) && shared <= number.len()).then_some(shared)
}

/// The last digits of a number, which tell it from others.
pub(super) fn tail(digits: &str) -> &str {
    digits.get(digits.len().saturating_sub(TELLING_DIGITS)..).unwrap_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_from_their_ends() {
        for (address, number, shared) in [
            ("18005559876", "18005559876", Some(usize::MAX)),
            ("8005559876", "18005559876", Some(10)),
            ("08005559876", "18005559876", Some(10)),
            ("01118005559876", "18005559876", Some(11)),
            ("00018005559876", "18005559876", Some(11)),
            ("07700900123", "447700900123", Some(10)),
            ("4407700900123", "447700900123", Some(10)),
            ("12025559876", "18005559876", Some(7)),
            ("23456", "29023456", Some(5)),
            ("3456", "29023456", None),
            ("18005559877", "18005559876", None),
            ("18005551234", "18005559876", None),
            ("1800555****", "18005559876", Some(7)),
            ("800555****", "18005559876", Some(6)),
            ("0800555****", "18005559876", Some(6)),
            ("*******9876", "18005559876", Some(4)),
            ("1800***9876", "18005559876", Some(8)),
            ("18005559***", "18005559876", Some(8)),
            ("1800*9876", "18005559876", Some(8)),
            ("1900555****", "18005559876", None),
            ("*******1234", "18005559876", None),
            ("18005559876*", "18005559876", Some(11)),
            ("18005559876*9876", "18005559876", None),
        ] {
            assert_eq!(shared_digits(address, number), shared, "{address} {number}");
        }
    }
}
