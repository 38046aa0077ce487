//! The rows of new messages: three statements, however many messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Delivery, KeywordKind, MediaId, Message};
use uuid::Uuid;

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;
use ledger::contract::admission::NewMessage;
use ledger::contract::changes::Resource;

const MESSAGES: &str = "INSERT INTO messages (id, account_id, test, broadcast_id, direction, kind, originator, \
    recipient, \
    body, media_url, media_id, encoding, segments, reference, client_reference, automatic, created_at, expires_at, \
    status_callback, send_at) \
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::uuid[], $5::text[], $6::text[], $7::text[], \
    $8::text[], $9::text[], $10::text[], $11::uuid[], $12::text[], $13::integer[], $14::integer[], $15::text[], \
    $16::text[], $17::bigint[], $18::bigint[], $19::text[], $20::bigint[])";

const DELIVERY: &str = "INSERT INTO delivery (message_id, account_id, test, broadcast_id, carrier, kind, segments, \
    counted_segments, status) \
    SELECT n.message_id, n.account_id, n.test, n.broadcast_id, n.carrier, n.kind, n.segments, n.segments, n.status \
    FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::uuid[], $5::text[], $6::text[], $7::integer[], $8::text[]) \
    AS n(message_id, account_id, test, broadcast_id, carrier, kind, segments, status)";

const QUEUE: &str = "INSERT INTO queue (message_id, account_id, test, carrier, lane, due_at, lease, expires_at, \
    recipient, \
    originator, broadcast_id, media_id) \
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::text[], $5::smallint[], $6::bigint[], \
    $7::bigint[], \
    $8::bigint[], $9::bigint[], $10::text[], $11::uuid[], $12::uuid[])";

const SCHEDULE: &str = "INSERT INTO schedule (message_id, account_id, test, send_at, media_id) \
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::bigint[], $5::uuid[])";

/// Writes new messages, each of which waits for its carrier from now on, and notes that they were accepted. Room for
/// them was made before the transaction ([`super::super::core::Core::make_room`]).
pub(crate) async fn insert_messages(unit: &mut Unit, new: &[&NewMessage]) -> Result<(), Fault> {
    insert_rows(unit, new).await?;
    new.iter().for_each(|new| note_accepted(unit, new));
    Ok(())
}

/// Counts a message, and notes that it was accepted.
pub(super) fn note_accepted(unit: &mut Unit, NewMessage { message, carrier, .. }: &NewMessage) {
    unit.daily.accepted(message);
    let delivery = Delivery::accepted(message, carrier.clone());
    let resource = Resource::Message { id: message.id, broadcast: message.broadcast, delivery };
    unit.note(message.created_at, Some(message.owner()), resource);
}

/// Writes the rows of new messages.
pub(super) async fn insert_rows(unit: &Unit, new: &[&NewMessage]) -> Result<(), Fault> {
    if new.is_empty() {
        return Ok(());
    }
    let columns = Columns::of(new);
    let (scheduled, queued): (Vec<&NewMessage>, Vec<&NewMessage>) =
        new.iter().copied().partition(|new| new.message.send_at.is_some());
    let columns_of_queued = (!scheduled.is_empty()).then(|| Columns::of(&queued));
    tokio::try_join!(
        biased;
        insert_facts(unit, new, &columns),
        insert_delivery(unit, new, &columns),
        insert_queue(unit, &queued, columns_of_queued.as_ref().unwrap_or(&columns)),
        insert_schedule(unit, &scheduled)
    )?;
    Ok(())
}

/// Removes the rows of messages that this transaction wrote.
pub(super) async fn remove_rows(unit: &Unit, ids: Vec<Uuid>) -> Result<(), Fault> {
    let (Some(low), Some(high)) = (ids.iter().min(), ids.iter().max()) else { return Ok(()) };
    let messages = "DELETE FROM messages WHERE id = ANY($1) AND id BETWEEN $2 AND $3";
    let delivery = "DELETE FROM delivery WHERE message_id = ANY($1) AND message_id BETWEEN $2 AND $3";
    unit.execute(messages, &[&ids, low, high]).await?;
    unit.execute(delivery, &[&ids, low, high]).await?;
    unit.execute("DELETE FROM schedule WHERE message_id = ANY($1)", &[&ids]).await?;
    unit.execute("DELETE FROM queue WHERE message_id = ANY($1)", &[&ids]).await.map(drop)
}

/// The columns that several of the tables have.
struct Columns<'m> {
    ids: Vec<Uuid>,
    accounts: Vec<Uuid>,
    tests: Vec<bool>,
    broadcasts: Vec<Option<Uuid>>,
    media: Vec<Option<Uuid>>,
    carriers: Vec<&'m str>,
    kinds: Vec<&'static str>,
    segments: Vec<i32>,
    originators: Vec<String>,
    expires: Vec<i64>,
}

