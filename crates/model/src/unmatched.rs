//! Unusable input of carriers: receipts that match no segment, receipts that cannot be read, inbound messages.

use std::fmt;
use std::sync::Arc;

use crate::clock::Timestamp;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant),* }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in the admin API, in metrics and in the store.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// The one with this name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == text)
            }
        }
    };
}

words! {
    /// The reason why an input of a carrier could not be used.
    Reason {
        /// A receipt whose ids match no segment.
        UnknownId = "unknown_id",
        /// A receipt or request that cannot be read, or that names no message.
        Unreadable = "unreadable",
        /// A multimedia message of a handset that is too large.
        Inbound = "inbound",
    }
}

words! {
    /// The outcome.
    Fate {
        /// It waits for the acknowledgement that brings its id.
        Waiting = "waiting",
        /// The acknowledgement came later, and the receipt was applied.
        Matched = "matched",
        /// It was dropped to make room for newer ones of the same carrier, or because it was too large.
        Dropped = "dropped",
        /// It waited too long and was dropped.
        Expired = "expired",
        /// It was refused as it came.
        Refused = "refused",
    }
}

/// One such thing, as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// The time of its arrival.
    pub at: Timestamp,
    /// The reason why it could not be used.
    pub reason: Reason,
    /// The outcome.
    pub fate: Fate,
    /// The time at which it was given up; `None` while it waits.
    pub ended_at: Option<Timestamp>,
    /// The ids that it was compared with, as they are filed, in the order in which they were tried.
    pub keys: Vec<String>,
    /// The digits of the addresses that it names.
    pub addresses: Vec<String>,
    /// Particulars: id, state and error of a receipt, or why it cannot be read.
    pub detail: String,
    /// Its raw form: truncated, and with control characters escaped.
    pub raw: String,
}

/// The raw form of an input, for the operator: truncated, and with control characters escaped. It is written only when
/// it is needed, because most receipts match and are never shown.
#[derive(Clone)]
pub struct Raw(Arc<dyn Fn() -> String + Send + Sync>);

impl Raw {
    /// The output of `write`.
    pub fn written_by(write: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }

    /// The text.
    pub fn to_text(&self) -> String {
        (self.0)()
    }
}

impl Default for Raw {
    /// Nothing.
    fn default() -> Self {
        String::new().into()
    }
}

impl From<String> for Raw {
    fn from(text: String) -> Self {
        Self::written_by(move || text.clone())
    }
}

impl PartialEq for Raw {
    fn eq(&self, other: &Self) -> bool {
        self.to_text() == other.to_text()
    }
}

impl Eq for Raw {}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_text().fmt(f)
    }
}

/// `octets` for the eyes of an operator: at most `most` of them, ASCII as it is, everything else and backslashes as
/// `\xNN`.
pub fn escaped(octets: &[u8], most: usize) -> String {
    let mut text = String::with_capacity(octets.len().min(most) + 16);
    escape_into(&mut text, octets, most);
    text
}

/// Appends `octets` as [`escaped`] writes them.
pub fn escape_into(text: &mut String, octets: &[u8], most: usize) {
    let is_plain = |octet: &u8| matches!(octet, 0x20..=0x7E) && *octet != b'\\';
    let cut = &octets[..octets.len().min(most)];
    // Plain octets come in runs, all others alone.
    for run in cut.chunk_by(|one, next| is_plain(one) && is_plain(next)) {
        match run {
            [b'\\'] => text.push_str("\\\\"),
            [other] if !is_plain(other) => text.push_str(&format!("\\x{other:02x}")),
            plain => text.push_str(str::from_utf8(plain).unwrap_or_default()),
        }
    }
    if octets.len() > most {
        text.push_str(&format!("… ({} octets in all)", octets.len()));
    }
}

/// The beginning of `text`, at most `bytes_max` bytes, cut between characters.
pub fn clipped(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_what_is_long_is_cut() {
        assert_eq!(escaped(b"id:1\x1b[2J\\\xff", 100), "id:1\\x1b[2J\\\\\\xff");
        assert_eq!(escaped(b"abcdef", 3), "abc… (6 octets in all)");
        assert_eq!((clipped("añb", 2), clipped("añb", 3), clipped("a", 9)), ("a", "añ", "a"));
    }

    #[test]
    fn every_word_is_read_back() {
        assert!(Reason::ALL.iter().all(|reason| Reason::parse(reason.as_str()) == Some(*reason)));
        assert!(Fate::ALL.iter().all(|fate| Fate::parse(fate.as_str()) == Some(*fate)));
    }
}
