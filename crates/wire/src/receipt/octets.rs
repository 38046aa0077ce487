//! The octets of a receipt's text. Their label (`data_coding`) is often wrong, so it only orders the readings that
//! [`readings`] offers.

use crate::gsm::{alphabet, packed};
use crate::smpp::constants::data_coding;

/// Marks of byte order, which some carriers write before a text (Unicode, 23.8).
const UTF_16_BE_MARK: &[u8] = &[0xFE, 0xFF];
const UTF_16_LE_MARK: &[u8] = &[0xFF, 0xFE];
const UTF_8_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// A way to read a text: from its octets, their label and the length of the header before them.
type Way = fn(&[u8], u8, usize) -> Vec<String>;

/// The ways to read a text, likeliest first.
const WAYS: [Way; 5] = [wide, narrow, counted, packed, hexadecimal];

/// The texts that `octets` may be when they are a receipt's, likeliest first: UTF-16 of either byte order where more
/// than half of it is ASCII, single octets whatever the label says, the same behind an octet that counts them, packed
/// septets, and hexadecimal digits.
///
/// `header_octets` is the length of the user data header that was cut off before: packed septets begin at the next
/// boundary after it.
pub fn readings(octets: &[u8], label: u8, header_octets: usize) -> impl Iterator<Item = String> {
    WAYS.into_iter().flat_map(move |way| way(octets, label, header_octets))
}

/// UTF-16 of either byte order.
fn wide(octets: &[u8], _: u8, _: usize) -> Vec<String> {
    // Every ASCII character of UTF-16 has a zero.
    if !octets.contains(&0) {
        return Vec::new();
    }
    let readings =
        [utf16(octets, UTF_16_BE_MARK, u16::from_be_bytes), utf16(octets, UTF_16_LE_MARK, u16::from_le_bytes)];
    readings.into_iter().flatten().collect()
}

/// One character in each octet. Plain ASCII has one reading. Other octets may be signs of the GSM alphabet (its `_` is
/// 0x11), Latin-1, control characters between the fields, or ASCII with a parity bit.
fn narrow(octets: &[u8], label: u8, _: usize) -> Vec<String> {
    let octets = without_mark(octets, UTF_8_MARK);
    if octets.iter().all(is_plain) {
        return str::from_utf8(octets).map(|text| vec![text.to_owned()]).unwrap_or_default();
    }
    let latin = || octets.iter().map(|octet| char::from(*octet)).collect();
    let gsm = || alphabet::decode(octets);
    if octets.is_ascii() && !matches!(label, data_coding::IA5 | data_coding::LATIN1) {
        vec![gsm(), latin()]
    } else {
        vec![latin(), gsm()]
    }
}

/// Single octets behind one that says how many there are.
fn counted(octets: &[u8], label: u8, _: usize) -> Vec<String> {
    let rest = octets.split_first().filter(|(count, rest)| usize::from(**count) == rest.len()).map(|(_, rest)| rest);
    rest.map(|rest| narrow(rest, label, 0)).unwrap_or_default()
}

/// Packed septets: after a header at the next boundary of septets, and without regard to it.
fn packed(octets: &[u8], _: u8, header_octets: usize) -> Vec<String> {
    let unpacked = |fill_bits: u8| {
        let mut septets = packed::unpack(octets, fill_bits, octets.len() * 8 / 7);
        // Seven bits are left over behind the last septet of seven octets, and some carriers fill them with zeros.
        septets.pop_if(|septet| octets.len().is_multiple_of(7) && *septet == 0);
        if septets.iter().all(is_plain) {
            septets.iter().map(|septet| char::from(*septet)).collect()
        } else {
            alphabet::decode(&septets)
        }
    };
    match packed::fill_bits(header_octets) {
        0 => vec![unpacked(0)],
        fill_bits => vec![unpacked(fill_bits), unpacked(0)],
    }
}

/// Single octets that are spelt in hexadecimal digits.
fn hexadecimal(octets: &[u8], label: u8, _: usize) -> Vec<String> {
    let digit = |octet: u8| char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let octet = |pair: &[u8]| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?);
    let spelt: Option<Vec<u8>> = octets.chunks(2).map(octet).collect();
    spelt.filter(|octets| !octets.is_empty()).map(|octets| narrow(&octets, label, 0)).unwrap_or_default()
}

