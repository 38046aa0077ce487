//! Messages whose carrier this configuration does not know, and those without a route.
//!
//! Another node of the same store may know the carrier: during a rolling upgrade, or when one of two configuration
//! files is behind. So a sweep leaves its messages where they are, says so, and the operator decides
//! ([`Pipeline::abandon`](crate::Pipeline::abandon)).

use std::sync::Arc;
use std::time::Duration;

use model::{Assignment, CarrierName, ErrorType, Moment};
use runtime::Runtime;
use store::contract::dispatch::{Lease, LeaseRequest, Leased, Outcome, QueueDepth, Retry, Verdict};
use store::{Store, StoreError};

use crate::counters::Counters;
use crate::dispatch::Dispatchers;
use crate::node::Node;
use crate::outcome::unattempted;
use crate::route::{Carriers, OnUnknown, Routes, Subject};

/// How many messages get another carrier in one step.
pub(super) const BATCH: usize = 500;

/// How long a step may take. Where the process ends in the midst of it, its messages are due again then.
const STEP: Duration = Duration::from_secs(10);

/// What became of the messages of a carrier that was given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abandoned {
    /// Messages that another carrier of their route gets.
    pub rerouted: u64,
    /// Messages that failed, because no route leads to their recipient any more.
    pub failed: u64,
    /// Messages of unknown outcome that are held, because their route says so.
    pub held: u64,
}

impl Abandoned {
    /// How many there were.
    pub const fn total(&self) -> u64 {
        self.rerouted + self.failed + self.held
    }

    fn count(&mut self, outcome: &Outcome) {
        match outcome.verdict {
            Verdict::Retry(_) => self.rerouted += 1,
            Verdict::Hold => self.held += 1,
            _ => self.failed += 1,
        }
    }
}

/// Finds another carrier for messages.
pub(crate) struct Rerouter {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) node: Arc<Node>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) dispatchers: Dispatchers,
    pub(crate) counters: Arc<Counters>,
    pub(crate) runtime: Arc<dyn Runtime>,
}

impl Rerouter {
    /// Whether messages may wait for a carrier of this name that this configuration does not know. One that was removed
    /// is known until what it has under way is answered.
    pub(crate) fn is_unknown(&self, carrier: &str) -> bool {
        self.dispatchers.lack(carrier)
    }

    /// Those of these queues whose carrier this configuration does not know, by name.
    pub(crate) fn unknown(&self, depths: Vec<QueueDepth>) -> Vec<(CarrierName, u64)> {
        let of_carrier = |depth: QueueDepth| match depth.carrier {
            Assignment::Carrier(name) => Some((name, depth.queued)),
            Assignment::NoRoute => None,
        };
        let of_carriers = depths.into_iter().filter_map(of_carrier);
        let mut unknown: Vec<_> = of_carriers.filter(|(name, _)| self.is_unknown(name)).collect();
        unknown.sort_unstable();
        unknown
    }

    /// Gives all messages of a carrier that are due to the carrier that their route names now, and fails those without
    /// one. What another node has leased is left.
    pub(crate) async fn reroute_all(&self, carrier: CarrierName) -> Result<Abandoned, StoreError> {
        let carrier = Assignment::Carrier(carrier);
        let mut all = Abandoned::default();
        loop {
            let step = self.reroute(carrier.clone(), self.runtime.look()).await?;
            all = Abandoned {
                rerouted: all.rerouted + step.rerouted,
                failed: all.failed + step.failed,
                held: all.held + step.held,
            };
            if step.total() < BATCH as u64 {
                return Ok(all);
            }
        }
    }

    /// The same of so many messages as one step has.
    pub(super) async fn reroute(&self, carrier: Assignment, now: Moment) -> Result<Abandoned, StoreError> {
        let lease = Lease { token: self.node.next_token(), until: now.steady + STEP };
        let (passed_over, under_way) = (Vec::new(), self.dispatchers.under_way());
        let request = LeaseRequest {
            carrier,
            now,
            lease,
            limit: BATCH,
            limit_per_account: BATCH,
            limit_of_broadcasts: BATCH,
            passed_over,
            under_way,
        };
        let leased = self.store.lease_due(request).await?;
        let mut done = Abandoned::default();
        if leased.is_empty() {
            return Ok(done);
        }
        let outcomes: Vec<Outcome> = leased.iter().map(|leased| self.routed(leased, now)).collect();
        outcomes.iter().for_each(|outcome| done.count(outcome));
        self.store.record_outcomes(outcomes).await?;
        self.dispatchers.iter().for_each(|dispatcher| self.dispatchers.look_at(dispatcher.carrier.name()));
        Ok(done)
    }

    fn routed(&self, leased: &Leased, now: Moment) -> Outcome {
        let of = Subject::of(&leased.message);
        if leased.interrupted && self.routes.on_unknown(of) == OnUnknown::Hold {
            self.counters.unknown.add();
            let detail = "the process ended before an answer was recorded; held".to_owned();
            return unattempted(leased, now.wall, Verdict::Hold, detail);
        }
        let standing = |name: &CarrierName| self.dispatchers.standing(name);
        let (verdict, detail) = match self.routes.anew(of, &leased.refused_by, standing) {
            Assignment::Carrier(carrier) => {
                if leased.interrupted {
                    self.counters.unknown.add();
                }
                let (counts, outcome_unknown) = (leased.interrupted, leased.interrupted);
                let detail = format!("routed to {carrier}");
                (Verdict::Retry(Retry { counts, outcome_unknown, ..Retry::at_once(carrier, now) }), detail)
            }
            Assignment::NoRoute => {
                let message = ErrorType::NoRoute.sentence().to_owned();
                (
                    Verdict::Failed { error_type: ErrorType::NoRoute, message },
                    "no route leads to the recipient".to_owned(),
                )
            }
        };
        unattempted(leased, now.wall, verdict, detail)
    }
}
