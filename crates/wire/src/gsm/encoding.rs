//! The encodings of text, and which of them a text needs.

use super::alphabet;

/// How text is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// The GSM 7 bit default alphabet with its extension table.
    Gsm7,
    /// ISO 8859-1, for the carriers that ask for it.
    Latin1,
    /// UCS-2, as everybody reads it: UTF-16, big-endian.
    Ucs2,
}

impl Encoding {
    /// The name in the API and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gsm7 => "GSM-7",
            Self::Latin1 => "LATIN-1",
            Self::Ucs2 => "UCS-2",
        }
    }

    /// The encoding with this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Gsm7, Self::Latin1, Self::Ucs2].into_iter().find(|encoding| encoding.name() == text)
    }

    /// The smallest encoding that every handset reads and that holds all of `text`.
    pub fn of(text: &str) -> Self {
        if text.chars().all(|character| alphabet::encode(character).is_some()) { Self::Gsm7 } else { Self::Ucs2 }
    }

    /// How many units (septets, octets, UTF-16 code units) `character` takes; `None` when the encoding does not have
    /// it.
    pub fn units(self, character: char) -> Option<usize> {
        match self {
            Self::Gsm7 => alphabet::encode(character).map(alphabet::Septets::len),
            Self::Latin1 => (u32::from(character) < 256).then_some(1),
            Self::Ucs2 => Some(character.len_utf16()),
        }
    }
}
