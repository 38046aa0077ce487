//! Looking for what is old. What is found may have changed when it is to be removed.

use model::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;
use super::{Step, mark_account};
use ledger::contract::retention::Walk;
use ledger::walks::{Looked, Place, ROWS, lowest_at};

/// Something that is old.
pub(super) enum Thing {
    /// The text and the media of a message.
    Text(Uuid),
    /// Those of a broadcast.
    BroadcastText(Uuid),
    /// The text and the files of a message of a handset.
    InboundText(Uuid),
    /// An inbound message.
    Inbound(Uuid),
    /// A message with everything that belongs to it.
    Message(Uuid),
    /// A broadcast.
    Broadcast(Uuid),
    /// A key under which a receipt finds its segment.
    Key(Place),
    /// Something that nothing could use.
    Unmatched(i64),
}

/// The parameters of every look but those for keys and for what nothing could use: the first and the last id, both
/// excluded, how many rows, and the account, where there is one.
///
/// Texts of messages that leave later have a walk of their own.
const TEXTS: &str = "SELECT id, send_at IS NULL AND (body IS NOT NULL OR media_url IS NOT NULL) FROM messages \
    WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3";
const TEXTS_OF: &str = "(SELECT id, send_at IS NULL AND (body IS NOT NULL OR media_url IS NOT NULL) FROM messages \
    WHERE account_id = $4 AND test = false AND id > $1 AND id < $2 ORDER BY id LIMIT $3) UNION ALL \
    (SELECT id, send_at IS NULL AND (body IS NOT NULL OR media_url IS NOT NULL) FROM messages WHERE account_id = $4 \
    AND test = true AND id > $1 AND id < $2 ORDER BY id LIMIT $3) ORDER BY id LIMIT $3";
const BROADCAST_TEXTS: &str = "SELECT id, body IS NOT NULL OR media_url IS NOT NULL FROM broadcasts \
    WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3";
const BROADCAST_TEXTS_OF: &str = "(SELECT id, body IS NOT NULL OR media_url IS NOT NULL FROM broadcasts \
    WHERE account_id = $4 AND test = false AND id > $1 AND id < $2 ORDER BY id LIMIT $3) UNION ALL \
    (SELECT id, body IS NOT NULL OR media_url IS NOT NULL FROM broadcasts \
    WHERE account_id = $4 AND test = true AND id > $1 AND id < $2 ORDER BY id LIMIT $3) ORDER BY id LIMIT $3";
const INBOUND_TEXTS: &str = "SELECT id, body IS NOT NULL OR octets IS NOT NULL OR media <> '' FROM inbound \
    WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3";
const INBOUND_TEXTS_OF: &str = "(SELECT id, body IS NOT NULL OR octets IS NOT NULL OR media <> '' FROM inbound \
    WHERE account_id = $4 AND test = false AND id > $1 AND id < $2 ORDER BY id LIMIT $3) UNION ALL \
    (SELECT id, body IS NOT NULL OR octets IS NOT NULL OR media <> '' FROM inbound \
    WHERE account_id = $4 AND test = true AND id > $1 AND id < $2 ORDER BY id LIMIT $3) ORDER BY id LIMIT $3";
const INBOUND_MESSAGES: &str = "SELECT id, true FROM inbound WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3";
/// Beside the parameters of other looks, the moment. A message that leaves later was queued later, or has failed: only
/// then it is looked up when it was to leave.
const MESSAGES: &str = "SELECT d.message_id, d.status NOT IN ('scheduled', 'queued') AND d.receipt_by IS NULL \
    AND (d.queued_at IS NULL AND d.failed_at IS NULL OR NOT EXISTS (SELECT 1 FROM messages m \
    WHERE m.id = d.message_id AND m.id > $1 AND m.id < $2 AND m.send_at >= $4 OFFSET 0)) \
    FROM delivery d WHERE d.message_id > $1 AND d.message_id < $2 ORDER BY d.message_id LIMIT $3";
const BROADCASTS: &str = "SELECT broadcast_id, status NOT IN ('queued', 'sending') FROM broadcast_progress \
    WHERE broadcast_id > $1 AND broadcast_id < $2 ORDER BY broadcast_id LIMIT $3";

/// In the order of messages, so that old keys are one end of the table.
const KEYS: &str = "SELECT carrier, key, message_id, number FROM segments WHERE message_id >= $1 AND message_id < $2 \
    AND (message_id, carrier, key, number) > ($1, $4, $5, $6) ORDER BY message_id, carrier, key, number LIMIT $3";
/// In the order of times to leave. The values: the last time and the last id, the moment, how many rows, and the
/// account.
const SCHEDULED_TEXTS: &str = "SELECT id, send_at FROM messages WHERE send_at IS NOT NULL \
    AND (body IS NOT NULL OR media_url IS NOT NULL) AND (send_at, id) > ($1, $2) AND send_at < $3 \
    ORDER BY send_at, id LIMIT $4";
const SCHEDULED_TEXTS_OF: &str = "SELECT id, send_at FROM messages WHERE account_id = $5 AND send_at IS NOT NULL \
    AND (body IS NOT NULL OR media_url IS NOT NULL) AND (send_at, id) > ($1, $2) AND send_at < $3 \
    ORDER BY send_at, id LIMIT $4";
const UNMATCHED: &str = "SELECT id, at FROM unmatched WHERE id > $1 AND fate <> 'waiting' ORDER BY id LIMIT $2";
const MARK_OF: &str = "SELECT carrier, key, id, number FROM retention_marks WHERE walk = $1 AND account_id = $2";

