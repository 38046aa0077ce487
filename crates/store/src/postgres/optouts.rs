#![allow(unused_imports, unused_variables, dead_code)] // TODO-stub
//! To be written.

use std::sync::Arc;
use async_trait::async_trait;
use model::{Msisdn, OptOut, OptOutChange, OptOutName, OptOutSource, Owner, Timestamp};
use crate::contract::StoreError;

use crate::contract::optouts::*;
use super::Postgres;

#[async_trait]
impl OptOuts for Postgres {
    async fn all_opt_outs(&self, each: Box<dyn FnMut(Vec<OptOut>) + Send>) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn opt_out(&self, opt_outs: Vec<OptOut>) -> Result<Vec<bool>, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn opt_in(&self, opt_in: OptIn) -> Result<OptedIn, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn opt_outs(
        &self,
        owner: Owner,
        filter: OptOutFilter,
        after: Option<OptOutCursor>,
        limit: usize,
    ) -> Result<OptOutPage, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn opt_out_history(
        &self,
        owner: Owner,
        number: Msisdn,
        after: Option<OptOutCursor>,
        limit: usize,
    ) -> Result<HistoryPage, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
}
