//! A JSON string to a text. JSON can write half of a surrogate pair, which no text of this program can hold: a client
//! that cut an emoji in two sends one.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use wire::text::LooseText;

/// A JSON string as it stands, lone surrogates included. The JSON has to be UTF-8: octets that are a surrogate cannot
/// be told here from its escape.
pub struct Loose(
    /// The text.
    pub LooseText,
);

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As octets serde_json hands out what is no UTF-8, with three octets for each lone surrogate.
        deserializer.deserialize_bytes(AnyText)
    }
}

struct AnyText;

impl Visitor<'_> for AnyText {
    type Value = Loose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("string")
    }

    fn visit_bytes<E: Error>(self, octets: &[u8]) -> Result<Loose, E> {
        LooseText::from_wtf8(octets).map(Loose).ok_or_else(|| E::custom("not UTF-8"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Loose, E> {
        Ok(Loose(text.into()))
    }
}

/// The name of a field. A lone surrogate makes it a name that no field has.
pub(super) struct Name<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(AnyName)
    }
}

struct AnyName;

impl<'de> Visitor<'de> for AnyName {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_borrowed_bytes<E: Error>(self, octets: &'de [u8]) -> Result<Name<'de>, E> {
        Ok(Name(String::from_utf8_lossy(octets)))
    }

    fn visit_bytes<E: Error>(self, octets: &[u8]) -> Result<Name<'de>, E> {
        Ok(Name(String::from_utf8_lossy(octets).into_owned().into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Name<'de>, E> {
        Ok(Name(text.to_owned().into()))
    }
}

/// Reads the text of a message, or nothing where it is null. `Err` says what it should have been.
pub(super) fn loose(json: &str, place: &mut Option<LooseText>) -> Result<(), &'static str> {
    match json.as_bytes().first() {
        Some(b'"') => *place = Some(serde_json::from_str::<Loose>(json).map_err(|_| STRING)?.0),
        Some(b'n') => {}
        _ => return Err(STRING),
    }
    Ok(())
}

/// Reads a text that is no message, in which the escape of a lone surrogate stands as it was written: it makes the
/// field wrong, and what is wrong with it is told by its own rules.
pub(super) fn plain(json: &str, place: &mut Option<String>) -> Result<(), &'static str> {
    match json.as_bytes().first() {
        Some(b'"') => {
            // What cannot be read although it begins as a text has a lone surrogate.
            *place = Some(match serde_json::from_str(json) {
                Ok(text) => text,
                Err(_) => serde_json::from_str::<Loose>(json).map_err(|_| STRING)?.0.into_escaped(),
            });
        }
        Some(b'n') => {}
        _ => return Err(STRING),
    }
    Ok(())
}

/// What a text that is none should have been.
const STRING: &str = "string";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_surrogate_is_kept_apart_from_the_text() {
        for (json, text, escaped, lone) in [
            (r#""plain""#, "plain", "plain", &[][..]),
            (r#""a\ud83d\ude00""#, "a😀", "a😀", &[]),
            (r#""a\ud83d""#, "a\u{FFFD}", r"a\ud83d", &[2]),
            (r#""\uDE00\u00e9\ud83d\\ud83d""#, "\u{FFFD}é\u{FFFD}\\ud83d", r"\ude00é\ud83d\ud83d", &[1, 3]),
            (r#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀", r"\ud83d😀", &[1]),
        ] {
            let (mut loosely, mut plainly) = (None, None);
            loose(json, &mut loosely).unwrap();
            plain(json, &mut plainly).unwrap();
            let loosely = loosely.unwrap();
            let places: Vec<_> = loosely.invalid_characters().iter().map(|found| found.position).collect();
            assert_eq!((loosely.as_str(), plainly.as_deref(), &places[..]), (text, Some(escaped), lone), "{json}");
        }
        for json in ["1", "[]", "{}", "true"] {
            assert_eq!((loose(json, &mut None), plain(json, &mut None)), (Err(STRING), Err(STRING)));
        }
    }
}
