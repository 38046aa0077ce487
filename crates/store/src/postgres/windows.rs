#![allow(unused_imports, unused_variables, dead_code)] // TODO-stub
//! To be written.

use std::net::IpAddr;
use async_trait::async_trait;
use model::limits::{RequestKind, Standing};
use model::{Owner, Timestamp};
use crate::contract::StoreError;

use crate::contract::windows::*;
use super::Postgres;

#[async_trait]
impl Windows for Postgres {
    async fn take(&self, window: Window, limit: u32, now: Timestamp) -> Result<Taken, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn standing(&self, window: Window, limit: u32, now: Timestamp) -> Result<Standing, StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
}
