//! The pipeline: its start (`start`), its requests, and its draining (`drain`).

mod assigning;
mod canceling;
mod drain;
mod erase;
mod releasing;
mod reload;
mod reviewing;
mod start;
mod stopping;
mod waits;

use std::sync::Arc;
use std::time::Duration;

use carrier::{Carrier, CarrierEvent};
use fetch::media::Fetcher;
use model::error::{ErrorCode, Refusal};
use model::idempotency::AnswerForm;
use model::{
    Assignment, Broadcast, BroadcastId, BroadcastStatus, CarrierName, Delivery, Entropy, Message, MessageId, Mode,
    Owner, Status,
};
use runtime::{Ended, Runtime, Supervisor, Task, Work};
use screening::Screen;
use store::contract::admission::Replay;
use store::contract::broadcasts::Canceled;
use store::objects::Objects;
use store::{Store, StoreError};
use tokio::sync::{mpsc, oneshot, watch};

use crate::admit::standing::{self, Recorded};
use crate::admit::{Accepted, Admission, AdmissionLimits, BroadcastRequest, SendRequest, UnderWay};
use crate::counters::Counters;
use crate::dispatch::{DispatchSettings, Dispatchers, Surroundings};
use crate::erase::Erasing;
use crate::expand::{Bell, BroadcastSettings};
use crate::feed::Feed;
use crate::hold::{self, Holding};
use crate::inbound::{InboundRules, InboundRulesInForce};
use crate::live::{Watch, WatchFilter, Watches};
use crate::node::Node;
use crate::refusal::{DRAINING, draining, refused_by_store};
use crate::retention::{Retention, RulesInForce};
use crate::route::Routes;
use crate::stops::Stops;
use crate::sweep::{Abandoned, Rerouter};
use crate::tenants::{Caller, TenantBook};
use crate::watch::WaitingFor;
use crate::webhook::{WebhookParts, Webhooks};
pub use releasing::Ended as EndedWaiting;
pub use reviewing::{Approval, Judgement, REVIEWED_MAX, ReviewError, Reviewed, ScreeningGroup};
pub use waits::{WaitReason, WaitsFor};

/// The parts of a pipeline.
pub struct Parts {
    /// The place of messages.
    pub store: Arc<dyn Store>,
    /// This process as a node of the store.
    pub node: Arc<Node>,
    /// The hosts that may send.
    pub tenants: Arc<TenantBook>,
    /// Where messages go.
    pub routes: Routes,
    /// The carriers, each with its segments a second of one originator (0 for no limit).
    pub carriers: Vec<(Arc<dyn Carrier>, u32)>,
    /// The events of the carriers.
    pub events: mpsc::UnboundedReceiver<CarrierEvent>,
    /// The fetcher of media.
    pub fetcher: Fetcher,
    /// The place of media.
    pub objects: Arc<dyn Objects>,
    /// How long media are kept after the last message that needs them has left.
    pub media_kept: Duration,
    /// How long an unmatched receipt waits for its acknowledgement.
    pub parked_kept: Duration,
    /// The screen.
    pub screen: Arc<Screen>,
    /// How long decisions of the screen are kept for review.
    pub screening_log: Duration,
    /// How long the audit log keeps changes.
    pub audit_log: Duration,
    /// How long texts, messages and keys of receipts are kept.
    pub retention: Retention,
    /// How long parts of inbound messages wait, and how long unrouted messages are kept.
    pub inbound: InboundRules,
    /// The age at which a message is added to the index of lists.
    pub index_after: Duration,
    /// The settings of admission.
    pub limits: AdmissionLimits,
    /// The settings of dispatch.
    pub dispatch: DispatchSettings,
    /// The settings of the expansion of broadcasts.
    pub broadcasts: BroadcastSettings,
    /// Time and tasks.
    pub runtime: Arc<dyn Runtime>,
    /// Watches the long tasks. They may end once draining begins.
    pub supervisor: Supervisor,
    /// The parts of webhooks.
    pub webhooks: WebhookParts,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

/// The answer to an accepted request: accepted now, or earlier under the same idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered<Id> {
    /// What the request made.
    pub id: Id,
    /// The body of the answer. Every repeat of the request gets the same.
    pub body: String,
    /// Whether the request is such a repeat.
    pub replayed: bool,
}

/// Writes the answer about a message with this delivery.
pub type WriteMessage = fn(&Message, &Delivery, AnswerForm) -> String;

/// Writes the answer about a broadcast with this status.
pub type WriteBroadcast = fn(&Broadcast, BroadcastStatus, AnswerForm) -> String;

/// The time between two looks of a waiting request at the work of other nodes.
const LOOK_ELSEWHERE: Duration = Duration::from_millis(200);

