//! With which pepper secrets were hashed.
//!
//! The store keeps a [verifier](model::key::Pepper::verifier) of each pepper that it was used with, and which of them
//! is current. So a program with another pepper is told so at its start, before clients find that no key works; and
//! while one pepper takes the place of another, it is known which keys still have a digest of the old one.

use async_trait::async_trait;
use model::key::{KeyId, SecretDigest};
use model::{Timestamp, WebhookId};

use super::StoreError;
use super::webhooks::SealedSecret;

/// What became of a pepper that a program has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// It is the current one already.
    Known,
    /// The store knew none. It is the current one now.
    First {
        /// Whether there were keys, whose digests nothing vouches for.
        has_keys: bool,
    },
    /// It took the place of the previous one.
    Rotated,
}

/// The peppers of a store.
#[async_trait]
pub trait PepperRecords: Send + Sync {
    /// Makes the pepper with this verifier the current one, where the store knows none, or where that of `previous` is
    /// current.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with a sentence for the operator where a third one is current; nothing changes then.
    async fn adopt_pepper(
        &self,
        verifier: SecretDigest,
        previous: Option<SecretDigest>,
        now: Timestamp,
    ) -> Result<Adopted, StoreError>;

    /// Puts a digest that was made with the current pepper in place of `from`. `false`, and nothing changes, where the
    /// key has another digest.
    async fn rehash_key(
        &self,
        id: &KeyId,
        from: SecretDigest,
        to: SecretDigest,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The number of keys that are usable at `now` and have a digest of another pepper than the current one.
    async fn keys_of_other_peppers(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Puts a secret of an endpoint that was encrypted anew in place of `from`. `false`, and nothing changes, where the
    /// endpoint has no such secret.
    async fn reseal_webhook_secret(
        &self,
        id: WebhookId,
        from: SealedSecret,
        to: SealedSecret,
    ) -> Result<bool, StoreError>;
}
