//! Messages that their clients or the operator take back.

use std::sync::Arc;

use model::error::{AdditionalInfo, ErrorCode, Refusal};
use model::{MessageId, MessageRecord, Owner, Status};

use super::Pipeline;
use crate::refusal::refused_by_store;

impl Pipeline {
    /// Takes back a message of this owner (of any when `None`) that waits, and returns it as it is now. A message that
    /// was taken back before is no error.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an unknown message, [`ErrorCode::TooLateToCancel`] for one that has ended or of
    /// which something may have left, and others where the store could not take it.
    pub async fn cancel_message(
        self: &Arc<Self>,
        owner: Option<Owner>,
        id: MessageId,
    ) -> Result<MessageRecord, Refusal> {
        let pipeline = Arc::clone(self);
        let canceled = self.to_the_end(Box::pin(async move {
            pipeline.store.cancel_message(owner, id, pipeline.runtime.now()).await.map_err(refused_by_store)
        }));
        let record = canceled.await?.ok_or(ErrorCode::NotFound)?;
        let status = record.delivery.status;
        if status == Status::Canceled {
            return Ok(record);
        }
        Err(Refusal::new(ErrorCode::TooLateToCancel).with_info(AdditionalInfo::Status(status.as_str())))
    }
}
