//! Replays: ranges of the log that an endpoint receives once more.

use model::{Owner, Timestamp, WebhookId};
use rusqlite::{Connection, OptionalExtension, params};

use super::events;
use super::found::{Found, find, require};
use crate::sqlite::fault::Fault;
use crate::sqlite::writer::Group;
use ledger::contract::webhooks::{DeliveryState, REPLAYS_MAX, ReplayBegun, ReplayOf, Replaying};
use ledger::delivery_rows::state_number;

pub(super) fn begin(
    group: &mut Group,
    owner: Owner,
    id: WebhookId,
    of: &ReplayOf,
    due_at: Timestamp,
) -> Result<ReplayBegun, Fault> {
    let Found { number, log, endpoint } = require(&group.connection, owner, id)?;
    group.events.write(&group.connection)?;
    let connection = &group.connection;
    match of {
        ReplayOf::Range { since, until, state } => {
            let count: u64 = connection.prepare_cached(COUNT)?.query_row([number], |row| row.get(0))?;
            if count >= REPLAYS_MAX {
                return Ok(ReplayBegun::TooMany);
            }
            let first = events::before(connection, log, *since)?;
            // What comes later is delivered anyway.
            let last = match until {
                Some(until) => events::before(connection, log, *until)?,
                None => group.events.of(owner).map_or(endpoint.last, |(_, last)| last),
            };
            if last > first {
                let state = state.map(state_number);
                connection.prepare_cached(INSERT)?.execute(params![number, first, last, state])?;
            }
        }
        ReplayOf::Events(ids) => {
            let mut heads = Vec::with_capacity(ids.len());
            for id in ids {
                match events::head(connection, log, id.seq())?.filter(|head| *id == id_of(head.at, log, head.seq)) {
                    Some(head) => heads.push(head),
                    None => return Ok(ReplayBegun::UnknownEvent),
                }
            }
            for head in heads {
                connection.prepare_cached(PUT)?.execute(params![
                    number,
                    head.seq,
                    head.kind.number(),
                    head.at.as_millis(),
                    state_number(DeliveryState::Pending),
                    due_at.as_millis(),
                ])?;
            }
        }
    }
    Ok(ReplayBegun::Begun)
}

fn id_of(at: Timestamp, log: u32, seq: u64) -> model::EventId {
    model::EventId::new(at, log, seq)
}

pub(super) fn under_way(connection: &Connection, id: WebhookId) -> rusqlite::Result<Option<Replaying>> {
    let Some(Found { number, .. }) = find(connection, id)? else { return Ok(None) };
    let read = |row: &rusqlite::Row<'_>| Ok(Replaying { number: row.get(0)?, position: row.get(1)?, end: row.get(2)? });
    connection.prepare_cached(OLDEST)?.query_row([number], read).optional()
}

/// Notes how far a replay has come.
pub(super) fn advance(connection: &Connection, number: u64, position: u64) -> rusqlite::Result<()> {
    connection.prepare_cached(ADVANCE)?.execute(params![number, position])?;
    connection.prepare_cached(END)?.execute([number])?;
    Ok(())
}

const COUNT: &str = "SELECT count(*) FROM webhook_replays WHERE webhook = ?1";
const INSERT: &str = "INSERT INTO webhook_replays (webhook, next_seq, end_seq, state) VALUES (?1, ?2, ?3, ?4)";
const PUT: &str = "INSERT INTO webhook_deliveries (webhook, seq, type, at, state, tries, due_at, attempts) \
    VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, x'') \
    ON CONFLICT DO UPDATE SET state = excluded.state, tries = 0, due_at = excluded.due_at";
const OLDEST: &str = "SELECT replay, next_seq, end_seq FROM webhook_replays WHERE webhook = ?1 ORDER BY replay LIMIT 1";
const ADVANCE: &str = "UPDATE webhook_replays SET next_seq = max(next_seq, ?2) WHERE replay = ?1";
const END: &str = "DELETE FROM webhook_replays WHERE replay = ?1 AND next_seq >= end_seq";
