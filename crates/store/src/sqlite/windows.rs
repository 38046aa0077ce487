//! Rate windows, in memory: there is one process, and what the windows protect is this process.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use model::limits::{FixedWindow, RequestKind, Standing};
use model::{Owner, Timestamp};

use super::Sqlite;
use crate::StoreError;
use crate::contract::windows::{Entrance, Taken, Window, Windows};

#[async_trait]
impl Windows for Sqlite {
    async fn take(&self, window: Window, limit: u32, now: Timestamp) -> Result<Taken, StoreError> {
        let take = |window: &mut FixedWindow| window.take(limit, now);
        let taken = match window {
            Window::Requests(owner, kind) => self.windows.owners.with((owner, kind), now, take),
            Window::FailedAuth(entrance, address) => self.windows.at(entrance).with(address, now, take),
        };
        Ok(taken.map_or_else(Taken::Full, Taken::Passed))
    }

    async fn standing(&self, window: Window, limit: u32, now: Timestamp) -> Result<Standing, StoreError> {
        let mut known = match window {
            Window::Requests(owner, kind) => self.windows.owners.get(&(owner, kind)),
            Window::FailedAuth(entrance, address) => self.windows.at(entrance).get(&address),
        };
        Ok(known.peek(limit, now))
    }
}

/// The windows of this process.
pub(super) struct MemoryWindows {
    owners: Table<(Owner, RequestKind)>,
    public: Table<IpAddr>,
    admin: Table<IpAddr>,
}

impl Default for MemoryWindows {
    fn default() -> Self {
        // Accounts and their windows are few; of addresses strangers have as many as they like.
        Self { owners: Table::new(usize::MAX), public: Table::new(ADDRESSES_MAX), admin: Table::new(ADDRESSES_MAX) }
    }
}

impl MemoryWindows {
    const fn at(&self, entrance: Entrance) -> &Table<IpAddr> {
        match entrance {
            Entrance::Public => &self.public,
            Entrance::Admin => &self.admin,
        }
    }
}

/// How many addresses are remembered for each entrance: some 4 MB. Past it all are forgotten. An attacker who has so
/// many addresses has no need of that.
const ADDRESSES_MAX: usize = 65_536;

/// Windows by name. Idle ones are dropped when the table has doubled since the last time, and all when it is full, so
/// that strangers cannot fill the memory.
struct Table<K>(Mutex<Rows<K>>);

struct Rows<K> {
    windows: HashMap<K, FixedWindow>,
    sweep_at: usize,
    most: usize,
}

/// Below this size a table is not swept.
const SWEEP_FLOOR: usize = 1024;

impl<K: Hash + Eq> Table<K> {
    fn new(most: usize) -> Self {
        Self(Mutex::new(Rows { windows: HashMap::new(), sweep_at: SWEEP_FLOOR, most }))
    }

    fn with<T>(&self, key: K, now: Timestamp, use_window: impl FnOnce(&mut FixedWindow) -> T) -> T {
        let mut rows = self.rows();
        if rows.windows.len() >= rows.sweep_at {
            rows.windows.retain(|_, window| !window.is_idle(now));
            if rows.windows.len() >= rows.most {
                rows.windows.clear();
            }
            rows.sweep_at = (rows.windows.len() * 2).clamp(SWEEP_FLOOR, rows.most.max(SWEEP_FLOOR));
        }
        use_window(rows.windows.entry(key).or_default())
    }

    fn get(&self, key: &K) -> FixedWindow {
        self.rows().windows.get(key).copied().unwrap_or_default()
    }

    fn rows(&self) -> MutexGuard<'_, Rows<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> IpAddr {
        IpAddr::V4(n.into())
    }

    #[test]
    fn idle_windows_are_forgotten() {
        let windows = MemoryWindows::default();
        for n in 0..10_000u32 {
            let now = Timestamp::from_millis(i64::from(n) * 1_000);
            assert!(windows.public.with(address(n), now, |window| window.take(1, now)).is_ok());
        }
        assert!(windows.public.rows().windows.len() <= SWEEP_FLOOR);
    }

    #[test]
    fn strangers_fill_no_memory_however_many_they_are() {
        let (windows, now) = (MemoryWindows::default(), Timestamp::from_millis(1));
        for n in 0..300_000u32 {
            let _ = windows.public.with(address(n), now, |window| window.take(1, now));
        }
        assert!(windows.public.rows().windows.len() <= ADDRESSES_MAX);
    }
}
