//! Rate limits of an API: the count and the limit for each request. The store counts ([`store::contract::windows`]).

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use model::account::Limits;
use model::error::{ErrorCode, Refusal};
use model::limits::{FixedWindow, RequestKind, Standing, holder_of};
use model::{Owner, Timestamp};
use store::contract::windows::{Entrance, Taken, Window};
use store::{Store, StoreError};

/// The result of a count: the client's standing, and the refusal if the request may not pass.
pub type Counted = Result<Standing, (Standing, Refusal)>;

/// The limits of one API.
pub struct RateLimiter {
    store: Arc<dyn Store>,
    entrance: Entrance,
    failed_auth_per_minute: AtomicU32,
}

impl RateLimiter {
    /// A limiter that allows each address so many failed authentications in a window.
    pub fn new(store: Arc<dyn Store>, entrance: Entrance, failed_auth_per_minute: u32) -> Self {
        Self { store, entrance, failed_auth_per_minute: AtomicU32::new(failed_auth_per_minute) }
    }

    /// Allows each address so many failures from now on; earlier failures in its window count.
    pub fn set_failed_auth_per_minute(&self, failed_auth_per_minute: u32) {
        self.failed_auth_per_minute.store(failed_auth_per_minute, Ordering::Relaxed);
    }

    /// Counts a request of an owner with these limits.
    ///
    /// # Errors
    /// 33002 if its window is full; exactly as many requests pass as the limit allows, even if many come at once. 33105
    /// if the store cannot count.
    pub async fn take(&self, owner: Owner, kind: RequestKind, limits: &Limits, now: Timestamp) -> Counted {
        self.count(Window::Requests(owner, kind), kind.limit(limits), now).await
    }

    /// Counts a failed authentication; addresses of IPv6 share by network ([`holder_of`]).
    ///
    /// # Errors
    /// 33002 if the address has reached the limit. 33105 if the store cannot count.
    pub async fn take_failed_auth(&self, address: IpAddr, now: Timestamp) -> Counted {
        self.count(self.window_of(address), self.failed_auth_per_minute(), now).await
    }

    /// The standing of an address, without counting anything. If the store cannot answer, as if nothing had been
    /// counted.
    pub async fn address_standing(&self, address: IpAddr, now: Timestamp) -> Standing {
        let limit = self.failed_auth_per_minute();
        let standing = self.store.standing(self.window_of(address), limit, now).await;
        standing.unwrap_or_else(|_| unknown(limit, now))
    }

    async fn count(&self, window: Window, limit: u32, now: Timestamp) -> Counted {
        match self.store.take(window, limit, now).await {
            Ok(Taken::Passed(standing)) => Ok(standing),
            Ok(Taken::Full(standing)) => Err((standing, too_often(standing, now))),
            Err(error) => Err((unknown(limit, now), uncounted(error))),
        }
    }

    fn window_of(&self, address: IpAddr) -> Window {
        Window::FailedAuth(self.entrance, holder_of(address))
    }

    fn failed_auth_per_minute(&self) -> u32 {
        self.failed_auth_per_minute.load(Ordering::Relaxed)
    }
}

/// The standing if the store cannot read the window.
fn unknown(limit: u32, now: Timestamp) -> Standing {
    FixedWindow::default().peek(limit, now)
}

fn too_often(standing: Standing, now: Timestamp) -> Refusal {
    Refusal::new(ErrorCode::RateLimitExceeded).with_retry_after(Duration::from_secs(standing.retry_after_secs(now)))
}

fn uncounted(error: StoreError) -> Refusal {
    Refusal::new(ErrorCode::ServiceUnavailable).with_retry_after(RETRY_AFTER).caused_by(error)
}

/// The `Retry-After` if the store cannot count.
const RETRY_AFTER: Duration = Duration::from_secs(2);
