use super::*;
use crate::gsm::alphabet::{self, Septets};
use proptest::prelude::*;

fn said(parts: &[UserData]) -> Option<String> {
    match decode(parts) {
        Decoded::Text(text, _) => Some(text),
        Decoded::Binary(_) => None,
    }
}

#[test]
fn texts_are_read_in_every_coding() {
    use Coding::{Ascii, Binary, Gsm7, Gsm7Packed, Latin1, Ucs2, Utf8};
    for (coding, octets, text) in [
        (Gsm7, &b"\x00 \x02 \x1B\x65 \x1B"[..], Some("@ $ € ")),
        (Gsm7, b"", Some("")),
        (Gsm7, b"caf\xE9", None),
        (Gsm7Packed, &[0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37], Some("hellohello")),
        (Latin1, b"caf\xE9 \xA3", Some("café £")),
        (Latin1, b"STOP\0", Some("STOP")),
        (Ascii, b"STOP\0\0", Some("STOP")),
        (Ascii, b"caf\xE9", None),
        (Ucs2, b"\0S\0T\0O\0P", Some("STOP")),
        (Ucs2, b"\xFE\xFF\0H\0i", Some("Hi")),
        (Ucs2, b"\xFF\xFEH\0i\0", Some("Hi")),
        (Ucs2, b"\0H\0i\0", Some("Hi")),
        (Ucs2, b"\0H\0i\0\0", Some("Hi")),
        (Ucs2, b"\xD8\x3D\xDE\x00", Some("😀")),
        (Ucs2, b"\xD8\x3D\0!", Some("\u{FFFD}!")),
        (Ucs2, b"\0", None),
        (Ucs2, b"", Some("")),
        (Utf8, "Grüße 😀".as_bytes(), Some("Grüße 😀")),
        (Utf8, b"\xEF\xBB\xBFHi", Some("Hi")),
        (Utf8, b"Hi \xF0\x9F\x98", Some("Hi \u{FFFD}")),
        (Utf8, b"\x98\x80!", Some("\u{FFFD}!")),
        (Utf8, b"a\xFFb", None),
        (Binary, b"Hi", None),
    ] {
        let data = UserData::new(coding, octets.to_vec());
        assert_eq!(said(std::slice::from_ref(&data)).as_deref(), text, "{coding:?} {octets:02x?}");
        let to_a_port = UserData { has_port: true, ..data };
        assert_eq!(decode(&[to_a_port]), Decoded::Binary(octets.to_vec()), "{coding:?}");
    }
}

#[test]
fn seven_bits_behind_packed_septets_are_no_character() {
    for text in ["STOPALL", "1234567", "a", "12345678"] {
        let with_cr = packed::pack(text.as_bytes(), 0);
        let mut with_zeros = with_cr.clone();
        if text.len() == 7 {
            with_zeros[6] &= 1;
        }
        for octets in [with_cr, with_zeros] {
            assert_eq!(said(&[UserData::new(Coding::Gsm7Packed, octets)]).as_deref(), Some(text));
        }
    }
}

#[test]
fn a_packed_part_that_ends_early_before_an_escape_has_no_filler_in_the_text() {
    // 152 septets behind a header of 6 octets leave seven bits over; the next one would have been the escape.
    let packed = |septets: &[u8]| UserData {
        fill_bits: packed::fill_bits(6),
        ..UserData::new(Coding::Gsm7Packed, packed::pack(septets, packed::fill_bits(6)))
    };
    let (early, full) = ([b'x'; 152], [[b'x'; 152].as_slice(), &[0]].concat());
    let (euro, plain) = ([ESCAPE, 0x65], [b'!']);
    assert_eq!(said(&[packed(&early), packed(&euro)]), Some(format!("{}€", "x".repeat(152))));
    assert_eq!(said(&[packed(&full), packed(&plain)]), Some(format!("{}@!", "x".repeat(152))));
}

#[test]
fn parts_in_several_codings_are_decoded_one_by_one() {
    let (gsm, wide) =
        (UserData::new(Coding::Gsm7, b"\x00a".to_vec()), |octets: &[u8]| UserData::new(Coding::Ucs2, octets.to_vec()));
    // The pair that is cut between the two wide parts is whole all the same.
    let parts = [gsm.clone(), wide(b"\xD8\x3D"), wide(b"\xDE\x00"), gsm.clone()];
    assert_eq!(decode(&parts), Decoded::Text("@a😀@a".to_owned(), Coding::Ucs2));
    let tables = [gsm.clone(), UserData { locking_shift: 1, ..UserData::new(Coding::Gsm7, vec![0x40]) }];
    assert_eq!(decode(&tables), Decoded::Text("@aİ".to_owned(), Coding::Gsm7));
    let with_data = [gsm, UserData::new(Coding::Binary, vec![7])];
    assert_eq!(decode(&with_data), Decoded::Binary(vec![0, b'a', 7]));
}

