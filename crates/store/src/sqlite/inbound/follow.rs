//! What follows from a message: the opt-out list, the end of queued messages, and the automatic message.

use std::time::Duration;

use model::{Assignment, InboundMessage, KeywordKind, Msisdn, Owner, Status, Timestamp};
use rusqlite::{Connection, params};

use super::arrivals::is_within;
use crate::contract::inbound::{AUTOMATIC_PER_HOUR_MAX, Consequence, Followed, Opt, Reply, ReplyBound, Suppressed};
use crate::contract::messages::MessageFilter;
use crate::sqlite::lists;
use crate::sqlite::messages::{insert_delivery, insert_message};
use crate::sqlite::optouts::{self, Put};
use crate::sqlite::rows;
use crate::sqlite::stop::{Rest, end_queued};
use crate::sqlite::writer::Group;

const HOUR: Duration = Duration::from_secs(3_600);

/// How long before it was sent a text may have been accepted that a handset sends back: those of a broadcast have the
/// ids of its acceptance.
const ACCEPTED_BEFORE: Duration = Duration::from_secs(86_400);

/// How many rows, and how many texts, are looked at for one that a handset sends back.
const ECHO_ROWS: usize = 2_000;
const ECHO_TEXTS: usize = 50;

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
    let was_written = |within| Ok::<_, rusqlite::Error>(count(connection, reply, kind, within, now)? > 0);
    let why = match reply.bound {
        ReplyBound::OnChange => (!has_changed).then_some(Suppressed::NoChange),
        ReplyBound::OnChangeOrAfter(_) if has_changed => None,
        ReplyBound::OnChangeOrAfter(within) | ReplyBound::After(within) => {
            was_written(within)?.then_some(Suppressed::TooSoon)
        }
    };
    if why.is_some() {
        return Ok(why);
    }
    if count(connection, reply, None, HOUR, now)? >= u64::from(AUTOMATIC_PER_HOUR_MAX) {
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
    let filter = MessageFilter {
        recipient: Some(reply.message.recipient),
        from: Some(now - ACCEPTED_BEFORE),
        ..MessageFilter::default()
    };
    let page = lists::page(connection, Some(reply.message.owner()), &filter, None, ECHO_TEXTS, ECHO_ROWS)?;
    Ok(page.messages.iter().any(|record| {
        let at = record.delivery.sent_at.unwrap_or(record.message.created_at);
        record.delivery.status != Status::Failed
            && is_within(at, now, HOUR)
            && record.message.body.as_deref() == Some(text)
    }))
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
