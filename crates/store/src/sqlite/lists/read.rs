//! Reading a list of messages, newest first: from the index where that has them, by a scan where it does not, each id
//! range by one of the two.

use std::collections::BinaryHeap;
use std::ops::Range;

use model::message::Direction;
use model::{AccountId, MessageId, MessageRecord, Mode, Msisdn, Originator, Owner, Status};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::streams::{Next, Stream, owners_with};
use super::{Facet, id, mark, reference_code};
use crate::sqlite::rows::{self, DELIVERY, MESSAGE};
use ledger::contract::messages::{MessageFilter, Page};
use ledger::listing::{self, Scope, handset};

/// How many rows and entries a page looks at.
pub(in crate::sqlite) const ROWS_PER_PAGE: usize = 20_000;

/// Where more gaps than this are open, everything from the lowest on is scanned.
const GAPS_MAX: usize = 1_000;

/// A page of the messages of `owner` (of all when `None`) that the filter lets pass, beginning after `after`. It looks
/// at `rows` rows at most.
pub(in crate::sqlite) fn page(
    connection: &Connection,
    owner: Option<Owner>,
    filter: &MessageFilter,
    after: Option<MessageId>,
    limit: usize,
    rows: usize,
) -> rusqlite::Result<Page> {
    if limit == 0 {
        return Ok(Page { messages: Vec::new(), next: after });
    }
    let Some(Scope { account, mode }) = Scope::of(owner, filter.account, filter.mode) else {
        return Ok(Page { messages: Vec::new(), next: None });
    };
    let mut walk = Walk { connection, account, mode, filter, limit, rows, looked: 0, found: Vec::new() };
    let stopped = walk.down(listing::message_ids(filter, after))?;
    Ok(walk.into_page(stopped))
}

/// A walk from the newest id down.
struct Walk<'a> {
    connection: &'a Connection,
    account: Option<AccountId>,
    mode: Option<Mode>,
    filter: &'a MessageFilter,
    limit: usize,
    rows: usize,
    looked: usize,
    /// One more than the limit tells whether there is a next page.
    found: Vec<MessageRecord>,
}

/// What the index is asked for: the owners, and facets of which a message must have one each.
struct Plan {
    owners: Vec<i64>,
    facets: Vec<Vec<i64>>,
}

