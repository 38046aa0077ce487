#![allow(unused_imports, unused_variables, dead_code)] // TODO-stub
//! To be written.

use async_trait::async_trait;
use model::media::{Digest, StoredMedia};
use model::{MediaId, MediaType, Timestamp};
use crate::contract::StoreError;

use crate::contract::media::*;
use super::Postgres;

#[async_trait]
impl MediaRecords for Postgres {
    async fn find_media(&self, digest: Digest, kind: MediaType) -> Result<Option<MediaId>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn media(&self, id: MediaId) -> Result<Option<StoredMedia>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn sweep_media(
        &self,
        after: Option<MediaId>,
        now: Timestamp,
        unneeded_since: Timestamp,
        limit: usize,
    ) -> Result<SweptMedia, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn has_object(&self, id: MediaId) -> Result<bool, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn sweep_inbound_media(&self, limit: usize) -> Result<Vec<String>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
}
