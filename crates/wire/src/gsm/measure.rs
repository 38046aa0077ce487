//! What a text takes: its encoding, its units and its segments.

use super::alphabet;
use super::encoding::Encoding;
use super::segment::{Cut, Limits};

/// What a text takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The encoding that it needs.
    pub encoding: Encoding,
    /// Unicode scalar values.
    pub characters: usize,
    /// Septets of GSM-7, or UTF-16 code units.
    pub units: usize,
    /// Segments, when cut with the usual 8-bit reference.
    pub segments: usize,
}

/// Measures `text` in the encoding that it needs. An empty text takes one segment.
pub fn measure(text: &str) -> Measure {
    let encoding = Encoding::of(text);
    let limits = Limits::of(encoding, Cut::Udh8);
    let (mut characters, mut units, mut segments, mut filled) = (0, 0, 1, 0);
    for character in text.chars() {
        let cost = encoding.units(character).unwrap_or(1);
        characters += 1;
        units += cost;
        // A character's units stay together, so a segment may end one unit early.
        if filled + cost > limits.part {
            segments += 1;
            filled = 0;
        }
        filled += cost;
    }
    if units <= limits.single {
        segments = 1;
    }
    Measure { encoding, characters, units, segments }
}

/// A character for which a text is UCS-2, and where it stands first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ucs2Character {
    /// The character, which GSM-7 does not have.
    pub character: char,
    /// Its first place, from 1, counted in Unicode scalar values.
    pub position: usize,
}

/// The characters for which `text` is UCS-2: the first `max` different ones that GSM-7 does not have, each at its first
/// place. None of a text that is GSM-7.
pub fn ucs2_characters(text: &str, max: usize) -> Vec<Ucs2Character> {
    let mut found: Vec<Ucs2Character> = Vec::new();
    let foreign = text.chars().enumerate().filter(|(_, character)| alphabet::encode(*character).is_none());
    for (index, character) in foreign {
        if found.len() == max {
            break;
        }
        if !found.iter().any(|known| known.character == character) {
            found.push(Ucs2Character { character, position: index + 1 });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_counted_as_they_will_be_cut() {
        for (text, encoding, units, segments) in [
            (String::new(), Encoding::Gsm7, 0, 1),
            ("a".repeat(160), Encoding::Gsm7, 160, 1),
            ("a".repeat(161), Encoding::Gsm7, 161, 2),
            ("a".repeat(306), Encoding::Gsm7, 306, 2),
            ("a".repeat(307), Encoding::Gsm7, 307, 3),
            ("€".repeat(80), Encoding::Gsm7, 160, 1),
            // 153 is odd: an escape that would straddle the cut moves over, and a septet stays unused.
            ("€".repeat(153), Encoding::Gsm7, 306, 3),
            ("é’".repeat(35), Encoding::Ucs2, 70, 1),
            ("’".repeat(71), Encoding::Ucs2, 71, 2),
            ("’".repeat(134), Encoding::Ucs2, 134, 2),
            ("’".repeat(135), Encoding::Ucs2, 135, 3),
            ("😀".repeat(35), Encoding::Ucs2, 70, 1),
            // 67 is odd: 33 pairs to a segment.
            ("😀".repeat(67), Encoding::Ucs2, 134, 3),
            ("tab\tand\u{0C}feed".to_owned(), Encoding::Gsm7, 13, 1),
        ] {
            let measured = measure(&text);
            assert_eq!((measured.encoding, measured.units, measured.segments), (encoding, units, segments), "{text:?}");
            assert_eq!(measured.characters, text.chars().count());
        }
    }

    #[test]
    fn what_makes_a_text_ucs2_is_named_once_and_at_its_first_place() {
        for (text, max, expected) in [
            ("3:30 PM, café, €5 [ok]", 9, &[][..]),
            ("3:30\u{202F}PM", 9, &[('\u{202F}', 5)]),
            ("“a” “b” – it’s", 9, &[('“', 1), ('”', 3), ('–', 9), ('’', 13)]),
            ("ЖЖЗЗИИ", 2, &[('Ж', 1), ('З', 3)]),
            ("😀", 0, &[]),
        ] {
            let found: Vec<_> =
                ucs2_characters(text, max).into_iter().map(|found| (found.character, found.position)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
