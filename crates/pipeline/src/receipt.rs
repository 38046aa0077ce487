//! Carriers' events: answers to attempts and receipts, recorded in the order in which they came, in groups. `recording`
//! decides; this performs its decisions.

mod recording;

use std::collections::VecDeque;
use std::sync::Arc;

use carrier::{Ack, CarrierEvent};
use model::Entropy;
use model::unmatched::Reason;
use runtime::Runtime;
use store::contract::dispatch::Outcome;
use store::contract::receipts::{Receipt, ReceiptOutcome, Refused};
use store::{Store, StoreError};
use tokio::sync::{mpsc, oneshot, watch};

use crate::counters::Counters;
use crate::dispatch::{DispatchSettings, Dispatchers};
use crate::route::Routes;
use recording::{Action, Books, Input, Recording, Report, Taken, Writes};

/// How many events are recorded together.
const BATCH: usize = 1_024;

/// Records what carriers report.
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
    /// Records until every carrier is gone. A `flush` is answered once everything reported before it is recorded.
    pub(crate) async fn run(
        self,
        mut events: mpsc::UnboundedReceiver<CarrierEvent>,
        mut flush: mpsc::Receiver<oneshot::Sender<()>>,
    ) {
        let mut recording = Recording::new(self.books());
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                count = events.recv_many(&mut batch, BATCH) => match count {
                    0 => return,
                    _ => self.record(&mut recording, &mut batch).await,
                },
                // Nothing is waiting to be recorded. A caller that does not listen needs no answer.
                Some(done) = flush.recv() => drop(done.send(())),
            }
        }
    }

    fn books(&self) -> Books {
        let dispatchers = self.dispatchers.clone();
        Books {
            routes: Arc::clone(&self.routes),
            carriers: Box::new(self.dispatchers.clone()),
            retry: self.settings.retry,
            attempts_per_carrier: self.settings.attempts_per_carrier,
            receipt_wait: Box::new(move |carrier| {
                dispatchers.carrier(carrier).and_then(|carrier| carrier.receipt_wait())
            }),
            entropy: Arc::clone(&self.entropy),
        }
    }

    async fn record(&self, recording: &mut Recording, events: &mut Vec<CarrierEvent>) {
        let mut actions = VecDeque::from(recording.on(Input::Told(events), self.runtime.look()));
        while let Some(action) = actions.pop_front() {
            if let Some(input) = self.perform(action).await {
                actions.extend(recording.on(input, self.runtime.look()));
            }
        }
    }

    async fn perform(&self, action: Action) -> Option<Input<'static>> {
        match action {
            Action::Write(writes) => Some(self.unless_given_up(self.write(writes)).await),
            Action::Rest(time) => {
                let rest = async {
                    self.runtime.sleep(time).await;
                    Input::Rested
                };
                Some(self.unless_given_up(rest).await)
            }
            Action::Accept(acks) => {
                acks.into_iter().for_each(Ack::accept);
                None
            }
            Action::Ended(outcomes, due) => {
                self.dispatchers.recorded(&outcomes);
                due.iter().for_each(|carrier| self.dispatchers.look_at(carrier));
                None
            }
            Action::Report(report) => {
                self.report(&report);
                None
            }
        }
    }

    /// The result of a wait for the store. It ends when the store is given up, also where the store hangs.
    async fn unless_given_up(&self, wait: impl Future<Output = Input<'static>>) -> Input<'static> {
        let mut give_up = self.give_up.clone();
        tokio::select! {
            biased;
            input = wait => input,
            () = until(&mut give_up) => Input::GiveUp,
        }
    }

    async fn write(&self, Writes { outcomes, receipts, refused }: Writes) -> Input<'static> {
        // They are handed to the store in this order, and its next commit takes them together.
        let (outcomes, receipts, ()) =
            tokio::join!(self.write_outcomes(outcomes), self.write_receipts(receipts), self.write_refused(refused));
        Input::Written { outcomes, receipts }
    }

    async fn write_outcomes(&self, outcomes: Vec<Outcome>) -> Taken {
        let count = outcomes.len();
        if count == 0 {
            return Taken::Yes;
        }
        match self.store.record_outcomes(outcomes).await {
            Ok(()) => Taken::Yes,
            Err(error @ (StoreError::Failed(_) | StoreError::Over)) => {
                tracing::error!(%error, "Outcomes are lost with the store: {error}");
                Taken::Never
            }
            Err(error) => {
                tracing::warn!(%error, "Could not record {count} outcomes, trying again: {error}");
                Taken::Later
            }
        }
    }

    async fn write_receipts(&self, receipts: Vec<Receipt>) -> Option<Vec<ReceiptOutcome>> {
        if receipts.is_empty() {
            return None;
        }
        match self.store.record_receipts(receipts).await {
            Ok(results) => Some(results),
            Err(error) => {
                tracing::warn!(%error, "Could not record receipts; carriers are asked to send them again: {error}");
                None
            }
        }
    }

    async fn write_refused(&self, refused: Vec<Refused>) {
        if !refused.is_empty()
            && let Err(error) = self.store.record_refused(refused).await
        {
            tracing::warn!(%error, "What carriers sent in vain could not be kept for the operator: {error}");
        }
    }

    fn report(&self, report: &Report) {
        let now = self.runtime.instant();
        match report {
            Report::Unusable(carrier, reason, why) => self.counters.unmatched(carrier).log(carrier, *reason, why, now),
            Report::Attempts { retried, unknown } => {
                self.counters.retried.add_many(*retried);
                self.counters.unknown.add_many(*unknown);
            }
            Report::Receipts { matched, repeated } => {
                self.counters.receipts_matched.add_many(*matched);
                self.counters.receipts_repeated.add_many(*repeated);
            }
            Report::Parked(carrier, dropped) => {
                let unmatched = self.counters.unmatched(carrier);
                unmatched.unknown_id.add();
                unmatched.log(carrier, Reason::UnknownId, "it waits for an acknowledgement with its id", now);
                if *dropped > 0 {
                    unmatched.drop_parked(carrier, *dropped, now);
                }
            }
            Report::GivenUp(count) => tracing::error!(
                "{count} outcomes are not recorded, for the process ends: they are unknown after the next start"
            ),
            Report::Lost(count) => tracing::error!("{count} outcomes are unknown after the next start"),
        }
    }
}

/// Resolves when `flag` turns true. A sender that is gone never says so.
async fn until(flag: &mut watch::Receiver<bool>) {
    if flag.wait_for(|flag| *flag).await.is_err() {
        std::future::pending::<()>().await;
    }
}
