//! Lists of messages of handsets.

use std::sync::Arc;

use model::{MessageId, Mode, Owner};
use rusqlite::{Connection, Row, params};

use crate::sqlite::inbound_rows::{COLUMNS, message};
use crate::sqlite::rows;
use ledger::contract::inbound::{InboundFilter, InboundPage, Unrouted, UnroutedPage};

/// How many rows a page looks at.
const ROWS_PER_PAGE: usize = 5_000;

/// A page of messages of `owner`, or of all accounts.
pub(super) fn page(
    connection: &Connection,
    owner: Option<Owner>,
    filter: &InboundFilter,
    after: Option<MessageId>,
    limit: usize,
) -> rusqlite::Result<InboundPage> {
    let mut page = InboundPage { messages: Vec::new(), next: None };
    if limit == 0 {
        return Ok(InboundPage { next: after, ..page });
    }
    let sql = format!("SELECT {COLUMNS} FROM {}", listed(owner, filter));
    let end = [after, filter.before.map(MessageId::lowest_at)].into_iter().flatten().min();
    let below = end.map_or([0xFF; 16], MessageId::to_bytes);
    let lowest = filter.since.map_or([0; 16], |since| MessageId::lowest_at(since).to_bytes());
    let to = filter.to.map(rows::text);
    let (account, mode) = (owner.map(|owner| owner.account.to_bytes()), owner.map(|owner| owner.mode.as_str()));
    let from = filter.from.as_ref().map(ToString::to_string);
    let mut select = connection.prepare_cached(&sql)?;
    let mut found = select.query(params![below, lowest, account, mode, from, to])?;
    let (mut looked, mut last) = (0, after);
    while let Some(row) = found.next()? {
        if page.messages.len() == limit || looked == ROWS_PER_PAGE {
            page.next = last;
            break;
        }
        looked += 1;
        last = Some(MessageId::from_bytes(row.get(0)?));
        if shows(row, from.as_deref(), to.as_ref().map(rows::Text::as_str))? {
            let (message, is_routed) = message(connection, row)?;
            page.messages.extend(is_routed.then(|| Arc::new(message)));
        }
    }
    Ok(page)
}

fn shows(row: &Row<'_>, from: Option<&str>, to: Option<&str>) -> rusqlite::Result<bool> {
    let is = |at: usize, wanted: Option<&str>| match wanted {
        Some(wanted) => Ok::<_, rusqlite::Error>(row.get_ref(at)?.as_str()? == wanted),
        None => Ok(true),
    };
    Ok(is(4, from)? && is(5, to)?)
}

/// The rows that a page looks at, newest first: by the index that leaves the fewest to look at.
const fn listed(owner: Option<Owner>, filter: &InboundFilter) -> &'static str {
    match (owner, &filter.from, filter.to) {
        (Some(_), Some(_), _) => FROM,
        (Some(_), None, Some(_)) => TO,
        (Some(_), None, None) => OF,
        (None, ..) => ALL,
    }
}

/// Messages that belong to no account, of both modes.
pub(super) fn unrouted(
    connection: &Connection,
    after: Option<MessageId>,
    limit: usize,
) -> rusqlite::Result<UnroutedPage> {
    let sql = format!("SELECT {COLUMNS} FROM {UNROUTED}");
    let below = after.map_or([0xFF; 16], MessageId::to_bytes);
    let mut messages = Vec::new();
    for mode in [Mode::Live, Mode::Test] {
        let mut select = connection.prepare_cached(&sql)?;
        let read = |row: &Row<'_>| message(connection, row).map(|(message, _)| Arc::new(message));
        let found = select.query_map(params![below, mode.as_str(), limit + 1], read)?;
        messages.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    messages.sort_unstable_by_key(|message| std::cmp::Reverse(message.id));
    let is_whole = messages.len() <= limit;
    messages.truncate(limit);
    let next = if is_whole { None } else { messages.last().map(|message| message.id).or(after) };
    Ok(UnroutedPage { messages: messages.into_iter().map(|message| Unrouted { message }).collect(), next })
}

const FROM: &str = "inbound i INDEXED BY inbound_from WHERE i.sender = ?5 AND i.account_id = ?3 AND i.mode = ?4 \
    AND i.id < ?1 AND i.id >= ?2 AND ?6 IS ?6 ORDER BY i.id DESC";
const TO: &str = "inbound i INDEXED BY inbound_to WHERE i.recipient = ?6 AND i.account_id = ?3 AND i.mode = ?4 \
    AND i.id < ?1 AND i.id >= ?2 AND ?5 IS ?5 ORDER BY i.id DESC";
const OF: &str = "inbound i INDEXED BY inbound_of WHERE i.account_id = ?3 AND i.mode = ?4 AND i.id < ?1 AND i.id >= ?2 \
    AND ?5 IS ?5 AND ?6 IS ?6 ORDER BY i.id DESC";
const ALL: &str = "inbound i WHERE ?3 IS NULL AND ?4 IS NULL AND i.id < ?1 AND i.id >= ?2 AND ?5 IS ?5 AND ?6 IS ?6 \
    ORDER BY i.id DESC";
const UNROUTED: &str = "inbound i INDEXED BY inbound_of WHERE i.account_id = x'' AND i.mode = ?2 AND i.id < ?1 \
    ORDER BY i.id DESC LIMIT ?3";

/// Every statement of this file.
#[cfg(test)]
pub(super) fn maintenance() -> Vec<String> {
    [FROM, TO, OF, ALL, UNROUTED].map(|listed| format!("SELECT {COLUMNS} FROM {listed}")).into()
}
