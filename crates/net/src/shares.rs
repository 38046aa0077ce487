//! The number of connections of one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::limits::holder_of;

/// The connections of each address, so that one cannot take the places of all. Networks of IPv6 are counted as
/// [`holder_of`] says.
#[derive(Debug)]
pub struct Shares {
    most: AtomicUsize,
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection that is counted, until this is dropped.
#[derive(Debug)]
pub struct Share {
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
    holder: IpAddr,
}

impl Shares {
    /// At most so many connections for each address.
    pub fn new(most: usize) -> Self {
        Self { most: AtomicUsize::new(most), held: Arc::default() }
    }

    /// Another bound, from the next connection on.
    pub fn set_most(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// Counts a connection from this address; `None` where it has its share already.
    pub fn take(&self, address: IpAddr) -> Option<Share> {
        let holder = holder_of(address);
        let mut held = lock(&self.held);
        let count = held.entry(holder).or_default();
        if *count >= self.most.load(Ordering::Relaxed) {
            return None;
        }
        *count += 1;
        Some(Share { held: Arc::clone(&self.held), holder })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = lock(&self.held);
        if let Some(count) = held.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.holder);
            }
        }
    }
}

fn lock(held: &Mutex<HashMap<IpAddr, usize>>) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_no_more() {
        let shares = Shares::new(2);
        let take = |address: &str| shares.take(address.parse().unwrap());
        let (first, second) = (take("192.0.2.1"), take("::ffff:192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(take("192.0.2.1").is_none(), "an IPv4 address is the same in IPv6");
        assert!(take("192.0.2.2").is_some());
        drop(first);
        assert!(take("192.0.2.1").is_some());
    }

    #[test]
    fn a_network_of_ipv6_has_one_share() {
        let shares = Shares::new(1);
        let held = shares.take("2001:db8:0:1::1".parse().unwrap());
        assert!(held.is_some());
        assert!(shares.take("2001:db8:0:1:ffff::2".parse().unwrap()).is_none());
        assert!(shares.take("2001:db8:0:2::1".parse().unwrap()).is_some());
        drop(held);
        assert!(lock(&shares.held).is_empty(), "addresses that hold nothing are forgotten");
    }
}
