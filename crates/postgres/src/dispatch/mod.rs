//! The way to a carrier: leases, and the outcomes of attempts.
//!
//! What waits has a row in `queue`, and leases and attempts change that row alone. Attempts begin and end so often that
//! their calls share transactions.

mod attempts;
mod depths;
mod expiry;
mod leases;
mod outcomes;
mod recovery;
mod requests;
mod rounds;
mod stops;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use model::{MessageId, Moment, Timestamp};

use self::attempts::Begin;
use self::leases::Turns;
use super::Postgres;
use super::batch::Batch;
use super::core::Core;
use ledger::StoreError;
use ledger::contract::dispatch::{Attempt, Dispatch, LeaseRequest, Leased, Outcome, QueueDepth, Waiting};
use ledger::contract::nodes::Epoch;
use ledger::turns::{Reader, Work};
use ledger::verdict::Ending;

pub(super) use self::expiry::end;
pub(super) use self::recovery::{Freeing, free_leases};

/// What a process keeps for those who dispatch.
pub(super) struct Dispatching {
    turns: Turns,
    /// Whether epochs were ended whose leases may not all be free yet.
    pub(super) is_freeing: AtomicBool,
    attempts: Batch<Begin, Vec<Option<u32>>>,
    outcomes: Batch<Vec<Outcome>, ()>,
}

impl Dispatching {
    /// Begins to take calls.
    pub(super) fn start(core: &Arc<Core>) -> Self {
        let (begin, record) = (Arc::clone(core), Arc::clone(core));
        let attempts = Batch::start(Arc::clone(&core.runtime), move |calls: Vec<Arc<Begin>>| {
            let core = Arc::clone(&begin);
            Box::pin(async move {
                let work = core.write_group(calls.len(), calls, |unit, calls| Box::pin(attempts::begin(unit, calls)));
                Ok(work.await?.into_iter().map(Ok).collect())
            })
        });
        let outcomes = Batch::start(Arc::clone(&core.runtime), move |calls: Vec<Arc<Vec<Outcome>>>| {
            let core = Arc::clone(&record);
            Box::pin(async move {
                let count = calls.len();
                core.write_group(count, calls, |unit, calls| Box::pin(outcomes::record(unit, calls))).await?;
                Ok((0..count).map(|_| Ok(())).collect())
            })
        });
        Self { turns: Turns::default(), is_freeing: AtomicBool::default(), attempts, outcomes }
    }

    /// Finishes the calls that have come, and takes no more.
    pub(super) async fn close(&self) {
        self.attempts.close().await;
        self.outcomes.close().await;
    }
}

#[async_trait]
impl Dispatch for Postgres {
    async fn recover(&self, node: Epoch, now: Timestamp, retry_within: Duration) -> Result<u64, StoreError> {
        free_leases(&self.core, Freeing { node: Some(node), now, retries_by: Some(now + retry_within) }).await
    }

    async fn lease_due(&self, request: LeaseRequest) -> Result<Vec<Leased>, StoreError> {
        let begin = self.dispatching.turns.of(&request.carrier);
        let carrier = request.carrier.clone();
        let (leased, place) = self
            .core
            .write((request, begin), |unit, (request, begin)| Box::pin(leases::lease_due(unit, request, *begin)))
            .await?;
        self.dispatching.turns.set(carrier, place);
        Ok(leased)
    }

    async fn begin_attempts(&self, attempts: Vec<Attempt>, now: Moment) -> Result<Vec<Option<u32>>, StoreError> {
        let items = attempts.len();
        self.dispatching.attempts.call(Begin { attempts, now }, items).await
    }

    async fn record_outcomes(&self, outcomes: Vec<Outcome>) -> Result<(), StoreError> {
        let items = outcomes.len();
        self.dispatching.outcomes.call(outcomes, items).await
    }

    async fn release(&self, leases: Vec<(MessageId, u64)>, now: Timestamp) -> Result<(), StoreError> {
        self.core.write((leases, now), |unit, (leases, now)| Box::pin(leases::release(unit, leases, *now))).await
    }

    async fn expire(
        &self,
        node: Epoch,
        now: Moment,
        under_way: HashSet<MessageId>,
        limit: usize,
    ) -> Result<usize, StoreError> {
        self.core
            .write((node, now, under_way, limit), |unit, (node, now, under_way, limit)| {
                Box::pin(end(unit, *node, *now, under_way, Ending::ByValidity, *limit))
            })
            .await
    }

    async fn forget_requests(&self, now: Timestamp, limit: usize) -> Result<u64, StoreError> {
        self.core.write((now, limit), |unit, (now, limit)| Box::pin(requests::forget(unit, *now, *limit))).await
    }

    async fn waiting(&self, id: MessageId) -> Result<Option<Waiting>, StoreError> {
        self.core.read_for(Reader::Operator, Work::One, id, |unit, id| Box::pin(depths::waiting(unit, *id))).await
    }

    async fn count_held(&self, limit: usize) -> Result<u64, StoreError> {
        self.core.read(limit, |unit, limit| Box::pin(depths::held(unit, *limit))).await
    }

    async fn queue_depths(&self) -> Result<Vec<QueueDepth>, StoreError> {
        self.core.read((), |unit, ()| Box::pin(depths::depths(unit))).await
    }
}
