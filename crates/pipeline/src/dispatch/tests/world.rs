//! A dispatcher for each of two carriers on a store in a file, a clock that tests move, and carriers that write down
//! what they get.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use carrier::{Carrier, CarrierEvent, CarrierStatus, Event, SegmentOutcome, Submission};
use disk::Disk;
use fetch::media::{FetchSettings, Fetcher};
use fetch::resolve::SystemResolver;
use model::backoff::Backoff;
use model::message::MessageType;
use model::number::NumberState;
use model::{
    AccountId, Broadcast, BroadcastId, Clock, ErrorType, Message, MessageId, Msisdn, Originator, Recipients,
    SeededEntropy, SimClock, Status, Timestamp,
};
use runtime::{Machine, Runtime, Ticks};
use store::Store;
use store::contract::admission::{Admission, Admitted, NewMessage};
use store::contract::broadcasts::{Expanded, Expansion};
use store::contract::dispatch::{Lease, LeaseRequest, Leased};
use store::objects::Objects;
use store::sqlite::Sqlite;
use testkit::{LIMITS, Place, pepper};
use tokio::sync::{Notify, mpsc, watch};

use super::media::Memory;
use crate::counters::Counters;
use crate::dispatch::{DispatchSettings, Dispatcher, Dispatchers, Surroundings};
use crate::feed::Feed;
use crate::inbound::files::Files;
use crate::inbound::testing::interpreting;
use crate::media::Shelf;
use crate::node::Node;
use crate::pace::SenderPaces;
use crate::queue::QueueLimits;
use crate::receipt::Recorder;
use crate::route::{OnUnknown, Route, Routes};
use crate::tenants::TenantBook;

pub(super) use testkit::recipient;
pub(super) const MAIN: &str = "main";
pub(super) const BACKUP: &str = "backup";

/// Recipients whose number begins so have a route that holds what is of unknown outcome.
pub(super) const HELD: &str = "+44";

/// How long a message is valid: longer than any step of a clock in these tests.
const VALID: Duration = Duration::from_secs(400 * 86_400);

pub(super) fn accepted() -> SegmentOutcome {
    SegmentOutcome::Accepted { carrier_id: Some("7".into()), remark: None }
}

pub(super) fn later() -> SegmentOutcome {
    SegmentOutcome::TryLater { status: "ESME_RSYSERR".into() }
}

pub(super) fn refused() -> SegmentOutcome {
    SegmentOutcome::Refused { error_type: ErrorType::CarrierRejected, status: "ESME_RSUBMITFAIL".into() }
}

/// A carrier that takes everything and answers when a test does.
pub(super) struct Fake {
    name: &'static str,
    submitted: Mutex<Vec<Submission>>,
    down: Mutex<Option<Duration>>,
}

impl Fake {
    pub(super) fn set_down_for(&self, secs: Option<u64>) {
        *self.down.lock().unwrap() = secs.map(Duration::from_secs);
    }
}

#[async_trait]
impl Carrier for Fake {
    fn name(&self) -> &str {
        self.name
    }

    async fn ready(&self) -> usize {
        match self.down_for() {
            Some(_) => std::future::pending().await,
            None => 100,
        }
    }

    fn window(&self) -> usize {
        100
    }

    fn answers_within(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn submit(&self, submission: Submission) {
        self.submitted.lock().unwrap().push(submission);
    }

    fn down_for(&self) -> Option<Duration> {
        *self.down.lock().unwrap()
    }

    fn status(&self) -> CarrierStatus {
        CarrierStatus::default()
    }

    async fn drain(&self, _: Duration) {}
}

/// An account and its number.
pub(super) struct Tenant {
    pub(super) account: AccountId,
    pub(super) number: Originator,
}

/// How the dispatchers of these tests behave.
const fn settings() -> DispatchSettings {
    DispatchSettings {
        queue: QueueLimits { total: 1_000, per_account: 500, originator_rate: 0, account_rate: 0 },
        lease: Duration::from_secs(60),
        batch: 100,
        poll: Duration::from_millis(250),
        retry: Backoff { floor: Duration::from_secs(10), ceiling: Duration::from_secs(600) },
        attempts_per_carrier: 5,
        fallback_after: Duration::from_secs(30),
    }
}

pub(super) struct World {
    file: Place,
    pub(super) clock: Arc<SimClock>,
    runtime: Arc<dyn Runtime>,
    pub(super) settings: DispatchSettings,
    pub(super) store: Arc<dyn Store>,
    pub(super) node: Arc<Node>,
    pub(super) tenants: Arc<TenantBook>,
    pub(super) dispatchers: Dispatchers,
    pub(super) counters: Arc<Counters>,
    pub(super) feed: Feed,
    pub(super) objects: Arc<Memory>,
    pub(super) shelf: Arc<Shelf>,
    carriers: [Arc<Fake>; 2],
    routes: Arc<Routes>,
    entropy: Arc<SeededEntropy>,
    _running: watch::Sender<bool>,
    poll: tokio::sync::Mutex<Ticks>,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::on(Place::new(), testkit::clock(), 1).await
    }

