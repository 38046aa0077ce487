//! Parts to wholes. Handsets whose parts are joined are locked.

use std::sync::Arc;
use std::time::Duration;

use model::{MessageId, Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::fault::Fault;
use crate::inbound_rows::{address, address_text};
use crate::unit::Unit;
use crate::{handsets, rows};
use ledger::contract::inbound::{Arrival, Assembled, PartName, REDELIVERED_WITHIN};
use ledger::handsets::arrivals::form_number;
use ledger::handsets::parts::{Candidate, Place, SAME_NAME_MAX, State};

/// What became of a part.
pub(super) enum Joined {
    /// It exists already.
    Known,
    /// Others are awaited. It begins a new message where it replaces that of this join.
    Waits(Option<i64>),
    /// It completes a message, or is one more part of a message that is shown without some.
    Assembled(i64, Assembled),
}

/// Adds a part to those that it belongs to.
pub(super) async fn join(unit: &Unit, arrival: &Arrival, part: &PartName) -> Result<Joined, Fault> {
    let candidates = candidates(unit, arrival, part).await?;
    match Place::of(arrival, &candidates) {
        Place::Known => Ok(Joined::Known),
        Place::Begins(replaced) => {
            begin(unit, arrival, part).await?;
            Ok(Joined::Waits(replaced))
        }
        Place::Joins(id, state) => {
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
                [&id, &arrival.at.as_millis(), &i32::from(part.number), &&*arrival.content];
            unit.execute(ADD, &values).await?;
            let assembled = assembled(unit, id).await?;
            Ok(match assembled {
                Some(assembled) if state.shows(&assembled) => Joined::Assembled(id, assembled),
                _ => Joined::Waits(None),
            })
        }
    }
}

/// The name of the carrier is compared row by row: an index of all that names a part would be as long as the table.
const CANDIDATES: &str = "SELECT j.id, j.state, j.last_at, (SELECT p.content FROM inbound_parts p \
    WHERE p.join_id = j.id AND p.number = $8) FROM inbound_joins j \
    WHERE j.sender = $1 AND j.recipient = $2 AND j.reference = $3 AND j.total = $4 AND j.carrier = $5 AND j.form = $6 \
    AND j.elements = $7 ORDER BY j.id DESC LIMIT $9 FOR UPDATE OF j";

/// The messages that have the name of a part, the newest first. They are not forgotten meanwhile.
async fn candidates(unit: &Unit, arrival: &Arrival, part: &PartName) -> Result<Vec<Candidate>, Fault> {
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 9] = [
        &address_text(&arrival.from),
        &address_text(&arrival.to),
        &i32::from(part.reference),
        &i32::from(part.total),
        &&*arrival.carrier,
        &i16::from(form_number(part.form)),
        &&*part.other_elements,
        &i32::from(part.number),
        &i64::from(SAME_NAME_MAX),
    ];
    let read = |row: &Row| {
        let state: i16 = rows::get(row, 1)?;
        let state = u8::try_from(state).map(State::of).map_err(|_| rows::unknown(1, &state.to_string()))?;
        Ok(Candidate { id: rows::get(row, 0)?, state, last_at: rows::time(row, 2)?, content: rows::get(row, 3)? })
    };
    unit.query(CANDIDATES, &values).await?.iter().map(read).collect()
}

const BEGIN: &str = "WITH begun AS (INSERT INTO inbound_joins (carrier, sender, recipient, form, reference, total, \
    elements, state, first_at, last_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $8) RETURNING id) \
    INSERT INTO inbound_parts (join_id, number, content) SELECT id, $9, $10 FROM begun";

async fn begin(unit: &Unit, arrival: &Arrival, part: &PartName) -> Result<(), Fault> {
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 10] = [
        &&*arrival.carrier,
        &address_text(&arrival.from),
        &address_text(&arrival.to),
        &i16::from(form_number(part.form)),
        &i32::from(part.reference),
        &i32::from(part.total),
        &&*part.other_elements,
        &arrival.at.as_millis(),
        &i32::from(part.number),
        &&*arrival.content,
    ];
    unit.execute(BEGIN, &values).await.map(drop)
}

const ADD: &str = "WITH touched AS (UPDATE inbound_joins SET last_at = $2 WHERE id = $1 RETURNING id) \
    INSERT INTO inbound_parts (join_id, number, content) SELECT id, $3, $4 FROM touched";

const PARTS: &str = "SELECT j.carrier, j.sender, j.recipient, j.total, j.first_at, j.message_id, p.number, p.content \
    FROM inbound_joins j JOIN inbound_parts p ON p.join_id = j.id WHERE j.id = $1 ORDER BY p.number";

