//! Messages of handsets: what came before, parts to wholes, wholes to messages, and what follows from them, in one
//! transaction.
//!
//! Reading order: [`handsets`] (what keeps transactions about one handset apart), [`record`] (what a call does),
//! [`arrivals`] (what came again), [`joins`] (parts), [`inbound_rows`](super::inbound_rows) (the rows of messages),
//! [`follow`] (opt-outs and automatic messages), [`list`] (reading), [`old`] (the end of what is kept).

mod arrivals;
mod follow;
mod joins;
mod list;
mod old;
mod record;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::{InboundMessage, MessageId, Owner, Timestamp};

use super::fault::Fault;
use super::stop::Rest;
use super::unit::Unit;
use super::{Postgres, handsets, inbound_rows};
use ledger::StoreError;
use ledger::contract::inbound::{
    Arrival, ArrivalId, Inbound, InboundFilter, InboundPage, Interpreter, Opt, PartsStep, Recorded, UnroutedPage,
};
use ledger::contract::nodes::Epoch;
use ledger::handsets::message::Meaning;

#[async_trait]
impl Inbound for Postgres {
    async fn record_inbound(
        &self,
        node: Epoch,
        arrivals: Vec<Arrival>,
        interpreter: Arc<dyn Interpreter>,
    ) -> Result<Vec<Recorded>, StoreError> {
        if arrivals.is_empty() {
            return Ok(Vec::new());
        }
        let recorded = self
            .core
            .write((node, arrivals, interpreter), |unit, (node, arrivals, interpreter)| {
                Box::pin(record::record(unit, *node, arrivals, &**interpreter))
            })
            .await?;
        let mut all = Vec::with_capacity(recorded.len());
        for (mut recorded, rest) in recorded {
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
        self.core.write(arrivals, |unit, arrivals| Box::pin(arrivals::answered(unit, arrivals))).await
    }

    async fn end_part_waits(
        &self,
        now: Timestamp,
        wait: Duration,
        limit: usize,
        interpreter: Arc<dyn Interpreter>,
    ) -> Result<PartsStep, StoreError> {
        self.core
            .write((now, wait, limit, interpreter), |unit, (now, wait, limit, interpreter)| {
                Box::pin(record::end_part_waits(unit, *now, *wait, *limit, &**interpreter))
            })
            .await
    }

    async fn forget_inbound(&self, now: Timestamp, unrouted_kept: Duration, limit: usize) -> Result<usize, StoreError> {
        if limit == 0 {
            return Ok(0);
        }
        self.core
            .write((now, unrouted_kept, limit), |unit, (now, unrouted_kept, limit)| {
                Box::pin(old::forget(unit, *now, *unrouted_kept, *limit))
            })
            .await
    }

    async fn count_waiting_parts(&self) -> Result<u64, StoreError> {
        self.core.read((), |unit, ()| Box::pin(joins::count_waiting(unit))).await
    }

    async fn inbound_message(&self, owner: Owner, id: MessageId) -> Result<Option<Arc<InboundMessage>>, StoreError> {
        let found = self.inbound_of_any_account(id).await?;
        Ok(found.filter(|message| message.owner() == owner))
    }

    async fn inbound_of_any_account(&self, id: MessageId) -> Result<Option<Arc<InboundMessage>>, StoreError> {
        let found = self.core.read(id, |unit, id| Box::pin(inbound_rows::load(unit, *id))).await?;
        Ok(found.filter(|(_, is_routed)| *is_routed).map(|(message, _)| Arc::new(message)))
    }

    async fn inbound_messages(
        &self,
        owner: Option<Owner>,
        filter: InboundFilter,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<InboundPage, StoreError> {
        self.core
            .read((owner, filter, after, limit), |unit, (owner, filter, after, limit)| {
                Box::pin(list::page(unit, *owner, filter, *after, *limit))
            })
            .await
    }

    async fn unrouted(&self, after: Option<MessageId>, limit: usize) -> Result<UnroutedPage, StoreError> {
        self.core.read((after, limit), |unit, (after, limit)| Box::pin(list::unrouted(unit, *after, *limit))).await
    }

    async fn assign_unrouted(
        &self,
        id: MessageId,
        owner: Owner,
        opt: Option<Opt>,
        now: Timestamp,
    ) -> Result<Arc<InboundMessage>, StoreError> {
        let (message, rest) = self
            .core
            .write((id, owner, opt, now), |unit, (id, owner, opt, now)| {
                Box::pin(assign(unit, *id, *owner, opt.as_ref(), *now))
            })
            .await?;
        if let Some(rest) = rest {
            self.end_rest_if_possible(rest).await;
        }
        Ok(message)
    }
}

async fn assign(
    unit: &mut Unit,
    id: MessageId,
    owner: Owner,
    opt: Option<&Opt>,
    now: Timestamp,
) -> Result<(Arc<InboundMessage>, Option<Rest>), Fault> {
    let not_found = || Fault::Told(StoreError::NotFound);
    let (message, _) = inbound_rows::load(unit, id).await?.ok_or_else(not_found)?;
    let named = opt.map(|opt| opt.name().number.to_string());
    handsets::lock(unit, named.into_iter().chain([message.from.to_string()])).await?;
    // It may have been assigned until it was locked.
    let (message, is_routed) = inbound_rows::lock(unit, id).await?.ok_or_else(not_found)?;
    if is_routed {
        return Err(not_found());
    }
    let meaning = Meaning::assigned(message, owner, opt.cloned(), now);
    let Meaning { message, consequence, .. } = &meaning;
    inbound_rows::assign(unit, message).await?;
    meaning.count_in(&mut unit.daily);
    if let Some((owner, resource)) = meaning.change() {
        unit.note(now, Some(owner), resource);
    }
    let (_, rest) = follow::apply(unit, message, consequence, now).await?;
    Ok((Arc::new(meaning.message), rest))
}