impl Walk<'_> {
    /// Finds what the page needs. Returns where it stopped because it has looked at enough: everything from there on is
    /// found.
    fn down(&mut self, ids: Range<u128>) -> rusqlite::Result<Option<u128>> {
        let plan = self.plan()?;
        let unlisted = if plan.is_some() { self.unlisted()? } else { Vec::new() };
        let mut end = ids.end;
        while end > ids.start {
            if self.looked >= self.rows {
                return Ok(Some(end));
            }
            let next_unlisted = unlisted.iter().find(|range| range.start < end);
            let (floor, stopped) = match (&plan, next_unlisted) {
                (None, _) => (ids.start, self.scan(ids.start..end)?),
                (Some(_), Some(range)) if range.end >= end => {
                    let floor = range.start.max(ids.start);
                    (floor, self.scan(floor..end)?)
                }
                (Some(plan), range) => {
                    let floor = range.map_or(ids.start, |range| range.end.max(ids.start));
                    (floor, self.look_up(plan, floor..end)?)
                }
            };
            if stopped.is_some() || self.is_full() {
                return Ok(stopped);
            }
            end = floor;
        }
        Ok(None)
    }

    fn is_full(&self) -> bool {
        self.found.len() > self.limit
    }

    fn into_page(mut self, stopped: Option<u128>) -> Page {
        let last =
            self.found.get(self.limit - 1).filter(|_| self.found.len() > self.limit).map(|record| record.message.id);
        self.found.truncate(self.limit);
        let next = last.or(stopped.map(|at| MessageId::from_bytes(at.to_be_bytes())));
        Page { messages: self.found, next }
    }

    /// How the index answers the filter; `None` where a scan is as good or better.
    fn plan(&self) -> rusqlite::Result<Option<Plan>> {
        let filter = self.filter;
        let mut facets: Vec<Vec<i64>> = Vec::new();
        facets.extend(filter.recipient.map(|number| vec![Facet::Recipient(number).code()]));
        facets.extend(filter.originator.map(|originator| vec![Facet::Originator(originator).code()]));
        facets.extend(filter.either.map(|number| {
            let to = handset(number).map(|number| Facet::Recipient(number).code());
            to.into_iter().chain([Facet::Originator(number).code()]).collect::<Vec<i64>>()
        }));
        facets.extend(filter.reference.as_deref().map(|reference| vec![reference_code(reference)]));
        // Where an owner alone is asked for, its other mode may have any number of messages in between.
        let of_one_mode = facets.is_empty() && filter.broadcast.is_none() && self.mode.is_some();
        if filter.status.is_some() || filter.direction.is_some() || of_one_mode {
            facets.push(states(filter.direction, filter.status));
        }
        let Some(first) = facets.first() else { return Ok(None) };
        let Some(owners) = self.owners(first)? else { return Ok(None) };
        Ok(Some(Plan { owners, facets }))
    }

    fn owners(&self, codes: &[i64]) -> rusqlite::Result<Option<Vec<i64>>> {
        let mode = self.mode.map(Mode::as_str);
        if let Some(account) = self.account {
            let sql = "SELECT number FROM list_owners WHERE account_id = ?1 AND (?2 IS NULL OR mode = ?2)";
            let mut select = self.connection.prepare_cached(sql)?;
            let numbers = select.query_map(params![account.to_bytes(), mode], |row| row.get(0))?;
            return numbers.collect::<rusqlite::Result<_>>().map(Some);
        }
        let Some(mut owners) = owners_with(self.connection, codes)? else { return Ok(None) };
        if mode.is_some() {
            let mut select =
                self.connection.prepare_cached("SELECT 1 FROM list_owners WHERE number = ?1 AND mode = ?2")?;
            let mut of_mode = Vec::new();
            for owner in owners {
                if select.exists(params![owner, mode])? {
                    of_mode.push(owner);
                }
            }
            owners = of_mode;
        }
        Ok(Some(owners))
    }

    /// The id ranges in which the index lacks messages, newest first; no two of them touch.
    fn unlisted(&self) -> rusqlite::Result<Vec<Range<u128>>> {
        let sql = "SELECT low, high FROM list_gaps WHERE ?1 IS NULL OR account_id = ?1 LIMIT ?2";
        let mut select = self.connection.prepare_cached(sql)?;
        let account = self.account.map(AccountId::to_bytes);
        let read = |row: &Row<'_>| Ok(id(row, 0)?..id(row, 1)?.saturating_add(1));
        let mut gaps: Vec<Range<u128>> =
            select.query_map(params![account, GAPS_MAX + 1], read)?.collect::<rusqlite::Result<_>>()?;
        if gaps.len() > GAPS_MAX {
            let lowest =
                self.connection.prepare_cached("SELECT min(low) FROM list_gaps")?.query_row([], |row| id(row, 0))?;
            gaps.clear();
            gaps.push(lowest..u128::MAX);
        }
        gaps.push(mark(self.connection)?..u128::MAX);
        gaps.sort_unstable_by_key(|range| std::cmp::Reverse(range.end));
        let mut joined: Vec<Range<u128>> = Vec::new();
        for range in gaps {
            match joined.last_mut() {
                Some(above) if range.end >= above.start => above.start = above.start.min(range.start),
                _ => joined.push(range),
            }
        }
        Ok(joined)
    }

    /// Looks at every message of a range.
    fn scan(&mut self, ids: Range<u128>) -> rusqlite::Result<Option<u128>> {
        let status = if self.filter.status.is_some() { "JOIN" } else { "" };
        let sql = match (self.account, status) {
            (Some(_), "") => format!(
                "SELECT {SCANNED}, NULL FROM messages m WHERE m.account_id = ?3 AND m.id >= ?1 AND m.id < ?2 ORDER BY \
                 m.id DESC"
            ),
            (Some(_), _) => format!(
                "SELECT {SCANNED}, d.status FROM messages m CROSS JOIN delivery d ON d.message_id = m.id \
                 WHERE m.account_id = ?3 AND m.id >= ?1 AND m.id < ?2 ORDER BY m.id DESC"
            ),
            (None, _) => format!(
                "SELECT {SCANNED}, d.status FROM delivery d CROSS JOIN messages m ON m.account_id = d.account_id \
                 AND m.id = d.message_id WHERE ?3 IS NULL AND d.message_id >= ?1 AND d.message_id < ?2 \
                 ORDER BY d.message_id DESC"
            ),
        };
        let mut select = self.connection.prepare_cached(&sql)?;
        let bounds = params![ids.start.to_be_bytes(), ids.end.to_be_bytes(), self.account.map(AccountId::to_bytes)];
        let mut found = select.query(bounds)?;
        while let Some(row) = found.next()? {
            let message = id(row, 0)?;
            self.looked += 1;
            if self.wants(row)? {
                self.take(message)?;
            }
            if self.is_full() || self.looked >= self.rows {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// Whether the filter lets a row of [`SCANNED`] pass.
    fn wants(&self, row: &Row<'_>) -> rusqlite::Result<bool> {
        let is = |column: usize, wanted: Option<&str>| match wanted {
            Some(wanted) => Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()? == wanted),
            None => Ok(true),
        };
        let filter = self.filter;
        let of_broadcast = match filter.broadcast {
            Some(broadcast) => row.get::<_, Option<[u8; 16]>>(5)? == Some(broadcast.to_bytes()),
            None => true,
        };
        let of_reference = match filter.reference.as_deref() {
            Some(reference) => row.get_ref(6)?.as_str_or_null()? == Some(reference),
            None => true,
        };
        let of_either = match filter.either.map(Originator::text) {
            Some(text) => is(3, Some(&*text))? || is(4, Some(&*text))?,
            None => true,
        };
        Ok(of_broadcast
            && is(1, self.mode.map(Mode::as_str))?
            && is(2, filter.direction.map(Direction::as_str))?
            && is(3, filter.recipient.map(Msisdn::text).as_deref())?
            && is(4, filter.originator.map(Originator::text).as_deref())?
            && of_reference
            && of_either
            && is(7, filter.status.map(Status::as_str))?)
    }

    /// Follows the index through a range in which it lacks nothing.
    fn look_up(&mut self, plan: &Plan, ids: Range<u128>) -> rusqlite::Result<Option<u128>> {
        let mut streams: Vec<Stream<'_>> =
            plan.owners.iter().map(|owner| Stream::new(self.connection, *owner, &plan.facets, ids.end)).collect();
        let mut heads = BinaryHeap::new();
        for (at, stream) in streams.iter_mut().enumerate() {
            heads.extend(head(stream.next(ids.start, &mut self.looked, self.rows)?, at));
        }
        while let Some((id, is_message, at)) = heads.pop() {
            if !is_message {
                return Ok(Some(id));
            }
            self.looked += 1;
            self.take(id)?;
            if self.is_full() {
                return Ok(Some(id));
            }
            heads.extend(head(streams[at].next(ids.start, &mut self.looked, self.rows)?, at));
        }
        Ok(None)
    }

    /// Adds a message to the page.
    fn take(&mut self, id: u128) -> rusqlite::Result<()> {
        let sql = format!(
            "SELECT {MESSAGE}, {DELIVERY} FROM delivery d CROSS JOIN messages m ON m.account_id = d.account_id AND \
             m.id = d.message_id WHERE d.message_id = ?1"
        );
        let record = self.connection.prepare_cached(&sql)?.query_row([id.to_be_bytes()], rows::record).optional()?;
        self.found.extend(record.filter(|record| {
            let MessageFilter { broadcast, originator, either, reference, .. } = self.filter;
            let names = |number: Originator| {
                record.message.originator == number || handset(number) == Some(record.message.recipient)
            };
            reference.as_ref().is_none_or(|reference| record.message.client_reference.as_ref() == Some(reference))
                && broadcast.is_none_or(|broadcast| record.message.broadcast == Some(broadcast))
                && originator.is_none_or(|originator| record.message.originator == originator)
                && either.is_none_or(names)
        }));
        Ok(())
    }
}

/// The columns that a scan looks at; the status follows them.
const SCANNED: &str = "m.id, m.mode, m.direction, m.recipient, m.originator, m.broadcast_id, m.client_reference";

/// A stream's place among the others: the newest first, and a message before a stop at its id.
fn head(next: Next, stream: usize) -> Option<(u128, bool, usize)> {
    match next {
        Next::Message(id) => Some((id, true, stream)),
        Next::Stopped(id) => Some((id, false, stream)),
        Next::Over => None,
    }
}

fn states(direction: Option<Direction>, status: Option<Status>) -> Vec<i64> {
    let directions = [Direction::Outbound, Direction::Inbound]
        .into_iter()
        .filter(|one| direction.is_none_or(|wanted| *one == wanted));
    let codes = directions.flat_map(|direction| Status::ALL.map(|status| (direction, status)));
    codes
        .filter(|(_, one)| status.is_none_or(|wanted| *one == wanted))
        .map(|(direction, status)| Facet::State(direction, status).code())
        .collect()
}
