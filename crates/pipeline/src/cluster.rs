//! Several nodes on one store: each reports to the others, and one at a time dispatches to a carrier.
//!
//! The input is the store's record of nodes and their carriers; the output is carriers that come to this process or
//! leave it. `placement` decides, and this module performs the decisions.

mod placement;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::CarrierName;
use runtime::Supervisor;
use store::{Store, StoreError};
use tokio::sync::watch;

use crate::dispatch::Dispatchers;
use crate::members::{Member, Report, View};
use crate::node::Node;
use crate::route::Routes;
use crate::stops::Stops;
use placement::{Plan, groups, plan};

/// The time between two looks at the other nodes.
const LOOK: Duration = Duration::from_secs(1);

/// The time for answers from a carrier that leaves.
const GOING: Duration = Duration::from_secs(10);

/// The number of the only slot of a carrier: its holder has all of the carrier's sessions.
const PLACE: u32 = 0;

/// Moves carriers to this node and away from it.
pub(crate) struct Keeper {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) node: Arc<Node>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) dispatchers: Dispatchers,
    /// Carriers that an operator has stopped, perhaps by another node.
    pub(crate) stops: Arc<Stops>,
    pub(crate) leaving: Leaving,
    pub(crate) supervisor: Supervisor,
    pub(crate) stopped: watch::Receiver<bool>,
}

/// Carriers that are moving from this node to others, until their slots are free.
#[derive(Clone, Default)]
pub(crate) struct Leaving(Arc<Mutex<BTreeSet<CarrierName>>>);

impl Leaving {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<CarrierName>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeper {
    /// Keeps carriers until draining begins, and then gives them to others while this process ends.
    pub(crate) async fn run(self) {
        let mut ticks = self.supervisor.runtime().ticks(LOOK);
        while !*self.stopped.borrow() {
            ticks.tick().await;
            if self.node.is_over() {
                return;
            }
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "The other nodes could not be read from the store: {error}");
            }
        }
    }

    async fn look(&self) -> Result<(), StoreError> {
        self.stops.look(&*self.store, &self.dispatchers).await?;
        let report = self.report();
        self.store.report(self.node.epoch(), report.to_text()).await?;
        let view = view(&*self.store).await?;
        self.node.see(view.clone());
        let known = report.carriers.into_keys();
        let is_here = |name: &CarrierName| self.dispatchers.is_here(name);
        let plan = self.routes.with_carriers(|routes| plan(self.node.epoch(), &view, &groups(routes, known), is_here));
        self.carry_out(plan).await
    }

    /// The report of this node to the others.
    fn report(&self) -> Report {
        Report { carriers: self.dispatchers.placed().map(|dispatcher| dispatcher.reported()).collect() }
    }

    async fn carry_out(&self, plan: Plan) -> Result<(), StoreError> {
        let leaving = self.leaving.lock().clone();
        for name in plan.give.into_iter().filter(|name| !leaving.contains(name)) {
            self.give(name);
        }
        for name in plan.take.into_iter().filter(|name| !leaving.contains(name)) {
            let claimed = self.store.claim_slots(self.node.epoch(), name.to_string(), PLACE + 1, 1).await?;
            if claimed.contains(&PLACE) {
                tracing::info!(carrier.name = %name, "This node dispatches to carrier {name}");
                self.dispatchers.come(&name);
            }
        }
        Ok(())
    }

    /// Gives a carrier away: no attempt begins any more, attempts under way are answered, its sessions end, and then
    /// another node may take it. Other carriers do not wait for that.
    fn give(&self, name: CarrierName) {
        tracing::info!(carrier.name = %name, "Carrier {name} goes to another node");
        self.leaving.lock().insert(name.clone());
        let (store, dispatchers, leaving) = (Arc::clone(&self.store), self.dispatchers.clone(), self.leaving.clone());
        let (epoch, runtime) = (self.node.epoch(), Arc::clone(self.supervisor.runtime()));
        let leave = async move {
            dispatchers.go(&name, GOING, &runtime).await;
            if let Err(error) = store.release_slots(epoch, name.to_string(), vec![PLACE]).await {
                tracing::warn!(carrier.name = %name, %error, "Carrier {name} was given up here, but the store does \
                    not know it yet: {error}");
            }
            leaving.lock().remove(&name);
        };
        drop(self.supervisor.watch("carrier that leaves", leave));
    }
}

/// The living nodes and their carriers.
async fn view(store: &dyn Store) -> Result<View, StoreError> {
    let living = store.nodes().await?.into_iter().filter(|node| !node.is_over);
    let members = living
        .map(|node| Member {
            epoch: node.epoch,
            name: node.name,
            is_draining: node.is_draining,
            report: Report::parse(&node.report),
        })
        .collect();
    let holders: BTreeMap<CarrierName, _> = store
        .slots()
        .await?
        .into_iter()
        .filter(|slot| slot.number == PLACE && !slot.carrier.starts_with('@'))
        .map(|slot| (slot.carrier.as_str().into(), slot.epoch))
        .collect();
    Ok(View { members, holders })
}
