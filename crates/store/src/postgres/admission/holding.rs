//! What a request holds from its admission on, until it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use uuid::Uuid;

use super::super::core::Core;
use super::super::{living, rows};
use super::Payload;
use super::keys;
use crate::StoreError;
use crate::contract::admission::Admission;
use crate::contract::nodes::Epoch;
use crate::contract::requests::RequestKey;

/// How long the store waits until it tries again to free a key.
pub(in super::super) const AGAIN: Duration = Duration::from_millis(200);

/// The key that a request may hold from its admission on. It is free again when the last [`Holding`] of the request is
/// dropped and none was kept: the request is not admitted, nobody knows whether it is, or its caller is gone.
#[derive(Clone)]
pub(super) struct Holding(Option<Arc<Undo>>);

struct Undo {
    core: Arc<Core>,
    node: Epoch,
    key: RequestKey,
    made: Uuid,
    begun: bool,
    is_kept: AtomicBool,
}

impl Holding {
    /// The key of a request that is about to be admitted, where its answer is awaited.
    pub(super) fn of<P: Payload>(core: &Arc<Core>, admission: &Admission<P>) -> Self {
        let Some(claim) = admission.idempotency.as_ref().filter(|claim| claim.awaited) else { return Self(None) };
        let made = admission.payload.made();
        Self(Some(Arc::new(Undo {
            core: Arc::clone(core),
            node: admission.node,
            key: claim.of(made.owner),
            made: rows::id(made.id),
            begun: claim.begun,
            is_kept: AtomicBool::new(false),
        })))
    }

    /// There is nothing to undo: it is held until the request ends, or is not held.
    pub(super) fn keep(&self) {
        if let Some(undo) = &self.0 {
            undo.is_kept.store(true, Ordering::Release);
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        if let Some(undo) = self.0.take().and_then(Arc::into_inner)
            && !undo.is_kept.load(Ordering::Acquire)
        {
            let runtime = Arc::clone(&undo.core.runtime);
            drop(runtime.spawn("store-key", Box::pin(free(undo))));
        }
    }
}

/// Frees the key. While that cannot be written, the store goes on trying until the epoch is over, whose keys are free.
async fn free(undo: Undo) {
    let Undo { core, node, key, made, begun, .. } = undo;
    loop {
        let freed = core
            .write((node, key.clone()), |unit, (node, key)| {
                Box::pin(async move {
                    living::require(unit, *node).await?;
                    keys::let_go(unit, &[(keys::name_of_key(key), made, begun)]).await
                })
            })
            .await;
        match freed {
            Err(StoreError::Unavailable(_)) if !core.is_closed() => core.runtime.sleep(AGAIN).await,
            _ => return,
        }
    }
}
