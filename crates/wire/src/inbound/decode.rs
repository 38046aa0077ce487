//! From the parts of a message to its text.

use super::{Coding, Decoded, UserData};
use crate::gsm::alphabet::ESCAPE;
use crate::gsm::{national, packed};

/// What the parts of a message say, in their order. Parts that follow each other and are coded alike are joined before
/// they are decoded, so that a character that the sender cut is whole. Where a part between them is missing, what
/// stands before and behind the gap is to be decoded by itself.
///
/// Octets that are no text in the way in which they say that they are coded make the whole data: nothing is guessed.
/// Half a character at either end, as a missing part leaves it, becomes U+FFFD, and so does half a pair of UTF-16.
pub fn decode(parts: &[UserData]) -> Decoded {
    let data = || Decoded::Binary(parts.iter().flat_map(|part| part.octets.iter().copied()).collect());
    let is_data = |part: &UserData| part.has_port || part.coding == Coding::Binary;
    let Some(first) = parts.first().filter(|_| !parts.iter().any(is_data)) else { return data() };
    let (mut text, mut coding, mut rest) = (String::new(), first.coding, parts);
    while let Some(first) = rest.first() {
        let alike = rest.iter().take_while(|part| is_alike(first, part)).count();
        let (run, next) = rest.split_at(alike);
        let Some(read) = text_of(first, run) else { return data() };
        text.push_str(&read);
        coding = wider(coding, first.coding);
        rest = next;
    }
    Decoded::Text(text, coding)
}

/// Whether the octets of one part go on in the other.
fn is_alike(one: &UserData, other: &UserData) -> bool {
    let form = |part: &UserData| (part.coding, part.single_shift, part.locking_shift);
    form(one) == form(other)
}

/// The coding with more characters of the two: what is said of a message whose parts are coded in several ways.
fn wider(one: Coding, other: Coding) -> Coding {
    const WIDEST_FIRST: [Coding; 3] = [Coding::Ucs2, Coding::Utf8, Coding::Latin1];
    WIDEST_FIRST.into_iter().find(|coding| [one, other].contains(coding)).unwrap_or(one)
}

/// The text of parts that are all coded as `form` is. `None` where it is none.
fn text_of(form: &UserData, parts: &[UserData]) -> Option<String> {
    let joined = || -> Vec<u8> { parts.iter().flat_map(|part| part.octets.iter().copied()).collect() };
    let gsm7 = |septets: &[u8]| national::decode(septets, form.single_shift, form.locking_shift);
    match form.coding {
        Coding::Gsm7 => Some(joined()).filter(|octets| octets.is_ascii()).map(|septets| gsm7(&septets)),
        Coding::Gsm7Packed => Some(gsm7(&unpacked(parts))),
        Coding::Latin1 => Some(without_end_mark(joined().iter().map(|octet| char::from(*octet)).collect())),
        Coding::Ascii => String::from_utf8(joined()).ok().filter(|text| text.is_ascii()).map(without_end_mark),
        Coding::Utf8 => utf8(&joined()).map(without_end_mark),
        Coding::Ucs2 => utf16(parts).map(without_end_mark),
        Coding::Binary => None,
    }
}

/// Some carriers end a text as C does, with NULs.
fn without_end_mark(mut text: String) -> String {
    text.truncate(text.trim_end_matches('\0').len());
    text
}

/// The septets of packed parts. Nothing counts them, so that seven bits left over behind the last one of a part look
/// like another: zeros, or the CR that some fill them with (3GPP TS 23.038, 6.1.2.3.1). At the end of a text they are
/// no character. Inside a text they are one, unless the next part begins with an escape: then the sender ended the part
/// early so as not to cut a character.
fn unpacked(parts: &[UserData]) -> Vec<u8> {
    let mut septets = Vec::new();
    let each: Vec<(Vec<u8>, bool)> = parts.iter().map(unpacked_part).collect();
    for (at, (part, has_filler)) in each.iter().enumerate() {
        let next = each.get(at + 1).map(|(next, _)| next.first());
        let is_filler = *has_filler && next.is_none_or(|first| first == Some(&ESCAPE));
        let kept = part.len() - usize::from(is_filler);
        septets.extend_from_slice(part.get(..kept).unwrap_or_default());
    }
    septets
}

/// The septets of one part, and whether the last may be nothing but filled bits: it is zero or CR, and ends with the
/// last octet.
fn unpacked_part(part: &UserData) -> (Vec<u8>, bool) {
    let bits = part.octets.len() * 8;
    let septets = packed::unpack(&part.octets, part.fill_bits, bits / 7);
    let ends_with_octet = usize::from(part.fill_bits) + septets.len() * 7 == bits;
    let may_be_filler = ends_with_octet && septets.last().is_some_and(|last| matches!(last, 0 | b'\r'));
    (septets, may_be_filler)
}

/// UTF-8 with or without its mark. Only at its ends may a character be cut.
fn utf8(octets: &[u8]) -> Option<String> {
    let octets = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets);
    let cut = octets.iter().take(3).take_while(|octet| **octet & 0xC0 == 0x80).count();
    let whole = octets.get(cut..)?;
    let mut text = String::from(if cut > 0 { "\u{FFFD}" } else { "" });
    match str::from_utf8(whole) {
        Ok(read) => text.push_str(read),
        Err(error) if error.error_len().is_none() => {
            text.push_str(str::from_utf8(whole.get(..error.valid_up_to())?).ok()?);
            text.push(char::REPLACEMENT_CHARACTER);
        }
        Err(_) => return None,
    }
    Some(text)
}

/// UTF-16, big-endian unless a mark says otherwise, with the mark before the whole or before each part. An odd last
/// octet is dropped; an octet alone is no text.
fn utf16(parts: &[UserData]) -> Option<String> {
    type Unit = fn([u8; 2]) -> u16;
    const BIG: &[u8] = &[0xFE, 0xFF];
    const LITTLE: &[u8] = &[0xFF, 0xFE];
    let all_begin_with = |mark: &[u8]| parts.iter().all(|part| part.octets.starts_with(mark));
    let (mark, unit): (&[u8], Unit) = match () {
        () if all_begin_with(LITTLE) => (LITTLE, u16::from_le_bytes),
        () if all_begin_with(BIG) => (BIG, u16::from_be_bytes),
        () => (&[], u16::from_be_bytes),
    };
    let without = |part: &UserData| part.octets.strip_prefix(mark).unwrap_or(&part.octets).to_vec();
    let octets: Vec<u8> = parts.iter().flat_map(without).collect();
    let (octets, unit) = match (octets.strip_prefix(BIG), octets.strip_prefix(LITTLE)) {
        (Some(rest), _) if mark.is_empty() => (rest, unit),
        (_, Some(rest)) if mark.is_empty() => (rest, u16::from_le_bytes as Unit),
        _ => (&octets[..], unit),
    };
    if octets.len() == 1 {
        return None;
    }
    let units = octets.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    Some(char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

#[cfg(test)]
mod tests;
