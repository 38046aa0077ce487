//! Cutting a text into segments, and never through a character.

use super::alphabet::{self, Septets};
use super::encoding::Encoding;

/// How the segments of one message are held together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cut {
    /// A user data header with an 8-bit reference (3GPP TS 23.040, 9.2.3.24.1).
    Udh8,
    /// A user data header with a 16-bit reference (3GPP TS 23.040, 9.2.3.24.8).
    Udh16,
    /// The carrier's own `sar_*` parameters (SMPP 3.4, 5.3.2.22 to 24), from which it makes a header.
    Sar,
    /// One piece of any length, which the carrier cuts (SMPP 3.4, 5.3.2.32 `message_payload`).
    Payload,
    /// Not at all: what does not fit one segment is refused.
    Refuse,
}

/// How many units fit.
pub(super) struct Limits {
    /// In a message of one segment.
    pub(super) single: usize,
    /// In each of several segments.
    pub(super) part: usize,
}

impl Limits {
    /// 140 octets in all: 160 septets, 140 octets or 70 code units. A header takes 6 octets with an 8-bit reference, 7
    /// with a 16-bit one.
    pub(super) const fn of(encoding: Encoding, cut: Cut) -> Self {
        let wide = matches!(cut, Cut::Udh16 | Cut::Sar);
        match encoding {
            Encoding::Gsm7 => Self { single: 160, part: if wide { 152 } else { 153 } },
            Encoding::Latin1 => Self { single: 140, part: if wide { 133 } else { 134 } },
            Encoding::Ucs2 => Self { single: 70, part: if wide { 66 } else { 67 } },
        }
    }
}

/// The most segments that a concatenation can count.
pub const SEGMENTS_MAX: usize = 255;

/// One segment's text, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its text: GSM-7 one septet in each octet, Latin-1, or UTF-16 big-endian.
    pub text: Vec<u8>,
    /// Its place, from 1.
    pub number: u8,
    /// How many there are.
    pub total: u8,
}

impl Segment {
    /// The user data header that holds this segment to its fellows, its length octet included; empty for the only
    /// segment.
    pub fn header(&self, cut: Cut, reference: u16) -> Vec<u8> {
        let [high, low] = reference.to_be_bytes();
        match cut {
            _ if self.total == 1 => Vec::new(),
            Cut::Udh8 => vec![5, 0x00, 3, low, self.total, self.number],
            Cut::Udh16 => vec![6, 0x08, 4, high, low, self.total, self.number],
            Cut::Sar | Cut::Payload | Cut::Refuse => Vec::new(),
        }
    }

    /// How many characters of the message it has, in Unicode scalar values. `encoding` is that of the cut.
    pub fn characters(&self, encoding: Encoding) -> usize {
        match encoding {
            Encoding::Gsm7 => self.text.iter().filter(|septet| **septet != alphabet::ESCAPE).count(),
            Encoding::Latin1 => self.text.len(),
            // The second half of a surrogate pair begins with these octets (RFC 2781, 2.1).
            Encoding::Ucs2 => self.text.chunks_exact(2).filter(|unit| !(0xDC..=0xDF).contains(&unit[0])).count(),
        }
    }
}

/// Why a text could not be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// The encoding does not have this character.
    #[error("the encoding does not have the character {0:?}")]
    NotEncodable(char),
    /// It takes more segments than may be sent.
    #[error("the text takes more than {SEGMENTS_MAX} segments, or more than one although it may not be split")]
    TooLong,
}

/// Cuts `text` into segments of `encoding`. There is always one at least; no character is ever torn.
///
/// # Errors
/// As [`SplitError`] says.
pub fn cut(text: &str, encoding: Encoding, cut: Cut) -> Result<Vec<Segment>, SplitError> {
    let pieces = pieces(text, encoding, cut)?;
    let total = u8::try_from(pieces.len()).map_err(|_| SplitError::TooLong)?;
    Ok(pieces.into_iter().zip(1..=u8::MAX).map(|(text, number)| Segment { text, number, total }).collect())
}

fn pieces(text: &str, encoding: Encoding, cut: Cut) -> Result<Vec<Vec<u8>>, SplitError> {
    let limits = Limits::of(encoding, cut);
    let mut whole = Vec::with_capacity(text.len());
    let mut units = 0;
    // Where each segment but the first would begin, in octets.
    let mut cuts = Vec::new();
    let mut filled = 0;
    for character in text.chars() {
        let cost = encoding.units(character).ok_or(SplitError::NotEncodable(character))?;
        if filled + cost > limits.part {
            cuts.push(whole.len());
            filled = 0;
        }
        filled += cost;
        units += cost;
        write(character, encoding, &mut whole);
    }
    if units <= limits.single || cut == Cut::Payload {
        return Ok(vec![whole]);
    }
    if cut == Cut::Refuse {
        return Err(SplitError::TooLong);
    }
    let ends = cuts.iter().copied().chain([whole.len()]);
    let starts = [0].into_iter().chain(cuts.iter().copied());
    Ok(starts.zip(ends).map(|(start, end)| whole[start..end].to_vec()).collect())
}

