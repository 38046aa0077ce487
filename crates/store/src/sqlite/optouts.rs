//! Opt-outs: the list, and its history.

use async_trait::async_trait;
use model::{
    AccountId, MessageId, Mode, Msisdn, OptOut, OptOutChange, OptOutName, OptOutScope, OptOutSource, Originator, Owner,
    Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::rows;
use super::stop::{Rest, end_queued};
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::optouts::{HistoryPage, OptIn, OptOutCursor, OptOutFilter, OptOutPage, OptOuts, OptedIn};
use ledger::handsets::opting::{self, Put};
use ledger::handsets::stop::Stops;
use ledger::turns::{Reader, Work};

/// How many opt-outs are read at once into memory.
const BATCH: usize = 2_000;

/// How many rows a page looks at.
const ROWS_PER_PAGE: usize = 5_000;

/// How many opt-outs one transaction makes and looks for queued messages of each. Those of more have one look together,
/// behind the transaction.
const LOOKED_FOR_EACH: usize = 16;

/// The columns of an opt-out, for [`opt_out`].
const COLUMNS: &str = "o.account_id, o.mode, o.number, o.sender, o.source, o.keyword, o.message_id, o.reason, o.at";

#[async_trait]
impl OptOuts for Sqlite {
    async fn all_opt_outs(&self, mut each: Box<dyn FnMut(Vec<OptOut>) + Send>) -> Result<(), StoreError> {
        let mut after = 0;
        loop {
            let batch = self
                .readers
                .read_for(Reader::Platform, Work::Page, move |connection| {
                    let sql = format!("SELECT {COLUMNS}, o.id {ALL}");
                    let mut select = connection.prepare_cached(&sql)?;
                    let read = |row: &Row<'_>| Ok((opt_out(row)?, row.get::<_, i64>(9)?));
                    select.query_map(params![after, BATCH], read)?.collect::<rusqlite::Result<Vec<_>>>()
                })
                .await?;
            let Some((_, last)) = batch.last() else { return Ok(()) };
            after = *last;
            each(batch.into_iter().map(|(opt_out, _)| opt_out).collect());
        }
    }

    async fn opt_out(&self, opt_outs: Vec<OptOut>) -> Result<Vec<bool>, StoreError> {
        let names: Vec<(OptOutName, Timestamp)> = opt_outs.iter().map(|one| (one.name, one.created_at)).collect();
        let is_looked_for_each = opt_outs.len() <= LOOKED_FOR_EACH;
        let write = move |group: &mut Group| {
            let (mut changed, mut rests) = (Vec::new(), Vec::new());
            for opt_out in &opt_outs {
                let put = put(group, opt_out)?;
                changed.push(put == Put::New);
                if put == Put::New && is_looked_for_each {
                    rests.extend(end_queued(group, opt_out.name, opt_out.created_at)?.1);
                }
            }
            Ok((changed, rests))
        };
        let (changed, mut rests) = self.writer.write(write).await?;
        if !is_looked_for_each {
            let new = names.iter().zip(&changed).filter(|(_, changed)| **changed).map(|(name, _)| *name);
            rests = Stops::all(&new.collect::<Vec<_>>()).into_iter().map(Rest::of).collect();
        }
        for rest in rests {
            self.end_rest_if_possible(rest).await;
        }
        Ok(changed)
    }

    async fn opt_in(&self, opt_in: OptIn) -> Result<OptedIn, StoreError> {
        self.writer.write(move |group| Ok(self::opt_in(group, &opt_in)?)).await
    }

    async fn opt_outs(
        &self,
        owner: Owner,
        filter: OptOutFilter,
        after: Option<OptOutCursor>,
        limit: usize,
    ) -> Result<OptOutPage, StoreError> {
        let read = move |connection: &Connection| page(connection, owner, &filter, after, limit);
        self.readers.read_for(Reader::Owner(owner), Work::Page, read).await
    }

    async fn opt_out_history(
        &self,
        owner: Owner,
        number: Msisdn,
        after: Option<OptOutCursor>,
        limit: usize,
    ) -> Result<HistoryPage, StoreError> {
        let read = move |connection: &Connection| history(connection, owner, number, after, limit);
        self.readers.read_for(Reader::Owner(owner), Work::Page, read).await
    }
}

impl Sqlite {
    /// Ends what is left of queued messages. The opt-out is on disk and stops them as well where this fails.
    pub(super) async fn end_rest_if_possible(&self, rest: Rest) -> u64 {
        self.end_rest(rest).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "Could not fail the queued messages to a recipient that opted out at once; each \
                fails when it is due: {error}");
            0
        })
    }
}

