//! Opt-outs: the list, and its history.
//!
//! Whoever changes the opt-outs of a handset has the handset locked ([`handsets`]). Reading order: [`change`],
//! [`list`].

mod change;
mod list;

use async_trait::async_trait;
use model::{Msisdn, OptOut, OptOutName, Owner, Timestamp};

pub(super) use self::change::{end, is_in_force, put};
use super::fault::Fault;
use super::stop::{Rest, end_queued};
use super::unit::Unit;
use super::{Postgres, follow, handsets};
use ledger::StoreError;
use ledger::contract::optouts::{HistoryPage, OptIn, OptOutCursor, OptOutFilter, OptOutPage, OptOuts, OptedIn};
use ledger::handsets::opting::Put;
use ledger::handsets::stop::Stops;

#[async_trait]
impl OptOuts for Postgres {
    async fn all_opt_outs(&self, mut each: Box<dyn FnMut(Vec<OptOut>) + Send>) -> Result<(), StoreError> {
        let mut after = 0;
        loop {
            let batch = self.core.read(after, |unit, after| Box::pin(list::batch(unit, *after))).await?;
            let Some((_, last)) = batch.last() else { return Ok(()) };
            after = *last;
            each(batch.into_iter().map(|(opt_out, _)| opt_out).collect());
        }
    }

    async fn opt_out(&self, opt_outs: Vec<OptOut>) -> Result<Vec<bool>, StoreError> {
        if opt_outs.is_empty() {
            return Ok(Vec::new());
        }
        let (changed, rests) = self.core.write(opt_outs, |unit, opt_outs| Box::pin(opt_out(unit, opt_outs))).await?;
        for rest in rests {
            self.end_rest_if_possible(rest).await;
        }
        if changed.contains(&false) {
            // Another node has put it on the list, and this one may not have heard of that. It must apply the opt-out
            // before the caller gets its answer.
            follow::catch_up(&self.core).await?;
        }
        Ok(changed)
    }

    async fn opt_in(&self, opt_in: OptIn) -> Result<OptedIn, StoreError> {
        self.core.write(opt_in, |unit, opt_in| Box::pin(change::opt_in(unit, opt_in))).await
    }

    async fn opt_outs(
        &self,
        owner: Owner,
        filter: OptOutFilter,
        after: Option<OptOutCursor>,
        limit: usize,
    ) -> Result<OptOutPage, StoreError> {
        self.core
            .read((owner, filter, after, limit), |unit, (owner, filter, after, limit)| {
                Box::pin(list::page(unit, *owner, filter, *after, *limit))
            })
            .await
    }

    async fn opt_out_history(
        &self,
        owner: Owner,
        number: Msisdn,
        after: Option<OptOutCursor>,
        limit: usize,
    ) -> Result<HistoryPage, StoreError> {
        self.core
            .read((owner, number, after, limit), |unit, (owner, number, after, limit)| {
                Box::pin(list::history(unit, *owner, *number, *after, *limit))
            })
            .await
    }
}

/// Puts opt-outs on the list, and ends what waits for their handsets. Returns which are new, and what is left to end.
async fn opt_out(unit: &mut Unit, opt_outs: &[OptOut]) -> Result<(Vec<bool>, Vec<Rest>), Fault> {
    let numbers: Vec<Msisdn> = opt_outs.iter().map(|opt_out| opt_out.name.number).collect();
    handsets::lock_numbers(unit, &numbers).await?;
    let put = put(unit, opt_outs).await?;
    let changed: Vec<bool> = put.into_iter().map(|put| put == Put::New).collect();
    let new: Vec<(OptOutName, Timestamp)> = opt_outs
        .iter()
        .zip(&changed)
        .filter(|(_, changed)| **changed)
        .map(|(opt_out, _)| (opt_out.name, opt_out.created_at))
        .collect();
    let mut rests = Vec::new();
    for stops in Stops::all(&new) {
        rests.extend(end_queued(unit, stops).await?.1);
    }
    Ok((changed, rests))
}
