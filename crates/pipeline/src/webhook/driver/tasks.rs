//! The tasks that the driver starts: requests to endpoints, and calls of the store. Each reports back with a note.

use std::sync::Arc;

use model::WebhookId;
use model::webhook::DisabledReason;
use store::StoreError;
use store::contract::webhooks::Progress;

use super::{AGAIN, Action, Driver, Input, Note};
use crate::webhook::attempt;
use crate::webhook::lane::{EXCEPTIONS_MAX, READ};

impl Driver {
    pub(super) fn send(&mut self, id: WebhookId) {
        let now = self.context.runtime.steady();
        loop {
            let Some(entry) = self.entries.get_mut(&id) else { return };
            let Some(slot) = self.slots.take(entry.is_slow) else {
                if !self.waiting.contains(&id) {
                    self.waiting.push_back(id);
                }
                return;
            };
            let Some(sending) = entry.lane.send(now) else {
                self.slots.give_back(slot);
                break;
            };
            let (context, target) = (Arc::clone(&self.context), Arc::clone(&entry.target));
            let (notes, seq) = (self.notes.0.clone(), sending.head.seq);
            let attempt = async move {
                let began = context.runtime.instant();
                let ended = attempt::deliver(&context, &target, seq).await;
                let took = context.runtime.instant().saturating_duration_since(began);
                // Only a driver that has ended does not listen.
                let _ = notes.send(Note::Attempted(id, seq, ended, slot, took));
            };
            drop(self.context.runtime.spawn("webhook attempt", Box::pin(attempt)));
            self.unrecorded.insert(id);
        }
        if let Some(entry) = self.entries.get_mut(&id) {
            // Reading on may have become possible.
            let actions = entry.lane.on(Input::Grew(0), now);
            match entry.lane.wake_at(now) {
                Some(at) => drop(self.wakes.insert(id, at)),
                None => drop(self.wakes.remove(&id)),
            }
            self.perform(id, actions);
        }
    }

    /// Has what is not on record recorded, in one transaction, unless one is under way.
    pub(super) fn record(&mut self) {
        let now = self.context.runtime.instant();
        if self.is_recording || now < self.record_after {
            return;
        }
        let mut progress = std::mem::take(&mut self.refused);
        for id in std::mem::take(&mut self.unrecorded) {
            progress.extend(self.entries.get_mut(&id).and_then(|entry| entry.lane.progress()));
        }
        if progress.is_empty() {
            return;
        }
        self.is_recording = true;
        let store = Arc::clone(&self.context.store);
        let kept = progress.clone();
        self.spawn("webhook record", async move {
            let result = store.record_progress(progress).await;
            Note::Recorded(kept, result)
        });
    }

    pub(super) fn recorded(&mut self, progress: Vec<Progress>, result: Result<(), StoreError>) {
        self.is_recording = false;
        match result {
            Ok(()) => {
                for id in progress.iter().map(|progress| progress.webhook) {
                    let actions = self.entries.get_mut(&id).map(|entry| entry.lane.recorded());
                    self.perform(id, actions.unwrap_or_default());
                    self.ready.insert(id);
                }
            }
            Err(error) => {
                tracing::warn!("The progress of webhooks could not be recorded: {error}");
                self.record_after = self.context.runtime.instant() + AGAIN;
                self.refused = progress;
            }
        }
    }

    pub(super) fn perform(&mut self, id: WebhookId, actions: Vec<Action>) {
        let store = Arc::clone(&self.context.store);
        for action in actions {
            let store = Arc::clone(&store);
            match action {
                Action::Read { source, after, replay } => {
                    let runtime = Arc::clone(&self.context.runtime);
                    self.spawn("webhook read", async move {
                        let heads = store.event_heads(id, after, replay, READ).await.ok();
                        if heads.is_none() {
                            runtime.sleep(AGAIN).await;
                        }
                        Note::Lane(id, Input::Read(source, heads))
                    });
                }
                Action::LookForReplay => self.spawn("webhook read", async move {
                    let replay = store.replay_under_way(id).await.ok().flatten();
                    Note::Lane(id, Input::Replay(replay))
                }),
                Action::ReadPending(after) => {
                    let runtime = Arc::clone(&self.context.runtime);
                    self.spawn("webhook read", async move {
                        let limit = EXCEPTIONS_MAX / 2;
                        let pending = store.pending_deliveries(id, after, limit).await.ok();
                        if pending.is_none() {
                            runtime.sleep(AGAIN).await;
                        }
                        Note::Lane(id, Input::Pending(pending, limit))
                    });
                }
                Action::Disable(reason) => self.disable(id, reason),
                Action::Failing => self.say(id, true),
                Action::Recovered => self.say(id, false),
            }
        }
    }

    /// Has an endpoint disabled on record. Its lane sends nothing any more.
    fn disable(&self, id: WebhookId, reason: DisabledReason) {
        let (context, notes) = (Arc::clone(&self.context), self.notes.0.clone());
        let disable = async move {
            loop {
                match context.store.disable_webhook(id, reason, context.runtime.now()).await {
                    Ok(Some(webhook)) => {
                        let owner = webhook.owner;
                        tracing::warn!(
                            webhook.id = %id,
                            account.id = %owner.account,
                            "The webhook {id} was disabled: {}",
                            reason.as_str()
                        );
                        // Only a driver that has ended does not listen.
                        let _ = notes.send(Note::Disabled(owner));
                        return;
                    }
                    Ok(None) => return,
                    Err(error @ (StoreError::Failed(_) | StoreError::Over)) => {
                        tracing::warn!("The webhook {id} could not be disabled: {error}");
                        return;
                    }
                    Err(_) => context.runtime.sleep(AGAIN).await,
                }
            }
        };
        drop(self.context.runtime.spawn("webhook disable", Box::pin(disable)));
    }

    pub(super) fn spawn(&self, name: &'static str, work: impl Future<Output = Note> + Send + 'static) {
        let notes = self.notes.0.clone();
        // Only a driver that has ended does not listen.
        let report = async move { drop(notes.send(work.await)) };
        drop(self.context.runtime.spawn(name, Box::pin(report)));
    }
}
