//! Decisions to rows.

use model::{Owner, ScreeningRecord};

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;
use super::bound;
use ledger::screened;

const INSERT: &str = "INSERT INTO screening_log (id, account_id, test, at, outcome, certainty, about, originator, \
    categories, findings, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";

const IS_KNOWN: &str =
    "SELECT EXISTS (SELECT 1 FROM screening_log WHERE about = $1 AND outcome = $2 AND categories = $3)";

/// Writes a decision about a message that this transaction has locked, unless the log has one about it with the same
/// outcome and the same categories. Says whether it did.
pub(crate) async fn insert_if_new(unit: &Unit, record: &ScreeningRecord) -> Result<bool, Fault> {
    let (about, outcome) = (screened::about_text(record.about), record.outcome.as_str());
    let categories = screened::categories_text(&record.categories);
    if rows::get(&unit.one(IS_KNOWN, &[&about, &outcome, &categories]).await?, 0)? {
        return Ok(false);
    }
    insert(unit, record).await?;
    Ok(true)
}

/// Writes a decision, alone or with what it is about. A known one is left as it is.
pub(crate) async fn insert(unit: &Unit, record: &ScreeningRecord) -> Result<(), Fault> {
    let added = unit
        .execute(
            INSERT,
            &[
                &rows::id(record.id.to_bytes()),
                &rows::id(record.account.to_bytes()),
                &rows::is_test(record.mode),
                &record.at.as_millis(),
                &record.outcome.as_str(),
                &record.certainty.as_str(),
                &screened::about_text(record.about),
                &rows::address(record.originator),
                &screened::categories_text(&record.categories),
                &rows::kept(&record.findings),
                &rows::kept(&record.body),
            ],
        )
        .await?;
    let owner = Owner { account: record.account, mode: record.mode };
    if added > 0 { bound::apply(unit, record.id, owner).await } else { Ok(()) }
}
