#![allow(unused_imports, unused_variables, dead_code)] // TODO-stub
//! To be written.

pub(super) mod filing;
pub(super) mod gate;
pub(super) mod parked;

use std::time::Duration;
use async_trait::async_trait;
use model::status::SegmentFate;
use model::unmatched::{Raw, Reason};
use model::{CarrierName, MessageId, ReceiptScope, Timestamp, Unmatched};
use crate::contract::StoreError;

use crate::contract::receipts::*;
use super::Postgres;

#[async_trait]
impl Receipts for Postgres {
    async fn record_receipts(&self, receipts: Vec<Receipt>) -> Result<Vec<ReceiptOutcome>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn record_refused(&self, refused: Vec<Refused>) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn settle_held(
        &self,
        now: Timestamp,
        unclaimed: Duration,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<HeldStep, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn forget_parked(&self, now: Timestamp, kept: Duration, limit: usize)
    -> Result<Vec<CarrierName>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn end_waits(&self, now: Timestamp, limit: usize) -> Result<WaitStep, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn unmatched(&self, carrier: &str, limit: usize) -> Result<Vec<Unmatched>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn count_unmatched(&self, carrier: &str) -> Result<u64, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
}