/// A running pipeline.
pub struct Pipeline {
    admission: Arc<Admission>,
    store: Arc<dyn Store>,
    node: Arc<Node>,
    rerouter: Arc<Rerouter>,
    dispatchers: Dispatchers,
    stops: Arc<Stops>,
    holding: Arc<Holding>,
    /// The parts of a dispatcher that is added later.
    around: Surroundings,
    bell: Arc<Bell>,
    retention: Arc<RulesInForce>,
    inbound: Arc<InboundRulesInForce>,
    counters: Arc<Counters>,
    feed: Arc<Feed>,
    watches: Watches,
    runtime: Arc<dyn Runtime>,
    supervisor: Supervisor,
    entropy: Arc<dyn Entropy>,
    pub(crate) erasing: Erasing,
    webhooks: Webhooks,
    stop: watch::Sender<bool>,
    flush: mpsc::Sender<oneshot::Sender<()>>,
    /// Turns true when nothing more is to be recorded.
    give_up: watch::Sender<bool>,
    tasks: tokio::sync::Mutex<Vec<Task>>,
}

impl Pipeline {
    /// Admits a message and, if the caller asks for it, waits for at most `wait` until the message leaves the queue.
    /// The answer from `write` is recorded for its idempotency key before this returns.
    ///
    /// # Errors
    /// The first failed check, in the order of the public contract.
    pub async fn send(
        self: &Arc<Self>,
        caller: &Caller,
        request: SendRequest,
        wait: Option<Duration>,
        write: WriteMessage,
    ) -> Result<Answered<MessageId>, Refusal> {
        let (pipeline, caller) = (Arc::clone(self), caller.clone());
        // A message that is on disk must find its way into the dispatcher although its client hangs up, or it waits
        // until its lease ends; and its answer must be recorded, or two repeats could be answered differently.
        self.to_the_end(Box::pin(async move { pipeline.admit(&caller, request, wait, write).await })).await
    }

    /// Accepts a broadcast and, if the caller asks for it, waits for at most `wait` until its first recipients are
    /// expanded. The answer is recorded as in [`Self::send`].
    ///
    /// # Errors
    /// The first failed check, in the order of the public contract.
    pub async fn broadcast(
        self: &Arc<Self>,
        caller: &Caller,
        request: BroadcastRequest,
        wait: Option<Duration>,
        write: WriteBroadcast,
    ) -> Result<Answered<BroadcastId>, Refusal> {
        let (pipeline, caller) = (Arc::clone(self), caller.clone());
        self.to_the_end(Box::pin(async move { pipeline.admit_broadcast(&caller, request, wait, write).await })).await
    }

    async fn admit_broadcast(
        &self,
        caller: &Caller,
        request: BroadcastRequest,
        wait: Option<Duration>,
        write: WriteBroadcast,
    ) -> Result<Answered<BroadcastId>, Refusal> {
        if self.is_draining() {
            return Err(draining());
        }
        if self.holding.get().is_some() {
            return Err(hold::refused());
        }
        let mut under_way = self.admission.under_way(wait.is_some());
        let answered = self.accept_broadcast(caller, request, wait, write, &mut under_way).await;
        // From here on a repeat finds the answer.
        under_way.end().await;
        answered
    }

    async fn accept_broadcast(
        &self,
        caller: &Caller,
        request: BroadcastRequest,
        wait: Option<Duration>,
        write: WriteBroadcast,
        under_way: &mut UnderWay<'_>,
    ) -> Result<Answered<BroadcastId>, Refusal> {
        let mut waiting = None;
        let name = |now| {
            let id = BroadcastId::minted(&self.admission.mint, now, &*self.entropy);
            waiting = wait.map(|wait| (wait, self.admission.broadcast_waiters.expect(id)));
            id
        };
        let (broadcast, key) = match self.admission.decide_broadcast(caller, request, under_way, name).await? {
            Accepted::New(broadcast, key) => (broadcast, key),
            Accepted::Replayed(Replay { made: broadcast, answer, form }) => {
                let body = match answer.map(standing::broadcast) {
                    Some(Recorded::Whole(body)) => body,
                    Some(Recorded::Standing(status)) => write(&broadcast, status, form),
                    None => write(&broadcast, broadcast.status_at_acceptance(), form),
                };
                return Ok(Answered { id: broadcast.id, body, replayed: true });
            }
        };
        self.bell.arrived();
        let accepted = broadcast.status_at_acceptance();
        let mut status = accepted;
        if let Some((wait, waiting)) = waiting.as_mut().filter(|_| status.is_open())
            && let Some(Ok(Some(()))) = self
                .unless_draining(self.runtime.timeout(*wait, self.begun(waiting, caller.owner(), broadcast.id)))
                .await
            && let Ok(Some(record)) = self.store.broadcast(Some(caller.owner()), broadcast.id).await
        {
            status = record.status;
        }
        let mut body = write(&broadcast, status, AnswerForm::NEWEST);
        if let Some(key) = key.filter(|_| status != accepted) {
            let as_accepted = || write(&broadcast, accepted, AnswerForm::NEWEST);
            body = self.admission.record_answer(&key, status.as_str().to_owned(), body, as_accepted).await?;
        }
        Ok(Answered { id: broadcast.id, body, replayed: false })
    }

