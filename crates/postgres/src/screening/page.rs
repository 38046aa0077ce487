//! Decisions from rows.

use std::sync::Arc;

use model::{AccountId, ScreeningCertainty, ScreeningId, ScreeningOutcome, ScreeningRecord, ScreeningReview};
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;
use ledger::contract::screening::ScreeningFilter;
use ledger::screened;

/// The columns of a decision, for [`record`].
const COLUMNS: &str = "id, account_id, test, at, outcome, about, originator, categories, findings, body, reviewed_at, \
    correct, review_note, certainty";

/// Those that were reviewed are few, and have an index that they share.
const REVIEWED: &str = "reviewed_at IS NOT NULL AND ($1::uuid IS NULL OR account_id = $1) \
    AND ($2::text IS NULL OR outcome = $2) AND ($3::text IS NULL OR certainty = $3) \
    AND ($4::boolean IS NULL OR test = $4) AND id < $5 ORDER BY id DESC LIMIT $6";

/// One decision.
pub(super) async fn one(unit: &Unit, id: ScreeningId) -> Result<Option<ScreeningRecord>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM screening_log WHERE id = $1");
    unit.find(&sql, &[&rows::id(id.to_bytes())]).await?.as_ref().map(record).transpose()
}

/// A page, newest first.
pub(super) async fn page(
    unit: &Unit,
    filter: ScreeningFilter,
    after: Option<ScreeningId>,
    limit: usize,
) -> Result<Vec<ScreeningRecord>, Fault> {
    let after = after.map_or(Uuid::max(), |id| rows::id(id.to_bytes()));
    let account = filter.account.map(|id| rows::id(id.to_bytes()));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = if filter.reviewed == Some(true) {
        let outcome = filter.outcome.map(ScreeningOutcome::as_str);
        let certainty = filter.certainty.map(ScreeningCertainty::as_str);
        let sql = format!("SELECT {COLUMNS} FROM screening_log WHERE {REVIEWED}");
        let test = filter.mode.map(rows::is_test);
        unit.query(&sql, &[&account, &outcome, &certainty, &test, &after, &limit]).await?
    } else {
        let (tests, outcomes, certainties) = lines(&filter);
        let sql = page_of(account.is_some(), outcomes.iter().any(Option::is_some), filter.reviewed.is_some());
        unit.query(&sql, &[&account, &tests, &outcomes, &certainties, &after, &limit]).await?
    };
    found.iter().map(record).collect()
}

type Lines = (Vec<bool>, Vec<Option<&'static str>>, Vec<Option<&'static str>>);

/// The lines that a filter asks for: each a mode, and perhaps an outcome and a certainty.
fn lines(filter: &ScreeningFilter) -> Lines {
    let kinds = screened::kinds(filter);
    let (mut tests, mut outcomes, mut certainties) = Lines::default();
    for mode in screened::modes(filter) {
        for kind in &kinds {
            let (outcome, certainty) = kind.unzip();
            tests.push(rows::is_test(mode));
            outcomes.push(outcome);
            certainties.push(certainty);
        }
    }
    (tests, outcomes, certainties)
}

/// The statement for a page of lines. Each line is the end of an index, in which the mode comes just before the id, so
/// that no more rows are looked at than are shown. Of those that nobody reviewed, reviewed ones are passed.
fn page_of(account: bool, kind: bool, unreviewed: bool) -> String {
    // A parameter has a type although nothing is compared with it.
    let account = if account { "account_id = $1" } else { "$1::uuid IS NULL" };
    let kind = if kind { "AND outcome = line.outcome AND certainty = line.certainty" } else { "" };
    let unreviewed = if unreviewed { "AND reviewed_at IS NULL" } else { "" };
    format!(
        "SELECT found.* FROM unnest($2::boolean[], $3::text[], $4::text[]) AS line(test, outcome, certainty) \
         CROSS JOIN LATERAL (SELECT {COLUMNS} FROM screening_log WHERE {account} {kind} AND test = line.test \
         {unreviewed} AND id < $5 ORDER BY id DESC LIMIT $6) AS found ORDER BY found.id DESC LIMIT $6"
    )
}

fn record(row: &Row) -> Result<ScreeningRecord, Fault> {
    Ok(ScreeningRecord {
        id: ScreeningId::from_bytes(rows::octets(row, 0)?),
        account: AccountId::from_bytes(rows::octets(row, 1)?),
        mode: rows::mode(row, 2)?,
        at: rows::time(row, 3)?,
        outcome: rows::word(row, 4, ScreeningOutcome::parse)?,
        about: rows::word(row, 5, screened::about)?,
        originator: rows::originator(row, 6)?,
        categories: screened::categories(rows::get(row, 7)?),
        findings: rows::text(row, 8)?,
        body: Arc::from(rows::text(row, 9)?),
        review: review(row)?,
        certainty: rows::word(row, 13, ScreeningCertainty::parse)?,
    })
}

fn review(row: &Row) -> Result<Option<ScreeningReview>, Fault> {
    let Some(at) = rows::time_if_any(row, 10)? else { return Ok(None) };
    Ok(Some(ScreeningReview { at, is_correct: rows::get(row, 11)?, note: rows::text_if_any(row, 12)? }))
}
