//! Requests that wait for their message to leave the queue.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Delivery, MessageId};
use store::contract::messages::StatusChange;
use tokio::sync::oneshot;

/// Who waits for which message. A message stands here from before its admission until its request is answered, told or not.
#[derive(Default)]
pub(crate) struct Waiters(Mutex<HashMap<MessageId, Option<oneshot::Sender<Delivery>>>>);

/// A request that waits. It has been answered when this is dropped.
#[derive(Debug)]
pub struct Waiting {
    waiters: Arc<Waiters>,
    id: MessageId,
    next: oneshot::Receiver<Delivery>,
}

impl Waiting {
    /// The message's next status. `None` when nobody can tell it any more.
    pub(crate) async fn next(&mut self) -> Option<Delivery> {
        (&mut self.next).await.ok()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.waiters.lock().remove(&self.id);
    }
}

impl Waiters {
    /// Waits for the next status of `id`. To be called before the message can have one.
    pub(crate) fn expect(self: &Arc<Self>, id: MessageId) -> Waiting {
        let (sender, next) = oneshot::channel();
        self.lock().insert(id, Some(sender));
        Waiting { waiters: Arc::clone(self), id, next }
    }

    /// Whether the request that made `id` is still to be answered.
    pub(crate) fn has(&self, id: MessageId) -> bool {
        self.lock().contains_key(&id)
    }

    /// Tells those who wait.
    pub(crate) fn tell(&self, changes: &[StatusChange]) {
        let mut waiting = self.lock();
        if waiting.is_empty() {
            return;
        }
        for change in changes {
            if let Some(sender) = waiting.get_mut(&change.id).and_then(Option::take) {
                // One that has just given up needs nothing.
                let _ = sender.send(change.delivery.clone());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<MessageId, Option<oneshot::Sender<Delivery>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Waiters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Waiters({})", self.lock().len())
    }
}
