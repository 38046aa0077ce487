//! A restored store that is held: nothing leaves before an operator releases it.
//!
//! Dispatching, the expansion of broadcasts, the sweep, webhooks, and every connection to a carrier wait. Requests for
//! new messages are refused. The hold is in the store; each node looks there until it is released.

use std::sync::Arc;
use std::time::Duration;

use model::error::{ErrorCode, Refusal};
use store::contract::holds::Hold;
use store::{Store, StoreError};
use tokio::sync::watch;

/// The `Retry-After` for clients.
const AGAIN: Duration = Duration::from_secs(60);

/// Whether the store is held, as far as this process knows.
#[derive(Debug)]
pub(crate) struct Holding(watch::Sender<Option<Hold>>);

impl Holding {
    /// As the store says.
    ///
    /// # Errors
    /// The errors of the store.
    pub(crate) async fn of(store: &dyn Store) -> Result<Arc<Self>, StoreError> {
        Ok(Arc::new(Self(watch::Sender::new(store.held().await?))))
    }

    /// The hold of the store; `None` if it is not held.
    pub(crate) fn get(&self) -> Option<Hold> {
        *self.0.borrow()
    }

    /// Resolves when the store is not held.
    pub(crate) async fn released(&self) {
        // The sender lives in `self`.
        let _ = self.0.subscribe().wait_for(Option::is_none).await;
    }

    /// Looks into the store. A store that is not held is never held again while it is open.
    ///
    /// # Errors
    /// The errors of the store.
    pub(crate) async fn look(&self, store: &dyn Store) -> Result<(), StoreError> {
        if self.get().is_some() && store.held().await?.is_none() {
            self.0.send_replace(None);
            tracing::info!("The store is released: waiting messages are sent");
        }
        Ok(())
    }
}

/// The refusal of a request for new messages.
pub(crate) fn refused() -> Refusal {
    Refusal::new(ErrorCode::ServiceUnavailable).with_retry_after(AGAIN).caused_by("the store was restored and is held")
}

/// Work that begins when the store is not held, and not at all if draining begins before.
pub(crate) async fn once_released(
    holding: Arc<Holding>,
    mut stopped: watch::Receiver<bool>,
    work: impl Future<Output = ()>,
) {
    let is_released = holding.get().is_none()
        || tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => false,
            () = holding.released() => true,
        };
    if is_released {
        work.await;
    }
}
