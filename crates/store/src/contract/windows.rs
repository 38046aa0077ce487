//! Rate windows: how often an owner asks, and how often an address fails to authenticate.
//!
//! A window begins with the first request in it and lasts [`model::limits::WINDOW`]. Of the requests in it exactly as
//! many pass as the limit allows, however many come at once, and at whichever nodes they arrive. A refused request
//! counts for nothing.
//!
//! Counts need not outlive the last node: what they protect is the service, and a restart of all of it may forget them.
//! As in [`super::nodes`], a store that several machines share takes its own clock in place of the caller's.

use std::net::IpAddr;

use async_trait::async_trait;
use model::limits::{RequestKind, Standing};
use model::{Owner, Timestamp};

use super::StoreError;

/// What is counted in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// Requests of an owner, each kind by itself.
    Requests(Owner, RequestKind),
    /// Failed authentications of an address at an entrance. Addresses are those of holders
    /// ([`model::limits::holder_of`]).
    FailedAuth(Entrance, IpAddr),
}

/// Where a client comes in. What an address does at one of them does not count at the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entrance {
    /// The public API.
    Public,
    /// The admin API.
    Admin,
}

/// What became of a request that was to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is counted, and may pass.
    Passed(Standing),
    /// The window is full, and the request is not counted.
    Full(Standing),
}

/// Rate windows.
#[async_trait]
pub trait Windows: Send + Sync {
    /// Counts a request against `limit`, unless the window is full. Another limit than last time counts at once; what
    /// was counted stays.
    async fn take(&self, window: Window, limit: u32, now: Timestamp) -> Result<Taken, StoreError>;

    /// How a window stands, without counting anything.
    async fn standing(&self, window: Window, limit: u32, now: Timestamp) -> Result<Standing, StoreError>;

    /// How many calls of this process were counted in the second place, because the faster counter that a store may
    /// have did not answer.
    fn fallbacks(&self) -> u64 {
        0
    }
}
