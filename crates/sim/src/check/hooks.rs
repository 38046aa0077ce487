//! Endpoints have every event of their owner, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use model::event::EventKind;
use model::webhook::{EventType, Ordering, Webhook};
use model::{BroadcastStatus, EventId, Mode, Status, TextRetention};
use store::contract::webhooks::{EventContent, EventRecord};

use super::{Everything, Wrong};
use crate::hooks::Hooks;
use crate::ledger::Facts;
use crate::servers::{Heard, Server};
use crate::world::World;

/// Looks at the servers once every active endpoint is at rest.
pub(crate) fn endpoints_have_everything(world: &World, hooks: &Hooks, all: &Everything) {
    let mut wrong = Wrong::new();
    {
        let facts = world.ledger.lock();
        let erased = Erased::of(&facts, all);
        for (owner, log) in &hooks.logs {
            let has_endpoint = hooks.endpoints.iter().any(|endpoint| endpoint.webhook.owner == *owner);
            if !has_endpoint && !log.is_empty() {
                wrong.push(format!("{owner:?} has no endpoint, and {} events in its log", log.len()));
            }
        }
        world.servers.with(|servers| {
            for (url, server) in servers {
                octets_are_the_same(world, url, server, &erased, &mut wrong);
                order_is_kept(url, server, &erased, &mut wrong);
                let found = hooks.endpoints.iter().find(|endpoint| endpoint.webhook.id == server.id);
                let Some(webhook) = found.map(|endpoint| &endpoint.webhook) else {
                    wrong.push(format!("{url} is not there any more"));
                    continue;
                };
                if webhook.active {
                    let log = hooks.logs.get(&server.owner).map_or(&[][..], Vec::as_slice);
                    the_log_arrived(webhook, server, log, &erased, &mut wrong);
                    statuses_arrived(&facts, server, all, &mut wrong);
                    people_arrived(&facts, server, all, &mut wrong);
                }
            }
        });
    }
    wrong.into_iter().for_each(|what| world.ledger.violated(what));
}

/// The resources of people who were erased, of whom nothing is known any more.
struct Erased(BTreeSet<String>);

impl Erased {
    fn of(facts: &Facts, all: &Everything) -> Self {
        let messages = all.messages.iter().filter(|(_, found)| found.record.delivery.erased_at.is_some());
        let inbound = all.inbound.iter().filter(|message| message.erased_at.is_some());
        let numbers = facts.erased.iter().map(ToString::to_string);
        Self(messages.map(|(id, _)| id.to_string()).chain(inbound.map(|m| m.id.to_string())).chain(numbers).collect())
    }

    fn has(&self, resource: &str) -> bool {
        self.0.contains(resource)
    }
}

/// Every attempt of an event has the same octets. A text that its account discards may be gone when the process that
/// sent the event ended before it recorded the failure.
fn octets_are_the_same(world: &World, url: &str, server: &Server, erased: &Erased, wrong: &mut Wrong) {
    let discards = world.plan.accounts[server.plan.account].texts == Some(TextRetention::Discard);
    for (id, heard) in server.heard.iter().filter(|(_, heard)| !erased.has(&heard.data.resource)) {
        let is_alike = |other: &&String| discards && without_text(other) == without_text(&heard.body);
        if let Some(other) = heard.others.iter().find(|other| !is_alike(other)) {
            wrong.push(format!("{url} received {id} as {} and as {other}", heard.body));
        }
    }
}

fn without_text(body: &str) -> Option<serde_json::Value> {
    let mut value = serde_json::Value::from_str(body).ok()?;
    value.get_mut("data")?.as_object_mut()?.remove("text");
    Some(value)
}

/// What came first came first.
fn order_is_kept(url: &str, server: &Server, erased: &Erased, wrong: &mut Wrong) {
    let mut last: BTreeMap<&str, (EventId, &Heard)> = BTreeMap::new();
    for id in &server.order {
        let Some(heard) = server.heard.get(id) else { continue };
        let of = match server.plan.ordering {
            Ordering::None => continue,
            Ordering::Strict => "",
            Ordering::Message => heard.data.resource.as_str(),
        };
        let Some((before, earlier)) = last.insert(of, (*id, heard)) else { continue };
        let is_one = earlier.data.resource == heard.data.resource && !erased.has(&heard.data.resource);
        let is_of_opt_out = matches!(heard.kind, EventType::OptedOut | EventType::OptedIn);
        if before.seq() > id.seq() || is_one && !is_of_opt_out && earlier.sequence >= heard.sequence {
            wrong.push(format!("{url} received {} before {}", earlier.body, heard.body));
        }
    }
}

