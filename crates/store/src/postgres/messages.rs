#![allow(unused_imports, unused_variables, dead_code)] // TODO-stub
//! To be written.

use async_trait::async_trait;
use model::event::Event;
use model::message::{Direction, Message, MessageRecord};
use model::{AccountId, BroadcastId, ClientReference, MessageId, Mode, Msisdn, Originator, Owner, Status, Timestamp};
use crate::contract::StoreError;
use crate::contract::admission::{Admission, Admitted, Earlier, IdempotencyClaim, NewMessage};

use crate::contract::messages::*;
use super::Postgres;

#[async_trait]
impl Messages for Postgres {
    async fn admit(&self, admission: Admission<NewMessage>) -> Result<Admitted<Message>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn replay(&self, owner: Owner, claim: &IdempotencyClaim) -> Result<Option<Earlier<Message>>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn message(&self, owner: Owner, id: MessageId) -> Result<Option<MessageRecord>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn message_of_any_account(&self, id: MessageId) -> Result<Option<MessageRecord>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn messages(
        &self,
        owner: Option<Owner>,
        filter: MessageFilter,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.core
            .read((owner, filter, after, limit), |unit, (owner, filter, after, limit)| {
                Box::pin(super::lists::page(unit, *owner, filter, *after, *limit))
            })
            .await
    }
    async fn events(&self, id: MessageId) -> Result<Vec<Event>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
}
