//! Requests that wait for their message to leave the queue.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use model::{Delivery, MessageId};
use store::contract::messages::StatusChange;
use tokio::sync::oneshot;

/// Who waits for which message.
#[derive(Default)]
pub(crate) struct Waiters(Mutex<HashMap<MessageId, oneshot::Sender<Delivery>>>);

impl Waiters {
    /// Waits for the next status of `id`. To be called before the message can have one.
    pub(crate) fn expect(&self, id: MessageId) -> oneshot::Receiver<Delivery> {
        let (sender, receiver) = oneshot::channel();
        self.lock().insert(id, sender);
        receiver
    }

    /// Nobody waits for `id` any more.
    pub(crate) fn forget(&self, id: MessageId) {
        self.lock().remove(&id);
    }

    /// Tells those who wait.
    pub(crate) fn tell(&self, changes: &[StatusChange]) {
        let mut waiting = self.lock();
        if waiting.is_empty() {
            return;
        }
        for change in changes {
            if let Some(sender) = waiting.remove(&change.id) {
                // One that has just given up needs nothing.
                let _ = sender.send(change.delivery.clone());
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<MessageId, oneshot::Sender<Delivery>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
