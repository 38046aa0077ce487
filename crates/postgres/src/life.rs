//! The rows of messages that change, locked, read and written for [`Life`], many at once.
//!
//! Every transaction that changes what became of a message locks its row in `delivery` first, and then the one in
//! `queue`, both in the order of ids. Leases and beginnings of attempts change the row in `queue` alone.

use std::collections::BTreeMap;

use model::message::MessageType;
use model::{AccountId, BroadcastId, ErrorType, MessageId, Owner, Status};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::fault::Fault;
use super::rows;
use super::unit::Unit;
use super::{retention, tables};
use ledger::daily::Counted;
use ledger::life::{Life, LifeRow};

const LOCK: &str = "SELECT d.message_id, d.account_id, d.test, d.broadcast_id, d.status, d.carrier, d.segments, \
    d.attempts, \
    d.held, d.unknown_outcomes, d.accepted_segments, d.delivered_segments, d.lost_segments, d.sent_at, d.delivered_at, \
    d.failed_at, d.error_type, d.error_message, d.receipt_by, d.receipt_missing, d.erased_at, d.shares, \
    d.kind, d.counted_segments, d.queued_at \
    FROM delivery d WHERE d.message_id = ANY($1) AND d.message_id BETWEEN $2 AND $3 ORDER BY d.message_id FOR UPDATE";

const LOCK_QUEUE: &str = "SELECT message_id, carrier, due_at, lease, attempts, attempt_began IS NOT NULL FROM queue \
    WHERE message_id = ANY($1) ORDER BY message_id FOR UPDATE";

/// Locks messages and reads what became of them. Unknown ones are left out.
pub(super) async fn lock(
    unit: &Unit,
    ids: impl IntoIterator<Item = MessageId>,
) -> Result<BTreeMap<MessageId, Life>, Fault> {
    let mut ids: Vec<Uuid> = ids.into_iter().map(|id| rows::id(id.to_bytes())).collect();
    ids.sort_unstable();
    ids.dedup();
    let (Some(low), Some(high)) = (ids.first(), ids.last()) else { return Ok(BTreeMap::new()) };
    let (messages, queued): ([&(dyn ToSql + Sync); 3], [&(dyn ToSql + Sync); 1]) = ([&ids, low, high], [&ids]);
    let (messages, queued) = tokio::try_join!(biased; unit.query(LOCK, &messages), unit.query(LOCK_QUEUE, &queued))?;
    let mut found = BTreeMap::new();
    for row in messages {
        let life = read(&row)?;
        found.insert(life.id, life);
    }
    for row in queued {
        let Some(life) = found.get_mut(&MessageId::from_bytes(rows::octets(&row, 0)?)) else { continue };
        life.delivery.carrier = rows::assignment(&row, 1)?;
        life.due_at = rows::time(&row, 2)?;
        life.lease = rows::get::<i64>(&row, 3)?.cast_unsigned();
        life.delivery.attempts = rows::count(&row, 4)?;
        life.in_flight = rows::get(&row, 5)?;
    }
    Ok(found.into_iter().map(|(id, row)| (id, Life::of(row))).collect())
}

fn read(row: &Row) -> Result<LifeRow, Fault> {
    let mask = |at| rows::get::<i64>(row, at).map(i64::cast_unsigned);
    let delivery = model::Delivery {
        status: rows::word(row, 4, Status::parse)?,
        carrier: rows::assignment(row, 5)?,
        attempts: rows::count(row, 7)?,
        held: rows::get(row, 8)?,
        queued_at: rows::time_if_any(row, 24)?,
        unknown_outcomes: rows::count(row, 9)?,
        sent_at: rows::time_if_any(row, 13)?,
        delivered_at: rows::time_if_any(row, 14)?,
        failed_at: rows::time_if_any(row, 15)?,
        error_type: rows::word_if_any(row, 16, ErrorType::parse)?,
        error_message: rows::text_if_any(row, 17)?,
        receipt_missing: rows::get(row, 19)?,
        erased_at: rows::time_if_any(row, 20)?,
    };
    Ok(LifeRow {
        id: MessageId::from_bytes(rows::octets(row, 0)?),
        account: AccountId::from_bytes(rows::octets(row, 1)?),
        mode: Some(rows::mode(row, 2)?),
        broadcast: rows::octets_if_any(row, 3)?.map(BroadcastId::from_bytes),
        segments: rows::small(row, 6)?,
        accepted: mask(10)?,
        delivered: mask(11)?,
        lost: mask(12)?,
        receipt_by: rows::time_if_any(row, 18)?,
        shares: rows::shares(row, 21)?,
        counted: Some(Counted { kind: rows::word(row, 22, MessageType::parse)?, segments: rows::small(row, 23)? }),
        due_at: model::Timestamp::default(),
        lease: 0,
        in_flight: false,
        delivery,
    })
}

/// The ids alone say which partitions are looked at. Bounds beside them would have the planner, which knows nothing of
/// a young partition, think that hardly a row is left, and compare all with all.
const UPDATE: &str = "UPDATE delivery d SET status = n.status, carrier = n.carrier, segments = n.segments, \
    attempts = n.attempts, held = n.held, unknown_outcomes = n.unknown_outcomes, \
    accepted_segments = n.accepted, delivered_segments = n.delivered, lost_segments = n.lost, \
    sent_at = n.sent_at, delivered_at = n.delivered_at, failed_at = n.failed_at, error_type = n.error_type, \
    error_message = n.error_message, receipt_by = n.receipt_by, receipt_missing = n.receipt_missing, \
    shares = n.shares, queued_at = n.queued_at \
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::bigint[], $6::boolean[], $7::bigint[], \
    $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[], $15::text[], \
    $16::bigint[], $17::boolean[], $18::text[], $19::bigint[]) \
    AS n(id, status, carrier, segments, attempts, held, unknown_outcomes, accepted, delivered, lost, sent_at, \
    delivered_at, failed_at, error_type, error_message, receipt_by, receipt_missing, shares, queued_at) \
    WHERE d.message_id = n.id AND d.message_id = ANY($1)";

