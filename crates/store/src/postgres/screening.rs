#![allow(unused_imports, unused_variables, dead_code)] // TODO-stub
//! To be written.

use async_trait::async_trait;
use model::{
    AccountId, Mode, ScreeningCertainty, ScreeningId, ScreeningOutcome, ScreeningRecord, ScreeningReview, Timestamp,
};
use crate::contract::StoreError;

use crate::contract::screening::*;
use super::Postgres;

#[async_trait]
impl Screening for Postgres {
    async fn record_screening(&self, record: ScreeningRecord) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn screening_log(
        &self,
        filter: ScreeningFilter,
        after: Option<ScreeningId>,
        limit: usize,
    ) -> Result<Vec<ScreeningRecord>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn screening_record(&self, id: ScreeningId) -> Result<Option<ScreeningRecord>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn review_screening(&self, ids: Vec<ScreeningId>, review: ScreeningReview) -> Result<usize, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn forget_screening(&self, before: Timestamp, limit: usize) -> Result<u64, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
}
