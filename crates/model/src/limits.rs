//! Fixed windows: at most so many requests in each 60 seconds, as a pure function of the time.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::account::Limits;
use crate::clock::Timestamp;

/// The length of a window. It begins with the first request in it.
pub const WINDOW: Duration = Duration::from_secs(60);

/// The largest difference between the clock readings of requests that are counted at the same time.
pub const READINGS_APART: Duration = Duration::from_secs(1);

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

/// One window's count.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedWindow {
    began_at: Option<Timestamp>,
    used: u32,
}

/// The state of a limit for a client, for the `X-RateLimit-*` headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Requests in a window.
    pub limit: u32,
    /// Requests left in this one.
    pub remaining: u32,
    /// The end of the window.
    pub resets_at: Timestamp,
}

impl Standing {
    /// Whole seconds until the window ends, at least 1, for `Retry-After`.
    pub fn retry_after_secs(&self, now: Timestamp) -> u64 {
        self.resets_at.since(now).as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX)
    }
}

impl FixedWindow {
    /// Counts a request against `limit`. `Err` when the window is full; a refused request counts for nothing.
    pub fn take(&mut self, limit: u32, now: Timestamp) -> Result<Standing, Standing> {
        let began_at = self.current(now);
        if self.used >= limit {
            return Err(self.standing(limit, began_at));
        }
        self.began_at = Some(began_at);
        self.used += 1;
        Ok(self.standing(limit, began_at))
    }

    /// The state of the limit, without counting anything.
    pub fn peek(&mut self, limit: u32, now: Timestamp) -> Standing {
        let began_at = self.current(now);
        self.standing(limit, began_at)
    }

    /// Whether nothing is counted at `now`, so that the window need not be kept.
    pub fn is_idle(&self, now: Timestamp) -> bool {
        self.began_at.is_none_or(|began| !Self::holds(began, now))
    }

    /// The beginning of the window at `now`; resets the count of a window that is over.
    fn current(&mut self, now: Timestamp) -> Timestamp {
        match self.began_at {
            Some(began) if Self::holds(began, now) => began.min(now),
            _ => {
                *self = Self::default();
                now
            }
        }
    }

    /// A clock set back ends the window too, so that no client waits longer than a window for it. A reading that is
    /// only a little earlier is of a request that came at the same time, read the clock before the first one and is
    /// counted after it.
    fn holds(began: Timestamp, now: Timestamp) -> bool {
        began <= now + READINGS_APART && now < began + WINDOW
    }

    fn standing(&self, limit: u32, began_at: Timestamp) -> Standing {
        Standing { limit, remaining: limit.saturating_sub(self.used), resets_at: began_at + WINDOW }
    }
}

/// The address under which the holder of `address` is counted: an IPv4 address for itself, also in its IPv6 form; an
/// IPv6 address with its /64, because every customer of a provider has at least that many addresses (RFC 6177).
pub fn holder_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn exactly_the_limit_passes_in_a_window() {
        let mut window = FixedWindow::default();
        let passed = (0..25).filter(|i| window.take(10, at(1_000 + i)).is_ok()).count();
        assert_eq!(passed, 10);
        let full = window.take(10, at(2_000)).unwrap_err();
        assert_eq!(full, Standing { limit: 10, remaining: 0, resets_at: at(61_000) });
    }

    #[test]
    fn a_window_ends_60_seconds_after_its_first_request() {
        let mut window = FixedWindow::default();
        window.take(1, at(500)).unwrap();
        assert!(window.take(1, at(60_499)).is_err());
        assert_eq!(window.take(1, at(60_500)).unwrap().resets_at, at(120_500));
    }

    #[test]
    fn retry_after_is_whole_seconds_and_at_least_one() {
        let standing = Standing { limit: 1, remaining: 0, resets_at: at(60_500) };
        assert_eq!(standing.retry_after_secs(at(500)), 60);
        assert_eq!(standing.retry_after_secs(at(59_400)), 2);
        assert_eq!(standing.retry_after_secs(at(60_499)), 1);
    }

    #[test]
    fn a_clock_set_back_blocks_nobody() {
        let mut window = FixedWindow::default();
        window.take(1, at(7_200_000)).unwrap();
        assert!(window.take(1, at(3_600_000)).is_ok());
    }

    /// Two requests at the same time read the clock in one order and are counted in the other.
    #[test]
    fn a_reading_just_before_the_window_began_counts_in_it() {
        let mut window = FixedWindow::default();
        window.take(2, at(10_001)).unwrap();
        assert_eq!(window.take(2, at(10_000)).unwrap(), Standing { limit: 2, remaining: 0, resets_at: at(70_000) });
        assert!(window.take(2, at(10_002)).is_err() && window.take(2, at(9_999)).is_err());
        assert!(!window.is_idle(at(9_999)));
        assert!(window.take(2, at(70_000)).is_ok(), "no window lasts longer than any other");
    }

    #[test]
    fn looking_counts_nothing() {
        let mut window = FixedWindow::default();
        assert_eq!(window.peek(3, at(0)).remaining, 3);
        window.take(3, at(0)).unwrap();
        assert_eq!(window.peek(3, at(1)).remaining, 2);
        assert!(!window.is_idle(at(59_999)) && window.is_idle(at(60_000)));
    }

    #[test]
    fn a_limit_of_zero_passes_nothing() {
        assert!(FixedWindow::default().take(0, at(0)).is_err());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_holder() {
        for (address, holder) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:3:3:4:5:6", "2001:db8:1:3::"),
        ] {
            assert_eq!(holder_of(address.parse().unwrap()), holder.parse::<IpAddr>().unwrap(), "{address}");
        }
    }
}
