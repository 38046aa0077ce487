//! One message of a person, and everything that was recorded of it.

use model::event::EventKind;
use model::{
    AccountId, BroadcastId, ClientReference, ErasureCounts, MediaId, MessageId, Mode, Msisdn, Owner, Status, Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::sqlite::events::add_event;
use crate::sqlite::life;
use crate::sqlite::lists::{Facet, unlist_reference};
use crate::sqlite::media::drop_unneeded;
use crate::sqlite::rows;
use crate::sqlite::webhooks;
use crate::sqlite::writer::Group;
use ledger::contract::erase::ErasedMessages;
use ledger::life::NewEvent;
use ledger::reasons::ERASED;

/// What of a message is the person's.
struct Subject {
    id: MessageId,
    account: AccountId,
    mode: Mode,
    broadcast: Option<BroadcastId>,
    created_at: Timestamp,
    has_text: bool,
    media: Option<MediaId>,
    status: Status,
    is_recipient: bool,
    is_originator: bool,
    reference: Option<ClientReference>,
}

impl Subject {
    /// The message, if it is to the number or from it and has not been erased.
    fn find(connection: &Connection, number: Msisdn, id: MessageId) -> rusqlite::Result<Option<Self>> {
        let read = |row: &Row<'_>| {
            Ok(Self {
                id,
                account: AccountId::from_bytes(row.get(0)?),
                mode: rows::word(row, 1, Mode::parse)?,
                broadcast: row.get::<_, Option<[u8; 16]>>(2)?.map(BroadcastId::from_bytes),
                created_at: rows::time(row, 3)?,
                has_text: row.get(4)?,
                media: row.get::<_, Option<[u8; 16]>>(5)?.map(MediaId::from_bytes),
                status: rows::word(row, 6, Status::parse)?,
                is_recipient: row.get(7)?,
                is_originator: row.get(8)?,
                reference: rows::word_if_any(row, 9, ClientReference::parse)?,
            })
        };
        let found = connection
            .prepare_cached(SUBJECT)?
            .query_row(params![id.to_bytes(), number.to_string()], read)
            .optional()?;
        Ok(found.filter(|found| found.is_recipient || found.is_originator))
    }

    /// The broadcast, where it is to this number alone.
    fn lonely(&self, connection: &Connection) -> rusqlite::Result<Option<BroadcastId>> {
        let Some(broadcast) = self.broadcast else { return Ok(None) };
        let values = params![self.account.to_bytes(), broadcast.to_bytes()];
        Ok(connection.prepare_cached(LONELY)?.exists(values)?.then_some(broadcast))
    }
}

/// What [`erase`] would blank. Changes nothing.
pub(super) fn look(connection: &Connection, number: Msisdn, id: MessageId) -> rusqlite::Result<ErasureCounts> {
    let Some(subject) = Subject::find(connection, number, id)? else { return Ok(ErasureCounts::default()) };
    let count = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        connection.prepare_cached(sql)?.query_row(values, |row| row.get::<_, u64>(0))
    };
    let (id, created_at) = (id.to_bytes(), subject.created_at.as_millis());
    Ok(ErasureCounts {
        messages: 1,
        canceled: u64::from(subject.status.is_waiting()),
        texts: u64::from(subject.has_text),
        events: count(DETAILS, params![id])?,
        media: u64::from(subject.media.is_some()),
        screenings: count(SCREENINGS, params![subject.id.to_string()])?,
        requests: count(CLAIMS, params![created_at, id])?,
        ..ErasureCounts::default()
    })
}

