//! Refusals that do not depend on the request: a call of the store failed, or the process ends.

use std::time::Duration;

use model::error::{ErrorCode, Refusal};
use store::StoreError;

/// The `Retry-After` after a failed call of the store.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The `Retry-After` of a process that is ending.
pub(crate) const DRAINING: Duration = Duration::from_secs(5);

/// The refusal after a failed call of the store.
pub fn refused_by_store(error: StoreError) -> Refusal {
    match error {
        // Another node takes it.
        StoreError::Unavailable(_) | StoreError::Over => {
            Refusal::new(ErrorCode::ServiceUnavailable).with_retry_after(RETRY_AFTER).caused_by(error)
        }
        StoreError::Failed(_) => Refusal::new(ErrorCode::MessageSendFailed).caused_by(error),
        StoreError::Refused(_) | StoreError::AlreadyExists | StoreError::NotFound => {
            Refusal::new(ErrorCode::UnexpectedError).caused_by(error)
        }
    }
}

/// The refusal of a request that comes while the process drains.
pub(crate) fn draining() -> Refusal {
    Refusal::new(ErrorCode::ServiceUnavailable).with_retry_after(DRAINING).caused_by("draining")
}
