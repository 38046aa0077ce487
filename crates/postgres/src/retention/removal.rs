//! Removing what a look has found: whether it may go is seen here, with the rows locked that say so.

use model::{BroadcastId, MessageId, Timestamp};
use uuid::Uuid;

use super::ended::{lock_ended, lock_over};
use super::texts;
use super::walks::Thing;
use crate::fault::Fault;
use crate::inbound_rows::{self, Gone};
use crate::rows;
use crate::unit::Unit;
use ledger::walks::Place;

/// Removes these things, all of one kind, but those whose message has not ended, or whose broadcast is open. Keys of
/// messages that were queued at `before` or later stay as well. Returns how many went.
pub(super) async fn remove(unit: &Unit, found: &[(Place, Thing)], before: Timestamp) -> Result<u64, Fault> {
    let (mut ids, mut numbers, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for (_, thing) in found {
        match thing {
            Thing::Text(id)
            | Thing::BroadcastText(id)
            | Thing::InboundText(id)
            | Thing::Inbound(id)
            | Thing::Message(id)
            | Thing::Broadcast(id) => ids.push(*id),
            Thing::Key(place) => keys.push(place),
            Thing::Unmatched(number) => numbers.push(*number),
        }
    }
    let Some((_, first)) = found.first() else { return Ok(0) };
    match first {
        Thing::Text(_) => texts::blank_old(unit, &ids).await,
        Thing::BroadcastText(_) => texts::blank_old_broadcasts(unit, &ids).await,
        Thing::InboundText(_) => let_go(unit, inbound_rows::blank(unit, &messages(&ids)).await?).await,
        Thing::Inbound(_) => let_go(unit, inbound_rows::remove(unit, &messages(&ids)).await?).await,
        Thing::Message(_) => remove_messages(unit, &ids).await,
        Thing::Broadcast(_) => remove_broadcasts(unit, &ids).await,
        Thing::Key(_) => remove_keys(unit, &keys, before).await,
        Thing::Unmatched(_) => unit.execute(DELETE_UNMATCHED, &[&numbers]).await,
    }
}

fn messages(ids: &[Uuid]) -> Vec<MessageId> {
    ids.iter().map(|id| MessageId::from_bytes(id.into_bytes())).collect()
}

/// Has the objects go with the next sweep that no message of a handset has any more. Returns how many messages lost
/// something.
async fn let_go(unit: &Unit, gone: Gone) -> Result<u64, Fault> {
    inbound_rows::let_go(unit, &gone.objects).await?;
    Ok(gone.messages as u64)
}

const DELETE_MESSAGES: &str = "DELETE FROM messages WHERE id = ANY($1) AND id BETWEEN $2 AND $3 RETURNING media_id";
const DELETE_EVENTS: &str = "DELETE FROM events WHERE message_id = ANY($1) AND message_id BETWEEN $2 AND $3";
const DELETE_FAILURES: &str = "DELETE FROM failures WHERE message_id = ANY($1) AND message_id BETWEEN $2 AND $3";
const DELETE_DELIVERY: &str = "DELETE FROM delivery WHERE message_id = ANY($1) AND message_id BETWEEN $2 AND $3";

async fn remove_messages(unit: &Unit, ids: &[Uuid]) -> Result<u64, Fault> {
    let ended = lock_ended(unit, ids).await?;
    let (Some(low), Some(high)) = (ended.first(), ended.last()) else { return Ok(0) };
    let names: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&ended, low, high];
    let media = unit.query(DELETE_MESSAGES, &names).await?;
    texts::let_go(unit, &media).await?;
    unit.execute(DELETE_EVENTS, &names).await?;
    unit.execute(DELETE_FAILURES, &names).await?;
    unit.execute(DELETE_DELIVERY, &names).await
}

/// The limit keeps each look apart: one join with all messages would read them all.
const WITHOUT_MESSAGES: &str = "SELECT n.id FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS n(id, low, high) \
    WHERE (SELECT 1 FROM delivery d WHERE d.message_id BETWEEN n.low AND n.high AND d.broadcast_id = n.id LIMIT 1) \
    IS NULL";
const DELETE_CHUNKS: &str = "DELETE FROM broadcast_chunks WHERE broadcast_id = ANY($1)";
const DELETE_BROADCASTS: &str = "DELETE FROM broadcasts WHERE id = ANY($1) RETURNING media_id";
const DELETE_PROGRESS: &str = "DELETE FROM broadcast_progress WHERE broadcast_id = ANY($1)";

async fn remove_broadcasts(unit: &Unit, ids: &[Uuid]) -> Result<u64, Fault> {
    let over = lock_over(unit, ids).await?;
    // The messages of a broadcast follow each other.
    let message = |id: &Uuid, index| rows::id(BroadcastId::from_bytes(id.into_bytes()).message(index).to_bytes());
    let lows: Vec<Uuid> = over.iter().map(|id| message(id, 0)).collect();
    let highs: Vec<Uuid> = over.iter().map(|id| message(id, BroadcastId::RECIPIENTS_MAX - 1)).collect();
    let going = unit.query(WITHOUT_MESSAGES, &[&over, &lows, &highs]).await?;
    let going: Vec<Uuid> = going.iter().map(|row| rows::get(row, 0)).collect::<Result<_, _>>()?;
    if going.is_empty() {
        return Ok(0);
    }
    unit.execute(DELETE_CHUNKS, &[&going]).await?;
    let media = unit.query(DELETE_BROADCASTS, &[&going]).await?;
    texts::let_go(unit, &media).await?;
    unit.execute(DELETE_PROGRESS, &[&going]).await
}

const OPEN: &str = "SELECT message_id FROM delivery WHERE message_id = ANY($1) AND message_id BETWEEN $2 AND $3 \
    AND (status IN ('scheduled', 'queued') OR receipt_by IS NOT NULL OR queued_at >= $4)";
const DELETE_KEYS: &str = "DELETE FROM segments s USING unnest($1::text[], $2::text[], $3::uuid[], $4::integer[]) \
    AS n(carrier, key, id, number) WHERE s.carrier = n.carrier AND s.key = n.key AND s.message_id = n.id \
    AND s.number = n.number AND s.message_id BETWEEN $5 AND $6";

/// Removes keys of messages that have ended or are gone, and were not queued later than the others of their age.
async fn remove_keys(unit: &Unit, keys: &[&Place], before: Timestamp) -> Result<u64, Fault> {
    let ids: Vec<Uuid> = keys.iter().map(|key| rows::id(key.id)).collect();
    let (Some(low), Some(high)) = (ids.first(), ids.last()) else { return Ok(0) };
    let open = unit.query(OPEN, &[&ids, low, high, &before.as_millis()]).await?;
    let open: Vec<[u8; 16]> = open.iter().map(|row| rows::octets(row, 0)).collect::<Result<_, _>>()?;
    let going: Vec<&&Place> = keys.iter().filter(|key| !open.contains(&key.id)).collect();
    let carriers: Vec<&str> = going.iter().map(|key| &*key.carrier).collect();
    let names: Vec<&str> = going.iter().map(|key| &*key.key).collect();
    let ids: Vec<Uuid> = going.iter().map(|key| rows::id(key.id)).collect();
    let numbers: Vec<i32> = going.iter().map(|key| i32::try_from(key.number).unwrap_or_default()).collect();
    unit.execute(DELETE_KEYS, &[&carriers, &names, &ids, &numbers, low, high]).await
}

const DELETE_UNMATCHED: &str = "DELETE FROM unmatched WHERE id = ANY($1) AND fate <> 'waiting'";
