//! Owners: a node is an epoch, and an epoch owns its messages until it is over.
//!
//! Each start of the program joins as a node and gets an [`Epoch`], a number that no other start ever gets. Leased
//! messages, broadcasts and sessions of carriers belong to an epoch. The node renews its epoch every [`HEARTBEAT`].
//! Another node may end it after [`LIFE`] without a renewal ([`Nodes::take_over`]); from then on the epoch is *over*
//! forever. That is a fact in the store, not a reading of a clock: a node whose epoch is late but not over continues,
//! and a node that was paused while another one ended its epoch finds that out in the store. The store gives nothing to
//! an epoch that is over and promises nothing in its name ([`StoreError::Over`]); its work goes to others.
//!
//! Within an epoch each lease still has its own end, which finds messages that the node's memory lost.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use model::{Moment, Timestamp};

use super::StoreError;

/// The time between two renewals of an epoch.
pub const HEARTBEAT: Duration = Duration::from_secs(2);

/// The time after the last renewal at which another node may end an epoch: five heartbeats, so that one slow write ends
/// no node.
pub const LIFE: Duration = Duration::from_secs(10);

/// One start of a node. An epoch of a store is assigned once, and later ones are larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(NonZeroU32);

impl Epoch {
    /// The epoch of this number; `None` for 0.
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// Its number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// A lease token of this epoch: its number in the high half, a counter in the low half. Never 0.
    pub const fn token(self, counter: u32) -> u64 {
        (self.get() as u64) << 32 | counter as u64
    }

    /// The epoch that a lease token belongs to; `None` for tokens of no epoch.
    pub const fn of_token(token: u64) -> Option<Self> {
        Self::new((token >> 32) as u32)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The source of the lease tokens of a node. The counter wraps after four billion leases; two leases of one message are
/// never so far apart, because a message is valid for days.
#[derive(Debug)]
pub struct Tokens {
    epoch: Epoch,
    counter: AtomicU32,
}

impl Tokens {
    /// The tokens of an epoch.
    pub const fn of(epoch: Epoch) -> Self {
        Self { epoch, counter: AtomicU32::new(0) }
    }

    /// A token that no other lease of this epoch has.
    pub fn next(&self) -> u64 {
        self.epoch.token(self.counter.fetch_add(1, Ordering::Relaxed))
    }
}

/// A node, as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its epoch.
    pub epoch: Epoch,
    /// The name that its configuration gives it, which is the same after the next start.
    pub name: String,
    /// The version of its program.
    pub build: String,
    /// The time at which it joined, by its wall clock.
    pub joined_at: Timestamp,
    /// The time before which no other node may end it, in steady time.
    pub ends_at: Timestamp,
    /// Whether it is over.
    pub is_over: bool,
    /// Whether it should give its work to other nodes ([`Nodes::set_draining`]).
    pub is_draining: bool,
    /// Its last report to the other nodes ([`Nodes::report`]); empty before.
    pub report: String,
}

/// The result of a take-over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenOver {
    /// The epochs that are over from now on.
    pub epochs: Vec<Epoch>,
    /// The number of their messages that had an attempt under way ([`super::dispatch::Leased::interrupted`]).
    pub interrupted: u64,
}

/// A slot for one session with a carrier, and the epoch that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The carrier.
    pub carrier: String,
    /// The number of the session, from 0.
    pub number: u32,
    /// The epoch that holds it.
    pub epoch: Epoch,
}

/// A carrier that an operator has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedCarrier {
    /// Its name.
    pub carrier: String,
    /// The time at which it was stopped, by the wall clock.
    pub since: Timestamp,
}

/// Nodes, and the sessions of carriers that they share.
///
/// Every call takes the present time by the steady clock, and the store compares readings of different nodes. So a
/// store that several machines share uses its own clock instead. On SQLite there is one process, and one clock.
#[async_trait]
pub trait Nodes: Send + Sync {
    /// Whether other nodes may have the store open at the same time.
    fn is_shared(&self) -> bool;

    /// Joins as a node. The new epoch lives for [`LIFE`] from `now`, and longer when it is renewed.
    ///
    /// If only one process can have the store open (the lock on SQLite's file proves it), every other epoch is over
    /// from now on, because its process is gone. Its messages are due after [`super::dispatch::Dispatch::recover`]. On
    /// a store that several nodes share, the same is true of epochs with this name, which belong to one machine; the
    /// others live on.
    async fn join(&self, name: String, build: String, now: Moment) -> Result<Epoch, StoreError>;

