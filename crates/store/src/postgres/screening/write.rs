//! Decisions to rows.

use std::collections::BTreeMap;

use model::{Owner, ScreeningId, ScreeningRecord};

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;
use super::bound;
use crate::screened;

const INSERT: &str = "INSERT INTO screening_log (id, account_id, test, at, outcome, certainty, about, originator, \
    categories, findings, body) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::bigint[], $5::text[], \
    $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[]) ON CONFLICT DO NOTHING RETURNING id";

/// Writes a decision, alone or with what it is about.
pub(in super::super) async fn insert(unit: &Unit, record: &ScreeningRecord) -> Result<(), Fault> {
    insert_all(unit, &[record]).await
}

/// Writes decisions. Known ones are left as they are.
pub(in super::super) async fn insert_all(unit: &Unit, records: &[&ScreeningRecord]) -> Result<(), Fault> {
    if records.is_empty() {
        return Ok(());
    }
    macro_rules! column {
        ($record:ident => $value:expr) => {
            &records.iter().map(|$record| $value).collect::<Vec<_>>()
        };
    }
    let added = unit
        .query(
            INSERT,
            &[
                column!(record => rows::id(record.id.to_bytes())),
                column!(record => rows::id(record.account.to_bytes())),
                column!(record => rows::is_test(record.mode)),
                column!(record => record.at.as_millis()),
                column!(record => record.outcome.as_str()),
                column!(record => record.certainty.as_str()),
                column!(record => screened::about_text(record.about)),
                column!(record => rows::address(record.originator)),
                column!(record => screened::categories_text(&record.categories)),
                column!(record => rows::kept(&record.findings)),
                column!(record => rows::kept(&record.body)),
            ],
        )
        .await?;
    let owner = |record: &&ScreeningRecord| (record.id, Owner { account: record.account, mode: record.mode });
    let owners: BTreeMap<ScreeningId, Owner> = records.iter().map(owner).collect();
    let mut looked_at = Vec::new();
    for row in added {
        let id = ScreeningId::from_bytes(rows::octets(&row, 0)?);
        looked_at.extend(owners.get(&id).map(|owner| (id, *owner)));
    }
    bound::apply(unit, looked_at.into_iter()).await
}
