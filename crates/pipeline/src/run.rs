//! Starting the pipeline, handing requests in, and draining it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use carrier::{Carrier, CarrierEvent};
use model::error::{ErrorCode, Refusal};
use model::idempotency::{Endpoint, IdempotencyKey};
use model::{AccountId, Broadcast, BroadcastId, BroadcastStatus, Clock, Delivery, Entropy, Message, MessageId};
use screening::Screen;
use store::contract::broadcasts::{BroadcastReplay, Canceled};
use store::contract::messages::Replay;
use store::objects::Objects;
use store::{Store, StoreError};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::admit::{Accepted, Admission, AdmissionLimits, BroadcastAccepted, BroadcastRequest, References, SendRequest, refused_by_store};
use crate::counters::Counters;
use crate::dispatch::{DispatchSettings, Dispatcher, Dispatchers, Surroundings};
use crate::expand::{Bell, BroadcastSettings, Expander};
use crate::fetch::Fetcher;
use crate::media::Shelf;
use crate::pace::SenderPaces;
use crate::receipt::Recorder;
use crate::route::Routes;
use crate::sweep::Sweeper;
use crate::tenants::{Caller, TenantBook};
use crate::watch::{BroadcastWaiters, MessageWaiters, Waiting, WaitingBroadcast};

