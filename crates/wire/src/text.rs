//! What a message may say: every Unicode character but those that no handset shows.

/// A character that a message may not have, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCharacter {
    /// The character.
    pub character: char,
    /// Its place, from 1, counted in Unicode scalar values.
    pub position: usize,
}

/// Every character of `text` that SMS cannot carry, in order: control characters (general category Cc) but TAB, LF, FF and CR, and the
/// noncharacters of every plane (Unicode Standard, section 23.7).
pub fn invalid_characters(text: &str) -> Vec<InvalidCharacter> {
    if text.bytes().all(|byte| (0x20..0x7F).contains(&byte)) {
        return Vec::new();
    }
    let numbered = text.chars().enumerate().filter(|(_, character)| !is_valid(*character));
    numbered.map(|(index, character)| InvalidCharacter { character, position: index + 1 }).collect()
}

fn is_valid(character: char) -> bool {
    match character {
        '\t' | '\n' | '\u{0C}' | '\r' => true,
        '\u{FDD0}'..='\u{FDEF}' => false,
        _ => !character.is_control() && u32::from(character) & 0xFFFE != 0xFFFE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_invalid_character_is_listed_with_its_place() {
        for (text, expected) in [
            ("plain text", &[][..]),
            ("tab\tline\nform\u{0C}return\r", &[]),
            ("Hell\u{7}o", &[('\u{7}', 5)]),
            ("\0a\u{7F}b\u{85}", &[('\0', 1), ('\u{7F}', 3), ('\u{85}', 5)]),
            ("😀\u{1}", &[('\u{1}', 2)]),
            ("\u{FDCF}\u{FDD0}\u{FDEF}\u{FDF0}", &[('\u{FDD0}', 2), ('\u{FDEF}', 3)]),
            ("\u{FFFD}\u{FFFE}\u{FFFF}", &[('\u{FFFE}', 2), ('\u{FFFF}', 3)]),
            ("👩‍👩‍👧 ﷺ \u{E000} \u{200B}", &[]),
        ] {
            let found: Vec<_> = invalid_characters(text).into_iter().map(|found| (found.character, found.position)).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn the_last_two_of_every_plane_are_noncharacters() {
        for plane in 0..=16u32 {
            for last in [0xFFFE, 0xFFFF] {
                let character = char::from_u32(plane << 16 | last).unwrap();
                assert_eq!(invalid_characters(&character.to_string()).len(), 1, "{character:?}");
            }
            let valid = char::from_u32(plane << 16 | 0xFFFD).unwrap();
            assert!(invalid_characters(&valid.to_string()).is_empty(), "{valid:?}");
        }
    }

    proptest! {
        #[test]
        fn places_point_at_the_characters(text: String) {
            let characters: Vec<char> = text.chars().collect();
            for found in invalid_characters(&text) {
                prop_assert_eq!(characters[found.position - 1], found.character);
            }
        }
    }
}
