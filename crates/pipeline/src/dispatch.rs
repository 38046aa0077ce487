//! Dispatch: from the store to a carrier, one dispatcher for each.
//!
//! The input is leased messages, directly from admission or from the store; the output is submissions whose attempts
//! are on disk. A dispatcher takes no more than the carrier can send at once, so a crash leaves no more messages with
//! an unknown outcome. `machine` decides, `driver` performs its decisions, `load` reads media, and `dispatchers` gives
//! the rest of the pipeline access to a dispatcher's memory.

mod dispatchers;
mod driver;
mod load;
mod machine;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use carrier::Carrier;
use model::CarrierName;
use model::backoff::Backoff;
use runtime::Runtime;
use store::Store;
use tokio::sync::{Notify, Semaphore, watch};

use crate::counters::Counters;
use crate::media::Shelf;
use crate::node::Node;
use crate::pace::SenderPaces;
use crate::queue::QueueLimits;
use crate::route::{Routes, SANDBOX, Standing};
use crate::tenants::TenantBook;
use machine::{Action, Books, Dispatch, Input};

pub(crate) use dispatchers::Dispatchers;
pub use load::READS_MAX;

/// The settings of dispatchers.
#[derive(Clone, Copy, Debug)]
pub struct DispatchSettings {
    /// The limits of each dispatcher's memory; each carrier has its own `originator_rate`.
    pub queue: QueueLimits,
    /// How long a message is leased.
    pub lease: Duration,
    /// The most messages whose attempts are recorded together.
    pub batch: usize,
    /// The longest time between two searches for due messages.
    pub poll: Duration,
    /// The waits between attempts that a carrier defers.
    pub retry: Backoff,
    /// After so many deferred attempts, the next carrier of the route is tried.
    pub attempts_per_carrier: u32,
    /// The downtime after which a carrier's messages go to the next carrier of their route.
    pub fallback_after: Duration,
}

/// The same if several nodes share the store: messages that other nodes admit are found by these searches.
const SHARED_POLL: Duration = Duration::from_millis(250);

/// The dispatcher of one carrier: its machine, and what performs the machine's decisions.
pub(crate) struct Dispatcher {
    pub(crate) carrier: Arc<dyn Carrier>,
    name: CarrierName,
    machine: Mutex<Dispatch>,
    settings: DispatchSettings,
    store: Arc<dyn Store>,
    counters: Arc<Counters>,
    shelf: Arc<Shelf>,
    runtime: Arc<dyn Runtime>,
    /// Something was put into memory, or is due in the store.
    wake: Notify,
    /// Outcomes were recorded.
    recorded: Notify,
    /// Places for reads of media.
    loading: Arc<Semaphore>,
    /// Wakes the expander when messages of broadcasts have left memory.
    made_room: Arc<Notify>,
    node: Arc<Node>,
    stop: watch::Receiver<bool>,
    /// The place of the carrier.
    place: watch::Sender<Place>,
}

/// The place of a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// This process dispatches to it.
    Here,
    /// Another node dispatches to it, or will soon.
    Elsewhere,
    /// It is no longer in the configuration.
    Removed,
}

