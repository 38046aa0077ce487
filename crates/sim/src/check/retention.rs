//! What is older than its rule is gone, what has not ended is whole, and nothing else has changed.

use std::time::Duration;

use model::{BroadcastRecord, InboundBody, MessageRecord, Status, TextRetention, Timestamp};

use super::{Everything, Wrong};
use crate::site::RULES;
use crate::world::World;

/// Looks at everything that is left of `before` at `now`, when every round that was due is over: the rules of accounts
/// and the platform's hold.
pub(crate) fn old_things_are_gone(world: &World, before: &Everything, left: &Everything, now: Timestamp) {
    let mut wrong = Wrong::new();
    let is_old = |made_at: Timestamp, kept: Option<Duration>| kept.is_some_and(|kept| made_at < now - kept);
    for (id, found) in &before.messages {
        let Some(found_now) = left.messages.get(id) else {
            if !is_old(age_from(&found.record), RULES.messages) {
                wrong.push(format!("{id} is gone before its time"));
            }
            continue;
        };
        let record = &found_now.record;
        let age_from = age_from(record);
        if has_ended(record) && is_old(age_from, RULES.messages) {
            wrong.push(format!("{id} is older than messages are kept, and there: {:?}", record.delivery));
        }
        text_is_as_its_rule_says(world, record, is_old(age_from, RULES.texts), &mut wrong);
        if found.record.delivery.status.is_final() && found.record.delivery != record.delivery {
            wrong.push(format!("{id} was {:?} and is {:?}", found.record.delivery, record.delivery));
        }
    }
    for earlier in &before.broadcasts {
        broadcast_is_as_its_rule_says(earlier, left, now, &mut wrong);
    }
    texts_of_handsets_are_as_their_rules_say(before, left, now, &mut wrong);
    if left.messages.keys().any(|id| !before.messages.contains_key(id)) {
        wrong.push("a message came from nowhere while old ones were removed".to_owned());
    }
    wrong.into_iter().for_each(|what| world.ledger.violated(what));
}

/// From when on the age of a message is counted: its acceptance, or its time to leave.
fn age_from(MessageRecord { message, .. }: &MessageRecord) -> Timestamp {
    message.send_at.unwrap_or(message.id.made_at())
}

/// What handsets sent goes by the same rules. (An account that discards texts has those of handsets for a day, which is
/// over here.)
fn texts_of_handsets_are_as_their_rules_say(before: &Everything, left: &Everything, now: Timestamp, wrong: &mut Wrong) {
    let is_old = |at: Timestamp, kept: Option<Duration>| kept.is_some_and(|kept| at < now - kept);
    for earlier in &before.inbound {
        let id = earlier.id;
        let is_gone = !left.inbound.iter().any(|message| message.id == id);
        if is_gone != is_old(id.made_at(), RULES.messages) {
            wrong.push(format!("{id} of a handset is gone: {is_gone}, and was made at {:?}", id.made_at()));
        }
    }
    for message in left.inbound.iter().filter(|message| is_old(message.id.made_at(), RULES.texts)) {
        if !matches!(message.body, InboundBody::Gone) {
            wrong.push(format!("{} of a handset still has its text", message.id));
        }
    }
}

/// At rest nothing is as old as a rule: texts are there, but for those that are discarded.
pub(super) fn texts_are_there(world: &World, all: &Everything, wrong: &mut Wrong) {
    for record in all.messages.values().map(|found| &found.record) {
        // One that is sent may wait for its receipts.
        let is_certain = record.delivery.status != Status::Sent || record.delivery.receipt_missing;
        if is_certain || rule_of(world, record) != Some(TextRetention::Discard) {
            text_is_as_its_rule_says(world, record, false, wrong);
        }
    }
}

/// The text of a message that has not ended is there; of one that has, it is there if its rule keeps it.
fn text_is_as_its_rule_says(world: &World, record: &MessageRecord, is_old: bool, wrong: &mut Wrong) {
    // An erasure takes the text before its time.
    if record.delivery.erased_at.is_some() {
        return;
    }
    let (id, has_text) = (record.message.id, record.message.body.is_some());
    let discards = rule_of(world, record) == Some(TextRetention::Discard);
    match (has_ended(record), has_text) {
        (false, false) => wrong.push(format!("{id} has lost its text before its end: {:?}", record.delivery)),
        (true, true) if is_old || discards => {
            wrong.push(format!("{id} has ended and still has its text: {:?}", record.delivery));
        }
        (true, false) if !is_old && !discards => wrong.push(format!("{id} has lost its text before its time")),
        _ => {}
    }
}

fn broadcast_is_as_its_rule_says(earlier: &BroadcastRecord, left: &Everything, now: Timestamp, wrong: &mut Wrong) {
    let id = earlier.broadcast.id;
    let is_old = RULES.messages.is_some_and(|kept| id.made_at() < now - kept);
    let has_messages = left.messages.values().any(|found| found.record.message.broadcast == Some(id));
    match left.broadcasts.iter().find(|record| record.broadcast.id == id) {
        None if has_messages => wrong.push(format!("{id} is gone, and has messages")),
        None if !is_old => wrong.push(format!("{id} is gone before its time")),
        Some(record) if is_old && !record.status.is_open() && !has_messages => {
            wrong.push(format!("{id} is older than broadcasts are kept, and there: {:?}", record.status));
        }
        Some(record) if !earlier.status.is_open() && record.counts.total != earlier.counts.total => {
            wrong.push(format!("{id} counted {:?} and counts {:?}", earlier.counts, record.counts));
        }
        _ => {}
    }
}

/// Whether nothing of it is sent any more, and no receipt is waited for: days later the waits are over.
fn has_ended(record: &MessageRecord) -> bool {
    !record.delivery.status.is_waiting()
}

fn rule_of(world: &World, record: &MessageRecord) -> Option<TextRetention> {
    let tenants = world.tenants();
    let account = tenants.iter().position(|tenant| tenant.account == record.message.account)?;
    world.plan.accounts[account].texts
}
