//! Lists of messages, newest first. Every index that they need is written with the messages.

mod drivers;

use std::time::Duration;

use async_trait::async_trait;
use model::message::Direction;
use model::{AccountId, BroadcastId, MessageId, MessageRecord, Owner, Status, Timestamp};
use uuid::Uuid;

use super::Postgres;
use super::fault::Fault;
use super::pages::{self, number_of};
use super::rows::{self, DELIVERY, MESSAGE};
use super::unit::{Unit, Values};
use ledger::StoreError;
use ledger::contract::lists::{Indexed, Lists};
use ledger::contract::messages::{MessageFilter, Page};
use ledger::listing::{self, Scope};

#[async_trait]
impl Lists for Postgres {
    async fn index_lists(&self, _: Timestamp, _: Duration, _: usize) -> Result<Indexed, StoreError> {
        Ok(Indexed::default())
    }
}

/// What a message has to meet, but for its status.
const MEETS: &str = "($4::uuid IS NULL OR m.account_id = $4) AND ($5::boolean IS NULL OR m.test = $5) \
    AND ($6::text IS NULL OR m.recipient = $6) AND ($7::text IS NULL OR m.originator = $7) \
    AND ($8::text IS NULL OR m.client_reference = $8) AND ($9::uuid IS NULL OR m.broadcast_id = $9) \
    AND ($10::text IS NULL OR m.direction = $10) \
    AND ($11::text IS NULL OR m.recipient = $11 OR m.originator = $11)";

/// The same values, deciding nothing.
const USES: &str = "$4::uuid IS NULL AND $5::boolean IS NULL AND $6::text IS NULL AND $7::text IS NULL \
    AND $8::text IS NULL AND $9::uuid IS NULL AND $10::text IS NULL \
    AND $11::text IS NULL";

/// A page of the messages of `owner` (of all when `None`) that the filter lets pass, beginning after `after`.
pub(super) async fn page(
    unit: &Unit,
    owner: Option<Owner>,
    filter: &MessageFilter,
    after: Option<MessageId>,
    limit: usize,
) -> Result<Page, Fault> {
    if limit == 0 {
        return Ok(Page { messages: Vec::new(), next: after });
    }
    let ids = listing::message_ids(filter, after);
    let scope = Scope::of(owner, filter.account, filter.mode).filter(|_| !ids.is_empty());
    let Some(scope) = scope else { return Ok(Page { messages: Vec::new(), next: None }) };
    let (low, high) = (Uuid::from_u128(ids.start), Uuid::from_u128(ids.end));
    let rows_max = number_of(unit.core.rows_per_page());
    let rows = drivers::choose(unit, filter, scope, (low, high), rows_max).await?;
    let account = scope.account.map(AccountId::to_bytes).map(rows::id);
    let test = scope.mode.map(rows::is_test);
    let (recipient, originator) = (filter.recipient.map(rows::address), filter.originator.map(rows::address));
    let reference = filter.reference.as_deref();
    let broadcast = filter.broadcast.map(BroadcastId::to_bytes).map(rows::id);
    let (direction, either) = (filter.direction.map(Direction::as_str), filter.either.map(rows::address));
    let (status, wanted) = (filter.status.map(Status::as_str), number_of(limit.saturating_add(1)));
    let whose: Values<'_> = &[&low, &high, &rows_max, &account, &test];
    let what: Values<'_> = &[&recipient, &originator, &reference, &broadcast, &direction, &either];
    let values = [whose, what].concat();
    // One more than the limit tells whether there is a next page. What belongs to a row is looked up for that row
    // alone, which `OFFSET 0` makes sure of: the tables are too large to be read for a page.
    let sql = format!(
        "SELECT {MESSAGE}, {DELIVERY} FROM ({rows}) m \
         JOIN LATERAL (SELECT d.* FROM delivery d WHERE d.message_id = m.id AND d.message_id >= $1 \
         AND d.message_id < $2 OFFSET 0) d ON true \
         LEFT JOIN LATERAL (SELECT q.* FROM queue q WHERE q.message_id = m.id OFFSET 0) q ON true \
         WHERE {MEETS} AND ($12::text IS NULL OR d.status = $12) ORDER BY m.id DESC LIMIT $13"
    );
    let found = unit.query(&sql, &[&values[..], &[&status, &wanted]].concat()).await?;
    let mut messages: Vec<MessageRecord> = found.iter().map(rows::record).collect::<Result<_, _>>()?;
    if messages.len() > limit {
        messages.truncate(limit);
        let next = messages.last().map(|record| record.message.id);
        return Ok(Page { messages, next });
    }
    let last = pages::last_of(unit, &rows, USES, &values).await?;
    Ok(Page { messages, next: last.map(|id| MessageId::from_bytes(id.into_bytes())) })
}
