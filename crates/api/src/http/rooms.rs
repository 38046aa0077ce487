//! The room that a door has for connections: so many in all, and so many of one address. It may change while the door
//! is open.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ipnet::IpNet;
use net::{Patience, Share, Shares};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// The limits of clients at a listener.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Connections at once.
    pub connections_max: usize,
    /// Those of one address.
    pub connections_per_address: usize,
    /// Networks whose addresses represent many clients, and have no limit of their own.
    pub proxies: Vec<IpNet>,
    /// The longest time for a head, and for an idle connection.
    pub head_timeout: Duration,
    /// The largest head.
    pub head_bytes_max: usize,
    /// The longest time without progress in which a client reads an answer.
    pub write: Patience,
}

/// So many clients are seen off in order at the same time; others are sent their answer and cut. File handles are kept
/// free for them.
pub const SEND_OFFS_MAX: usize = 32;

/// The room of one door.
pub struct Rooms {
    bounds: RwLock<Arc<Bounds>>,
    taken: AtomicUsize,
    emptied: Notify,
    shares: Shares,
    send_offs: Arc<Semaphore>,
}

/// The place of a connection. It is free when this is dropped.
pub struct Place {
    rooms: Arc<Rooms>,
    /// The bounds that hold for this connection.
    pub bounds: Arc<Bounds>,
    _share: Option<Share>,
}

impl Rooms {
    /// Room within these bounds.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            shares: Shares::new(bounds.connections_per_address),
            bounds: RwLock::new(Arc::new(bounds)),
            taken: AtomicUsize::new(0),
            emptied: Notify::new(),
            send_offs: Arc::new(Semaphore::new(SEND_OFFS_MAX)),
        }
    }

    /// The bounds of the next connection.
    pub fn bounds(&self) -> Arc<Bounds> {
        Arc::clone(&self.bounds.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Other bounds for all connections from now on. Connections that are open keep theirs, and their places.
    pub fn set_bounds(&self, bounds: Bounds) {
        self.shares.set_most(bounds.connections_per_address);
        *self.bounds.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(bounds);
    }

    /// A place for a connection from this address.
    ///
    /// # Errors
    /// The name that metrics have for the reason.
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Result<Place, &'static str> {
        let (address, bounds) = (address.to_canonical(), self.bounds());
        let is_proxy = bounds.proxies.iter().any(|network| network.contains(&address));
        let share = if is_proxy { None } else { Some(self.shares.take(address).ok_or("address_full")?) };
        let connections_max = bounds.connections_max;
        let place = Place { rooms: Arc::clone(self), bounds, _share: share };
        // Where it is one too many, dropping it gives it back.
        if self.taken.fetch_add(1, Ordering::SeqCst) >= connections_max { Err("full") } else { Ok(place) }
    }

    /// A place among those that are seen off in order; `None` in a crowd.
    pub(super) fn take_send_off(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.send_offs).try_acquire_owned().ok()
    }

    /// Resolves when no place is taken.
    pub(super) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.taken.load(Ordering::SeqCst) == 0 {
                return;
            }
            emptied.await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.rooms.taken.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.rooms.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(connections_max: usize, connections_per_address: usize) -> Bounds {
        let write = Patience::of(Duration::from_secs(1));
        Bounds {
            connections_max,
            connections_per_address,
            proxies: Vec::new(),
            head_timeout: Duration::from_secs(1),
            head_bytes_max: 8_192,
            write,
        }
    }

    #[tokio::test]
    async fn bounds_that_change_hold_from_the_next_connection_on() {
        let rooms = Arc::new(Rooms::new(bounds(2, 1)));
        let take = |address: &str| rooms.take(address.parse().unwrap());
        let (first, second) = (take("192.0.2.1").ok(), take("192.0.2.2").ok());
        assert!(first.is_some() && second.is_some());
        assert_eq!((take("192.0.2.1").err(), take("192.0.2.3").err()), (Some("address_full"), Some("full")));
        rooms.set_bounds(bounds(3, 2));
        let third = take("192.0.2.1").ok();
        assert!(third.is_some());
        rooms.set_bounds(bounds(1, 2));
        drop(first);
        assert_eq!(
            take("192.0.2.4").err(),
            Some("full"),
            "two are open still, of which one was opened under the wider bounds"
        );
        drop((second, third));
        rooms.emptied().await;
        assert!(take("192.0.2.4").is_ok());
    }
}
