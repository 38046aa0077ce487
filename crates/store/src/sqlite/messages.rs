//! Messages: their admission, and reading them.

use std::sync::Arc;

use async_trait::async_trait;
use model::event::{Event, EventKind};
use model::{
    Assignment, Delivery, KeywordKind, MediaId, Message, MessageId, MessageRecord, Mode, Owner, ScreeningRecord,
    Timestamp,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::Sqlite;
use super::admission::{Made, Payload};
use super::events::add_event;
use super::life;
use super::lists;
use super::named;
use super::rows::{self, DELIVERY, MESSAGE};
use super::writer::Group;
use ledger::StoreError;
use ledger::accepted::{self, Accepted};
use ledger::contract::admission::{Admission, Admitted, Earlier, IdempotencyClaim, NewMessage};
use ledger::contract::changes::{Kind, Resource};
use ledger::contract::dispatch::Lease;
use ledger::contract::messages::{MessageFilter, Messages, Page, Reference};
use ledger::contract::nodes::Epoch;
use ledger::turns::{Reader, Work};

#[async_trait]
impl Messages for Sqlite {
    async fn admit(&self, admission: Admission<NewMessage>) -> Result<Admitted<Message>, StoreError> {
        self.admit_payload(admission).await
    }

    async fn replay(&self, owner: Owner, claim: &IdempotencyClaim) -> Result<Option<Earlier<Message>>, StoreError> {
        self.earlier::<NewMessage>(owner, claim).await
    }

    async fn message(&self, owner: Owner, id: MessageId) -> Result<Option<MessageRecord>, StoreError> {
        let sql = format!(
            "SELECT {MESSAGE}, {DELIVERY} FROM messages m JOIN delivery d ON d.message_id = m.id WHERE m.account_id = \
             ?1 AND m.id = ?2 AND m.mode = ?3"
        );
        let read = move |connection: &Connection| {
            let name = params![owner.account.to_bytes(), id.to_bytes(), owner.mode.as_str()];
            connection.prepare_cached(&sql)?.query_row(name, rows::record).optional()
        };
        self.readers.read_for(Reader::Owner(owner), Work::One, read).await
    }

    async fn message_of_any_account(&self, id: MessageId) -> Result<Option<MessageRecord>, StoreError> {
        self.readers.read_for(Reader::Operator, Work::One, move |connection| record(connection, id)).await
    }

    async fn cancel_message(
        &self,
        owner: Option<Owner>,
        id: MessageId,
        now: Timestamp,
    ) -> Result<Option<MessageRecord>, StoreError> {
        self.writer.write(move |group| Ok(cancel(group, owner, id, now)?)).await
    }

    async fn messages(
        &self,
        owner: Option<Owner>,
        filter: MessageFilter,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let rows = self.rows_per_page;
        self.readers
            .read_for(owner.into(), Work::Page, move |connection| {
                lists::page(connection, owner, &filter, after, limit, rows)
            })
            .await
    }

    async fn messages_named(&self, reference: Reference, limit: usize) -> Result<Vec<MessageRecord>, StoreError> {
        let read = move |connection: &Connection| named::named(connection, &reference, limit);
        self.readers.read_for(Reader::Operator, Work::One, read).await
    }

    async fn events(&self, id: MessageId) -> Result<Vec<Event>, StoreError> {
        self.readers.read_for(Reader::Operator, Work::One, move |connection| events(connection, id)).await
    }
}

impl Payload for NewMessage {
    type Made = Message;

    fn made(&self) -> Made {
        let Message { id, media, created_at, .. } = *self.message;
        Made { owner: self.message.owner(), id: id.to_bytes(), media, recipients: 1, created_at }
    }

    fn insert(&self, group: &mut Group, _: Epoch) -> rusqlite::Result<()> {
        insert_message(&group.connection, &self.message)?;
        group.note_inserted(None, std::iter::once(&*self.message))?;
        insert_delivery(group, &self.message, &self.carrier, self.lease, self.due_at)
    }

    fn note_flagged(&self, group: &Group, flagged: &ScreeningRecord) -> rusqlite::Result<()> {
        add_event(&group.connection, &accepted::flagged(&self.message, flagged))
    }

    fn note_again(&self, group: &Group, original: MessageId) -> rusqlite::Result<()> {
        add_event(&group.connection, &accepted::copied(&self.message, original))
    }

    fn load(connection: &Connection, owner: Owner, id: [u8; 16]) -> rusqlite::Result<Option<Arc<Message>>> {
        load_message(connection, &owner.account.to_bytes(), &id).optional()
    }
}

pub(super) fn insert_message(connection: &Connection, message: &Message) -> rusqlite::Result<()> {
    let sql = "INSERT INTO messages (account_id, id, broadcast_id, direction, mode, kind, originator, recipient, body, \
               media_url, encoding, segments, reference, created_at, expires_at, media_id, \
               client_reference, automatic, status_callback, send_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";
    connection.prepare_cached(sql)?.execute(params![
        message.account.to_bytes(),
        message.id.to_bytes(),
        message.broadcast.map(model::BroadcastId::to_bytes),
        message.direction.as_str(),
        message.mode.as_str(),
        message.kind.as_str(),
        rows::text(message.originator),
        rows::text(message.recipient),
        message.body,
        message.media_url,
        message.encoding.name(),
        message.segments,
        message.reference,
        message.created_at.as_millis(),
        message.expires_at.as_millis(),
        message.media.map(MediaId::to_bytes),
        message.client_reference.as_deref(),
        message.automatic.map(KeywordKind::as_str),
        message.status_callback,
        message.send_at.map(Timestamp::as_millis),
    ])?;
    Ok(())
}

/// Writes the row of a message that changes, counts the message, and notes that it was accepted.
pub(super) fn insert_delivery(
    group: &mut Group,
    message: &Message,
    carrier: &Assignment,
    lease: Option<Lease>,
    due_at: Timestamp,
) -> rusqlite::Result<()> {
    if group.wants(Kind::Accepted) || group.events.want_accepted(message.owner(), message.broadcast) {
        let delivery = Delivery::accepted(message, carrier.clone());
        let resource = Resource::Message { id: message.id, broadcast: message.broadcast, delivery };
        group.note(message.created_at, Some(message.owner()), resource);
    }
    group.daily.accepted(message);
    let (due_at, lease) = match (message.send_at, lease) {
        (Some(send_at), _) => (send_at, 0),
        (None, Some(lease)) => (lease.until, lease.token),
        (None, None) => (due_at, 0),
    };
    let sql = "INSERT INTO delivery (message_id, account_id, carrier, due_at, lease, expires_at, segments, \
               broadcast_id, media_id, test, kind, counted_segments, status) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?7, ?12)";
    group.connection.prepare_cached(sql)?.execute(params![
        message.id.to_bytes(),
        message.account.to_bytes(),
        carrier.as_str(),
        due_at.as_millis(),
        rows::mask_to_sql(lease),
        message.expires_at.as_millis(),
        message.segments,
        message.broadcast.map(model::BroadcastId::to_bytes),
        message.media.map(MediaId::to_bytes),
        rows::is_test(message.mode),
        message.kind.as_str(),
        message.status_at_acceptance().as_str(),
    ])?;
    Ok(())
}

fn events(connection: &Connection, id: MessageId) -> rusqlite::Result<Vec<Event>> {
    let accepted = "SELECT m.created_at, m.encoding, m.segments, m.mode, m.kind = 'MMS', m.media_id IS NOT NULL \
                    FROM delivery d JOIN messages m ON m.account_id = d.account_id AND m.id = d.message_id \
                    WHERE d.message_id = ?1";
    let accepted = connection.prepare_cached(accepted)?.query_row([id.to_bytes()], |row| {
        let encoding: String = row.get(1)?;
        let accepted = Accepted {
            at: rows::time(row, 0)?,
            encoding: &encoding,
            segments: row.get(2)?,
            mode: rows::word(row, 3, Mode::parse)?,
            is_mms: row.get(4)?,
            has_media: row.get(5)?,
        };
        Ok(accepted.event())
    });
    let Some(accepted) = accepted.optional()? else { return Ok(Vec::new()) };
    let mut select = connection
        .prepare_cached("SELECT at, kind, carrier, attempt, detail FROM events WHERE message_id = ?1 ORDER BY seq")?;
    let later = select.query_map([id.to_bytes()], |row| {
        Ok(Event {
            at: rows::time(row, 0)?,
            kind: rows::word(row, 1, EventKind::parse)?,
            carrier: rows::carrier_if_any(row, 2)?,
            attempt: row.get(3)?,
            detail: row.get(4)?,
        })
    })?;
    std::iter::once(Ok(accepted)).chain(later).collect()
}

/// A message of any account, and what became of it.
fn record(connection: &Connection, id: MessageId) -> rusqlite::Result<Option<MessageRecord>> {
    let sql = format!(
        "SELECT {MESSAGE}, {DELIVERY} FROM delivery d JOIN messages m ON m.account_id = d.account_id AND m.id = \
         d.message_id WHERE d.message_id = ?1"
    );
    connection.prepare_cached(&sql)?.query_row([id.to_bytes()], rows::record).optional()
}

fn cancel(
    group: &mut Group,
    owner: Option<Owner>,
    id: MessageId,
    now: Timestamp,
) -> rusqlite::Result<Option<MessageRecord>> {
    let found = record(&group.connection, id)?;
    let Some(found) = found.filter(|found| owner.is_none_or(|owner| found.message.owner() == owner)) else {
        return Ok(None);
    };
    let Some(mut life) = life::load(&group.connection, id)? else { return Ok(None) };
    if !life.cancel(now) {
        return Ok(Some(found));
    }
    life::save(group, &life)?;
    record(&group.connection, id)
}

/// A message by its id, for those who hold its delivery row.
pub(super) fn load_message(
    connection: &Connection,
    account: &[u8],
    id: &[u8],
) -> rusqlite::Result<Arc<model::Message>> {
    let sql = format!("SELECT {MESSAGE} FROM messages m WHERE m.account_id = ?1 AND m.id = ?2");
    connection.prepare_cached(&sql)?.query_row(params![account, id], |row| rows::message(row, 0))
}
