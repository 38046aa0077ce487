//! The end of a broadcast before its time.

use model::{BroadcastId, BroadcastStatus, MessageId, Owner, Status, Timestamp};
use uuid::Uuid;

use crate::broadcast_records::{self, load};
use crate::fault::Fault;
use crate::unit::Unit;
use crate::{counts, life, rows};
use ledger::contract::broadcasts::Canceled;
use ledger::reasons::CANCELED;

/// No recipient has their turn from then on: the one who gives turns has a chunk locked, and does it before this or not
/// at all.
const TAKE_CHUNKS: &str = "DELETE FROM broadcast_chunks WHERE broadcast_id = $1";

const WAITING: &str = "SELECT message_id FROM queue WHERE broadcast_id = $1";

const LOCK: &str = "SELECT status, skipped FROM broadcast_progress WHERE broadcast_id = $1 FOR UPDATE";

const CANCEL: &str = "UPDATE broadcast_progress SET status = 'canceled', queued = queued - (packed - next_index), \
    skipped = skipped + (packed - next_index), packed = next_index WHERE broadcast_id = $1";

pub(super) async fn cancel(
    unit: &mut Unit,
    owner: Option<Owner>,
    id: BroadcastId,
    now: Timestamp,
) -> Result<Option<Canceled>, Fault> {
    let Some(record) = load(unit, owner, id).await? else { return Ok(None) };
    if !record.status.is_open() {
        return Ok(Some(Canceled { record, stopped: 0 }));
    }
    let number = rows::id(id.to_bytes());
    unit.execute(TAKE_CHUNKS, &[&number]).await?;
    stop_waiting(unit, number, now).await?;
    let locked = unit.one(LOCK, &[&number]).await?;
    let before: u64 = rows::count(&locked, 1)?;
    // One that ended meanwhile, or that somebody else stopped, has nobody left who waits.
    if rows::word(&locked, 0, BroadcastStatus::parse)?.is_open() {
        unit.execute(CANCEL, &[&number]).await?;
        counts::write(unit).await?;
        broadcast_records::note(unit, id, now).await?;
    }
    let now = load(unit, owner, id).await?;
    Ok(now.map(|now| Canceled { stopped: now.counts.skipped.saturating_sub(before), record: now }))
}

/// Ends the messages of a broadcast that wait and are not under way. What is held back may have left, and only a
/// receipt will tell. All of them are locked: one whose attempt ends just now is looked at when it has ended.
async fn stop_waiting(unit: &mut Unit, broadcast: Uuid, now: Timestamp) -> Result<(), Fault> {
    let found = unit.query(WAITING, &[&broadcast]).await?;
    let ids: Vec<MessageId> =
        found.iter().map(|row| rows::octets(row, 0).map(MessageId::from_bytes)).collect::<Result<_, _>>()?;
    let mut stopped = Vec::new();
    for mut life in life::lock(unit, ids).await?.into_values() {
        let waits = life.delivery.status == Status::Queued && !life.in_flight && !life.delivery.held;
        if waits && life.skip(now, CANCELED) {
            stopped.push(life);
        }
    }
    life::save(unit, stopped).await
}
