//! Carriers that an operator has stopped, as far as this process knows. The store keeps them for every node.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use model::{CarrierName, Timestamp};
use store::{Store, StoreError};

use crate::dispatch::Dispatchers;
use crate::hold::Holding;
use crate::route::SANDBOX;

/// The time for answers to attempts under way with a stopped carrier.
pub const STOPPED_WITHIN: Duration = Duration::from_secs(30);

/// The stopped carriers, with the time of the stop. While the store is held, all carriers are stopped.
#[derive(Debug)]
pub(crate) struct Stops {
    stopped: RwLock<BTreeMap<CarrierName, Timestamp>>,
    holding: Arc<Holding>,
}

impl Stops {
    pub(crate) fn new(holding: Arc<Holding>) -> Self {
        Self { stopped: RwLock::default(), holding }
    }

    /// Looks into the store, and stops and starts the carriers of this process as it says.
    ///
    /// # Errors
    /// The errors of the store; nothing is changed then.
    pub(crate) async fn look(&self, store: &dyn Store, dispatchers: &Dispatchers) -> Result<(), StoreError> {
        let stopped = store.stopped_carriers().await?;
        let stopped = stopped.into_iter().map(|stopped| (stopped.carrier.as_str().into(), stopped.since)).collect();
        *self.stopped.write().unwrap_or_else(PoisonError::into_inner) = stopped;
        for dispatcher in dispatchers.iter() {
            let carrier = &dispatcher.carrier;
            carrier.set_stopped(self.since(carrier.name()).is_some(), STOPPED_WITHIN);
        }
        Ok(())
    }

    /// Whether an operator has stopped a carrier.
    pub(crate) fn is_by_operator(&self, carrier: &str) -> bool {
        self.stopped.read().unwrap_or_else(PoisonError::into_inner).contains_key(carrier)
    }

    /// The time since which a carrier has been stopped, or held with the store; `None` if it is neither.
    pub(crate) fn since(&self, carrier: &str) -> Option<Timestamp> {
        let held = || self.holding.get().map(|hold| hold.since).filter(|_| carrier != SANDBOX);
        let stopped = self.stopped.read().unwrap_or_else(PoisonError::into_inner).get(carrier).copied();
        stopped.or_else(held)
    }
}