/// A column of what is inserted.
fn column<'m, T>(new: &[&'m NewMessage], value: impl Fn(&'m NewMessage) -> T) -> Vec<T> {
    new.iter().map(|new| value(new)).collect()
}

impl<'m> Columns<'m> {
    fn of(new: &[&'m NewMessage]) -> Self {
        Self {
            ids: column(new, |new| rows::id(new.message.id.to_bytes())),
            accounts: column(new, |new| rows::id(new.message.account.to_bytes())),
            tests: column(new, |new| rows::is_test(new.message.mode)),
            broadcasts: column(new, |new| new.message.broadcast.map(|id| rows::id(id.to_bytes()))),
            media: column(new, |new| new.message.media.map(MediaId::to_bytes).map(rows::id)),
            carriers: column(new, |new| new.carrier.as_str()),
            kinds: column(new, |new| new.message.kind.as_str()),
            segments: column(new, |new| i32::from(new.message.segments)),
            originators: column(new, |new| rows::address(new.message.originator)),
            expires: column(new, |new| new.message.expires_at.as_millis()),
        }
    }
}

async fn insert_facts(unit: &Unit, new: &[&NewMessage], columns: &Columns<'_>) -> Result<(), Fault> {
    let Columns { ids, accounts, tests, broadcasts, media, kinds, segments, originators, expires, .. } = columns;
    unit.execute(
        MESSAGES,
        &[
            ids,
            accounts,
            tests,
            broadcasts,
            &column(new, |new| new.message.direction.as_str()),
            kinds,
            originators,
            &column(new, |new| rows::address(new.message.recipient)),
            &column(new, |new| new.message.body.as_deref().map(rows::kept)),
            &column(new, |new| new.message.media_url.as_deref().map(rows::kept)),
            media,
            &column(new, |new| new.message.encoding.name()),
            segments,
            &column(new, |new| i32::from(new.message.reference)),
            &column(new, |new| new.message.client_reference.as_deref()),
            &column(new, |new| new.message.automatic.map(KeywordKind::as_str)),
            &column(new, |new| new.message.created_at.as_millis()),
            expires,
            &column(new, |new| new.message.status_callback.as_deref().map(rows::kept)),
            &column(new, |new| rows::millis(new.message.send_at)),
        ],
    )
    .await
    .map(drop)
}

async fn insert_delivery(unit: &Unit, new: &[&NewMessage], columns: &Columns<'_>) -> Result<(), Fault> {
    let Columns { ids, accounts, tests, broadcasts, carriers, kinds, segments, .. } = columns;
    let statuses = column(new, |new| new.message.status_at_acceptance().as_str());
    unit.execute(DELIVERY, &[ids, accounts, tests, broadcasts, carriers, kinds, segments, &statuses]).await.map(drop)
}

async fn insert_schedule(unit: &Unit, scheduled: &[&NewMessage]) -> Result<(), Fault> {
    if scheduled.is_empty() {
        return Ok(());
    }
    let ids = column(scheduled, |new| rows::id(new.message.id.to_bytes()));
    let accounts = column(scheduled, |new| rows::id(new.message.account.to_bytes()));
    let tests = column(scheduled, |new| rows::is_test(new.message.mode));
    let times = column(scheduled, |new| rows::millis(new.message.send_at));
    let media = column(scheduled, |new| new.message.media.map(MediaId::to_bytes).map(rows::id));
    unit.execute(SCHEDULE, &[&ids, &accounts, &tests, &times, &media]).await.map(drop)
}

async fn insert_queue(unit: &Unit, new: &[&NewMessage], columns: &Columns<'_>) -> Result<(), Fault> {
    if new.is_empty() {
        return Ok(());
    }
    let Columns { ids, accounts, tests, broadcasts, media, carriers, originators, expires, .. } = columns;
    unit.execute(
        QUEUE,
        &[
            ids,
            accounts,
            tests,
            carriers,
            &column(new, |new| i16::from(new.message.broadcast.is_some())),
            &column(new, |new| new.lease.map_or(new.due_at, |lease| lease.until).as_millis()),
            &column(new, |new| new.lease.map_or(0, |lease| lease.token).cast_signed()),
            expires,
            &column(new, |new| new.message.recipient.to_u64().cast_signed()),
            originators,
            broadcasts,
            media,
        ],
    )
    .await
    .map(drop)
}

/// Messages as they were accepted, those of these that are there.
pub(super) async fn load(unit: &Unit, ids: Vec<Uuid>) -> Result<BTreeMap<Uuid, Arc<Message>>, Fault> {
    let (Some(low), Some(high)) = (ids.iter().min(), ids.iter().max()) else { return Ok(BTreeMap::new()) };
    let sql = format!("SELECT {} FROM messages m WHERE m.id = ANY($1) AND m.id BETWEEN $2 AND $3", rows::MESSAGE);
    let found = unit.query(&sql, &[&ids, low, high]).await?;
    found.iter().map(|row| rows::message(row, 0).map(|message| (rows::id(message.id.to_bytes()), message))).collect()
}
