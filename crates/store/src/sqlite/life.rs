//! The row of a message that changes, read and written for [`Life`].

use std::sync::LazyLock;

use model::message::MessageType;
use model::{AccountId, BroadcastId, ErrorType, MessageId, Owner, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::changes::mode_of_message;
use super::events::add_event;
use super::retention::blank_message;
use super::rows::{self, DELIVERY, mask_from_sql, mask_to_sql};
use super::usage::counted_of_message;
use super::wait_index;
use super::writer::Group;
use ledger::daily::Counted;
use ledger::life::{Life, LifeRow};

macro_rules! update {
    ($more:literal) => {
        concat!(
            "UPDATE delivery SET lease = ?2, in_flight = ?3, attempts = ?5, unknown_outcomes = ?6, accepted_segments \
             = ?7, ",
            "delivered_segments = ?8, lost_segments = ?9, segments = ?10, sent_at = ?11, delivered_at = ?12, \
             failed_at = ?13, error_type = ?14, error_message = ?15",
            $more,
            " WHERE message_id = ?1"
        )
    };
}

static SELECT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {DELIVERY}, d.account_id, d.due_at, d.lease, d.in_flight, d.accepted_segments, d.delivered_segments, \
         d.lost_segments, d.segments, d.broadcast_id, d.receipt_by, d.test, d.shares, \
         d.kind, d.counted_segments FROM delivery d \
         WHERE d.message_id = ?1"
    )
});

const UPDATE_STILL: &str = update!("");
const UPDATE_MOVED: &str = update!(
    ", held = ?4, status = ?16, carrier = ?17, due_at = ?18, receipt_by = ?19, receipt_missing = ?20, shares = ?21, \
     queued_at = ?22"
);

/// The place of the first column of [`SELECT`] after those of [`DELIVERY`].
const FIRST: usize = rows::DELIVERY_COLUMNS;

/// Reads what became of a message.
pub(super) fn load(connection: &Connection, id: MessageId) -> rusqlite::Result<Option<Life>> {
    let read = |row: &rusqlite::Row<'_>| {
        let kind = rows::word_if_any(row, FIRST + 12, MessageType::parse)?;
        let segments = row.get::<_, Option<u16>>(FIRST + 13)?;
        Ok(Life::of(LifeRow {
            id,
            account: AccountId::from_bytes(row.get(FIRST)?),
            mode: row.get::<_, Option<bool>>(FIRST + 10)?.map(rows::mode_if_test),
            delivery: rows::delivery(row, 0)?,
            due_at: rows::time(row, FIRST + 1)?,
            lease: mask_from_sql(row.get(FIRST + 2)?),
            in_flight: row.get(FIRST + 3)?,
            accepted: mask_from_sql(row.get(FIRST + 4)?),
            delivered: mask_from_sql(row.get(FIRST + 5)?),
            lost: mask_from_sql(row.get(FIRST + 6)?),
            segments: row.get(FIRST + 7)?,
            broadcast: row.get::<_, Option<[u8; 16]>>(FIRST + 8)?.map(BroadcastId::from_bytes),
            receipt_by: rows::time_if_any(row, FIRST + 9)?,
            shares: rows::shares(row, FIRST + 11)?,
            counted: kind.zip(segments).map(|(kind, segments)| Counted { kind, segments }),
        }))
    };
    connection.prepare_cached(&SELECT)?.query_row([id.to_bytes()], read).optional()
}

/// Writes the row and the events, counts a changed status in the message's broadcast and its day, and notes the change.
/// Nothing else writes a status, so that none changes in silence. Touches the indexes only where the message moves in
/// them: most changes leave it where it is.
pub(super) fn save(group: &mut Group, life: &Life) -> rusqlite::Result<()> {
    if let Some(broadcast) = life.broadcast {
        life.count_in(group.tally(broadcast));
    }
    life.events.iter().try_for_each(|event| add_event(&group.connection, event))?;
    let connection = &group.connection;
    let d = &life.delivery;
    let time = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
    let (id, lease) = (life.id.to_bytes(), mask_to_sql(life.lease));
    let (accepted, delivered, lost) = (mask_to_sql(life.accepted), mask_to_sql(life.delivered), mask_to_sql(life.lost));
    let (sent_at, delivered_at, failed_at) = (time(d.sent_at), time(d.delivered_at), time(d.failed_at));
    let error = d.error_type.map(ErrorType::as_str);
    let (status, due_at, receipt_by) = (d.status.as_str(), life.due_at.as_millis(), time(life.receipt_by));
    let values = params![
        id,
        lease,
        life.in_flight,
        d.held,
        d.attempts,
        d.unknown_outcomes,
        accepted,
        delivered,
        lost,
        life.segments,
        sent_at,
        delivered_at,
        failed_at,
        error,
        d.error_message,
        status,
        d.carrier.as_str(),
        due_at,
        receipt_by,
        d.receipt_missing,
        life.shares.to_column(),
        time(d.queued_at)
    ];
    if life.has_moved() {
        connection.prepare_cached(UPDATE_MOVED)?.execute(values)?;
    } else {
        connection.prepare_cached(UPDATE_STILL)?.execute(&values[..15])?;
    }
    if !life.in_flight {
        group.flights.end(life.id);
    }
    let age_from = (!life.leaves_later()).then(|| u128::from_be_bytes(id));
    if life.ends() && group.texts.goes_with_message(life.account, age_from) {
        blank_message(&group.connection, life.account, life.id)?;
    }
    if life.has_changed_status() {
        group.relist(life.id, life.broadcast, life.stored.status, d.status)?;
        let owner = owner_of(group, life)?;
        let counted = life.counted.map_or_else(|| counted_of_message(&group.connection, life.account, life.id), Ok)?;
        group.daily.moved(owner, life.id, counted, life.stored.status, d.status);
        group.note(life.changed_at(), Some(owner), life.change_told());
    }
    if life.receipt_by.is_some()
        && life.receipt_by != life.stored.receipt_by
        && group.is_listed(life.id, life.broadcast)
    {
        wait_index::file(&group.connection, id, receipt_by)?;
    }
    Ok(())
}

fn owner_of(group: &Group, life: &Life) -> rusqlite::Result<Owner> {
    let mode = match life.mode {
        Some(mode) => mode,
        None => mode_of_message(&group.connection, life.account.to_bytes(), life.id.to_bytes())?,
    };
    Ok(Owner { account: life.account, mode })
}
