//! Reading the list and its history.

use model::{MessageId, Msisdn, OptOut, OptOutChange, OptOutName, OptOutSource, Originator, Owner};
use tokio_postgres::Row;

use crate::fault::Fault;
use crate::rows;
use crate::unit::Unit;
use ledger::contract::optouts::{HistoryPage, OptOutCursor, OptOutFilter, OptOutPage};

/// How many opt-outs are read at once into memory.
const BATCH: i64 = 2_000;

/// How many rows a page looks at.
const ROWS_PER_PAGE: usize = 5_000;

/// The columns of an opt-out, for [`opt_out`].
const COLUMNS: &str =
    "o.account_id, o.test, o.number, o.sender, o.source, o.keyword, o.message_id, o.reason, o.at, o.id";

const ALL: &str = "opt_outs o WHERE o.id > $1 ORDER BY o.id LIMIT $2";
const OF_OWNER: &str = "opt_outs o WHERE o.account_id = $1 AND o.test = $2 AND o.id < $3 ORDER BY o.id DESC LIMIT $4";
const OF_NUMBER: &str = "opt_outs o WHERE o.account_id = $1 AND o.test = $2 AND o.id < $3 AND o.number = $5 \
    ORDER BY o.id DESC LIMIT $4";
const LINES: &str = "opt_out_history o WHERE o.number = $1 AND o.account_id = $2 AND o.test = $3 AND o.id > $4 \
    ORDER BY o.id LIMIT $5";

/// Opt-outs of all owners behind a place in the list, with their places.
pub(super) async fn batch(unit: &Unit, after: i64) -> Result<Vec<(OptOut, i64)>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM {ALL}");
    unit.query(&sql, &[&after, &BATCH]).await?.iter().map(|row| Ok((opt_out(row)?, rows::get(row, 9)?))).collect()
}

/// A page of an owner's opt-outs.
pub(super) async fn page(
    unit: &Unit,
    owner: Owner,
    filter: &OptOutFilter,
    after: Option<OptOutCursor>,
    limit: usize,
) -> Result<OptOutPage, Fault> {
    let mut page = OptOutPage { opt_outs: Vec::new(), next: None };
    if limit == 0 {
        return Ok(OptOutPage { next: after, ..page });
    }
    let is_timed = filter.since.is_some() || filter.before.is_some();
    let most = if is_timed { ROWS_PER_PAGE.max(limit) } else { limit };
    let below = after.map_or(i64::MAX, |cursor| cursor.0);
    let (mut looked, mut last) = (0, below);
    for row in rows_of(unit, owner, filter.number, below, most + 1).await? {
        if page.opt_outs.len() == limit || looked == most {
            page.next = Some(OptOutCursor(last));
            break;
        }
        looked += 1;
        last = rows::get(&row, 9)?;
        let opt_out = opt_out(&row)?;
        let is_in_time = filter.since.is_none_or(|since| since <= opt_out.created_at)
            && filter.before.is_none_or(|before| opt_out.created_at < before);
        page.opt_outs.extend(is_in_time.then_some(opt_out));
    }
    Ok(page)
}

/// At most so many rows of an owner's opt-outs, of one handset or of all, the newest first.
async fn rows_of(
    unit: &Unit,
    owner: Owner,
    number: Option<Msisdn>,
    below: i64,
    most: usize,
) -> Result<Vec<Row>, Fault> {
    let (account, is_test) = (rows::id(owner.account.to_bytes()), rows::is_test(owner.mode));
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let Some(number) = number else {
        let sql = format!("SELECT {COLUMNS} FROM {OF_OWNER}");
        return unit.query(&sql, &[&account, &is_test, &below, &most]).await;
    };
    let sql = format!("SELECT {COLUMNS} FROM {OF_NUMBER}");
    unit.query(&sql, &[&account, &is_test, &below, &most, &number.to_u64().cast_signed()]).await
}

/// A page of the history of a handset at an owner.
pub(super) async fn history(
    unit: &Unit,
    owner: Owner,
    number: Msisdn,
    after: Option<OptOutCursor>,
    limit: usize,
) -> Result<HistoryPage, Fault> {
    let sql = format!("SELECT {COLUMNS}, o.is_out FROM {LINES}");
    let (account, is_test) = (rows::id(owner.account.to_bytes()), rows::is_test(owner.mode));
    let (number, from) = (number.to_u64().cast_signed(), after.map_or(0, |cursor| cursor.0));
    let most = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let found = unit.query(&sql, &[&number, &account, &is_test, &from, &most]).await?;
    let read =
        |row: &Row| Ok((rows::get(row, 9)?, OptOutChange { is_out: rows::get(row, 10)?, opt_out: opt_out(row)? }));
    let mut lines: Vec<(i64, OptOutChange)> = found.iter().map(read).collect::<Result<_, Fault>>()?;
    let is_whole = lines.len() <= limit;
    lines.truncate(limit);
    let next = if is_whole { None } else { lines.last().map(|(id, _)| OptOutCursor(*id)).or(after) };
    Ok(HistoryPage { changes: lines.into_iter().map(|(_, line)| line).collect(), next })
}

/// An opt-out, or a line of its history, from the columns of [`COLUMNS`].
fn opt_out(row: &Row) -> Result<OptOut, Fault> {
    Ok(OptOut {
        name: name(row)?,
        source: rows::word(row, 4, OptOutSource::parse)?,
        keyword: rows::text_if_any(row, 5)?.map(Into::into),
        message: rows::octets_if_any(row, 6)?.map(MessageId::from_bytes),
        reason: rows::text_if_any(row, 7)?.map(Into::into),
        created_at: rows::time(row, 8)?,
    })
}

/// The name of an opt-out, from the first columns of [`COLUMNS`].
pub(super) fn name(row: &Row) -> Result<OptOutName, Fault> {
    let number: i64 = rows::get(row, 2)?;
    let number = Msisdn::from_u64(number.cast_unsigned()).ok_or_else(|| rows::unknown(2, &number.to_string()))?;
    Ok(OptOutName { owner: rows::owner(row, 0)?, number, from: sender(row, 3)? })
}

fn sender(row: &Row, at: usize) -> Result<Option<Originator>, Fault> {
    match rows::get(row, at)? {
        "" => Ok(None),
        _ => rows::originator(row, at).map(Some),
    }
}
