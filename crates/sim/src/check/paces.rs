//! Paces and turns.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Everything, Wrong};
use crate::executor::ProcessId;
use crate::ledger::{Facts, Named, Submit};
use crate::plan::Mood;
use crate::world::World;

/// How much earlier than its pace a segment may be: those before it may have been held up by the disk on their way from
/// the pace to the carrier.
const TOLERANCE: Duration = Duration::from_millis(100);

/// Likewise on a disk that is slow at times.
const TOLERANCE_OF_SLOW_DISKS: Duration = Duration::from_millis(4_000);

/// How soon a node knows among how many nodes the pace of a number is divided.
const SHARES_KNOWN_WITHIN: Duration = Duration::from_secs(2);

/// Segments of a message, at most.
const SEGMENTS_MAX: u64 = 3;

/// How soon a message leaves that nothing keeps, at the latest.
const PROMPT: Duration = Duration::from_secs(4);

/// Numbers, accounts and originators keep their paces.
pub(super) fn paces_are_kept(world: &World, facts: &Facts, wrong: &mut Wrong) {
    let tolerance = if world.plan.mood == Mood::Rough { TOLERANCE_OF_SLOW_DISKS } else { TOLERANCE };
    let mut submits: Vec<&Submit> = facts.submits.iter().collect();
    submits.sort_by_key(|submit| submit.at);
    let mut paces: BTreeMap<String, Pace> = BTreeMap::new();
    for submit in submits {
        let rate_of_number = world
            .plan
            .accounts
            .iter()
            .find(|account| account.number == submit.originator)
            .and_then(|account| account.pace)
            .unwrap_or(0);
        let rate_of_carrier = world
            .plan
            .carriers
            .iter()
            .find(|carrier| carrier.name == submit.carrier)
            .map_or(0, |carrier| carrier.originator_rate);
        // Each node has its share of a number's pace: their messages may leave at one moment, and in the second in
        // which another node begins to have carriers the shares are too large.
        let others = u32::try_from(world.plan.nodes - 1).unwrap_or(0);
        let of_shares = if others > 0 && rate_of_number > 0 {
            SHARES_KNOWN_WITHIN + others * Duration::from_secs(SEGMENTS_MAX) * (others + 1) / rate_of_number
        } else {
            Duration::ZERO
        };
        for (name, rate, tolerance, is_of_carrier) in [
            (format!("number {}", submit.originator), rate_of_number, tolerance + of_shares, false),
            (format!("originator {} of {}", submit.originator, submit.carrier), rate_of_carrier, tolerance, true),
            (
                format!("account {} at {}", submit.account, submit.carrier),
                world.plan.dispatch.queue.account_rate,
                tolerance,
                true,
            ),
        ] {
            if rate == 0 {
                continue;
            }
            let pace = paces.entry(name).or_default();
            // A process knows nothing of what the one before it sent, also where a carrier moves between living ones,
            // and a machine that stood still not when it did.
            let has_moved = is_of_carrier && pace.process.is_some_and(|process| process != submit.process);
            if has_moved || facts.cuts.iter().any(|(at, _)| pace.last < *at && *at <= submit.at) {
                *pace = Pace::default();
            }
            let early = pace.free_at.saturating_sub(submit.at);
            if early > tolerance && !pace.is_broken {
                pace.is_broken = true;
                wrong.push(format!(
                    "{} left {early:?} before a pace of {rate} a second lets it, at {:?}",
                    submit.id, submit.at
                ));
            }
            pace.free_at = pace.free_at.max(submit.at) + Duration::from_secs(submit.segments.into()) / rate;
            pace.last = submit.at;
            pace.process = Some(submit.process);
        }
    }
}

#[derive(Default)]
struct Pace {
    free_at: Duration,
    last: Duration,
    /// The process that sent the last segment.
    process: Option<ProcessId>,
    is_broken: bool,
}

/// A message of an account that sends little leaves although others send much.
pub(super) fn turns_are_fair(world: &World, facts: &Facts, all: &Everything, wrong: &mut Wrong) {
    if world.plan.mood != Mood::Calm {
        return;
    }
    let light = world.plan.accounts.len() - 1;
    for promise in facts
        .requests
        .values()
        .filter(|request| request.account == light && request.send_at.is_none())
        .filter_map(|request| request.promised.as_ref())
    {
        let Named::Message(id) = promise.id else { continue };
        let Some(first) = facts.submits.iter().find(|submit| submit.id == id) else { continue };
        let Some((window, rate)) =
            world.plan.carriers.iter().find(|plan| plan.name == first.carrier).map(|plan| (plan.window, plan.rate))
        else {
            continue;
        };
        let has_originator_rate = world.plan.carriers.iter().any(|plan| plan.originator_rate > 0)
            || world.plan.dispatch.queue.account_rate > 0;
        let between = || {
            facts
                .submits
                .iter()
                .filter(|other| other.carrier == first.carrier && (promise.at..first.at).contains(&other.at))
        };
        let overtaken = between().filter(|other| other.account != first.account).count();
        let own = between().filter(|other| other.account == first.account).count();
        // Messages that had left memory before, and a turn of every other account for each message of its own; one of
        // three segments costs three turns.
        let at_most = 2 * window.min(world.plan.dispatch.batch) + 4 + 3 * (own + 1) * world.plan.accounts.len();
        if overtaken > at_most && !has_originator_rate && all.messages.contains_key(&id) {
            wrong.push(format!("{id} of an account that sends little was overtaken by {overtaken} messages of others"));
        }
        // A carrier without a rate takes what is ahead of it in far less; a look round would come later.
        let waited = first.at.saturating_sub(promise.at);
        if waited > PROMPT && rate == 0 && window >= 6 && !has_originator_rate {
            wrong.push(format!(
                "{id} of an account that sends little left after {waited:?}, with a carrier that has room"
            ));
        }
    }
}
