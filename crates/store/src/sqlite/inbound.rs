//! Messages of handsets: what came before, parts to wholes, wholes to messages, and what follows from them, in one
//! transaction.
//!
//! Reading order: [`arrivals`] (what came again), [`joins`] (parts), [`inbound_rows`] (the rows of messages),
//! [`follow`] (opt-outs and automatic messages), [`list`] (reading).

mod arrivals;
mod erase;
mod follow;
mod joins;
mod list;
mod old;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::{InboundMessage, MessageId, Owner, Timestamp};
use rusqlite::Connection;

use super::Sqlite;
use super::fault::Fault;
use super::inbound_rows;
use super::optouts;
use super::stop::Rest;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::inbound::{
    Arrival, ArrivalId, Assembled, Inbound, InboundFilter, InboundOutcome, InboundPage, Interpreter, Opt, PartsStep,
    Recorded, UnroutedPage,
};
use ledger::contract::nodes::Epoch;
use ledger::handsets::message::{Meaning, asked_opt_out, whole};
use ledger::turns::{Reader, Work};

use joins::Joined;

pub(super) use erase::{erasable, erase};

#[async_trait]
impl Inbound for Sqlite {
    async fn record_inbound(
        &self,
        node: Epoch,
        arrivals: Vec<Arrival>,
        interpreter: Arc<dyn Interpreter>,
    ) -> Result<Vec<Recorded>, StoreError> {
        if arrivals.is_empty() {
            return Ok(Vec::new());
        }
        let write = move |group: &mut Group| {
            group.living.require(node)?;
            let mut recorded = Vec::with_capacity(arrivals.len());
            for arrival in &arrivals {
                recorded.push(record(group, arrival, &*interpreter)?);
            }
            Ok(recorded)
        };
        let mut all = Vec::new();
        for (mut recorded, rest) in self.writer.write(write).await? {
            if let Some(rest) = rest {
                let ended = self.end_rest_if_possible(rest).await;
                recorded.outcome.followed_mut().into_iter().for_each(|followed| followed.canceled += ended);
            }
            all.push(recorded);
        }
        Ok(all)
    }

    async fn answered(&self, arrivals: Vec<ArrivalId>) -> Result<(), StoreError> {
        if arrivals.is_empty() {
            return Ok(());
        }
        self.writer.write(move |group| Ok(arrivals::answered(&group.connection, &arrivals)?)).await
    }

    async fn end_part_waits(
        &self,
        now: Timestamp,
        wait: Duration,
        limit: usize,
        interpreter: Arc<dyn Interpreter>,
    ) -> Result<PartsStep, StoreError> {
        // Nearly always nothing waits for so long, and a write would wake the disk.
        let look = move |connection: &Connection| joins::over(connection, now, wait, limit.min(1));
        if self.readers.read(look).await?.is_empty() {
            return Ok(PartsStep::default());
        }
        let write = move |group: &mut Group| {
            let over = joins::over(&group.connection, now, wait, limit)?;
            let more = over.len() == limit;
            let mut shown = Vec::new();
            for join in over {
                shown.extend(show(group, join, now, &*interpreter)?);
            }
            Ok(PartsStep { shown, more })
        };
        self.writer.write(write).await
    }

    async fn forget_inbound(&self, now: Timestamp, unrouted_kept: Duration, limit: usize) -> Result<usize, StoreError> {
        let look = move |connection: &Connection| old::is_any(connection, now, unrouted_kept);
        if limit == 0 || !self.readers.read(look).await? {
            return Ok(0);
        }
        self.writer.write(move |group| Ok(old::forget(&group.connection, now, unrouted_kept, limit)?)).await
    }

    async fn count_waiting_parts(&self) -> Result<u64, StoreError> {
        self.readers.read(joins::count_waiting).await
    }

    async fn inbound_message(&self, owner: Owner, id: MessageId) -> Result<Option<Arc<InboundMessage>>, StoreError> {
        let read = move |connection: &Connection| {
            Ok(inbound_rows::load(connection, id)?
                .filter(|(message, is_routed)| *is_routed && message.owner() == owner))
        };
        let found = self.readers.read_for(Reader::Owner(owner), Work::One, read).await?;
        Ok(found.map(|(message, _)| Arc::new(message)))
    }

    async fn inbound_of_any_account(&self, id: MessageId) -> Result<Option<Arc<InboundMessage>>, StoreError> {
        let read =
            move |connection: &Connection| Ok(inbound_rows::load(connection, id)?.filter(|(_, is_routed)| *is_routed));
        let found = self.readers.read_for(Reader::Operator, Work::One, read).await?;
        Ok(found.map(|(message, _)| Arc::new(message)))
    }

