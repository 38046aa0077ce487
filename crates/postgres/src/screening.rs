//! Decisions of the compliance screen, for review.

mod bound;
mod page;
mod write;

use async_trait::async_trait;
use model::{ScreeningId, ScreeningRecord, ScreeningReview, Timestamp};
use uuid::Uuid;

use super::Postgres;
use super::fault::Fault;
use super::rows;
use super::unit::Unit;
use ledger::StoreError;
use ledger::contract::screening::{Screening, ScreeningFilter};

pub(super) use write::{insert, insert_if_new};

#[async_trait]
impl Screening for Postgres {
    async fn record_screening(&self, record: ScreeningRecord) -> Result<(), StoreError> {
        self.core.write(record, |unit, record| Box::pin(insert(unit, record))).await
    }

    async fn screening_log(
        &self,
        filter: ScreeningFilter,
        after: Option<ScreeningId>,
        limit: usize,
    ) -> Result<Vec<ScreeningRecord>, StoreError> {
        self.core
            .read((filter, after, limit), |unit, (filter, after, limit)| {
                Box::pin(page::page(unit, *filter, *after, *limit))
            })
            .await
    }

    async fn screening_record(&self, id: ScreeningId) -> Result<Option<ScreeningRecord>, StoreError> {
        self.core.read(id, |unit, id| Box::pin(page::one(unit, *id))).await
    }

    async fn review_screening(&self, ids: Vec<ScreeningId>, review: ScreeningReview) -> Result<usize, StoreError> {
        let ids: Vec<Uuid> = ids.into_iter().map(|id| rows::id(id.to_bytes())).collect();
        self.core.write((ids, review), |unit, (ids, given)| Box::pin(review_all(unit, ids, given))).await
    }

    async fn forget_screening(&self, before: Timestamp, limit: usize) -> Result<u64, StoreError> {
        self.core.write((before, limit), |unit, (before, limit)| Box::pin(forget(unit, *before, *limit))).await
    }
}

const LOCK: &str = "SELECT id FROM screening_log WHERE id = ANY($1) ORDER BY id FOR UPDATE";
const REVIEW: &str = "UPDATE screening_log SET reviewed_at = $2, correct = $3, review_note = $4 WHERE id = ANY($1)";

/// Those who judge the same decisions at the same time lock them in the same order.
async fn review_all(unit: &Unit, ids: &[Uuid], review: &ScreeningReview) -> Result<usize, Fault> {
    let locked = unit.query(LOCK, &[&ids]).await?;
    let ids: Vec<Uuid> = locked.iter().map(|row| rows::get(row, 0)).collect::<Result<_, _>>()?;
    let note = review.note.as_deref().map(rows::kept);
    unit.execute(REVIEW, &[&ids, &review.at.as_millis(), &review.is_correct, &note]).await?;
    Ok(ids.len())
}

/// What another transaction has locked is left to the next call.
const FORGET: &str = "DELETE FROM screening_log WHERE id = ANY(ARRAY(SELECT id FROM screening_log WHERE id < $1 \
    ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED))";

async fn forget(unit: &Unit, before: Timestamp, limit: usize) -> Result<u64, Fault> {
    let before = rows::id(ScreeningId::lowest_at(before).to_bytes());
    unit.execute(FORGET, &[&before, &i64::try_from(limit).unwrap_or(i64::MAX)]).await
}
