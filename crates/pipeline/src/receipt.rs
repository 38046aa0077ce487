//! Events of carriers: answers to attempts, receipts and inbound messages, recorded in their order, in groups.
//! `recording` decides; this module performs its decisions.

mod recording;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use carrier::{Ack, CarrierEvent, Inbound, InboundContent};
use model::unmatched::Reason;
use model::{CarrierName, Entropy, InboundMedia};
use runtime::Runtime;
use store::contract::dispatch::Outcome;
use store::contract::inbound::{Arrival, ArrivalId};
use store::contract::nodes::Epoch;
use store::contract::receipts::{Receipt, ReceiptOutcome, Refused};
use store::{Store, StoreError};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::counters::Counters;
use crate::dispatch::{DispatchSettings, Dispatchers};
use crate::inbound::Interpreting;
use crate::inbound::files::Files;
use crate::route::Routes;
use crate::tenants::TenantBook;
use recording::{Action, Books, Input, Kept, Placed, Recording, Report, Taken, Writes, Written};

/// How many events are recorded together.
const BATCH: usize = 1_024;

/// How many messages of handsets have their files written at the same time.
const PLACED_TOGETHER: usize = 8;

/// How soon it is tried again to follow the store's changes.
const FOLLOW_AGAIN: Duration = Duration::from_secs(1);

