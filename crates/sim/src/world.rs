//! The world around the program: what the actors share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{AccountId, Mode, Msisdn};
use runtime::Runtime;
use tokio::sync::watch;

use crate::chance::Chance;
use crate::executor::{Executor, ProcessId};
use crate::ledger::Ledger;
use crate::network::Network;
use crate::plan::Plan;
use crate::servers::Servers;
use crate::site::{Credentials, Process, Site};

/// What actors share.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) plan: Arc<Plan>,
    pub(crate) executor: Executor,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) site: Arc<Site>,
    pub(crate) networks: Vec<Arc<Network>>,
    pub(crate) servers: Arc<Servers>,
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

/// A key, and since when it certainly opens nothing, at the process that revoked it.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) credentials: Credentials,
    pub(crate) revoked: Option<(Duration, ProcessId)>,
}

/// How soon a change at one node is known to the others.
pub(crate) const KNOWN_EVERYWHERE: Duration = Duration::from_secs(1);

impl World {
    /// How soon a change is known to every node.
    pub(crate) fn known_within(&self) -> Duration {
        if self.site.is_alone() { Duration::ZERO } else { KNOWN_EVERYWHERE }
    }

    /// The id of an account.
    pub(crate) fn account(&self, account: usize) -> AccountId {
        self.tenants()[account].account
    }

    /// Does something in a process, which may die meanwhile.
    pub(crate) async fn within<T: Send + 'static>(
        &self,
        process: &Arc<Process>,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let runtime: Arc<dyn Runtime> = process.runtime.clone();
        self.runtime.timeout(Duration::from_secs(30), runtime.run("within", work)).await.ok()?.ok()
    }

    /// Any number, or a recipient of the broadcast that was accepted last, whose message may be about to leave.
    pub(crate) fn likely_recipient(&self, chance: &mut Chance) -> Msisdn {
        let number = recipient("+1", chance.within(0..60));
        if chance.permille(300) {
            return number;
        }
        let facts = self.ledger.lock();
        let promised = facts
            .requests
            .values()
            .filter_map(|request| request.promised.as_ref().map(|promise| (promise.at, request)));
        let newest = promised.filter(|(_, request)| request.recipients.len() > 1).max_by_key(|(at, _)| *at);
        newest.map_or(number, |(_, request)| *chance.pick(&request.recipients))
    }

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
