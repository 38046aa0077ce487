//! Erasure of a person: its record, and the searches for data.
//!
//! A step of an erasure has the row of its record locked, so that of one erasure one step runs at a time, whichever
//! nodes go on with it.

mod elsewhere;
mod handset;
mod message;

use async_trait::async_trait;
use model::{AuditId, Erasure, ErasureCounts, ErasureId, MessageId, Msisdn, Timestamp};
use tokio_postgres::Row;

use super::fault::Fault;
use super::unit::{Doing, Unit};
use super::{Postgres, audit, rows, webhooks};
use ledger::StoreError;
use ledger::contract::erase::{
    AuditOf, Chunk, ErasedInbound, ErasedMessages, Erasures, NewErasure, Packed, ReceiptsOf,
};
use ledger::turns::{Reader, Work};

#[async_trait]
impl Erasures for Postgres {
    async fn begin_erasure(&self, erasure: NewErasure) -> Result<Erasure, StoreError> {
        self.core.write(erasure, |unit, erasure| Box::pin(begin(unit, erasure))).await
    }

    async fn open_erasures(&self, limit: usize) -> Result<Vec<(ErasureId, Option<Msisdn>)>, StoreError> {
        self.core.read(limit, |unit, limit| Box::pin(open(unit, *limit))).await
    }

    async fn erase_messages(
        &self,
        id: ErasureId,
        messages: Vec<MessageId>,
        now: Timestamp,
    ) -> Result<ErasedMessages, StoreError> {
        self.step(id, (messages, now), |unit, number, (messages, now)| {
            Box::pin(message::erase(unit, number, messages, *now))
        })
        .await
    }

    async fn erasable(&self, number: Msisdn, messages: Vec<MessageId>) -> Result<ErasureCounts, StoreError> {
        self.core
            .read_for(Reader::Operator, Work::Page, (number, messages), |unit, (number, messages)| {
                Box::pin(message::look(unit, *number, messages))
            })
            .await
    }

    async fn erase_inbound(&self, id: ErasureId, now: Timestamp, limit: usize) -> Result<ErasedInbound, StoreError> {
        self.step(id, (now, limit.max(1)), |unit, number, (now, limit)| {
            Box::pin(handset::erase(unit, number, *now, *limit))
        })
        .await
    }

    async fn erasable_inbound(&self, number: Msisdn) -> Result<ErasureCounts, StoreError> {
        self.core
            .read_for(Reader::Operator, Work::Page, number, |unit, number| Box::pin(handset::erasable(unit, *number)))
            .await
    }

    async fn packed_with(&self, number: Msisdn, after: Option<Chunk>) -> Result<Packed, StoreError> {
        self.core
            .read_for(Reader::Operator, Work::Page, (number, after), |unit, (number, after)| {
                Box::pin(elsewhere::packed_with(unit, *number, *after))
            })
            .await
    }

    async fn erase_packed(&self, id: ErasureId, chunks: Vec<Chunk>) -> Result<(), StoreError> {
        self.step(id, chunks, |unit, number, chunks| Box::pin(elsewhere::erase_packed(unit, number, chunks))).await
    }

    async fn receipts_of(&self, number: Msisdn, after: Option<i64>) -> Result<ReceiptsOf, StoreError> {
        self.core
            .read_for(Reader::Operator, Work::Page, (number, after), |unit, (number, after)| {
                Box::pin(elsewhere::receipts_of(unit, *number, *after))
            })
            .await
    }

    async fn erase_receipts(&self, id: ErasureId, places: Vec<i64>, now: Timestamp) -> Result<(), StoreError> {
        self.step(id, (places, now), |unit, _, (places, now)| Box::pin(elsewhere::erase_receipts(unit, places, *now)))
            .await
    }

    async fn audit_of(&self, number: Msisdn, after: Option<AuditId>) -> Result<AuditOf, StoreError> {
        self.core
            .read_for(Reader::Operator, Work::Page, (number, after), |unit, (number, after)| {
                Box::pin(audit::mentions(unit, *number, *after))
            })
            .await
    }

    async fn erase_audit(&self, id: ErasureId, entries: Vec<AuditId>) -> Result<(), StoreError> {
        self.step(id, entries, |unit, number, entries| Box::pin(audit::erase(unit, number, entries))).await
    }

