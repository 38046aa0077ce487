//! The health of the store.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use model::{BroadcastId, MessageId, Mint, ScreeningId, Timestamp};
use rusqlite::Connection;

use super::Sqlite;
use ledger::StoreError;
use ledger::contract::bounds::Bounds;
use ledger::contract::health::{CommitSample, Health};

/// What a probe writes: as many pages as an admission with its events and indexes changes, and some to spare, so that
/// it needs the room that a message needs.
const PROBE_BYTES: usize = 64 << 10;

/// The column takes what it is given: its type is an affinity.
const PROBE: &str = "INSERT INTO probe (id, at) VALUES (1, ?1) ON CONFLICT DO UPDATE SET at = excluded.at";

#[async_trait]
impl Health for Sqlite {
    async fn show_newest(&self, mint: &Mint, before: Timestamp) -> Result<(), StoreError> {
        // Each is the end of a primary key.
        let newest = |connection: &Connection, sql: &str, below: [u8; 16]| {
            connection.query_row(sql, [below], |row| row.get::<_, Option<[u8; 16]>>(0))
        };
        let read = move |connection: &Connection| {
            let message = newest(
                connection,
                "SELECT max(message_id) FROM delivery WHERE message_id < ?1",
                MessageId::lowest_at(before).to_bytes(),
            )?;
            let broadcasts = "SELECT max(broadcast_id) FROM broadcast_progress WHERE broadcast_id < ?1";
            let broadcast = newest(connection, broadcasts, BroadcastId::lowest_at(before).to_bytes())?;
            let screened = newest(
                connection,
                "SELECT max(id) FROM screening_log WHERE id < ?1",
                ScreeningId::lowest_at(before).to_bytes(),
            )?;
            Ok((message, broadcast, screened))
        };
        let (message, broadcast, screened) = self.readers.read(read).await?;
        message.into_iter().for_each(|id| MessageId::from_bytes(id).seen_by(mint));
        broadcast.into_iter().for_each(|id| BroadcastId::from_bytes(id).seen_by(mint));
        screened.into_iter().for_each(|id| ScreeningId::from_bytes(id).seen_by(mint));
        Ok(())
    }

    async fn probe(&self) -> Result<(), StoreError> {
        let (lock, filled) = (Arc::clone(&self.lock), self.probes.fetch_add(1, Ordering::Relaxed).to_le_bytes()[0]);
        // Asked before the write, which could fail for want of room and hide it.
        if let Ok(moved) = self.runtime.run_blocking("store-probe", move || lock.require_in_place()).await {
            moved?;
        }
        let write = move |group: &mut super::writer::Group| {
            let connection = &group.connection;
            // The pages go to the log, which needs room for them, and are taken back: the next write has that room. So
            // a probe never takes the last of it.
            connection.execute_batch("SAVEPOINT probe")?;
            connection.prepare_cached(PROBE)?.execute([vec![filled; PROBE_BYTES]])?;
            connection.cache_flush()?;
            connection.execute_batch("ROLLBACK TO probe; RELEASE probe")?;
            // Another number than last time, or SQLite leaves the page alone.
            connection.prepare_cached(PROBE)?.execute([filled])?;
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn size_bytes(&self) -> Result<u64, StoreError> {
        let log = self.lock.log_bytes();
        let pages = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        let file =
            self.readers.read(move |connection| connection.query_row(pages, [], |row| row.get::<_, u64>(0))).await?;
        Ok(file + log)
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
