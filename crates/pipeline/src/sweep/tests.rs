//! The sweeper on a real store, beside media that do not answer.

use std::io;
use std::sync::RwLock;

use async_trait::async_trait;
use bytes::Bytes;
use fetch::media::{FetchSettings, Fetcher};
use fetch::resolve::SystemResolver;
use model::Sampler;
use model::idempotency::{Endpoint, Fingerprint, IdempotencyKey};
use model::message::Message;
use model::{
    Clock, ErrorType, MessageId, ScreeningCertainty, ScreeningId, ScreeningOutcome, ScreeningRecord, SeededEntropy,
    SimClock, Status,
};
use runtime::Machine;
use screening::Screen;
use store::contract::admission::{Admission, IdempotencyClaim, NewMessage};
use store::contract::changes::{Kind, Kinds, Resource, Tailed};
use store::contract::nodes::Epoch;
use store::contract::screening::ScreeningFilter;
use store::objects::Objects;
use store::sqlite::Sqlite;
use tokio::sync::Notify;

use super::*;
use crate::admit::{AdmissionLimits, InForce, References};
use crate::inbound::testing::interpreting;
use crate::tenants::TenantBook;

mod plans;

/// A file system that hangs, and says when it was asked.
#[derive(Default)]
struct Hanging(Notify);

impl Hanging {
    async fn hang<T>(&self) -> T {
        self.0.notify_one();
        std::future::pending().await
    }
}

#[async_trait]
impl Objects for Hanging {
    async fn put(&self, _: &str, _: Bytes) -> io::Result<()> {
        self.hang().await
    }

    async fn get(&self, _: &str) -> io::Result<Bytes> {
        self.hang().await
    }

    async fn remove(&self, _: &str) -> io::Result<()> {
        self.hang().await
    }

    async fn names(&self) -> io::Result<Vec<String>> {
        self.hang().await
    }
}

/// A sweeper on a new store, whose media hang.
struct Bench {
    sweeper: Sweeper,
    hanging: Arc<Hanging>,
    clock: Arc<SimClock>,
    entropy: Arc<SeededEntropy>,
    place: testkit::Place,
}

impl Bench {
    async fn set_up() -> Self {
        Self::watched(Arc::new(|_| {})).await
    }

    /// The same, whose store tells of its statements.
    async fn watched(watch: Arc<dyn Fn(&str) + Send + Sync>) -> Self {
        let place = testkit::Place::new();
        let machine = Arc::new(runtime::Machine::new());
        let opened = Sqlite::open_watched(place.path().join("store.db"), machine, watch).await.unwrap();
        let store: Arc<dyn Store> = Arc::new(opened);
        let clock = testkit::clock();
        let (entropy, counters) = (Arc::new(SeededEntropy::new(7)), Arc::new(Counters::default()));
        let hanging = Arc::new(Hanging::default());
        let node =
            Node::join(Arc::clone(&store), "test".to_owned(), "0", Arc::<SimClock>::clone(&clock)).await.unwrap();
        let runtime: Arc<dyn Runtime> = Arc::new(Machine::with_clock(clock.clone()));
        let fetcher = Fetcher::new(FetchSettings::default(), Arc::new(SystemResolver), runtime.clone()).unwrap();
        let shelf =
            Shelf::new(fetcher, hanging.clone(), store.clone(), counters.clone(), runtime.clone(), entropy.clone());
        let tenants = TenantBook::load(store.clone(), testkit::pepper(), clock.clone(), entropy.clone()).await.unwrap();
        let (tenants, shelf) = (Arc::new(tenants), Arc::new(shelf));
        let interpreter = interpreting(&tenants, &runtime, entropy.clone());
        let admission = crate::admit::Admission {
            store: store.clone(),
            node: node.clone(),
            tenants,
            routes: Arc::default(),
            dispatchers: Dispatchers::default(),
            limits: Arc::new(InForce::new(AdmissionLimits::SMALLEST)),
            runtime: runtime.clone(),
            entropy: entropy.clone(),
            references: Arc::new(References::new(&*entropy)),
            screen: RwLock::new(Arc::new(Screen::builtin())),
            shelf: shelf.clone(),
            mint: Arc::default(),
            waiters: Arc::default(),
            broadcast_waiters: Arc::default(),
            counters: counters.clone(),
            unrecorded_lines: Sampler::new(1),
            stopped: tokio::sync::watch::channel(false).1,
        };
        let rerouter = Rerouter {
            store: store.clone(),
            node: node.clone(),
            routes: Arc::default(),
            dispatchers: Dispatchers::default(),
            counters: counters.clone(),
            runtime: runtime.clone(),
        };
        let sweeper = Sweeper {
            admission: Arc::new(admission),
            screening_log: Duration::from_secs(60),
            audit_log: Duration::from_secs(65),
            shelf,
            media_kept: Duration::ZERO,
            retention: Arc::default(),
            inbound: Arc::default(),
            interpreter,
            parked_kept: Duration::ZERO,
            store,
            rerouter: Arc::new(rerouter),
            dispatchers: Dispatchers::default(),
            counters,
            runtime,
            node,
        };
        Self { sweeper, hanging, clock, entropy, place }
    }

