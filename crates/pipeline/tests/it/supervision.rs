//! A whole pipeline on a real store, one of whose tasks ends before its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use carrier::{Carrier, CarrierEvent, CarrierStatus, Event, Events, SegmentOutcome, Submission, SubmissionOutcome};
use fetch::media::{FetchSettings, Fetcher};
use fetch::resolve::SystemResolver;
use model::account::Limits;
use model::backoff::Backoff;
use model::key::{KeyId, Pepper};
use model::message::MessageType;
use model::number::NumberState;
use model::{Entropy, Mode, Msisdn, SeededEntropy, Status};
use pipeline::route::{Route, Routes};
use pipeline::tenants::{Caller, TenantBook};
use pipeline::{AdmissionLimits, BroadcastSettings, DispatchSettings, Node, Parts, Pipeline, QueueLimits, SendRequest};
use runtime::{Machine, Runtime, Supervisor};
use screening::Screen;
use store::objects::Directory;
use tokio::sync::mpsc;

const LIMITS: Limits =
    Limits { message_per_minute: 10, broadcast_per_minute: 5, read_per_minute: 600, daily_quota: 1_000 };

/// Long enough for anything on the slowest machine; what hangs is a failure then.
const LONG: Duration = Duration::from_secs(60);

/// Chance, until it is broken: then it panics, as a mistake in it would.
struct Chance {
    seeded: SeededEntropy,
    broken: AtomicBool,
}

impl Entropy for Chance {
    fn fill(&self, bytes: &mut [u8]) {
        self.seeded.fill(bytes);
    }

    fn next_unit(&self) -> f64 {
        assert!(!self.broken.load(Ordering::SeqCst), "no chance left");
        self.seeded.next_unit()
    }
}

/// A carrier that takes everything at once.
struct Eager {
    events: Events,
}

#[async_trait]
impl Carrier for Eager {
    fn name(&self) -> &str {
        "main"
    }

    async fn ready(&self) -> usize {
        10
    }

    fn window(&self) -> usize {
        10
    }

    fn submit(&self, submission: Submission) {
        let Submission { message, attempt, token, accepted_segments, .. } = submission;
        let segments =
            vec![(1, SegmentOutcome::Accepted { carrier_id: Some(format!("{attempt}-{token}")), remark: None })];
        let answer =
            SubmissionOutcome { message, attempt, token, total: 1, accepted_before: accepted_segments, segments };
        let _ = self.events.send(CarrierEvent { carrier: "main".into(), event: Event::Outcome(answer) });
    }

    fn down_for(&self) -> Option<Duration> {
        None
    }

    fn status(&self) -> CarrierStatus {
        CarrierStatus::default()
    }

    async fn drain(&self, _: Duration) {}
}

struct World {
    pipeline: Arc<Pipeline>,
    supervisor: Supervisor,
    runtime: Arc<dyn Runtime>,
    chance: Arc<Chance>,
    caller: Caller,
    _place: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let runtime: Arc<dyn Runtime> = Arc::new(Machine::new());
        let chance = Arc::new(Chance { seeded: SeededEntropy::new(1), broken: AtomicBool::new(false) });
        let store =
            store::open(&format!("sqlite:{}", place.path().join("store.db").display()), runtime.clone()).await.unwrap();
        let node = Node::join(store.clone(), "test".to_owned(), "0", runtime.clone()).await.unwrap();
        let pepper = Pepper::new(&"pepper".repeat(6)).unwrap();
        let tenants = Arc::new(TenantBook::load(store.clone(), pepper, runtime.clone(), chance.clone()).await.unwrap());
        let account = tenants.create_account("a tenant".to_owned(), LIMITS).await.unwrap().id;
        tenants
            .create_number(Msisdn::parse("+18005550001").unwrap(), Some(account), NumberState::Active, None)
            .await
            .unwrap();
        let (events, told) = mpsc::unbounded_channel();
        let supervisor = Supervisor::new(runtime.clone());
        let route = Route {
            prefix: "+".to_owned(),
            kind: MessageType::Sms,
            carriers: vec!["main".to_owned()],
            on_unknown: Default::default(),
        };
        let parts = Parts {
            store,
            node,
            tenants: tenants.clone(),
            routes: Routes::new(vec![route]),
            carriers: vec![(Arc::new(Eager { events }), 0)],
            events: told,
            fetcher: Fetcher::new(FetchSettings::default(), Arc::new(SystemResolver), runtime.clone()).unwrap(),
            objects: Arc::new(Directory::open(place.path().join("media"), runtime.clone()).unwrap()),
            media_kept: LONG,
            parked_kept: LONG,
            screen: Arc::new(Screen::builtin()),
            screening_log: LONG,
            retention: Default::default(),
            index_after: LONG,
            limits: AdmissionLimits {
                sms_characters_max: 160,
                mms_characters_max: 160,
                recipients_max: 10,
                validity: LONG,
                idempotency: LONG,
            },
            dispatch: DispatchSettings {
                queue: QueueLimits { total: 100, per_account: 50, originator_rate: 0, account_rate: 0 },
                lease: LONG,
                attempt: LONG,
                batch: 10,
                poll: Duration::from_millis(250),
                retry: Backoff { floor: Duration::from_secs(10), ceiling: Duration::from_secs(600) },
                attempts_per_carrier: 5,
                fallback_after: LONG,
            },
            broadcasts: BroadcastSettings { lookahead: 10, batch: 10 },
            runtime: runtime.clone(),
            supervisor: supervisor.clone(),
            entropy: chance.clone(),
        };
        let pipeline = Pipeline::start(parts).await.unwrap();
        let caller = Caller {
            account,
            key: KeyId::new(&*chance),
            mode: Mode::Live,
            limits: LIMITS,
            screening: tenants.screening(account),
        };
        Self { pipeline, supervisor, runtime, chance, caller, _place: place }
    }

    /// Sends a message, and says where it stands when the carrier has answered.
    async fn send(&self) -> String {
        let request = SendRequest {
            to: Some("+12025550143".to_owned()),
            from: Some("+18005550001".to_owned()),
            body: Some("hello".into()),
            message_type: Some("SMS".to_owned()),
            ..SendRequest::default()
        };
        let sent = self
            .pipeline
            .send(&self.caller, request, Some(LONG), |_, delivery, _| format!("{:?}", delivery.status))
            .await;
        sent.unwrap().body
    }
}

#[tokio::test]
async fn a_panic_in_the_recorder_is_reported_as_the_end_of_the_process() {
    let world = World::new().await;
    assert_eq!((world.send().await, world.supervisor.failure()), (format!("{:?}", Status::Sent), None));
    world.chance.broken.store(true, Ordering::SeqCst);
    let failed = tokio::select! {
        biased;
        failed = world.runtime.timeout(LONG, world.supervisor.failed()) => failed.unwrap(),
        // The message is accepted, and its status is not recorded any more.
        status = world.send() => panic!("it is {status}"),
    };
    assert_eq!(failed, "the task `recorder` panicked: no chance left");
    let drained = world.runtime.timeout(LONG, world.pipeline.drain(Duration::from_millis(10))).await;
    assert_eq!((drained, world.supervisor.failure().is_some()), (Ok(()), true), "it can be drained all the same");
}

#[tokio::test]
async fn tasks_end_with_the_pipeline_and_that_is_no_failure() {
    let world = World::new().await;
    world.send().await;
    let drained = world.runtime.timeout(LONG, world.pipeline.drain(Duration::from_secs(1))).await;
    drop(world.pipeline);
    assert_eq!((drained, world.supervisor.failure()), (Ok(()), None));
}
