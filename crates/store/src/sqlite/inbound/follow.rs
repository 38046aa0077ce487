//! What follows from a message: the opt-out list, the end of queued messages, and the automatic message.

use std::time::Duration;

use model::{Assignment, InboundMessage, KeywordKind, Msisdn, Owner, Timestamp};
use rusqlite::{Connection, params};

use crate::sqlite::lists;
use crate::sqlite::messages::{insert_delivery, insert_message};
use crate::sqlite::optouts;
use crate::sqlite::rows;
use crate::sqlite::stop::{Rest, end_queued};
use crate::sqlite::writer::Group;
use ledger::contract::inbound::{Consequence, Followed, Opt, Reply, Suppressed};
use ledger::handsets::opting::Put;
use ledger::handsets::replies::{self, ECHO_TEXTS, HOUR};

/// How many rows are looked at for a text that a handset sends back.
const ECHO_ROWS: usize = 2_000;

/// Applies what follows from a message at `now`.
pub(super) fn apply(
    group: &mut Group,
    message: &InboundMessage,
    consequence: &Consequence,
    now: Timestamp,
) -> rusqlite::Result<(Followed, Option<Rest>)> {
    let (mut followed, mut rest) = (Followed::default(), None);
    match &consequence.opt {
        Some(Opt::Out(opt_out)) => {
            followed.opt_changed = optouts::put(group, opt_out)? == Put::New;
            // A handset that says STOP again and again has nothing queued any more.
            if followed.opt_changed {
                (followed.canceled, rest) = end_queued(group, opt_out.name, now)?;
            }
        }
        Some(Opt::In(asked, scope)) => followed.opt_changed = optouts::end(group, asked, *scope)?,
        None => {}
    }
    if let Some(reply) = &consequence.reply {
        match suppressed(&group.connection, reply, message, followed.opt_changed, now)? {
            Some(why) => followed.suppressed = Some(why),
            None => followed.replied = Some(write(group, reply, now)?),
        }
    }
    Ok((followed, rest))
}

/// Why an automatic message is not written.
fn suppressed(
    connection: &Connection,
    reply: &Reply,
    message: &InboundMessage,
    has_changed: bool,
    now: Timestamp,
) -> rusqlite::Result<Option<Suppressed>> {
    let kind = reply.message.automatic;
    match replies::within(reply.bound, has_changed) {
        Err(why) => return Ok(Some(why)),
        Ok(Some(within)) if count(connection, reply, kind, within, now)? > 0 => return Ok(Some(Suppressed::TooSoon)),
        Ok(_) => {}
    }
    if replies::are_enough(count(connection, reply, None, HOUR, now)?) {
        return Ok(Some(Suppressed::TooMany));
    }
    Ok(is_echo(connection, reply, message, now)?.then_some(Suppressed::Echo))
}

/// How many automatic messages, of one kind or of all, were written within a time for the handset and the number.
fn count(
    connection: &Connection,
    reply: &Reply,
    kind: Option<KeywordKind>,
    within: Duration,
    now: Timestamp,
) -> rusqlite::Result<u64> {
    let Name { number, owner, sender } = Name::of(reply);
    let values = params![
        number.to_u64().cast_signed(),
        owner.account.to_bytes(),
        owner.mode.as_str(),
        sender,
        // The clock may have been set back since.
        (now - within).as_millis(),
        (now + within).as_millis(),
        kind.map(KeywordKind::as_str)
    ];
    connection.prepare_cached(COUNT)?.query_row(values, |row| row.get(0))
}

/// Whether the handset sends back a text that it had within the hour. A text that is not found among those that are
/// looked at is none: the other bounds end a loop as well.
fn is_echo(connection: &Connection, reply: &Reply, message: &InboundMessage, now: Timestamp) -> rusqlite::Result<bool> {
    let Some(text) = message.body.text().filter(|text| !text.is_empty()) else { return Ok(false) };
    let (owner, filter) = (Some(reply.message.owner()), replies::echoes(reply, now));
    let page = lists::page(connection, owner, &filter, None, ECHO_TEXTS, ECHO_ROWS)?;
    Ok(page.messages.iter().any(|record| replies::is_echo(record, text, now)))
}

/// Writes an automatic message: queued, due now, nobody's yet. Returns its carrier.
fn write(group: &mut Group, reply: &Reply, now: Timestamp) -> rusqlite::Result<Assignment> {
    let message = &*reply.message;
    insert_message(&group.connection, message)?;
    group.note_inserted(None, std::iter::once(message))?;
    insert_delivery(group, message, &reply.carrier, None, reply.due_at)?;
    let Name { number, owner, sender } = Name::of(reply);
    group.connection.prepare_cached(INSERT)?.execute(params![
        number.to_u64().cast_signed(),
        owner.account.to_bytes(),
        owner.mode.as_str(),
        sender,
        now.as_millis(),
        message.id.to_bytes(),
        message.automatic.map_or("", KeywordKind::as_str)
    ])?;
    Ok(reply.carrier.clone())
}

/// What automatic messages are counted by.
struct Name {
    number: Msisdn,
    owner: Owner,
    sender: rows::Text,
}

impl Name {
    fn of(reply: &Reply) -> Self {
        let message = &*reply.message;
        Self { number: message.recipient, owner: message.owner(), sender: rows::text(message.originator) }
    }
}

const COUNT: &str = "SELECT count(*) FROM automatic_messages WHERE number = ?1 AND account_id = ?2 AND mode = ?3 \
    AND sender = ?4 AND at > ?5 AND at < ?6 AND (?7 IS NULL OR kind = ?7)";
const INSERT: &str = "INSERT INTO automatic_messages (number, account_id, mode, sender, at, message_id, kind) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// Every statement of this file.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] = &[COUNT, INSERT];
