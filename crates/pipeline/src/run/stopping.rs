//! Stopping a carrier and starting it again, for every node.

use std::sync::Arc;

use model::Timestamp;
use model::error::Refusal;

use super::Pipeline;
use crate::refusal::refused_by_store;
use crate::route::SANDBOX;

impl Pipeline {
    /// Stops a carrier until it is started again, also after restarts: what is under way is answered, its sessions
    /// unbind, and its messages go to other carriers of their routes, or wait where there is none. Other nodes follow
    /// within a second. `false` where this configuration has no such carrier, or it is the sandbox, which connects to
    /// nobody.
    ///
    /// # Errors
    /// If the store could not take it.
    pub async fn stop_carrier(self: &Arc<Self>, name: &str) -> Result<bool, Refusal> {
        let is_known = self.dispatchers.get(name).is_some_and(|dispatcher| !dispatcher.is_removed());
        if !is_known || name == SANDBOX {
            return Ok(false);
        }
        let (pipeline, name) = (Arc::clone(self), name.to_owned());
        self.to_the_end(Box::pin(async move {
            pipeline.store.stop_carrier(name, pipeline.runtime.now()).await.map_err(refused_by_store)?;
            pipeline.look_at_stops().await.map(|()| true)
        }))
        .await
    }

    /// Starts a stopped carrier again. `false` where there is no such carrier.
    ///
    /// # Errors
    /// If the store could not take it.
    pub async fn start_carrier(self: &Arc<Self>, name: &str) -> Result<bool, Refusal> {
        let is_known = self.dispatchers.get(name).is_some_and(|dispatcher| !dispatcher.is_removed());
        if !is_known && !self.stops.is_by_operator(name) {
            return Ok(false);
        }
        let (pipeline, name) = (Arc::clone(self), name.to_owned());
        self.to_the_end(Box::pin(async move {
            pipeline.store.start_carrier(name).await.map_err(refused_by_store)?;
            pipeline.look_at_stops().await.map(|()| true)
        }))
        .await
    }

    /// Since when a carrier has been stopped, as this process knows, or held with the store; `None` for one that is
    /// neither.
    pub fn stopped_since(&self, carrier: &str) -> Option<Timestamp> {
        self.stops.since(carrier)
    }

    async fn look_at_stops(&self) -> Result<(), Refusal> {
        self.stops.look(&*self.store, &self.dispatchers).await.map_err(refused_by_store)
    }
}