/// Blanks a message, unless it is under way.
pub(super) fn erase(
    group: &mut Group,
    number: Msisdn,
    id: MessageId,
    now: Timestamp,
    erased: &mut ErasedMessages,
) -> rusqlite::Result<ErasureCounts> {
    let mut counts = ErasureCounts::default();
    let Some(subject) = Subject::find(&group.connection, number, id)? else { return Ok(counts) };
    let Some(mut life) = life::load(&group.connection, id)? else { return Ok(counts) };
    if subject.status == Status::Queued && group.flights.has(id) {
        erased.under_way.push(id);
        return Ok(counts);
    }
    counts.events = group.connection.prepare_cached(BLANK_DETAILS)?.execute([id.to_bytes()])? as u64;
    if subject.status.is_waiting() && life.skip(now, ERASED) {
        life::save(group, &life)?;
        counts.canceled = 1;
    }
    blank(&group.connection, number, &subject, now)?;
    webhooks::erase_resource(group, subject.id.to_bytes())?;
    (counts.messages, counts.texts) = (1, u64::from(subject.has_text));
    counts.requests = blank_claim(&group.connection, subject.id.to_bytes(), subject.created_at)?;
    counts.screenings = forget_screenings(group, &subject.id.to_string())?;
    if let Some(broadcast) = subject.lonely(&group.connection)? {
        counts = counts.and(erase_broadcast(group, subject.account, broadcast, erased)?);
        counts.screenings += forget_screenings(group, &broadcast.to_string())?;
    }
    if let Some(media) = subject.media {
        counts.media += 1;
        erased.media.extend(drop_unneeded(&group.connection, media)?);
    }
    add_event(&group.connection, &NewEvent::plain(id, now, EventKind::Erased, ""))?;
    Ok(counts)
}

/// Blanks the rows of a message and its place in lists.
fn blank(connection: &Connection, number: Msisdn, subject: &Subject, now: Timestamp) -> rusqlite::Result<()> {
    let (id, account, nobody) = (subject.id.to_bytes(), subject.account.to_bytes(), Msisdn::nobody());
    let (was, is) = (number.to_string(), nobody.to_string());
    connection.prepare_cached(BLANK_MESSAGE)?.execute(params![account, id, was, is])?;
    connection.prepare_cached(BLANK_DELIVERY)?.execute(params![id, now.as_millis()])?;
    if subject.is_recipient {
        connection.prepare_cached(FORGET_HELD)?.execute([id])?;
        let digits = is.trim_start_matches('+');
        connection.prepare_cached(BLANK_SEGMENTS)?.execute(params![id, digits])?;
    }
    let facets = [
        (subject.is_recipient, Facet::Recipient(number).code(), Facet::Recipient(nobody).code()),
        (subject.is_originator, Facet::Originator(number.into()).code(), Facet::Originator(nobody.into()).code()),
    ];
    // A message that is not in the index yet comes into it as it is then.
    for (_, was, is) in facets.into_iter().filter(|(is_theirs, _, _)| *is_theirs) {
        let values = params![was, is, account, subject.mode.as_str(), id];
        connection.prepare_cached(RELIST)?.execute(values)?;
    }
    if let Some(reference) = &subject.reference {
        unlist_reference(connection, Owner { account: subject.account, mode: subject.mode }, reference, subject.id)?;
    }
    Ok(())
}

/// Makes the idempotency record of what was made at this moment that of an unknown request, without its answer.
fn blank_claim(connection: &Connection, id: [u8; 16], created_at: Timestamp) -> rusqlite::Result<u64> {
    Ok(connection.prepare_cached(BLANK_CLAIM)?.execute(params![created_at.as_millis(), id])? as u64)
}

/// Removes what the screen recorded of what has this id. Returns how many decisions there were.
fn forget_screenings(group: &mut Group, about: &str) -> rusqlite::Result<u64> {
    let forgotten = group.connection.prepare_cached(FORGET_SCREENINGS)?.execute([about])? as u64;
    if forgotten > 0 {
        // How many are kept is counted again.
        group.screened.clear();
    }
    Ok(forgotten)
}

