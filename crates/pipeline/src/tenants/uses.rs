//! When keys were used last: in memory at once, and from time to time in the store, so that no request waits for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::key::KeyId;
use model::{AccountId, Timestamp};
use runtime::Runtime;
use store::StoreError;

use super::TenantBook;

/// How long a use is known to this node alone, at most.
const EVERY: Duration = Duration::from_secs(60);

/// Uses that the store does not know yet.
#[derive(Debug, Default)]
pub(super) struct Uses(Mutex<HashMap<KeyId, Timestamp>>);

impl Uses {
    /// Notes a use.
    pub(super) fn note(&self, key: &KeyId, at: Timestamp) {
        let mut uses = self.uses();
        match uses.get_mut(key) {
            Some(last) => *last = at.max(*last),
            None => drop(uses.insert(key.clone(), at)),
        }
    }

    fn last(&self, key: &KeyId) -> Option<Timestamp> {
        self.uses().get(key).copied()
    }

    fn take(&self) -> BTreeMap<KeyId, Timestamp> {
        self.uses().drain().collect()
    }

    // A use is noted whole.
    fn uses(&self) -> MutexGuard<'_, HashMap<KeyId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TenantBook {
    /// When the keys of an account were used last. What another node has seen may be missing for a minute.
    ///
    /// # Errors
    /// As the store.
    pub async fn key_uses(&self, account: AccountId) -> Result<BTreeMap<KeyId, Timestamp>, StoreError> {
        let mut uses = self.store.key_uses(account).await?;
        let tables = self.read();
        for key in tables.keys.values().filter(|key| key.account == account) {
            if let Some(here) = self.uses.last(&key.id) {
                let last = uses.entry(key.id.clone()).or_insert(here);
                *last = here.max(*last);
            }
        }
        Ok(uses)
    }

    /// Writes to the store what was used, again and again, until the task is dropped.
    pub(crate) async fn keep_uses(&self, runtime: &Arc<dyn Runtime>) {
        loop {
            runtime.sleep(EVERY).await;
            self.save_uses().await;
        }
    }

    /// Writes to the store what was used since the last time. Where it does not take that, the next time has it too.
    pub(crate) async fn save_uses(&self) {
        let uses = self.uses.take();
        if uses.is_empty() {
            return;
        }
        if let Err(error) = self.store.note_key_uses(uses.clone()).await {
            tracing::warn!(%error, "When keys were used last could not be written; it is tried again: {error}");
            uses.iter().for_each(|(key, at)| self.uses.note(key, *at));
        }
    }
}
