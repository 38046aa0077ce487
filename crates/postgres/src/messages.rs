//! Messages: reading them.

use async_trait::async_trait;
use model::event::{Event, EventKind};
use model::idempotency::Endpoint;
use model::message::{Message, MessageRecord, MessageType};
use model::{MessageId, Owner, Timestamp};
use tokio_postgres::Row;

use super::fault::Fault;
use super::pages::number_of;
use super::unit::Unit;
use super::{Postgres, life, lists, rows};
use ledger::StoreError;
use ledger::accepted::Accepted;
use ledger::contract::admission::{Admission, Admitted, Earlier, IdempotencyClaim, NewMessage};
use ledger::contract::messages::{MessageFilter, Messages, Page, Reference};
use ledger::turns::{Reader, Work};

#[async_trait]
impl Messages for Postgres {
    async fn admit(&self, admission: Admission<NewMessage>) -> Result<Admitted<Message>, StoreError> {
        self.admissions.admit(&self.core, admission).await
    }

    async fn replay(&self, owner: Owner, claim: &IdempotencyClaim) -> Result<Option<Earlier<Message>>, StoreError> {
        self.replays.replay(owner, claim).await
    }

    async fn message(&self, owner: Owner, id: MessageId) -> Result<Option<MessageRecord>, StoreError> {
        let read = self.core.read_for(Reader::Owner(owner), Work::One, id, |unit, id| Box::pin(record(unit, *id)));
        Ok(read.await?.filter(|record| record.message.owner() == owner))
    }

    async fn message_of_any_account(&self, id: MessageId) -> Result<Option<MessageRecord>, StoreError> {
        self.core.read_for(Reader::Operator, Work::One, id, |unit, id| Box::pin(record(unit, *id))).await
    }

    async fn cancel_message(
        &self,
        owner: Option<Owner>,
        id: MessageId,
        now: Timestamp,
    ) -> Result<Option<MessageRecord>, StoreError> {
        self.core.write((owner, id, now), |unit, (owner, id, now)| Box::pin(cancel(unit, *owner, *id, *now))).await
    }

    async fn messages(
        &self,
        owner: Option<Owner>,
        filter: MessageFilter,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.core
            .read_for(owner.into(), Work::Page, (owner, filter, after, limit), |unit, (owner, filter, after, limit)| {
                Box::pin(lists::page(unit, *owner, filter, *after, *limit))
            })
            .await
    }

    async fn messages_named(&self, reference: Reference, limit: usize) -> Result<Vec<MessageRecord>, StoreError> {
        self.core
            .read_for(Reader::Operator, Work::One, (reference, limit), |unit, (reference, limit)| {
                Box::pin(named(unit, reference, *limit))
            })
            .await
    }

    async fn events(&self, id: MessageId) -> Result<Vec<Event>, StoreError> {
        self.core.read_for(Reader::Operator, Work::One, id, |unit, id| Box::pin(events(unit, *id))).await
    }
}

async fn record(unit: &Unit, id: MessageId) -> Result<Option<MessageRecord>, Fault> {
    let sql = format!(
        "SELECT {}, {} FROM messages m JOIN delivery d ON d.message_id = m.id \
         LEFT JOIN queue q ON q.message_id = m.id WHERE m.id = $1 AND d.message_id = $1",
        rows::MESSAGE,
        rows::DELIVERY
    );
    unit.find(&sql, &[&rows::id(id.to_bytes())]).await?.as_ref().map(rows::record).transpose()
}

const NAMED: &str = "SELECT message_id FROM (SELECT message_id FROM segments WHERE carrier = ANY($1) AND key = ANY($2) \
    UNION SELECT message_id FROM idempotency WHERE account_id = $3 AND test = ANY('{true,false}') AND endpoint = $4 \
    AND key = $5) n ORDER BY message_id DESC LIMIT $6";

/// Messages that a carrier or a request named so, newest first.
async fn named(unit: &Unit, reference: &Reference, limit: usize) -> Result<Vec<MessageRecord>, Fault> {
    let carriers: Vec<&str> = reference.carriers.iter().map(|carrier| carrier.as_str()).collect();
    let account = reference.idempotency.as_ref().map(|(account, _)| rows::id(account.to_bytes()));
    let key = reference.idempotency.as_ref().map(|(_, key)| key.as_str());
    let (endpoint, wanted) = (Endpoint::Message.as_str(), number_of(limit));
    let found = unit.query(NAMED, &[&carriers, &reference.keys, &account, &endpoint, &key, &wanted]).await?;
    let mut records = Vec::with_capacity(found.len());
    for row in &found {
        // What is gone leaves its keys behind for a while.
        records.extend(record(unit, MessageId::from_bytes(rows::octets(row, 0)?)).await?);
    }
    Ok(records)
}

/// The row of the queue is locked: an attempt of the message begins before this or not at all.
async fn cancel(
    unit: &mut Unit,
    owner: Option<Owner>,
    id: MessageId,
    now: Timestamp,
) -> Result<Option<MessageRecord>, Fault> {
    let Some(found) = record(unit, id).await? else { return Ok(None) };
    if owner.is_some_and(|owner| found.message.owner() != owner) {
        return Ok(None);
    }
    let mut lives = life::lock(unit, [id]).await?;
    if let Some(mut life) = lives.remove(&id)
        && life.cancel(now)
    {
        life::save(unit, vec![life]).await?;
    }
    // It may have ended before it was locked.
    record(unit, id).await
}

async fn events(unit: &Unit, id: MessageId) -> Result<Vec<Event>, Fault> {
    let id = rows::id(id.to_bytes());
    let accepted =
        "SELECT created_at, encoding, segments, test, kind, media_id IS NOT NULL FROM messages WHERE id = $1";
    let later = "SELECT at, kind, carrier, attempt, detail FROM events WHERE message_id = $1 ORDER BY seq";
    let Some(row) = unit.find(accepted, &[&id]).await? else { return Ok(Vec::new()) };
    let accepted = Accepted {
        at: rows::time(&row, 0)?,
        encoding: rows::get(&row, 1)?,
        segments: rows::small(&row, 2)?,
        mode: rows::mode(&row, 3)?,
        is_mms: rows::word(&row, 4, MessageType::parse)? == MessageType::Mms,
        has_media: rows::get(&row, 5)?,
    };
    let later = unit.query(later, &[&id]).await?;
    std::iter::once(Ok(accepted.event())).chain(later.iter().map(event)).collect()
}

fn event(row: &Row) -> Result<Event, Fault> {
    let attempt = rows::get::<Option<i64>>(row, 3)?.map(u32::try_from).transpose();
    Ok(Event {
        at: rows::time(row, 0)?,
        kind: rows::word(row, 1, EventKind::parse)?,
        carrier: rows::carrier_if_any(row, 2)?,
        attempt: attempt.map_err(|_| rows::unknown(3, "a number below 0"))?,
        detail: rows::text(row, 4)?,
    })
}
