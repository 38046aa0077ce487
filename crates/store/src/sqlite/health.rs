//! How the store is doing.

use async_trait::async_trait;

use super::Sqlite;
use crate::StoreError;
use crate::contract::bounds::Bounds;
use crate::contract::health::{CommitSample, Health};

#[async_trait]
impl Health for Sqlite {
    async fn probe(&self) -> Result<(), StoreError> {
        let write = |group: &mut super::writer::Group| {
            let sql = "INSERT INTO probe (id, at) VALUES (1, 1) ON CONFLICT DO UPDATE SET at = at + 1";
            group.connection.prepare_cached(sql)?.execute([])?;
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn failed(&self) -> StoreError {
        self.writer.failed().await
    }

    fn observe_commits(&self, observer: Box<dyn Fn(CommitSample) + Send + Sync>) {
        self.writer.observe(observer);
    }

    fn keep_within(&self, bounds: Bounds) {
        self.writer.keep_within(bounds);
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
        self.lock.release();
    }
}