/// Records what carriers report.
pub(crate) struct Recorder {
    pub(crate) store: Arc<dyn Store>,
    /// This process, to which carriers bring messages of handsets.
    pub(crate) node: Epoch,
    pub(crate) tenants: Arc<TenantBook>,
    /// What the store asks about messages of handsets.
    pub(crate) interpreter: Arc<Interpreting>,
    /// The files of messages of handsets.
    pub(crate) files: Files,
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
        let (placing, mut placed) = Placing::new();
        let (mut batch, mut in_place) = (Vec::with_capacity(BATCH), Vec::new());
        loop {
            tokio::select! {
                biased;
                count = events.recv_many(&mut batch, BATCH) => match count {
                    0 => return,
                    _ => self.record(&mut recording, Input::Told(&mut batch), &placing).await,
                },
                _ = placed.recv_many(&mut in_place, BATCH) => {
                    self.record(&mut recording, Input::Placed(&mut in_place), &placing).await;
                }
                // Nothing is waiting to be recorded. A caller that does not listen needs no answer.
                Some(done) = flush.recv() => drop(done.send(())),
            }
        }
    }

    fn books(&self) -> Books {
        let (dispatchers, tenants) = (self.dispatchers.clone(), Arc::clone(&self.tenants));
        Books {
            routes: Arc::clone(&self.routes),
            carriers: Box::new(self.dispatchers.clone()),
            retry: self.settings.retry,
            attempts_per_carrier: self.settings.attempts_per_carrier,
            receipt_wait: Box::new(move |carrier| {
                dispatchers.carrier(carrier).and_then(|carrier| carrier.receipt_wait())
            }),
            is_ours: Box::new(move |address| address.known().is_some_and(|address| tenants.is_ours(address))),
            entropy: Arc::clone(&self.entropy),
        }
    }

    async fn record(&self, recording: &mut Recording, input: Input<'_>, placing: &Placing) {
        let mut actions = VecDeque::from(recording.on(input, self.runtime.look()));
        while let Some(action) = actions.pop_front() {
            if let Some(input) = self.perform(action, placing).await {
                actions.extend(recording.on(input, self.runtime.look()));
            }
        }
    }

    async fn perform(&self, action: Action, placing: &Placing) -> Option<Input<'static>> {
        match action {
            Action::Place(carrier, inbound, ack) => {
                self.place(carrier, inbound, ack, placing);
                None
            }
            Action::Discard(media) => {
                self.discard(media);
                None
            }
            Action::LookAt(carriers) => {
                carriers.iter().for_each(|carrier| self.dispatchers.look_at(carrier));
                None
            }
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

    async fn write(&self, writes: Writes) -> Input<'static> {
        let Writes { outcomes, receipts, arrivals, answered, refused } = writes;
        // They are handed to the store in this order, and its next commit takes them together. What a carrier has the
        // answer to is noted before what it sent then, which is another message although the octets are the same.
        let (outcomes, receipts, (), arrivals, ()) = tokio::join!(
            self.write_outcomes(outcomes),
            self.write_receipts(receipts),
            self.write_answered(answered),
            self.write_arrivals(arrivals),
            self.write_refused(refused)
        );
        Input::Written(Written { outcomes, receipts, arrivals })
    }

    /// Records messages of handsets. What follows from them stands in memory before their carriers are answered, so
    /// that nothing is accepted for a handset whose STOP was.
    async fn write_arrivals(&self, arrivals: Vec<Arrival>) -> Kept {
        if arrivals.is_empty() {
            return Kept::No;
        }
        let brought: Vec<CarrierName> = arrivals.iter().map(|arrival| arrival.carrier.clone()).collect();
        match self.store.record_inbound(self.node, arrivals, Arc::clone(&self.interpreter) as _).await {
            Ok(recorded) => {
                while let Err(error) = self.tenants.follow().await {
                    tracing::warn!(%error, "Opt-outs are not in memory yet; carriers wait for answers: {error}");
                    self.runtime.sleep(FOLLOW_AGAIN).await;
                }
                Kept::Yes(recorded)
            }
            Err(error) => {
                brought.iter().for_each(|carrier| self.counters.inbound_of(carrier).not_recorded.add());
                tracing::warn!(%error, "Could not record inbound messages; carriers are asked to send them again: \
                    {error}");
                let may_be_kept = error == StoreError::Over || self.store.may_have_happened(&error);
                if may_be_kept { Kept::Unknown } else { Kept::No }
            }
        }
    }

    async fn write_answered(&self, answered: Vec<ArrivalId>) {
        if !answered.is_empty()
            && let Err(error) = self.store.answered(answered).await
        {
            tracing::warn!(%error, "Could not record that carriers got our answers, so a new message with the same \
                text may count as a repeat: {error}");
        }
    }

    /// Puts the files of a message into their place, beside the recording of others: a slow disk holds up no receipt.
    fn place(&self, carrier: CarrierName, mut inbound: Box<Inbound>, ack: Ack, placing: &Placing) {
        let (files, counters) = (self.files.clone(), Arc::clone(&self.counters));
        let Placing { done, room } = placing;
        let (done, room) = (done.clone(), Arc::clone(room));
        let work = async move {
            let Ok(_place) = room.acquire_owned().await else { return };
            let brought = match &mut inbound.content {
                InboundContent::Mms(mms) => std::mem::take(&mut mms.files),
                InboundContent::Sms(..) => Vec::new(),
            };
            match files.place(brought).await {
                // Where nothing is recorded any more, the carrier sends it again.
                Ok(media) => drop(done.send(Placed { carrier, inbound, media, ack })),
                Err(error) => {
                    counters.inbound_of(&carrier).not_recorded.add();
                    tracing::warn!(carrier.name = %carrier, %error, "The files of an inbound message could not be \
                        stored; {carrier} is asked to send it again: {error}");
                }
            }
        };
        drop(self.runtime.spawn("files of a handset", Box::pin(work)));
    }

    fn discard(&self, media: Vec<InboundMedia>) {
        let files = self.files.clone();
        drop(self.runtime.spawn("files of a handset", Box::pin(async move { files.remove(&media).await })));
    }

    async fn write_outcomes(&self, outcomes: Vec<Outcome>) -> Taken {
        let count = outcomes.len();
        if count == 0 {
            return Taken::Yes;
        }
        match self.store.record_outcomes(outcomes).await {
            Ok(()) => Taken::Yes,
            Err(error @ (StoreError::Failed(_) | StoreError::Over)) => {
                tracing::error!(%error, "Outcomes are lost because the store failed: {error}");
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
            tracing::warn!(%error, "Unusable receipts and inbound messages could not be recorded for the operator: \
                {error}");
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
            Report::Arrived(heard, outcome) => {
                self.counters.inbound.heard(self.counters.inbound_of(&heard.carrier), heard, outcome, now);
            }
            Report::GivenUp(count) => tracing::error!(
                "{count} outcomes are not recorded, because the process ends: they are unknown after the next start"
            ),
            Report::Lost(count) => tracing::error!("{count} outcomes are unknown after the next start"),
        }
    }
}

/// Where messages go whose files are in their place, and how many of them are under way.
struct Placing {
    done: mpsc::UnboundedSender<Placed>,
    room: Arc<Semaphore>,
}

impl Placing {
    fn new() -> (Self, mpsc::UnboundedReceiver<Placed>) {
        let (done, placed) = mpsc::unbounded_channel();
        // Those that wait are bounded by their carriers, which wait for the answers.
        (Self { done, room: Arc::new(Semaphore::new(PLACED_TOGETHER)) }, placed)
    }
}

/// Resolves when `flag` turns true. A sender that is gone never says so.
async fn until(flag: &mut watch::Receiver<bool>) {
    if flag.wait_for(|flag| *flag).await.is_err() {
        std::future::pending::<()>().await;
    }
}
