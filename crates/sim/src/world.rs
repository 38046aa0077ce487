//! The world around the program: what the actors share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{AccountId, Mode, Msisdn};
use runtime::Runtime;
use tokio::sync::watch;

use crate::executor::Executor;
use crate::ledger::Ledger;
use crate::network::Network;
use crate::plan::Plan;
use crate::site::{Credentials, Site};

/// What actors share.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) plan: Arc<Plan>,
    pub(crate) executor: Executor,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) site: Arc<Site>,
    pub(crate) networks: Vec<Arc<Network>>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) tenants: Arc<Mutex<Vec<Tenant>>>,
    /// Turns false when faults have ended and clients start nothing new.
    pub(crate) is_active: watch::Receiver<bool>,
}

/// An account as its clients know it.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) account: AccountId,
    pub(crate) live: Key,
    pub(crate) test: Key,
}

/// A key, and since when it certainly opens nothing.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) credentials: Credentials,
    pub(crate) revoked: Option<Duration>,
}

impl World {
    pub(crate) fn tenants(&self) -> MutexGuard<'_, Vec<Tenant>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn key(&self, account: usize, mode: Mode) -> Key {
        let tenants = self.tenants();
        match mode {
            Mode::Live => tenants[account].live.clone(),
            Mode::Test => tenants[account].test.clone(),
        }
    }

    pub(crate) fn is_active(&self) -> bool {
        *self.is_active.borrow()
    }

    pub(crate) fn is_traced(&self) -> bool {
        self.executor.is_traced()
    }
}

/// A recipient with this number in the plan that `prefix` begins. Few, so that they meet again.
pub(crate) fn recipient(prefix: &str, number: u64) -> Msisdn {
    Msisdn::parse(&format!("{prefix}202{number:07}"))
        .unwrap_or_else(|_| unreachable!("a prefix and ten digits are a number"))
}