    /// Stops a broadcast of this owner (of any owner with `None`): messages that have not left are not sent. `None` for
    /// an unknown broadcast.
    ///
    /// # Errors
    /// If the store could not take it.
    pub async fn cancel_broadcast(
        self: &Arc<Self>,
        owner: Option<Owner>,
        id: BroadcastId,
    ) -> Result<Option<Canceled>, Refusal> {
        let pipeline = Arc::clone(self);
        self.to_the_end(Box::pin(async move {
            let canceled =
                pipeline.store.cancel_broadcast(owner, id, pipeline.runtime.now()).await.map_err(refused_by_store)?;
            if canceled.is_some() {
                // No attempt of theirs can begin any more; in memory they would only take up room.
                pipeline.dispatchers.forget_broadcast(id);
            }
            Ok(canceled)
        }))
        .await
    }

    async fn admit(
        &self,
        caller: &Caller,
        request: SendRequest,
        wait: Option<Duration>,
        write: WriteMessage,
    ) -> Result<Answered<MessageId>, Refusal> {
        if self.is_draining() {
            return Err(draining());
        }
        if self.holding.get().is_some() {
            return Err(hold::refused());
        }
        let mut under_way = self.admission.under_way(wait.is_some());
        let answered = self.accept(caller, request, wait, write, &mut under_way).await;
        // From here on a repeat finds the answer.
        under_way.end().await;
        answered
    }

    async fn accept(
        &self,
        caller: &Caller,
        request: SendRequest,
        wait: Option<Duration>,
        write: WriteMessage,
        under_way: &mut UnderWay<'_>,
    ) -> Result<Answered<MessageId>, Refusal> {
        let mut waiting = None;
        let name = |now| {
            let id = MessageId::minted(&self.admission.mint, now, &*self.entropy);
            waiting = wait.map(|wait| (wait, self.admission.waiters.expect(id)));
            id
        };
        // The answer does not name a carrier.
        let accepted = |message: &Message| Delivery::accepted(message, Assignment::NoRoute);
        let (message, key) = match self.admission.decide(caller, request, under_way, name).await? {
            Accepted::New(message, key) => (message, key),
            Accepted::Replayed(Replay { made: message, answer, form }) => {
                let body = match answer.map(standing::message) {
                    Some(Recorded::Whole(body)) => body,
                    Some(Recorded::Standing(delivery)) => write(&message, &delivery, form),
                    None => write(&message, &accepted(&message), form),
                };
                return Ok(Answered { id: message.id, body, replayed: true });
            }
        };
        self.counters.admitted.add();
        if message.mode == Mode::Test {
            self.counters.admitted_test.add();
        }
        let accepted = accepted(&message);
        // What leaves later is not waited for.
        let left = match waiting.as_mut().filter(|_| accepted.status == Status::Queued) {
            Some((wait, waiting)) => {
                let left = self.left(waiting, caller.owner(), message.id);
                self.unless_draining(self.runtime.timeout(*wait, left)).await.and_then(Result::ok).flatten()
            }
            None => None,
        };
        let stands = left.as_ref().unwrap_or(&accepted);
        let mut body = write(&message, stands, AnswerForm::NEWEST);
        if let Some(key) = key.filter(|_| stands.status != accepted.status) {
            let as_accepted = || write(&message, &accepted, AnswerForm::NEWEST);
            body = self.admission.record_answer(&key, standing::of_message(stands), body, as_accepted).await?;
        }
        Ok(Answered { id: message.id, body, replayed: false })
    }

    /// The outcome of a message when it has left the queue, at any node. `None` if it cannot be known.
    async fn left(
        &self,
        waiting: &mut WaitingFor<MessageId, Delivery>,
        owner: Owner,
        id: MessageId,
    ) -> Option<Delivery> {
        let elsewhere = async {
            loop {
                self.others_had_time().await;
                if let Ok(Some(record)) = self.store.message(owner, id).await
                    && !record.delivery.status.is_waiting()
                {
                    return record.delivery;
                }
            }
        };
        tokio::select! {
            biased;
            delivery = waiting.next() => delivery,
            delivery = elsewhere => Some(delivery),
        }
    }

    /// Resolves when the first recipients of a broadcast are expanded, at any node. `None` if it cannot be known.
    async fn begun(&self, waiting: &mut WaitingFor<BroadcastId, ()>, owner: Owner, id: BroadcastId) -> Option<()> {
        let elsewhere = async {
            loop {
                self.others_had_time().await;
                if let Ok(Some(record)) = self.store.broadcast(Some(owner), id).await
                    && record.status != BroadcastStatus::Queued
                {
                    return;
                }
            }
        };
        tokio::select! {
            biased;
            begun = waiting.next() => begun,
            () = elsewhere => Some(()),
        }
    }

