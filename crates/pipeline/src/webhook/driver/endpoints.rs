//! Which endpoints there are: read from the store, one call after the other, and taken over.

use std::sync::Arc;

use model::webhook::Webhook;
use model::{Owner, WebhookId};
use store::StoreError;
use store::contract::webhooks::Endpoint;

use super::{AGAIN, Driver, Entry, Input, Lane, Note, ROUND};
use crate::webhook::attempt::Target;

/// Whether the same events are sent to an endpoint in the same order, before a change and after it.
fn is_sent_alike(before: &Webhook, after: &Webhook) -> bool {
    before.events == after.events
        && before.active == after.active
        && before.ordering == after.ordering
        && before.broadcast_messages == after.broadcast_messages
}

impl Driver {
    /// Has endpoints read, one call after the other, so that none brings back an earlier state.
    pub(super) fn read_endpoints(&mut self, owner: Option<Owner>) {
        if self.is_reading {
            if !self.to_read.contains(&owner) {
                self.to_read.push_back(owner);
            }
            return;
        }
        self.is_reading = true;
        let context = Arc::clone(&self.context);
        self.spawn("webhook read", async move {
            let read = context.store.webhooks(owner).await;
            if read.is_err() {
                context.runtime.sleep(AGAIN).await;
            }
            Note::Endpoints(owner, read)
        });
    }

    pub(super) fn endpoints_read(&mut self, owner: Option<Owner>, result: Result<Vec<Endpoint>, StoreError>) {
        self.is_reading = false;
        match result {
            Ok(endpoints) => self.endpoints(owner, endpoints),
            Err(error) => {
                tracing::warn!("The endpoints of webhooks could not be read: {error}");
                self.to_read.push_back(owner);
            }
        }
        if let Some(next) = self.to_read.pop_front() {
            self.read_endpoints(next);
        }
    }

    /// Takes over the endpoints as they are on record now.
    fn endpoints(&mut self, owner: Option<Owner>, endpoints: Vec<Endpoint>) {
        let is_meant = |entry: &Entry| owner.is_none_or(|owner| entry.target.webhook.owner == owner);
        let gone: Vec<WebhookId> = self
            .entries
            .iter()
            .filter(|(id, entry)| is_meant(entry) && !endpoints.iter().any(|found| found.webhook.id == **id))
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            self.entries.remove(&id);
            self.wakes.remove(&id);
            self.unrecorded.remove(&id);
        }
        for endpoint in endpoints {
            let id = endpoint.webhook.id;
            match self.entries.get_mut(&id) {
                Some(entry) => {
                    let is_other = !is_sent_alike(&entry.target.webhook, &endpoint.webhook);
                    // Secrets and connections are those of the endpoint as it is now.
                    entry.target = Arc::new(Target::new(Arc::new(endpoint.webhook.clone())));
                    // A lane that begins to read anew sends again what is delivered and not on record.
                    if is_other {
                        self.input(id, Input::Changed(Box::new(endpoint)));
                    }
                }
                None => self.add(endpoint),
            }
        }
    }

    fn add(&mut self, endpoint: Endpoint) {
        let (id, now, unit) = (endpoint.webhook.id, self.context.runtime.steady(), self.context.entropy.next_unit());
        self.next_round = self.next_round.min(self.context.runtime.instant() + ROUND);
        let lane = Lane::new(&endpoint, self.slots.per_endpoint(), now, unit);
        let target = Arc::new(Target::new(Arc::new(endpoint.webhook)));
        let entry = self.entries.entry(id).or_insert(Entry { lane, target, is_slow: false, failure: String::new() });
        let actions = entry.lane.begin();
        self.perform(id, actions);
        self.touched(id);
    }
}
