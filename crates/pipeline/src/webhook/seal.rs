//! Secrets of endpoints: how they are made, kept and used to sign (Standard Webhooks 1.0).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::webhook::EventId;
use model::{Entropy, WebhookId};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use store::contract::webhooks::SealedSecret;

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";

/// How many random octets a secret has: Standard Webhooks asks for 24 to 64.
const OCTETS: usize = 32;

/// A secret of an endpoint. Debug output does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; OCTETS]);

impl Secret {
    /// A new secret.
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut octets = [0; OCTETS];
        entropy.fill(&mut octets);
        Self(octets)
    }

    /// The secret in `text`; `None` when it is none of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let octets = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
        octets.try_into().ok().map(Self)
    }

    /// The text of the secret, for its owner.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.0))
    }

    /// One signature of a request: `v1,` and HMAC-SHA-256 over the id, the time and the body.
    fn sign(&self, id: &str, at_secs: i64, body: &str) -> String {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.0));
        context.update(format!("{id}.{at_secs}.").as_bytes());
        context.update(body.as_bytes());
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// The header `webhook-signature`: a signature for each secret, parted by blanks.
pub fn signatures(secrets: &[Secret], id: EventId, at_secs: i64, body: &str) -> String {
    let id = id.to_string();
    secrets.iter().map(|secret| secret.sign(&id, at_secs, body)).collect::<Vec<_>>().join(" ")
}

/// What encrypts secrets for the store: `ChaCha20-Poly1305` (RFC 8439), with the endpoint's id as additional data, so
/// that a secret means nothing in the row of another endpoint.
pub struct Vault {
    key: LessSafeKey,
    /// Opens what was encrypted under the pepper before this one.
    previous: Option<LessSafeKey>,
}

impl Vault {
    /// One with this key, which the platform derives from its pepper.
    pub fn new(key: &[u8; 32]) -> Option<Self> {
        Some(Self { key: cipher(key)?, previous: None })
    }

    /// The same, which opens also what was encrypted under the key of the previous pepper.
    #[must_use]
    pub fn with_previous(self, key: &[u8; 32]) -> Self {
        Self { previous: cipher(key), ..self }
    }

    /// Encrypts a secret: a random nonce, then the octets and their tag. `None` only for a mistake in how this was
    /// built.
    pub fn seal(&self, id: WebhookId, secret: &Secret, entropy: &dyn Entropy) -> Option<SealedSecret> {
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        let mut octets = secret.0.to_vec();
        let aad = Aad::from(id.to_bytes());
        self.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut octets).ok()?;
        Some(SealedSecret([&nonce[..], &octets].concat()))
    }

    /// The secret again; `None` where the store was written under another pepper, or was tampered with.
    pub fn open(&self, id: WebhookId, sealed: &SealedSecret) -> Option<Secret> {
        open(&self.key, id, sealed).or_else(|| open(self.previous.as_ref()?, id, sealed))
    }

    /// What was encrypted under the previous pepper, encrypted under the current one; `None` for all else.
    pub(crate) fn reseal(&self, id: WebhookId, sealed: &SealedSecret, entropy: &dyn Entropy) -> Option<SealedSecret> {
        self.seal(id, &open(self.previous.as_ref()?, id, sealed)?, entropy)
    }
}

fn cipher(key: &[u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, key).ok().map(LessSafeKey::new)
}

fn open(key: &LessSafeKey, id: WebhookId, sealed: &SealedSecret) -> Option<Secret> {
    let (nonce, octets) = sealed.0.split_first_chunk::<NONCE_LEN>()?;
    let mut octets = octets.to_vec();
    let aad = Aad::from(id.to_bytes());
    let open = key.open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut octets).ok()?;
    <[u8; OCTETS]>::try_from(&*open).ok().map(Secret)
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

#[cfg(test)]
mod tests {
    use model::{SeededEntropy, Timestamp};

    use super::*;

    fn id(octet: u8) -> WebhookId {
        WebhookId::from_bytes([octet; 16])
    }

    #[test]
    fn the_official_library_verifies_every_signature_of_a_rotation() {
        let entropy = SeededEntropy::new(5);
        let secrets = [Secret::new(&entropy), Secret::new(&entropy)];
        let event = EventId::new(Timestamp::from_millis(1_773_585_000_000), 1, 7);
        let (body, now) = (r#"{"type":"webhook.test","data":{"text":"Grüße"}}"#, now_secs());
        let mut headers = http::HeaderMap::new();
        headers.insert("webhook-id", event.to_string().parse().unwrap());
        headers.insert("webhook-timestamp", now.to_string().parse().unwrap());
        headers.insert("webhook-signature", signatures(&secrets, event, now, body).parse().unwrap());
        for secret in &secrets {
            let official = standardwebhooks::Webhook::new(&secret.reveal()).unwrap();
            official.verify(body.as_bytes(), &headers).unwrap();
            assert!(official.verify(b"{}", &headers).is_err());
        }
        let other = standardwebhooks::Webhook::new(&Secret::new(&entropy).reveal()).unwrap();
        assert!(other.verify(body.as_bytes(), &headers).is_err());
    }

    fn now_secs() -> i64 {
        model::Clock::now(&runtime::Machine::new()).as_millis() / 1_000
    }

    #[test]
    fn a_sealed_secret_opens_for_its_endpoint_under_its_key_alone() {
        let entropy = SeededEntropy::new(5);
        let (vault, other) = (Vault::new(&[1; 32]).unwrap(), Vault::new(&[2; 32]).unwrap());
        let secret = Secret::new(&entropy);
        let sealed = vault.seal(id(1), &secret, &entropy).unwrap();
        assert_eq!(vault.open(id(1), &sealed), Some(secret.clone()));
        assert_eq!((vault.open(id(2), &sealed), other.open(id(1), &sealed)), (None, None));
        assert_ne!(vault.seal(id(1), &secret, &entropy), Some(sealed.clone()), "no nonce is used twice");
        for end in 0..sealed.0.len() {
            assert_eq!(vault.open(id(1), &SealedSecret(sealed.0[..end].to_vec())), None);
        }
        assert!(!sealed.0.windows(OCTETS).any(|octets| octets == secret.0));
    }

    #[test]
    fn a_secret_reads_back_from_its_text_and_stays_out_of_debug_output() {
        let secret = Secret::new(&SeededEntropy::new(5));
        assert_eq!(Secret::parse(&secret.reveal()), Some(secret.clone()));
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
        assert_eq!((Secret::parse("whsec_"), Secret::parse("x")), (None, None));
    }
}
