//! Idempotency keys: a client's promise that two requests are the same one.

use sha2::{Digest, Sha256};

/// The text is not 2 to 100 characters of `A-Z a-z 0-9 @ - _ ) (`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key is 2 to 100 characters of A-Z a-z 0-9 @ - _ ) (")]
pub struct NotAKey;

/// A well-formed key. It is scoped to an owner and an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Takes `text` unchanged.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"@-_)(".contains(&byte);
        if (2..=100).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAKey)
        }
    }

    /// The key as the client wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The endpoints that take keys; the same key at two of them is two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `POST /message`.
    Message,
    /// `POST /broadcast`.
    Broadcast,
}

impl Endpoint {
    /// The endpoint's name in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Broadcast => "broadcast",
        }
    }
}

/// The fields of an answer to an accepted request. A replay has those of the original answer, even if a newer program
/// returns more fields for new requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AnswerForm(u16);

impl AnswerForm {
    /// The fields of the first release.
    pub const FIRST: Self = Self(1);
    /// Those, and `ucs2Characters`.
    pub const UCS2_CHARACTERS: Self = Self(2);
    /// The form for new requests.
    pub const NEWEST: Self = Self::UCS2_CHARACTERS;

    /// The form with this number in the store.
    pub const fn from_number(number: u16) -> Self {
        Self(number)
    }

    /// Its number in the store.
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// The identity of a request: a SHA-256 over its parsed values, so white space and the order of the fields do not
/// matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// The fingerprint of a request with these values, in an order that the caller keeps.
    pub fn of(values: &[Option<&str>]) -> Self {
        Self::of_octets(values.iter().map(|value| value.map(str::as_bytes)))
    }

    /// The same, of values that need not be text.
    pub fn of_octets<'a>(values: impl IntoIterator<Item = Option<&'a [u8]>>) -> Self {
        let mut hash = Sha256::new();
        for value in values {
            // Length first, so that no two lists of values run together into the same bytes.
            match value {
                Some(octets) => {
                    hash.update((octets.len() as u64 + 1).to_le_bytes());
                    hash.update(octets);
                }
                None => hash.update(0u64.to_le_bytes()),
            }
        }
        Self(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_2_to_100_characters_of_the_allowed_ones() {
        for good in ["ab", "a@-_)(", &"x".repeat(100)] {
            assert!(IdempotencyKey::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a", &"x".repeat(101), "a b", "a\u{7}", "äb", "a/b", "a.b", "ab\n"] {
            assert_eq!(IdempotencyKey::parse(bad), Err(NotAKey), "{bad:?}");
        }
    }

    #[test]
    fn a_fingerprint_keeps_values_and_their_places_apart() {
        let of = |values: &[Option<&str>]| Fingerprint::of(values);
        assert_eq!(of(&[Some("a"), None]), of(&[Some("a"), None]));
        assert_ne!(of(&[Some("a"), None]), of(&[None, Some("a")]));
        assert_ne!(of(&[Some("ab"), Some("c")]), of(&[Some("a"), Some("bc")]));
        assert_ne!(of(&[Some("")]), of(&[None]));
    }
}
