//! The name that a client has for something of its own.

use std::ops::Deref;
use std::sync::Arc;

/// The most characters that a reference has, in Unicode scalar values.
pub const CHARACTERS_MAX: usize = 200;

/// A client's name for a message or a broadcast: 1 to [`CHARACTERS_MAX`] characters, which mean nothing to us.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClientReference(Arc<str>);

impl ClientReference {
    /// Takes `text` unchanged; `None` if it is empty or too long.
    pub fn parse(text: &str) -> Option<Self> {
        (!text.is_empty() && text.chars().nth(CHARACTERS_MAX).is_none()).then(|| Self(text.into()))
    }
}

impl Deref for ClientReference {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Without the text, because clients put anything into it, and debug output ends up in logs.
impl std::fmt::Debug for ClientReference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a reference of {} octets", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_has_1_to_200_characters() {
        for (text, is_one) in
            [("", false), ("a", true), (&"é".repeat(200), true), (&"é".repeat(201), false), (" \n", true)]
        {
            assert_eq!(ClientReference::parse(text).as_deref(), is_one.then_some(text));
        }
    }
}
