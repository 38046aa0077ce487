//! The part of the admin listener that a reload changes.

pub mod failures;
pub mod passwords;
pub(crate) mod proxy;
pub mod sign_in;

use std::sync::{Arc, PoisonError, RwLock};

use model::Limits;
use pipeline::limiter::RateLimiter;
use store::Store;
use store::contract::windows::Entrance;

use config;

/// The settings of the admin listener that may change while the server runs.
pub struct Operators {
    /// The limits of a new account.
    new_account: RwLock<Limits>,
    /// The bearer token; without one the admin API is off.
    token: RwLock<Option<String>>,
    /// The failed guesses of each address.
    pub(crate) limiter: RateLimiter,
    /// The address at which browsers reach the console; empty if unknown.
    console_url: String,
}

impl Operators {
    /// With this token, these limits, and the address at which browsers reach the console; `store` counts guesses.
    pub fn new(token: Option<String>, limits: config::Limits, console_url: &str, store: Arc<dyn Store>) -> Self {
        let limiter = RateLimiter::new(store, Entrance::Admin, limits.failed_auth_per_minute);
        let console_url = console_url.trim_end_matches('/').to_owned();
        Self { new_account: RwLock::new(limits.of_new_accounts()), token: RwLock::new(token), limiter, console_url }
    }

    /// Another token and other limits, from the next request on.
    pub fn take(&self, token: Option<String>, limits: config::Limits) {
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = token;
        *self.new_account.write().unwrap_or_else(PoisonError::into_inner) = limits.of_new_accounts();
        self.limiter.set_failed_auth_per_minute(limits.failed_auth_per_minute);
    }

    /// The limits of a new account.
    pub(crate) fn new_account(&self) -> Limits {
        *self.new_account.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address at which a link signs in. `None` if the address of the console is unknown.
    pub(crate) fn link(&self, token: &str) -> Option<String> {
        (!self.console_url.is_empty()).then(|| format!("{}/console/login?token={token}", self.console_url))
    }

    /// The bearer token.
    pub(crate) fn token(&self) -> Option<String> {
        self.token.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
