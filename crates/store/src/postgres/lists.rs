#![allow(unused_imports, unused_variables, dead_code)] // TODO-stub
//! To be written.

use std::time::Duration;
use async_trait::async_trait;
use model::Timestamp;
use crate::contract::StoreError;

use crate::contract::lists::*;
use super::Postgres;

#[async_trait]
impl Lists for Postgres {
    async fn index_lists(&self, now: Timestamp, after: Duration, limit: usize) -> Result<Indexed, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
}
