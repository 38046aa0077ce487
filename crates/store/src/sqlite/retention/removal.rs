//! Removing one thing, in the writer's transaction: whether it may go is seen here.

use model::{AccountId, BroadcastId, MessageId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::sqlite::inbound_rows;
use crate::sqlite::lists;
use crate::sqlite::writer::Group;

/// Something that is old.
pub(super) enum Thing {
    /// The text and the media of a message.
    Text(AccountId, MessageId),
    /// Those of a broadcast.
    BroadcastText(AccountId, BroadcastId),
    /// The text and the files of a message of a handset.
    InboundText(MessageId),
    /// An inbound message.
    Inbound(MessageId),
    /// A message with everything that belongs to it.
    Message(AccountId, MessageId),
    /// A broadcast.
    Broadcast(AccountId, BroadcastId),
    /// A key under which a receipt finds its segment, of a message that is old if it was queued before this moment.
    Key(Segment, Timestamp),
    /// Something that nothing could use.
    Unmatched(i64),
}

/// A segment, as it is filed.
pub(super) struct Segment {
    pub(super) carrier: String,
    pub(super) key: String,
    pub(super) message: MessageId,
    pub(super) number: i64,
}

/// Removes it, unless its message has not ended, or its broadcast is open. Says whether it did.
pub(super) fn remove(group: &Group, thing: &Thing) -> rusqlite::Result<bool> {
    let connection = &group.connection;
    match thing {
        Thing::Text(account, id) => {
            Ok(has_ended(connection, *id)? == Some(true) && blank_message(connection, *account, *id)?)
        }
        Thing::BroadcastText(account, id) => {
            Ok(is_open(connection, *id)? == Some(false) && blank_broadcast(connection, *account, *id)?)
        }
        Thing::InboundText(id) => gone(connection, inbound_rows::blank(connection, *id)?),
        Thing::Inbound(id) => gone(connection, inbound_rows::remove(connection, *id)?),
        Thing::Message(account, id) => {
            Ok(has_ended(connection, *id)? == Some(true) && remove_message(connection, *account, *id)?)
        }
        Thing::Broadcast(account, id) => {
            Ok(is_open(connection, *id)? == Some(false) && remove_broadcast(connection, *account, *id)?)
        }
        Thing::Key(segment, before) => {
            let is_young = params![segment.message.to_bytes(), before.as_millis()];
            let may_go = has_ended(connection, segment.message)?.unwrap_or(true);
            let may_go = may_go && !connection.prepare_cached(QUEUED_SINCE)?.exists(is_young)?;
            Ok(may_go && remove_key(connection, segment)?)
        }
        Thing::Unmatched(number) => Ok(connection.prepare_cached(DELETE_UNMATCHED)?.execute([number])? > 0),
    }
}

/// Has objects go with the next sweep that no message of a handset has any more. Says whether anything was removed.
fn gone(connection: &Connection, objects: Option<Vec<String>>) -> rusqlite::Result<bool> {
    let Some(objects) = objects else { return Ok(false) };
    inbound_rows::let_go(connection, &objects)?;
    Ok(true)
}

/// Removes the text of a message and where its media came from, and lets its media go that no other message needs. Says
/// whether there was any.
pub(in crate::sqlite) fn blank_message(
    connection: &Connection,
    account: AccountId,
    id: MessageId,
) -> rusqlite::Result<bool> {
    let name = params![account.to_bytes(), id.to_bytes()];
    let media = connection.prepare_cached(TEXT)?.query_row(name, |row| row.get(0)).optional()?;
    let Some(media) = media else { return Ok(false) };
    connection.prepare_cached(BLANK)?.execute(name)?;
    let_go(connection, media)?;
    Ok(true)
}

/// The same of a broadcast.
pub(in crate::sqlite) fn blank_broadcast(
    connection: &Connection,
    account: AccountId,
    id: BroadcastId,
) -> rusqlite::Result<bool> {
    let name = params![account.to_bytes(), id.to_bytes()];
    let media = connection.prepare_cached(BROADCAST_TEXT)?.query_row(name, |row| row.get(0)).optional()?;
    let Some(media) = media else { return Ok(false) };
    connection.prepare_cached(BLANK_BROADCAST)?.execute(name)?;
    let_go(connection, media)?;
    Ok(true)
}

/// Has media go with the next sweep, if nothing else needs them.
fn let_go(connection: &Connection, media: Option<[u8; 16]>) -> rusqlite::Result<()> {
    if let Some(media) = media {
        connection.prepare_cached(LET_GO)?.execute([media])?;
    }
    Ok(())
}

fn remove_message(connection: &Connection, account: AccountId, id: MessageId) -> rusqlite::Result<bool> {
    // What finds its media and its entries goes last.
    blank_message(connection, account, id)?;
    lists::unlist(connection, id)?;
    connection.prepare_cached(DELETE_EVENTS)?.execute([id.to_bytes()])?;
    connection.prepare_cached(DELETE_MESSAGE)?.execute(params![account.to_bytes(), id.to_bytes()])?;
    Ok(connection.prepare_cached(DELETE_DELIVERY)?.execute([id.to_bytes()])? > 0)
}

fn remove_broadcast(connection: &Connection, account: AccountId, id: BroadcastId) -> rusqlite::Result<bool> {
    // Its messages follow each other.
    let (first, last) = (id.message(0), id.message(BroadcastId::RECIPIENTS_MAX - 1));
    if connection.prepare_cached(MESSAGE_OF)?.exists(params![first.to_bytes(), last.to_bytes(), id.to_bytes()])? {
        return Ok(false);
    }
    blank_broadcast(connection, account, id)?;
    connection.prepare_cached(DELETE_CHUNKS)?.execute([id.to_bytes()])?;
    connection.prepare_cached(DELETE_BROADCAST)?.execute(params![account.to_bytes(), id.to_bytes()])?;
    Ok(connection.prepare_cached(DELETE_PROGRESS)?.execute([id.to_bytes()])? > 0)
}

fn remove_key(connection: &Connection, segment: &Segment) -> rusqlite::Result<bool> {
    let Segment { carrier, key, message, number } = segment;
    Ok(connection.prepare_cached(DELETE_KEY)?.execute(params![carrier, key, message.to_bytes(), number])? > 0)
}

/// Whether a message has ended: nothing of it is sent any more, and it waits for no receipt. `None` where it is gone.
fn has_ended(connection: &Connection, id: MessageId) -> rusqlite::Result<Option<bool>> {
    connection.prepare_cached(HAS_ENDED)?.query_row([id.to_bytes()], |row| row.get(0)).optional()
}

/// Whether a broadcast is open; `None` where it is gone.
fn is_open(connection: &Connection, id: BroadcastId) -> rusqlite::Result<Option<bool>> {
    connection.prepare_cached(IS_OPEN)?.query_row([id.to_bytes()], |row| row.get(0)).optional()
}

const HAS_ENDED: &str = "SELECT status NOT IN ('scheduled', 'queued') AND receipt_by IS NULL FROM delivery \
    WHERE message_id = ?1";
const QUEUED_SINCE: &str = "SELECT 1 FROM delivery WHERE message_id = ?1 AND queued_at >= ?2";
const IS_OPEN: &str = "SELECT status IN ('queued', 'sending') FROM broadcast_progress WHERE broadcast_id = ?1";
const TEXT: &str = "SELECT media_id FROM messages WHERE account_id = ?1 AND id = ?2 \
    AND (body IS NOT NULL OR media_url IS NOT NULL OR media_id IS NOT NULL)";
const BLANK: &str =
    "UPDATE messages SET body = NULL, media_url = NULL, media_id = NULL WHERE account_id = ?1 AND id = ?2";
const BROADCAST_TEXT: &str = "SELECT media_id FROM broadcasts WHERE account_id = ?1 AND id = ?2 \
    AND (body IS NOT NULL OR media_url IS NOT NULL OR media_id IS NOT NULL)";
const BLANK_BROADCAST: &str =
    "UPDATE broadcasts SET body = NULL, media_url = NULL, media_id = NULL WHERE account_id = ?1 AND id = ?2";
const LET_GO: &str = "UPDATE media SET unneeded_since = 0 WHERE id = ?1";
const MESSAGE_OF: &str = "SELECT 1 FROM delivery WHERE message_id >= ?1 AND message_id <= ?2 AND broadcast_id = ?3";
const DELETE_EVENTS: &str = "DELETE FROM events WHERE message_id = ?1";
const DELETE_MESSAGE: &str = "DELETE FROM messages WHERE account_id = ?1 AND id = ?2";
const DELETE_DELIVERY: &str = "DELETE FROM delivery WHERE message_id = ?1";
const DELETE_CHUNKS: &str = "DELETE FROM broadcast_chunks WHERE broadcast_id = ?1";
const DELETE_BROADCAST: &str = "DELETE FROM broadcasts WHERE account_id = ?1 AND id = ?2";
const DELETE_PROGRESS: &str = "DELETE FROM broadcast_progress WHERE broadcast_id = ?1";
const DELETE_KEY: &str = "DELETE FROM segments WHERE carrier = ?1 AND key = ?2 AND message_id = ?3 AND number = ?4";
const DELETE_UNMATCHED: &str = "DELETE FROM unmatched WHERE id = ?1 AND fate <> 'waiting'";

/// Every statement of this file.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] = &[
    HAS_ENDED,
    QUEUED_SINCE,
    IS_OPEN,
    TEXT,
    BLANK,
    BROADCAST_TEXT,
    BLANK_BROADCAST,
    LET_GO,
    MESSAGE_OF,
    DELETE_EVENTS,
    DELETE_MESSAGE,
    DELETE_DELIVERY,
    DELETE_CHUNKS,
    DELETE_BROADCAST,
    DELETE_PROGRESS,
    DELETE_KEY,
    DELETE_UNMATCHED,
];
