//! Every recipient of a broadcast has one message, or a reason to have none.

use std::collections::{BTreeMap, BTreeSet};

use model::message::MessageRecord;
use model::{BroadcastId, Status};

use super::{Everything, Wrong};
use crate::client::text_for;
use crate::ledger::{Facts, Named, Request, mark_of};

pub(super) fn recipients_have_one_message(facts: &Facts, all: &Everything, wrong: &mut Wrong) {
    let mut messages: BTreeMap<BroadcastId, Vec<&MessageRecord>> = BTreeMap::new();
    for record in all.messages.values().map(|found| &found.record) {
        if let Some(id) = record.message.broadcast {
            messages.entry(id).or_default().push(record);
        }
    }
    for record in &all.broadcasts {
        let broadcast = &record.broadcast;
        let id = broadcast.id;
        let made = messages.remove(&id).unwrap_or_default();
        // Where its text was discarded, the answer says which request it is of.
        let named = || {
            let is_of = |request: &&Request| {
                request.promised.as_ref().is_some_and(|promise| promise.id == Named::Broadcast(id))
            };
            facts.requests.values().find(is_of)
        };
        let marked = broadcast.body.as_deref().and_then(mark_of).and_then(|mark| facts.requests.get(&mark));
        let Some(request) = marked.or_else(named) else { continue };
        let blank = made.iter().filter(|record| record.delivery.erased_at.is_some()).count();
        let known = made.iter().filter(|record| record.delivery.erased_at.is_none());
        let reached: BTreeSet<_> = known.map(|record| record.message.recipient).collect();
        if reached.len() + blank < made.len() {
            wrong.push(format!("{id} has {} messages for {} recipients", made.len(), reached.len()));
        }
        if let Some(body) = &broadcast.body {
            texts_are_their_own(body, request, &made, wrong);
        }
        let stopped = facts.canceled.contains(&id) || facts.stopped.contains(&broadcast.originator);
        for recipient in request.recipients.iter().filter(|recipient| !reached.contains(recipient)) {
            let was_blocked = facts.blocks.get(recipient).is_some_and(|blocked| blocked.ever);
            let may_be_blank = facts.erased.contains(recipient);
            let (account, mode) = (broadcast.account, broadcast.mode);
            let may_be_out = facts.people.may_have_opted_out(account, mode, *recipient);
            if !was_blocked && !may_be_blank && !may_be_out && !stopped && !record.status.is_open() {
                wrong.push(format!("{id} has no message for {recipient}, who was not blocked and has not opted out"));
            }
        }
        let counts = record.counts;
        let sum = counts.skipped + counts.queued + counts.sent + counts.delivered + counts.undelivered + counts.failed;
        if counts.total != request.recipients.len() as u64 || sum != counts.total {
            wrong.push(format!("{id} of {} recipients counts {counts:?}", request.recipients.len()));
        }
        for (status, counted) in [
            (Status::Sent, counts.sent),
            (Status::Delivered, counts.delivered),
            (Status::Undelivered, counts.undelivered),
        ] {
            let there = made.iter().filter(|record| record.delivery.status == status).count() as u64;
            if there != counted {
                wrong.push(format!("{id} counts {counted} {} and has {there}", status.as_str()));
            }
        }
    }
    for id in messages.into_keys() {
        wrong.push(format!("messages of {id} are there, and it is not"));
    }
}

/// Each message of a broadcast has the text of its recipient, as far as its text was not removed.
fn texts_are_their_own(body: &str, request: &Request, made: &[&MessageRecord], wrong: &mut Wrong) {
    for message in made.iter().map(|record| &record.message) {
        let place = request.recipients.iter().position(|recipient| *recipient == message.recipient);
        let Some((place, text)) = place.zip(message.body.as_deref()) else { continue };
        if text != text_for(place, body) {
            wrong.push(format!("{} has the text {text:?} for recipient {place} of {body:?}", message.id));
        }
    }
}
