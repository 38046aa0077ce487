#![allow(unused_imports, unused_variables, dead_code)] // TODO-stub
//! To be written.

use async_trait::async_trait;
use model::Owner;
use model::idempotency::{Endpoint, IdempotencyKey};
use crate::contract::StoreError;
use crate::contract::nodes::Epoch;

use crate::contract::requests::*;
use super::Postgres;

#[async_trait]
impl Requests for Postgres {
    async fn begin_request(&self, node: Epoch, key: &RequestKey) -> Result<bool, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn record_answer(&self, node: Epoch, key: &RequestKey, body: String) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn end_request(&self, node: Epoch, key: &RequestKey) {
        ()
    }
}
