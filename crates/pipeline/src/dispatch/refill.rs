//! What comes into a dispatcher's memory from the store, and what goes from there to another carrier.

use std::sync::atomic::Ordering;

use model::{Message, Mode, Moment};
use store::StoreError;
use store::contract::dispatch::{LeaseRequest, Leased, Outcome, Retry, Verdict};

use super::{Dispatcher, Dispatchers};
use crate::outcome::{policy_of, unattempted};
use crate::route::OnUnknown;

impl Dispatcher {
    /// Leases what is due, of accounts that have not enough in memory already. An attempt that an earlier process began is of unknown outcome, and goes by
    /// its route's policy; the attempts of this process, whose answers will come, stay where they are.
    pub(super) async fn refill(&self) -> Result<(), StoreError> {
        let now = self.clock.look();
        let (limit, limit_of_broadcasts) = {
            let queue = self.queue();
            (queue.room().min(self.settings.batch), queue.room_for_broadcasts())
        };
        if limit == 0 {
            return Ok(());
        }
        self.backlog.store(false, Ordering::Release);
        let passed_over = self.queue().with_at_least(self.settings.batch);
        let (carrier, lease, under_way) = (self.carrier.name().to_owned(), self.new_lease(), self.under_way.messages());
        let request = LeaseRequest { carrier, now, lease, limit, limit_per_account: (limit / 4).max(1), limit_of_broadcasts, passed_over, under_way };
        let leased = self.store.lease_due(request).await?;
        if !leased.is_empty() {
            self.backlog.store(true, Ordering::Release);
        }
        let (interrupted, fresh): (Vec<_>, Vec<_>) = leased.into_iter().partition(|leased| leased.interrupted);
        {
            let mut queue = self.queue();
            fresh.into_iter().for_each(|leased| queue.push(leased));
            queue.forget_idle(now.steady);
        }
        self.settle_interrupted(&interrupted, now).await
    }

    async fn settle_interrupted(&self, interrupted: &[Leased], now: Moment) -> Result<(), StoreError> {
        if interrupted.is_empty() {
            return Ok(());
        }
        tracing::warn!(carrier.name = self.carrier.name(), "{} attempts were begun by a process that died: their outcome is unknown", interrupted.len());
        let outcomes = interrupted.iter().map(|leased| self.interrupted(leased, now)).collect();
        // One of a broadcast that was canceled meanwhile ends here.
        self.store.record_outcomes(outcomes).await?;
        interrupted.iter().for_each(|_| self.counters.unknown.add());
        Ok(())
    }

    fn interrupted(&self, leased: &Leased, now: Moment) -> Outcome {
        let verdict = match policy_of(&leased.message, &self.routes) {
            OnUnknown::Hold => Verdict::Hold,
            OnUnknown::Resend => Verdict::Retry(Retry { due_at: now.steady, carrier: leased.carrier.clone(), counts: true, outcome_unknown: true }),
        };
        unattempted(leased, now.wall, verdict, "the process ended before an answer was recorded".to_owned())
    }

    /// Gives the messages of a carrier that has been down for long to the next one of their route that is up.
    pub(super) async fn divert(&self, dispatchers: &Dispatchers) -> Result<(), StoreError> {
        if !self.is_down_for_long() {
            return Ok(());
        }
        let now = self.clock.look();
        let (mut diverted, mut outcomes) = (Vec::new(), Vec::new());
        let held = self.queue().clear();
        for leased in held {
            match self.other_carrier(&leased.message, dispatchers) {
                Some(carrier) => {
                    let detail = format!("{} is down; next carrier: {carrier}", self.carrier.name());
                    let verdict = Verdict::Retry(Retry { due_at: now.steady, carrier, counts: false, outcome_unknown: false });
                    // It was never attempted here, so there is no attempt to take back.
                    outcomes.push(unattempted(&leased, now.wall, verdict, detail));
                    diverted.push(leased);
                }
                None => self.queue().push(leased),
            }
        }
        if outcomes.is_empty() {
            return Ok(());
        }
        let carriers: std::collections::BTreeSet<String> = outcomes.iter().filter_map(next_carrier).collect();
        if let Err(error) = self.store.record_outcomes(outcomes).await {
            self.keep(diverted);
            return Err(error);
        }
        diverted.iter().for_each(|_| self.counters.diverted.add());
        carriers.iter().for_each(|carrier| dispatchers.look_at(carrier));
        Ok(())
    }

    fn other_carrier(&self, message: &Message, dispatchers: &Dispatchers) -> Option<String> {
        match message.mode {
            Mode::Live => dispatchers.first_up(&self.routes.find(&message.recipient, message.kind)?.carriers, self.carrier.name()),
            Mode::Test => None,
        }
    }
}

fn next_carrier(outcome: &Outcome) -> Option<String> {
    match &outcome.verdict {
        Verdict::Retry(retry) => Some(retry.carrier.clone()),
        _ => None,
    }
}
