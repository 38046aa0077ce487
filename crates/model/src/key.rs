//! API keys: a public id and a secret that the platform keeps only as a keyed digest.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::address::Msisdn;
use crate::clock::Timestamp;
use crate::entropy::Entropy;
use crate::id::AccountId;

/// The mode of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Real carriers.
    Live,
    /// The built-in sandbox carrier, and never a real one.
    Test,
}

impl Mode {
    /// The mode's name in the admin API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    /// The mode with this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Live, Self::Test].into_iter().find(|mode| mode.as_str() == text)
    }

    const fn secret_prefix(self) -> &'static str {
        match self {
            Self::Live => "sk_live_",
            Self::Test => "sk_test_",
        }
    }
}

/// The public half of a key: `uk_` and 20 base-62 digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(String);

impl KeyId {
    /// A new id.
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self(format!("uk_{}", random_base62(20, entropy)))
    }

    /// The id in `text`; any text, since an id that was never given out is merely unknown.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id as the client writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for KeyId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The secret half of a key: `sk_live_` or `sk_test_`, then 30 base-62 digits, which hold 178 random bits.
/// Only the answer that creates a key ever shows it; debug output does not.
pub struct KeySecret(String);

impl KeySecret {
    /// A new secret.
    pub fn new(mode: Mode, entropy: &dyn Entropy) -> Self {
        Self(format!("{}{}", mode.secret_prefix(), random_base62(30, entropy)))
    }

    /// The secret itself. For the one answer that creates it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(redacted)")
    }
}

/// The secret in every digest, so a stolen store alone verifies nothing. At least 32 characters.
#[derive(Clone)]
pub struct Pepper(Hmac<Sha256>);

impl Pepper {
    /// The least length of a pepper, in bytes.
    pub const MIN_BYTES: usize = 32;

    /// The pepper in `text`; `None` when it is too short.
    pub fn new(text: &str) -> Option<Self> {
        if text.len() < Self::MIN_BYTES {
            return None;
        }
        Hmac::new_from_slice(text.as_bytes()).ok().map(Self)
    }

    /// The digest under which a secret is kept: HMAC-SHA-256 (RFC 2104) of the secret under the pepper.
    pub fn digest(&self, secret: &str) -> SecretDigest {
        let mut mac = self.0.clone();
        mac.update(secret.as_bytes());
        SecretDigest(mac.finalize().into_bytes().into())
    }

    /// The digest under which a number is remembered that was erased: HMAC-SHA-256 of the number and a purpose, so that
    /// it equals no digest of a secret.
    pub fn digest_of_number(&self, number: Msisdn) -> [u8; 32] {
        self.digest(&format!("erased number {number}")).to_bytes()
    }

    /// The verifier in a store that distinguishes this pepper from others. No digest of a secret equals it, and it
    /// reveals nothing about the pepper.
    pub fn verifier(&self) -> SecretDigest {
        self.digest("verifier of the pepper")
    }

    /// Another key that follows from this one, for a purpose that is named. It says nothing about this one or about
    /// those of other purposes.
    pub fn key_for(&self, purpose: &str) -> [u8; 32] {
        self.digest(&format!("key for {purpose}")).to_bytes()
    }

    /// The same pepper as that of the digests.
    pub fn derived(&self, purpose: &str) -> Self {
        // A key that is shorter than a block is filled up with zeros (RFC 2104, section 2).
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.key_for(purpose));
        Self(Hmac::new(&block.into()))
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(redacted)")
    }
}

/// The pepper, and the one before it while digests are made again with the new one.
#[derive(Clone, Debug)]
pub struct Peppers {
    /// The pepper of new digests.
    pub current: Pepper,
    /// The pepper of older digests, which are still accepted.
    pub previous: Option<Pepper>,
}

impl From<Pepper> for Peppers {
    fn from(current: Pepper) -> Self {
        Self { current, previous: None }
    }
}

impl Peppers {
    /// Both, the current one first.
    pub fn each(&self) -> impl Iterator<Item = &Pepper> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

/// The keyed digest of a secret. Compares in constant time.
#[derive(Clone, Copy)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// The digest stored as these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes as stored.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl PartialEq for SecretDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretDigest {}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(redacted)")
    }
}

