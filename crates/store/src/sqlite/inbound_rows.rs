//! The rows of messages of handsets.

use std::sync::Arc;

use model::message::MessageType;
use model::{
    AccountId, InboundAddress, InboundBody, InboundEncoding, InboundMedia, InboundMessage, Keyword, KeywordKind,
    MessageId, Mode,
};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows;
use ledger::handsets::files;

/// The columns of [`message`].
pub(super) const COLUMNS: &str = "i.id, i.account_id, i.mode, i.kind, i.sender, i.recipient, i.body, i.octets, \
    i.encoding, i.segments, i.missing, i.keyword_kind, i.keyword, i.suspected, i.media, i.carrier, i.received_at, \
    i.created_at, i.erased_at, i.others";

/// Writes a message, in place of an earlier state of it where there is one.
pub(super) fn save(connection: &Connection, message: &InboundMessage, is_routed: bool) -> rusqlite::Result<()> {
    let id = message.id.to_bytes();
    let (body, octets) = match &message.body {
        InboundBody::Text(text) => (Some(&**text), None),
        InboundBody::Binary(octets) => (None, Some(&**octets)),
        InboundBody::Gone => (None, None),
    };
    connection.prepare_cached(SAVE)?.execute(params![
        id,
        account(message, is_routed),
        message.mode.as_str(),
        message.kind.as_str(),
        message.from.to_string(),
        message.to.to_string(),
        body,
        octets,
        message.encoding.as_str(),
        message.segments,
        message.missing_parts,
        message.keyword.as_ref().map(|keyword| keyword.kind.as_str()),
        message.keyword.as_ref().map(|keyword| &*keyword.word),
        message.suspected_opt_out,
        files::to_column(&message.media),
        message.additional_recipients.len(),
        &*message.carrier,
        message.received_at.as_millis(),
        message.created_at.as_millis(),
        message.erased_at.map(model::Timestamp::as_millis),
    ])?;
    for media in &*message.media {
        connection.prepare_cached(ADD_MEDIA)?.execute(params![media.id.to_bytes(), id])?;
    }
    for (place, address) in message.additional_recipients.iter().enumerate() {
        connection.prepare_cached(ADD_OTHER)?.execute(params![id, place, address.to_string()])?;
    }
    Ok(())
}

/// Whose it is; nothing says that it belongs to no account.
fn account(message: &InboundMessage, is_routed: bool) -> Vec<u8> {
    if is_routed { message.account.to_bytes().to_vec() } else { Vec::new() }
}

/// Gives a message that belonged to no account to its account.
pub(super) fn assign(connection: &Connection, message: &InboundMessage) -> rusqlite::Result<()> {
    let (id, account, mode) = (message.id.to_bytes(), message.account.to_bytes(), message.mode.as_str());
    connection.prepare_cached(ASSIGN)?.execute(params![id, account, mode, message.created_at.as_millis()])?;
    Ok(())
}

/// A message, and whether it belongs to an account.
pub(super) fn load(connection: &Connection, id: MessageId) -> rusqlite::Result<Option<(InboundMessage, bool)>> {
    let sql = format!("SELECT {COLUMNS} FROM inbound i WHERE i.id = ?1");
    let read = |row: &Row<'_>| message(connection, row);
    connection.prepare_cached(&sql)?.query_row([id.to_bytes()], read).optional()
}

