#![allow(unused_imports, unused_variables, dead_code)] // TODO-stub
//! To be written.

use std::sync::Arc;
use async_trait::async_trait;
use model::{
    AccountId, Assignment, Broadcast, BroadcastId, BroadcastRecord, BroadcastStatus, ClientReference, Message, Mode,
    Msisdn, Originator, Owner, Timestamp,
};
use crate::contract::StoreError;
use crate::contract::admission::{Admission, Admitted, Earlier, IdempotencyClaim, NewBroadcast};
use crate::contract::dispatch::Lease;
use crate::contract::nodes::Epoch;

use crate::contract::broadcasts::*;
use super::Postgres;

#[async_trait]
impl Broadcasts for Postgres {
    async fn admit_broadcast(&self, admission: Admission<NewBroadcast>) -> Result<Admitted<Broadcast>, StoreError> {
        super::admission::admit_broadcast(&self.core, admission).await
    }
    async fn replay_broadcast(
        &self,
        owner: Owner,
        claim: &IdempotencyClaim,
    ) -> Result<Option<Earlier<Broadcast>>, StoreError> {
        super::admission::replay_broadcast(&self.core, owner, claim).await
    }
    async fn broadcast(&self, owner: Option<Owner>, id: BroadcastId) -> Result<Option<BroadcastRecord>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn broadcasts(
        &self,
        owner: Option<Owner>,
        filter: BroadcastFilter,
        after: Option<BroadcastId>,
        limit: usize,
    ) -> Result<BroadcastPage, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn unexpanded(
        &self,
        node: Epoch,
        after: Option<BroadcastId>,
        limit: usize,
    ) -> Result<Vec<Arc<Broadcast>>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn upcoming(&self, id: BroadcastId, limit: usize) -> Result<Option<Upcoming>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn expand(&self, expansion: Expansion) -> Result<bool, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn cancel_broadcast(
        &self,
        owner: Option<Owner>,
        id: BroadcastId,
        now: Timestamp,
    ) -> Result<Option<Canceled>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
}

/// Notes that a broadcast was accepted or came to another status at `at`. What changes the status of a row calls this.
pub(super) async fn note(_: &mut super::unit::Unit, _: BroadcastId, _: Timestamp) -> Result<(), super::fault::Fault> {
    Ok(())
}
