//! The beginning of attempts: what is on disk before a message leaves this machine.

use model::Moment;
use rusqlite::{Connection, OptionalExtension, params};

use super::events::add_event;
use super::life;
use super::opted;
use super::rows::mask_to_sql;
use super::writer::Group;
use ledger::contract::dispatch::Attempt;
use ledger::reasons::OPTED_OUT;

/// Begins an attempt, unless its lease is over or an opt-out stops its message. Returns the number of the attempt.
pub(super) fn begin(group: &mut Group, attempt: &Attempt, now: Moment) -> rusqlite::Result<Option<u32>> {
    if !group.living.holds(attempt.token) {
        return Ok(None);
    }
    if opted::stops(&group.connection, attempt.id, attempt.recipient)? {
        end_opted_out(group, attempt, now)?;
        return Ok(None);
    }
    let number = count(&group.connection, attempt, now)?;
    if let Some(number) = number {
        add_event(&group.connection, &attempt.event(number, now.wall))?;
        group.flights.begin(attempt.id, &attempt.carrier);
    }
    Ok(number)
}

/// Counts the attempt where its lease holds.
fn count(connection: &Connection, attempt: &Attempt, now: Moment) -> rusqlite::Result<Option<u32>> {
    // Nearly always the lease is long enough and the carrier the one assigned, and then no index is touched.
    let quick = "UPDATE delivery SET attempts = attempts + 1, in_flight = 1 WHERE message_id = ?1 AND lease = ?2 \
                 AND lease <> 0 AND status = 'queued' AND carrier = ?3 AND due_at >= ?4 AND due_at > ?5 \
                 RETURNING attempts";
    let (id, lease_until) = (attempt.id.to_bytes(), attempt.lease_until.as_millis());
    let values = params![id, mask_to_sql(attempt.token), attempt.carrier.as_str(), lease_until, now.steady.as_millis()];
    let number: Option<u32> = connection.prepare_cached(quick)?.query_row(values, |row| row.get(0)).optional()?;
    if number.is_some() {
        return Ok(number);
    }
    let slow = "UPDATE delivery SET attempts = attempts + 1, in_flight = 1, carrier = ?3, due_at = max(due_at, ?4) \
                WHERE message_id = ?1 AND lease = ?2 AND lease <> 0 AND status = 'queued' AND due_at > ?5 \
                RETURNING attempts";
    connection.prepare_cached(slow)?.query_row(values, |row| row.get(0)).optional()
}

/// Ends a message that an opt-out stops, where its lease holds. The end of an attempt under way is awaited: its outcome
/// is not recorded yet, and a retry of it finds the opt-out.
fn end_opted_out(group: &mut Group, attempt: &Attempt, now: Moment) -> rusqlite::Result<()> {
    let Some(mut life) = life::load(&group.connection, attempt.id)? else { return Ok(()) };
    let holds = life.is_held_under(attempt.token) && life.due_at > now.steady;
    if holds && !life.in_flight && life.skip(now.wall, OPTED_OUT) {
        life::save(group, &life)?;
    }
    Ok(())
}
