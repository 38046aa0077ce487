//! Requests under idempotency keys while they are under way, and their answers.
//!
//! A request that takes its time *holds* its key: one that fetches media from before it is admitted
//! ([`Requests::begin_request`]), one whose client waits for news from its admission on
//! ([`super::admission::IdempotencyClaim::awaited`]). Until the request ends, a repeat finds it under way
//! ([`super::admission::Earlier::UnderWay`]), unless it is on record how the request is answered. So no two repeats are
//! answered differently, at whichever nodes they arrive.
//!
//! A key is held by an epoch ([`super::nodes`]). When the epoch is over, the key is free, since the request is gone
//! with its node. A request that had been admitted by then is on record, and a repeat is answered from the record.

use std::time::Duration;

use async_trait::async_trait;
use model::Owner;
use model::idempotency::{Endpoint, IdempotencyKey};

use super::StoreError;
use super::nodes::Epoch;

/// How long requests are remembered at most: records of them, and daily quotas. No setting reaches so far.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(7 * 86_400);

/// The name of a request: the key that its client chose, which means one request of one owner at one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey {
    /// The owner.
    pub owner: Owner,
    /// Where the request was made.
    pub endpoint: Endpoint,
    /// The key.
    pub key: IdempotencyKey,
}

/// Requests under way.
#[async_trait]
pub trait Requests: Send + Sync {
    /// Begins a request under a key, which the node holds from now on. `false`, and nothing is changed, while another
    /// request holds the key, at this node or at another one that is not over. Of two that begin at once one gets the
    /// key. A request whose caller is not told that it began, because the call failed or the caller went away, holds
    /// nothing as soon as that can be written.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the node is over.
    async fn begin_request(&self, node: Epoch, key: &RequestKey) -> Result<bool, StoreError>;

    /// Records that a request is answered with `body` and not as its record alone would say, so that a repeat gets the
    /// same. To be called before the client gets that answer, while the request holds its key. Does nothing when there
    /// is no record under the key.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the node is over: its keys are free, and a repeat may have been answered from the
    /// record.
    async fn record_answer(&self, node: Epoch, key: &RequestKey, body: String) -> Result<(), StoreError>;

    /// Ends a request: the key that the node holds is free when this returns. Repeats are answered from the record from
    /// now on, or are new requests where there is none. Leaves a key alone that the node does not hold.
    ///
    /// There is nothing that a caller could do about an error. So a backend that cannot write now goes on trying until
    /// the epoch is over.
    async fn end_request(&self, node: Epoch, key: &RequestKey);
}
