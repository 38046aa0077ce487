//! This process as a node: it joins, renews its epoch while it runs, and leaves when it ends.
//!
//! A node whose epoch is over sends nothing more, because others have its messages. The store refuses the calls of such
//! a node, and its process ends.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use model::{CarrierName, Clock, Moment, Timestamp};
use runtime::Runtime;
use store::contract::nodes::{Epoch, HEARTBEAT, LIFE, Tokens};
use store::{Store, StoreError};
use tokio::sync::watch;

use crate::members::View;

/// After so many renewals in a row a node may end others: after an outage of the store every node is late, and each has
/// its time to renew.
const RENEWALS_BEFORE_TAKE_OVER: u32 = 3;

/// This process as a node.
pub struct Node {
    epoch: Epoch,
    name: String,
    tokens: Arc<Tokens>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    over: watch::Sender<bool>,
    /// The last successful renewal of the epoch, in steady time.
    renewed: watch::Sender<Timestamp>,
    /// The living nodes and their carriers, as last seen.
    view: RwLock<View>,
}

impl Node {
    /// Joins, under the name that is the same after the next start, as this version of the program.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn join(
        store: Arc<dyn Store>,
        name: String,
        build: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, StoreError> {
        let now: Moment = clock.look();
        let epoch = store.join(name.clone(), build.to_owned(), now).await?;
        Ok(Arc::new(Self {
            epoch,
            name,
            tokens: Arc::new(Tokens::of(epoch)),
            store,
            clock,
            over: watch::Sender::new(false),
            renewed: watch::Sender::new(now.steady),
            view: RwLock::default(),
        }))
    }

    /// Its epoch.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of living nodes, as last seen, including this one.
    pub fn living(&self) -> usize {
        self.seen(|view| view.members.len()).max(1)
    }

    /// The number of carriers to which this node dispatches.
    pub fn carriers(&self) -> usize {
        self.seen(|view| view.holders.values().filter(|holder| **holder == self.epoch).count())
    }

    /// The source of the tokens of its leases.
    pub(crate) fn tokens(&self) -> Arc<Tokens> {
        Arc::clone(&self.tokens)
    }

    /// A token for a lease.
    pub(crate) fn next_token(&self) -> u64 {
        self.tokens.next()
    }

    /// Whether the epoch is over, as far as this process knows.
    pub fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    /// Waits until it is certain that no other node has ended the epoch: until its renewal, if others may have ended it
    /// meanwhile. A process that was paused notices here. `false` if the epoch is over.
    pub(crate) async fn lives(&self) -> bool {
        let (mut over, mut renewed) = (self.over.subscribe(), self.renewed.subscribe());
        loop {
            if *over.borrow_and_update() {
                return false;
            }
            let since = self.clock.steady().since(*renewed.borrow_and_update());
            if since < LIFE || !self.store.is_shared() {
                return true;
            }
            // The senders live in `self`.
            tokio::select! {
                biased;
                _ = over.changed() => {}
                _ = renewed.changed() => {}
            }
        }
    }

    /// Resolves when this process knows that its epoch is over. It must end then.
    pub async fn over(&self) {
        // The sender lives in `self`.
        let _ = self.over.subscribe().wait_for(|over| *over).await;
    }

    /// Whether it gives its work to other nodes, because an operator drains it.
    pub fn is_draining(&self) -> bool {
        self.seen(|view| view.members.iter().any(|member| member.epoch == self.epoch && member.is_draining))
    }

    /// Records the state of the nodes.
    pub(crate) fn see(&self, view: View) {
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view;
    }

    /// Whether another node may cause the event for which a client of this one waits.
    pub(crate) fn has_others(&self) -> bool {
        self.seen(|view| view.members.iter().any(|member| member.epoch != self.epoch))
    }

    /// The downtime of a carrier, as its node reports it: the inner `None` if it is up. The outer `None` if no node has
    /// it.
    pub(crate) fn others_word_on(&self, carrier: &CarrierName) -> Option<Option<Duration>> {
        self.seen(|view| {
            let holder = view.holders.get(carrier)?;
            let member = view.members.iter().find(|member| member.epoch == *holder)?;
            Some(member.report.carriers.get(carrier).copied().flatten())
        })
    }

    /// The name of the node that dispatches to a carrier; `None` if there is none.
    pub fn holder_of(&self, carrier: &str) -> Option<String> {
        if !self.store.is_shared() {
            return Some(self.name.clone());
        }
        self.seen(|view| {
            let holder = view.holders.get(carrier)?;
            view.members.iter().find(|member| member.epoch == *holder).map(|member| member.name.clone())
        })
    }

    /// The name of the living node with this epoch.
    pub(crate) fn name_of(&self, epoch: Epoch) -> Option<String> {
        self.seen(|view| view.members.iter().find(|member| member.epoch == epoch).map(|member| member.name.clone()))
    }

    /// The other node that has a carrier.
    pub(crate) fn other_holder_of(&self, carrier: &CarrierName) -> Option<Epoch> {
        self.seen(|view| view.holders.get(carrier).copied().filter(|holder| *holder != self.epoch))
    }

    /// The number of nodes that share the pace of a sender: those with carriers.
    pub(crate) fn sharing(&self) -> u32 {
        self.seen(|view| {
            let holders: BTreeSet<Epoch> = view.holders.values().copied().chain([self.epoch]).collect();
            u32::try_from(holders.len()).unwrap_or(u32::MAX)
        })
    }

