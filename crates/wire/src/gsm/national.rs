//! The alphabet with the tables of a national language in it (3GPP TS 23.038, 6.2.1.2): a locking shift table replaces
//! the default alphabet, a single shift table its extension table.

use super::alphabet::{self, ESCAPE};

mod tables;

use tables::Table;

/// The single shift tables by the number of their language (3GPP TS 23.038, 6.2.1.2.4), from 1.
const SINGLE: [&Table; 13] = [
    &tables::TURKISH_SINGLE,
    &tables::SPANISH_SINGLE,
    &tables::PORTUGUESE_SINGLE,
    &tables::BENGALI_SINGLE,
    &tables::GUJARATI_SINGLE,
    &tables::HINDI_SINGLE,
    &tables::KANNADA_SINGLE,
    &tables::MALAYALAM_SINGLE,
    &tables::ORIYA_SINGLE,
    &tables::PUNJABI_SINGLE,
    &tables::TAMIL_SINGLE,
    &tables::TELUGU_SINGLE,
    &tables::URDU_SINGLE,
];

/// The locking shift tables by the number of their language. Spanish, number 2, has none.
const LOCKING: [Option<&Table>; 13] = [
    Some(&tables::TURKISH_LOCKING),
    None,
    Some(&tables::PORTUGUESE_LOCKING),
    Some(&tables::BENGALI_LOCKING),
    Some(&tables::GUJARATI_LOCKING),
    Some(&tables::HINDI_LOCKING),
    Some(&tables::KANNADA_LOCKING),
    Some(&tables::MALAYALAM_LOCKING),
    Some(&tables::ORIYA_LOCKING),
    Some(&tables::PUNJABI_LOCKING),
    Some(&tables::TAMIL_LOCKING),
    Some(&tables::TELUGU_LOCKING),
    Some(&tables::URDU_LOCKING),
];

/// The numbers of the languages that have tables.
pub const LANGUAGES: std::ops::RangeInclusive<u8> = 1..=13;

/// Reads septets that stand one in each octet, with the tables of these languages; 0, and a number without a table, is
/// the default one. Lenient as [`alphabet::decode`] is: a code that a table lacks shows what the table before it shows,
/// a high bit is ignored, an escape at the end is dropped.
pub fn decode(septets: &[u8], single_shift: u8, locking_shift: u8) -> String {
    let single = of_language(single_shift).and_then(|at| SINGLE.get(at).copied());
    let locking = of_language(locking_shift).and_then(|at| LOCKING.get(at).copied().flatten());
    let plain = |code| locking.and_then(|table| character(table, code)).unwrap_or_else(|| alphabet::character(code));
    let escaped = |code| single.map_or_else(|| alphabet::extension(code), |table| character(table, code));
    let mut text = String::with_capacity(septets.len());
    let mut septets = septets.iter().map(|octet| octet & 0x7F);
    while let Some(septet) = septets.next() {
        if septet != ESCAPE {
            text.push(plain(septet));
        } else if let Some(code) = septets.next() {
            text.push(escaped(code).unwrap_or_else(|| plain(code)));
        }
    }
    text
}

/// The place of a language in the lists.
fn of_language(number: u8) -> Option<usize> {
    usize::from(number).checked_sub(1)
}

fn character(table: &Table, code: u8) -> Option<char> {
    let point = *table.get(usize::from(code))?;
    char::from_u32(point.into()).filter(|_| point != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn characters_of_each_language_are_read_by_its_tables() {
        for (septets, single, locking, text) in [
            // Turkish: a capital I with a dot, a small one without, s with a cedilla; the euro in both of its places.
            (&[0x40, 0x07, 0x1C, 0x04][..], 0, 1, "İıŞ€"),
            (&[0x1B, 0x49, 0x1B, 0x69, 0x1B, 0x53, 0x1B, 0x65], 1, 0, "İıŞ€"),
            // Spanish has no locking table: the default alphabet stays.
            (&[0x1B, 0x61, 0x1B, 0x6F, 0x05, 0x40], 2, 2, "áóé¡"),
            (&[0x1B, 0x5B, 0x0B, 0x12], 3, 3, "ÃÔª"),
            (&[0x03, 0x15, 0x59], 0, 6, "अके"),
            (&[0x1B, 0x1C], 6, 0, "०"),
            // An unknown language, and none.
            (&[0x40, 0x1B, 0x65], 14, 200, "¡€"),
            (&[0x40, 0x1B, 0x65], 0, 0, "¡€"),
            // A code that the tables lack, an escape of the escape, an escape at the end.
            (&[0x1B, 0x41, 0x1B], 1, 1, "A"),
        ] {
            assert_eq!(decode(septets, single, locking), text, "{septets:02x?} {single} {locking}");
        }
    }

    #[test]
    fn digits_and_the_line_feed_stand_at_their_places_in_every_locking_table() {
        for (at, table) in LOCKING.iter().enumerate() {
            let Some(table) = table else { continue };
            for code in (b'0'..=b'9').chain([b'\n', b'\r', b' ', b'!', b',', b'.', b'?']) {
                assert_eq!(table[usize::from(code)], u16::from(code), "language {}: {code:02x}", at + 1);
            }
        }
    }

    #[test]
    fn no_table_has_a_character_twice_but_those_that_the_specification_repeats() {
        for (at, table) in LOCKING.iter().enumerate().filter_map(|(at, table)| Some((at + 1, (*table)?))) {
            let mut points: Vec<u16> = table.iter().copied().filter(|point| *point != 0).collect();
            points.sort_unstable();
            let repeated: Vec<u16> = points.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
            assert!(repeated.is_empty(), "language {at}: {repeated:04x?}");
        }
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn any_octets_decode_in_any_language(octets: Vec<u8>, single: u8, locking: u8) {
            decode(&octets, single, locking);
        }

        #[test]
        fn without_a_language_it_is_the_default_alphabet(octets: Vec<u8>) {
            prop_assert_eq!(decode(&octets, 0, 0), alphabet::decode(&octets));
        }
    }
}
