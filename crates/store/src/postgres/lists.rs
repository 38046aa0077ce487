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

/// A page of messages, newest first.
pub(super) async fn page(
    _: &super::unit::Unit,
    _: Option<model::Owner>,
    _: &crate::contract::messages::MessageFilter,
    _: Option<model::MessageId>,
    _: usize,
) -> Result<crate::contract::messages::Page, super::fault::Fault> {
    Err(StoreError::Unavailable("to be written".to_owned()).into())
}
