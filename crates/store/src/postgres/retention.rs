#![allow(unused_imports, unused_variables, dead_code)] // TODO-stub
//! To be written.

use async_trait::async_trait;
use model::{AccountId, TextRetention, Timestamp};
use crate::contract::StoreError;

use crate::contract::retention::*;
use super::Postgres;

#[async_trait]
impl Retention for Postgres {
    async fn text_rules(&self) -> Result<Vec<(AccountId, TextRetention)>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn remove_old(&self, walk: Walk, before: Timestamp, limit: usize) -> Result<Removed, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
}

/// Removes the texts that go with the end of their messages.
pub(super) async fn blank_ended(_: &super::unit::Unit, _: &[crate::life::Life]) -> Result<(), super::fault::Fault> {
    Ok(())
}

/// Removes the text of a broadcast that has ended, where it goes with its end.
pub(super) async fn blank_ended_broadcast(
    _: &super::unit::Unit,
    _: AccountId,
    _: model::BroadcastId,
) -> Result<(), super::fault::Fault> {
    Ok(())
}
