//! Rate windows, in memory: there is one process, and what the windows protect is this process.

use std::net::IpAddr;

use async_trait::async_trait;
use model::limits::{FixedWindow, RequestKind, Standing};
use model::{Owner, Timestamp};

use super::Sqlite;
use ledger::StoreError;
use ledger::contract::windows::{Entrance, Taken, Window, Windows};
use ledger::fading::{ADDRESSES_MAX, Table};

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
    owners: Table<(Owner, RequestKind), FixedWindow>,
    public: Table<IpAddr, FixedWindow>,
    admin: Table<IpAddr, FixedWindow>,
}

impl Default for MemoryWindows {
    fn default() -> Self {
        // Accounts and their windows are few; of addresses strangers have as many as they like.
        Self { owners: Table::new(usize::MAX), public: Table::new(ADDRESSES_MAX), admin: Table::new(ADDRESSES_MAX) }
    }
}

impl MemoryWindows {
    const fn at(&self, entrance: Entrance) -> &Table<IpAddr, FixedWindow> {
        match entrance {
            Entrance::Public => &self.public,
            Entrance::Admin => &self.admin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::fading::SWEEP_FLOOR;

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
        assert!(windows.public.size() <= SWEEP_FLOOR);
    }

    #[test]
    fn strangers_fill_no_memory_however_many_they_are() {
        let (windows, now) = (MemoryWindows::default(), Timestamp::from_millis(1));
        for n in 0..300_000u32 {
            let _ = windows.public.with(address(n), now, |window| window.take(1, now));
        }
        assert!(windows.public.size() <= ADDRESSES_MAX);
    }
}
