//! Carriers' events: answers to attempts and receipts, recorded in the order in which they came, in groups.

use std::sync::Arc;
use std::time::Duration;

use carrier::{Ack, CarrierEvent, Event, ReceiptState, Unusable};
use model::backoff::Backoff;
use model::status::SegmentFate;
use model::unmatched::{Reason, clipped};
use model::{Entropy, ErrorType};
use runtime::Runtime;
use store::contract::dispatch::{Outcome, Verdict};
use store::contract::receipts::{Receipt, ReceiptOutcome, Refused};
use store::{Store, StoreError};
use tokio::sync::{mpsc, oneshot, watch};

use crate::counters::Counters;
use crate::dispatch::{DispatchSettings, Dispatchers};
use crate::outcome::{Circumstances, judge};
use crate::route::Routes;

/// How many events are recorded together.
const BATCH: usize = 1_024;

/// The longest id or error of a carrier that an event shows, in bytes: specifications have shorter ones, and a carrier may send any.
pub(crate) const ID_SHOWN_BYTES_MAX: usize = 100;

/// Records what carriers tell.
pub(crate) struct Recorder {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) dispatchers: Dispatchers,
    pub(crate) settings: DispatchSettings,
    pub(crate) counters: Arc<Counters>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Turns true when the process ends and the store has had its time.
    pub(crate) give_up: watch::Receiver<bool>,
}