/// The parts of a message that came.
async fn assembled(unit: &Unit, join: i64) -> Result<Option<Assembled>, Fault> {
    let found = unit.query(PARTS, &[&join]).await?;
    let Some(first) = found.first() else { return Ok(None) };
    let part = |row: &Row| Ok((rows::small(row, 6)?, rows::get::<&[u8]>(row, 7)?.into()));
    Ok(Some(Assembled {
        carrier: rows::carrier(first, 0)?,
        from: address(first, 1)?,
        to: address(first, 2)?,
        received_at: rows::time(first, 4)?,
        total: rows::small(first, 3)?,
        parts: found.iter().map(part).collect::<Result<_, Fault>>()?,
        media: Arc::from([]),
        earlier: rows::octets_if_any(first, 5)?.map(MessageId::from_bytes),
    }))
}

const IS_AWAITED: &str = "SELECT 1 FROM inbound_joins WHERE id = $1 AND state = 0";

/// The parts of a message that came, if others are awaited.
pub(super) async fn awaited(unit: &Unit, join: i64) -> Result<Option<Assembled>, Fault> {
    match unit.find(IS_AWAITED, &[&join]).await? {
        Some(_) => assembled(unit, join).await,
        None => Ok(None),
    }
}

const SHOWN: &str = "UPDATE inbound_joins SET state = $2, message_id = $3, forget_at = $4 WHERE id = $1";

/// Notes that a message is shown, whole or in part.
pub(super) async fn shown(
    unit: &Unit,
    join: i64,
    message: MessageId,
    is_whole: bool,
    now: Timestamp,
) -> Result<(), Fault> {
    let (state, kept) = State::shown(is_whole);
    let message: Uuid = rows::id(message.to_bytes());
    unit.execute(SHOWN, &[&join, &i16::from(state.number()), &message, &(now + kept).as_millis()]).await.map(drop)
}

const REPLACE: &str = "UPDATE inbound_joins SET state = $2, forget_at = $3 WHERE id = $1";

/// Notes that another message took the name of this one: no part that comes belongs to it any more.
pub(super) async fn replace(unit: &Unit, join: i64, now: Timestamp) -> Result<(), Fault> {
    let forget_at = (now + REDELIVERED_WITHIN).as_millis();
    unit.execute(REPLACE, &[&join, &i16::from(State::Replaced.number()), &forget_at]).await.map(drop)
}

const OVER: &str = "SELECT id, sender FROM inbound_joins WHERE forget_at IS NULL AND last_at <= $1 \
    ORDER BY last_at LIMIT $2";
const AHEAD: &str = "SELECT id, sender FROM inbound_joins WHERE forget_at IS NULL AND last_at > $1 \
    ORDER BY last_at LIMIT $2";
const STILL: &str = "SELECT id FROM inbound_joins WHERE id = ANY($1) AND forget_at IS NULL \
    AND (last_at <= $2 OR last_at > $3) ORDER BY last_at <= $2 DESC, last_at";

/// The messages of which no part came for so long, the longest first, with their handsets locked, and whether there may
/// be more. Where the clock was set back, those of a time to come are among them.
pub(super) async fn over(unit: &Unit, now: Timestamp, wait: Duration, limit: usize) -> Result<(Vec<i64>, bool), Fault> {
    let (late, ahead) = ((now - wait).as_millis(), (now + wait).as_millis());
    let (mut ids, mut senders): (Vec<i64>, Vec<String>) = (Vec::new(), Vec::new());
    for (sql, end) in [(OVER, late), (AHEAD, ahead)] {
        let left = i64::try_from(limit - ids.len()).unwrap_or(i64::MAX);
        for row in unit.query(sql, &[&end, &left]).await? {
            ids.push(rows::get(&row, 0)?);
            senders.push(rows::text(&row, 1)?);
        }
    }
    let more = ids.len() == limit;
    if ids.is_empty() {
        return Ok((ids, more));
    }
    handsets::lock(unit, senders).await?;
    // A part may have come until the handset was locked.
    let still = unit.query(STILL, &[&ids, &late, &ahead]).await?;
    Ok((still.iter().map(|row| rows::get(row, 0)).collect::<Result<_, _>>()?, more))
}

const COUNT: &str = "SELECT count(*) FROM inbound_joins j JOIN inbound_parts p ON p.join_id = j.id \
    WHERE j.forget_at IS NULL";

/// The number of parts that wait for others.
pub(super) async fn count_waiting(unit: &Unit) -> Result<u64, Fault> {
    rows::count(&unit.one(COUNT, &[]).await?, 0)
}
