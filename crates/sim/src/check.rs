//! What must hold at rest, by comparing what clients, carriers and the operator saw with what the store says.

mod broadcasts;
mod erasures;
pub(crate) mod hooks;
mod inbound;
mod later;
mod opt_outs;
mod paces;
mod replies;
pub(crate) mod retention;
pub(crate) mod takeover;
mod truth;
mod usage;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::event::{Event, EventKind};
use model::message::MessageRecord;
use model::quota::UtcDay;
use model::{AccountId, BroadcastRecord, InboundMessage, Message, MessageId, Msisdn, Originator, Owner};
use store::contract::usage::UsageCount;

use crate::counts::Counts;
use crate::ledger::{Facts, Named, mark_of};
use crate::plan::HELD;
use crate::world::World;

/// All that the store has.
#[derive(Default)]
pub(crate) struct Everything {
    pub(crate) messages: BTreeMap<MessageId, Found>,
    pub(crate) broadcasts: Vec<BroadcastRecord>,
    /// Messages of handsets, in both worlds.
    pub(crate) inbound: Vec<Arc<InboundMessage>>,
    /// Those that belong to no account.
    pub(crate) unrouted: Vec<Arc<InboundMessage>>,
    /// The opt-outs of live messages.
    pub(crate) opt_outs: BTreeSet<(AccountId, Msisdn, Option<Originator>)>,
    /// What is counted of every owner by day.
    pub(crate) usage: Vec<(Owner, UsageCount)>,
}

/// A message as the store has it.
pub(crate) struct Found {
    pub(crate) record: MessageRecord,
    pub(crate) events: Vec<Event>,
}

impl Found {
    fn count(&self, kind: EventKind) -> usize {
        self.events.iter().filter(|event| event.kind == kind).count()
    }
}

/// The broken invariants, one sentence each.
pub(crate) type Wrong = Vec<String>;

/// Looks at everything.
pub(crate) fn at_rest(world: &World, all: &Everything) {
    let mut wrong = Wrong::new();
    {
        let mut facts = world.ledger.lock();
        for (id, found) in &all.messages {
            facts.saw(*id, found.record.delivery.status);
        }
        promises_are_kept(&facts, all, &mut wrong);
        requests_make_one_message(&facts, all, &mut wrong);
        copies_are_of_unknown_outcomes(&facts, all, &mut wrong);
        crashes_leave_no_more_than_a_window(world, &facts, all, &mut wrong);
        attempts_are_recorded(&facts, all, &mut wrong);
        quotas_are_exact(world, &facts, all, &mut wrong);
        usage::counts_by_day_are_exact(all, &mut wrong);
        truth::statuses_are_true(world, &facts, all, &mut wrong);
        later::messages_wait_for_their_time(all, world.runtime.now(), &mut wrong);
        paces::paces_are_kept(world, &facts, &mut wrong);
        paces::turns_are_fair(world, &facts, all, &mut wrong);
        broadcasts::recipients_have_one_message(&facts, all, &mut wrong);
        erasures::nothing_is_left_of_the_erased(&facts, all, &mut wrong);
        inbound::every_text_is_there_once(&facts, all, &mut wrong);
        opt_outs::the_list_is_what_was_asked_for(&facts, all, &mut wrong);
        replies::replies_keep_their_bounds(world, &facts, all, &mut wrong);
        drop(facts);
        retention::texts_are_there(world, all, &mut wrong);
    }
    wrong.into_iter().for_each(|what| world.ledger.violated(what));
}

/// What happened, counted.
pub(crate) fn count(world: &World, all: &Everything) -> Counts {
    let facts = world.ledger.lock();
    Counts {
        messages: all.messages.len() as u64,
        submits: facts.submits.len() as u64,
        duplicates: facts.taken.values().map(|copies| copies.len() as u64 - 1).sum(),
        unknown: all.messages.values().map(|found| u64::from(found.record.delivery.unknown_outcomes)).sum(),
        kills: facts.kills,
        events: world.servers.with(|servers| servers.values().map(|server| server.requests).sum()),
    }
}

/// What was answered with 201 is there.
fn promises_are_kept(facts: &Facts, all: &Everything, wrong: &mut Wrong) {
    let broadcasts: BTreeSet<_> = all.broadcasts.iter().map(|record| record.broadcast.id).collect();
    for promise in facts.requests.values().filter_map(|request| request.promised.as_ref()) {
        let is_there = match promise.id {
            Named::Message(id) => all.messages.contains_key(&id),
            Named::Broadcast(id) => broadcasts.contains(&id),
        };
        if !is_there {
            wrong.push(format!("{:?} was promised and is not there", promise.id));
        }
    }
}

/// A request made one message or broadcast at most, however often it was repeated, and the answer names it.
fn requests_make_one_message(facts: &Facts, all: &Everything, wrong: &mut Wrong) {
    let mut made: BTreeMap<u64, Vec<Named>> = BTreeMap::new();
    for (id, found) in all.messages.iter().filter(|(_, found)| found.record.message.broadcast.is_none()) {
        if let Some(mark) = found.record.message.body.as_deref().and_then(mark_of) {
            made.entry(mark).or_default().push(Named::Message(*id));
        }
    }
    for record in &all.broadcasts {
        if let Some(mark) = record.broadcast.body.as_deref().and_then(mark_of) {
            made.entry(mark).or_default().push(Named::Broadcast(record.broadcast.id));
        }
    }
    for (mark, made) in made {
        let Some(request) = facts.requests.get(&mark) else {
            wrong.push(format!("{made:?} came from no request"));
            continue;
        };
        if made.len() > 1 {
            wrong.push(format!("request {mark} (key {:?}) made {made:?}", request.key));
        }
        if let Some(promise) = request.promised.as_ref().filter(|promise| promise.id != made[0]) {
            wrong.push(format!("request {mark} was answered with {:?} and made {made:?}", promise.id));
        }
    }
}

