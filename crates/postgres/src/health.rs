//! The health of the store.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use model::{BroadcastId, MessageId, Mint, ScreeningId, Timestamp};
use uuid::Uuid;

use super::Postgres;
use super::fault::Fault;
use super::rows;
use super::unit::Unit;
use ledger::StoreError;
use ledger::contract::bounds::Bounds;
use ledger::contract::health::{CommitSample, Health};

/// Rewrites a row that no other node is just rewriting.
const PROBE: &str = "UPDATE probe SET at = at + 1 WHERE id = ANY(ARRAY(SELECT id FROM probe LIMIT 1 \
    FOR UPDATE SKIP LOCKED))";

/// Takes two megabytes of the disk, and gives them back at the end of the transaction.
const GROW: &str = "CREATE TEMPORARY TABLE probe_of_room ON COMMIT DROP AS SELECT generate_series(1, 60000)";

#[async_trait]
impl Health for Postgres {
    async fn show_newest(&self, mint: &Mint, before: Timestamp) -> Result<(), StoreError> {
        let Newest { message, broadcast, screened } =
            self.core.read(before, |unit, before| Box::pin(newest(unit, *before))).await?;
        message.into_iter().for_each(|id| id.seen_by(mint));
        broadcast.into_iter().for_each(|id| id.seen_by(mint));
        screened.into_iter().for_each(|id| id.seen_by(mint));
        Ok(())
    }

    /// A row is rewritten in its place, which needs no room on the disk. Since something found none there, the probe
    /// takes some as well.
    async fn probe(&self) -> Result<(), StoreError> {
        self.core.write((), |unit, ()| Box::pin(probe(unit))).await?;
        if self.core.is_full.load(Ordering::Relaxed) {
            self.core.write((), |unit, ()| Box::pin(unit.run(GROW))).await?;
            self.core.is_full.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn size_bytes(&self) -> Result<u64, StoreError> {
        self.core.read((), |unit, ()| Box::pin(size(unit))).await
    }

    /// Never: a commit that fails is the failure of its calls alone. What the database has committed it keeps, and
    /// what became of a commit without an answer is found out from the rows.
    async fn failed(&self) -> StoreError {
        std::future::pending().await
    }

    fn observe_commits(&self, observer: Box<dyn Fn(CommitSample) + Send + Sync>) {
        self.core.observe(observer);
    }

    fn keep_within(&self, bounds: Bounds) {
        self.core.keep_within(bounds);
    }

    async fn close(&self) {
        self.finish().await;
        self.core.close().await;
    }
}

/// The newest ids of each kind.
struct Newest {
    message: Option<MessageId>,
    broadcast: Option<BroadcastId>,
    screened: Option<ScreeningId>,
}

/// Each is the end of a primary key.
async fn newest(unit: &Unit, before: Timestamp) -> Result<Newest, Fault> {
    let messages = "SELECT message_id FROM delivery WHERE message_id < $1 ORDER BY message_id DESC LIMIT 1";
    let broadcasts = "SELECT broadcast_id FROM broadcast_progress WHERE broadcast_id < $1 \
        ORDER BY broadcast_id DESC LIMIT 1";
    let decisions = "SELECT id FROM screening_log WHERE id < $1 ORDER BY id DESC LIMIT 1";
    let message = first(unit, messages, MessageId::lowest_at(before).to_bytes()).await?;
    let broadcast = first(unit, broadcasts, BroadcastId::lowest_at(before).to_bytes()).await?;
    let screened = first(unit, decisions, ScreeningId::lowest_at(before).to_bytes()).await?;
    Ok(Newest {
        message: message.map(MessageId::from_bytes),
        broadcast: broadcast.map(BroadcastId::from_bytes),
        screened: screened.map(ScreeningId::from_bytes),
    })
}

async fn first(unit: &Unit, sql: &str, below: [u8; 16]) -> Result<Option<[u8; 16]>, Fault> {
    let found = unit.find(sql, &[&rows::id(below)]).await?;
    Ok(found.map(|row| rows::get::<Uuid>(&row, 0)).transpose()?.map(Uuid::into_bytes))
}

async fn size(unit: &Unit) -> Result<u64, Fault> {
    let row = unit.one("SELECT pg_database_size(current_database())", &[]).await?;
    Ok(rows::get::<i64>(&row, 0)?.unsigned_abs())
}

async fn probe(unit: &Unit) -> Result<(), Fault> {
    match unit.execute(PROBE, &[]).await? {
        0 => Err(Fault::Told(StoreError::Unavailable("no row is free for a probe".to_owned()))),
        _ => Ok(()),
    }
}
