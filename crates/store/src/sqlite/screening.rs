//! Decisions of the compliance screen, for review.

use async_trait::async_trait;
use model::{
    AccountId, Mode, Owner, ScreeningCertainty, ScreeningId, ScreeningOutcome, ScreeningRecord, ScreeningReview,
    Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::rows;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::screening::{Screening, ScreeningFilter};
use ledger::screened;
use ledger::turns::{Reader, Work};

#[async_trait]
impl Screening for Sqlite {
    async fn record_screening(&self, screening: ScreeningRecord) -> Result<(), StoreError> {
        self.writer.write(move |group: &mut Group| Ok(insert_screening(group, &screening)?)).await
    }

    async fn screening_log(
        &self,
        filter: ScreeningFilter,
        after: Option<ScreeningId>,
        limit: usize,
    ) -> Result<Vec<ScreeningRecord>, StoreError> {
        self.readers
            .read_for(Reader::Operator, Work::Page, move |connection| page(connection, filter, after, limit))
            .await
    }

    async fn screening_record(&self, id: ScreeningId) -> Result<Option<ScreeningRecord>, StoreError> {
        let find = move |connection: &Connection| {
            connection.prepare_cached(ONE)?.query_row([id.to_bytes()], record).optional()
        };
        self.readers.read_for(Reader::Operator, Work::Page, find).await
    }

    async fn review_screening(&self, ids: Vec<ScreeningId>, review: ScreeningReview) -> Result<usize, StoreError> {
        let write = move |group: &mut Group| {
            let mut mark = group.connection.prepare_cached(REVIEW)?;
            let (at, is_correct) = (review.at.as_millis(), review.is_correct);
            let mut marked = 0;
            for id in &ids {
                marked += mark.execute(params![id.to_bytes(), at, is_correct, review.note])?;
            }
            Ok(marked)
        };
        self.writer.write(write).await
    }

    async fn forget_screening(&self, before: Timestamp, limit: usize) -> Result<u64, StoreError> {
        let write = move |group: &mut Group| {
            let forgotten = group
                .connection
                .prepare_cached(FORGET)?
                .execute(params![ScreeningId::lowest_at(before).to_bytes(), limit])? as u64;
            if forgotten > 0 {
                group.screened.clear();
            }
            Ok(forgotten)
        };
        self.writer.write(write).await
    }
}

const FORGET: &str =
    "DELETE FROM screening_log WHERE id IN (SELECT id FROM screening_log WHERE id < ?1 ORDER BY id LIMIT ?2)";

const REVIEW: &str = "UPDATE screening_log SET reviewed_at = ?2, correct = ?3, review_note = ?4 WHERE id = ?1";

/// Every statement of this file that maintenance runs, and those of the pages, which must not read more than they show
/// either.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] = &[
    FORGET,
    FORGET_OLDEST,
    REVIEW,
    REVIEWED,
    IS_KNOWN,
    ONE,
    page_of(false, false),
    page_of(true, false),
    page_of(false, true),
    page_of(true, true),
];

/// Writes a decision, alone or with what it is about.
pub(super) fn insert_screening(group: &mut Group, record: &ScreeningRecord) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO screening_log (id, account_id, mode, at, outcome, about, originator, categories, \
               findings, body, certainty) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let inserted = group.connection.prepare_cached(sql)?.execute(params![
        record.id.to_bytes(),
        record.account.to_bytes(),
        record.mode.as_str(),
        record.at.as_millis(),
        record.outcome.as_str(),
        screened::about_text(record.about),
        rows::text(record.originator),
        screened::categories_text(&record.categories),
        record.findings,
        record.body,
        record.certainty.as_str(),
    ])?;
    if inserted > 0 { bound(group, Owner { account: record.account, mode: record.mode }) } else { Ok(()) }
}

const IS_KNOWN: &str = "SELECT 1 FROM screening_log INDEXED BY screening_log_about WHERE about = ?1 AND about <> '' \
    AND outcome = ?2 AND categories = ?3";

/// Writes a decision about a message, unless the log has one about it with the same outcome and the same categories.
/// Says whether it did.
pub(super) fn insert_if_new(group: &mut Group, record: &ScreeningRecord) -> rusqlite::Result<bool> {
    let (about, outcome) = (screened::about_text(record.about), record.outcome.as_str());
    let categories = screened::categories_text(&record.categories);
    if group.connection.prepare_cached(IS_KNOWN)?.exists(params![about, outcome, categories])? {
        return Ok(false);
    }
    insert_screening(group, record)?;
    Ok(true)
}

/// Owners of which it is remembered how many decisions are kept.
const REMEMBERED_MAX: usize = 10_000;

/// Removes the oldest decisions on an owner's texts when one has been added to as many as may be kept: an account that
/// is refused all day fills no disk, and test keys push out no decision on a live text.
fn bound(group: &mut Group, owner: Owner) -> rusqlite::Result<()> {
    let most = group.bounds.screened_max;
    let (connection, account, mode) = (&group.connection, owner.account.to_bytes(), owner.mode.as_str());
    let mut count = match group.screened.get(&owner) {
        Some(count) => count + 1,
        None => connection.prepare_cached(COUNT)?.query_row(params![account, mode, most + 1], |row| row.get(0))?,
    };
    if count > most {
        count -= connection.prepare_cached(FORGET_OLDEST)?.execute(params![account, mode, 2])? as u64;
    }
    if group.screened.len() >= REMEMBERED_MAX {
        group.screened.clear();
    }
    group.screened.insert(owner, count);
    Ok(())
}

