#![allow(unused_imports, unused_variables, dead_code)] // TODO-stub
//! To be written.

use std::time::Duration;
use async_trait::async_trait;
use model::{Mint, Timestamp};
use crate::contract::StoreError;
use crate::contract::bounds::Bounds;

use crate::contract::health::*;
use super::Postgres;

#[async_trait]
impl Health for Postgres {
    async fn show_newest(&self, mint: &Mint, before: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn probe(&self) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("to be written".to_owned()))
    }
    async fn failed(&self) -> StoreError {
        std::future::pending().await
    }
    fn observe_commits(&self, observer: Box<dyn Fn(CommitSample) + Send + Sync>) {
        self.core.observe(observer)
    }
    fn keep_within(&self, bounds: Bounds) {
        self.core.keep_within(bounds)
    }
    async fn close(&self) {
        self.finish().await;
        self.core.close()
    }
}