/// What a pipeline is made of.
pub struct Parts {
    /// Where messages are kept.
    pub store: Arc<dyn Store>,
    /// Who may send.
    pub tenants: Arc<TenantBook>,
    /// Where messages go.
    pub routes: Routes,
    /// Who carries them, and at how many segments a second of one originator (0 for no bound).
    pub carriers: Vec<(Arc<dyn Carrier>, u32)>,
    /// What the carriers tell.
    pub events: mpsc::UnboundedReceiver<CarrierEvent>,
    /// What fetches media.
    pub fetcher: Fetcher,
    /// Where media are kept.
    pub objects: Arc<dyn Objects>,
    /// How long media are kept after the last message that needs them has left.
    pub media_kept: Duration,
    /// What texts are screened with.
    pub screen: Arc<Screen>,
    /// How long decisions of the screen are kept for review.
    pub screening_log: Duration,
    /// What is admitted.
    pub limits: AdmissionLimits,
    /// How it is dispatched.
    pub dispatch: DispatchSettings,
    /// How broadcasts are expanded.
    pub broadcasts: BroadcastSettings,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

/// The answer to a request to send.
#[derive(Debug)]
pub enum Answered {
    /// A new message, and where it stands: queued, unless the caller waited. A caller that did keeps the last part until its answer is noted
    /// ([`Pipeline::record_answer`]): until then a repeat under the same key is refused.
    New(Arc<Message>, Delivery, Option<Waiting>),
    /// The same request came before; this is what it was answered.
    Replayed(Replay),
}

/// The answer to a request to broadcast.
#[derive(Debug)]
pub enum AnsweredBroadcast {
    /// A new broadcast, and where it stands: as it was accepted, unless the caller waited, who keeps the last part as with [`Answered::New`].
    New(Arc<Broadcast>, BroadcastStatus, Option<WaitingBroadcast>),
    /// The same request came before; this is what it was answered.
    Replayed(BroadcastReplay),
}

/// A running pipeline.
pub struct Pipeline {
    admission: Admission,
    store: Arc<dyn Store>,
    dispatchers: Dispatchers,
    waiters: Arc<MessageWaiters>,
    broadcast_waiters: Arc<BroadcastWaiters>,
    bell: Arc<Bell>,
    counters: Arc<Counters>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    stop: watch::Sender<bool>,
    flush: mpsc::Sender<oneshot::Sender<()>>,
    tasks: tokio::sync::Mutex<Vec<JoinHandle<()>>>,
}

impl Pipeline {
    /// Starts dispatching on the current runtime, with what a process before this one left.
    ///
    /// # Errors
    /// As the store.
    pub async fn start(parts: Parts) -> Result<Arc<Self>, StoreError> {
        let now = parts.clock.now();
        let interrupted = parts.store.recover(now).await?;
        if interrupted > 0 {
            tracing::warn!("{interrupted} attempts were under way when the last process ended");
        }
        let (stop, stopped) = watch::channel(false);
        let routes = Arc::new(parts.routes);
        let (clock, entropy) = (Arc::clone(&parts.clock), Arc::clone(&parts.entropy));
        let (waiters, broadcast_waiters) = (Arc::new(MessageWaiters::default()), Arc::new(BroadcastWaiters::default()));
        let bell = Arc::new(Bell::default());
        let numbers = Arc::clone(&parts.tenants);
        let counters = Arc::new(Counters::new(parts.carriers.iter().map(|(carrier, _)| carrier.name().to_owned())));
        let shelf = Arc::new(Shelf::new(parts.fetcher, parts.objects, Arc::clone(&parts.store), Arc::clone(&counters), clock, entropy));
        let around = Surroundings {
            store: Arc::clone(&parts.store),
            tenants: Arc::clone(&parts.tenants),
            routes: Arc::clone(&routes),
            settings: parts.dispatch,
            senders: Arc::new(SenderPaces::new(move |number| numbers.pace_of(number))),
            made_room: Arc::clone(&bell.wake),
            counters: Arc::clone(&counters),
            waiters: Arc::clone(&waiters),
            shelf: Arc::clone(&shelf),
            clock: Arc::clone(&parts.clock),
            tokens: Arc::new(AtomicU64::new(parts.entropy.next_u64() >> 1)),
            stop: stopped,
        };
        let dispatchers = parts.carriers.into_iter().map(|(carrier, rate)| Arc::new(Dispatcher::new(carrier, rate, around.clone())));
        let dispatchers = Dispatchers::new(dispatchers.collect());
        let recorder = Recorder {
            store: Arc::clone(&parts.store),
            routes: Arc::clone(&routes),
            dispatchers: dispatchers.clone(),
            settings: parts.dispatch,
            waiters: Arc::clone(&waiters),
            counters: Arc::clone(&counters),
            clock: Arc::clone(&parts.clock),
            entropy: Arc::clone(&parts.entropy),
        };
        let sweeper = Sweeper {
            screening_log: parts.screening_log,
            shelf: Arc::clone(&shelf),
            media_kept: parts.media_kept,
            store: Arc::clone(&parts.store),
            routes: Arc::clone(&routes),
            dispatchers: dispatchers.clone(),
            waiters: Arc::clone(&waiters),
            counters: Arc::clone(&counters),
            clock: Arc::clone(&parts.clock),
            entropy: Arc::clone(&parts.entropy),
        };
        let references = Arc::new(References::new(&*parts.entropy));
        let expander = Expander {
            store: Arc::clone(&parts.store),
            tenants: Arc::clone(&parts.tenants),
            routes: Arc::clone(&routes),
            dispatchers: dispatchers.clone(),
            settings: parts.broadcasts,
            bell: Arc::clone(&bell),
            waiters: Arc::clone(&broadcast_waiters),
            references: Arc::clone(&references),
            clock: Arc::clone(&parts.clock),
        };
        let mut tasks: Vec<JoinHandle<()>> = Vec::new();
        for dispatcher in dispatchers.iter() {
            let (dispatcher, all) = (Arc::clone(dispatcher), dispatchers.clone());
            tasks.push(tokio::spawn(async move { dispatcher.run(all).await }));
        }
        let (flush, flushes) = mpsc::channel(1);
        tokio::spawn(recorder.run(parts.events, flushes));
        let (mut ended, mut expanded) = (stop.subscribe(), stop.subscribe());
        tasks.push(tokio::spawn(async move {
            tokio::select! {
                () = sweeper.run() => {}
                _ = ended.wait_for(|stop| *stop) => {}
            }
        }));
        tasks.push(tokio::spawn(async move {
            tokio::select! {
                () = expander.run() => {}
                _ = expanded.wait_for(|stop| *stop) => {}
            }
        }));
        let admission = Admission {
            store: Arc::clone(&parts.store),
            tenants: parts.tenants,
            routes,
            dispatchers: dispatchers.clone(),
            limits: parts.limits,
            clock: Arc::clone(&parts.clock),
            entropy: Arc::clone(&parts.entropy),
            references,
            screen: parts.screen,
            shelf,
            keys: Default::default(),
            counters: Arc::clone(&counters),
        };
        Ok(Arc::new(Self {
            admission,
            store: parts.store,
            dispatchers,
            waiters,
            broadcast_waiters,
            bell,
            counters,
            clock: parts.clock,
            entropy: parts.entropy,
            stop,
            flush,
            tasks: tokio::sync::Mutex::new(tasks),
        }))
    }

