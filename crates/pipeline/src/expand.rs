//! Expansion: from a broadcast's packed recipients to messages, a batch at a time and no further ahead than its
//! carriers can send.
//!
//! The input is open broadcasts; the output is messages, on disk and in the dispatchers' memory, with a lease from
//! their creation. One transaction makes a batch and moves the broadcast's mark, so a process may end at any moment.
//! Accounts take turns, and so do the broadcasts of one account. Two limits keep a broadcast from running too far
//! ahead: the messages in memory, and the messages in the store that have not left. `expanding` decides; this module
//! performs its decisions.

mod expanding;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runtime::Runtime;
use store::{Store, StoreError};
use tokio::sync::Notify;

use crate::admit::References;
use crate::counters::Counters;
use crate::dispatch::Dispatchers;
use crate::node::Node;
use crate::route::Routes;
use crate::tenants::TenantBook;
use expanding::{Action, Books, Expanding, Input, Rest};

/// The settings of the expansion of broadcasts.
#[derive(Clone, Copy, Debug)]
pub struct BroadcastSettings {
    /// The most messages of one broadcast in the dispatchers' memory; ten seconds' worth if it has a pace.
    pub lookahead: usize,
    /// Recipients that are expanded in one transaction.
    pub batch: usize,
}

/// The number of open broadcasts that are expanded at once, oldest first; the others wait in the store.
const OPEN_MAX: usize = 10_000;

/// Between two looks while nothing can be done.
const REST: Duration = Duration::from_millis(5);

/// The longest time between two searches for open broadcasts.
const CENSUS: Duration = Duration::from_secs(5);

/// The same if several nodes share the store: a node with carriers of these broadcasts does not wake this one when
/// their messages leave.
const SHARED_CENSUS: Duration = Duration::from_millis(250);

/// The pause after a failure of the store.
const STORE_REST: Duration = Duration::from_millis(250);

/// The signals to an expander.
#[derive(Default)]
pub(crate) struct Bell {
    /// Rung when a broadcast came, or messages of one have left a dispatcher's memory.
    pub(crate) wake: Arc<Notify>,
    /// There may be broadcasts in the store that it does not know.
    arrived: AtomicBool,
}

impl Bell {
    /// Reports an accepted broadcast.
    pub(crate) fn arrived(&self) {
        self.arrived.store(true, Ordering::Release);
        self.wake.notify_one();
    }
}

/// Makes messages of broadcasts.
pub(crate) struct Expander {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tenants: Arc<TenantBook>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) dispatchers: Dispatchers,
    pub(crate) settings: BroadcastSettings,
    pub(crate) bell: Arc<Bell>,
    pub(crate) references: Arc<References>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) node: Arc<Node>,
}

impl Expander {
    /// Expands until the future is dropped.
    pub(crate) async fn run(self) {
        let mut expanding = self.expanding();
        let census = if self.store.is_shared() { SHARED_CENSUS } else { CENSUS };
        loop {
            match self.round(&mut expanding).await {
                None => {}
                Some(Rest::Idle) => {
                    // A bell that rings all the time, as it does while messages leave, is answered now and then.
                    self.runtime.sleep(REST).await;
                    if self.runtime.timeout(census, self.bell.wake.notified()).await.is_err() {
                        self.bell.arrived.store(true, Ordering::Release);
                    }
                }
                Some(Rest::Store) => self.runtime.sleep(STORE_REST).await,
            }
        }
    }

    fn expanding(&self) -> Expanding {
        let tenants = Arc::clone(&self.tenants);
        let books = Books {
            routes: Arc::clone(&self.routes),
            dispatchers: self.dispatchers.clone(),
            references: Arc::clone(&self.references),
            node: self.node.epoch(),
            skips: Box::new(move |broadcast, recipients| {
                let mut skipped = match tenants.check_sender(broadcast.account, broadcast.originator) {
                    Ok(()) => tenants.barred_among(broadcast.owner(), broadcast.originator, recipients),
                    Err(_) => vec![true; recipients.len()],
                };
                // The number that replaces an erased one gets no message.
                skipped.iter_mut().zip(recipients).for_each(|(skipped, recipient)| *skipped |= recipient.is_nobody());
                skipped
            }),
        };
        Expanding::new(self.settings, books)
    }

    /// Gives every owner one turn. Returns whether a pause follows, and why.
    async fn round(&self, expanding: &mut Expanding) -> Option<Rest> {
        let arrived = self.bell.arrived.swap(false, Ordering::AcqRel);
        let mut actions = VecDeque::from(expanding.on(Input::Round { arrived }, self.runtime.look()));
        let mut rest = None;
        while let Some(action) = actions.pop_front() {
            let input = match action {
                Action::Look => {
                    Some(answer(self.store.unexpanded(self.node.epoch(), None, OPEN_MAX).await, Input::Open))
                }
                Action::Ask(id) => Some(answer(self.store.upcoming(id, self.settings.batch).await, Input::Upcoming)),
                Action::Make(expansion) => {
                    let made = expansion.messages.len() as u64;
                    let expanded = self.store.expand(expansion).await;
                    if expanded == Ok(true) {
                        self.counters.expanded.add_many(made);
                    }
                    Some(answer(expanded, Input::Made))
                }
                Action::Hold(messages) => {
                    self.dispatchers.hold(messages);
                    None
                }
                Action::LookAt(carriers) => {
                    carriers.iter().for_each(|carrier| self.dispatchers.look_at(carrier));
                    None
                }
                Action::Rest(why) => {
                    rest = Some(why);
                    None
                }
            };
            if let Some(input) = input {
                actions.extend(expanding.on(input, self.runtime.look()));
            }
        }
        rest
    }
}

/// What the machine hears of a call of the store.
fn answer<T>(called: Result<T, StoreError>, done: impl FnOnce(T) -> Input) -> Input {
    match called {
        Ok(result) => done(result),
        Err(error) => {
            tracing::warn!(%error, "Broadcasts are waiting for the store: {error}");
            Input::Unavailable
        }
    }
}

#[cfg(test)]
mod tests;