/// Puts an opt-out on the list.
pub(super) fn put(group: &mut Group, opt_out: &OptOut) -> rusqlite::Result<Put> {
    let known = find(&group.connection, opt_out.name)?;
    let put = Put::of(opt_out, known.map(|(_, source)| source));
    if put == Put::Known {
        return Ok(put);
    }
    if let Some((id, _)) = known {
        // It keeps its place in the list.
        let values = params![
            id,
            opt_out.source.as_str(),
            opt_out.keyword,
            opt_out.message.map(MessageId::to_bytes),
            opt_out.reason,
            opt_out.created_at.as_millis()
        ];
        group.connection.prepare_cached(UPDATE)?.execute(values)?;
    } else {
        write(&group.connection, INSERT, opt_out, None)?;
    }
    add_line(group, true, opt_out.clone())?;
    Ok(put)
}

/// Ends the opt-outs of a handset that are in a scope. The value says what the history shows. Says whether there was
/// one.
pub(super) fn end(group: &mut Group, asked: &OptOut, scope: OptOutScope) -> rusqlite::Result<bool> {
    let OptOutName { owner, number, from } = asked.name;
    let mut select = group.connection.prepare_cached(IN_FORCE)?;
    let values = params![number.to_u64().cast_signed(), owner.account.to_bytes(), owner.mode.as_str()];
    let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, sender(row, 1)?));
    let known: Vec<(i64, Option<Originator>)> = select.query_map(values, read)?.collect::<rusqlite::Result<_>>()?;
    drop(select);
    let mut ended = false;
    for (id, sender) in known {
        if opting::ends(scope, from, sender) {
            remove(group, id, OptOut { name: OptOutName { from: sender, ..asked.name }, ..asked.clone() })?;
            ended = true;
        }
    }
    Ok(ended)
}

fn opt_in(group: &mut Group, opt_in: &OptIn) -> rusqlite::Result<OptedIn> {
    let Some((id, source)) = find(&group.connection, opt_in.name)? else { return Ok(OptedIn::Unchanged) };
    if opting::lacks_reason(source, opt_in) {
        return Ok(OptedIn::ReasonRequired);
    }
    remove(group, id, opting::line_of(opt_in))?;
    Ok(OptedIn::Changed)
}

fn remove(group: &mut Group, id: i64, end: OptOut) -> rusqlite::Result<()> {
    group.connection.prepare_cached(DELETE)?.execute([id])?;
    add_line(group, false, end)
}

/// Adds a line to the history, and notes the change. What changes the list calls this, so that nothing in it changes in
/// silence.
fn add_line(group: &mut Group, is_out: bool, change: OptOut) -> rusqlite::Result<()> {
    write(&group.connection, INSERT_LINE, &change, Some(is_out))?;
    let (at, owner, resource) = opting::change(is_out, change);
    group.note(at, owner, resource);
    Ok(())
}