    /// Admits a message, and waits until it leaves the queue where the caller asks for it, `wait` at most.
    ///
    /// # Errors
    /// The first reason against it, in the order of the public contract.
    pub async fn send(self: &Arc<Self>, caller: &Caller, request: SendRequest, wait: Option<Duration>) -> Result<Answered, Refusal> {
        let (pipeline, caller) = (Arc::clone(self), caller.clone());
        // A message that is on disk must find its way into the dispatcher although its client hangs up, or it waits until its lease ends.
        to_the_end(async move { pipeline.admit(&caller, request, wait).await }).await
    }

    /// Accepts a broadcast, and waits until the first recipients have their turn where the caller asks for it, `wait` at most.
    ///
    /// # Errors
    /// The first reason against it, in the order of the public contract.
    pub async fn broadcast(self: &Arc<Self>, caller: &Caller, request: BroadcastRequest, wait: Option<Duration>) -> Result<AnsweredBroadcast, Refusal> {
        let (pipeline, caller) = (Arc::clone(self), caller.clone());
        to_the_end(async move { pipeline.admit_broadcast(&caller, request, wait).await }).await
    }

    async fn admit_broadcast(&self, caller: &Caller, request: BroadcastRequest, wait: Option<Duration>) -> Result<AnsweredBroadcast, Refusal> {
        if self.is_draining() {
            return Err(Refusal::new(ErrorCode::ServiceUnavailable).with_retry_after(DRAINING).caused_by("draining"));
        }
        let mut waiting = None;
        let name = |now| {
            let id = BroadcastId::new(now, &*self.entropy);
            waiting = wait.map(|wait| (wait, self.broadcast_waiters.expect(id)));
            id
        };
        match self.admission.decide_broadcast(caller, request, name).await? {
            BroadcastAccepted::New(broadcast) => {
                self.bell.arrived();
                let mut status = broadcast.status_at_acceptance();
                if let Some((wait, waiting)) = waiting.as_mut().filter(|_| status.is_open())
                    && let Ok(Some(())) = tokio::time::timeout(*wait, waiting.next()).await
                    && let Ok(Some(record)) = self.store.broadcast(Some(caller.account), broadcast.id).await
                {
                    status = record.status;
                }
                Ok(AnsweredBroadcast::New(broadcast, status, waiting.map(|(_, waiting)| waiting)))
            }
            // Nobody knows yet what the first request will be answered.
            BroadcastAccepted::Replayed(replay) if self.broadcast_waiters.has(&replay.broadcast.id) => Err(ErrorCode::DuplicateIdempotencyKey.into()),
            BroadcastAccepted::Replayed(replay) => Ok(AnsweredBroadcast::Replayed(replay)),
        }
    }

    /// Stops a broadcast of this account (of any account when `None`): what has not left is not sent. `None` for an unknown broadcast.
    ///
    /// # Errors
    /// Where the store could not take it.
    pub async fn cancel_broadcast(self: &Arc<Self>, account: Option<AccountId>, id: BroadcastId) -> Result<Option<Canceled>, Refusal> {
        let pipeline = Arc::clone(self);
        to_the_end(async move {
            let canceled = pipeline.store.cancel_broadcast(account, id, pipeline.clock.now()).await.map_err(refused_by_store)?;
            if canceled.is_some() {
                // The store lets nobody send them; here they would only take up room.
                pipeline.dispatchers.forget_broadcast(id);
            }
            Ok(canceled)
        })
        .await
    }

