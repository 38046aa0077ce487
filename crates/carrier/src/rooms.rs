//! Limits of a listener's connections: of all peers together, and of one address.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use net::{Share, Shares, send_off};
use runtime::Runtime;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a connection that is sent away may take to read that.
const SEND_OFF_TIMEOUT: Duration = Duration::from_secs(5);

/// So many connections of a listener are sent away with words at the same time; more are cut, so that they do not hold
/// our file handles.
pub const SEND_OFFS_MAX: usize = 16;

/// Connections of peers that a listener refused since the start, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefusedConnections {
    /// Their address is in none of the networks of `allow_peers`.
    pub not_allowed: u64,
    /// Their address had its share of the places already.
    pub address_full: u64,
    /// All places were taken.
    pub full: u64,
}

/// Counts refused connections.
#[derive(Debug, Default)]
pub(crate) struct RefusedCounters {
    not_allowed: AtomicU64,
    address_full: AtomicU64,
    full: AtomicU64,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    NotAllowed,
    AddressFull,
    Full,
}

impl Refused {
    /// The reason for the log, as the end of a sentence about the address.
    pub(crate) const fn why(self) -> &'static str {
        match self {
            Self::NotAllowed => "it is not among those that may report",
            Self::AddressFull => "it has as many connections as one address may have",
            Self::Full => "there are too many connections",
        }
    }
}

impl RefusedCounters {
    pub(crate) fn add(&self, why: Refused) {
        let counter = match why {
            Refused::NotAllowed => &self.not_allowed,
            Refused::AddressFull => &self.address_full,
            Refused::Full => &self.full,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> RefusedConnections {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RefusedConnections {
            not_allowed: count(&self.not_allowed),
            address_full: count(&self.address_full),
            full: count(&self.full),
        }
    }
}

/// The room of one listener.
pub(crate) struct Rooms {
    runtime: Arc<dyn Runtime>,
    places: Arc<Semaphore>,
    shares: Shares,
    send_offs: Arc<Semaphore>,
}

/// The place of a connection. It is free when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _place: OwnedSemaphorePermit,
    _share: Share,
}

impl Rooms {
    /// Room for so many connections. One address has three quarters of them at most: the operator lists the peers, and
    /// a single one may have most of the work, but it does not keep the others out.
    pub(crate) fn new(runtime: Arc<dyn Runtime>, connections_max: usize) -> Self {
        let share = (connections_max * 3).div_ceil(4);
        Self {
            runtime,
            places: Arc::new(Semaphore::new(connections_max)),
            shares: Shares::new(share),
            send_offs: Arc::new(Semaphore::new(SEND_OFFS_MAX)),
        }
    }

    /// Takes a place for a connection from this address.
    pub(crate) fn take(&self, address: IpAddr) -> Result<Place, Refused> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Refused::Full)?;
        let share = self.shares.take(address).ok_or(Refused::AddressFull)?;
        Ok(Place { _place: place, _share: share })
    }

    /// Writes `reply` as the last word on a connection, or cuts it where too many others are being sent away.
    pub(crate) fn send_away(&self, stream: TcpStream, reply: &'static [u8]) {
        if let Ok(turn) = Arc::clone(&self.send_offs).try_acquire_owned() {
            let runtime = Arc::clone(&self.runtime);
            let send_off = async move {
                send_off(&runtime, stream, reply, SEND_OFF_TIMEOUT).await;
                drop(turn);
            };
            self.runtime.spawn("send-off", Box::pin(send_off));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_leaves_a_quarter_of_the_places_to_others() {
        for (all, share) in [(1, 1), (2, 2), (4, 3), (32, 24), (50, 38)] {
            let rooms = Rooms::new(crate::machine(), all);
            let take = |address: &str| rooms.take(address.parse().unwrap());
            let held: Vec<Place> = (0..share).map(|_| take("192.0.2.1").unwrap()).collect();
            let expected = if share == all { Refused::Full } else { Refused::AddressFull };
            assert_eq!(take("192.0.2.1").unwrap_err(), expected, "{all}");
            let others: Vec<Place> = (share..all).map(|_| take("192.0.2.2").unwrap()).collect();
            assert_eq!(take("192.0.2.3").unwrap_err(), Refused::Full, "{all}");
            drop((held, others));
            assert!(take("192.0.2.1").is_ok());
        }
    }
}