fn is_plain(octet: &u8) -> bool {
    (0x20..0x7F).contains(octet) || b"\r\n\t\0".contains(octet)
}

/// How many units from the beginning of a text tell whether it is UTF-16: fewer than the fields before the repeated
/// message have, which may be in any script.
const TELLING_UNITS: usize = 24;

/// UTF-16, where more than half of it, or of its beginning, is ASCII, as the fields of a receipt are. ASCII that is
/// read so shows no ASCII at all. An odd last octet is dropped.
fn utf16(octets: &[u8], mark: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let octets = without_mark(octets, mark);
    let units = || octets.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let is_plain_unit = |unit: &u16| u8::try_from(*unit).is_ok_and(|octet| octet != 0 && is_plain(&octet));
    let is_mostly_plain =
        |most: usize| units().take(most).filter(is_plain_unit).count() * 2 > units().take(most).count();
    let is_text = is_mostly_plain(usize::MAX) || is_mostly_plain(TELLING_UNITS);
    is_text.then(|| {
        char::decode_utf16(units()).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    })
}

fn without_mark<'a>(octets: &'a [u8], mark: &[u8]) -> &'a [u8] {
    octets.strip_prefix(mark).unwrap_or(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "id:77d0a1f3 sub:001 dlvrd:001 stat:DELIVRD err:000 text:Hello";

    fn utf16_of(text: &str, octets: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(octets).collect()
    }

    /// Every way in which a text was seen to be written.
    fn writings(text: &str) -> Vec<Vec<u8>> {
        let (be, le) = (utf16_of(text, u16::to_be_bytes), utf16_of(text, u16::to_le_bytes));
        vec![
            text.as_bytes().to_vec(),
            be.clone(),
            le.clone(),
            [UTF_16_BE_MARK, &be].concat(),
            [UTF_16_LE_MARK, &le].concat(),
            [UTF_8_MARK, text.as_bytes()].concat(),
            packed::pack(text.as_bytes(), 0),
            [&[text.len() as u8], text.as_bytes()].concat(),
            text.bytes().map(|octet| format!("{octet:02X}")).collect::<String>().into_bytes(),
            text.bytes().map(|octet| octet | 0x80).collect(),
            // The first or the last octet of UTF-16 is missing.
            be[1..].to_vec(),
            be[..be.len() - 1].to_vec(),
        ]
    }

    #[test]
    fn a_text_is_read_whatever_its_label_says() {
        for label in [0, 1, 2, 3, 4, 8, 0x10, 0x18, 0xF0, 0xF4, 0xFF] {
            for octets in writings(TEXT) {
                let found = readings(&octets, label, 0)
                    .any(|text| text.trim_end_matches(['\r', '@']).contains(&TEXT[1..TEXT.len() - 1]));
                assert!(found, "label {label}: {octets:02x?}");
            }
        }
    }

    #[test]
    fn ascii_is_never_read_as_utf_16() {
        for label in [0, 8] {
            assert_eq!(readings(TEXT.as_bytes(), label, 0).next().as_deref(), Some(TEXT));
        }
    }

    #[test]
    fn a_long_message_in_another_script_does_not_hide_the_fields() {
        for length in [1, 40, 70, 400] {
            let text = format!("id:X stat:DELIVRD err:000 text:{}", "日".repeat(length));
            for octets in [utf16_of(&text, u16::to_be_bytes), utf16_of(&text, u16::to_le_bytes)] {
                assert_eq!(readings(&octets, 8, 0).next().as_deref(), Some(text.as_str()), "{length}");
            }
        }
    }

    #[test]
    fn packed_septets_begin_at_a_boundary_after_a_header() {
        let octets = packed::pack(TEXT.as_bytes(), packed::fill_bits(6));
        assert!(readings(&octets, 0, 6).any(|text| text.starts_with(TEXT)));
    }

    #[test]
    fn the_sign_of_the_gsm_alphabet_is_read_where_the_label_allows_it() {
        let first = |label| readings(b"id:a\x11b stat:DELIVRD", label, 0).next();
        assert_eq!(first(0).as_deref(), Some("id:a_b stat:DELIVRD"));
        assert_eq!(first(3).as_deref(), Some("id:a\u{11}b stat:DELIVRD"));
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn any_octets_have_readings(octets: Vec<u8>, label: u8, header_octets in 0usize..300) {
            prop_assert!(readings(&octets, label, header_octets).count() <= 12);
        }
    }
}