/// Writes a row of the list, or of its history, which says in which direction it went.
pub(super) fn write(
    connection: &Connection,
    sql: &str,
    opt_out: &OptOut,
    is_out: Option<bool>,
) -> rusqlite::Result<()> {
    let OptOutName { owner, number, from } = opt_out.name;
    let message = opt_out.message.map(MessageId::to_bytes);
    let (account, from) = (owner.account.to_bytes(), from.map(rows::text));
    let values = params![
        account,
        owner.mode.as_str(),
        number.to_u64().cast_signed(),
        from.as_ref().map_or("", rows::Text::as_str),
        opt_out.source.as_str(),
        opt_out.keyword,
        message,
        opt_out.reason,
        opt_out.created_at.as_millis(),
        is_out
    ];
    let count = if is_out.is_some() { 10 } else { 9 };
    connection.prepare_cached(sql)?.execute(&values[..count])?;
    Ok(())
}

/// Whether the list has an opt-out of this name.
pub(super) fn is_in_force(connection: &Connection, name: OptOutName) -> rusqlite::Result<bool> {
    Ok(find(connection, name)?.is_some())
}

/// The opt-out of this name, and where it came from.
fn find(connection: &Connection, name: OptOutName) -> rusqlite::Result<Option<(i64, OptOutSource)>> {
    let OptOutName { owner, number, from } = name;
    let from = from.map(rows::text);
    let values = params![
        number.to_u64().cast_signed(),
        owner.account.to_bytes(),
        owner.mode.as_str(),
        from.as_ref().map_or("", rows::Text::as_str)
    ];
    let read = |row: &Row<'_>| Ok((row.get(0)?, rows::word(row, 1, OptOutSource::parse)?));
    connection.prepare_cached(FIND)?.query_row(values, read).optional()
}

fn page(
    connection: &Connection,
    owner: Owner,
    filter: &OptOutFilter,
    after: Option<OptOutCursor>,
    limit: usize,
) -> rusqlite::Result<OptOutPage> {
    let mut page = OptOutPage { opt_outs: Vec::new(), next: None };
    if limit == 0 {
        return Ok(OptOutPage { next: after, ..page });
    }
    let listed = if filter.number.is_some() { OF_NUMBER } else { OF_OWNER };
    let sql = format!("SELECT {COLUMNS}, o.id FROM {listed}");
    let mut select = connection.prepare_cached(&sql)?;
    let number = filter.number.map(|number| number.to_u64().cast_signed());
    let below = after.map_or(i64::MAX, |cursor| cursor.0);
    let values = params![owner.account.to_bytes(), owner.mode.as_str(), below, number];
    let mut found = select.query(values)?;
    let (mut looked, mut last) = (0, below);
    while let Some(row) = found.next()? {
        if page.opt_outs.len() == limit || looked == ROWS_PER_PAGE {
            page.next = Some(OptOutCursor(last));
            break;
        }
        looked += 1;
        last = row.get(9)?;
        let opt_out = opt_out(row)?;
        let is_in_time = filter.since.is_none_or(|since| since <= opt_out.created_at)
            && filter.before.is_none_or(|before| opt_out.created_at < before);
        page.opt_outs.extend(is_in_time.then_some(opt_out));
    }
    Ok(page)
}

fn history(
    connection: &Connection,
    owner: Owner,
    number: Msisdn,
    after: Option<OptOutCursor>,
    limit: usize,
) -> rusqlite::Result<HistoryPage> {
    let sql = format!("SELECT {COLUMNS}, o.id, o.is_out FROM {LINES}");
    let mut select = connection.prepare_cached(&sql)?;
    let values = params![
        number.to_u64().cast_signed(),
        owner.account.to_bytes(),
        owner.mode.as_str(),
        after.map_or(0, |cursor| cursor.0),
        limit + 1
    ];
    let read = |row: &Row<'_>| Ok((row.get(9)?, OptOutChange { is_out: row.get(10)?, opt_out: opt_out(row)? }));
    let mut lines: Vec<(i64, OptOutChange)> = select.query_map(values, read)?.collect::<rusqlite::Result<_>>()?;
    let is_whole = lines.len() <= limit;
    lines.truncate(limit);
    let next = if is_whole { None } else { lines.last().map(|(id, _)| OptOutCursor(*id)).or(after) };
    Ok(HistoryPage { changes: lines.into_iter().map(|(_, line)| line).collect(), next })
}

