//! The rows of a broadcast as a record, and what is asked of them and noted of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::message::{Encoding, MessageType};
use model::{
    AccountId, Broadcast, BroadcastCounts, BroadcastId, BroadcastRecord, BroadcastStatus, ClientReference, MediaId,
    Owner, Timestamp,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::fault::Fault;
use super::unit::Unit;
use super::{retention, rows};
use ledger::contract::changes::Resource;

/// The columns of a broadcast, for [`broadcast`].
pub(super) const BROADCAST: &str = "b.account_id, b.id, b.test, b.kind, b.originator, b.body, b.media_url, b.media_id, \
     b.encoding, b.segments, b.total, b.blocked, b.client_reference, b.created_at, b.expires_at";

/// How many columns [`BROADCAST`] has.
pub(super) const BROADCAST_COLUMNS: usize = 15;

/// The columns of how far it has come, which follow them, for [`record`].
pub(super) const PROGRESS: &str = "p.status, p.skipped, p.queued, p.sent, p.delivered, p.undelivered, p.failed";

/// A broadcast of this owner (of any when `None`), or nothing.
pub(super) async fn load(unit: &Unit, owner: Option<Owner>, id: BroadcastId) -> Result<Option<BroadcastRecord>, Fault> {
    let sql = format!(
        "SELECT {BROADCAST}, {PROGRESS} FROM broadcasts b JOIN broadcast_progress p ON p.broadcast_id = b.id \
         WHERE b.id = $1"
    );
    let found = unit.find(&sql, &[&rows::id(id.to_bytes())]).await?;
    let found = found.as_ref().map(record).transpose()?;
    Ok(found.filter(|record| owner.is_none_or(|owner| record.broadcast.owner() == owner)))
}

/// A broadcast from the columns of [`BROADCAST`].
pub(super) fn broadcast(row: &Row) -> Result<Broadcast, Fault> {
    Ok(Broadcast {
        account: AccountId::from_bytes(rows::octets(row, 0)?),
        id: BroadcastId::from_bytes(rows::octets(row, 1)?),
        mode: rows::mode(row, 2)?,
        kind: rows::word(row, 3, MessageType::parse)?,
        originator: rows::originator(row, 4)?,
        body: rows::text_if_any(row, 5)?.map(Arc::from),
        media_url: rows::text_if_any(row, 6)?,
        media: rows::octets_if_any(row, 7)?.map(MediaId::from_bytes),
        encoding: rows::word(row, 8, Encoding::parse)?,
        segments: rows::small(row, 9)?,
        total: rows::count(row, 10)?,
        blocked: rows::count(row, 11)?,
        client_reference: rows::word_if_any(row, 12, ClientReference::parse)?,
        created_at: rows::time(row, 13)?,
        expires_at: rows::time(row, 14)?,
    })
}

/// A broadcast and how far it has come, from the columns of [`BROADCAST`] and then [`PROGRESS`].
pub(super) fn record(row: &Row) -> Result<BroadcastRecord, Fault> {
    let broadcast = broadcast(row)?;
    let at = BROADCAST_COLUMNS;
    let counts = BroadcastCounts {
        total: u64::from(broadcast.total),
        skipped: rows::count(row, at + 1)?,
        queued: rows::count(row, at + 2)?,
        sent: rows::count(row, at + 3)?,
        delivered: rows::count(row, at + 4)?,
        undelivered: rows::count(row, at + 5)?,
        failed: rows::count(row, at + 6)?,
    };
    Ok(BroadcastRecord { status: rows::word(row, at, BroadcastStatus::parse)?, broadcast: Arc::new(broadcast), counts })
}

/// Notes that a broadcast was accepted or came to another status at `at`, and removes its text where that goes with its
/// end. What changes the status of a row calls this.
pub(super) async fn note(unit: &mut Unit, id: BroadcastId, at: Timestamp) -> Result<(), Fault> {
    let Some(BroadcastRecord { broadcast, status, counts }) = load(unit, None, id).await? else { return Ok(()) };
    unit.note(at, Some(broadcast.owner()), Resource::Broadcast { id, status, counts });
    if !status.is_open() {
        retention::blank_ended_broadcast(unit, broadcast.account, id).await?;
    }
    Ok(())
}

/// Those of these broadcasts that were canceled. Whoever asks has their messages locked, so that a cancellation is seen
/// or will see the messages.
pub(super) async fn canceled(unit: &Unit, broadcasts: &BTreeSet<BroadcastId>) -> Result<BTreeSet<BroadcastId>, Fault> {
    if broadcasts.is_empty() {
        return Ok(BTreeSet::new());
    }
    let sql = "SELECT broadcast_id FROM broadcast_progress WHERE broadcast_id = ANY($1) AND status = 'canceled'";
    let ids: Vec<Uuid> = broadcasts.iter().map(|id| rows::id(id.to_bytes())).collect();
    let found = unit.query(sql, &[&ids]).await?;
    found.iter().map(|row| rows::octets(row, 0).map(BroadcastId::from_bytes)).collect()
}