/// A carrier has a segment twice only where the outcome of an attempt was unknown, and each such outcome is counted.
fn copies_are_of_unknown_outcomes(facts: &Facts, all: &Everything, wrong: &mut Wrong) {
    for ((id, segment), copies) in &facts.taken {
        let Some(Found { record, events }) = all.messages.get(id) else {
            wrong.push(format!("a carrier has {id}, and the store has not"));
            continue;
        };
        let counted = record.delivery.unknown_outcomes as usize;
        let told = events.iter().filter(|event| event.kind == EventKind::Unknown).count();
        if counted > told {
            wrong.push(format!("{id} counts {counted} unknown outcomes and tells of {told}"));
        }
        // A message of several segments begins anew with another carrier, which needs all of them.
        let at_one = copies
            .iter()
            .map(|copy| copies.iter().filter(|other| other.carrier == copy.carrier).count())
            .max()
            .unwrap_or(0);
        let copies = if record.message.segments <= 1 { copies.len() } else { at_one };
        if copies > 1 + counted {
            wrong.push(format!(
                "segment {segment} of {id} is {copies} times with a carrier, with {counted} unknown outcomes"
            ));
        }
        if copies > 1 && record.message.recipient.text().starts_with(HELD) {
            wrong.push(format!("{id} is to be held where its outcome is unknown, and was sent {copies} times"));
        }
    }
}

/// No more is sent again because a process ended than was under way: a window.
fn crashes_leave_no_more_than_a_window(world: &World, facts: &Facts, all: &Everything, wrong: &mut Wrong) {
    let mut again: BTreeMap<(&str, u64), usize> = BTreeMap::new();
    for ((id, _), copies) in &facts.taken {
        let is_one_segment = all.messages.get(id).is_none_or(|found| found.record.message.segments <= 1);
        for (at, next) in copies.iter().enumerate() {
            // Another carrier needs all segments of a message.
            let before = copies[..at].iter().rev().find(|copy| is_one_segment || copy.carrier == next.carrier);
            if let Some(copy) = before.filter(|copy| copy.process != next.process && !copy.is_unknown) {
                *again.entry((copy.carrier.as_str(), copy.process.0)).or_default() += 1;
            }
        }
    }
    for ((carrier, process), count) in again {
        let window = world.plan.carriers.iter().find(|plan| plan.name == carrier).map_or(0, |plan| plan.window);
        // The last message may have more segments than there is room.
        if count > window + 3 {
            wrong.push(format!(
                "{carrier}: {count} segments were sent again after process {process} ended, in a window of {window}"
            ));
        }
    }
}

/// No message leaves before its attempt is recorded.
fn attempts_are_recorded(facts: &Facts, all: &Everything, wrong: &mut Wrong) {
    let mut submits: BTreeMap<MessageId, usize> = BTreeMap::new();
    facts.submits.iter().for_each(|submit| *submits.entry(submit.id).or_default() += 1);
    for (id, count) in submits {
        let recorded = all.messages.get(&id).map_or(0, |found| found.count(EventKind::Attempt));
        if count > recorded {
            wrong.push(format!("{id} was handed over {count} times, and {recorded} attempts are recorded"));
        }
    }
}

/// Messages of broadcasts count with these. Automatic messages count for nothing.
const fn counts_for_quotas(message: &Message) -> bool {
    message.broadcast.is_none() && message.automatic.is_none()
}

/// An owner has no more recipients in a day than its quota, and was told that it is used up only when it was.
fn quotas_are_exact(world: &World, facts: &Facts, all: &Everything, wrong: &mut Wrong) {
    let mut used: BTreeMap<(Owner, i64), u64> = BTreeMap::new();
    for message in all.messages.values().map(|found| &found.record.message).filter(|message| counts_for_quotas(message))
    {
        *used.entry((message.owner(), UtcDay::of(message.created_at).0)).or_default() += 1;
    }
    for broadcast in all.broadcasts.iter().map(|record| &record.broadcast) {
        *used.entry((broadcast.owner(), UtcDay::of(broadcast.created_at).0)).or_default() +=
            u64::from(broadcast.total - broadcast.blocked);
    }
    let tenants = world.tenants();
    for ((owner, day), used) in &used {
        let Some(account) = tenants.iter().position(|tenant| tenant.account == owner.account) else { continue };
        let quota = world.plan.accounts[account].quota;
        if *used > quota {
            wrong.push(format!("account {account} has {used} recipients on day {day}, with a quota of {quota}"));
        }
    }
    for (mark, request) in facts.requests.iter().filter(|(_, request)| request.over_quota) {
        let (tenant, quota) = (&tenants[request.account], world.plan.accounts[request.account].quota);
        let of_owner =
            used.iter().filter(|((owner, _), _)| owner.account == tenant.account && owner.mode == request.mode);
        let most = of_owner.map(|(_, used)| *used).max().unwrap_or(0);
        if most + request.recipients.len() as u64 <= quota {
            wrong.push(format!("request {mark} was refused for a quota of {quota} of which {most} were used"));
        }
    }
}
