#![allow(unused_imports, unused_variables, dead_code)] // TODO-stub
//! To be written.

use std::sync::Arc;
use async_trait::async_trait;
use model::account::Account;
use model::key::ApiKey;
use model::number::{Block, BlockKind, Number};
use model::{
    AccountId, BroadcastCounts, BroadcastId, BroadcastStatus, Delivery, MessageId, OptOut, Originator, Owner,
    ScreeningTemplate, Status, TemplateId, Timestamp,
};
use crate::contract::StoreError;
use crate::contract::tenants::KeywordsOf;
use tail::{Tail, Tailed};

use crate::contract::changes::*;
use super::Postgres;

#[async_trait]
impl Changes for Postgres {
    async fn register_consumer(&self, name: &str, kinds: Kinds) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn remove_consumer(&self, name: &str) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn consumers(&self) -> Result<Vec<Consumer>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn changes(&self, consumer: &str, limit: usize) -> Result<Batch, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn move_cursor(&self, consumer: &str, to: Position) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn forget_changes(&self, limit: usize) -> Result<u64, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    fn subscribe(&self, kinds: Kinds) -> Tail {
        self.core.tails.subscribe(kinds)
    }
}
