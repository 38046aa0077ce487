//! The change feed's readers inside the process. Every committed change reaches the counters, the requests that wait
//! for it, and the tenants' memory, regardless of the call that made it.
//!
//! The store puts every change into the tail before the call that made it returns. [`Feed::run`] takes it from there;
//! [`Feed::catch_up`] does the same for a reader that cannot wait for the task's turn. Changes are taken in the order
//! of their commits, by one reader at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{BroadcastStatus, Status};
use runtime::Runtime;
use store::Store;
use store::contract::changes::{Change, Kind, Kinds, Resource, Tail, Tailed};

use crate::counters::Counters;
use crate::tenants::TenantBook;
use crate::watch::{BroadcastWaiters, MessageWaiters};

/// The reader of changes of messages, broadcasts and opt-outs.
pub(crate) struct Feed {
    store: Arc<dyn Store>,
    tail: Tail,
    /// Held while changes are taken and applied.
    turn: Mutex<Turn>,
    waiters: Arc<MessageWaiters>,
    broadcast_waiters: Arc<BroadcastWaiters>,
    counters: Arc<Counters>,
    tenants: Arc<TenantBook>,
}

/// What the changes taken so far came to.
#[derive(Default)]
struct Turn {
    /// Changes were missed, and the requests that wait have not been looked after since.
    has_missed: bool,
    is_over: bool,
}

impl Feed {
    /// Follows the store's changes from now on.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        waiters: Arc<MessageWaiters>,
        broadcast_waiters: Arc<BroadcastWaiters>,
        counters: Arc<Counters>,
        tenants: Arc<TenantBook>,
    ) -> Self {
        let tail = store.subscribe(Kinds::of(&[Kind::Message, Kind::Broadcast, Kind::OptOut]));
        Self { store, tail, turn: Mutex::default(), waiters, broadcast_waiters, counters, tenants }
    }

    /// Applies changes until the store is closed.
    pub(crate) async fn run(&self, runtime: &Arc<dyn Runtime>) {
        tokio::join!(self.keep_up(), self.tenants.keep_up(runtime));
    }

    async fn keep_up(&self) {
        loop {
            self.tail.ready().await;
            self.catch_up();
            if std::mem::take(&mut self.turn().has_missed) {
                self.look_again().await;
            }
            if self.turn().is_over {
                return;
            }
        }
    }

    /// Applies all changes that were committed before this call.
    pub(crate) fn catch_up(&self) {
        let mut turn = self.turn();
        while !turn.is_over
            && let Some(next) = self.tail.try_next()
        {
            self.take(&mut turn, &next);
        }
    }

    fn take(&self, turn: &mut Turn, next: &Tailed) {
        match next {
            Tailed::Changes(changes) => changes.iter().for_each(|change| self.apply(change)),
            Tailed::Missed(count) => {
                turn.has_missed = true;
                self.counters.changes_missed.add_many(*count);
                tracing::error!(
                    "{count} changes came faster than they could be counted: the counts of sent and ended messages \
                     and of opt-outs are too low by them"
                );
            }
            Tailed::Closed => turn.is_over = true,
        }
    }

    fn apply(&self, change: &Change) {
        match &change.resource {
            Resource::Message { id, delivery, .. } => {
                let fates = self.counters.fates(delivery.carrier.as_str());
                let since = delivery.queued_at.unwrap_or_else(|| id.made_at());
                match delivery.status {
                    Status::Scheduled | Status::Queued => return,
                    Status::Sent => {
                        fates.sent.add();
                        if let Some(at) = delivery.sent_at {
                            fates.submitted_after.observe(at.since(since));
                        }
                    }
                    Status::Delivered => {
                        fates.delivered.add();
                        if let Some(at) = delivery.delivered_at {
                            fates.delivered_after.observe(at.since(since));
                        }
                    }
                    Status::Undelivered => fates.undelivered.add(),
                    Status::Failed => fates.failed.add(),
                    Status::Canceled => fates.canceled.add(),
                }
                self.waiters.tell_of(id, || delivery.clone());
            }
            // Its acceptance is no news to the request that made it.
            Resource::Broadcast { id, status, .. } if *status != BroadcastStatus::Queued => {
                self.broadcast_waiters.tell_of(id, || ());
            }
            Resource::OptedOut(opt_out) => self.counters.opt_outs.add(opt_out.source, true),
            Resource::OptedIn(opt_out) => self.counters.opt_outs.add(opt_out.source, false),
            _ => {}
        }
    }

    /// Reads the news of waiting requests from the store, after changes were missed.
    async fn look_again(&self) {
        for id in self.waiters.ids() {
            if let Ok(Some(record)) = self.store.message_of_any_account(id).await
                && !record.delivery.status.is_waiting()
            {
                self.waiters.tell_of(&id, || record.delivery);
            }
        }
        for id in self.broadcast_waiters.ids() {
            if let Ok(Some(record)) = self.store.broadcast(None, id).await
                && record.status != BroadcastStatus::Queued
            {
                self.broadcast_waiters.tell_of(&id, || ());
            }
        }
    }

    // A panic while changes are applied leaves at most one of them uncounted.
    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