    async fn forget_number(&self, id: ErasureId) -> Result<(), StoreError> {
        self.core
            .write(id, |unit, id| {
                Box::pin(async move {
                    let sql = "UPDATE erasures SET number = NULL WHERE id = $1 AND number IS NOT NULL";
                    unit.execute(sql, &[&rows::id(id.to_bytes())]).await.map(drop)
                })
            })
            .await
    }

    /// Nothing is to be emptied: no statement reads earlier versions of rows once the transactions have ended that saw
    /// them, and those last seconds. Their octets go when the database vacuums the tables, which it does on its own and
    /// which may take hours for large ones; its log and its copies are the operator's.
    async fn empty_log(&self) -> Result<bool, StoreError> {
        self.core.read((), |unit, ()| Box::pin(async move { unit.one("SELECT true", &[]).await.map(drop) })).await?;
        Ok(true)
    }

    async fn end_erasure(&self, id: ErasureId, now: Timestamp) -> Result<Erasure, StoreError> {
        self.core.write((id, now), |unit, (id, now)| Box::pin(end(unit, *id, *now))).await
    }

    async fn erasure(&self, id: ErasureId) -> Result<Option<Erasure>, StoreError> {
        self.core.read_for(Reader::Operator, Work::One, id, |unit, id| Box::pin(load(unit, *id))).await
    }

    async fn erasures(
        &self,
        of: Option<[u8; 32]>,
        after: Option<ErasureId>,
        limit: usize,
    ) -> Result<Vec<Erasure>, StoreError> {
        self.core
            .read_for(Reader::Operator, Work::Page, (of, after, limit), |unit, (of, after, limit)| {
                Box::pin(list(unit, *of, *after, *limit))
            })
            .await
    }
}

/// A part of an erasure: erases of a number what it is given, and says how much that was.
type Part<A, T> = for<'u> fn(&'u mut Unit, Msisdn, &'u A) -> Doing<'u, (ErasureCounts, T)>;

impl Postgres {
    /// Runs a part of an erasure that is under way, and adds what it blanked to the counts of the record.
    async fn step<A, T>(&self, id: ErasureId, input: A, part: Part<A, T>) -> Result<T, StoreError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.core.write((id, input), move |unit, (id, input)| Box::pin(run(unit, *id, input, part))).await
    }
}

async fn run<A, T>(unit: &mut Unit, id: ErasureId, input: &A, part: Part<A, T>) -> Result<T, Fault> {
    let number = lock(unit, id).await?.ok_or(Fault::Told(StoreError::NotFound))?;
    let (counts, done) = part(unit, number, input).await?;
    if counts != ErasureCounts::default() {
        add(unit, id, counts).await?;
    }
    Ok(done)
}

/// The columns of [`erasure`].
const COLUMNS: &str = "id, digest, operator, reference, began_at, ended_at, messages, canceled, texts, events, media, \
    screenings, receipts, recipients, requests";

const IS_SENDER: &str = "SELECT 1 FROM numbers WHERE number = $1";
/// The number of an erasure that is over, or almost so, is forgotten: a number is in one row at most.
const BEGIN: &str = "INSERT INTO erasures (id, digest, number, operator, reference, began_at) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (number) WHERE number IS NOT NULL DO NOTHING";

async fn begin(unit: &Unit, new: &NewErasure) -> Result<Erasure, Fault> {
    let number = new.number.to_string();
    if unit.find(IS_SENDER, &[&number]).await?.is_some() {
        return Err(Fault::Told(StoreError::AlreadyExists));
    }
    let open = format!("SELECT {COLUMNS} FROM erasures WHERE number = $1 AND ended_at IS NULL");
    let (id, digest, at) = (rows::id(new.id.to_bytes()), &new.digest[..], new.at.as_millis());
    let reference = new.reference.as_deref().map(rows::kept);
    // The one that is under way may end between the two looks.
    loop {
        if let Some(open) = unit.find(&open, &[&number]).await? {
            return erasure(&open);
        }
        if unit.execute(BEGIN, &[&id, &digest, &number, &rows::kept(&new.operator), &reference, &at]).await? > 0 {
            return Ok(Erasure {
                id: new.id,
                digest: new.digest,
                operator: new.operator.clone(),
                reference: new.reference.clone(),
                began_at: new.at,
                ended_at: None,
                counts: ErasureCounts::default(),
            });
        }
    }
}