/// Blanks the text and the media of a broadcast to this number alone.
pub(super) fn erase_broadcast(
    group: &mut Group,
    account: AccountId,
    id: BroadcastId,
    erased: &mut ErasedMessages,
) -> rusqlite::Result<ErasureCounts> {
    let (connection, name) = (&group.connection, params![account.to_bytes(), id.to_bytes()]);
    type Found = (bool, Option<[u8; 16]>, i64);
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let (has_text, media, created_at): Found = connection.prepare_cached(BROADCAST)?.query_row(name, read)?;
    connection.prepare_cached(BLANK_BROADCAST)?.execute(name)?;
    let requests = blank_claim(connection, id.to_bytes(), Timestamp::from_millis(created_at))?;
    if let Some(media) = media {
        erased.media.extend(drop_unneeded(connection, MediaId::from_bytes(media))?);
    }
    Ok(ErasureCounts { texts: u64::from(has_text), requests, ..ErasureCounts::default() })
}

const SUBJECT: &str = "SELECT d.account_id, m.mode, m.broadcast_id, m.created_at, m.body IS NOT NULL, m.media_id, \
    d.status, m.recipient = ?2, m.originator = ?2, m.client_reference FROM delivery d CROSS JOIN messages m \
    ON m.account_id = d.account_id AND m.id = d.message_id WHERE d.message_id = ?1";
const SCREENINGS: &str = "SELECT count(*) FROM screening_log INDEXED BY screening_log_about WHERE about = ?1 \
    AND about <> ''";
const LONELY: &str = "SELECT 1 FROM broadcasts WHERE account_id = ?1 AND id = ?2 AND total = 1";
const DETAILS: &str = "SELECT count(*) FROM events WHERE message_id = ?1 AND detail <> ''";
const CLAIMS: &str = "SELECT count(*) FROM idempotency INDEXED BY idempotency_age WHERE created_at = ?1 \
    AND message_id = ?2 AND fingerprint <> zeroblob(32)";
const BLANK_DETAILS: &str = "UPDATE events SET detail = '' WHERE message_id = ?1 AND detail <> ''";
const BLANK_MESSAGE: &str = "UPDATE messages SET recipient = iif(recipient = ?3, ?4, recipient), \
    originator = iif(originator = ?3, ?4, originator), body = NULL, media_url = NULL, media_id = NULL, \
    client_reference = NULL, status_callback = NULL WHERE account_id = ?1 AND id = ?2";
const BLANK_DELIVERY: &str = "UPDATE delivery SET erased_at = ?2, media_id = NULL WHERE message_id = ?1";
/// A held message is filed under the last digits of its recipient; no id of a carrier has a blank.
const FORGET_HELD: &str =
    "DELETE FROM segments INDEXED BY segments_of WHERE message_id = ?1 AND key >= 'to ' AND key < 'to!'";
const BLANK_SEGMENTS: &str = "UPDATE segments INDEXED BY segments_of SET recipient = ?2 WHERE message_id = ?1";
const RELIST: &str = "UPDATE list_entries SET facet = ?2 WHERE facet = ?1 \
    AND owner = (SELECT number FROM list_owners WHERE account_id = ?3 AND mode = ?4) AND message_id = ?5";
/// A record has the time of what its request made.
const BLANK_CLAIM: &str = "UPDATE idempotency INDEXED BY idempotency_age SET fingerprint = zeroblob(32), \
    answer = NULL WHERE created_at = ?1 AND message_id = ?2 AND fingerprint <> zeroblob(32)";
const FORGET_SCREENINGS: &str = "DELETE FROM screening_log INDEXED BY screening_log_about WHERE about = ?1 \
    AND about <> ''";
const BROADCAST: &str =
    "SELECT body IS NOT NULL, media_id, created_at FROM broadcasts WHERE account_id = ?1 AND id = ?2";
const BLANK_BROADCAST: &str = "UPDATE broadcasts SET body = NULL, media_url = NULL, media_id = NULL, \
    client_reference = NULL WHERE account_id = ?1 AND id = ?2";

/// Every statement of this file.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    SUBJECT,
    SCREENINGS,
    LONELY,
    DETAILS,
    CLAIMS,
    BLANK_DETAILS,
    BLANK_MESSAGE,
    BLANK_DELIVERY,
    FORGET_HELD,
    BLANK_SEGMENTS,
    RELIST,
    BLANK_CLAIM,
    FORGET_SCREENINGS,
    BROADCAST,
    BLANK_BROADCAST,
];
