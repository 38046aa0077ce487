//! The logs of events: events are numbered and written before the commit, with the row of each log locked from the
//! numbering on.

use std::collections::BTreeMap;

use model::webhook::EventType;
use model::{Owner, Timestamp};

use super::core::Core;
use super::fault::Fault;
use super::listeners::{Listeners, Log};
use super::rows;
use super::unit::Unit;
use ledger::event_log::Sequence;
use ledger::facts;

/// An event that is to be logged.
pub(super) struct NewLogged {
    pub(super) log: i64,
    pub(super) owner: Owner,
    pub(super) at: Timestamp,
    pub(super) kind: EventType,
    pub(super) sequence: Sequence,
    pub(super) facts: Vec<u8>,
}

const LOCK: &str = "SELECT log, last FROM webhook_logs WHERE log = ANY($1) ORDER BY log FOR NO KEY UPDATE";
const COUNT: &str = "INSERT INTO webhook_sequences AS s (log, resource, last, at) \
    SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[]) \
    ON CONFLICT (log, resource) DO UPDATE SET last = s.last + excluded.last, at = excluded.at \
    RETURNING log, resource, last";
const INSERT: &str = "INSERT INTO webhook_events (log, seq, at, type, sequence, facts) SELECT * FROM \
    unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::bigint[], $6::bytea[])";
const MOVE: &str = "UPDATE webhook_logs l SET last = n.last, moved = clock_timestamp() \
    FROM unnest($1::bigint[], $2::bigint[]) AS n(log, last) WHERE l.log = n.log";

/// Writes the events that the noted changes are.
pub(super) async fn write(unit: &mut Unit, listeners: &Listeners) -> Result<(), Fault> {
    let mut events = Vec::new();
    for change in &unit.noted {
        let Some(owner) = change.owner else { continue };
        let Some(Log { number, taken }) = listeners.logs.get(&owner) else { continue };
        if !taken.is_written(change.at) {
            continue;
        }
        let Some((kind, sequence)) = taken.event_of(&change.resource) else { continue };
        let mut octets = Vec::new();
        facts::encode(&change.resource, &mut octets);
        events.push(NewLogged { log: *number, owner, at: change.at, kind, sequence, facts: octets });
    }
    add(unit, events).await
}

/// Adds events to their logs, which are locked until the commit.
pub(super) async fn add(unit: &mut Unit, events: Vec<NewLogged>) -> Result<(), Fault> {
    if events.is_empty() {
        return Ok(());
    }
    let mut logs: Vec<i64> = events.iter().map(|event| event.log).collect();
    let of_events = logs.clone();
    logs.sort_unstable();
    logs.dedup();
    let mut last: BTreeMap<i64, i64> = BTreeMap::new();
    for row in unit.query(LOCK, &[&logs]).await? {
        last.insert(rows::get(&row, 0)?, rows::get(&row, 1)?);
    }
    let sequences = sequences(unit, &events).await?;
    let mut numbers = Vec::with_capacity(events.len());
    for event in &events {
        let last = last.entry(event.log).or_default();
        *last += 1;
        numbers.push(*last);
        unit.ends.insert(event.owner, last.cast_unsigned());
    }
    let at: Vec<i64> = events.iter().map(|event| event.at.as_millis()).collect();
    let kinds: Vec<i16> = events.iter().map(|event| i16::from(event.kind.number())).collect();
    let facts: Vec<&[u8]> = events.iter().map(|event| &*event.facts).collect();
    unit.execute(INSERT, &[&of_events, &numbers, &at, &kinds, &sequences, &facts]).await?;
    let (logs, ends): (Vec<i64>, Vec<i64>) = last.into_iter().unzip();
    unit.execute(MOVE, &[&logs, &ends]).await.map(drop)
}

/// The number of each event among those of its resource. Where it is counted, the log's lock has others wait.
async fn sequences(unit: &Unit, events: &[NewLogged]) -> Result<Vec<i64>, Fault> {
    let mut counts: BTreeMap<(i64, &[u8]), (i64, i64)> = BTreeMap::new();
    for event in events {
        if let Sequence::Counted(name) = &event.sequence {
            let (count, at) = counts.entry((event.log, name)).or_default();
            *count += 1;
            *at = event.at.as_millis();
        }
    }
    // The number before the first of these events, by log and resource.
    let mut before: BTreeMap<(i64, Vec<u8>), i64> = BTreeMap::new();
    if !counts.is_empty() {
        let (logs, resources): (Vec<i64>, Vec<&[u8]>) = counts.keys().copied().unzip();
        let (numbers, at): (Vec<i64>, Vec<i64>) = counts.values().copied().unzip();
        for row in unit.query(COUNT, &[&logs, &resources, &numbers, &at]).await? {
            let (log, resource): (i64, &[u8]) = (rows::get(&row, 0)?, rows::get(&row, 1)?);
            let added = counts.get(&(log, resource)).map_or(0, |(count, _)| *count);
            before.insert((log, resource.to_vec()), rows::get::<i64>(&row, 2)? - added);
        }
    }
    let number = |event: &NewLogged| match &event.sequence {
        Sequence::Known(number) => i64::from(*number),
        Sequence::Counted(name) => {
            let number = before.entry((event.log, name.clone())).or_default();
            *number += 1;
            *number
        }
    };
    Ok(events.iter().map(number).collect())
}

/// Tells those who follow of logs that have come to these ends.
pub(super) fn publish(core: &Core, ends: BTreeMap<Owner, u64>) {
    let news = core.followed.later_ends(ends);
    if !news.is_empty() {
        core.bell.ring(news);
    }
}