#[test]
fn a_mark_before_each_part_is_no_character() {
    let part = |text: &str| {
        let octets = std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        UserData::new(Coding::Ucs2, octets)
    };
    assert_eq!(said(&[part("ab"), part("cd")]).as_deref(), Some("abcd"));
}

/// Characters of the GSM alphabet, its extension table among them.
fn of_gsm() -> impl Strategy<Value = String> {
    let all: Vec<char> = (0..=0x7F).map(alphabet::character).chain("^{}\\[~]|€".chars()).collect();
    let all: Vec<char> = all.into_iter().filter(|character| alphabet::encode(*character).is_some()).collect();
    prop::collection::vec(prop::sample::select(all), 0..400).prop_map(String::from_iter)
}

fn septets(text: &str) -> Vec<u8> {
    let septets = |character| match alphabet::encode(character) {
        Some(Septets::One(septet)) => vec![septet],
        Some(Septets::Escaped(septet)) => vec![ESCAPE, septet],
        None => Vec::new(),
    };
    text.chars().flat_map(septets).collect()
}

/// Cuts octets at these places, as a sender does that knows of no characters.
fn cut(octets: &[u8], places: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut places: Vec<usize> = places.iter().map(|place| place.index(octets.len() + 1)).collect();
    places.sort_unstable();
    let starts = [0].into_iter().chain(places.iter().copied());
    starts.zip(places.iter().copied().chain([octets.len()])).map(|(start, end)| octets[start..end].to_vec()).collect()
}

fn places() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 0..5)
}

proptest! {
    #![proptest_config(trials::config(256))]

    #[test]
    fn a_text_that_is_cut_anywhere_is_read_exactly(
        text in "\\PC{0,200}",
        gsm in of_gsm(),
        latin in "[ -~\u{A0}-\u{FF}]{0,300}",
        ascii in "[ -~]{0,300}",
        places in places(),
    ) {
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let one_each = |text: &str| -> Vec<u8> {
            text.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect()
        };
        for (coding, octets, expected) in [
            (Coding::Gsm7, septets(&gsm), &gsm),
            (Coding::Latin1, one_each(&latin), &latin),
            (Coding::Ascii, one_each(&ascii), &ascii),
            (Coding::Utf8, text.as_bytes().to_vec(), &text),
            (Coding::Ucs2, utf16, &text),
        ] {
            // A mark at the beginning says how it is written; it is no part of the text.
            let expected = expected.strip_prefix('\u{FEFF}').unwrap_or(expected);
            let parts: Vec<UserData> =
                cut(&octets, &places).into_iter().map(|octets| UserData::new(coding, octets)).collect();
            prop_assert_eq!(decode(&parts), Decoded::Text(expected.to_owned(), coding));
        }
    }

    #[test]
    fn packed_septets_that_are_cut_anywhere_are_read_exactly(
        gsm in of_gsm(),
        header_octets in prop::sample::select(vec![0usize, 6, 7, 9]),
        room in 1usize..160,
    ) {
        // Zeros and CR at the end cannot be told from filled bits.
        let text = gsm.trim_end_matches(['@', '\r']);
        let septets = septets(text);
        let fill_bits = packed::fill_bits(header_octets);
        let parts: Vec<UserData> = septets
            .chunks(room)
            .map(|part| UserData {
                fill_bits,
                ..UserData::new(Coding::Gsm7Packed, packed::pack(part, fill_bits))
            })
            .collect();
        // Seven bits left over in the middle of a text are a character, and the reverse, as `unpacked` says.
        let has_filler_inside = parts.len() > 1 && (usize::from(fill_bits) + room * 7) % 8 == 1;
        let is_escape_at_boundary = septets.chunks(room).skip(1).any(|part| part.first() == Some(&ESCAPE));
        prop_assume!(!parts.is_empty() && !has_filler_inside && !is_escape_at_boundary);
        prop_assert_eq!(said(&parts), Some(text.to_owned()));
    }

    #[test]
    fn any_parts_are_decoded(
        parts in prop::collection::vec(
            (prop::sample::select(&Coding::ALL), any::<Vec<u8>>(), 0u8..16, 0u8..16, 0u8..=6),
            0..4,
        ),
    ) {
        let parts: Vec<UserData> = parts
            .into_iter()
            .map(|(coding, octets, single_shift, locking_shift, fill_bits)| UserData {
                single_shift,
                locking_shift,
                fill_bits,
                ..UserData::new(coding, octets)
            })
            .collect();
        decode(&parts);
    }
}
