//! The sweep: due scheduled messages, messages whose validity is over, messages without a carrier, unclaimed receipts,
//! old records, unneeded media, and all data that are older than the operator's rules. `sweeping` decides about the
//! order and the time; this module performs its decisions.

mod abandoned;
mod sweeping;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::{Assignment, Timestamp};
use runtime::Runtime;
use store::contract::retention::{Removed, Walk};
use store::{Store, StoreError};

use crate::admit::Admission;
use crate::counters::{Counters, RemovedCounters};
use crate::dispatch::Dispatchers;
use crate::inbound::{InboundRulesInForce, Interpreting};
use crate::media::Shelf;
use crate::node::Node;
use crate::retention::{Rule, RulesInForce};

pub use abandoned::Abandoned;
use abandoned::BATCH;
pub(crate) use abandoned::Rerouter;
use sweeping::{Action, Call, Input, Kept, Later, Report, Strand, Sweeping};

/// The number of rows in one step of the sweep: few, so that other writes wait for only a few milliseconds.
const STEP: usize = 200;

/// The same of the change log, whose rows lie one after the other and go quickly.
const CHANGES_STEP: usize = 1_000;

/// After so long without its acknowledgement, a receipt may be for a message that is held.
const UNCLAIMED: Duration = Duration::from_secs(120);

/// Sweeps up.
pub(crate) struct Sweeper {
    pub(crate) admission: Arc<Admission>,
    pub(crate) screening_log: Duration,
    pub(crate) audit_log: Duration,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) media_kept: Duration,
    /// How long data are kept.
    pub(crate) retention: Arc<RulesInForce>,
    /// How long parts of inbound messages wait, and how long unrouted messages are kept.
    pub(crate) inbound: Arc<InboundRulesInForce>,
    /// What the store asks about messages of handsets.
    pub(crate) interpreter: Arc<Interpreting>,
    /// How long a receipt waits for its acknowledgement.
    pub(crate) parked_kept: Duration,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) rerouter: Arc<Rerouter>,
    pub(crate) dispatchers: Dispatchers,
    pub(crate) counters: Arc<Counters>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) node: Arc<Node>,
}

impl Sweeper {
    /// Sweeps until the future is dropped.
    pub(crate) async fn run(self) {
        let sweeping = self.sweeping();
        let strand = |strand| self.sweep(strand, &sweeping);
        tokio::join!(
            strand(Strand::Schedule),
            strand(Strand::Messages),
            strand(Strand::Records),
            strand(Strand::Media),
            strand(Strand::Inbound),
            strand(Strand::Retention)
        );
    }

    fn sweeping(&self) -> Mutex<Sweeping> {
        Mutex::new(Sweeping::new(Kept {
            screening_log: self.screening_log,
            audit_log: self.audit_log,
            media: self.media_kept,
            parked: self.parked_kept,
        }))
    }

    async fn sweep(&self, strand: Strand, sweeping: &Mutex<Sweeping>) {
        loop {
            let rest = self.round(strand, sweeping).await;
            self.runtime.sleep(rest).await;
        }
    }

