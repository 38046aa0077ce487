//! The peppers with which secrets were hashed.
//!
//! The store keeps a [verifier](model::key::Pepper::verifier) of each pepper with which it was used, and knows the
//! current one. So a program with another pepper gets an error at its start, before clients find that no key works.
//! While one pepper replaces another, the store also knows the keys that still have a digest of the old one.

use async_trait::async_trait;
use model::key::{KeyId, SecretDigest};
use model::{Timestamp, WebhookId};

use super::StoreError;
use super::webhooks::SealedSecret;

/// The result of a start with a pepper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// It is the current pepper.
    Known,
    /// The store knew no pepper. This one is now the current one.
    First {
        /// Whether there were keys, whose digests may be of another pepper.
        has_keys: bool,
    },
    /// It replaced the previous pepper.
    Rotated,
}

/// The peppers of a store.
#[async_trait]
pub trait PepperRecords: Send + Sync {
    /// Makes the pepper with this verifier the current one, if the store knows none, or if that of `previous` is
    /// current.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with a sentence for the operator if another pepper is current; nothing changes then.
    async fn adopt_pepper(
        &self,
        verifier: SecretDigest,
        previous: Option<SecretDigest>,
        now: Timestamp,
    ) -> Result<Adopted, StoreError>;

    /// Replaces the digest `from` by one that was made with the current pepper. Returns `false` and changes nothing if
    /// the key has another digest.
    async fn rehash_key(
        &self,
        id: &KeyId,
        from: SecretDigest,
        to: SecretDigest,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The number of keys that are usable at `now` and have a digest of another pepper than the current one.
    async fn keys_of_other_peppers(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Replaces the encrypted secret `from` of an endpoint by a newly encrypted one. Returns `false` and changes
    /// nothing if the endpoint has no such secret.
    async fn reseal_webhook_secret(
        &self,
        id: WebhookId,
        from: SealedSecret,
        to: SealedSecret,
    ) -> Result<bool, StoreError>;
}
