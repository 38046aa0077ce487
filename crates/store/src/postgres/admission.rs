//! Admission: one transaction for what a request brings in, whether that is a message or a broadcast.

mod message_rows;

use std::sync::Arc;

use model::{Broadcast, Message, Owner};

pub(super) use self::message_rows::insert_messages;
use super::core::Core;
use super::fault::Fault;
use super::unit::Unit;
use super::{living, rows};
use crate::StoreError;
use crate::contract::admission::{Admission, Admitted, Earlier, IdempotencyClaim, NewBroadcast, NewMessage};

/// Admits a message.
pub(super) async fn admit_message(
    core: &Arc<Core>,
    admission: Admission<NewMessage>,
) -> Result<Admitted<Message>, StoreError> {
    core.make_room([rows::id(admission.payload.message.id.to_bytes())]).await.map_err(Fault::told)?;
    core.write(admission, |unit, admission| Box::pin(admit(unit, admission))).await
}

async fn admit(unit: &mut Unit, admission: &Admission<NewMessage>) -> Result<Admitted<Message>, Fault> {
    living::require(unit, admission.node).await?;
    insert_messages(unit, &[&admission.payload]).await?;
    Ok(Admitted::New)
}

/// What a repeat of a request for a message is answered.
pub(super) async fn replay_message(
    _: &Arc<Core>,
    _: Owner,
    _: &IdempotencyClaim,
) -> Result<Option<Earlier<Message>>, StoreError> {
    Err(StoreError::Unavailable("to be written".to_owned()))
}

/// Admits a broadcast.
pub(super) async fn admit_broadcast(
    _: &Arc<Core>,
    _: Admission<NewBroadcast>,
) -> Result<Admitted<Broadcast>, StoreError> {
    Err(StoreError::Unavailable("to be written".to_owned()))
}

/// What a repeat of a request for a broadcast is answered.
pub(super) async fn replay_broadcast(
    _: &Arc<Core>,
    _: Owner,
    _: &IdempotencyClaim,
) -> Result<Option<Earlier<Broadcast>>, StoreError> {
    Err(StoreError::Unavailable("to be written".to_owned()))
}
