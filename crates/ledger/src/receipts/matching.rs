//! Which segment a receipt means: by the ids that it names, and by its addresses where an id alone does not say.

use std::time::Duration;

use model::{AddressText, MessageId, Timestamp};

use super::Filed;
use super::numbers::{TELLING_DIGITS, shared_digits};
use crate::contract::receipts::Receipt;

/// How many segments under one key are looked at, the newest first. A carrier may give every segment the same id.
pub const SEGMENTS_MAX: u32 = 500;

/// How long an id means one message only. Carriers count from the beginning again, and none tries to deliver for so
/// long.
const WINDOW: Duration = Duration::from_secs(7 * 86_400);

/// By how much clocks may differ, or be set back, between a message and its receipt.
pub(super) const CLOCKS: Duration = Duration::from_secs(300);

/// An id of so many characters is never given twice, so that no address speaks against it.
const UNMISTAKABLE_CHARS: usize = 12;

/// Where segments are looked up, and the messages that they are of.
pub trait Segments {
    /// Why a look fails.
    type Fault;

    /// The segments under a key, the newest message first: [`SEGMENTS_MAX`] at most.
    fn filed_under(&mut self, carrier: &str, key: &str) -> Result<Vec<Filed>, Self::Fault>;

    /// When a message was accepted, by the clock of then. The time in its id may be days ahead of that, after a clock
    /// was set back ([`model::Mint`]).
    fn accepted_at(&mut self, id: MessageId) -> Result<Timestamp, Self::Fault>;

    /// The digits of a message's originator; a name has none. Asked only for a receipt that does not name the
    /// recipient.
    fn originator_of(&mut self, id: MessageId) -> Result<Option<AddressText>, Self::Fault>;
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
pub fn find<S: Segments>(
    segments: &mut S,
    receipt: &Receipt,
    was_parked: bool,
) -> Result<Option<(usize, Filed)>, S::Fault> {
    let mut under_others = Vec::new();
    for (at, key) in receipt.keys.iter().enumerate() {
        let (mut of_recipient, mut of_nobody) = (Vec::new(), Vec::new());
        for filed in segments.filed_under(&receipt.carrier, key)? {
            match named(segments, receipt, &filed)? {
                // One that has its fate, and had the id long ago, says nothing of a new message to the same recipient.
                Named::Recipient(digits)
                    if !filed.fate.is_final() || is_in_window(segments, receipt, was_parked, &filed)? =>
                {
                    of_recipient.push((digits, filed));
                }
                Named::Nobody if is_in_window(segments, receipt, was_parked, &filed)? => of_nobody.push(filed),
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
fn is_in_window<S: Segments>(
    segments: &mut S,
    receipt: &Receipt,
    was_parked: bool,
    filed: &Filed,
) -> Result<bool, S::Fault> {
    let accepted_at = segments.accepted_at(filed.id)?;
    // An id that is given once means its message, however far the clock was set back after the message was accepted.
    let may_come_before = !was_parked || filed.key.len() >= UNMISTAKABLE_CHARS || accepted_at <= receipt.at + CLOCKS;
    Ok(receipt.at <= accepted_at + WINDOW && may_come_before)
}

fn named<S: Segments>(segments: &mut S, receipt: &Receipt, filed: &Filed) -> Result<Named, S::Fault> {
    if let Some(digits) = receipt.addresses.iter().filter_map(|address| shared_digits(address, &filed.recipient)).max()
    {
        return Ok(Named::Recipient(digits));
    }
    if filed.is_of_nobody() {
        return Ok(Named::Nobody);
    }
    let shown = |address: &str| address.bytes().filter(u8::is_ascii_digit).count();
    let mut others = receipt.addresses.iter().filter(|address| shown(address) >= TELLING_DIGITS).peekable();
    if others.peek().is_none() || filed.key.chars().count() >= UNMISTAKABLE_CHARS {
        return Ok(Named::Nobody);
    }
    let own = segments.originator_of(filed.id)?;
    let is_own = |address: &String| own.as_deref().is_some_and(|digits| shared_digits(address, digits).is_some());
    Ok(if others.all(is_own) { Named::Nobody } else { Named::Another })
}
