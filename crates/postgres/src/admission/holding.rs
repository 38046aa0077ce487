//! What a request holds from its beginning or its admission on, until it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use uuid::Uuid;

use super::super::core::Core;
use super::super::fault::Fault;
use super::super::unit::Unit;
use super::super::{living, rows};
use super::Payload;
use super::keys;
use ledger::StoreError;
use ledger::contract::admission::Admission;
use ledger::contract::nodes::Epoch;
use ledger::contract::requests::RequestKey;

/// How long the store waits until it tries again to free a key.
pub(crate) const AGAIN: Duration = Duration::from_millis(200);

/// The key that a request may hold from its beginning or its admission on. It is free again when the last [`Holding`]
/// of the call is dropped and none was kept: the request is not admitted, nobody knows whether it is, or its caller is
/// gone.
#[derive(Clone)]
pub(crate) struct Holding(Option<Arc<Undo>>);

struct Undo {
    core: Arc<Core>,
    node: Epoch,
    key: RequestKey,
    by: By,
    is_kept: AtomicBool,
}

/// By which call a request may hold its key.
#[derive(Clone, Copy)]
enum By {
    /// Its beginning, which has this number.
    Beginning(i64),
    /// Its admission, which would make this. It may have begun before.
    Admission { made: Uuid, begun: bool },
}

impl Holding {
    /// The key of a request that is about to begin.
    pub(crate) fn of_beginning(core: &Arc<Core>, node: Epoch, key: &RequestKey, number: i64) -> Self {
        Self::by(By::Beginning(number), core, node, key.clone())
    }

    /// The key of a request that is about to be admitted, where its answer is awaited.
    pub(super) fn of<P: Payload>(core: &Arc<Core>, admission: &Admission<P>) -> Self {
        let Some(claim) = admission.idempotency.as_ref().filter(|claim| claim.awaited) else { return Self(None) };
        let made = admission.payload.made();
        let by = By::Admission { made: rows::id(made.id), begun: claim.begun };
        Self::by(by, core, admission.node, claim.of(made.owner))
    }

    fn by(by: By, core: &Arc<Core>, node: Epoch, key: RequestKey) -> Self {
        Self(Some(Arc::new(Undo { core: Arc::clone(core), node, key, by, is_kept: AtomicBool::new(false) })))
    }

    /// There is nothing to undo: it is held until the request ends, or is not held.
    pub(crate) fn keep(&self) {
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
    let Undo { core, node, key, by, .. } = undo;
    loop {
        let input = (node, key.clone(), by);
        let freed = core.write(input, |unit, (node, key, by)| Box::pin(free_now(unit, *node, key, *by))).await;
        match freed {
            Err(StoreError::Unavailable(_)) if !core.is_closed() => core.runtime.sleep(AGAIN).await,
            _ => return,
        }
    }
}

async fn free_now(unit: &Unit, node: Epoch, key: &RequestKey, by: By) -> Result<(), Fault> {
    living::require(unit, node).await?;
    let name = keys::name_of_key(key);
    match by {
        By::Beginning(number) => keys::give_back(unit, name, node, number).await,
        By::Admission { made, begun } => keys::let_go_if_held(unit, name, node, made, begun).await,
    }
}
