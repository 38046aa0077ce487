//! Faults of nodes: one dies or stands still while others go on, gives its carriers away and takes them again.

use std::sync::Arc;
use std::time::Duration;

use super::yield_now;
use crate::chance::Chance;
use crate::executor::ProcessId;
use crate::site::Process;
use crate::world::World;

/// Causes the faults.
pub(crate) struct Unrest {
    pub(crate) world: World,
    pub(crate) chance: Chance,
}

/// As long as a node must stand still so that others take over from it.
const TAKEN_OVER_AFTER: u64 = 10_000;

/// How soon a machine that stood still has done what was due meanwhile.
const SETTLES_WITHIN: Duration = Duration::from_secs(1);

impl Unrest {
    pub(crate) async fn run(mut self) {
        let (strikes, every) = (1 + self.chance.below(6), self.chance.within(1_000..9_000));
        for _ in 0..strikes {
            let rest = self.chance.millis(0..every);
            self.world.runtime.sleep(rest).await;
            if self.chance.permille(600) {
                self.wait_for_something().await;
            }
            if !self.world.is_active() {
                return;
            }
            let nodes = self.world.site.nodes();
            if !nodes.is_empty() {
                let node = Arc::clone(self.chance.pick(&nodes));
                drop(nodes);
                self.strike(node).await;
            }
        }
    }

    /// In the midst of something, and not while everything rests.
    async fn wait_for_something(&mut self) {
        let world = self.world.clone();
        let _ = world.runtime.timeout(Duration::from_secs(3), world.ledger.stirred()).await;
        self.let_others_go_on().await;
    }

    /// A node that stands still from then on hears only much later that its attempts are on record, and others have
    /// taken its messages meanwhile.
    async fn wait_for_attempts(&mut self, node: ProcessId) {
        let world = self.world.clone();
        let _ = world.runtime.timeout(Duration::from_secs(3), world.ledger.room_for(node)).await;
        self.let_others_go_on().await;
    }

    /// Everything is due then at once, and reads queue for the few connections of the store, which all nodes share here
    /// and on PostgreSQL have each for itself. A node that stood still with its place in the queue would keep the
    /// others from reading.
    fn machine_has_just_gone_on(&self) -> bool {
        let now = self.world.executor.now();
        self.world.ledger.lock().cuts.iter().any(|(at, process)| process.is_none() && *at + SETTLES_WITHIN > now)
    }

    /// No time passes meanwhile.
    async fn let_others_go_on(&mut self) {
        for _ in 0..self.chance.below(40) {
            yield_now().await;
        }
    }

    async fn strike(&mut self, node: Arc<Process>) {
        match self.chance.below(8) {
            0..=2 => self.world.site.end_node(node.id),
            3..=5 => {
                let long = TAKEN_OVER_AFTER + 1_000..TAKEN_OVER_AFTER * 5 / 2;
                let time = if self.chance.permille(700) { long } else { 100..TAKEN_OVER_AFTER - 1_000 };
                let id = node.id;
                drop(node);
                if self.chance.permille(500) {
                    self.wait_for_attempts(id).await;
                }
                if !self.world.is_active() || self.machine_has_just_gone_on() {
                    return;
                }
                self.world.site.stop_for(id, self.chance.millis(time));
            }
            _ => self.drain(node).await,
        }
    }

    /// Has a node give its carriers to others for a while.
    async fn drain(&mut self, node: Arc<Process>) {
        let Some(name) = self.world.site.name_of(node.id) else { return };
        drop(node);
        self.world.ledger.lock().draining += 1;
        self.set_draining(name, true).await;
        let rest = self.chance.millis(500..15_000);
        self.world.runtime.sleep(rest).await;
        while !self.set_draining(name, false).await {
            self.world.runtime.sleep(Duration::from_secs(1)).await;
        }
        self.world.ledger.lock().draining -= 1;
    }

    /// Tells the nodes through any of them. Says whether they were told.
    async fn set_draining(&self, name: &'static str, is_draining: bool) -> bool {
        let process = self.world.site.up().await;
        self.world.executor.note(&format!("operator: node {name} drains: {is_draining}"));
        let store = Arc::clone(&process.store);
        let set = async move { store.set_draining(name, is_draining).await };
        match self.world.within(&process, set).await {
            // One that is not there begins anew.
            Some(Ok(()) | Err(store::StoreError::NotFound)) => true,
            Some(Err(_)) | None => false,
        }
    }
}
