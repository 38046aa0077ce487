//! Owners: a node is an epoch, and an epoch owns what it promised until it is over.
//!
//! Each start of the program joins as a node and gets an [`Epoch`], a number that no other start ever gets. Leased
//! messages, broadcasts and sessions of carriers belong to an epoch. The node renews its epoch every [`HEARTBEAT`];
//! another node may end it once [`LIFE`] has passed without a renewal ([`Nodes::take_over`]), and from then on the
//! epoch is *over* for ever. That is a fact in the store and no reading of a clock: a node whose epoch is late but not
//! over goes on, and a node that was paused while another one ended its epoch finds that out in the store. The store
//! gives an epoch that is over nothing, and promises nothing in its name ([`StoreError::Over`]); what it owned is given
//! to others.
//!
//! Within an epoch a lease still has an end of its own: it finds messages that were lost from the node's memory.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use model::{Moment, Timestamp};

use super::StoreError;

/// How often a node renews its epoch.
pub const HEARTBEAT: Duration = Duration::from_secs(2);

/// How long after its last renewal another node may end an epoch: five heartbeats, so that one slow write ends no node.
pub const LIFE: Duration = Duration::from_secs(10);

/// One start of a node. Epochs of a store are given once, and later ones are larger.
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

/// Where the lease tokens of a node come from. The counter wraps after four thousand million leases: two leases of one
/// message never lie so far apart, since a message is valid for days.
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
    /// When it joined, by its wall clock.
    pub joined_at: Timestamp,
    /// Until when no other node may end it, in steady time.
    pub ends_at: Timestamp,
    /// Whether it is over.
    pub is_over: bool,
    /// Whether it is to give its work to other nodes ([`Nodes::set_draining`]).
    pub is_draining: bool,
    /// What it told the others of itself last ([`Nodes::report`]); empty before.
    pub report: String,
}

/// What a node took over from others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenOver {
    /// The epochs that are over from now on.
    pub epochs: Vec<Epoch>,
    /// How many of their messages had an attempt under way ([`super::dispatch::Leased::interrupted`]).
    pub interrupted: u64,
}

/// A place for one session with a carrier, and the epoch that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The carrier.
    pub carrier: String,
    /// Which of its sessions, from 0.
    pub number: u32,
    /// Who holds it.
    pub epoch: Epoch,
}

/// A carrier that an operator has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedCarrier {
    /// Its name.
    pub carrier: String,
    /// When it was stopped, by the wall clock.
    pub since: Timestamp,
}

/// Nodes, and the sessions of carriers that they share.
///
/// Every call takes the present moment in steady time, and the store compares readings of different nodes. So a store
/// that several machines share uses its own clock instead. On SQLite there is one process, and one clock.
#[async_trait]
pub trait Nodes: Send + Sync {
    /// Whether other nodes may have the store open at the same time.
    fn is_shared(&self) -> bool;

    /// Joins as a node. The new epoch lives for [`LIFE`] from `now`, and longer when it is renewed.
    ///
    /// Where only one process can have the store open (the lock on SQLite's file proves it), every other epoch is over
    /// from now on: its process is gone. What those left is due after [`super::dispatch::Dispatch::recover`]. On a
    /// store that several nodes share, the same is true of the epochs of this name, which is one machine's; the others
    /// live on.
    async fn join(&self, name: String, build: String, now: Moment) -> Result<Epoch, StoreError>;

    /// Renews an epoch: nobody may end it for [`LIFE`] from `now`. A late renewal succeeds, as long as nobody has ended
    /// the epoch. Its slots are renewed with it.
    ///
    /// # Errors
    /// [`StoreError::Over`] when it is over: the node must stop sending at once, and its process must end.
    async fn renew(&self, epoch: Epoch, now: Timestamp) -> Result<(), StoreError>;

    /// Notes what a node tells the others of itself, in place of what it told before. What it means is theirs to know;
    /// it need not outlive the node.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the epoch is over.
    async fn report(&self, epoch: Epoch, report: String) -> Result<(), StoreError>;

    /// Says whether a node is to give its work to other nodes, until its epoch is over. [`StoreError::NotFound`] where
    /// no living node has this name.
    async fn set_draining(&self, name: &str, is_draining: bool) -> Result<(), StoreError>;

    /// Ends a node's own epoch, because its process ends. What it still has leased is due at `now` for others, and its
    /// slots are free. A second time, or for an epoch that is over already, changes nothing.
    async fn leave(&self, epoch: Epoch, now: Timestamp) -> Result<(), StoreError>;

    /// Ends every other epoch that was not renewed in time before `now`. What those have leased is due at `now`; their
    /// broadcasts and slots are free to be claimed. Atomic: two nodes that take over at once end each epoch once.
    ///
    /// One that would end later than [`LIFE`] from `now` ends then unless it is renewed: the clock was set back, as
    /// where a standby took over whose clock is behind.
    ///
    /// After the store was out of reach all nodes are late. So a node calls this only when it has itself renewed its
    /// epoch three times in a row.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the caller's own epoch is over.
    async fn take_over(&self, epoch: Epoch, now: Timestamp) -> Result<TakenOver, StoreError>;

    /// The nodes, the newest first: all that live, and the last hundred that are over.
    async fn nodes(&self) -> Result<Vec<Node>, StoreError>;

    /// Claims sessions with a carrier that has `of` of them in all, over all nodes: free ones, or those of epochs that
    /// are over, until the node holds `wanted`. Returns the numbers of all that it holds now, in order: fewer than
    /// wanted where other nodes hold the rest. A node binds only sessions that it holds. Slots are held as long as the
    /// epoch is not over: renewing the epoch renews them.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the epoch is over.
    async fn claim_slots(&self, epoch: Epoch, carrier: String, of: u32, wanted: u32) -> Result<Vec<u32>, StoreError>;

    /// Gives slots back that this epoch holds: their sessions are unbound. Others are left alone.
    async fn release_slots(&self, epoch: Epoch, carrier: String, slots: Vec<u32>) -> Result<(), StoreError>;

    /// The slots that epochs hold which are not over, by carrier and number.
    async fn slots(&self) -> Result<Vec<Slot>, StoreError>;

    /// Stops a carrier for all nodes and every later start, until it is started again. One that is stopped already
    /// keeps its time. Any name will do: a carrier may leave the configuration and come back.
    async fn stop_carrier(&self, carrier: String, at: Timestamp) -> Result<(), StoreError>;

    /// Starts a stopped carrier again. For any other it changes nothing.
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
