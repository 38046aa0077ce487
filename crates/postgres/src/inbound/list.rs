//! Lists of messages of handsets.

use std::sync::Arc;

use model::{InboundMessage, MessageId, Mode, Owner};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::fault::Fault;
use crate::inbound_rows::{COLUMNS, address_text, messages};
use crate::rows::{self, NO_ACCOUNT};
use crate::unit::Unit;
use ledger::contract::inbound::{InboundFilter, InboundPage, Unrouted, UnroutedPage};

/// How many rows a page looks at.
const ROWS_PER_PAGE: usize = 5_000;

/// By how much more rows are read at once where a page is not full.
const MORE: usize = 4;

const FROM: &str = "inbound i WHERE i.sender = $5 AND i.account_id = $3 AND i.test = $4 AND i.id < $1 AND i.id >= $2 \
    AND $6::text IS NOT DISTINCT FROM $6 ORDER BY i.id DESC LIMIT $7";
const TO: &str = "inbound i WHERE i.recipient = $6 AND i.account_id = $3 AND i.test = $4 AND i.id < $1 AND i.id >= $2 \
    AND $5::text IS NOT DISTINCT FROM $5 ORDER BY i.id DESC LIMIT $7";
const OF: &str = "inbound i WHERE i.account_id = $3 AND i.test = $4 AND i.id < $1 AND i.id >= $2 \
    AND $5::text IS NOT DISTINCT FROM $5 AND $6::text IS NOT DISTINCT FROM $6 ORDER BY i.id DESC LIMIT $7";
const ALL: &str = "inbound i WHERE $3::uuid IS NULL AND $4::boolean IS NULL AND i.id < $1 AND i.id >= $2 \
    AND $5::text IS NOT DISTINCT FROM $5 AND $6::text IS NOT DISTINCT FROM $6 ORDER BY i.id DESC LIMIT $7";
const UNROUTED: &str = "inbound i WHERE i.account_id = $1 AND i.test = $2 AND i.id < $3 ORDER BY i.id DESC LIMIT $4";

/// The rows that a page looks at, newest first: by the index that leaves the fewest to look at.
const fn listed(owner: Option<Owner>, filter: &InboundFilter) -> &'static str {
    match (owner, &filter.from, filter.to) {
        (Some(_), Some(_), _) => FROM,
        (Some(_), None, Some(_)) => TO,
        (Some(_), None, None) => OF,
        (None, ..) => ALL,
    }
}

/// A page of messages of `owner`, or of all accounts.
pub(super) async fn page(
    unit: &Unit,
    owner: Option<Owner>,
    filter: &InboundFilter,
    after: Option<MessageId>,
    limit: usize,
) -> Result<InboundPage, Fault> {
    if limit == 0 {
        return Ok(InboundPage { messages: Vec::new(), next: after });
    }
    let looking = Looking::of(owner, filter);
    let (mut shown, mut looked, mut last, mut next) = (Vec::new(), 0, after, None);
    let mut most = limit + 1;
    'portions: loop {
        let found = looking.portion(unit, last, most).await?;
        let is_end = found.len() < most;
        for row in found {
            if shown.len() == limit || looked == ROWS_PER_PAGE {
                next = last;
                break 'portions;
            }
            looked += 1;
            last = Some(MessageId::from_bytes(rows::octets(&row, 0)?));
            if looking.shows(&row)? {
                shown.push(row);
            }
        }
        if is_end {
            break;
        }
        most = most.saturating_mul(MORE).min(ROWS_PER_PAGE);
    }
    let messages = messages(unit, shown).await?.into_iter().map(|(message, _)| Arc::new(message)).collect();
    Ok(InboundPage { messages, next })
}

/// What a page looks for.
struct Looking {
    sql: String,
    account: Option<Uuid>,
    is_test: Option<bool>,
    from: Option<String>,
    to: Option<String>,
    /// Ids from this one on, and below that one.
    lowest: Uuid,
    end: Option<MessageId>,
}

impl Looking {
    fn of(owner: Option<Owner>, filter: &InboundFilter) -> Self {
        Self {
            sql: format!("SELECT {COLUMNS} FROM {}", listed(owner, filter)),
            account: owner.map(|owner| rows::id(owner.account.to_bytes())),
            is_test: owner.map(|owner| rows::is_test(owner.mode)),
            from: filter.from.as_ref().map(address_text),
            to: filter.to.map(rows::address),
            lowest: filter.since.map_or(Uuid::nil(), |since| rows::id(MessageId::lowest_at(since).to_bytes())),
            end: filter.before.map(MessageId::lowest_at),
        }
    }

    /// At most so many rows behind a message.
    async fn portion(&self, unit: &Unit, after: Option<MessageId>, most: usize) -> Result<Vec<Row>, Fault> {
        let Self { sql, account, is_test, from, to, lowest, end } = self;
        let below = [after, *end].into_iter().flatten().min();
        let below = below.map_or(Uuid::max(), |below| rows::id(below.to_bytes()));
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let values: [&(dyn ToSql + Sync); 7] = [&below, lowest, account, is_test, from, to, &most];
        unit.query(sql, &values).await
    }

    fn shows(&self, row: &Row) -> Result<bool, Fault> {
        let is = |at: usize, wanted: Option<&str>| match wanted {
            Some(wanted) => rows::get::<&str>(row, at).map(|text| text == wanted),
            None => Ok(true),
        };
        Ok(rows::get::<Uuid>(row, 1)? != NO_ACCOUNT && is(4, self.from.as_deref())? && is(5, self.to.as_deref())?)
    }
}

/// Messages that belong to no account, of both modes.
pub(super) async fn unrouted(unit: &Unit, after: Option<MessageId>, limit: usize) -> Result<UnroutedPage, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM {UNROUTED}");
    let below = after.map_or(Uuid::max(), |after| rows::id(after.to_bytes()));
    let most = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let mut found = Vec::new();
    for mode in [Mode::Live, Mode::Test] {
        found.extend(unit.query(&sql, &[&NO_ACCOUNT, &rows::is_test(mode), &below, &most]).await?);
    }
    let mut messages: Vec<InboundMessage> =
        messages(unit, found).await?.into_iter().map(|(message, _)| message).collect();
    messages.sort_unstable_by_key(|message| std::cmp::Reverse(message.id));
    let is_whole = messages.len() <= limit;
    messages.truncate(limit);
    let next = if is_whole { None } else { messages.last().map(|message| message.id).or(after) };
    let messages = messages.into_iter().map(|message| Unrouted { message: Arc::new(message) }).collect();
    Ok(UnroutedPage { messages, next })
}