    /// Resolves when other nodes may have done something; never without other nodes.
    async fn others_had_time(&self) {
        loop {
            self.runtime.sleep(LOOK_ELSEWHERE).await;
            if self.node.has_others() {
                return;
            }
        }
    }

    /// The store, for reading.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// This process as a node of the store.
    pub const fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// The hosts that may send.
    pub fn tenants(&self) -> &Arc<TenantBook> {
        &self.admission.tenants
    }

    /// Watches the changes of messages at this node. `None` if there are too many watches, or the process ends.
    pub fn watch(&self, filter: WatchFilter) -> Option<Watch> {
        if self.is_draining() {
            return None;
        }
        self.watches.begin(filter, &self.store, &self.runtime)
    }

    /// Resolves when draining begins.
    pub async fn draining(&self) {
        // The sender lives in `self`.
        let _ = self.stop.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// Webhooks.
    pub const fn webhooks(&self) -> &Webhooks {
        &self.webhooks
    }

    /// The counters, with everything that was committed before this call.
    pub fn counters(&self) -> &Counters {
        self.feed.catch_up();
        &self.counters
    }

    /// Abandons a carrier that is not in this configuration: its messages go to other carriers of their routes, and
    /// fail if no route matches their recipient. `None` if the carrier is in the configuration, or no messages wait for
    /// it.
    ///
    /// # Errors
    /// The errors of the store; a part may be done then, and a repeat does the rest.
    pub async fn abandon(self: &Arc<Self>, carrier: &str) -> Result<Option<Abandoned>, Refusal> {
        let (pipeline, carrier) = (Arc::clone(self), CarrierName::from(carrier));
        self.to_the_end(Box::pin(async move {
            let unknown = pipeline.unknown_carriers().await.map_err(refused_by_store)?;
            if !unknown.iter().any(|(name, _)| *name == carrier) {
                return Ok(None);
            }
            let abandoned = pipeline.rerouter.reroute_all(carrier.clone()).await.map_err(refused_by_store)?;
            tracing::warn!(
                carrier.name = %carrier,
                "The carrier {carrier} was abandoned: {} messages rerouted, {} failed, {} held",
                abandoned.rerouted,
                abandoned.failed,
                abandoned.held
            );
            Ok(Some(abandoned))
        }))
        .await
    }

    /// Carriers outside of this configuration for which messages wait, by name, with the numbers of their messages.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn unknown_carriers(&self) -> Result<Vec<(CarrierName, u64)>, StoreError> {
        Ok(self.rerouter.unknown(self.store.queue_depths().await?))
    }

    /// Whether no carrier with this name is in the configuration. A removed carrier counts as known until its attempts
    /// under way are answered.
    pub fn is_unknown(&self, carrier: &str) -> bool {
        self.rerouter.is_unknown(carrier)
    }

    /// The carriers, including removed ones, and the number of messages in each one's dispatcher.
    pub fn carriers(&self) -> Vec<(Arc<dyn Carrier>, usize)> {
        let mut carriers: Vec<_> =
            self.dispatchers.iter().map(|dispatcher| (Arc::clone(&dispatcher.carrier), dispatcher.queued())).collect();
        carriers.sort_by(|(a, _), (b, _)| a.name().cmp(b.name()));
        carriers
    }

    /// Whether nothing more is admitted.
    pub fn is_draining(&self) -> bool {
        *self.stop.borrow()
    }

    /// Admits nothing more. Clients that wait for their message to leave are answered now: the message is on disk, as
    /// promised.
    pub fn begin_draining(&self) {
        // From now on the tasks may end.
        self.supervisor.ending();
        self.stop.send_replace(true);
    }

    /// Runs a request in a task of its own: if a client disconnects, the future of its request is dropped, but the
    /// request continues.
    async fn to_the_end<T: Send + 'static>(&self, request: Work<Result<T, Refusal>>) -> Result<T, Refusal> {
        match self.runtime.run("request", request).await {
            Ok(answered) => answered,
            Err(Ended::Panicked(message)) => std::panic::resume_unwind(Box::new(message)),
            Err(ended) => Err(Refusal::new(ErrorCode::ServiceUnavailable).with_retry_after(DRAINING).caused_by(ended)),
        }
    }

    /// The result of a wait; `None` if draining begins first.
    async fn unless_draining<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        let mut stopped = self.stop.subscribe();
        tokio::select! {
            biased;
            waited = wait => Some(waited),
            _ = stopped.wait_for(|stopped| *stopped) => None,
        }
    }
}