    /// One round of a strand, and how long the rest is that follows it.
    async fn round(&self, strand: Strand, sweeping: &Mutex<Sweeping>) -> Duration {
        let on = |input| sweeping.lock().unwrap_or_else(PoisonError::into_inner).on(strand, input, self.runtime.look());
        let mut actions = VecDeque::from(on(Input::Due));
        let mut rest = Duration::ZERO;
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Rest(time) => rest = time,
                Action::Report(report) => self.report(&report),
                Action::Do(call) => actions.extend(on(self.perform(call).await.unwrap_or_else(Input::Unavailable))),
            }
        }
        rest
    }

    async fn perform(&self, call: Call) -> Result<Input, StoreError> {
        let store = &self.store;
        Ok(match call {
            Call::Launch => {
                self.admission.launch().await?;
                Input::Launched
            }
            Call::Expire(at) => {
                Input::Expired(store.expire(self.node.epoch(), at, self.dispatchers.under_way(), BATCH).await?)
            }
            Call::EndWaits(at) => Input::WaitsEnded(store.end_waits(at, STEP).await?),
            Call::ForgetParked(at, kept) => Input::ParkedForgotten(store.forget_parked(at, kept, STEP).await?),
            Call::Census => Input::Unknown(self.rerouter.unknown(store.queue_depths().await?)),
            Call::Reroute(at) => Input::Rerouted(self.rerouter.reroute(Assignment::NoRoute, at).await?.total()),
            Call::SettleHeld(at, after) => Input::Settled(store.settle_held(at, UNCLAIMED, after, STEP).await?.next),
            Call::ForgetRequests(at) => Input::Forgotten(store.forget_requests(at, STEP).await?),
            Call::ForgetScreening(before) => Input::Forgotten(store.forget_screening(before, STEP).await?),
            Call::ForgetAudit(before) => Input::Forgotten(store.forget_audit(before, STEP).await?),
            Call::ForgetSignIns(at) => Input::Forgotten(store.forget_sign_ins(at, STEP).await?),
            Call::ForgetChanges => Input::Forgotten(store.forget_changes(CHANGES_STEP).await?),
            Call::Consumers => Input::Consumers(store.consumers().await?),
            Call::RemoveOrphans => {
                self.shelf.remove_orphans().await?;
                Input::OrphansRemoved
            }
            Call::TextRules => Input::TextRules(store.text_rules().await?),
            Call::RemoveOld(walk, rule, at, limit) => Input::Removed(self.remove_old(walk, rule, at, limit).await?),
            Call::SweepMedia(after, unneeded_since) => {
                // Media go no later than the texts that they belong to.
                let old = self.retention.get().old_before(Rule::Texts, self.runtime.now());
                let unneeded_since = old.map_or(unneeded_since, |old| unneeded_since.max(old));
                Input::MediaSwept(self.shelf.sweep(after, unneeded_since, BATCH).await?)
            }
            Call::SweepFiles => Input::FilesSwept(self.shelf.sweep_files(STEP).await?),
            Call::EndPartWaits(at) => {
                let wait = self.inbound.get().parts_wait;
                Input::PartsShown(store.end_part_waits(at, wait, STEP, Arc::clone(&self.interpreter) as _).await?)
            }
            Call::ForgetInbound(at) => {
                Input::InboundForgotten(store.forget_inbound(at, self.inbound.get().unrouted_kept, STEP).await?)
            }
            Call::CountParts => {
                self.counters.inbound.waiting_parts.set(store.count_waiting_parts().await?);
                Input::PartsCounted
            }
        })
    }

    /// One step of a walk. If nothing is old by the rule, the walk is at its end.
    async fn remove_old(&self, walk: Walk, rule: Rule, at: Timestamp, limit: usize) -> Result<Removed, StoreError> {
        let Some(before) = self.retention.get().old_before(rule, at) else {
            return Ok(Removed { is_end: true, ..Removed::default() });
        };
        let removed = self.store.remove_old(walk, before, limit).await?;
        self.counters.removed.add(walk.name(), removed.removed);
        Ok(removed)
    }

    fn report(&self, report: &Report) {
        let now = self.runtime.instant();
        match report {
            Report::Missing(carrier, count) => self.counters.unmatched(carrier).miss(carrier, *count, now),
            Report::Unclaimed(carrier, count) => self.counters.unmatched(carrier).expire_parked(carrier, *count, now),
            Report::Unknown(carrier, queued) => tracing::warn!(
                carrier.name = %carrier,
                queue.messages = queued,
                "{queued} messages wait for the carrier {carrier}, which is not in this configuration, and stay \
                 queued. `smsfactory carrier abandon {carrier}` gives them to other carriers of their routes"
            ),
            Report::Behind(consumer, behind) => tracing::warn!(
                consumer.name = consumer,
                consumer.behind = behind,
                "The consumer {consumer} of the change feed is {behind} changes behind, and the store keeps them: \
                 check whether the consumer is running"
            ),
            Report::Removed(counts) => {
                let parts = RemovedCounters::NAMES.iter().zip(counts).filter(|(_, count)| **count > 0);
                let parts: Vec<String> =
                    parts.map(|(name, count)| format!("{count} {}", name.replace('_', " "))).collect();
                tracing::info!("Removed, because older than `[retention]` allows: {}", parts.join(", "));
            }
            Report::Shown(outcome) => self.counters.shown(outcome, now),
            Report::Later(Later::Inbound, error) => {
                tracing::warn!(%error, "Could not look for inbound messages whose missing parts are overdue, trying \
                    again later: {error}");
            }
            Report::Later(Later::Retention, error) => {
                tracing::warn!(%error, "Could not remove old data, trying again later: {error}");
            }
            Report::Later(Later::Schedule, error) => {
                tracing::warn!(%error, "Scheduled messages leave later: {error}");
            }
            Report::Later(Later::Messages, error) => {
                tracing::warn!(%error, "Sweeping is waiting for the store: {error}");
            }
            Report::Later(Later::Records, error) => tracing::warn!(%error, "Could not remove old records, trying \
                again later: {error}"),
            Report::Later(Later::Orphans, error) => {
                tracing::warn!(%error, "Could not search for media without a record, trying again later: {error}");
            }
            Report::Later(Later::Media, error) => {
                tracing::warn!(%error, "Sweeping of media is waiting for the store: {error}");
            }
        }
    }
}

#[cfg(test)]
mod tests;
