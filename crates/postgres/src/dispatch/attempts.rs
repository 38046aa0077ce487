//! The beginning of attempts: what is committed before a message leaves this machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{MessageId, Moment};

use super::rounds::rounds;
use super::stops;
use crate::fault::Fault;
use crate::unit::Unit;
use crate::{life, living, rows};
use ledger::contract::dispatch::Attempt;
use ledger::contract::nodes::Epoch;
use ledger::reasons::OPTED_OUT;

/// One call.
pub(super) struct Begin {
    pub(super) attempts: Vec<Attempt>,
    pub(super) now: Moment,
}

/// An attempt of a call, with the places of both.
struct Asked<'c> {
    call: usize,
    place: usize,
    attempt: &'c Attempt,
    now: Moment,
}

/// The lease is made longer, never shorter, and the carrier is the one that is tried.
const COUNT: &str = "UPDATE queue q SET attempts = q.attempts + 1, attempt_began = clock_timestamp(), \
    carrier = n.carrier, due_at = greatest(q.due_at, n.lease_until) \
    FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[]) \
    AS n (id, token, carrier, lease_until, now) \
    WHERE q.message_id = n.id AND q.lease = n.token AND q.lease <> 0 AND q.due_at > n.now \
    RETURNING q.message_id, q.attempts";

/// Begins the attempts of several calls. Returns the numbers of each call's attempts.
pub(super) async fn begin(unit: &mut Unit, calls: &[Arc<Begin>]) -> Result<Vec<Vec<Option<u32>>>, Fault> {
    let mut asked = Vec::new();
    for (call, Begin { attempts, now }) in calls.iter().map(AsRef::as_ref).enumerate() {
        asked.extend(attempts.iter().enumerate().map(|(place, attempt)| Asked { call, place, attempt, now: *now }));
    }
    let living = living::held(unit, asked.iter().map(|asked| asked.attempt.token)).await?;
    asked.retain(|asked| Epoch::of_token(asked.attempt.token).is_some_and(|epoch| living.contains(&epoch)));
    let mut answers: Vec<Vec<Option<u32>>> = calls.iter().map(|call| vec![None; call.attempts.len()]).collect();
    for round in rounds(asked, |asked| asked.attempt.id) {
        let numbers = begin_each(unit, &round).await?;
        for asked in &round {
            answers[asked.call][asked.place] = numbers.get(&asked.attempt.id).copied();
        }
    }
    Ok(answers)
}

/// Begins one attempt of each message, unless its lease is over or an opt-out stops it. Returns the numbers of those
/// that have begun.
async fn begin_each(unit: &mut Unit, asked: &[Asked<'_>]) -> Result<BTreeMap<MessageId, u32>, Fault> {
    let opted_out =
        stops::opted_out(unit, asked.iter().map(|asked| (asked.attempt.id, asked.attempt.recipient))).await?;
    let (stopped, others): (Vec<&Asked<'_>>, Vec<&Asked<'_>>) =
        asked.iter().partition(|asked| opted_out.contains(&asked.attempt.id));
    end_opted_out(unit, &stopped).await?;
    let numbers = count(unit, others).await?;
    for asked in asked {
        if let Some(number) = numbers.get(&asked.attempt.id) {
            unit.add_event(asked.attempt.event(*number, asked.now.wall));
        }
    }
    Ok(numbers)
}

/// Ends messages that opt-outs stop, where their leases hold. The end of an attempt under way is awaited: its outcome
/// is not recorded yet, and a retry of it finds the opt-out.
async fn end_opted_out(unit: &mut Unit, stopped: &[&Asked<'_>]) -> Result<(), Fault> {
    let mut lives = life::lock(unit, stopped.iter().map(|asked| asked.attempt.id)).await?;
    let mut ended = Vec::new();
    for Asked { attempt, now, .. } in stopped {
        let Some(mut life) = lives.remove(&attempt.id) else { continue };
        let holds = life.is_held_under(attempt.token) && life.due_at > now.steady;
        if holds && !life.in_flight && life.skip(now.wall, OPTED_OUT) {
            ended.push(life);
        }
    }
    life::save(unit, ended).await
}

/// Counts the attempts whose leases hold. The rows are changed in the order of ids.
async fn count(unit: &Unit, mut asked: Vec<&Asked<'_>>) -> Result<BTreeMap<MessageId, u32>, Fault> {
    asked.sort_unstable_by_key(|asked| asked.attempt.id);
    macro_rules! column {
        ($asked:ident => $value:expr) => {
            &asked.iter().map(|$asked| $value).collect::<Vec<_>>()
        };
    }
    let found = unit
        .query(
            COUNT,
            &[
                column!(asked => rows::id(asked.attempt.id.to_bytes())),
                column!(asked => asked.attempt.token.cast_signed()),
                column!(asked => asked.attempt.carrier.as_str()),
                column!(asked => asked.attempt.lease_until.as_millis()),
                column!(asked => asked.now.steady.as_millis()),
            ],
        )
        .await?;
    found.iter().map(|row| Ok((MessageId::from_bytes(rows::octets(row, 0)?), rows::count(row, 1)?))).collect()
}
