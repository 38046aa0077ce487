//! This process as a node: it joins, renews its epoch while it runs, and leaves when it ends.
//!
//! A node whose epoch is over sends nothing more: others have its messages. The store refuses what such a node asks of
//! it, and its process ends.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use model::{CarrierName, Clock, Moment};
use runtime::Runtime;
use store::contract::nodes::{Epoch, HEARTBEAT, Tokens};
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
    /// The living nodes, and who has which carrier, as they were seen last.
    view: RwLock<View>,
}

impl Node {
    /// Joins, under the name that is the same after the next start, as this version of the program.
    ///
    /// # Errors
    /// As the store.
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

    /// How many nodes live, as they were seen last, this one included.
    pub fn living(&self) -> usize {
        self.seen(|view| view.members.len()).max(1)
    }

    /// How many carriers it has of those that one node at a time has.
    pub fn carriers(&self) -> usize {
        self.seen(|view| view.holders.values().filter(|holder| **holder == self.epoch).count())
    }

    /// Where the tokens of its leases come from.
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

    /// Resolves when this process knows that its epoch is over. It must end then.
    pub async fn over(&self) {
        // The sender lives in `self`.
        let _ = self.over.subscribe().wait_for(|over| *over).await;
    }

    /// Whether it gives its work to other nodes, because an operator has said so.
    pub fn is_draining(&self) -> bool {
        self.seen(|view| view.members.iter().any(|member| member.epoch == self.epoch && member.is_draining))
    }

    /// Notes how things stand between the nodes.
    pub(crate) fn see(&self, view: View) {
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view;
    }

    /// Whether another node may do what a client of this one waits for.
    pub(crate) fn has_others(&self) -> bool {
        self.seen(|view| view.members.iter().any(|member| member.epoch != self.epoch))
    }

    /// For how long a carrier has been down, as the node says that has it: `None` within for one that is up. `None`
    /// where no node has it.
    pub(crate) fn others_word_on(&self, carrier: &CarrierName) -> Option<Option<Duration>> {
        self.seen(|view| {
            let holder = view.holders.get(carrier)?;
            let member = view.members.iter().find(|member| member.epoch == *holder)?;
            Some(member.report.carriers.get(carrier).copied().flatten())
        })
    }

    /// The name of the node that dispatches to a carrier; `None` where no node does.
    pub fn holder_of(&self, carrier: &str) -> Option<String> {
        if !self.store.is_shared() {
            return Some(self.name.clone());
        }
        self.seen(|view| {
            let holder = view.holders.get(carrier)?;
            view.members.iter().find(|member| member.epoch == *holder).map(|member| member.name.clone())
        })
    }

    /// Among how many nodes the pace of a sender is divided: those that have carriers.
    pub(crate) fn sharing(&self) -> u32 {
        self.seen(|view| {
            let holders: BTreeSet<Epoch> = view.holders.values().copied().chain([self.epoch]).collect();
            u32::try_from(holders.len()).unwrap_or(u32::MAX)
        })
    }

    fn seen<T>(&self, look: impl FnOnce(&View) -> T) -> T {
        look(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Renews the epoch at every heartbeat, and ends the epochs of nodes that did not. Goes on until it is aborted,
    /// also when the epoch is over.
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
        self.store.renew(self.epoch, self.clock.steady()).await?;
        *renewals = renewals.saturating_add(1);
        if *renewals < RENEWALS_BEFORE_TAKE_OVER {
            return Ok(());
        }
        let taken = self.store.take_over(self.epoch, self.clock.steady()).await?;
        for epoch in &taken.epochs {
            tracing::warn!(node.epoch = epoch.get(), "A node did not renew its epoch in time; its work goes on here");
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
            tracing::warn!(%error, "The node could not leave the store; others take over what it has: {error}");
        }
    }
}

/// What an operator reads when the epoch of a node is over.
pub const OVER: &str =
    "another node has ended this one and taken its work over, because it did not renew its epoch in time";