const COUNT: &str = "SELECT count(*) FROM (SELECT 1 FROM screening_log INDEXED BY screening_log_of WHERE account_id = \
    ?1 AND mode = ?2 LIMIT ?3)";
const FORGET_OLDEST: &str = "DELETE FROM screening_log WHERE id IN \
    (SELECT id FROM screening_log INDEXED BY screening_log_of WHERE account_id = ?1 AND mode = ?2 ORDER BY id \
    LIMIT ?3)";

/// A page. Each combination of the other filters has an index in which the mode comes just before the id, so that it
/// looks at no more rows than it shows: of both modes, where none is asked for. The indexes with the outcome have the
/// certainty as well, so that a filter of one of the two merges both values of the other. Reviewed decisions are few,
/// and have an index that they share; where the others are asked for, reviewed ones are passed.
fn page(
    connection: &Connection,
    filter: ScreeningFilter,
    after: Option<ScreeningId>,
    limit: usize,
) -> rusqlite::Result<Vec<ScreeningRecord>> {
    let after = after.map_or([0xFF; 16], ScreeningId::to_bytes);
    let account = filter.account.map(AccountId::to_bytes);
    let (modes, kinds) = (screened::modes(&filter), screened::kinds(&filter));
    let mut found = Vec::new();
    for (mode, kind) in modes.into_iter().flat_map(|mode| kinds.iter().map(move |kind| (mode, kind))) {
        let (outcome, certainty) = kind.unzip();
        let values = params![account, outcome, mode.as_str(), after, limit, certainty, filter.reviewed];
        let statement = match filter.reviewed {
            Some(true) => REVIEWED,
            _ => page_of(account.is_some(), outcome.is_some()),
        };
        let mut select = connection.prepare_cached(statement)?;
        found.extend(select.query_map(values, record)?.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    found.sort_unstable_by_key(|record| std::cmp::Reverse(record.id));
    found.truncate(limit);
    Ok(found)
}

macro_rules! select {
    ($($rest:literal),*) => {
        concat!(
            "SELECT id, account_id, mode, at, outcome, about, originator, categories, findings, body, reviewed_at, \
             correct, review_note, certainty FROM screening_log ",
            $($rest),*
        )
    };
}

macro_rules! page_where {
    ($wanted:literal) => {
        select!($wanted, " AND mode = ?3 AND id < ?4 AND (?7 IS NULL OR reviewed_at IS NULL) ORDER BY id DESC LIMIT ?5")
    };
}

const ONE: &str = select!("WHERE id = ?1");

const REVIEWED: &str = select!(
    "INDEXED BY screening_log_reviewed WHERE reviewed_at IS NOT NULL AND ?7 AND (?1 IS NULL OR account_id = ?1) AND \
     (?2 IS NULL OR outcome = ?2) AND (?6 IS NULL OR certainty = ?6) AND mode = ?3 AND id < ?4 ORDER BY id DESC \
     LIMIT ?5"
);

/// The statement for a filter of the account, of outcome and certainty, of all or of none.
const fn page_of(account: bool, outcome: bool) -> &'static str {
    match (account, outcome) {
        (false, false) => page_where!("INDEXED BY screening_log_in WHERE ?1 IS ?2 AND ?6 IS NULL"),
        (true, false) => page_where!("INDEXED BY screening_log_of WHERE account_id = ?1 AND ?2 IS ?6"),
        (false, true) => {
            page_where!("INDEXED BY screening_log_with WHERE outcome = ?2 AND certainty = ?6 AND ?1 IS NULL")
        }
        (true, true) => {
            page_where!("INDEXED BY screening_log_of_with WHERE account_id = ?1 AND outcome = ?2 AND certainty = ?6")
        }
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<ScreeningRecord> {
    let categories: String = row.get(7)?;
    Ok(ScreeningRecord {
        id: ScreeningId::from_bytes(row.get(0)?),
        account: AccountId::from_bytes(row.get(1)?),
        mode: rows::word(row, 2, Mode::parse)?,
        at: rows::time(row, 3)?,
        outcome: rows::word(row, 4, ScreeningOutcome::parse)?,
        about: rows::word(row, 5, screened::about)?,
        originator: rows::originator(row, 6)?,
        categories: screened::categories(&categories),
        findings: row.get(8)?,
        body: row.get(9)?,
        review: review(row)?,
        certainty: rows::word(row, 13, ScreeningCertainty::parse)?,
    })
}

fn review(row: &Row<'_>) -> rusqlite::Result<Option<ScreeningReview>> {
    let Some(at) = rows::time_if_any(row, 10)? else { return Ok(None) };
    Ok(Some(ScreeningReview { at, is_correct: row.get(11)?, note: row.get(12)? }))
}
