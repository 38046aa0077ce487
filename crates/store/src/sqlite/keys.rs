//! The keys that requests hold. They are in memory: a process that ends takes its epoch with it, and other processes
//! cannot have the file open.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::Owner;

use ledger::StoreError;
use ledger::contract::admission::IdempotencyClaim;
use ledger::contract::nodes::Epoch;
use ledger::contract::requests::RequestKey;

/// The keys that requests hold.
#[derive(Default)]
pub(super) struct Keys(Mutex<Table>);

#[derive(Default)]
struct Table {
    /// The epochs that are not over, as the last commit left them.
    living: BTreeSet<Epoch>,
    /// Keys of these epochs only.
    held: HashMap<RequestKey, Held>,
}

/// A key that a request holds.
#[derive(Clone, Copy)]
struct Held {
    node: Epoch,
    /// Whether the request is on record and its answer is awaited.
    is_awaited: bool,
}

impl Keys {
    /// Has the node hold a key, unless another request holds it.
    pub(super) fn begin(&self, node: Epoch, key: &RequestKey) -> Result<bool, StoreError> {
        let mut table = self.table();
        if !table.living.contains(&node) {
            return Err(StoreError::Over);
        }
        let is_free = !table.held.contains_key(key);
        if is_free {
            table.held.insert(key.clone(), Held { node, is_awaited: false });
        }
        Ok(is_free)
    }

    /// Has the node hold the key of a request that is about to be admitted, where its answer is awaited. `None` while
    /// another request holds it.
    pub(super) fn hold(
        self: &Arc<Self>,
        node: Epoch,
        owner: Owner,
        claim: Option<&IdempotencyClaim>,
    ) -> Option<Holding> {
        let Some(claim) = claim.filter(|claim| claim.awaited) else { return Some(Holding(None)) };
        let key = claim.of(owner);
        let mut table = self.table();
        if table.held.contains_key(&key) && !claim.begun {
            return None;
        }
        let before = table.held.insert(key.clone(), Held { node, is_awaited: true });
        Some(Holding(Some(Undo { keys: Arc::clone(self), key, before })))
    }

    /// Whether a request holds the key.
    pub(super) fn is_held(&self, owner: Owner, claim: &IdempotencyClaim) -> bool {
        self.of(owner, claim).is_some()
    }

    /// Whether the answer to the request on record under the key is awaited.
    pub(super) fn is_awaited(&self, owner: Owner, claim: &IdempotencyClaim) -> bool {
        self.of(owner, claim).is_some_and(|held| held.is_awaited)
    }

    fn of(&self, owner: Owner, claim: &IdempotencyClaim) -> Option<Held> {
        let table = self.table();
        if table.held.is_empty() { None } else { table.held.get(&claim.of(owner)).copied() }
    }

    /// Frees a key that the node holds.
    pub(super) fn end(&self, node: Epoch, key: &RequestKey) {
        let mut table = self.table();
        if table.held.get(key).is_some_and(|held| held.node == node) {
            table.held.remove(key);
        }
    }

    /// Says which epochs are not over from now on. The keys of the others are free.
    pub(super) fn set_living(&self, living: BTreeSet<Epoch>) {
        let mut table = self.table();
        table.held.retain(|_, held| living.contains(&held.node));
        table.living = living;
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request holds from its admission on. It is undone when this is dropped: the request is not admitted, or its
/// caller is gone.
pub(super) struct Holding(Option<Undo>);

struct Undo {
    keys: Arc<Keys>,
    key: RequestKey,
    before: Option<Held>,
}

impl Holding {
    /// No key.
    pub(super) const NOTHING: Self = Self(None);

    /// Holds it until the request ends.
    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let Some(Undo { keys, key, before }) = self.0.take() else { return };
        let mut table = keys.table();
        // Where the request has ended meanwhile, or its epoch, there is nothing to undo.
        if table.held.get(&key).is_some_and(|held| held.is_awaited) {
            match before {
                Some(before) => drop(table.held.insert(key, before)),
                None => drop(table.held.remove(&key)),
            }
        }
    }
}
