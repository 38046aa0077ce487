//! Rate limits: one fixed window for each owner and kind of request, and one for each address that fails to authenticate.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::account::Limits;
use model::limits::{FixedWindow, Standing, holder_of};
use model::{Owner, Timestamp};

/// The kinds of request that are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// `POST /message`.
    Message,
    /// `POST /broadcast`.
    Broadcast,
    /// Everything else.
    Read,
}

impl RequestKind {
    /// The account's limit for this kind, in requests a window.
    pub const fn limit(self, limits: &Limits) -> u32 {
        match self {
            Self::Message => limits.message_per_minute,
            Self::Broadcast => limits.broadcast_per_minute,
            Self::Read => limits.read_per_minute,
        }
    }
}

/// The windows of this process.
pub struct RateLimiter {
    failed_auth_per_minute: AtomicU32,
    owners: Windows<(Owner, RequestKind)>,
    addresses: Windows<IpAddr>,
}

impl RateLimiter {
    /// A limiter that lets each address fail to authenticate this often in a window.
    pub fn new(failed_auth_per_minute: u32) -> Self {
        // There are two windows for each account; of addresses strangers have as many as they like.
        Self { failed_auth_per_minute: AtomicU32::new(failed_auth_per_minute), owners: Windows::new(usize::MAX), addresses: Windows::new(ADDRESSES_MAX) }
    }

    /// Lets each address fail this often from now on; what it has failed in its window counts.
    pub fn set_failed_auth_per_minute(&self, failed_auth_per_minute: u32) {
        self.failed_auth_per_minute.store(failed_auth_per_minute, Ordering::Relaxed);
    }

    fn failed_auth_per_minute(&self) -> u32 {
        self.failed_auth_per_minute.load(Ordering::Relaxed)
    }

    /// Counts a request of an owner. `Err` when its window is full; exactly `limit` requests pass, however many come at once.
    pub fn take(&self, owner: Owner, kind: RequestKind, limit: u32, now: Timestamp) -> Result<Standing, Standing> {
        self.owners.with((owner, kind), now, |window| window.take(limit, now))
    }

    /// Counts a failed authentication. `Err` when the address has had its share; addresses of IPv6 share by network ([`holder_of`]).
    pub fn take_failed_auth(&self, address: IpAddr, now: Timestamp) -> Result<Standing, Standing> {
        self.addresses.with(holder_of(address), now, |window| window.take(self.failed_auth_per_minute(), now))
    }

    /// Where an address stands, without counting anything.
    pub fn address_standing(&self, address: IpAddr, now: Timestamp) -> Standing {
        let known = self.addresses.lock().windows.get(&holder_of(address)).copied();
        known.unwrap_or_default().peek(self.failed_auth_per_minute(), now)
    }
}

/// How many addresses are remembered: some 4 MB. Past it all are forgotten. An attacker who has so many addresses has no need of that.
const ADDRESSES_MAX: usize = 65_536;

/// Windows by name. Idle ones are dropped when the table has doubled since the last time, and all when it is full, so that strangers cannot fill
/// the memory.
struct Windows<K>(Mutex<Table<K>>);

struct Table<K> {
    windows: HashMap<K, FixedWindow>,
    sweep_at: usize,
    most: usize,
}

/// Below this size a table is not swept.
const SWEEP_FLOOR: usize = 1024;

impl<K: Hash + Eq> Windows<K> {
    fn new(most: usize) -> Self {
        Self(Mutex::new(Table { windows: HashMap::new(), sweep_at: SWEEP_FLOOR, most }))
    }

    fn with<T>(&self, key: K, now: Timestamp, use_window: impl FnOnce(&mut FixedWindow) -> T) -> T {
        let mut table = self.lock();
        if table.windows.len() >= table.sweep_at {
            table.windows.retain(|_, window| !window.is_idle(now));
            if table.windows.len() >= table.most {
                table.windows.clear();
            }
            table.sweep_at = (table.windows.len() * 2).clamp(SWEEP_FLOOR, table.most.max(SWEEP_FLOOR));
        }
        use_window(table.windows.entry(key).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, Table<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{AccountId, Mode};
    use std::sync::Arc;

    fn live(n: u8) -> Owner {
        Owner { account: AccountId::from_bytes([n; 16]), mode: Mode::Live }
    }

    #[test]
    fn exactly_n_of_m_concurrent_requests_pass() {
        let limiter = Arc::new(RateLimiter::new(30));
        let now = Timestamp::from_millis(1);
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let limiter = Arc::clone(&limiter);
                std::thread::spawn(move || (0..100).filter(|_| limiter.take(live(1), RequestKind::Message, 10, now).is_ok()).count())
            })
            .collect();
        assert_eq!(threads.into_iter().map(|t| t.join().unwrap()).sum::<usize>(), 10);
    }

    #[test]
    fn accounts_modes_and_kinds_are_counted_apart() {
        let limiter = RateLimiter::new(30);
        let now = Timestamp::from_millis(1);
        assert!(limiter.take(live(1), RequestKind::Message, 1, now).is_ok());
        assert!(limiter.take(live(1), RequestKind::Message, 1, now).is_err());
        assert!(limiter.take(live(1), RequestKind::Read, 1, now).is_ok());
        assert!(limiter.take(live(2), RequestKind::Message, 1, now).is_ok());
        assert!(limiter.take(Owner { mode: Mode::Test, ..live(1) }, RequestKind::Message, 1, now).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_guesses_as_one() {
        let limiter = RateLimiter::new(1);
        let now = Timestamp::from_millis(1);
        let guess = |address: &str| limiter.take_failed_auth(address.parse().unwrap(), now).is_ok();
        assert_eq!(["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"].map(guess), [true, false, true]);
    }

    #[test]
    fn idle_windows_are_forgotten() {
        let limiter = RateLimiter::new(1);
        for n in 0..10_000u32 {
            let address = IpAddr::V4(n.into());
            let now = Timestamp::from_millis(i64::from(n) * 1_000);
            assert!(limiter.take_failed_auth(address, now).is_ok());
        }
        assert!(limiter.addresses.0.lock().unwrap().windows.len() <= SWEEP_FLOOR);
    }

    #[test]
    fn strangers_fill_no_memory_however_many_they_are() {
        let (limiter, now) = (RateLimiter::new(1), Timestamp::from_millis(1));
        for n in 0..300_000u32 {
            let _ = limiter.take_failed_auth(IpAddr::V4(n.into()), now);
        }
        assert!(limiter.addresses.0.lock().unwrap().windows.len() <= ADDRESSES_MAX);
    }

    #[test]
    fn the_addresses_of_one_host_are_one() {
        let (limiter, now) = (RateLimiter::new(1), Timestamp::from_millis(1));
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(limiter.take_failed_auth(address("2001:db8::1"), now).is_ok());
        assert!(limiter.take_failed_auth(address("2001:db8::ffff:1"), now).is_err());
        assert_eq!(limiter.address_standing(address("2001:db8:0:0:1::"), now).remaining, 0);
        assert!(limiter.take_failed_auth(address("2001:db8:0:1::1"), now).is_ok(), "the next network");
        assert!(limiter.take_failed_auth(address("192.0.2.1"), now).is_ok());
        assert!(limiter.take_failed_auth(address("::ffff:192.0.2.1"), now).is_err(), "the same address in another form");
    }
}