    async fn inbound_messages(
        &self,
        owner: Option<Owner>,
        filter: InboundFilter,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<InboundPage, StoreError> {
        let read = move |connection: &Connection| list::page(connection, owner, &filter, after, limit);
        self.readers.read_for(owner.into(), Work::Page, read).await
    }

    async fn unrouted(&self, after: Option<MessageId>, limit: usize) -> Result<UnroutedPage, StoreError> {
        let read = move |connection: &Connection| list::unrouted(connection, after, limit);
        self.readers.read_for(Reader::Operator, Work::Page, read).await
    }

    async fn assign_unrouted(
        &self,
        id: MessageId,
        owner: Owner,
        opt: Option<Opt>,
        now: Timestamp,
    ) -> Result<Arc<InboundMessage>, StoreError> {
        let write = move |group: &mut Group| {
            let (message, is_routed) =
                inbound_rows::load(&group.connection, id)?.ok_or(Fault::Told(StoreError::NotFound))?;
            if is_routed {
                return Err(Fault::Told(StoreError::NotFound));
            }
            let meaning = Meaning::assigned(message, owner, opt, now);
            let Meaning { message, consequence, .. } = &meaning;
            inbound_rows::assign(&group.connection, message)?;
            meaning.count_in(&mut group.daily);
            if let Some((owner, resource)) = meaning.change() {
                group.note(now, Some(owner), resource);
            }
            let (_, rest) = follow::apply(group, message, consequence, now)?;
            Ok((Arc::new(meaning.message), rest))
        };
        let (message, rest) = self.writer.write(write).await?;
        if let Some(rest) = rest {
            self.end_rest_if_possible(rest).await;
        }
        Ok(message)
    }
}

/// Records one arrival. Returns also what is left to end of queued messages.
fn record(
    group: &mut Group,
    arrival: &Arrival,
    interpreter: &dyn Interpreter,
) -> rusqlite::Result<(Recorded, Option<Rest>)> {
    let (name, is_repeat) = arrivals::note(&group.connection, arrival)?;
    let recorded = |outcome| Recorded { arrival: name, outcome };
    if is_repeat && !stops_again(group, arrival, interpreter)? {
        return Ok((recorded(InboundOutcome::Repeated), None));
    }
    let assembled = match &arrival.part {
        None => whole(arrival),
        Some(part) => match joins::join(&group.connection, arrival, part)? {
            Joined::Known => return Ok((recorded(InboundOutcome::Repeated), None)),
            Joined::Waits(replaced) => {
                if let Some(replaced) = replaced {
                    show(group, replaced, arrival.at, interpreter)?;
                    joins::replace(&group.connection, replaced, arrival.at)?;
                }
                return Ok((recorded(InboundOutcome::Part), None));
            }
            Joined::Assembled(join, assembled) => {
                let (id, outcome, rest) = write(group, &assembled, interpreter, arrival.at)?;
                joins::shown(&group.connection, join, id, assembled.missing().is_empty(), arrival.at)?;
                return Ok((recorded(outcome), rest));
            }
        },
    };
    let (_, outcome, rest) = write(group, &assembled, interpreter, arrival.at)?;
    Ok((recorded(outcome), rest))
}

/// Whether something that seems to come again asks for an opt-out that is not in force, and so counts as another
/// message.
fn stops_again(group: &Group, arrival: &Arrival, interpreter: &dyn Interpreter) -> rusqlite::Result<bool> {
    match asked_opt_out(arrival, interpreter) {
        Some(name) => Ok(!optouts::is_in_force(&group.connection, name)?),
        None => Ok(false),
    }
}

/// Shows what has come of a message, if parts of it are awaited.
fn show(
    group: &mut Group,
    join: i64,
    now: Timestamp,
    interpreter: &dyn Interpreter,
) -> rusqlite::Result<Option<InboundOutcome>> {
    let Some(assembled) = joins::awaited(&group.connection, join)? else { return Ok(None) };
    let (id, outcome, _) = write(group, &assembled, interpreter, now)?;
    joins::shown(&group.connection, join, id, false, now)?;
    Ok(Some(outcome))
}

/// Has assembled parts interpreted, and writes the message with all that follows from it.
fn write(
    group: &mut Group,
    assembled: &Assembled,
    interpreter: &dyn Interpreter,
    now: Timestamp,
) -> rusqlite::Result<(MessageId, InboundOutcome, Option<Rest>)> {
    let earlier = assembled.earlier.map(|earlier| inbound_rows::load(&group.connection, earlier)).transpose()?;
    let meaning = Meaning::of(assembled, interpreter, earlier.flatten());
    let Meaning { message, is_routed, consequence, .. } = &meaning;
    inbound_rows::save(&group.connection, message, *is_routed)?;
    meaning.count_in(&mut group.daily);
    if let Some((owner, resource)) = meaning.change() {
        group.note(now, Some(owner), resource);
    }
    let (followed, rest) = follow::apply(group, message, consequence, now)?;
    Ok((message.id, meaning.outcome(followed), rest))
}

/// Every statement of this part that runs again and again, or that an erasure runs.
#[cfg(test)]
pub(super) fn maintenance() -> Vec<String> {
    let plain = [
        arrivals::MAINTENANCE,
        joins::MAINTENANCE,
        inbound_rows::MAINTENANCE,
        follow::MAINTENANCE,
        old::MAINTENANCE,
        erase::MAINTENANCE,
    ]
    .concat();
    plain.into_iter().map(str::to_owned).chain(list::maintenance()).chain(super::optouts::maintenance()).collect()
}