    fn message(&self) -> Message {
        let now = self.clock.now();
        Message {
            expires_at: now + Duration::from_secs(60),
            ..testkit::message_at(MessageId::new(now, &*self.entropy), now)
        }
    }
}

/// The first node of a new store.
const NODE: Epoch = Epoch::new(1).unwrap();

#[tokio::test]
async fn messages_are_swept_while_their_media_hang() {
    let bench = Bench::set_up().await;
    let (message, store) = (bench.message(), bench.sweeper.store.clone());
    let sweeping = tokio::spawn(bench.sweeper.run());
    bench.hanging.0.notified().await;
    let tail = store.subscribe(Kinds::of(&[Kind::Message]));
    let id = message.id;
    store.admit(testkit::admission(NODE, message)).await.unwrap();
    let Tailed::Changes(changes) =
        tokio::time::timeout(Duration::from_secs(20), tail.next()).await.expect("it is swept")
    else {
        panic!()
    };
    let Resource::Message { id: swept, delivery, .. } = &changes[0].resource else { panic!() };
    assert_eq!((*swept, delivery.status, delivery.error_type), (id, Status::Failed, Some(ErrorType::NoRoute)));
    sweeping.abort();
}

#[tokio::test]
async fn all_records_that_are_old_are_forgotten_at_once() {
    let bench = Bench::set_up().await;
    let (store, at) = (bench.sweeper.store.clone(), bench.clock.now());
    let key = |n: usize| IdempotencyClaim {
        endpoint: Endpoint::Message,
        key: IdempotencyKey::parse(&format!("key-{n}")).unwrap(),
        fingerprint: Fingerprint::of(&[Some("hello")]),
        not_before: at,
        begun: false,
        awaited: false,
    };
    for n in 0..3 * BATCH {
        let message = bench.message();
        let flagged = ScreeningRecord {
            id: ScreeningId::new(at, &*bench.entropy),
            account: message.account,
            mode: message.mode,
            at,
            outcome: ScreeningOutcome::Flagged,
            certainty: ScreeningCertainty::Unsure,
            about: None,
            originator: message.originator,
            categories: Vec::new(),
            findings: "[]".to_owned(),
            body: "hello".into(),
            review: None,
        };
        store
            .admit(Admission { flagged: Some(flagged), idempotency: Some(key(n)), ..testkit::admission(NODE, message) })
            .await
            .unwrap();
    }
    bench.clock.advance(Duration::from_secs(8 * 86_400));
    bench.sweeper.round(Strand::Records, &bench.sweeper.sweeping()).await;
    assert_eq!(store.screening_log(ScreeningFilter::default(), None, 1).await.unwrap(), []);
    assert_eq!(store.forget_requests(bench.clock.now(), 1).await.unwrap(), 0, "no record is left");
}