fn write(character: char, encoding: Encoding, out: &mut Vec<u8>) {
    match encoding {
        Encoding::Gsm7 => match alphabet::encode(character) {
            Some(Septets::One(septet)) => out.push(septet),
            Some(Septets::Escaped(septet)) => out.extend([alphabet::ESCAPE, septet]),
            None => {}
        },
        Encoding::Latin1 => out.extend(u8::try_from(u32::from(character))),
        Encoding::Ucs2 => out.extend(character.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes())),
    }
}

/// Reads UTF-16 big-endian, as UCS-2 arrives; what is not well formed becomes U+FFFD, an odd last octet is dropped.
pub fn decode_ucs2(octets: &[u8]) -> String {
    let units = octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::measure::measure;
    use super::*;
    use proptest::prelude::*;

    fn read(segment: &Segment, encoding: Encoding) -> String {
        match encoding {
            Encoding::Gsm7 => alphabet::decode(&segment.text),
            Encoding::Latin1 => segment.text.iter().map(|octet| char::from(*octet)).collect(),
            Encoding::Ucs2 => decode_ucs2(&segment.text),
        }
    }

    #[test]
    fn headers_are_the_specifications() {
        let segment = Segment { text: Vec::new(), number: 2, total: 3 };
        assert_eq!(segment.header(Cut::Udh8, 0x1234), [5, 0, 3, 0x34, 3, 2]);
        assert_eq!(segment.header(Cut::Udh16, 0x1234), [6, 8, 4, 0x12, 0x34, 3, 2]);
        assert!(segment.header(Cut::Sar, 0x1234).is_empty());
        assert!(Segment { text: Vec::new(), number: 1, total: 1 }.header(Cut::Udh8, 1).is_empty());
    }

    #[test]
    fn an_escape_and_a_surrogate_pair_stay_whole() {
        let text = format!("{}€", "a".repeat(152)) + &"b".repeat(20);
        let cut_up = cut(&text, Encoding::Gsm7, Cut::Udh8).unwrap();
        assert_eq!(cut_up[0].text.len(), 152);
        assert_eq!(cut_up[1].text[..2], [alphabet::ESCAPE, 0x65]);
        let text = format!("{}😀", "’".repeat(66)) + &"’".repeat(20);
        let cut_up = cut(&text, Encoding::Ucs2, Cut::Udh8).unwrap();
        assert_eq!(cut_up[0].text.len(), 132);
    }

    #[test]
    fn what_cannot_be_cut_is_refused() {
        assert_eq!(cut(&"a".repeat(161), Encoding::Gsm7, Cut::Refuse), Err(SplitError::TooLong));
        assert_eq!(cut(&"a".repeat(153 * 255 + 1), Encoding::Gsm7, Cut::Udh8), Err(SplitError::TooLong));
        assert_eq!(cut("ж", Encoding::Latin1, Cut::Udh8), Err(SplitError::NotEncodable('ж')));
        assert_eq!(cut(&"a".repeat(500), Encoding::Gsm7, Cut::Payload).unwrap().len(), 1);
    }

    fn cuts() -> impl Strategy<Value = Cut> {
        prop::sample::select(vec![Cut::Udh8, Cut::Udh16, Cut::Sar])
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn segments_join_to_the_text_and_none_is_too_long(text in "[a€{}\t😀’é ]{0,700}", how in cuts()) {
            let encoding = Encoding::of(&text);
            let limits = Limits::of(encoding, how);
            let segments = cut(&text, encoding, how).unwrap();
            let joined: String = segments.iter().map(|segment| read(segment, encoding)).collect();
            let expected = if encoding == Encoding::Gsm7 { text.replace('\t', " ") } else { text.clone() };
            prop_assert_eq!(joined, expected);
            for segment in &segments {
                prop_assert_eq!(segment.characters(encoding), read(segment, encoding).chars().count());
            }
            let unit_octets = if encoding == Encoding::Ucs2 { 2 } else { 1 };
            let limit = if segments.len() == 1 { limits.single } else { limits.part };
            prop_assert!(segments.iter().all(|segment| segment.text.len() <= limit * unit_octets));
            prop_assert!(segments.iter().all(|segment| !read(segment, encoding).contains(char::REPLACEMENT_CHARACTER)));
            if how == Cut::Udh8 {
                prop_assert_eq!(segments.len(), measure(&text).segments);
            }
        }

        #[test]
        fn any_octets_decode(octets: Vec<u8>) {
            decode_ucs2(&octets);
        }
    }
}
