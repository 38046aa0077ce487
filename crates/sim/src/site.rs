//! The machine that the program runs on: its disk, the process that has the store open, the nodes on it, and what
//! starts them again.
//!
//! Where there is one node, its process opens the store. Where there are several, a process of its own has the store
//! open, as a server of databases has it, and each node is a process beside it (`nodes`).

mod boot;
mod nodes;
mod process;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use disk::Disk;
use model::key::KeyId;
use model::{Entropy, SeededEntropy};
use pipeline::Retention;
use runtime::Runtime;
use screening::Screen;
use store::StoreError;
use tokio::sync::Notify;

use crate::chance::Chance;
use crate::executor::{Executor, ProcessId};
use crate::ledger::Ledger;
use crate::network::Network;
use crate::plan::Plan;
use crate::servers::Servers;
use nodes::{Seat, Shared};
pub(crate) use process::Process;

/// The machine.
pub struct Site {
    pub(crate) executor: Executor,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) networks: Vec<Arc<Network>>,
    servers: Arc<Servers>,
    plan: Plan,
    screen: Arc<Screen>,
    state: Mutex<State>,
    /// Notified when a process is up or down.
    changed: Notify,
}

struct State {
    disk: Disk,
    chance: Chance,
    /// The process that has the store open, from before it has.
    running: Option<ProcessId>,
    /// The store that several nodes share, while it is open.
    shared: Option<Shared>,
    /// The nodes. Where there is one, its process is the one that runs.
    seats: Vec<Seat>,
    next: u64,
    death: Option<Death>,
    is_over: bool,
}

impl State {
    /// The processes that are up and not about to end.
    fn up(&self) -> impl Iterator<Item = &Arc<Process>> {
        let is_dying = self.death.is_some();
        self.seats.iter().filter(move |_| !is_dying).filter_map(Seat::up)
    }
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// By itself or by a signal: what it wrote is in the machine's cache.
    Killed,
    /// With the machine.
    PowerCut,
}

/// A key as its client has it.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) id: KeyId,
    pub(crate) secret: String,
}

/// How long things are kept: longer than a scenario takes, so that at its rest everything is there to be compared; what
/// is removed is looked at once the clock has gone further.
pub(crate) const RULES: Retention = Retention {
    texts: Some(Duration::from_secs(5 * 86_400)),
    messages: Some(Duration::from_secs(9 * 86_400)),
    receipt_keys: Some(Duration::from_secs(7 * 86_400)),
};

/// How long a message is valid: longer than anything that happens here, however the clock is set.
pub(crate) const VALID: Duration = Duration::from_secs(48 * 3_600);