/// Looks behind where the step begins for what was accepted before its moment, until enough is found.
pub(super) async fn look(unit: &Unit, step: &Step) -> Result<Looked<Thing>, Fault> {
    let from = match &step.from {
        Some(from) => from.clone(),
        None => mark(unit, step.walk).await?.unwrap_or_default(),
    };
    let (sql, thing) = match step.walk {
        Walk::Texts(account) => (of(account.is_some(), TEXTS, TEXTS_OF), Thing::Text as fn(Uuid) -> Thing),
        Walk::ScheduledTexts(account) => {
            let sql = of(account.is_some(), SCHEDULED_TEXTS, SCHEDULED_TEXTS_OF);
            return scheduled_texts(unit, sql, step, from).await;
        }
        Walk::BroadcastTexts(account) => {
            (of(account.is_some(), BROADCAST_TEXTS, BROADCAST_TEXTS_OF), Thing::BroadcastText as _)
        }
        Walk::InboundTexts(account) => {
            (of(account.is_some(), INBOUND_TEXTS, INBOUND_TEXTS_OF), Thing::InboundText as _)
        }
        Walk::InboundMessages => (INBOUND_MESSAGES, Thing::Inbound as _),
        Walk::Messages => (MESSAGES, Thing::Message as _),
        Walk::Broadcasts => (BROADCASTS, Thing::Broadcast as _),
        Walk::ReceiptKeys => return keys(unit, step, from).await,
        Walk::Unmatched => return unmatched(unit, step, from).await,
    };
    let (after, before, count, account) = (rows::id(from.id), bound(step.before), ROWS as i64, mark_account(step.walk));
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&after, &before, &count];
    let moment = step.before.as_millis();
    if step.walk.account().is_some() {
        values.push(&account);
    }
    if step.walk == Walk::Messages {
        values.push(&moment);
    }
    let found = unit.query(sql, &values).await?;
    through(Looked::behind(from), &found, step.limit, |row| {
        let (id, may_go): (Uuid, bool) = (rows::get(row, 0)?, rows::get(row, 1)?);
        Ok((Place::of_id(id.into_bytes()), may_go.then(|| thing(id))))
    })
}

const fn of(is_of_one: bool, of_all: &'static str, of_one: &'static str) -> &'static str {
    if is_of_one { of_one } else { of_all }
}

/// The lowest id that is not old.
pub(super) fn bound(before: Timestamp) -> Uuid {
    Uuid::from_u128(lowest_at(before))
}

/// Goes through rows, until enough are found.
fn through(
    mut looked: Looked<Thing>,
    rows: &[Row],
    limit: usize,
    read: impl Fn(&Row) -> Result<(Place, Option<Thing>), Fault>,
) -> Result<Looked<Thing>, Fault> {
    for row in rows {
        let (place, thing) = read(row)?;
        if looked.add(place, thing, limit) {
            break;
        }
    }
    Ok(looked)
}

/// Those of messages that have not ended are found again by the next walk.
async fn scheduled_texts(unit: &Unit, sql: &str, step: &Step, from: Place) -> Result<Looked<Thing>, Fault> {
    let (after, before, count) = (rows::id(from.id), step.before.as_millis(), ROWS as i64);
    let account = mark_account(step.walk);
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&from.number, &after, &before, &count];
    if step.walk.account().is_some() {
        values.push(&account);
    }
    let found = unit.query(sql, &values).await?;
    through(Looked::behind(from.clone()), &found, step.limit, |row| {
        let (id, number): (Uuid, i64) = (rows::get(row, 0)?, rows::get(row, 1)?);
        Ok((Place { number, ..Place::of_id(id.into_bytes()) }, Some(Thing::Text(id))))
    })
}

async fn keys(unit: &Unit, step: &Step, from: Place) -> Result<Looked<Thing>, Fault> {
    let (after, before, count) = (rows::id(from.id), bound(step.before), ROWS as i64);
    let number = i32::try_from(from.number).unwrap_or(i32::MAX);
    let found = unit.query(KEYS, &[&after, &before, &count, &from.carrier, &from.key, &number]).await?;
    through(Looked::behind(from), &found, step.limit, |row| {
        let place = Place {
            carrier: rows::get(row, 0)?,
            key: rows::get(row, 1)?,
            id: rows::octets(row, 2)?,
            number: rows::get::<i32>(row, 3)?.into(),
        };
        Ok((place.clone(), Some(Thing::Key(place))))
    })
}

async fn unmatched(unit: &Unit, step: &Step, from: Place) -> Result<Looked<Thing>, Fault> {
    let found = unit.query(UNMATCHED, &[&from.number, &(ROWS as i64)]).await?;
    through(Looked::behind(from), &found, step.limit, |row| {
        let (number, is_old) = (rows::get(row, 0)?, rows::time(row, 1)? < step.before);
        Ok((Place { number, ..Place::default() }, is_old.then_some(Thing::Unmatched(number))))
    })
}

async fn mark(unit: &Unit, walk: Walk) -> Result<Option<Place>, Fault> {
    if !walk.is_marked() {
        return Ok(None);
    }
    let Some(row) = unit.find(MARK_OF, &[&walk.name(), &mark_account(walk)]).await? else { return Ok(None) };
    Ok(Some(Place {
        carrier: rows::get(&row, 0)?,
        key: rows::get(&row, 1)?,
        id: rows::octets(&row, 2)?,
        number: rows::get(&row, 3)?,
    }))
}