async fn open(unit: &Unit, limit: usize) -> Result<Vec<(ErasureId, Option<Msisdn>)>, Fault> {
    let sql = "SELECT id, number FROM erasures WHERE ended_at IS NULL ORDER BY id LIMIT $1";
    let open = |row: &Row| {
        let number = rows::word_if_any(row, 1, |text| Msisdn::parse(text).ok())?;
        Ok((ErasureId::from_bytes(rows::octets(row, 0)?), number))
    };
    unit.query(sql, &[&limit_of(limit)]).await?.iter().map(open).collect()
}

/// Locks the record of an erasure. Its number, if it is under way and has not forgotten it.
async fn lock(unit: &Unit, id: ErasureId) -> Result<Option<Msisdn>, Fault> {
    let sql = "SELECT number FROM erasures WHERE id = $1 AND ended_at IS NULL AND number IS NOT NULL FOR UPDATE";
    unit.find(sql, &[&rows::id(id.to_bytes())]).await?.map(|row| rows::number(&row, 0)).transpose()
}

const ADD: &str = "UPDATE erasures SET messages = messages + $2, canceled = canceled + $3, texts = texts + $4, \
    events = events + $5, media = media + $6, screenings = screenings + $7, receipts = receipts + $8, \
    recipients = recipients + $9, requests = requests + $10 WHERE id = $1";

async fn add(unit: &Unit, id: ErasureId, counts: ErasureCounts) -> Result<(), Fault> {
    let ErasureCounts { messages, canceled, texts, events, media, screenings, receipts, recipients, requests } = counts;
    let [messages, canceled, texts, events, media, screenings, receipts, recipients, requests] =
        [messages, canceled, texts, events, media, screenings, receipts, recipients, requests].map(u64::cast_signed);
    let id = rows::id(id.to_bytes());
    unit.execute(
        ADD,
        &[&id, &messages, &canceled, &texts, &events, &media, &screenings, &receipts, &recipients, &requests],
    )
    .await
    .map(drop)
}

async fn end(unit: &Unit, id: ErasureId, now: Timestamp) -> Result<Erasure, Fault> {
    if let Some(number) = lock(unit, id).await? {
        webhooks::erase_number(unit, number).await?;
    }
    let sql = "UPDATE erasures SET ended_at = $2, number = NULL WHERE id = $1 AND ended_at IS NULL";
    unit.execute(sql, &[&rows::id(id.to_bytes()), &now.as_millis()]).await?;
    load(unit, id).await?.ok_or(Fault::Told(StoreError::NotFound))
}

async fn load(unit: &Unit, id: ErasureId) -> Result<Option<Erasure>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM erasures WHERE id = $1");
    unit.find(&sql, &[&rows::id(id.to_bytes())]).await?.as_ref().map(erasure).transpose()
}

async fn list(
    unit: &Unit,
    of: Option<[u8; 32]>,
    after: Option<ErasureId>,
    limit: usize,
) -> Result<Vec<Erasure>, Fault> {
    let after = rows::id(after.map_or([0xFF; 16], ErasureId::to_bytes));
    let (select, limit) = (format!("SELECT {COLUMNS} FROM erasures WHERE id < $1"), limit_of(limit));
    let found = match of {
        None => unit.query(&format!("{select} ORDER BY id DESC LIMIT $2"), &[&after, &limit]).await?,
        Some(digest) => {
            let sql = format!("{select} AND digest = $3 ORDER BY id DESC LIMIT $2");
            unit.query(&sql, &[&after, &limit, &&digest[..]]).await?
        }
    };
    found.iter().map(erasure).collect()
}

fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// An erasure from the columns of [`COLUMNS`].
fn erasure(row: &Row) -> Result<Erasure, Fault> {
    let digest: &[u8] = rows::get(row, 1)?;
    Ok(Erasure {
        id: ErasureId::from_bytes(rows::octets(row, 0)?),
        digest: digest.try_into().map_err(|_| rows::unknown(1, "a digest of another length"))?,
        operator: rows::text(row, 2)?,
        reference: rows::text_if_any(row, 3)?,
        began_at: rows::time(row, 4)?,
        ended_at: rows::time_if_any(row, 5)?,
        counts: ErasureCounts {
            messages: rows::count(row, 6)?,
            canceled: rows::count(row, 7)?,
            texts: rows::count(row, 8)?,
            events: rows::count(row, 9)?,
            media: rows::count(row, 10)?,
            screenings: rows::count(row, 11)?,
            receipts: rows::count(row, 12)?,
            recipients: rows::count(row, 13)?,
            requests: rows::count(row, 14)?,
        },
    })
}