    async fn on(file: Place, clock: Arc<SimClock>, seed: u64) -> Self {
        let store = file.open().await;
        Self::with(file, store, clock, seed).await
    }

    /// One whose store is on this disk.
    pub(super) async fn on_disk(disk: &Disk) -> Self {
        let runtime = Arc::new(Machine::new());
        let store = Sqlite::open_on(disk.name(), "store.db".into(), disk.rewriter(), runtime).await.unwrap();
        Self::with(Place::new(), Arc::new(store), testkit::clock(), 1).await
    }

    async fn with(file: Place, store: Arc<dyn Store>, clock: Arc<SimClock>, seed: u64) -> Self {
        let settings = settings();
        let node =
            Node::join(Arc::clone(&store), "test".to_owned(), "0", Arc::<SimClock>::clone(&clock)).await.unwrap();
        store.recover(node.epoch(), clock.steady(), settings.retry.ceiling).await.unwrap();
        let entropy = Arc::new(SeededEntropy::new(seed));
        let tenants =
            Arc::new(TenantBook::load(store.clone(), pepper(), clock.clone(), entropy.clone()).await.unwrap());
        let carriers =
            [MAIN, BACKUP].map(|name| Arc::new(Fake { name, submitted: Mutex::default(), down: Mutex::default() }));
        let counters = Arc::new(Counters::new(carriers.iter().map(|carrier| carrier.name.into())));
        let feed = Feed::new(store.clone(), Arc::default(), Arc::default(), counters.clone(), tenants.clone());
        let objects = Arc::new(Memory::default());
        let runtime: Arc<dyn Runtime> = Arc::new(Machine::with_clock(clock.clone()));
        let fetcher = Fetcher::new(FetchSettings::default(), Arc::new(SystemResolver), runtime.clone()).unwrap();
        let kept: Arc<dyn Objects> = objects.clone();
        let shelf =
            Arc::new(Shelf::new(fetcher, kept, store.clone(), counters.clone(), runtime.clone(), entropy.clone()));
        let route = |prefix: &str, on_unknown| Route {
            prefix: prefix.into(),
            kind: MessageType::Sms,
            carriers: vec![MAIN.into(), BACKUP.into()],
            on_unknown,
        };
        let routes = Arc::new(Routes::new(vec![route(HELD, OnUnknown::Hold), route("+", OnUnknown::Resend)]));
        let (_running, stopped) = watch::channel(false);
        let poll = tokio::sync::Mutex::new(runtime.ticks(settings.poll));
        let numbers = tenants.clone();
        let around = Surroundings {
            store: store.clone(),
            tenants: tenants.clone(),
            routes: routes.clone(),
            settings,
            senders: Arc::new(SenderPaces::new(move |number| numbers.pace_of(number))),
            made_room: Arc::new(Notify::new()),
            counters: counters.clone(),
            shelf: shelf.clone(),
            runtime: runtime.clone(),
            node: node.clone(),
            stop: stopped,
        };
        let dispatchers = carriers.iter().map(|carrier| Arc::new(Dispatcher::new(carrier.clone(), 0, around.clone())));
        let dispatchers = Dispatchers::new(dispatchers.collect());
        Self {
            file,
            clock,
            runtime,
            settings,
            store,
            node,
            tenants,
            dispatchers,
            counters,
            feed,
            objects,
            shelf,
            carriers,
            routes,
            entropy,
            _running,
            poll,
        }
    }

