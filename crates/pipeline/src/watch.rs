//! Requests that wait until their message leaves the queue.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{BroadcastId, Delivery, MessageId};
use tokio::sync::oneshot;

/// Waiting requests, by the id of their message or broadcast. A request is here from before its admission until there
/// is news for it, or until it waits no more.
pub(crate) struct Waiters<K, V>(Mutex<Table<K, V>>);

type Table<K, V> = HashMap<K, oneshot::Sender<V>>;

/// The requests that wait for a message.
pub(crate) type MessageWaiters = Waiters<MessageId, Delivery>;

/// The requests that wait for the first expansion of a broadcast.
pub(crate) type BroadcastWaiters = Waiters<BroadcastId, ()>;

/// A request that waits, until this is dropped.
pub(crate) struct WaitingFor<K: Hash + Eq, V> {
    waiters: Arc<Waiters<K, V>>,
    id: K,
    next: oneshot::Receiver<V>,
}

impl<K: Hash + Eq, V> WaitingFor<K, V> {
    /// The next news. `None` if there can be none any more.
    pub(crate) async fn next(&mut self) -> Option<V> {
        (&mut self.next).await.ok()
    }
}

impl<K: Hash + Eq, V> Drop for WaitingFor<K, V> {
    fn drop(&mut self) {
        self.waiters.lock().remove(&self.id);
    }
}

impl<K, V> Default for Waiters<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq, V> Waiters<K, V> {
    /// Waits for news of `id`. Call it before there can be any.
    pub(crate) fn expect(self: &Arc<Self>, id: K) -> WaitingFor<K, V>
    where
        K: Copy,
    {
        let (sender, next) = oneshot::channel();
        self.lock().insert(id, sender);
        WaitingFor { waiters: Arc::clone(self), id, next }
    }

    /// Tells the requests that wait for `id`, if there are any.
    pub(crate) fn tell_of(&self, id: &K, news: impl FnOnce() -> V) {
        let mut waiting = self.lock();
        if waiting.is_empty() {
            return;
        }
        if let Some(sender) = waiting.remove(id) {
            // One that has just given up needs nothing.
            let _ = sender.send(news());
        }
    }

    /// What is waited for, in order.
    pub(crate) fn ids(&self) -> Vec<K>
    where
        K: Copy + Ord,
    {
        let mut ids: Vec<K> = self.lock().keys().copied().collect();
        ids.sort_unstable();
        ids
    }
}

impl<K, V> Waiters<K, V> {
    fn lock(&self) -> MutexGuard<'_, Table<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
