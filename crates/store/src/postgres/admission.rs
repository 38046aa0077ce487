#![allow(unused_imports, unused_variables, dead_code)] // TODO-stub
//! To be written.

use std::sync::Arc;

use model::{Broadcast, Owner};

use super::core::Core;
use crate::StoreError;
use crate::contract::admission::{Admission, Admitted, Earlier, IdempotencyClaim, NewBroadcast};

/// Admits a broadcast.
pub(super) async fn admit_broadcast(
    core: &Arc<Core>,
    admission: Admission<NewBroadcast>,
) -> Result<Admitted<Broadcast>, StoreError> {
    Err(StoreError::Unavailable("to be written".to_owned()))
}

/// What a repeat of a request for a broadcast is answered.
pub(super) async fn replay_broadcast(
    core: &Arc<Core>,
    owner: Owner,
    claim: &IdempotencyClaim,
) -> Result<Option<Earlier<Broadcast>>, StoreError> {
    Err(StoreError::Unavailable("to be written".to_owned()))
}
