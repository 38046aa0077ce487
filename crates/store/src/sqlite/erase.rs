//! Erasure of a person: its record, and the searches for data.
//!
//! What blanks is in `message` and `elsewhere`. It runs with `PRAGMA secure_delete`, so that SQLite writes zeros over
//! what it frees; at the end the log is emptied, which has the pages as they were before.

mod elsewhere;
mod message;

use async_trait::async_trait;
use model::{AuditId, Erasure, ErasureCounts, ErasureId, MessageId, Msisdn, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::audit;
use super::fault::Fault;
use super::inbound;
use super::rows;
use super::webhooks;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::erase::{
    AuditOf, Chunk, ErasedInbound, ErasedMessages, Erasures, NewErasure, Packed, ReceiptsOf,
};
use ledger::turns::{Reader, Work};

#[async_trait]
impl Erasures for Sqlite {
    async fn begin_erasure(&self, erasure: NewErasure) -> Result<Erasure, StoreError> {
        self.writer.write(move |group| begin(&group.connection, &erasure)).await
    }

    async fn open_erasures(&self, limit: usize) -> Result<Vec<(ErasureId, Option<Msisdn>)>, StoreError> {
        let read = move |connection: &Connection| {
            let number = |row: &Row<'_>| rows::word_if_any(row, 1, |text| Msisdn::parse(text).ok());
            let open = |row: &Row<'_>| Ok((ErasureId::from_bytes(row.get(0)?), number(row)?));
            let mut open: Vec<_> =
                connection.prepare_cached(OPEN)?.query_map([limit], open)?.collect::<rusqlite::Result<_>>()?;
            open.sort_unstable_by_key(|(id, _)| *id);
            Ok(open)
        };
        self.readers.read(read).await
    }

    async fn erase_messages(
        &self,
        id: ErasureId,
        messages: Vec<MessageId>,
        now: Timestamp,
    ) -> Result<ErasedMessages, StoreError> {
        let erase = move |group: &mut Group, number: Msisdn| {
            let (mut erased, mut counts) = (ErasedMessages::default(), ErasureCounts::default());
            for id in &messages {
                counts = counts.and(message::erase(group, number, *id, now, &mut erased)?);
            }
            Ok((counts, erased))
        };
        self.step(id, erase).await
    }

    async fn erasable(&self, number: Msisdn, messages: Vec<MessageId>) -> Result<ErasureCounts, StoreError> {
        let look = move |connection: &Connection| {
            let mut each = messages.iter().map(|id| message::look(connection, number, *id));
            each.try_fold(ErasureCounts::default(), |all, one| Ok(all.and(one?)))
        };
        self.readers.read_for(Reader::Operator, Work::Page, look).await
    }

    async fn erase_inbound(&self, id: ErasureId, now: Timestamp, limit: usize) -> Result<ErasedInbound, StoreError> {
        let erase = move |group: &mut Group, number: Msisdn| inbound::erase(group, number, now, limit.max(1));
        self.step(id, erase).await
    }

    async fn erasable_inbound(&self, number: Msisdn) -> Result<ErasureCounts, StoreError> {
        let look = move |connection: &Connection| inbound::erasable(connection, number);
        self.readers.read_for(Reader::Operator, Work::Page, look).await
    }

    async fn packed_with(&self, number: Msisdn, after: Option<Chunk>) -> Result<Packed, StoreError> {
        let look = move |connection: &Connection| elsewhere::packed_with(connection, number, after);
        self.readers.read_for(Reader::Operator, Work::Page, look).await
    }

    async fn erase_packed(&self, id: ErasureId, chunks: Vec<Chunk>) -> Result<(), StoreError> {
        let erase = move |group: &mut Group, number: Msisdn| Ok((elsewhere::erase_packed(group, number, &chunks)?, ()));
        self.step(id, erase).await
    }

    async fn receipts_of(&self, number: Msisdn, after: Option<i64>) -> Result<ReceiptsOf, StoreError> {
        let look = move |connection: &Connection| elsewhere::receipts_of(connection, number, after);
        self.readers.read_for(Reader::Operator, Work::Page, look).await
    }

    async fn erase_receipts(&self, id: ErasureId, places: Vec<i64>, now: Timestamp) -> Result<(), StoreError> {
        let erase = move |group: &mut Group, _: Msisdn| Ok((elsewhere::erase_receipts(group, &places, now)?, ()));
        self.step(id, erase).await
    }

    async fn audit_of(&self, number: Msisdn, after: Option<AuditId>) -> Result<AuditOf, StoreError> {
        let look = move |connection: &Connection| audit::mentions(connection, number, after);
        self.readers.read_for(Reader::Operator, Work::Page, look).await
    }

    async fn erase_audit(&self, id: ErasureId, entries: Vec<AuditId>) -> Result<(), StoreError> {
        let erase = move |group: &mut Group, number: Msisdn| {
            audit::erase(&group.connection, number, &entries)?;
            Ok((ErasureCounts::default(), ()))
        };
        self.step(id, erase).await
    }

    async fn forget_number(&self, id: ErasureId) -> Result<(), StoreError> {
        let forget = move |group: &mut Group| group.connection.prepare_cached(FORGET_NUMBER)?.execute([id.to_bytes()]);
        self.writer.write(move |group: &mut Group| Ok(thoroughly(group, forget)?)).await.map(drop)
    }

    async fn empty_log(&self) -> Result<bool, StoreError> {
        let ask = |group: &mut Group| {
            group.log.is_asked = true;
            Ok(())
        };
        self.writer.write(ask).await?;
        // It is emptied before the next transaction begins.
        self.writer.write(|group: &mut Group| Ok(group.log.is_done)).await
    }

    async fn end_erasure(&self, id: ErasureId, now: Timestamp) -> Result<Erasure, StoreError> {
        self.writer.write(move |group| end(group, id, now)).await
    }

    async fn erasure(&self, id: ErasureId) -> Result<Option<Erasure>, StoreError> {
        self.readers.read_for(Reader::Operator, Work::One, move |connection| load(connection, id)).await
    }

    async fn erasures(
        &self,
        of: Option<[u8; 32]>,
        after: Option<ErasureId>,
        limit: usize,
    ) -> Result<Vec<Erasure>, StoreError> {
        let list = move |connection: &Connection| {
            let sql = format!("SELECT {COLUMNS} FROM {}", listed(of.is_some()));
            let after = after.map_or([0xFF; 16], ErasureId::to_bytes);
            connection.prepare_cached(&sql)?.query_map(params![of, after, limit], erasure)?.collect()
        };
        self.readers.read_for(Reader::Operator, Work::Page, list).await
    }
}

impl Sqlite {
    /// Runs a part of an erasure that is under way, and adds what it blanked to the counts of the record.
    async fn step<T: Send + 'static>(
        &self,
        id: ErasureId,
        erase: impl FnOnce(&mut Group, Msisdn) -> rusqlite::Result<(ErasureCounts, T)> + Send + 'static,
    ) -> Result<T, StoreError> {
        let write = move |group: &mut Group| {
            let number = number_of(&group.connection, id)?.ok_or(Fault::Told(StoreError::NotFound))?;
            let (counts, done) = thoroughly(group, |group| erase(group, number))?;
            if counts != ErasureCounts::default() {
                add(&group.connection, id, counts)?;
            }
            Ok(done)
        };
        self.writer.write(write).await
    }
}

