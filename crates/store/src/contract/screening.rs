//! Decisions of the compliance screen, for review.

use async_trait::async_trait;
use model::{
    AccountId, Mode, ScreeningCertainty, ScreeningId, ScreeningOutcome, ScreeningRecord, ScreeningReview, Timestamp,
};

use super::StoreError;

/// Which decisions a list shows. `None` does not narrow it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScreeningFilter {
    /// On texts of this account.
    pub account: Option<AccountId>,
    /// On texts of keys of this mode.
    pub mode: Option<Mode>,
    /// With this outcome.
    pub outcome: Option<ScreeningOutcome>,
    /// Of this certainty.
    pub certainty: Option<ScreeningCertainty>,
    /// That an operator reviewed, or that nobody reviewed yet.
    pub reviewed: Option<bool>,
}

/// The log of the screen. What was flagged is recorded with the message or broadcast that it became, and what was found
/// in the text of a scheduled message at its time to leave with the end of its wait, each in the same transaction.
#[async_trait]
pub trait Screening: Send + Sync {
    /// Records a decision. A second time changes nothing.
    async fn record_screening(&self, record: ScreeningRecord) -> Result<(), StoreError>;

    /// Decisions, newest first: those made before `after`, at most `limit`.
    async fn screening_log(
        &self,
        filter: ScreeningFilter,
        after: Option<ScreeningId>,
        limit: usize,
    ) -> Result<Vec<ScreeningRecord>, StoreError>;

    /// One decision; `None` for an unknown one.
    async fn screening_record(&self, id: ScreeningId) -> Result<Option<ScreeningRecord>, StoreError>;

    /// Notes an operator's judgement on those of these decisions that are still kept, in place of an earlier one.
    /// Returns how many they were.
    async fn review_screening(&self, ids: Vec<ScreeningId>, review: ScreeningReview) -> Result<usize, StoreError>;

    /// Forgets decisions made before `before`, at most `limit` of them. Returns how many.
    async fn forget_screening(&self, before: Timestamp, limit: usize) -> Result<u64, StoreError>;
}
