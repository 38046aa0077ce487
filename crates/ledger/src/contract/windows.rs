//! Rate windows: the requests of an owner, and the failed authentications of an address.
//!
//! A window begins with the first request in it and lasts [`model::limits::WINDOW`]. Exactly as many of its requests
//! pass as the limit allows, regardless of concurrency and nodes. A refused request does not count.
//!
//! Counts need not outlive the last node: they protect the service, and a restart of all nodes may forget them. As in
//! [`super::nodes`], a store that several machines share uses its own clock instead of the caller's.

use std::net::IpAddr;

use async_trait::async_trait;
use model::limits::{RequestKind, Standing};
use model::{Owner, Timestamp};

use super::StoreError;

/// The subject of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// Requests of an owner, each kind separately.
    Requests(Owner, RequestKind),
    /// Failed authentications of an address at an entrance. Addresses are those of holders
    /// ([`model::limits::holder_of`]).
    FailedAuth(Entrance, IpAddr),
}

/// The API that a client uses. Failures at one of them do not count at the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entrance {
    /// The public API.
    Public,
    /// The admin API.
    Admin,
}

/// The outcome of the count of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The request is counted, and may pass.
    Passed(Standing),
    /// The window is full, and the request is not counted.
    Full(Standing),
}

/// Rate windows.
#[async_trait]
pub trait Windows: Send + Sync {
    /// Counts a request against `limit`, unless the window is full. A changed limit applies at once; earlier counts
    /// stay.
    async fn take(&self, window: Window, limit: u32, now: Timestamp) -> Result<Taken, StoreError>;

    /// The state of a window, without counting anything.
    async fn standing(&self, window: Window, limit: u32, now: Timestamp) -> Result<Standing, StoreError>;

    /// The number of calls of this process that the second counter counted, because the faster counter of the store did
    /// not answer.
    fn fallbacks(&self) -> u64 {
        0
    }
}