/// Runs a part of a transaction that frees nothing without writing zeros over it (SQLite, `PRAGMA secure_delete`).
fn thoroughly<T>(group: &mut Group, work: impl FnOnce(&mut Group) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    group.connection.pragma_update(None, "secure_delete", "on")?;
    let done = work(group);
    group.connection.pragma_update(None, "secure_delete", "fast")?;
    done
}

/// The columns of [`erasure`].
const COLUMNS: &str = "id, digest, operator, reference, began_at, ended_at, messages, canceled, texts, events, media, \
    screenings, receipts, recipients, requests";

const OPEN: &str = "SELECT id, number FROM erasures INDEXED BY erasures_open WHERE ended_at IS NULL \
    AND id >= x'' ORDER BY id LIMIT ?1";
const NUMBER: &str = "SELECT number FROM erasures WHERE id = ?1 AND ended_at IS NULL AND number IS NOT NULL";
const FORGET_NUMBER: &str = "UPDATE erasures SET number = NULL WHERE id = ?1 AND number IS NOT NULL";
const END: &str = "UPDATE erasures SET ended_at = ?2, number = NULL WHERE id = ?1 AND ended_at IS NULL";
const ADD: &str = "UPDATE erasures SET messages = messages + ?2, canceled = canceled + ?3, texts = texts + ?4, \
    events = events + ?5, media = media + ?6, screenings = screenings + ?7, receipts = receipts + ?8, \
    recipients = recipients + ?9, requests = requests + ?10 WHERE id = ?1";

