#![allow(unused_imports, unused_variables, dead_code)] // TODO-stub
//! To be written.

use std::num::NonZeroU32;
use std::sync::Arc;
use async_trait::async_trait;
use model::account::{Account, AccountState, LimitsChange, TextRetention};
use model::key::{ApiKey, KeyId};
use model::number::{Block, BlockKind, Number, NumberState};
use model::{AccountId, Originator, ScreeningTemplate, TemplateId, Timestamp};
use crate::contract::StoreError;

use crate::contract::tenants::*;
use super::Postgres;

#[async_trait]
impl Tenants for Postgres {
    async fn tenants(&self) -> Result<TenantData, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn create_account(&self, account: Account) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn change_account(&self, id: AccountId, change: AccountChange, now: Timestamp)
    -> Result<Account, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn set_screening(&self, id: AccountId, policy: Arc<str>, now: Timestamp) -> Result<Account, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn approve_template(&self, template: ScreeningTemplate) -> Result<Approved, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn remove_template(&self, account: AccountId, id: TemplateId, now: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn set_keywords(&self, of: KeywordsOf, settings: Arc<str>, now: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn create_key(&self, key: ApiKey) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn revoke_key(&self, id: &KeyId, now: Timestamp) -> Result<ApiKey, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn create_number(&self, number: Number) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn change_number(
        &self,
        number: Originator,
        change: NumberChange,
        now: Timestamp,
    ) -> Result<Number, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn put_block(&self, block: Block) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn delete_block(
        &self,
        number: Originator,
        kind: BlockKind,
        account: Option<AccountId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
}
