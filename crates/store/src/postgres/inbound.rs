#![allow(unused_imports, unused_variables, dead_code)] // TODO-stub
//! To be written.

use std::sync::Arc;
use std::time::Duration;
use async_trait::async_trait;
use model::{
    Assignment, CarrierName, InboundAddress, InboundMedia, InboundMessage, Message, MessageId, OptOut, OptOutName,
    OptOutScope, Originator, Owner, Timestamp,
};
use crate::contract::StoreError;

use crate::contract::inbound::*;
use super::Postgres;

#[async_trait]
impl Inbound for Postgres {
    async fn record_inbound(
        &self,
        arrivals: Vec<Arrival>,
        interpreter: Arc<dyn Interpreter>,
    ) -> Result<Vec<Recorded>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn answered(&self, arrivals: Vec<ArrivalId>) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn end_part_waits(
        &self,
        now: Timestamp,
        wait: Duration,
        limit: usize,
        interpreter: Arc<dyn Interpreter>,
    ) -> Result<PartsStep, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn forget_inbound(&self, now: Timestamp, unrouted_kept: Duration, limit: usize) -> Result<usize, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn count_waiting_parts(&self) -> Result<u64, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn inbound_message(&self, owner: Owner, id: MessageId) -> Result<Option<Arc<InboundMessage>>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn inbound_of_any_account(&self, id: MessageId) -> Result<Option<Arc<InboundMessage>>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn inbound_messages(
        &self,
        owner: Option<Owner>,
        filter: InboundFilter,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<InboundPage, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn unrouted(&self, after: Option<MessageId>, limit: usize) -> Result<UnroutedPage, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn assign_unrouted(
        &self,
        id: MessageId,
        owner: Owner,
        opt: Option<Opt>,
        now: Timestamp,
    ) -> Result<Arc<InboundMessage>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
}
