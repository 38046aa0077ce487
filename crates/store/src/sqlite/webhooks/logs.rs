//! The rows of logs, and what an erasure removes from them.

use model::{Msisdn, Owner, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::is_test;
use crate::sqlite::writer::Group;
use ledger::contract::changes::Resource;
use ledger::contract::webhooks::ResourceKey;
use ledger::event_log::{opt_out_key, opt_outs_of};
use ledger::facts;

/// Writes an owner's log until this moment at least.
pub(super) fn follow(group: &mut Group, owner: Owner, until: Timestamp) -> rusqlite::Result<()> {
    group.events.write(&group.connection)?;
    open(&group.connection, owner)?;
    let values = params![owner.account.to_bytes(), is_test(owner), until.as_millis()];
    group.connection.prepare_cached(FOLLOW)?.execute(values)?;
    group.events.read(&group.connection)
}

/// The log of an owner, made where there is none.
pub(super) fn open(connection: &Connection, owner: Owner) -> rusqlite::Result<u32> {
    let name = params![owner.account.to_bytes(), is_test(owner)];
    if let Some(log) = number(connection, owner)? {
        return Ok(log);
    }
    connection.prepare_cached(OPEN)?.execute(name)?;
    connection.prepare_cached(NUMBER)?.query_row(name, |row| row.get(0))
}

/// The number of an owner's log.
pub(super) fn number(connection: &Connection, owner: Owner) -> rusqlite::Result<Option<u32>> {
    let name = params![owner.account.to_bytes(), is_test(owner)];
    connection.prepare_cached(NUMBER)?.query_row(name, |row| row.get(0)).optional()
}

/// Removes what was sent of a resource whose person is erased. Events that are not delivered yet are made of its row,
/// which is blank by then.
pub(in crate::sqlite) fn erase_resource(group: &mut Group, id: [u8; 16]) -> rusqlite::Result<()> {
    group.events.erase(ResourceKey::from_be_bytes(id));
    group.connection.prepare_cached(BLANK_BODIES)?.execute([id])?;
    Ok(())
}

/// Removes the events of a person's opt-outs, and their counts, whether they were delivered or not.
pub(in crate::sqlite) fn erase_number(group: &mut Group, number: Msisdn) -> rusqlite::Result<()> {
    group.events.write(&group.connection)?;
    let found: Vec<(u32, u64)> = {
        let mut select = group.connection.prepare_cached(OPT_OUTS)?;
        let mut rows = select.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let is_theirs = match facts::decode(row.get_ref(2)?.as_blob()?) {
                Some(Resource::OptedOut(opt_out) | Resource::OptedIn(opt_out)) => opt_out.name.number == number,
                _ => false,
            };
            if is_theirs {
                found.push((row.get(0)?, row.get(1)?));
            }
        }
        found
    };
    for (log, seq) in found {
        group.connection.prepare_cached(REMOVE)?.execute(params![log, seq])?;
        group.connection.prepare_cached(BLANK_BODIES_OF)?.execute(params![log, seq])?;
    }
    group.connection.prepare_cached(REMOVE_COUNTS)?.execute([opt_outs_of(number)])?;
    erase_resource(group, opt_out_key(number).to_be_bytes())
}

const FOLLOW: &str =
    "UPDATE webhook_logs SET followed_until = max(followed_until, ?3) WHERE account_id = ?1 AND test = ?2";
const OPEN: &str = "INSERT INTO webhook_logs (account_id, test) VALUES (?1, ?2)";
const NUMBER: &str = "SELECT log FROM webhook_logs WHERE account_id = ?1 AND test = ?2";
const BLANK_BODIES: &str = "UPDATE webhook_deliveries SET body = NULL WHERE resource = ?1 AND body IS NOT NULL";
const OPT_OUTS: &str = "SELECT log, seq, facts FROM webhook_events INDEXED BY webhook_events_opt WHERE type IN (6, 7)";
const REMOVE: &str = "DELETE FROM webhook_events WHERE log = ?1 AND seq = ?2";
const BLANK_BODIES_OF: &str = "UPDATE webhook_deliveries SET body = NULL WHERE webhook IN (SELECT webhook FROM \
    webhook_endpoints WHERE log = ?1) AND seq = ?2";
const REMOVE_COUNTS: &str = "DELETE FROM webhook_sequences WHERE substr(resource, 1, length(?1)) = ?1";