const UPDATE_QUEUE: &str = "UPDATE queue q SET carrier = n.carrier, due_at = n.due_at, lease = n.lease, \
    attempts = n.attempts, held = n.held, attempt_began = CASE WHEN n.in_flight THEN q.attempt_began END \
    FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[], $7::boolean[]) \
    AS n(id, carrier, due_at, lease, attempts, held, in_flight) WHERE q.message_id = n.id";

const TAKE_OUT: &str = "DELETE FROM queue WHERE message_id = ANY($1)";

/// Writes rows and events, counts changed statuses in their broadcasts and days, and notes the changes. Nothing else
/// writes a status, so that none changes in silence. The lives are of messages that this transaction has locked, each
/// one once.
pub(super) async fn save(unit: &mut Unit, lives: Vec<Life>) -> Result<(), Fault> {
    if lives.is_empty() {
        return Ok(());
    }
    let (waiting, gone): (Vec<&Life>, Vec<&Life>) = lives
        .iter()
        .filter(|life| life.stored.status == Status::Queued)
        .partition(|life| life.delivery.status == Status::Queued);
    let launched: Vec<&Life> = lives
        .iter()
        .filter(|life| life.stored.status == Status::Scheduled && life.delivery.status != Status::Scheduled)
        .collect();
    let written = async {
        tokio::try_join!(
            biased;
            write_rows(unit, &lives),
            write_queue(unit, &waiting),
            take_out(unit, &gone),
            tables::leave_schedule(unit, &launched),
            tables::write_waits(unit, &lives),
            tables::write_failures(unit, &lives),
            retention::blank_ended(unit, &lives)
        )
    };
    // The statements together are large, and every call that changes messages would hold them.
    Box::pin(written).await?;
    for life in lives {
        if let Some(broadcast) = life.broadcast {
            life.count_in(unit.tally(broadcast));
        }
        if life.has_changed_status() {
            let owner = life.mode.map(|mode| Owner { account: life.account, mode });
            if let Some((owner, counted)) = owner.zip(life.counted) {
                unit.daily.moved(owner, life.id, counted, life.stored.status, life.delivery.status);
            }
            unit.note(life.changed_at(), owner, life.change_told());
        }
        unit.events.extend(life.events);
    }
    Ok(())
}

async fn write_rows(unit: &Unit, lives: &[Life]) -> Result<(), Fault> {
    macro_rules! column {
        ($life:ident => $value:expr) => {
            &lives.iter().map(|$life| $value).collect::<Vec<_>>()
        };
    }
    let ids: Vec<Uuid> = lives.iter().map(|life| rows::id(life.id.to_bytes())).collect();
    unit.execute(
        UPDATE,
        &[
            &ids,
            column!(life => life.delivery.status.as_str()),
            column!(life => life.delivery.carrier.as_str()),
            column!(life => i32::from(life.segments)),
            column!(life => i64::from(life.delivery.attempts)),
            column!(life => life.delivery.held),
            column!(life => i64::from(life.delivery.unknown_outcomes)),
            column!(life => life.accepted.cast_signed()),
            column!(life => life.delivered.cast_signed()),
            column!(life => life.lost.cast_signed()),
            column!(life => rows::millis(life.delivery.sent_at)),
            column!(life => rows::millis(life.delivery.delivered_at)),
            column!(life => rows::millis(life.delivery.failed_at)),
            column!(life => life.delivery.error_type.map(ErrorType::as_str)),
            column!(life => life.delivery.error_message.as_deref().map(rows::kept)),
            column!(life => rows::millis(life.receipt_by)),
            column!(life => life.delivery.receipt_missing),
            column!(life => life.shares.to_column()),
            column!(life => rows::millis(life.delivery.queued_at)),
        ],
    )
    .await?;
    Ok(())
}

async fn take_out(unit: &Unit, gone: &[&Life]) -> Result<(), Fault> {
    if gone.is_empty() {
        return Ok(());
    }
    let gone: Vec<Uuid> = gone.iter().map(|life| rows::id(life.id.to_bytes())).collect();
    unit.execute(TAKE_OUT, &[&gone]).await.map(drop)
}

async fn write_queue(unit: &Unit, waiting: &[&Life]) -> Result<(), Fault> {
    if waiting.is_empty() {
        return Ok(());
    }
    macro_rules! column {
        ($life:ident => $value:expr) => {
            &waiting.iter().map(|$life| $value).collect::<Vec<_>>()
        };
    }
    unit.execute(
        UPDATE_QUEUE,
        &[
            column!(life => rows::id(life.id.to_bytes())),
            column!(life => life.delivery.carrier.as_str()),
            column!(life => life.due_at.as_millis()),
            column!(life => life.lease.cast_signed()),
            column!(life => i64::from(life.delivery.attempts)),
            column!(life => life.delivery.held),
            column!(life => life.in_flight),
        ],
    )
    .await?;
    Ok(())
}
