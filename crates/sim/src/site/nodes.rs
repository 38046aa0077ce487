//! Several nodes on one store: each is a process of its own, which dies alone, and is started again.

use std::sync::Arc;
use std::time::Duration;

use runtime::Runtime;
use store::Store;

use super::{Process, Site};
use crate::executor::{ProcessId, ProcessRuntime};

/// The names of nodes.
pub(super) const NAMES: [&str; 3] = ["a", "b", "c"];

/// As good as for ever: what it had must long have been done by others.
const FOR_GOOD_MS: u64 = 3_600_000;

/// A node: the place of one process after another.
pub(super) struct Seat {
    pub(super) name: &'static str,
    /// Its process, from before it is up.
    pub(super) running: Option<ProcessId>,
    /// Its process, once it is up.
    pub(super) process: Option<Arc<Process>>,
    /// Whether its process is about to end.
    is_dying: bool,
}

impl Seat {
    /// So many nodes.
    pub(super) fn named(count: usize) -> Vec<Self> {
        let seat = |name| Self { name, running: None, process: None, is_dying: false };
        NAMES.into_iter().take(count).map(seat).collect()
    }

    /// Its process, unless that is about to end.
    pub(super) fn up(&self) -> Option<&Arc<Process>> {
        self.process.as_ref().filter(|_| !self.is_dying)
    }

    /// Its process is gone.
    pub(super) fn leave(&mut self) -> Option<Arc<Process>> {
        (self.running, self.is_dying) = (None, false);
        self.process.take()
    }
}

/// The store that several nodes share.
#[derive(Clone)]
pub(super) struct Shared {
    store: Arc<dyn Store>,
    /// The runtime of the process that has it open: all nodes have its steady clock, as the store compares their
    /// readings.
    machine: Arc<ProcessRuntime>,
}

impl Site {
    /// Nodes may use the store from now on.
    pub(super) fn share(&self, store: Arc<dyn Store>, machine: Arc<ProcessRuntime>) {
        self.lock().shared = Some(Shared { store, machine });
    }

    /// Every node that is up.
    pub(crate) fn nodes(&self) -> Vec<Arc<Process>> {
        self.lock().up().cloned().collect()
    }

    /// The name of the node that this process is.
    pub(crate) fn name_of(&self, process: ProcessId) -> Option<&'static str> {
        self.lock().seats.iter().find(|seat| seat.running == Some(process)).map(|seat| seat.name)
    }

    /// Kills a node, as soon as the present step is over. Whatever it asked the store for is done all the same.
    pub(crate) fn end_node(&self, process: ProcessId) {
        {
            let mut state = self.lock();
            let Some(seat) = state.seats.iter_mut().find(|seat| seat.running == Some(process)) else { return };
            seat.is_dying = true;
        }
        self.executor.note(&format!("process {} ends", process.0));
        self.executor.doom(process);
        self.changed.notify_waiters();
    }

    /// Has a node stand still, and go on after `time`.
    pub(crate) fn stop_for(self: &Arc<Self>, process: ProcessId, time: Duration) {
        self.executor.note(&format!("process {} stands still for {time:?}", process.0));
        self.executor.stop(process);
        let site = Arc::clone(self);
        self.runtime.spawn(
            "goes on",
            Box::pin(async move {
                site.runtime.sleep(time).await;
                site.go_on(process);
            }),
        );
    }

    fn go_on(&self, process: ProcessId) {
        if !self.executor.is_still(process) {
            return;
        }
        self.executor.note(&format!("process {} goes on", process.0));
        let now = self.executor.now();
        let mut facts = self.ledger.lock();
        facts.cuts.push((now, Some(process)));
        facts.went_on.insert(process, now);
        drop(facts);
        self.executor.go_on(process);
    }

    /// Nodes that stand still go on.
    pub(crate) fn all_go_on(&self) {
        let running: Vec<ProcessId> = self.lock().seats.iter().filter_map(|seat| seat.running).collect();
        running.into_iter().for_each(|process| self.go_on(process));
    }

    /// Starts the processes of a node, one after another, for ever.
    pub(super) async fn keep_node(self: Arc<Self>, seat: usize) {
        while let Some(shared) = self.shared().await {
            let id = self.start_node(seat, shared).await;
            loop {
                let changed = self.changed.notified();
                if self.is_gone(seat, id) {
                    break;
                }
                changed.await;
            }
            // The executor drops its tasks between this step and the next.
            self.runtime.sleep(Duration::from_millis(1)).await;
            let rest = self.bury_node(seat, id);
            self.runtime.sleep(rest).await;
        }
    }

    /// Waits until the store is open. `None` where no process is started any more.
    async fn shared(&self) -> Option<Shared> {
        loop {
            let changed = self.changed.notified();
            {
                let state = self.lock();
                if state.is_over {
                    return None;
                }
                if let Some(shared) = state.shared.clone().filter(|_| state.death.is_none()) {
                    return Some(shared);
                }
            }
            changed.await;
        }
    }

    /// Whether this process of a node is gone, or about to go, alone or with its machine.
    fn is_gone(&self, seat: usize, process: ProcessId) -> bool {
        let state = self.lock();
        let seat = &state.seats[seat];
        seat.is_dying || seat.running != Some(process) || state.death.is_some()
    }

    /// Starts a process of a node. One that cannot start ends again.
    async fn start_node(self: &Arc<Self>, seat: usize, shared: Shared) -> ProcessId {
        let (id, entropy) = self.another();
        let Shared { store, machine } = shared;
        let runtime = machine.beside(id);
        let name = {
            let mut state = self.lock();
            state.seats[seat].running = Some(id);
            state.seats[seat].name
        };
        let dynamic: Arc<dyn Runtime> = runtime.clone();
        let boot = Arc::clone(self).boot(name, store, (runtime, machine.id()), entropy);
        match dynamic.run("boot", boot).await {
            Ok(Ok(process)) if !self.is_gone(seat, id) => {
                self.executor.note(&format!("process {} is up, as node {name}", id.0));
                self.lock().seats[seat].process = Some(Arc::new(process));
                self.changed.notify_waiters();
            }
            other => {
                let why = other.map(|booted| booted.map(drop));
                self.executor.note(&format!("process {} of node {name} did not start: {why:?}", id.0));
                self.end_node(id);
            }
        }
        id
    }

    /// Cleans up after a node that died. Says how long it stays away.
    fn bury_node(&self, seat: usize, process: ProcessId) -> Duration {
        let (gone, rest) = {
            let mut state = self.lock();
            let is_its = state.seats[seat].running == Some(process);
            let gone = if is_its { state.seats[seat].leave() } else { None };
            // Long enough to be taken over, or not, and at times for good: but for one node, so that there is one.
            let rest = match state.chance.below(8) {
                0..=3 => 3_000,
                7 if seat > 0 => FOR_GOOD_MS,
                _ => 30_000,
            };
            (gone, if is_its { state.chance.millis(10..rest) } else { Duration::ZERO })
        };
        drop(gone);
        self.networks.iter().for_each(|network| network.lose(process));
        let now = self.executor.now();
        let mut facts = self.ledger.lock();
        facts.cuts.push((now, Some(process)));
        facts.kills += 1;
        drop(facts);
        self.changed.notify_waiters();
        rest
    }
}
