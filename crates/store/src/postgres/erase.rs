#![allow(unused_imports, unused_variables, dead_code)] // TODO-stub
//! To be written.

use async_trait::async_trait;
use model::media::StoredMedia;
use model::{BroadcastId, Erasure, ErasureCounts, ErasureId, MessageId, Msisdn, Timestamp};
use crate::contract::StoreError;

use crate::contract::erase::*;
use super::Postgres;

#[async_trait]
impl Erasures for Postgres {
    async fn begin_erasure(&self, erasure: NewErasure) -> Result<Erasure, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn open_erasures(&self, limit: usize) -> Result<Vec<(ErasureId, Option<Msisdn>)>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn erase_messages(
        &self,
        id: ErasureId,
        messages: Vec<MessageId>,
        now: Timestamp,
    ) -> Result<ErasedMessages, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn erasable(&self, number: Msisdn, messages: Vec<MessageId>) -> Result<ErasureCounts, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn erase_inbound(&self, id: ErasureId, now: Timestamp, limit: usize) -> Result<ErasedInbound, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn erasable_inbound(&self, number: Msisdn) -> Result<ErasureCounts, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn packed_with(&self, number: Msisdn, after: Option<Chunk>) -> Result<Packed, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn erase_packed(&self, id: ErasureId, chunks: Vec<Chunk>) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn receipts_of(&self, number: Msisdn, after: Option<i64>) -> Result<ReceiptsOf, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn erase_receipts(&self, id: ErasureId, places: Vec<i64>, now: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn forget_number(&self, id: ErasureId) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn empty_log(&self) -> Result<bool, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn end_erasure(&self, id: ErasureId, now: Timestamp) -> Result<Erasure, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn erasure(&self, id: ErasureId) -> Result<Option<Erasure>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn erasures(
        &self,
        of: Option<[u8; 32]>,
        after: Option<ErasureId>,
        limit: usize,
    ) -> Result<Vec<Erasure>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
}
