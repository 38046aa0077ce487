//! What a message may say: every Unicode character but those that no handset shows.

use std::borrow::Cow;
use std::fmt;

/// A Unicode code point: a character, or one half of a surrogate pair (Unicode Standard, section 3.8) that stands
/// alone.
///
/// It displays as the character; a surrogate, which no text can hold, displays as its JSON escape, in six characters
/// such as `\ud83d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePoint(u32);

impl CodePoint {
    /// Its number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl From<char> for CodePoint {
    fn from(character: char) -> Self {
        Self(u32::from(character))
    }
}

impl fmt::Display for CodePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match char::from_u32(self.0) {
            Some(character) => write!(f, "{character}"),
            None => write!(f, "\\u{:04x}", self.0),
        }
    }
}

/// A character that a message may not have, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCharacter {
    /// The character.
    pub character: CodePoint,
    /// Its place, from 1, counted in Unicode scalar values. A lone surrogate counts as one.
    pub position: usize,
}

/// A text as JSON can hold it: characters, and surrogates that stand alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LooseText {
    /// The text, with U+FFFD in the place of each lone surrogate.
    text: String,
    /// The lone surrogates, in the order of the text. A text of characters alone has none.
    lone: Vec<InvalidCharacter>,
}

impl LooseText {
    /// The text of these octets: UTF-8 in which surrogates may stand alone, three octets each (WTF-8). `None` for
    /// anything else.
    pub fn from_wtf8(octets: &[u8]) -> Option<Self> {
        let (mut loose, mut rest, mut position) = (Self::default(), octets, 0);
        while !rest.is_empty() {
            let valid = match std::str::from_utf8(rest) {
                Ok(text) => text,
                Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).ok()?,
            };
            loose.text.push_str(valid);
            position += valid.chars().count();
            rest = &rest[valid.len()..];
            match rest {
                [] => {}
                [0xED, high @ 0xA0..=0xBF, low @ 0x80..=0xBF, more @ ..] => {
                    let number = 0xD000 | u32::from(high & 0x3F) << 6 | u32::from(low & 0x3F);
                    position += 1;
                    loose.text.push(char::REPLACEMENT_CHARACTER);
                    loose.lone.push(InvalidCharacter { character: CodePoint(number), position });
                    rest = more;
                }
                _ => return None,
            }
        }
        Some(loose)
    }

    /// The text, with U+FFFD in the place of each lone surrogate.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The octets of the text: UTF-8, in which a lone surrogate is the three octets that no character has (WTF-8). Two
    /// texts are the same where their octets are.
    pub fn to_wtf8(&self) -> Cow<'_, [u8]> {
        if self.lone.is_empty() {
            return Cow::Borrowed(self.text.as_bytes());
        }
        let (mut octets, mut lone) = (Vec::with_capacity(self.text.len()), self.lone.iter().peekable());
        for (index, character) in self.text.chars().enumerate() {
            match lone.next_if(|surrogate| surrogate.position == index + 1) {
                Some(surrogate) => {
                    let number = surrogate.character.0;
                    octets.extend([0xED, 0x80 | (number >> 6 & 0x3F) as u8, 0x80 | (number & 0x3F) as u8]);
                }
                None => octets.extend(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        Cow::Owned(octets)
    }

    /// The text with each lone surrogate written as its escape, for what is no message: no number, URL or key has such
    /// an escape.
    pub fn into_escaped(self) -> String {
        if self.lone.is_empty() {
            return self.text;
        }
        let (mut text, mut lone) = (String::with_capacity(self.text.len()), self.lone.iter().peekable());
        for (index, character) in self.text.chars().enumerate() {
            match lone.next_if(|surrogate| surrogate.position == index + 1) {
                Some(surrogate) => text.push_str(&surrogate.character.to_string()),
                None => text.push(character),
            }
        }
        text
    }

    /// Whether there is nothing in it but white space.
    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Every character that SMS cannot carry, lone surrogates among them, in the order of the text; see
    /// [`invalid_characters`].
    pub fn invalid_characters(&self) -> Vec<InvalidCharacter> {
        let mut invalid = invalid_characters(&self.text);
        if !self.lone.is_empty() {
            invalid.extend(&self.lone);
            invalid.sort_by_key(|invalid| invalid.position);
        }
        invalid
    }

    /// The text, where it has no lone surrogate.
    pub fn into_text(self) -> Option<String> {
        self.lone.is_empty().then_some(self.text)
    }
}

impl From<String> for LooseText {
    fn from(text: String) -> Self {
        Self { text, lone: Vec::new() }
    }
}

impl From<&str> for LooseText {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// Every character of `text` that SMS cannot carry, in order: control characters (general category Cc) but TAB, LF, FF
/// and CR, and the noncharacters of every plane (Unicode Standard, section 23.7).
pub fn invalid_characters(text: &str) -> Vec<InvalidCharacter> {
    if text.bytes().all(|byte| (0x20..0x7F).contains(&byte)) {
        return Vec::new();
    }
    let numbered = text.chars().enumerate().filter(|(_, character)| !is_valid(*character));
    numbered.map(|(index, character)| InvalidCharacter { character: character.into(), position: index + 1 }).collect()
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
            let expected: Vec<_> = expected
                .iter()
                .map(|(character, position)| InvalidCharacter { character: (*character).into(), position: *position })
                .collect();
            assert_eq!(invalid_characters(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_lone_surrogate_is_listed_with_the_others() {
        let loose = LooseText::from_wtf8(b"a\xED\xA0\xBD\x07\xED\xBF\xBFz").unwrap();
        let found: Vec<_> =
            loose.invalid_characters().iter().map(|found| (found.character.to_string(), found.position)).collect();
        assert_eq!(found, [("\\ud83d".to_owned(), 2), ("\u{7}".to_owned(), 3), ("\\udfff".to_owned(), 4)]);
        assert_eq!((loose.as_str(), loose.clone().into_text()), ("a\u{FFFD}\u{7}\u{FFFD}z", None));
        assert_eq!(loose.into_escaped(), "a\\ud83d\u{7}\\udfffz");
        // U+FFFD itself is a character like any other.
        let plain = LooseText::from("a\u{FFFD}");
        assert_eq!((plain.invalid_characters(), plain.clone().into_text().as_deref()), (vec![], Some("a\u{FFFD}")));
        assert_ne!(plain.to_wtf8(), LooseText::from_wtf8(b"a\xED\xA0\x80").unwrap().to_wtf8());
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
        #![proptest_config(trials::config(256))]

        #[test]
        fn places_point_at_the_characters(text: String) {
            let characters: Vec<char> = text.chars().collect();
            for found in invalid_characters(&text) {
                prop_assert_eq!(CodePoint::from(characters[found.position - 1]), found.character);
            }
        }

        #[test]
        fn a_loose_text_comes_back_from_its_octets(parts: Vec<(String, u16)>) {
            let (mut octets, mut count) = (Vec::new(), 0);
            for (text, number) in &parts {
                // A low half after a high one would be a pair, which is no lone surrogate; the character between keeps
                // them apart.
                let [high, low] = [0xA0 | (number >> 6 & 0x1F) as u8, 0x80 | (number & 0x3F) as u8];
                octets.extend([text.as_bytes(), b".", &[0xED, high, low]].concat());
                count += text.chars().count() + 2;
            }
            let loose = LooseText::from_wtf8(&octets).unwrap();
            prop_assert_eq!(loose.to_wtf8(), &octets[..]);
            prop_assert_eq!((loose.as_str().chars().count(), loose.lone.len()), (count, parts.len()));
            for surrogate in &loose.lone {
                prop_assert_eq!(loose.as_str().chars().nth(surrogate.position - 1), Some(char::REPLACEMENT_CHARACTER));
                prop_assert!((0xD800..0xE000).contains(&surrogate.character.number()));
            }
            prop_assert!(loose.invalid_characters().is_sorted_by(|a, b| a.position < b.position));
        }

        #[test]
        fn octets_that_are_no_text_are_none(octets: Vec<u8>) {
            match LooseText::from_wtf8(&octets) {
                Some(loose) => prop_assert_eq!(loose.to_wtf8(), &octets[..]),
                None => prop_assert!(std::str::from_utf8(&octets).is_err()),
            }
        }
    }
}
