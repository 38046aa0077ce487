//! Automatic messages keep their bounds, and what is to be confirmed is.

use std::collections::BTreeMap;

use model::{AccountId, KeywordKind, Mode, Msisdn, Originator};

use super::{Everything, Wrong};
use crate::ledger::{Asked, Facts};
use crate::world::World;

/// The most within an hour, for a handset and a number. A scenario is shorter than that.
const PER_HOUR_MAX: usize = 3;

/// STOP and START are answered when they change something (STOP on a short code also once a day when it does not), HELP
/// once an hour, and no more than three messages within an hour.
pub(super) fn replies_keep_their_bounds(world: &World, facts: &Facts, all: &Everything, wrong: &mut Wrong) {
    let mut written: BTreeMap<(AccountId, Msisdn, Originator), Written> = BTreeMap::new();
    let live = all.messages.values().map(|found| &found.record.message).filter(|message| message.mode == Mode::Live);
    for (message, kind) in live.filter_map(|message| Some((message, message.automatic?))) {
        // Nothing is known any more of what an erased person was answered.
        if !message.recipient.is_nobody() && !facts.erased.contains(&message.recipient) {
            let written = written.entry((message.account, message.recipient, message.originator)).or_default();
            match kind {
                KeywordKind::Stop => written.stops += 1,
                KeywordKind::Start => written.starts += 1,
                KeywordKind::Help => written.helps += 1,
            }
        }
    }
    for (name, asked) in &facts.people.asked {
        let (_, handset, number) = *name;
        let Written { stops, starts, helps } = written.remove(name).unwrap_or_default();
        let count = stops + starts + helps;
        let is_short = matches!(number, Originator::ShortCode(_));
        let Asked { stops_of_effect, starts_of_effect, .. } = *asked;
        let again = usize::from(is_short && asked.stops > stops_of_effect);
        let clock_was_set = facts.people.clock_was_set;
        let too_many = stops > stops_of_effect + again
            || starts > starts_of_effect
            || (!clock_was_set && (helps > 1 || count > PER_HOUR_MAX));
        let may_be_silent = facts.erased.contains(&handset)
            || facts.stopped.contains(&number)
            || facts.blocks.get(&handset).is_some_and(|blocked| blocked.ever);
        let too_few = stops < stops_of_effect || starts < starts_of_effect || helps < asked.helps.min(1);
        if asked.is_unsure {
            continue;
        }
        if too_many && !facts.erased.contains(&handset) || too_few && !may_be_silent && count < PER_HOUR_MAX {
            wrong.push(format!(
                "{number} answered {handset} with {stops} STOPs, {starts} STARTs and {helps} HELPs, for {asked:?}"
            ));
        }
    }
    for (account, handset, number) in written.into_keys() {
        let account = world.tenants().iter().position(|tenant| tenant.account == account);
        wrong.push(format!("{number} of account {account:?} wrote to {handset}, who sent no keyword"));
    }
}

#[derive(Default)]
struct Written {
    stops: usize,
    starts: usize,
    helps: usize,
}