impl Site {
    pub(crate) fn new(
        plan: Plan,
        executor: Executor,
        runtime: Arc<dyn Runtime>,
        networks: Vec<Arc<Network>>,
        servers: Arc<Servers>,
        screen: Arc<Screen>,
        ledger: Arc<Ledger>,
    ) -> Arc<Self> {
        let state = State {
            disk: Disk::new(plan.seed),
            chance: Chance::new(plan.seed, "site"),
            running: None,
            shared: None,
            seats: Seat::named(plan.nodes),
            next: 1,
            death: None,
            is_over: false,
        };
        Arc::new(Self {
            executor,
            runtime,
            ledger,
            networks,
            servers,
            plan,
            screen,
            state: Mutex::new(state),
            changed: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is one node.
    pub(crate) fn is_alone(&self) -> bool {
        self.plan.nodes == 1
    }

    /// Any process that is up.
    pub(crate) fn process(&self) -> Option<Arc<Process>> {
        let mut state = self.lock();
        let up: Vec<Arc<Process>> = state.up().cloned().collect();
        let place = if up.len() > 1 { state.chance.below(up.len()) } else { 0 };
        up.into_iter().nth(place)
    }

    /// Waits until a process is up.
    pub(crate) async fn up(&self) -> Arc<Process> {
        loop {
            let changed = self.changed.notified();
            if let Some(process) = self.process() {
                return process;
            }
            changed.await;
        }
    }

    /// Uses the disk.
    pub(crate) fn with_disk<T>(&self, use_it: impl FnOnce(&Disk) -> T) -> T {
        use_it(&self.lock().disk)
    }

    /// Ends all that runs, as soon as the present step is over. From now on the disk takes nothing from it.
    pub(crate) fn end(&self, death: Death) {
        let mut state = self.lock();
        let Some(running) = state.running else { return };
        if state.death.is_none() {
            state.death = Some(death);
            state.disk.cut_after(0);
            let nodes: Vec<ProcessId> = state.seats.iter().filter_map(|seat| seat.running).collect();
            drop(state);
            self.executor.note(&format!("process {} ends: {death:?}", running.0));
            self.executor.doom(running);
            nodes.into_iter().for_each(|node| self.executor.doom(node));
        }
        self.changed.notify_waiters();
    }

    /// Ends this process if it runs: a node, or the process that has the store open, and all nodes with it.
    pub(crate) fn end_if(&self, process: ProcessId, death: Death) {
        if self.lock().running == Some(process) {
            self.end(death);
        } else {
            self.end_node(process);
        }
    }

    /// Starts no process any more, and ends those that run.
    pub(crate) fn close(&self) {
        self.lock().is_over = true;
        self.end(Death::Killed);
    }

    /// Whether all that runs is about to end.
    pub(crate) fn is_dying(&self) -> bool {
        self.lock().death.is_some()
    }

    /// Lets go of the processes that were up.
    pub(crate) fn forget(&self) {
        let gone: (Vec<_>, Option<Shared>) = {
            let mut state = self.lock();
            let processes = state.seats.iter_mut().map(Seat::leave).collect();
            (processes, state.shared.take())
        };
        drop(gone);
    }

    /// Starts processes, one after another, for ever.
    pub(crate) async fn keep(self: Arc<Self>) {
        if !self.is_alone() {
            for seat in 0..self.plan.nodes {
                self.runtime.spawn("keeper of a node", Box::pin(Arc::clone(&self).keep_node(seat)));
            }
        }
        loop {
            if self.lock().is_over {
                return;
            }
            self.start().await;
            loop {
                let changed = self.changed.notified();
                if self.lock().death.is_some() {
                    break;
                }
                changed.await;
            }
            // The executor drops its tasks between this step and the next.
            self.runtime.sleep(Duration::from_millis(1)).await;
            let rest = self.bury();
            self.runtime.sleep(rest).await;
        }
    }

    /// Cleans up after the processes of a machine that died.
    fn bury(&self) -> Duration {
        self.networks.iter().for_each(|network| network.disconnect());
        // What they had open is closed before their disk goes.
        self.forget();
        let rest = {
            let mut state = self.lock();
            let seed = state.chance.number();
            state.disk =
                if state.death.take() == Some(Death::PowerCut) { state.disk.crash(seed) } else { state.disk.kill() };
            let running = state.running.take();
            let now = self.executor.now();
            let mut facts = self.ledger.lock();
            facts.cuts.push((now, running));
            facts.kills += 1;
            state.chance.millis(10..3_000)
        };
        self.changed.notify_waiters();
        rest
    }

    /// The number of another process, and its chance.
    fn another(&self) -> (ProcessId, Arc<dyn Entropy>) {
        let mut state = self.lock();
        let id = ProcessId(state.next);
        state.next += 1;
        (id, Arc::new(SeededEntropy::new(state.chance.number())))
    }

    /// Starts the process that opens the store. One that cannot start ends again.
    async fn start(self: &Arc<Self>) {
        let (id, entropy) = self.another();
        let runtime = self.executor.process(id);
        {
            let mut state = self.lock();
            state.running = Some(id);
            if state.seats.len() == 1 {
                state.seats[0].running = Some(id);
            }
        }
        let (site, inner) = (Arc::clone(self), Arc::clone(&runtime));
        let dynamic: Arc<dyn Runtime> = runtime;
        let boot = async move {
            let store = site.open(&inner).await?;
            if !site.is_alone() {
                site.share(store, inner);
                return Ok::<_, StoreError>(None);
            }
            site.boot(nodes::NAMES[0], store, (inner, id), entropy).await.map(Some)
        };
        let booted = dynamic.run("boot", boot).await;
        let why = match booted {
            Ok(Ok(process)) => {
                self.executor.note(&format!("process {} is up", id.0));
                if let Some(process) = process {
                    self.lock().seats[0].process = Some(Arc::new(process));
                }
                return self.changed.notify_waiters();
            }
            Ok(Err(error)) => error.to_string(),
            Err(ended) => ended.to_string(),
        };
        self.executor.note(&format!("process {} cannot start: {why}", id.0));
        self.end(Death::Killed);
    }
}
