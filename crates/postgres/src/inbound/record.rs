//! What a call with messages of handsets does.

use std::time::Duration;

use model::{InboundMessage, MessageId, Timestamp};

use super::arrivals;
use super::follow;
use super::joins::{self, Joined};
use crate::fault::Fault;
use crate::stop::Rest;
use crate::unit::Unit;
use crate::{handsets, inbound_rows, living, optouts};
use ledger::contract::inbound::{Arrival, ArrivalId, Assembled, InboundOutcome, Interpreter, PartsStep, Recorded};
use ledger::contract::nodes::Epoch;
use ledger::handsets::message::{Meaning, asked_opt_out, whole};

/// A call that writes messages of handsets.
struct Recording<'u> {
    unit: &'u mut Unit,
    interpreter: &'u dyn Interpreter,
    /// Messages that are not written yet, each one once, and whether they belong to an account.
    unsaved: Vec<(InboundMessage, bool)>,
}

/// Records arrivals. Returns also what is left to end of queued messages.
pub(super) async fn record(
    unit: &mut Unit,
    node: Epoch,
    arrivals: &[Arrival],
    interpreter: &dyn Interpreter,
) -> Result<Vec<(Recorded, Option<Rest>)>, Fault> {
    living::require(unit, node).await?;
    handsets::lock(unit, arrivals.iter().map(|arrival| arrival.from.to_string())).await?;
    let noted = arrivals::note(unit, arrivals).await?;
    let mut recording = Recording { unit, interpreter, unsaved: Vec::new() };
    let mut recorded = Vec::with_capacity(arrivals.len());
    for (arrival, noted) in arrivals.iter().zip(noted) {
        recorded.push(recording.record(arrival, noted).await?);
    }
    recording.save().await?;
    Ok(recorded)
}

/// Shows messages of which no part came for so long, as far as they have come.
pub(super) async fn end_part_waits(
    unit: &mut Unit,
    now: Timestamp,
    wait: Duration,
    limit: usize,
    interpreter: &dyn Interpreter,
) -> Result<PartsStep, Fault> {
    let (over, more) = joins::over(unit, now, wait, limit).await?;
    let mut recording = Recording { unit, interpreter, unsaved: Vec::new() };
    let mut shown = Vec::new();
    for join in over {
        shown.extend(recording.show(join, now).await?);
    }
    recording.save().await?;
    Ok(PartsStep { shown, more })
}

impl Recording<'_> {
    async fn record(
        &mut self,
        arrival: &Arrival,
        (name, is_repeat): (ArrivalId, bool),
    ) -> Result<(Recorded, Option<Rest>), Fault> {
        let recorded = |outcome| Recorded { arrival: name, outcome };
        if is_repeat && !self.stops_again(arrival).await? {
            return Ok((recorded(InboundOutcome::Repeated), None));
        }
        let Some(part) = &arrival.part else {
            let (_, outcome, rest) = self.write(&whole(arrival), arrival.at).await?;
            return Ok((recorded(outcome), rest));
        };
        match joins::join(self.unit, arrival, part).await? {
            Joined::Known => Ok((recorded(InboundOutcome::Repeated), None)),
            Joined::Waits(replaced) => {
                if let Some(replaced) = replaced {
                    self.show(replaced, arrival.at).await?;
                    joins::replace(self.unit, replaced, arrival.at).await?;
                }
                Ok((recorded(InboundOutcome::Part), None))
            }
            Joined::Assembled(join, assembled) => {
                let (id, outcome, rest) = self.write(&assembled, arrival.at).await?;
                joins::shown(self.unit, join, id, assembled.missing().is_empty(), arrival.at).await?;
                Ok((recorded(outcome), rest))
            }
        }
    }

    /// Whether something that seems to come again asks for an opt-out that is not in force, and so counts as another
    /// message.
    async fn stops_again(&self, arrival: &Arrival) -> Result<bool, Fault> {
        match asked_opt_out(arrival, self.interpreter) {
            Some(name) => Ok(!optouts::is_in_force(self.unit, name).await?),
            None => Ok(false),
        }
    }

    /// Shows what has come of a message, if parts of it are awaited.
    async fn show(&mut self, join: i64, now: Timestamp) -> Result<Option<InboundOutcome>, Fault> {
        let Some(assembled) = joins::awaited(self.unit, join).await? else { return Ok(None) };
        let (id, outcome, _) = self.write(&assembled, now).await?;
        joins::shown(self.unit, join, id, false, now).await?;
        Ok(Some(outcome))
    }

    /// Has assembled parts interpreted, and writes the message with all that follows from it.
    async fn write(
        &mut self,
        assembled: &Assembled,
        now: Timestamp,
    ) -> Result<(MessageId, InboundOutcome, Option<Rest>), Fault> {
        let earlier = match assembled.earlier {
            Some(earlier) => {
                self.save().await?;
                inbound_rows::lock(self.unit, earlier).await?
            }
            None => None,
        };
        let meaning = Meaning::of(assembled, self.interpreter, earlier);
        let Meaning { message, is_routed, consequence, .. } = &meaning;
        self.unsaved.push((message.clone(), *is_routed));
        meaning.count_in(&mut self.unit.daily);
        if let Some((owner, resource)) = meaning.change() {
            self.unit.note(now, Some(owner), resource);
        }
        let named = consequence.opt.as_ref().map(|opt| opt.name().number);
        // Nearly always it is the handset that the message came from, which is locked.
        if let Some(named) = named.filter(|named| named.to_string() != message.from.to_string()) {
            handsets::lock_numbers(self.unit, &[named]).await?;
        }
        let (followed, rest) = follow::apply(self.unit, message, consequence, now).await?;
        Ok((message.id, meaning.outcome(followed), rest))
    }

    /// Writes what is not written yet.
    async fn save(&mut self) -> Result<(), Fault> {
        inbound_rows::save(self.unit, &std::mem::take(&mut self.unsaved)).await
    }
}