impl Recorder {
    /// Records until every carrier is gone. Who sends a `flush` is answered once everything told before it is recorded.
    pub(crate) async fn run(self, mut events: mpsc::UnboundedReceiver<CarrierEvent>, mut flush: mpsc::Receiver<oneshot::Sender<()>>) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                count = events.recv_many(&mut batch, BATCH) => match count {
                    0 => return,
                    _ => self.record(batch.drain(..)).await,
                },
                // Nothing is waiting to be recorded. One that does not listen needs no answer.
                Some(done) = flush.recv() => drop(done.send(())),
            }
        }
    }

    async fn record(&self, events: impl Iterator<Item = CarrierEvent>) {
        let mut outcomes = Vec::new();
        let (mut receipts, mut acks) = (Vec::new(), Vec::new());
        // With their places among those that wait to be recorded, which are free once they are.
        let (mut refused, mut places) = (Vec::new(), Vec::new());
        for CarrierEvent { carrier, event } in events {
            match event {
                Event::Outcome(answer) => outcomes.push(judge(&answer, &self.circumstances(&carrier))),
                Event::Receipt(receipt, ack) => {
                    receipts.push(self.receipt(&carrier, receipt));
                    acks.push(ack);
                }
                Event::Unusable(unusable) => {
                    self.counters.unmatched(&carrier).log(&carrier, unusable.reason, &unusable.why, self.runtime.instant());
                    refused.push(self.refused(&carrier, &unusable));
                    places.push(unusable);
                }
            }
        }
        // They are handed to the store in this order, and its next commit takes them together.
        tokio::join!(self.record_outcomes(outcomes), self.record_receipts(receipts, acks), self.record_refused(refused));
        drop(places);
    }

    fn refused(&self, carrier: &str, unusable: &Unusable) -> Refused {
        let (reason, detail, raw) = (unusable.reason, unusable.why.clone(), unusable.raw.clone());
        Refused { carrier: carrier.to_owned(), at: self.runtime.now(), reason, detail, raw }
    }

    /// Keeps for the operator what was refused. It is counted and logged already, so that a store that cannot take it is no reason to try again.
    async fn record_refused(&self, refused: Vec<Refused>) {
        if !refused.is_empty()
            && let Err(error) = self.store.record_refused(refused).await
        {
            tracing::warn!(%error, "What carriers sent in vain could not be kept for the operator: {error}");
        }
    }

    fn circumstances<'a>(&'a self, carrier: &'a str) -> Circumstances<'a> {
        Circumstances {
            carrier,
            routes: &self.routes,
            now: self.runtime.look(),
            retry: self.settings.retry,
            attempts_per_carrier: self.settings.attempts_per_carrier,
            unit: self.entropy.next_unit(),
            receipt_wait: self.dispatchers.carrier(carrier).and_then(|carrier| carrier.receipt_wait()),
        }
    }

    /// What a carrier answered is a fact that must not be lost, so it is offered to the store until that takes it.
    async fn record_outcomes(&self, outcomes: Vec<Outcome>) {
        if outcomes.is_empty() {
            return;
        }
        let again = Backoff { floor: Duration::from_millis(100), ceiling: Duration::from_secs(5) };
        let given_up = || tracing::error!("{} outcomes are not recorded, for the process ends: they are unknown after the next start", outcomes.len());
        for failures in 1.. {
            let Some(recorded) = self.unless_given_up(self.store.record_outcomes(outcomes.clone())).await else { return given_up() };
            match recorded {
                Ok(()) => {
                    self.count(&outcomes);
                    break;
                }
                Err(error @ (StoreError::Failed(_) | StoreError::Over)) => return tracing::error!(%error, "Outcomes are lost with the store: {error}"),
                Err(error) => {
                    tracing::warn!(%error, "Could not record {} outcomes, trying again: {error}", outcomes.len());
                    let rest = self.runtime.sleep(again.wait(failures, self.entropy.next_unit()));
                    if self.unless_given_up(rest).await.is_none() {
                        return given_up();
                    }
                }
            }
        }
        self.dispatchers.recorded(&outcomes);
        // What is to be tried again is due in the store by now, perhaps with another carrier.
        for outcome in &outcomes {
            if let Verdict::Retry(retry) = &outcome.verdict {
                self.dispatchers.look_at(&retry.carrier);
            }
        }
    }

    async fn record_receipts(&self, receipts: Vec<Receipt>, acks: Vec<Ack>) {
        if receipts.is_empty() {
            return;
        }
        let carriers: Vec<String> = receipts.iter().map(|receipt| receipt.carrier.clone()).collect();
        // On return the receipts stay unacknowledged, and carriers send them again.
        let Some(recorded) = self.unless_given_up(self.store.record_receipts(receipts)).await else { return };
        match recorded {
            Ok(outcomes) => {
                acks.into_iter().for_each(Ack::accept);
                for (carrier, outcome) in carriers.iter().zip(outcomes) {
                    match outcome {
                        ReceiptOutcome::Matched { .. } => self.counters.receipts_matched.add(),
                        ReceiptOutcome::Repeated => self.counters.receipts_repeated.add(),
                        ReceiptOutcome::Parked => self.parked(carrier, 0),
                        ReceiptOutcome::Crowded { dropped } => self.parked(carrier, dropped),
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "Could not record receipts; carriers are asked to send them again: {error}"),
        }
    }

    /// What the store says; `None` when the process ends first. A store that hangs holds nobody up for longer than that.
    async fn unless_given_up<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut give_up = self.give_up.clone();
        tokio::select! {
            biased;
            done = work => Some(done),
            () = until(&mut give_up) => None,
        }
    }

    /// Counts a receipt that matched nothing, and those that were dropped for it.
    fn parked(&self, carrier: &str, dropped: u64) {
        let unmatched = self.counters.unmatched(carrier);
        unmatched.unknown_id.add();
        unmatched.log(carrier, Reason::UnknownId, "it waits for an acknowledgement with its id", self.runtime.instant());
        if dropped > 0 {
            unmatched.drop_parked(carrier, dropped, self.runtime.instant());
        }
    }

    fn count(&self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            match &outcome.verdict {
                Verdict::Retry(retry) => {
                    self.counters.retried.add();
                    if retry.outcome_unknown {
                        self.counters.unknown.add();
                    }
                }
                Verdict::Hold => self.counters.unknown.add(),
                Verdict::Sent | Verdict::Failed { .. } | Verdict::Expired | Verdict::Skipped(_) => {}
            }
        }
    }

    fn receipt(&self, carrier: &str, receipt: carrier::Receipt) -> Receipt {
        let error = receipt.error.as_deref().map(|error| format!(" err:{}", clipped(error, ID_SHOWN_BYTES_MAX))).unwrap_or_default();
        Receipt {
            carrier: carrier.to_owned(),
            detail: format!("id {} {}{error}", clipped(&receipt.raw_id, ID_SHOWN_BYTES_MAX), receipt.state.stat()),
            keys: receipt.keys,
            addresses: receipt.addresses,
            fate: fate(receipt.state),
            at: self.runtime.now(),
            scope: receipt.scope,
            raw: receipt.raw,
        }
    }
}

/// Resolves when `flag` turns true. A sender that is gone never says so.
async fn until(flag: &mut watch::Receiver<bool>) {
    if flag.wait_for(|flag| *flag).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// What a reported state means for a segment. Accepted and unknown are no end: a final report may follow.
fn fate(state: ReceiptState) -> SegmentFate {
    match state {
        ReceiptState::Delivered => SegmentFate::Delivered,
        ReceiptState::Expired => SegmentFate::Undelivered(ErrorType::Expired),
        ReceiptState::Undeliverable | ReceiptState::Deleted | ReceiptState::Skipped => SegmentFate::Undelivered(ErrorType::Unreachable),
        ReceiptState::Rejected => SegmentFate::Undelivered(ErrorType::CarrierRejected),
        ReceiptState::Scheduled | ReceiptState::Enroute | ReceiptState::Accepted | ReceiptState::Unknown => SegmentFate::Pending,
    }
}