    /// Ends the process without a word and starts another, whose clock begins `step_ms` from where the wall clock
    /// stood.
    pub(super) async fn restart(&mut self, step_ms: i64) {
        self.store.close().await;
        let now = Timestamp::from_millis(self.clock.now().as_millis() + step_ms);
        let file = std::mem::replace(&mut self.file, Place::new());
        *self = Self::on(file, Arc::new(SimClock::at(now)), 2).await;
    }

    /// Sets the wall clock.
    pub(super) fn step(&self, ms: i64) {
        self.clock.set(Timestamp::from_millis(self.clock.now().as_millis() + ms));
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn carrier(&self, name: &str) -> &Arc<Fake> {
        self.carriers.iter().find(|carrier| carrier.name == name).unwrap()
    }

    pub(super) fn dispatcher(&self, name: &str) -> &Arc<Dispatcher> {
        self.dispatchers.iter().find(|dispatcher| dispatcher.carrier.name() == name).unwrap()
    }

    /// All that a carrier got, in order.
    pub(super) fn sent(&self, name: &str) -> Vec<Submission> {
        self.carrier(name).submitted.lock().unwrap().clone()
    }

    pub(super) async fn tenant(&self, number: &str, pace: Option<u32>) -> Tenant {
        let account = self.tenants.create_account("a tenant".to_owned(), LIMITS).await.unwrap().id;
        let number = Originator::parse(number).unwrap();
        let pace = pace.and_then(std::num::NonZeroU32::new);
        self.tenants.create_number(number, Some(account), NumberState::Active, pace).await.unwrap();
        Tenant { account, number }
    }

    pub(super) fn message(&self, tenant: &Tenant, segments: u16, recipient: &str) -> Message {
        let now = self.clock.now();
        Message {
            account: tenant.account,
            originator: tenant.number,
            recipient: Msisdn::parse(recipient).unwrap(),
            segments,
            expires_at: now + VALID,
            ..testkit::message_at(MessageId::new(now, &*self.entropy), now)
        }
    }

    /// Admits a message into the memory of the first carrier's dispatcher, as a request does.
    pub(super) async fn admit(&self, tenant: &Tenant, segments: u16) -> MessageId {
        self.admit_as(self.message(tenant, segments, "+12025550143"), true).await
    }

    /// Admits a message into memory, or into the store alone as when memory is full.
    pub(super) async fn admit_as(&self, message: Message, into_memory: bool) -> MessageId {
        let (id, message) = (message.id, Arc::new(message));
        let place = into_memory.then(|| self.dispatchers.reserve(MAIN, message.account).unwrap());
        let lease = place.as_ref().map(|place| place.lease());
        let due_at = self.clock.steady();
        let admission = testkit::admission(self.node.epoch(), message.clone());
        let payload = NewMessage { carrier: MAIN.into(), lease, due_at, ..admission.payload };
        let admission = Admission { payload, ..admission };
        assert_eq!(self.store.admit(admission).await.unwrap(), Admitted::New);
        match place {
            Some(place) => place.fill(message),
            None => self.dispatchers.look_at(MAIN),
        }
        id
    }

    pub(super) async fn broadcast(&self, tenant: &Tenant, total: u32) -> Arc<Broadcast> {
        let recipients: Recipients = (0..total).map(recipient).collect();
        let now = self.clock.now();
        let broadcast = Arc::new(Broadcast {
            id: BroadcastId::new(now, &*self.entropy),
            account: tenant.account,
            originator: tenant.number,
            created_at: now,
            expires_at: now + VALID,
            ..testkit::broadcast(0, total)
        });
        let admission = testkit::broadcast_admission(self.node.epoch(), broadcast.clone(), recipients);
        self.store.admit_broadcast(admission).await.map(drop).unwrap();
        broadcast
    }

    /// Makes the message of a recipient of a broadcast, in memory.
    pub(super) async fn hold_broadcast_message(&self, broadcast: &Broadcast, index: u32) {
        let tenant = Tenant { account: broadcast.account, number: broadcast.originator };
        let message = Message {
            id: broadcast.id.message(index),
            broadcast: Some(broadcast.id),
            ..self.message(&tenant, 1, &recipient(index).text())
        };
        let (_, lease) = self.dispatchers.room_for_broadcasts(MAIN).unwrap();
        let message = Arc::new(message);
        let made = Expanded { message: message.clone(), carrier: MAIN.into(), lease: Some(lease) };
        let expansion = Expansion {
            node: self.node.epoch(),
            broadcast: broadcast.id,
            from: index,
            turns: 1,
            messages: vec![made],
            due_at: self.clock.steady(),
            at: self.clock.now(),
        };
        assert!(self.store.expand(expansion).await.unwrap());
        self.dispatchers.hold(vec![Leased::fresh(message, lease, MAIN.into())]);
    }

    /// One turn of the first carrier's dispatcher.
    pub(super) async fn run_once(&self) {
        self.run_once_at(MAIN).await;
    }

    /// One turn of a carrier's dispatcher.
    pub(super) async fn run_once_at(&self, name: &str) {
        let mut poll = self.poll.lock().await;
        self.dispatcher(name).turn(&self.dispatchers, &mut poll).await;
    }

    /// What another worker can lease now of what is due for a carrier.
    pub(super) async fn lease(&self, carrier: &str) -> Vec<MessageId> {
        let (now, token) = (self.clock.look(), self.node.next_token());
        let request = LeaseRequest {
            carrier: carrier.into(),
            now,
            lease: Lease { token, until: now.steady + self.settings.lease },
            limit: 10,
            limit_per_account: 10,
            limit_of_broadcasts: 10,
            passed_over: Vec::new(),
            under_way: HashSet::new(),
        };
        let leased = self.store.lease_due(request).await.unwrap();
        leased.iter().map(|leased| leased.message.id).collect()
    }

    /// Turns enough for everything that can leave now to leave, with looks into the store among them; and a sweep of
    /// what has expired.
    pub(super) async fn run(&self) {
        for _ in 0..6 {
            self.run_once().await;
        }
        let ended =
            self.store.expire(self.node.epoch(), self.clock.look(), self.dispatchers.under_way(), 100).await.unwrap();
        assert_eq!(ended, 0);
    }

    /// The first carrier answers what it got in this place, and the answer is recorded.
    pub(super) async fn answer(&self, place: usize, outcome: SegmentOutcome) {
        let submission = self.sent(MAIN)[place].clone();
        let total = submission.message.segments;
        let answer = carrier::SubmissionOutcome {
            message: submission.message,
            attempt: submission.attempt,
            token: submission.token,
            total,
            accepted_before: submission.accepted_segments,
            segments: (1..=total).map(|number| (number, outcome.clone())).collect(),
        };
        let (events, told) = mpsc::unbounded_channel();
        let (_, flushes) = mpsc::channel(1);
        events.send(CarrierEvent { carrier: MAIN.into(), event: Event::Outcome(answer) }).unwrap();
        drop(events);
        let (_running, give_up) = watch::channel(false);
        let recorder = Recorder {
            store: self.store.clone(),
            node: self.node.epoch(),
            tenants: self.tenants.clone(),
            interpreter: interpreting(&self.tenants, &self.runtime, self.entropy.clone()),
            files: Files {
                objects: self.objects.clone(),
                runtime: self.runtime.clone(),
                entropy: self.entropy.clone(),
            },
            routes: self.routes.clone(),
            dispatchers: self.dispatchers.clone(),
            settings: self.settings,
            counters: self.counters.clone(),
            runtime: self.runtime.clone(),
            entropy: self.entropy.clone(),
            give_up,
        };
        recorder.run(told, flushes).await;
    }

    pub(super) async fn status(&self, id: MessageId) -> Status {
        self.store.message_of_any_account(id).await.unwrap().unwrap().delivery.status
    }

    pub(super) async fn is_held(&self, id: MessageId) -> bool {
        self.store.message_of_any_account(id).await.unwrap().unwrap().delivery.held
    }

    /// That no message has two attempts with one number.
    pub(super) fn check_attempts(&self) {
        let sent = self.sent(MAIN);
        let attempts: HashSet<_> = sent.iter().map(|submission| (submission.message.id, submission.attempt)).collect();
        assert_eq!(attempts.len(), sent.len());
    }
}
