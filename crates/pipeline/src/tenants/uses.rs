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
    /// The errors of the store.
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
            tracing::warn!(%error, "The last uses of keys could not be recorded, trying again: {error}");
            uses.iter().for_each(|(key, at)| self.uses.note(key, *at));
        }
    }
}

#[cfg(test)]
mod tests {
    use model::key::Mode;
    use model::{Clock, SeededEntropy};
    use runtime::Machine;
    use store::Store;
    use testkit::{LIMITS, Place, pepper};

    use super::*;

    /// Tenants with one account and its key, and a use of that.
    struct Used {
        store: Arc<dyn Store>,
        tenants: Arc<TenantBook>,
        account: AccountId,
        key: KeyId,
        at: Timestamp,
        runtime: Arc<dyn Runtime>,
        _place: Place,
    }

    impl Used {
        async fn once() -> Self {
            let place = Place::new();
            let (store, runtime) = (place.open().await, Arc::new(Machine::new()));
            let clock: Arc<dyn Clock> = Arc::<Machine>::clone(&runtime);
            let entropy = Arc::new(SeededEntropy::new(1));
            let tenants = TenantBook::load(Arc::clone(&store), pepper(), clock, entropy).await.unwrap();
            let account = tenants.create_account("ACME".to_owned(), LIMITS).await.unwrap().id;
            let (key, secret) = tenants.create_key(account, Mode::Live, None, None).await.unwrap();
            let at = runtime.now();
            assert!(tenants.authenticate(key.id.as_str(), secret.reveal(), at).is_some());
            Self { store, tenants: Arc::new(tenants), account, key: key.id, at, runtime, _place: place }
        }

        fn is_kept_here(&self) -> bool {
            self.tenants.uses.last(&self.key).is_some()
        }
    }

    #[tokio::test]
    async fn a_use_is_known_at_once_and_written_once() {
        let used = Used::once().await;
        let known = [(used.key.clone(), used.at)].into();
        assert_eq!(used.tenants.key_uses(used.account).await.as_ref(), Ok(&known));
        assert_eq!(used.store.key_uses(used.account).await, Ok([].into()));
        used.tenants.save_uses().await;
        assert_eq!(used.store.key_uses(used.account).await.as_ref(), Ok(&known));
        assert!(!used.is_kept_here());
        assert_eq!(used.tenants.key_uses(used.account).await.as_ref(), Ok(&known));
    }

    #[tokio::test]
    async fn a_use_that_the_store_does_not_take_is_kept_for_the_next_time() {
        let used = Used::once().await;
        used.store.close().await;
        used.tenants.save_uses().await;
        assert!(used.is_kept_here());
    }

    #[tokio::test(start_paused = true)]
    async fn uses_are_written_every_minute() {
        let used = Used::once().await;
        let (tenants, runtime) = (Arc::clone(&used.tenants), Arc::clone(&used.runtime));
        let keeping = used.runtime.spawn("uses", Box::pin(async move { tenants.keep_uses(&runtime).await }));
        used.runtime.sleep(EVERY - Duration::from_secs(1)).await;
        assert!(used.is_kept_here());
        used.runtime.sleep(Duration::from_secs(2)).await;
        assert!(!used.is_kept_here());
        keeping.abort();
    }
}