/// A key as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its public id.
    pub id: KeyId,
    /// The owner.
    pub account: AccountId,
    /// Its mode.
    pub mode: Mode,
    /// A name for people, such as the place where it is used.
    pub name: Option<String>,
    /// The digest of its secret.
    pub digest: SecretDigest,
    /// The time of its creation.
    pub created_at: Timestamp,
    /// Its expiry; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// The time at which it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether the key may be used at `now`: neither revoked nor expired.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// `digits` base-62 digits, each equally likely.
pub(crate) fn random_base62(digits: usize, entropy: &dyn Entropy) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = String::with_capacity(digits);
    while text.len() < digits {
        let mut bytes = [0; 64];
        entropy.fill(&mut bytes);
        // 248 is the largest multiple of 62 in a byte; what lies above would favour the first digits.
        let fair = bytes.iter().filter(|byte| **byte < 248).map(|byte| char::from(ALPHABET[usize::from(byte % 62)]));
        text.extend(fair.take(digits - text.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    fn pepper(text: &str) -> Pepper {
        Pepper::new(text).unwrap()
    }

    #[test]
    fn a_secret_tells_its_mode_and_holds_30_digits() {
        let entropy = SeededEntropy::new(3);
        let live = KeySecret::new(Mode::Live, &entropy);
        assert!(live.reveal().starts_with("sk_live_") && live.reveal().len() == 38);
        assert!(KeySecret::new(Mode::Test, &entropy).reveal().starts_with("sk_test_"));
        assert_ne!(live.reveal(), KeySecret::new(Mode::Live, &entropy).reveal());
        assert_eq!(KeyId::new(&entropy).as_str().len(), 23);
    }

    #[test]
    fn a_digest_depends_on_the_secret_and_the_pepper() {
        let (a, b) = (pepper(&"a".repeat(32)), pepper(&"b".repeat(32)));
        assert_eq!(a.digest("sk_live_x"), a.digest("sk_live_x"));
        assert_ne!(a.digest("sk_live_x"), a.digest("sk_live_y"));
        assert_ne!(a.digest("sk_live_x"), b.digest("sk_live_x"));
    }

    #[test]
    fn the_digest_is_hmac_sha_256() {
        // RFC 4231 has no key of 32 bytes or more that is text but case 6's; this is its message under 131 bytes of
        // 0x61, computed with Python's hmac module.
        let digest = pepper(&"a".repeat(131)).digest("Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(digest.to_bytes()[..8], HMAC_OF_CASE_6);
    }

    const HMAC_OF_CASE_6: [u8; 8] = [0xd0, 0x21, 0x30, 0x3c, 0x2f, 0x34, 0xbf, 0x3a];

    #[test]
    fn each_purpose_has_a_key_of_its_own() {
        let (a, b) = (pepper(&"a".repeat(32)), pepper(&"b".repeat(32)));
        assert_eq!(a.key_for("links"), a.key_for("links"));
        assert_ne!(a.key_for("links"), a.key_for("other"));
        assert_ne!(a.key_for("links"), b.key_for("links"));
        let key = a.key_for("links");
        let by_hand = Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(b"x").finalize().into_bytes();
        assert_eq!(a.derived("links").digest("x").to_bytes(), <[u8; 32]>::from(by_hand));
    }

    #[test]
    fn a_short_pepper_is_refused() {
        assert!(Pepper::new(&"a".repeat(31)).is_none());
    }

    #[test]
    fn secrets_stay_out_of_debug_output() {
        let entropy = SeededEntropy::new(3);
        let secret = KeySecret::new(Mode::Live, &entropy);
        let shown = format!("{secret:?} {:?} {:?}", pepper(&"p".repeat(32)), pepper(&"p".repeat(32)).digest("x"));
        assert_eq!(shown, "KeySecret(redacted) Pepper(redacted) SecretDigest(redacted)");
    }

    #[test]
    fn a_key_ends_at_its_expiry_and_at_its_revocation() {
        let at = Timestamp::from_millis;
        let mut key = ApiKey {
            id: KeyId::from_text("uk_1"),
            account: AccountId::from_bytes([0; 16]),
            mode: Mode::Live,
            name: None,
            digest: SecretDigest::from_bytes([0; 32]),
            created_at: at(0),
            expires_at: Some(at(10)),
            revoked_at: None,
        };
        assert!(key.is_valid_at(at(9)) && !key.is_valid_at(at(10)));
        key.revoked_at = Some(at(5));
        assert!(!key.is_valid_at(at(1)));
    }
}