/// Every event of the log that the endpoint wants arrived.
fn the_log_arrived(webhook: &Webhook, server: &Server, log: &[EventRecord], erased: &Erased, wrong: &mut Wrong) {
    let is_wanted = |event: &&EventRecord| {
        let is_for = match &event.content {
            EventContent::Message(record) => record.message.broadcast.is_none() || webhook.broadcast_messages,
            EventContent::Webhook { id, .. } => event.kind == EventType::WebhookDisabled && *id != webhook.id,
            EventContent::Broadcast(_) | EventContent::Inbound(_) | EventContent::OptOut(_) => true,
        };
        is_for && webhook.events.has(event.kind)
    };
    let resource = |event: &EventRecord| match &event.content {
        EventContent::Message(record) => record.message.id.to_string(),
        EventContent::Inbound(id) => id.to_string(),
        EventContent::OptOut(opt_out) => opt_out.name.number.to_string(),
        EventContent::Broadcast(_) | EventContent::Webhook { .. } => String::new(),
    };
    for event in log.iter().filter(is_wanted) {
        if !server.heard.contains_key(&event.id) && !erased.has(&resource(event)) {
            wrong.push(format!("{} did not receive {} ({})", webhook.url, event.id, event.kind));
        }
    }
    let known: BTreeSet<EventId> = log.iter().filter(is_wanted).map(|event| event.id).collect();
    for (id, heard) in server.heard.iter().filter(|(id, _)| !known.contains(id)) {
        if !erased.has(&heard.data.resource) {
            wrong.push(format!("{} received {id}, which is none of its events: {}", webhook.url, heard.body));
        }
    }
}

/// Every status at which a message or a broadcast stands, or at which it was seen, has an event that arrived once.
fn statuses_arrived(facts: &Facts, server: &Server, all: &Everything, wrong: &mut Wrong) {
    let mut heard: BTreeMap<(&str, EventType), usize> = BTreeMap::new();
    for event in server.heard.values() {
        *heard.entry((&event.data.resource, event.kind)).or_default() += 1;
    }
    let mut expect = |resource: String, kind: EventType| {
        let times = heard.get(&(resource.as_str(), kind)).copied().unwrap_or(0);
        if times != 1 {
            wrong.push(format!("hook of {:?}: {kind} of {resource} arrived under {times} ids", server.owner));
        }
    };
    for (id, found) in &all.messages {
        let (message, delivery) = (&found.record.message, &found.record.delivery);
        let is_wanted = message.owner() == server.owner
            && delivery.erased_at.is_none()
            && (message.broadcast.is_none() || server.plan.broadcast_messages);
        if !is_wanted {
            continue;
        }
        if let Some(kind) = EventType::of_message(delivery.status).filter(|_| delivery.status != Status::Queued) {
            expect(id.to_string(), kind);
        }
        if delivery.status != Status::Sent && facts.was_sent.contains(id) {
            expect(id.to_string(), EventType::MessageSent);
        }
        // A scheduled message may end before it is queued.
        let was_queued = message.send_at.is_none() || found.count(EventKind::Queued) > 0;
        if server.plan.wants_queued && was_queued {
            expect(id.to_string(), EventType::MessageQueued);
        }
    }
    for record in all.broadcasts.iter().filter(|record| record.broadcast.owner() == server.owner) {
        if record.status != BroadcastStatus::Queued
            && let Some(kind) = EventType::of_broadcast(record.status)
        {
            expect(record.broadcast.id.to_string(), kind);
        }
    }
}

/// Every message of a handset arrived, and the last that is heard of an opt-out is how it stands.
fn people_arrived(facts: &Facts, server: &Server, all: &Everything, wrong: &mut Wrong) {
    let owner = server.owner;
    let received = server.heard.values().filter(|heard| heard.kind == EventType::MessageReceived);
    let received: BTreeSet<&str> = received.map(|heard| heard.data.resource.as_str()).collect();
    for message in all.inbound.iter().filter(|message| message.owner() == owner && message.erased_at.is_none()) {
        if !received.contains(message.id.to_string().as_str()) {
            wrong.push(format!("hook of {owner:?}: the inbound message {} did not arrive", message.id));
        }
    }
    if owner.mode == Mode::Test {
        return;
    }
    let mut last: BTreeMap<(String, Option<String>), bool> = BTreeMap::new();
    let mut events: Vec<(&EventId, &Heard)> = server.heard.iter().collect();
    events.sort_by_key(|(id, _)| id.seq());
    for (_, heard) in events {
        if matches!(heard.kind, EventType::OptedOut | EventType::OptedIn) {
            let name = (heard.data.resource.clone(), heard.data.from.clone());
            last.insert(name, heard.kind == EventType::OptedOut);
        }
    }
    let listed = all.opt_outs.iter().filter(|(account, ..)| *account == owner.account);
    let listed: BTreeSet<(String, Option<String>)> =
        listed.map(|(_, number, from)| (number.to_string(), from.map(|from| from.to_string()))).collect();
    let erased: BTreeSet<String> = facts.erased.iter().map(ToString::to_string).collect();
    let names: BTreeSet<_> = listed.iter().chain(last.keys()).filter(|(number, _)| !erased.contains(number)).collect();
    for name in names {
        let (is_listed, is_out) = (listed.contains(name), last.get(name).copied());
        if is_listed != is_out.unwrap_or(false) {
            wrong.push(format!("hook of {owner:?}: {name:?} is opted out: {is_listed}, and last heard as {is_out:?}"));
        }
    }
}
