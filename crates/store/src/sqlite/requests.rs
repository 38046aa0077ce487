//! Requests under way, and their answers.
//!
//! Keys that are held are in memory: a process that ends takes its epoch with it, and other processes cannot have the file open.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use model::Owner;
use rusqlite::{Connection, params};

use super::Sqlite;
use super::writer::{Fault, Group};
use crate::StoreError;
use crate::contract::messages::IdempotencyClaim;
use crate::contract::nodes::Epoch;
use crate::contract::requests::{Hold, RequestKey, Requests};

#[async_trait]
impl Requests for Sqlite {
    async fn begin_request(&self, node: Epoch, key: &RequestKey) -> Result<bool, StoreError> {
        let held = self.keys.hold(node, key.clone())?;
        Ok(held.map(HeldKey::keep).is_some())
    }

    async fn record_answer(&self, node: Epoch, key: &RequestKey, body: String) -> Result<(), StoreError> {
        let key = key.clone();
        let write = move |group: &mut Group| {
            group.living.require(node)?;
            let sql = "UPDATE idempotency SET answer = ?5 WHERE account_id = ?1 AND mode = ?2 AND endpoint = ?3 AND key = ?4";
            let (account, mode) = (key.owner.account.to_bytes(), key.owner.mode.as_str());
            group.connection.prepare_cached(sql)?.execute(params![account, mode, key.endpoint.as_str(), key.key.as_str(), body])?;
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn end_request(&self, node: Epoch, key: &RequestKey) {
        self.keys.end(node, key);
    }
}

impl Sqlite {
    /// What a repeat of a request is answered: what `read` finds on record, or that the request is `under_way`. A record that `is_open` may still get an answer.
    pub(super) async fn settled<T: Send + 'static>(
        &self,
        owner: Owner,
        claim: &IdempotencyClaim,
        read: fn(&Connection, Owner, &IdempotencyClaim) -> rusqlite::Result<Option<T>>,
        is_open: fn(&T) -> bool,
        under_way: T,
    ) -> Result<Option<T>, StoreError> {
        let look = || {
            let claim = claim.clone();
            self.readers.read(move |connection| read(connection, owner, &claim))
        };
        let found = look().await?;
        if found.as_ref().is_some_and(|found| !is_open(found)) {
            return Ok(found);
        }
        if self.keys.is_under_way(owner, claim) {
            return Ok(Some(under_way));
        }
        // The request that made the record has ended, so that its answer, if it recorded one, is there now.
        if found.is_some() { look().await } else { Ok(None) }
    }
}

/// The keys that requests hold, each with its epoch.
#[derive(Default)]
pub(super) struct Keys(Mutex<Table>);

#[derive(Default)]
struct Table {
    /// The epochs that are not over, as the last commit left them.
    living: BTreeSet<Epoch>,
    /// Keys of these epochs only.
    held: HashMap<RequestKey, Epoch>,
}

/// A key just held, which is free again when this is dropped: the transaction failed, or its caller is gone.
pub(super) struct HeldKey {
    keys: Arc<Keys>,
    node: Epoch,
    key: Option<RequestKey>,
}

impl HeldKey {
    /// Holds the key until its request ends.
    pub(super) fn keep(mut self) {
        self.key = None;
    }
}

impl Drop for HeldKey {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.keys.end(self.node, &key);
        }
    }
}

/// What a request holds from its admission on.
pub(super) enum Holding {
    /// No key.
    Nothing,
    /// Its key.
    Key(HeldKey),
}

impl Holding {
    /// Holds it until the request ends.
    pub(super) fn keep(self) {
        if let Self::Key(held) = self {
            held.keep();
        }
    }
}

impl Keys {
    /// Has the node hold a key; `None` while another request holds it.
    pub(super) fn hold(self: &Arc<Self>, node: Epoch, key: RequestKey) -> Result<Option<HeldKey>, StoreError> {
        let mut table = self.table();
        if !table.living.contains(&node) {
            return Err(StoreError::Over);
        }
        if table.held.contains_key(&key) {
            return Ok(None);
        }
        table.held.insert(key.clone(), node);
        Ok(Some(HeldKey { keys: Arc::clone(self), node, key: Some(key) }))
    }

    /// Has the node hold the key of a request that is about to be admitted, where its claim asks for that; `None` while another request holds it.
    pub(super) fn hold_from_admission(self: &Arc<Self>, node: Epoch, owner: Owner, claim: Option<&IdempotencyClaim>) -> Result<Option<Holding>, Fault> {
        match claim.filter(|claim| claim.hold == Hold::FromAdmission) {
            Some(claim) => Ok(self.hold(node, claim.of(owner)).map_err(Fault::Told)?.map(Holding::Key)),
            None => Ok(Some(Holding::Nothing)),
        }
    }

    /// Whether another request than the claim's own holds the key.
    pub(super) fn is_under_way(&self, owner: Owner, claim: &IdempotencyClaim) -> bool {
        if claim.hold == Hold::Begun {
            return false;
        }
        let table = self.table();
        !table.held.is_empty() && table.held.contains_key(&claim.of(owner))
    }

    /// Frees a key that the node holds.
    fn end(&self, node: Epoch, key: &RequestKey) {
        let mut table = self.table();
        if table.held.get(key) == Some(&node) {
            table.held.remove(key);
        }
    }

    /// Says which epochs are not over from now on. The keys of the others are free.
    pub(super) fn set_living(&self, living: BTreeSet<Epoch>) {
        let mut table = self.table();
        table.held.retain(|_, node| living.contains(node));
        table.living = living;
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