/// An opt-out, or a line of its history, from the columns of [`COLUMNS`].
pub(super) fn opt_out(row: &Row<'_>) -> rusqlite::Result<OptOut> {
    let owner = Owner { account: AccountId::from_bytes(row.get(0)?), mode: rows::word(row, 1, Mode::parse)? };
    let broken = || {
        rusqlite::Error::FromSqlConversionFailure(
            2,
            rusqlite::types::Type::Integer,
            "not the digits of a number".into(),
        )
    };
    let number = Msisdn::from_u64(row.get::<_, i64>(2)?.cast_unsigned()).ok_or_else(broken)?;
    Ok(OptOut {
        name: OptOutName { owner, number, from: sender(row, 3)? },
        source: rows::word(row, 4, OptOutSource::parse)?,
        keyword: row.get(5)?,
        message: row.get::<_, Option<[u8; 16]>>(6)?.map(MessageId::from_bytes),
        reason: row.get(7)?,
        created_at: rows::time(row, 8)?,
    })
}

fn sender(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Originator>> {
    match row.get_ref(at)?.as_str()? {
        "" => Ok(None),
        _ => rows::originator(row, at).map(Some),
    }
}

const ALL: &str = "FROM opt_outs o WHERE o.id > ?1 ORDER BY o.id LIMIT ?2";
const FIND: &str = "SELECT id, source FROM opt_outs INDEXED BY opt_outs_name WHERE number = ?1 AND account_id = ?2 \
    AND mode = ?3 AND sender = ?4";
const IN_FORCE: &str = "SELECT id, sender FROM opt_outs INDEXED BY opt_outs_name WHERE number = ?1 AND account_id = ?2 \
    AND mode = ?3";
const INSERT: &str = "INSERT INTO opt_outs (account_id, mode, number, sender, source, keyword, message_id, reason, at) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const UPDATE: &str =
    "UPDATE opt_outs SET source = ?2, keyword = ?3, message_id = ?4, reason = ?5, at = ?6 WHERE id = ?1";
const DELETE: &str = "DELETE FROM opt_outs WHERE id = ?1";
const INSERT_LINE: &str = "INSERT INTO opt_out_history (account_id, mode, number, sender, source, keyword, message_id, \
    reason, at, is_out) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const OF_OWNER: &str = "opt_outs o INDEXED BY opt_outs_of WHERE o.account_id = ?1 AND o.mode = ?2 AND o.id < ?3 \
    AND ?4 IS ?4 ORDER BY o.id DESC";
/// A handset has an opt-out for each sender at most, which are sorted.
const OF_NUMBER: &str = "opt_outs o INDEXED BY opt_outs_name WHERE o.number = ?4 AND o.account_id = ?1 AND o.mode = ?2 \
    AND o.id < ?3 ORDER BY o.id DESC";
const LINES: &str = "opt_out_history o INDEXED BY opt_out_history_of WHERE o.number = ?1 AND o.account_id = ?2 \
    AND o.mode = ?3 AND o.id > ?4 ORDER BY o.id LIMIT ?5";

/// Every statement of this file but [`OF_NUMBER`].
#[cfg(test)]
pub(super) fn maintenance() -> Vec<String> {
    let lists = [ALL.trim_start_matches("FROM "), OF_OWNER].map(|listed| format!("SELECT {COLUMNS} FROM {listed}"));
    let lines = format!("SELECT {COLUMNS}, o.is_out FROM {LINES}");
    let plain = [FIND, IN_FORCE, INSERT, UPDATE, DELETE, INSERT_LINE];
    plain.into_iter().map(str::to_owned).chain(lists).chain([lines]).collect()
}
