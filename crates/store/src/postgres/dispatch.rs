#![allow(unused_imports, unused_variables, dead_code)] // TODO-stub
//! To be written.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use async_trait::async_trait;
use model::message::Message;
use model::{AccountId, Assignment, CarrierName, ErrorType, MessageId, Moment, Msisdn, Timestamp};
use crate::contract::StoreError;
use crate::contract::nodes::Epoch;

use crate::contract::dispatch::*;
use super::Postgres;

#[async_trait]
impl Dispatch for Postgres {
    async fn recover(&self, node: Epoch, now: Timestamp, retry_within: Duration) -> Result<u64, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn lease_due(&self, request: LeaseRequest) -> Result<Vec<Leased>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn begin_attempts(&self, attempts: Vec<Attempt>, now: Moment) -> Result<Vec<Option<u32>>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn record_outcomes(&self, outcomes: Vec<Outcome>) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn release(&self, leases: Vec<(MessageId, u64)>, now: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn expire(
        &self,
        node: Epoch,
        now: Moment,
        under_way: HashSet<MessageId>,
        limit: usize,
    ) -> Result<usize, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn forget_requests(&self, now: Timestamp, limit: usize) -> Result<u64, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn queue_depths(&self) -> Result<Vec<QueueDepth>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
}
