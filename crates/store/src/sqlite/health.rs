//! How the store is doing.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;

use super::Sqlite;
use crate::StoreError;
use crate::contract::health::{CommitSample, Health};

/// What a probe writes: as many pages as the messages of a busy moment, so that it needs the room that they do.
const PROBE_BYTES: usize = 64 << 10;

#[async_trait]
impl Health for Sqlite {
    async fn probe(&self) -> Result<(), StoreError> {
        let (lock, filled) = (Arc::clone(&self.lock), self.probes.fetch_add(1, Ordering::Relaxed).to_le_bytes()[0]);
        let look = move || if lock.is_in_place() { Ok(()) } else { Err(lock.path().display().to_string()) };
        if let Ok(Err(path)) = tokio::task::spawn_blocking(look).await {
            return Err(StoreError::Unavailable(format!("{path} was moved or removed while it is in use: what is written now is lost with this process")));
        }
        let write = move |group: &mut super::writer::Group| {
            // The column takes what it is given: its type is an affinity. Other octets than last time, or SQLite leaves the pages alone.
            let sql = "INSERT INTO probe (id, at) VALUES (1, ?1) ON CONFLICT DO UPDATE SET at = excluded.at";
            group.connection.prepare_cached(sql)?.execute([vec![filled; PROBE_BYTES]])?;
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

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
        self.lock.release();
    }
}