/// A message from the columns of [`COLUMNS`], and whether it belongs to an account.
pub(super) fn message(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<(InboundMessage, bool)> {
    let address = |at| Ok::<_, rusqlite::Error>(InboundAddress::of(row.get_ref(at)?.as_str()?));
    let id: [u8; 16] = row.get(0)?;
    let account = <[u8; 16]>::try_from(row.get::<_, Vec<u8>>(1)?).ok();
    let body = match (row.get::<_, Option<Arc<str>>>(6)?, row.get::<_, Option<Arc<[u8]>>>(7)?) {
        (Some(text), _) => InboundBody::Text(text),
        (None, Some(octets)) => InboundBody::Binary(octets),
        (None, None) => InboundBody::Gone,
    };
    let kind = rows::word_if_any(row, 11, KeywordKind::parse)?;
    let message = InboundMessage {
        id: MessageId::from_bytes(id),
        account: AccountId::from_bytes(account.unwrap_or_default()),
        mode: rows::word(row, 2, Mode::parse)?,
        kind: rows::word(row, 3, MessageType::parse)?,
        from: address(4)?,
        to: address(5)?,
        additional_recipients: if row.get::<_, usize>(19)? == 0 { Arc::from([]) } else { others(connection, id)? },
        body,
        encoding: rows::word(row, 8, InboundEncoding::parse)?,
        segments: row.get(9)?,
        missing_parts: row.get(10)?,
        keyword: kind.zip(row.get(12)?).map(|(kind, word)| Keyword { kind, word }),
        suspected_opt_out: row.get(13)?,
        media: media(row, 14)?,
        carrier: rows::carrier(row, 15)?,
        received_at: rows::time(row, 16)?,
        created_at: rows::time(row, 17)?,
        erased_at: rows::time_if_any(row, 18)?,
    };
    Ok((message, account.is_some()))
}

fn others(connection: &Connection, id: [u8; 16]) -> rusqlite::Result<Arc<[InboundAddress]>> {
    let read = |row: &Row<'_>| Ok(InboundAddress::of(row.get_ref(0)?.as_str()?));
    connection.prepare_cached(OTHERS)?.query_map([id], read)?.collect()
}

/// Removes the content of a message, and takes its files off it. Returns the names of the objects that no message has
/// any more; nothing where there was no content.
pub(super) fn blank(connection: &Connection, id: MessageId) -> rusqlite::Result<Option<Vec<String>>> {
    let read = |row: &Row<'_>| media(row, 0);
    let Some(media) = connection.prepare_cached(CONTENT)?.query_row([id.to_bytes()], read).optional()? else {
        return Ok(None);
    };
    connection.prepare_cached(BLANK)?.execute([id.to_bytes()])?;
    let mut objects = Vec::new();
    for media in &*media {
        connection.prepare_cached(DROP_MEDIA)?.execute(params![media.id.to_bytes(), id.to_bytes()])?;
        if !connection.prepare_cached(HAS_MEDIA)?.exists([media.id.to_bytes()])? {
            objects.push(media.name());
        }
    }
    Ok(Some(objects))
}

/// Removes a message. Returns the names of the objects that no message has any more; nothing where there is none.
pub(super) fn remove(connection: &Connection, id: MessageId) -> rusqlite::Result<Option<Vec<String>>> {
    let objects = blank(connection, id)?.unwrap_or_default();
    connection.prepare_cached(DROP_OTHERS)?.execute([id.to_bytes()])?;
    let was_there = connection.prepare_cached(DROP)?.execute([id.to_bytes()])? > 0;
    Ok(was_there.then_some(objects))
}

/// Puts objects on the list of those whose octets can go.
pub(super) fn let_go(connection: &Connection, objects: &[String]) -> rusqlite::Result<()> {
    objects.iter().try_for_each(|name| connection.prepare_cached(LET_GO)?.execute([name]).map(drop))
}

fn media(row: &Row<'_>, at: usize) -> rusqlite::Result<Arc<[InboundMedia]>> {
    let text = row.get_ref(at)?.as_str()?;
    let broken = || rusqlite::Error::FromSqlConversionFailure(at, Type::Text, "a file that cannot be read".into());
    files::of_column(text).ok_or_else(broken)
}

const SAVE: &str = "INSERT OR REPLACE INTO inbound (id, account_id, mode, kind, sender, recipient, body, octets, \
    encoding, segments, missing, keyword_kind, keyword, suspected, media, others, carrier, received_at, created_at, \
    erased_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";
const ADD_MEDIA: &str = "INSERT OR IGNORE INTO inbound_media (media_id, message_id) VALUES (?1, ?2)";
const ADD_OTHER: &str = "INSERT OR REPLACE INTO inbound_others (message_id, place, address) VALUES (?1, ?2, ?3)";
const ASSIGN: &str = "UPDATE inbound SET account_id = ?2, mode = ?3, created_at = ?4 WHERE id = ?1";
const OTHERS: &str = "SELECT address FROM inbound_others WHERE message_id = ?1 ORDER BY place";
const CONTENT: &str =
    "SELECT media FROM inbound WHERE id = ?1 AND (body IS NOT NULL OR octets IS NOT NULL OR media <> '')";
const BLANK: &str = "UPDATE inbound SET body = NULL, octets = NULL, media = '' WHERE id = ?1";
const DROP_MEDIA: &str = "DELETE FROM inbound_media WHERE media_id = ?1 AND message_id = ?2";
pub(super) const HAS_MEDIA: &str = "SELECT 1 FROM inbound_media WHERE media_id = ?1";
const DROP_OTHERS: &str = "DELETE FROM inbound_others WHERE message_id = ?1";
const DROP: &str = "DELETE FROM inbound WHERE id = ?1";
const LET_GO: &str = "INSERT OR IGNORE INTO inbound_objects_gone (name) VALUES (?1)";

/// Every statement of this file.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] =
    &[SAVE, ADD_MEDIA, ADD_OTHER, ASSIGN, OTHERS, CONTENT, BLANK, DROP_MEDIA, HAS_MEDIA, DROP_OTHERS, DROP, LET_GO];
