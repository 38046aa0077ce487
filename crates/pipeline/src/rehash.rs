//! A change of the pepper: secrets of webhooks are encrypted again at the start, and a key gets a digest of the new
//! pepper when it is used.

use std::sync::Arc;
use std::time::Duration;

use runtime::Runtime;
use store::Store;

use crate::tenants::TenantBook;
use crate::webhook::attempt::Context;

/// The wait after a failure of the store before secrets are tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Does that, for as long as the configuration has a previous pepper.
pub(crate) struct Rehasher {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tenants: Arc<TenantBook>,
    pub(crate) webhooks: Arc<Context>,
    pub(crate) runtime: Arc<dyn Runtime>,
}

impl Rehasher {
    pub(crate) async fn run(self) {
        while let Err(error) = self.webhooks.reseal().await {
            tracing::warn!(%error, "Secrets of webhooks still need the previous pepper: {error}");
            self.runtime.sleep(AGAIN).await;
        }
        loop {
            for (id, (from, to)) in self.tenants.outdated().await {
                match self.store.rehash_key(&id, from, to, self.runtime.now()).await {
                    Ok(_) => tracing::info!(key.id = %id, "The key {id} has a digest of the new pepper"),
                    // Its next use brings it here again.
                    Err(error) => tracing::warn!(%error, "The key {id} still needs the previous pepper: {error}"),
                }
            }
            if let Err(error) = self.tenants.follow().await {
                tracing::warn!(%error, "The accounts could not be read again: {error}");
            }
        }
    }
}