#[tokio::test]
async fn messages_of_a_carrier_that_is_not_configured_are_left_until_the_operator_gives_it_up() {
    let bench = Bench::set_up().await;
    let (store, sweeper) = (bench.sweeper.store.clone(), &bench.sweeper);
    let message = bench.message();
    let admission = testkit::admission(NODE, message.clone());
    let payload = NewMessage { carrier: "gone".into(), ..admission.payload };
    store.admit(Admission { payload, ..admission }).await.unwrap();
    let unknown = async || sweeper.rerouter.unknown(store.queue_depths().await.unwrap());
    let sweeping = sweeper.sweeping();
    for _ in 0..60 {
        sweeper.round(Strand::Messages, &sweeping).await;
    }
    assert_eq!(unknown().await, [("gone".into(), 1)]);
    let status = async || store.message_of_any_account(message.id).await.unwrap().unwrap().delivery.status;
    assert_eq!(status().await, Status::Queued);
    // No route leads anywhere here.
    assert_eq!(
        sweeper.rerouter.reroute_all("gone".into()).await.unwrap(),
        Abandoned { failed: 1, ..Abandoned::default() }
    );
    assert_eq!((status().await, unknown().await), (Status::Failed, vec![]));
}

#[tokio::test]
async fn what_is_older_than_the_rules_goes_step_by_step_and_a_changed_rule_counts_at_the_next_step() {
    const DAY: Duration = Duration::from_secs(86_400);
    let bench = Bench::set_up().await;
    let (store, sweeper) = (bench.sweeper.store.clone(), &bench.sweeper);
    let sweeping = sweeper.sweeping();
    // A round ends with a rest until the next minute; steps rest for a moment.
    let whole_round = async || while sweeper.round(Strand::Retention, &sweeping).await < Duration::from_secs(1) {};
    let mut messages = Vec::new();
    for _ in 0..BATCH {
        let message = bench.message();
        messages.push(message.id);
        store.admit(testkit::admission(NODE, message)).await.unwrap();
    }
    let queued = bench.message();
    let admission = testkit::admission(NODE, queued.clone());
    let payload = NewMessage { carrier: "gone".into(), ..admission.payload };
    store.admit(Admission { payload, ..admission }).await.unwrap();
    // Without a route they fail, and have ended.
    let now = bench.clock.now();
    let moment = model::Moment { wall: now, steady: now };
    while sweeper.rerouter.reroute(Assignment::NoRoute, moment).await.unwrap().failed >= BATCH as u64 {}
    let find = async |id| store.message_of_any_account(id).await.unwrap();
    let text = async |id| find(id).await.unwrap().message.body.clone();
    bench.clock.advance(10 * DAY);
    whole_round().await;
    assert!(text(messages[0]).await.is_some(), "nothing is old without a rule");
    let rules = crate::Retention { texts: Some(5 * DAY), messages: Some(20 * DAY), receipt_keys: None };
    sweeper.retention.set(rules);
    whole_round().await;
    for id in &messages {
        assert_eq!(text(*id).await, None);
    }
    assert!(text(queued.id).await.is_some(), "it has not ended");
    bench.clock.advance(11 * DAY);
    whole_round().await;
    for id in &messages {
        assert_eq!(find(*id).await, None);
    }
    assert!(text(queued.id).await.is_some());
    let counts: Vec<(&str, u64)> = sweeper.counters.removed.all().filter(|(_, count)| *count > 0).collect();
    assert_eq!(counts, [("texts", BATCH as u64), ("messages", BATCH as u64)]);
    // Its validity ends.
    sweeper.round(Strand::Messages, &sweeping).await;
    assert_eq!(text(queued.id).await, None, "its text goes with its end");
    bench.clock.advance(Duration::from_secs(60));
    whole_round().await;
    assert_eq!(find(queued.id).await, None);
}