/// The parts of a dispatcher, except its carrier.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tenants: Arc<TenantBook>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) settings: DispatchSettings,
    /// The paces of sender numbers, over all carriers.
    pub(crate) senders: Arc<SenderPaces>,
    /// Notified when messages of broadcasts have left memory.
    pub(crate) made_room: Arc<Notify>,
    pub(crate) counters: Arc<Counters>,
    /// The media of messages.
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) runtime: Arc<dyn Runtime>,
    /// This process, which owns the leases of its dispatchers.
    pub(crate) node: Arc<Node>,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Dispatcher {
    pub(crate) fn new(carrier: Arc<dyn Carrier>, originator_rate: u32, around: Surroundings) -> Self {
        let queue = QueueLimits { originator_rate, ..around.settings.queue };
        let poll = if around.store.is_shared() { around.settings.poll.min(SHARED_POLL) } else { around.settings.poll };
        let settings = DispatchSettings { queue, poll, ..around.settings };
        let books = Books {
            skips: machine::skips(around.tenants),
            routes: around.routes,
            senders: around.senders,
            tokens: around.node.tokens(),
        };
        let name = CarrierName::from(carrier.name());
        let is_here = name == *SANDBOX || !around.store.is_shared();
        let place = if is_here { Place::Here } else { Place::Elsewhere };
        Self {
            machine: Mutex::new(Dispatch::new(name.clone(), settings, books)),
            carrier,
            name,
            settings,
            store: around.store,
            counters: around.counters,
            shelf: around.shelf,
            runtime: around.runtime,
            wake: Notify::new(),
            recorded: Notify::new(),
            loading: Arc::new(Semaphore::new(load::READS_MAX)),
            made_room: around.made_room,
            node: around.node,
            stop: around.stop,
            place: watch::Sender::new(place),
        }
    }

    /// The number of messages that it holds.
    pub(crate) fn queued(&self) -> usize {
        self.machine().queued()
    }

    /// The standing of its carrier.
    fn standing(&self) -> Standing {
        let down_for = match self.place() {
            Place::Removed => return Standing::Absent,
            Place::Here => self.carrier.down_for(),
            // Where nobody has it, somebody will in some seconds.
            Place::Elsewhere => self.node.others_word_on(&self.name).unwrap_or(Some(Duration::ZERO)),
        };
        match down_for {
            None => Standing::Up,
            Some(down) if down < self.settings.fallback_after => Standing::Wavering,
            Some(_) => Standing::Down,
        }
    }

    /// This node's report about the carrier: its downtime, if the carrier is here.
    pub(crate) fn reported(&self) -> (CarrierName, Option<Duration>) {
        let is_here = self.place() == Place::Here;
        (self.name.clone(), if is_here { self.carrier.down_for() } else { None })
    }

    /// What follows from `input` now.
    fn on(&self, input: Input<'_>) -> Vec<Action> {
        let now = self.runtime.look();
        self.machine().on(input, now)
    }

    /// The machine learns something that the driver need not do anything about before its next turn, which begins now
    /// if it waits for messages.
    fn tell(&self, input: Input<'_>) {
        // Only the driver's own inputs have actions.
        self.on(input);
        self.wake.notify_one();
    }

    /// Whether the process ends.
    fn stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Sets whether the carrier is removed. A removed carrier gets no more messages, and those in memory are given
    /// back. If several nodes share the store, a carrier that is added again is elsewhere until this node takes it.
    pub(crate) fn set_removed(&self, removed: bool) {
        let there = if self.store.is_shared() { Place::Elsewhere } else { Place::Here };
        self.place.send_if_modified(|place| {
            let is_changed = removed != (*place == Place::Removed);
            if is_changed {
                *place = if removed { Place::Removed } else { there };
            }
            is_changed
        });
    }

    /// Moves the carrier here or away, unless it is removed.
    fn set_here(&self, is_here: bool) {
        let place = if is_here { Place::Here } else { Place::Elsewhere };
        self.place.send_if_modified(|now| *now != Place::Removed && std::mem::replace(now, place) != place);
    }

    fn place(&self) -> Place {
        *self.place.borrow()
    }

    /// Whether nothing is dispatched to the carrier here.
    fn is_away(&self) -> bool {
        self.place() != Place::Here
    }

    /// Whether the carrier is removed.
    pub(crate) fn is_removed(&self) -> bool {
        self.place() == Place::Removed
    }

    /// Whether nothing of a removed carrier is left here: everything was given back, and the attempts under way have
    /// ended.
    fn is_gone(&self) -> bool {
        self.is_removed() && self.is_empty()
    }

    /// Whether everything was given back, and the attempts under way have ended.
    fn is_empty(&self) -> bool {
        let machine = self.machine();
        machine.is_over() && machine.queued() == 0 && machine.under_way().is_empty()
    }

    fn machine(&self) -> MutexGuard<'_, Dispatch> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
