//! A status says what happened.

use std::collections::{BTreeMap, BTreeSet};

use model::event::EventKind;
use model::{MessageId, Mode, Status};

use super::{Everything, Found, Wrong};
use crate::ledger::Facts;
use crate::plan::CarrierPlan;
use crate::world::World;

/// Sent, delivered and undelivered messages are so because a carrier took them and said so, and canceled ones never
/// left.
pub(super) fn statuses_are_true(world: &World, facts: &Facts, all: &Everything, wrong: &mut Wrong) {
    let ambiguous = with_ambiguous_ids(world, facts, all);
    for (id, found) in all.messages.iter().filter(|(_, found)| found.record.message.mode == Mode::Live) {
        let (message, status) = (&found.record.message, found.record.delivery.status);
        let segments = 1..=message.segments.max(1);
        let taken = segments.clone().all(|segment| facts.taken.contains_key(&(*id, segment)));
        if matches!(status, Status::Sent | Status::Delivered) && !taken {
            wrong.push(format!("{id} is {} and no carrier has all of it", status.as_str()));
        }
        if status == Status::Canceled && segments.clone().any(|segment| facts.taken.contains_key(&(*id, segment))) {
            wrong.push(format!("{id} is canceled and a carrier has some of it"));
        }
        let has_fate = |segment, fate| facts.fates.get(&(*id, segment)).is_some_and(|fates| fates.contains(fate));
        if status == Status::Delivered && !segments.clone().all(|segment| has_fate(segment, "delivered")) {
            wrong.push(format!("{id} is delivered and its receipts do not say so"));
        }
        if status == Status::Failed
            && found.record.delivery.error_type.is_some_and(is_refusal)
            && !facts.refused.contains(id)
        {
            wrong.push(format!("{id} has failed and no carrier refused it: {:?}", found.record.delivery.error_message));
        }
        if !ambiguous.contains(id) {
            receipts_are_applied(world, facts, found, wrong);
        }
        repetitions_are_bounded(facts, found, wrong);
    }
}

const fn is_refusal(why: model::ErrorType) -> bool {
    matches!(
        why,
        model::ErrorType::CarrierRejected | model::ErrorType::InvalidDestination | model::ErrorType::BlockedByCarrier
    )
}

/// Events of receipts that a message may have beside one for each copy of its segments and one for each segment.
const SPARE_RECEIPT_EVENTS: usize = 16;

/// A carrier that repeats itself without end does not fill the list of a message's events.
fn repetitions_are_bounded(facts: &Facts, found: &Found, wrong: &mut Wrong) {
    let (id, segments) = (found.record.message.id, found.record.message.segments.max(1));
    let copies: usize = (1..=segments).filter_map(|segment| facts.taken.get(&(id, segment))).map(Vec::len).sum();
    let events = found.count(EventKind::Receipt);
    if events > usize::from(segments) + copies + SPARE_RECEIPT_EVENTS {
        wrong.push(format!("{id} has {events} events of receipts for {copies} copies of segments"));
    }
}

/// Messages of which a carrier gave an id to another message as well, and whose receipts do not say which of the two
/// they mean. No status may be guessed from them.
fn with_ambiguous_ids(world: &World, facts: &Facts, all: &Everything) -> BTreeSet<MessageId> {
    let mut owners: BTreeMap<_, BTreeSet<MessageId>> = BTreeMap::new();
    for ((message, _), pieces) in &facts.taken {
        for piece in pieces {
            let names_recipient =
                world.plan.carriers.iter().any(|carrier| carrier.name == piece.carrier && carrier.names_recipient);
            let recipient = all.messages.get(message).map(|found| &found.record.message.recipient);
            let key = (&piece.carrier, &piece.id, recipient.filter(|_| names_recipient));
            owners.entry(key).or_default().insert(*message);
        }
    }
    owners.into_values().filter(|messages| messages.len() > 1).flatten().collect()
}

/// Where a carrier has each segment once, what it was told to forget shows in the status.
fn receipts_are_applied(world: &World, facts: &Facts, found: &Found, wrong: &mut Wrong) {
    let (message, delivery) = (&found.record.message, &found.record.delivery);
    let id = message.id;
    let segments = 1..=message.segments.max(1);
    let is_plain = delivery.unknown_outcomes == 0
        && segments.clone().all(|segment| facts.taken.get(&(id, segment)).is_some_and(|copies| copies.len() == 1));
    // A short id may be given again: where it stands beside a time that went back, it means nothing.
    let is_its = |carrier: &CarrierPlan| carrier.name == delivery.carrier.as_str();
    let is_short = world.plan.carriers.iter().any(|carrier| is_its(carrier) && carrier.id_length < 12);
    if facts.was_set_back && is_short {
        return;
    }
    if !is_plain || delivery.status == Status::Failed {
        return;
    }
    let fates: Vec<_> = segments.map(|segment| facts.reported.get(&(id, segment))).collect();
    if fates.iter().all(Option::is_some) {
        let all_delivered = fates.iter().flatten().all(|fates| fates.contains("delivered"));
        let wanted = if all_delivered { Status::Delivered } else { Status::Undelivered };
        if delivery.status != wanted {
            wrong.push(format!(
                "{id} is {}, and its carrier was told to forget receipts that make it {}",
                delivery.status.as_str(),
                wanted.as_str()
            ));
        }
    }
}