    fn seen<T>(&self, look: impl FnOnce(&View) -> T) -> T {
        look(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Renews the epoch at every heartbeat, and ends the epochs of nodes that did not. Runs until it is aborted, even
    /// if the epoch is over.
    pub async fn keep(&self, runtime: Arc<dyn Runtime>) {
        let mut ticks = runtime.ticks(HEARTBEAT);
        let mut renewals = 0;
        loop {
            ticks.tick().await;
            match self.beat(&mut renewals).await {
                Ok(()) => {}
                Err(StoreError::Over) => {
                    tracing::error!(node.epoch = self.epoch.get(), "{OVER}");
                    self.over.send_replace(true);
                    return std::future::pending().await;
                }
                Err(error) => {
                    renewals = 0;
                    tracing::warn!(%error, "The node could not be renewed: {error}");
                }
            }
        }
    }

    async fn beat(&self, renewals: &mut u32) -> Result<(), StoreError> {
        let asked = self.clock.steady();
        self.store.renew(self.epoch, asked).await?;
        let before = self.renewed.send_replace(asked);
        // Whatever kept this node from renewing in time may have kept the others, too.
        let was_late = self.clock.steady().since(before) >= LIFE;
        *renewals = if was_late { 1 } else { renewals.saturating_add(1) };
        if *renewals < RENEWALS_BEFORE_TAKE_OVER {
            return Ok(());
        }
        let taken = self.store.take_over(self.epoch, self.clock.steady()).await?;
        for epoch in &taken.epochs {
            tracing::warn!(
                node.epoch = epoch.get(),
                "A node did not renew its epoch in time; other nodes take over its work"
            );
        }
        if taken.interrupted > 0 {
            tracing::warn!(
                "{} attempts of nodes that ended were under way: their outcome is unknown",
                taken.interrupted
            );
        }
        Ok(())
    }

    /// Leaves, because the process ends.
    pub(crate) async fn leave(&self) {
        if let Err(error) = self.store.leave(self.epoch, self.clock.steady()).await {
            tracing::warn!(%error, "The node could not leave the store; other nodes take over its work: {error}");
        }
    }
}

/// The sentence for the operator when the epoch of a node is over.
pub const OVER: &str =
    "another node took over the work of this node, because this node did not renew its epoch in time";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::SimClock;
    use runtime::Machine;
    use store::sqlite::Sqlite;
    use testkit::Place;

    use super::*;

    /// Two nodes of one store.
    struct Two {
        _place: Place,
        clock: Arc<SimClock>,
        store: Arc<dyn Store>,
        first: Arc<Node>,
        second: Arc<Node>,
    }

    impl Two {
        async fn new() -> Self {
            let (place, clock) = (Place::new(), testkit::clock());
            let opened = Sqlite::open(place.path().join("store.db"), Arc::new(Machine::new())).await.unwrap();
            let store: Arc<dyn Store> = Arc::new(opened.with_several_nodes());
            let join = |name: &str| Node::join(store.clone(), name.to_owned(), "0", clock.clone());
            let (first, second) = (join("first").await.unwrap(), join("second").await.unwrap());
            Self { _place: place, clock, store, first, second }
        }

        /// The nodes that live, by name.
        async fn living(&self) -> Vec<String> {
            let nodes = self.store.nodes().await.unwrap();
            nodes.into_iter().filter(|node| !node.is_over).map(|node| node.name).collect()
        }
    }

    #[tokio::test]
    async fn after_an_outage_of_the_store_a_node_ends_no_other_before_that_one_had_time_to_renew() {
        let two = Two::new().await;
        let mut renewals = 0;
        for _ in 0..5 {
            two.first.beat(&mut renewals).await.unwrap();
            two.second.beat(&mut 0).await.unwrap();
            two.clock.advance(HEARTBEAT);
        }
        two.clock.advance(LIFE * 5);
        for _ in 1..RENEWALS_BEFORE_TAKE_OVER {
            two.first.beat(&mut renewals).await.unwrap();
            assert_eq!(two.living().await, ["second", "first"]);
            two.clock.advance(HEARTBEAT);
        }
        two.first.beat(&mut renewals).await.unwrap();
        assert_eq!(two.living().await, ["first"], "the second one had its time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_stood_still_is_not_certain_of_its_epoch_until_it_has_renewed_it() {
        let two = Two::new().await;
        let certain = || tokio::time::timeout(Duration::from_secs(1), two.first.lives());
        two.clock.advance(LIFE - Duration::from_millis(1));
        assert_eq!(certain().await, Ok(true));
        two.clock.advance(Duration::from_millis(1));
        assert!(certain().await.is_err(), "another node may have ended it");
        two.first.beat(&mut 0).await.unwrap();
        assert_eq!(certain().await, Ok(true));
        two.clock.advance(LIFE);
        two.store.take_over(two.second.epoch(), two.clock.steady()).await.unwrap();
        let certain = async {
            let runtime = Arc::new(Machine::with_clock(two.clock.clone()));
            tokio::select! {
                () = two.first.keep(runtime) => unreachable!("it goes on until it is aborted"),
                lives = two.first.lives() => lives,
            }
        };
        assert!(!certain.await, "another node has ended it");
    }
}
