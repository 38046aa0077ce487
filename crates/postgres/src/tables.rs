//! The small tables that say where messages stand: which leave later, which wait for receipts, and which ended without
//! arriving.

use model::Status;
use uuid::Uuid;

use super::fault::Fault;
use super::rows;
use super::unit::Unit;
use ledger::life::Life;

const WAIT: &str = "INSERT INTO receipt_waits (message_id, receipt_by) SELECT * FROM unnest($1::uuid[], $2::bigint[]) \
    ON CONFLICT (message_id) DO UPDATE SET receipt_by = excluded.receipt_by";
const WAIT_NO_MORE: &str = "DELETE FROM receipt_waits WHERE message_id = ANY($1)";
const FAIL: &str = "INSERT INTO failures (message_id, account_id, test, status) \
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::text[]) \
    ON CONFLICT (message_id) DO UPDATE SET status = excluded.status";
const NO_FAILURE: &str = "DELETE FROM failures WHERE message_id = ANY($1)";

fn ids<'l>(lives: impl Iterator<Item = &'l Life>) -> Vec<Uuid> {
    lives.map(|life| rows::id(life.id.to_bytes())).collect()
}

/// Writes which of these messages wait for receipts, and until when.
pub(super) async fn write_waits(unit: &Unit, lives: &[Life]) -> Result<(), Fault> {
    let changed = || lives.iter().filter(|life| life.receipt_by != life.stored.receipt_by);
    let (waiting, until): (Vec<Uuid>, Vec<i64>) =
        changed().filter_map(|life| Some((rows::id(life.id.to_bytes()), rows::millis(life.receipt_by)?))).unzip();
    if !waiting.is_empty() {
        unit.execute(WAIT, &[&waiting, &until]).await?;
    }
    let over = ids(changed().filter(|life| life.receipt_by.is_none()));
    if !over.is_empty() {
        unit.execute(WAIT_NO_MORE, &[&over]).await?;
    }
    Ok(())
}

/// Writes which of these messages ended without arriving.
pub(super) async fn write_failures(unit: &Unit, lives: &[Life]) -> Result<(), Fault> {
    let has_failed = |status| matches!(status, Status::Failed | Status::Undelivered | Status::Canceled);
    let failed: Vec<&Life> =
        lives.iter().filter(|life| life.has_changed_status() && has_failed(life.delivery.status)).collect();
    if !failed.is_empty() {
        let accounts: Vec<Uuid> = failed.iter().map(|life| rows::id(life.account.to_bytes())).collect();
        let tests: Vec<bool> = failed.iter().map(|life| life.mode.is_some_and(rows::is_test)).collect();
        let statuses: Vec<&str> = failed.iter().map(|life| life.delivery.status.as_str()).collect();
        unit.execute(FAIL, &[&ids(failed.iter().copied()), &accounts, &tests, &statuses]).await?;
    }
    let arrived = ids(lives.iter().filter(|life| {
        life.has_changed_status() && has_failed(life.stored.status) && !has_failed(life.delivery.status)
    }));
    if !arrived.is_empty() {
        unit.execute(NO_FAILURE, &[&arrived]).await?;
    }
    Ok(())
}

/// What is written of a message that waits for its carrier from now on: of the row of the queue all that the message
/// itself says, and the carrier and the moment in steady time.
const ENQUEUE: &str = "INSERT INTO queue (message_id, account_id, test, carrier, lane, due_at, lease, expires_at, \
    recipient, originator, broadcast_id, media_id, queued_at) \
    SELECT m.id, m.account_id, m.test, n.carrier, 0, n.due_at, 0, m.expires_at, \
    ltrim(m.recipient, '+')::bigint, m.originator, m.broadcast_id, m.media_id, n.queued_at \
    FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[]) AS n(id, carrier, due_at, queued_at) \
    JOIN messages m ON m.id = n.id AND m.id = ANY($1)";

const LEAVE: &str = "DELETE FROM schedule WHERE message_id = ANY($1)";

/// Takes messages out of the schedule that are scheduled no more, and puts those that wait for their carrier now into
/// the queue.
pub(super) async fn leave_schedule(unit: &Unit, left: &[&Life]) -> Result<(), Fault> {
    if left.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = left.iter().map(|life| rows::id(life.id.to_bytes())).collect();
    unit.execute(LEAVE, &[&ids]).await?;
    let queued: Vec<&&Life> = left.iter().filter(|life| !life.delivery.status.is_final()).collect();
    if queued.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = queued.iter().map(|life| rows::id(life.id.to_bytes())).collect();
    let carriers: Vec<&str> = queued.iter().map(|life| life.delivery.carrier.as_str()).collect();
    let due: Vec<i64> = queued.iter().map(|life| life.due_at.as_millis()).collect();
    let queued_at: Vec<Option<i64>> = queued.iter().map(|life| rows::millis(life.delivery.queued_at)).collect();
    unit.execute(ENQUEUE, &[&ids, &carriers, &due, &queued_at]).await.map(drop)
}
