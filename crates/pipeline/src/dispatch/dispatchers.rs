//! The dispatchers of all carriers, and places kept in their memory.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use carrier::Carrier;
use model::{AccountId, BroadcastId, CarrierName, Message, MessageId, Timestamp};
use runtime::Runtime;
use store::contract::dispatch::{Lease, Leased, Outcome};

use super::Dispatcher;
use super::machine::Input;
use crate::growing::Growing;
use crate::route::{Carriers, SANDBOX, Standing};

/// How often a carrier that leaves is looked at.
const EMPTIED_LOOK: Duration = Duration::from_millis(20);

/// The dispatchers, by carrier.
#[derive(Clone, Default)]
pub(crate) struct Dispatchers(Arc<Growing<Arc<Dispatcher>>>);

impl Dispatchers {
    pub(crate) fn new(dispatchers: Vec<Arc<Dispatcher>>) -> Self {
        Self(Arc::new(dispatchers.into_iter().map(|dispatcher| (dispatcher.name.clone(), dispatcher)).collect()))
    }

    /// Adds the dispatcher of a carrier that comes later.
    pub(crate) fn add(&self, dispatcher: Arc<Dispatcher>) {
        self.0.add(dispatcher.name.clone(), dispatcher);
    }

    /// Keeps a place in a carrier's dispatcher for a message about to be admitted, with the lease that it will have.
    /// `None` when there is no room, no such carrier, or another node dispatches to it.
    pub(crate) fn reserve(&self, carrier: &str, account: AccountId) -> Option<Place> {
        let dispatcher = self.0.get(carrier).filter(|dispatcher| !dispatcher.stopped() && !dispatcher.is_away())?;
        let lease = dispatcher.machine().reserve(account, dispatcher.runtime.steady())?;
        Some(Place { dispatcher: Arc::clone(dispatcher), account, lease, filled: false })
    }

    /// Room for messages of broadcasts with this carrier, and the lease that those would be born with. `None` where
    /// there is no such carrier here.
    pub(crate) fn room_for_broadcasts(&self, carrier: &str) -> Option<(usize, Lease)> {
        let dispatcher = self.0.get(carrier).filter(|dispatcher| !dispatcher.stopped() && !dispatcher.is_away())?;
        let now = dispatcher.runtime.steady();
        Some(dispatcher.machine().room_for_broadcasts(now))
    }

    /// Takes messages into memory that were made under such leases.
    pub(crate) fn hold(&self, messages: Vec<Leased>) {
        let carriers: BTreeSet<CarrierName> =
            messages.iter().filter_map(|leased| leased.carrier.carrier().cloned()).collect();
        let mut messages = messages;
        for carrier in carriers {
            let (here, rest): (Vec<_>, Vec<_>) =
                messages.into_iter().partition(|leased| leased.carrier.carrier() == Some(&carrier));
            messages = rest;
            if let Some(dispatcher) = self.0.get(&carrier) {
                dispatcher.tell(Input::Held(here));
            }
        }
    }

    /// How many messages of a broadcast wait in memory.
    pub(crate) fn held_of(&self, id: BroadcastId) -> usize {
        self.0.values().map(|dispatcher| dispatcher.machine().held_of(id)).sum()
    }

    /// Drops the messages of a broadcast that was canceled: no attempt of theirs can begin any more.
    pub(crate) fn forget_broadcast(&self, id: BroadcastId) {
        self.0.values().for_each(|dispatcher| drop(dispatcher.on(Input::Forget(id))));
    }

    /// The slowest of the paces that a message from `originator` with `carrier` keeps; `None` where it keeps none.
    pub(crate) fn pace_of(&self, carrier: &str, originator: model::Originator) -> Option<u32> {
        self.0.get(carrier)?.machine().pace_of(originator)
    }

    /// When the paces let a message go that waits for a carrier here, in steady time; `None` where no pace holds it.
    pub(crate) fn paced_until(&self, carrier: &str, message: &Message) -> Option<Timestamp> {
        let dispatcher = self.0.get(carrier)?;
        let now = dispatcher.runtime.steady();
        dispatcher.machine().paced_until(message.account, message.originator, now)
    }

    /// Something is due for this carrier in the store.
    pub(crate) fn look_at(&self, carrier: &str) {
        if let Some(dispatcher) = self.0.get(carrier) {
            dispatcher.tell(Input::Due);
        }
    }

