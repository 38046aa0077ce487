//! Requests under idempotency keys while they are under way, and their answers.
//!
//! A request that takes time *holds* its key: one that fetches media holds it from before its admission
//! ([`Requests::begin_request`]), one whose client waits for an outcome from its admission on
//! ([`super::admission::IdempotencyClaim::awaited`]). Until the request ends, a repeat finds it under way
//! ([`super::admission::Earlier::UnderWay`]), unless its answer is on record. So no two repeats get different answers,
//! regardless of their nodes.
//!
//! An epoch holds the key ([`super::nodes`]). When the epoch is over, the key is free, because the request ended with
//! its node. If the request had been admitted by then, it is on record, and a repeat is answered from the record.

use std::time::Duration;

use async_trait::async_trait;
use model::Owner;
use model::idempotency::{Endpoint, IdempotencyKey};

use super::StoreError;
use super::nodes::Epoch;

/// The longest time for which records of requests and daily quotas are kept. No setting may exceed it.
pub const REMEMBERED: Duration = Duration::from_secs(7 * 86_400);

/// The name of a request: the key that its client chose, which identifies one request of one owner at one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey {
    /// The owner.
    pub owner: Owner,
    /// The endpoint of the request.
    pub endpoint: Endpoint,
    /// The key.
    pub key: IdempotencyKey,
}

/// Requests under way.
#[async_trait]
pub trait Requests: Send + Sync {
    /// Begins a request under a key, which the node holds from now on. Returns `false` and changes nothing while
    /// another request holds the key, at this node or at another one that is not over. If two begin at once, one gets
    /// the key. If the caller does not learn that its request began, because the call failed or the caller went away,
    /// the key is released as soon as that can be written.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the node is over.
    async fn begin_request(&self, node: Epoch, key: &RequestKey) -> Result<bool, StoreError>;

    /// Records that the answer to a request is `body`, which differs from the answer that its record alone would give,
    /// so a repeat gets the same. Call it before the client gets that answer, while the request holds its key. Does
    /// nothing if there is no record under the key.
    ///
    /// # Errors
    /// [`StoreError::Over`] if the node is over: its keys are free, and a repeat may have been answered from the
    /// record.
    async fn record_answer(&self, node: Epoch, key: &RequestKey, body: String) -> Result<(), StoreError>;

    /// Ends a request: the key that the node holds is free when this returns. From now on repeats are answered from the
    /// record, or are new requests if there is none. A key that the node does not hold is left alone.
    ///
    /// A caller could do nothing about an error. So a backend that cannot write now continues to try until the epoch is
    /// over.
    async fn end_request(&self, node: Epoch, key: &RequestKey);
}
