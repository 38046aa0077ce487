//! The hold of a request on its idempotency key, which the store keeps for all nodes ([`store::contract::requests`]):
//! the same request must not be made twice while media are fetched, and a repeat must not be answered before it is
//! known how the request itself is answered.

use std::sync::Arc;

use model::error::Refusal;
use store::contract::admission::IdempotencyClaim;
use store::contract::requests::RequestKey;

use super::Admission;
use crate::refusal::refused_by_store;
use crate::tenants::Caller;

/// A request on its way. It ends with [`Self::end`]; where a panic ends it before, another task frees the key. A
/// process that ends frees its keys with its epoch.
pub(crate) struct UnderWay<'a> {
    admission: &'a Admission,
    /// Whether its client waits for news, so that its answer is not known when it is admitted.
    is_awaited: bool,
    /// The idempotency key that its client sent.
    claim: Option<IdempotencyClaim>,
    /// The key that it holds.
    held: Option<RequestKey>,
}

impl<'a> UnderWay<'a> {
    pub(super) const fn new(admission: &'a Admission, is_awaited: bool) -> Self {
        Self { admission, is_awaited, claim: None, held: None }
    }

    /// Begins the request under its key, where it takes a while from here to its answer. `false` while another request
    /// holds the key. To be called before the answers that were given are looked at, and judged after: a request that
    /// ends in between has its answer there, and many may ask for that at once.
    pub(super) async fn begin(
        &mut self,
        caller: &Caller,
        claim: Option<IdempotencyClaim>,
        fetches_media: bool,
    ) -> Result<bool, Refusal> {
        self.claim = claim;
        let Some(claim) = &mut self.claim else { return Ok(true) };
        claim.awaited = self.is_awaited;
        if fetches_media {
            let key = claim.of(caller.owner());
            if !self.admission.store.begin_request(self.admission.node.epoch(), &key).await.map_err(refused_by_store)? {
                return Ok(false);
            }
            (claim.begun, self.held) = (true, Some(key));
        }
        Ok(true)
    }

    /// The idempotency key that its client sent.
    pub(super) const fn claim(&self) -> Option<&IdempotencyClaim> {
        self.claim.as_ref()
    }

    /// The request is admitted. Returns its key.
    pub(super) fn admitted(&mut self, caller: &Caller) -> Option<RequestKey> {
        let IdempotencyClaim { endpoint, key, awaited, .. } = self.claim.take()?;
        let key = RequestKey { owner: caller.owner(), endpoint, key };
        if awaited {
            self.held = Some(key.clone());
        }
        Some(key)
    }

    /// Ends the request: what is to be recorded is on record, and a repeat finds it.
    pub(crate) async fn end(mut self) {
        if let Some(key) = &self.held {
            self.admission.store.end_request(self.admission.node.epoch(), key).await;
        }
        self.held = None;
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.held.take()
            && std::thread::panicking()
        {
            let (store, node) = (Arc::clone(&self.admission.store), self.admission.node.epoch());
            drop(
                self.admission
                    .runtime
                    .spawn("request-end", Box::pin(async move { store.end_request(node, &key).await })),
            );
        }
    }
}