    /// The messages with an attempt under way, whose outcome will come and be recorded.
    pub(crate) fn under_way(&self) -> HashSet<MessageId> {
        self.0.values().flat_map(|dispatcher| dispatcher.machine().under_way().messages()).collect()
    }

    /// Outcomes are recorded, and their attempts are no longer under way.
    pub(crate) fn recorded(&self, outcomes: &[Outcome]) {
        for of_carrier in outcomes.chunk_by(|one, next| one.carrier == next.carrier) {
            if let Some(dispatcher) = of_carrier.first().and_then(|outcome| self.0.get(outcome.carrier.carrier()?)) {
                dispatcher.on(Input::Ended(of_carrier));
                dispatcher.recorded.notify_one();
            }
        }
    }

    /// The dispatcher of this carrier, also of one that is removed.
    pub(crate) fn get(&self, carrier: &str) -> Option<&Arc<Dispatcher>> {
        self.0.get(carrier)
    }

    /// Whether nothing of this carrier is here: it never was, or it was removed, has given back its messages and
    /// answered what it had.
    pub(crate) fn lack(&self, carrier: &str) -> bool {
        self.0.get(carrier).is_none_or(|dispatcher| dispatcher.is_gone())
    }

    /// The carrier of this name.
    pub(crate) fn carrier(&self, name: &str) -> Option<&Arc<dyn Carrier>> {
        self.0.get(name).map(|dispatcher| &dispatcher.carrier)
    }

    /// Those of carriers that one node at a time has, as far as the configuration has them.
    pub(crate) fn placed(&self) -> impl Iterator<Item = &Arc<Dispatcher>> {
        self.0.values().filter(|dispatcher| dispatcher.name != *SANDBOX && !dispatcher.is_removed())
    }

    /// Whether this process dispatches to a carrier.
    pub(crate) fn is_here(&self, name: &CarrierName) -> bool {
        self.0.get(name).is_some_and(|dispatcher| !dispatcher.is_away())
    }

    /// A carrier comes to this process.
    pub(crate) fn come(&self, name: &CarrierName) {
        if let Some(dispatcher) = self.0.get(name) {
            dispatcher.carrier.stand();
            dispatcher.set_here(true);
        }
    }

    /// A carrier leaves this process: nothing more begins, what is under way has until `limit` to be answered, and its
    /// connections are closed when this returns.
    pub(crate) async fn go(&self, name: &CarrierName, limit: Duration, runtime: &Arc<dyn Runtime>) {
        let Some(dispatcher) = self.0.get(name) else { return };
        dispatcher.set_here(false);
        let emptied = async {
            while !dispatcher.is_empty() {
                runtime.sleep(EMPTIED_LOOK).await;
            }
        };
        // What is not answered by then is closed with the connection, and of unknown outcome.
        let _ = runtime.timeout(limit, emptied).await;
        dispatcher.carrier.rest(limit).await;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Dispatcher>> {
        self.0.values()
    }

    /// The names of the carriers that are up.
    pub(super) fn up(&self) -> BTreeSet<CarrierName> {
        let up = self.0.values().filter(|dispatcher| dispatcher.standing() == Standing::Up);
        up.map(|dispatcher| dispatcher.name.clone()).collect()
    }
}

impl Carriers for Dispatchers {
    fn standing(&self, name: &CarrierName) -> Standing {
        self.0.get(name).map_or(Standing::Absent, |dispatcher| dispatcher.standing())
    }

    fn refused_by(&self, current: &CarrierName, message: MessageId) -> Vec<CarrierName> {
        self.0.get(current).map(|dispatcher| dispatcher.machine().under_way().refused_by(message)).unwrap_or_default()
    }
}

/// A place kept in a dispatcher. Given back when it is dropped unfilled.
pub(crate) struct Place {
    dispatcher: Arc<Dispatcher>,
    account: AccountId,
    lease: Lease,
    filled: bool,
}

impl Place {
    /// The lease under which the message is to be admitted.
    pub(crate) const fn lease(&self) -> Lease {
        self.lease
    }

    /// Puts the admitted message in its place.
    pub(crate) fn fill(mut self, message: Arc<Message>) {
        self.filled = true;
        let dispatcher = &self.dispatcher;
        dispatcher.tell(Input::Placed(Leased::fresh(message, self.lease, dispatcher.name.clone())));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.filled {
            self.dispatcher.machine().cancel(self.account);
        }
    }
}
