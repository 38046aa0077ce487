//! The rows of a broadcast as a record.

use std::sync::Arc;

use model::message::{Encoding, MessageType};
use model::{
    AccountId, Broadcast, BroadcastCounts, BroadcastId, BroadcastRecord, BroadcastStatus, ClientReference, MediaId,
    Owner,
};
use tokio_postgres::Row;

use crate::postgres::fault::Fault;
use crate::postgres::rows;
use crate::postgres::unit::Unit;

/// The columns of a broadcast, for [`broadcast`].
pub(super) const BROADCAST: &str = "b.account_id, b.id, b.test, b.kind, b.originator, b.body, b.media_url, b.media_id, \
     b.encoding, b.segments, b.total, b.blocked, b.client_reference, b.created_at, b.expires_at";

/// How many columns [`BROADCAST`] has.
pub(super) const BROADCAST_COLUMNS: usize = 15;

/// The columns of how far it has come, which follow them, for [`record`].
pub(super) const PROGRESS: &str = "p.status, p.skipped, p.queued, p.sent, p.delivered, p.undelivered, p.failed";

/// A broadcast of this owner (of any when `None`), or nothing.
pub(in crate::postgres) async fn load(
    unit: &Unit,
    owner: Option<Owner>,
    id: BroadcastId,
) -> Result<Option<BroadcastRecord>, Fault> {
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
