//! Decisions of the compliance screen, for review.

use async_trait::async_trait;
use model::{
    AccountId, Mode, ScreeningCertainty, ScreeningId, ScreeningOutcome, ScreeningRecord, ScreeningReview, Timestamp,
};

use super::StoreError;

/// The filter of a list of decisions. A field that is `None` does not filter.
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
    /// With a review, or without one.
    pub reviewed: Option<bool>,
}

/// The log of the screen. A flagged text is recorded with its message or broadcast, and a finding in the text of a
/// scheduled message at its time to leave with the end of its wait, each in the same transaction.
#[async_trait]
pub trait Screening: Send + Sync {
    /// Records a decision. A second call changes nothing.
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

    /// Records an operator's review of those of these decisions that are still kept; replaces an earlier one. Returns
    /// their number.
    async fn review_screening(&self, ids: Vec<ScreeningId>, review: ScreeningReview) -> Result<usize, StoreError>;

    /// Removes decisions from before `before`: at most `limit`. Returns their number.
    async fn forget_screening(&self, before: Timestamp, limit: usize) -> Result<u64, StoreError>;
}