    /// Renews an epoch: no other node may end it for [`LIFE`] from `now`. A late renewal succeeds if no other node has
    /// ended the epoch. Its slots are renewed with it.
    ///
    /// # Errors
    /// [`StoreError::Over`] if it is over: the node must stop sending at once, and its process must end.
    async fn renew(&self, epoch: Epoch, now: Timestamp) -> Result<(), StoreError>;

    /// Records a report of a node for the other nodes; replaces its last one. The store does not interpret it, and need
    /// not keep it longer than the node lives.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the epoch is over.
    async fn report(&self, epoch: Epoch, report: String) -> Result<(), StoreError>;

    /// Sets whether a node should give its work to other nodes, until its epoch is over. [`StoreError::NotFound`] if no
    /// living node has this name.
    async fn set_draining(&self, name: &str, is_draining: bool) -> Result<(), StoreError>;

    /// Ends a node's own epoch, because its process ends. Its leased messages are due at `now` for others, and its
    /// slots are free. A second call, or one for an epoch that is already over, changes nothing.
    async fn leave(&self, epoch: Epoch, now: Timestamp) -> Result<(), StoreError>;

    /// Ends every other epoch that was not renewed in time before `now`. Their leased messages are due at `now`; their
    /// broadcasts and slots can be claimed. Atomic: two nodes that take over at once end each epoch once.
    ///
    /// An epoch that would end later than [`LIFE`] from `now` ends then unless it is renewed: the clock was set back,
    /// for example because a standby with a slow clock took over.
    ///
    /// After an outage of the store all nodes are late. So a node calls this only after it has renewed its own epoch
    /// three times in a row.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the caller's own epoch is over.
    async fn take_over(&self, epoch: Epoch, now: Timestamp) -> Result<TakenOver, StoreError>;

    /// The nodes, newest first: all living ones, and the last hundred that are over.
    async fn nodes(&self) -> Result<Vec<Node>, StoreError>;

    /// Claims sessions with a carrier that has `of` sessions in all, over all nodes: free ones, or those of epochs that
    /// are over, until the node holds `wanted`. Returns the numbers of all that it holds now, in order: fewer than
    /// wanted if other nodes hold the rest. A node binds only sessions that it holds. Slots are held as long as the
    /// epoch is not over: renewing the epoch renews them.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the epoch is over.
    async fn claim_slots(&self, epoch: Epoch, carrier: String, of: u32, wanted: u32) -> Result<Vec<u32>, StoreError>;

    /// Gives back slots of this epoch after their sessions were unbound. Other slots are left alone.
    async fn release_slots(&self, epoch: Epoch, carrier: String, slots: Vec<u32>) -> Result<(), StoreError>;

    /// The slots of epochs that are not over, by carrier and number.
    async fn slots(&self) -> Result<Vec<Slot>, StoreError>;

    /// Stops a carrier for all nodes and every later start, until it is started again. A carrier that is already
    /// stopped keeps its time. Any name is allowed, because a carrier may leave the configuration and come back.
    async fn stop_carrier(&self, carrier: String, at: Timestamp) -> Result<(), StoreError>;

    /// Starts a stopped carrier again. For any other carrier it changes nothing.
    async fn start_carrier(&self, carrier: String) -> Result<(), StoreError>;

    /// The carriers that are stopped, by name.
    async fn stopped_carriers(&self) -> Result<Vec<StoppedCarrier>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_tells_its_epoch() {
        for number in [1, 2, 0x7FFF_FFFF, u32::MAX] {
            let epoch = Epoch::new(number).unwrap();
            let tokens = Tokens { epoch, counter: AtomicU32::new(u32::MAX - 1) };
            let given = [tokens.next(), tokens.next(), tokens.next()];
            assert!(given.iter().all(|token| Epoch::of_token(*token) == Some(epoch)), "{given:?}");
            assert!(given[0] != given[1] && given[1] != given[2], "{given:?}");
        }
        for token in [0, 1, u64::from(u32::MAX)] {
            assert_eq!(Epoch::of_token(token), None, "{token}");
        }
    }
}
