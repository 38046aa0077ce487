//! Carriers that an operator has stopped, as this process knows of them: the store says so to every node.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use model::{CarrierName, Timestamp};
use store::{Store, StoreError};

use crate::dispatch::Dispatchers;

/// How long what is under way with a carrier that is stopped may take to be answered.
pub const STOPPED_WITHIN: Duration = Duration::from_secs(30);

/// The stopped carriers, and since when.
#[derive(Debug, Default)]
pub(crate) struct Stops(RwLock<BTreeMap<CarrierName, Timestamp>>);

impl Stops {
    /// Looks into the store, and stops and starts the carriers of this process as it says.
    ///
    /// # Errors
    /// As the store; nothing is changed then.
    pub(crate) async fn look(&self, store: &dyn Store, dispatchers: &Dispatchers) -> Result<(), StoreError> {
        let stopped = store.stopped_carriers().await?;
        let stopped = stopped.into_iter().map(|stopped| (stopped.carrier.as_str().into(), stopped.since)).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = stopped;
        for dispatcher in dispatchers.iter() {
            let carrier = &dispatcher.carrier;
            carrier.set_stopped(self.since(carrier.name()).is_some(), STOPPED_WITHIN);
        }
        Ok(())
    }

    /// Since when a carrier has been stopped; `None` for one that is not.
    pub(crate) fn since(&self, carrier: &str) -> Option<Timestamp> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(carrier).copied()
    }
}