    async fn admit(&self, caller: &Caller, request: SendRequest, wait: Option<Duration>) -> Result<Answered, Refusal> {
        if self.is_draining() {
            return Err(Refusal::new(ErrorCode::ServiceUnavailable).with_retry_after(DRAINING).caused_by("draining"));
        }
        let mut waiting = None;
        let name = |now| {
            let id = MessageId::new(now, &*self.entropy);
            waiting = wait.map(|wait| (wait, self.waiters.expect(id)));
            id
        };
        match self.admission.decide(caller, request, name).await? {
            Accepted::New(message) => {
                self.counters.admitted.add();
                let left = match &mut waiting {
                    Some((wait, waiting)) => tokio::time::timeout(*wait, waiting.next()).await.ok().flatten(),
                    None => None,
                };
                let delivery = left.unwrap_or_else(|| Delivery::queued(""));
                Ok(Answered::New(message, delivery, waiting.map(|(_, waiting)| waiting)))
            }
            // Nobody knows yet what the first request will be answered.
            Accepted::Replayed(replay) if self.waiters.has(&replay.message.id) => Err(ErrorCode::DuplicateIdempotencyKey.into()),
            Accepted::Replayed(replay) => Ok(Answered::Replayed(replay)),
        }
    }

    /// Notes what a request with a key was answered, where the answer was not the queued message or broadcast.
    ///
    /// # Errors
    /// Where the store could not take it.
    pub async fn record_answer(&self, caller: &Caller, endpoint: Endpoint, key: &IdempotencyKey, body: String) -> Result<(), Refusal> {
        self.admission.record_answer(caller, endpoint, key, body).await
    }

    /// Where messages are kept, for reading.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Who may send.
    pub fn tenants(&self) -> &Arc<TenantBook> {
        &self.admission.tenants
    }

    /// What has been counted.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The carriers, and how many messages each one's dispatcher holds.
    pub fn carriers(&self) -> Vec<(Arc<dyn Carrier>, usize)> {
        let mut carriers: Vec<_> = self.dispatchers.iter().map(|dispatcher| (Arc::clone(&dispatcher.carrier), dispatcher.queued())).collect();
        carriers.sort_by(|(a, _), (b, _)| a.name().cmp(b.name()));
        carriers
    }

    /// Whether nothing more is admitted.
    pub fn is_draining(&self) -> bool {
        *self.stop.borrow()
    }

    /// Admits nothing more.
    pub fn begin_draining(&self) {
        self.stop.send_replace(true);
    }

    /// Admits and dispatches nothing more, waits for what carriers have not answered (at most `limit`), and closes the store.
    pub async fn drain(&self, limit: Duration) {
        self.begin_draining();
        for task in self.tasks.lock().await.drain(..) {
            // A task that panicked has nothing left to finish.
            let _ = task.await;
        }
        let drained = self.dispatchers.iter().map(|dispatcher| {
            let carrier = Arc::clone(&dispatcher.carrier);
            tokio::spawn(async move { carrier.drain(limit).await })
        });
        for carrier in drained.collect::<Vec<_>>() {
            let _ = carrier.await;
        }
        // The carriers have told all that they will; it is recorded before the store closes.
        let (done, recorded) = oneshot::channel();
        if self.flush.send(done).await.is_ok() {
            let _ = recorded.await;
        }
        self.store.close().await;
    }
}

/// Runs a request in a task of its own: a client that hangs up takes the future of its request with it, and what it asked for is done all the same.
async fn to_the_end<T: Send + 'static>(request: impl Future<Output = Result<T, Refusal>> + Send + 'static) -> Result<T, Refusal> {
    match tokio::spawn(request).await {
        Ok(answered) => answered,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(ended) => Err(Refusal::new(ErrorCode::ServiceUnavailable).with_retry_after(DRAINING).caused_by(ended)),
        },
    }
}

/// When a client may try again after it met a process that is ending.
const DRAINING: Duration = Duration::from_secs(5);
