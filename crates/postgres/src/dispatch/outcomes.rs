//! The outcomes of attempts.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::rounds::rounds;
use super::stops::Stops;
use crate::fault::Fault;
use crate::receipts::{filing, gate, parked};
use crate::unit::Unit;
use crate::{life, living};
use ledger::contract::dispatch::{Outcome, Verdict};
use ledger::contract::nodes::Epoch;
use ledger::life::Life;
use ledger::verdict;

/// Records the outcomes of several calls, those of a message in their order.
pub(super) async fn record(unit: &mut Unit, calls: &[Arc<Vec<Outcome>>]) -> Result<(), Fault> {
    let outcomes = || calls.iter().flat_map(|call| call.iter());
    let living = living::held(unit, outcomes().map(|outcome| outcome.token)).await?;
    for round in rounds(outcomes(), |outcome| outcome.id) {
        record_each(unit, &round, &living).await?;
    }
    Ok(())
}

/// Records one outcome of each message.
async fn record_each(unit: &mut Unit, outcomes: &[&Outcome], living: &BTreeSet<Epoch>) -> Result<(), Fault> {
    let Some(at) = outcomes.iter().map(|outcome| outcome.at).max() else { return Ok(()) };
    let mut lives = life::lock(unit, outcomes.iter().map(|outcome| outcome.id)).await?;
    let counts = |outcome: &Outcome, life: &Life| {
        outcome.verdict == Verdict::Sent
            || life.is_held_under(outcome.token)
                && Epoch::of_token(outcome.token).is_some_and(|epoch| living.contains(&epoch))
    };
    let tried_again = outcomes.iter().filter(|outcome| matches!(outcome.verdict, Verdict::Retry(_)));
    let tried_again = tried_again.filter_map(|outcome| {
        let life = lives.get(&outcome.id)?;
        counts(outcome, life).then_some((life, verdict::unless_erased(outcome, life).recipient))
    });
    let stops = Stops::find(unit, &tried_again.collect::<Vec<_>>()).await?;
    let (mut changed, mut held, mut taken, mut ended) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for outcome in outcomes {
        let Some(mut life) = lives.remove(&outcome.id) else { continue };
        let outcome = verdict::unless_erased(outcome, &life);
        ended.push(life.id);
        if counts(&outcome, &life) {
            let stops = stops.of(&life, outcome.recipient);
            verdict::apply(&mut life, &outcome, stops);
            changed.push(life);
            if outcome.verdict == Verdict::Hold && outcome.total == 1 {
                held.push(taken.len());
            }
        }
        taken.push(outcome);
    }
    life::save(unit, changed).await?;
    // Whatever became of the messages, receipts for what the carriers took will come.
    let taken: Vec<&Outcome> = taken.iter().map(|outcome| &**outcome).collect();
    let held: Vec<&Outcome> = held.into_iter().map(|at| taken[at]).collect();
    let file = async {
        filing::file_held(unit, &held).await?;
        filing::file_segments(unit, &taken).await
    };
    let filed = gate::pass_and(unit, file).await?;
    parked::apply(unit, &filed, at).await?;
    parked::settle_waiting(unit, &ended, at).await
}