/// Every statement of this part that an erasure runs, none of which may read a table from end to end.
#[cfg(test)]
pub(super) fn maintenance() -> Vec<String> {
    let lists = [false, true].map(|of_one| format!("SELECT {COLUMNS} FROM {}", listed(of_one)));
    let here = [OPEN, NUMBER, FORGET_NUMBER, END, ADD, super::blank::BEING_ERASED];
    let all = [&here[..], message::STATEMENTS, elsewhere::STATEMENTS].concat();
    all.into_iter().map(str::to_owned).chain(lists).collect()
}

const fn listed(of_one: bool) -> &'static str {
    if of_one {
        "erasures INDEXED BY erasures_of WHERE digest = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3"
    } else {
        "erasures WHERE ?1 IS NULL AND id < ?2 ORDER BY id DESC LIMIT ?3"
    }
}

fn begin(connection: &Connection, new: &NewErasure) -> Result<Erasure, Fault> {
    let number = new.number.to_string();
    if connection.prepare_cached("SELECT 1 FROM numbers WHERE number = ?1")?.exists([&number])? {
        return Err(Fault::Told(StoreError::AlreadyExists));
    }
    let open =
        format!("SELECT {COLUMNS} FROM erasures INDEXED BY erasures_open WHERE number = ?1 AND ended_at IS NULL");
    if let Some(open) = connection.prepare_cached(&open)?.query_row([&number], erasure).optional()? {
        return Ok(open);
    }
    let sql = "INSERT INTO erasures (id, digest, number, operator, reference, began_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = params![new.id.to_bytes(), new.digest, number, new.operator, new.reference, new.at.as_millis()];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(Erasure {
        id: new.id,
        digest: new.digest,
        operator: new.operator.clone(),
        reference: new.reference.clone(),
        began_at: new.at,
        ended_at: None,
        counts: ErasureCounts::default(),
    })
}

fn end(group: &mut Group, id: ErasureId, now: Timestamp) -> Result<Erasure, Fault> {
    if let Some(number) = number_of(&group.connection, id)? {
        webhooks::erase_number(group, number)?;
    }
    thoroughly(group, |group| group.connection.prepare_cached(END)?.execute(params![id.to_bytes(), now.as_millis()]))?;
    load(&group.connection, id)?.ok_or(Fault::Told(StoreError::NotFound))
}

/// The number of an erasure that is under way.
fn number_of(connection: &Connection, id: ErasureId) -> rusqlite::Result<Option<Msisdn>> {
    let number = |row: &Row<'_>| rows::word(row, 0, |text| Msisdn::parse(text).ok());
    connection.prepare_cached(NUMBER)?.query_row([id.to_bytes()], number).optional()
}

fn add(connection: &Connection, id: ErasureId, counts: ErasureCounts) -> rusqlite::Result<()> {
    let ErasureCounts { messages, canceled, texts, events, media, screenings, receipts, recipients, requests } = counts;
    let values =
        params![id.to_bytes(), messages, canceled, texts, events, media, screenings, receipts, recipients, requests];
    connection.prepare_cached(ADD)?.execute(values)?;
    Ok(())
}

fn load(connection: &Connection, id: ErasureId) -> rusqlite::Result<Option<Erasure>> {
    let sql = format!("SELECT {COLUMNS} FROM erasures WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id.to_bytes()], erasure).optional()
}

fn erasure(row: &Row<'_>) -> rusqlite::Result<Erasure> {
    Ok(Erasure {
        id: ErasureId::from_bytes(row.get(0)?),
        digest: row.get(1)?,
        operator: row.get(2)?,
        reference: row.get(3)?,
        began_at: rows::time(row, 4)?,
        ended_at: rows::time_if_any(row, 5)?,
        counts: ErasureCounts {
            messages: row.get(6)?,
            canceled: row.get(7)?,
            texts: row.get(8)?,
            events: row.get(9)?,
            media: row.get(10)?,
            screenings: row.get(11)?,
            receipts: row.get(12)?,
            recipients: row.get(13)?,
            requests: row.get(14)?,
        },
    })
}
