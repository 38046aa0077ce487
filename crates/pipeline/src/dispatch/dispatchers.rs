//! The dispatchers of all carriers, and places kept in their memory.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use carrier::Carrier;
use model::{AccountId, BroadcastId, Message, MessageId};
use store::contract::dispatch::{Lease, Leased, Outcome};

use super::Dispatcher;
use crate::growing::Growing;

/// The dispatchers, by carrier.
#[derive(Clone, Default)]
pub(crate) struct Dispatchers(Arc<Growing<Arc<Dispatcher>>>);

impl Dispatchers {
    pub(crate) fn new(dispatchers: Vec<Arc<Dispatcher>>) -> Self {
        Self(Arc::new(dispatchers.into_iter().map(|dispatcher| (dispatcher.carrier.name().to_owned(), dispatcher)).collect()))
    }

    /// Adds the dispatcher of a carrier that comes later.
    pub(crate) fn add(&self, dispatcher: Arc<Dispatcher>) {
        self.0.add(dispatcher.carrier.name().to_owned(), dispatcher);
    }

    /// Keeps a place in a carrier's dispatcher for a message about to be admitted, with the lease that it will have. `None` when there is no room, or no such carrier.
    pub(crate) fn reserve(&self, carrier: &str, account: AccountId) -> Option<Place> {
        let dispatcher = self.0.get(carrier)?;
        if dispatcher.stopped() || !dispatcher.queue().reserve(account) {
            dispatcher.backlog.store(true, Ordering::Release);
            return None;
        }
        Some(Place { dispatcher: Arc::clone(dispatcher), account, lease: dispatcher.new_lease(), filled: false })
    }

    /// Room for messages of broadcasts with this carrier, and the lease that those would be born with. `None` where there is no such carrier.
    pub(crate) fn room_for_broadcasts(&self, carrier: &str) -> Option<(usize, Lease)> {
        let dispatcher = self.0.get(carrier).filter(|dispatcher| !dispatcher.stopped())?;
        Some((dispatcher.queue().room_for_broadcasts(), dispatcher.new_lease()))
    }

    /// Takes messages into memory that were made under such leases.
    pub(crate) fn hold(&self, messages: Vec<Leased>) {
        let carriers: std::collections::BTreeSet<String> = messages.iter().map(|leased| leased.carrier.clone()).collect();
        let mut messages = messages;
        for carrier in carriers {
            let (here, rest): (Vec<_>, Vec<_>) = messages.into_iter().partition(|leased| leased.carrier == carrier);
            messages = rest;
            if let Some(dispatcher) = self.0.get(&carrier) {
                let mut queue = dispatcher.queue();
                here.into_iter().for_each(|leased| queue.push(leased));
                drop(queue);
                dispatcher.wake.notify_one();
            }
        }
    }

    /// How many messages of a broadcast wait in memory.
    pub(crate) fn held_of(&self, id: BroadcastId) -> usize {
        self.0.values().map(|dispatcher| dispatcher.queue().held_of(id)).sum()
    }

    /// Drops the messages of a broadcast that was canceled: no attempt of theirs can begin any more.
    pub(crate) fn forget_broadcast(&self, id: BroadcastId) {
        self.0.values().for_each(|dispatcher| dispatcher.queue().forget_broadcast(id));
    }

    /// The slowest of the paces that a message from `originator` with `carrier` keeps; `None` where it keeps none.
    pub(crate) fn pace_of(&self, carrier: &str, originator: &model::Msisdn) -> Option<u32> {
        let dispatcher = self.0.get(carrier)?;
        let limits = dispatcher.settings.queue;
        let of_number = dispatcher.senders.rate_of(originator).map_or(0, std::num::NonZeroU32::get);
        [of_number, dispatcher.originator_rate, limits.account_rate].into_iter().filter(|rate| *rate > 0).min()
    }

    /// Something is due for this carrier in the store.
    pub(crate) fn look_at(&self, carrier: &str) {
        if let Some(dispatcher) = self.0.get(carrier) {
            dispatcher.backlog.store(true, Ordering::Release);
            dispatcher.wake.notify_one();
        }
    }

    /// The messages with an attempt under way, whose outcome will come and be recorded.
    pub(crate) fn under_way(&self) -> HashSet<MessageId> {
        self.0.values().flat_map(|dispatcher| dispatcher.under_way.messages()).collect()
    }

    /// Outcomes are recorded, and their attempts are no longer under way.
    pub(crate) fn recorded(&self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            if let Some(dispatcher) = self.0.get(&outcome.carrier) {
                dispatcher.under_way.record(outcome);
            }
        }
    }

    /// Whether there is such a carrier.
    pub(crate) fn has(&self, carrier: &str) -> bool {
        self.0.get(carrier).is_some()
    }

    /// The carrier of this name.
    pub(crate) fn carrier(&self, name: &str) -> Option<&Arc<dyn Carrier>> {
        self.0.get(name).map(|dispatcher| &dispatcher.carrier)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Dispatcher>> {
        self.0.values()
    }

    /// The carrier of a route that a new message goes to: the first that has not been down for long, or the first of all where every one has been.
    pub(crate) fn first_usable<'a>(&self, carriers: &'a [String]) -> Option<&'a str> {
        let usable = |name: &&String| self.0.get(name).is_none_or(|dispatcher| !dispatcher.is_down_for_long());
        carriers.iter().find(usable).or(carriers.first()).map(String::as_str)
    }

    /// The first of these carriers that can be used, other than `not`.
    pub(super) fn first_up(&self, carriers: &[String], not: &str) -> Option<String> {
        let up = |name: &&String| *name != not && self.0.get(name).is_some_and(|dispatcher| dispatcher.carrier.down_for().is_none());
        carriers.iter().find(up).cloned()
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
        let carrier = dispatcher.carrier.name().to_owned();
        let leased = Leased { message, lease: self.lease, carrier, attempts: 0, accepted_segments: 0, interrupted: false };
        {
            let mut queue = dispatcher.queue();
            queue.cancel(self.account);
            queue.push(leased);
        }
        dispatcher.wake.notify_one();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.filled {
            self.dispatcher.queue().cancel(self.account);
        }
    }
}
