//! A whole pipeline on a real store, with carriers that take everything at once or are down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use carrier::{Carrier, CarrierEvent, CarrierStatus, Event, Events, SegmentOutcome, Submission, SubmissionOutcome};
use fetch::media::{FetchSettings, Fetcher};
use fetch::resolve::SystemResolver;
use model::backoff::Backoff;
use model::key::KeyId;
use model::message::MessageType;
use model::number::NumberState;
use model::{CarrierName, Entropy, Mode, Originator, SeededEntropy, SenderKinds};
use pipeline::route::{Route, Routes};
use pipeline::tenants::{Caller, TenantBook};
use pipeline::{
    AdmissionLimits, BroadcastSettings, DispatchSettings, Node, Parts, Pipeline, QueueLimits, SendRequest,
    WebhookParts, WriteMessage,
};
use runtime::{Machine, Runtime, Supervisor};
use screening::Screen;
use store::objects::Directory;
use testkit::{LIMITS, Place, pepper};
use tokio::sync::mpsc;

/// Long enough for anything on the slowest machine; what hangs is a failure then.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Chance, until it is broken: then it panics, as a mistake in it would.
pub(crate) struct Chance {
    seeded: SeededEntropy,
    pub(crate) broken: AtomicBool,
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

/// A carrier that takes everything at once, or has been down for as long as a test says.
struct Eager {
    name: &'static str,
    down_for: Option<Duration>,
    events: Events,
}

#[async_trait]
impl Carrier for Eager {
    fn name(&self) -> &str {
        self.name
    }

    async fn ready(&self) -> usize {
        match self.down_for {
            Some(_) => std::future::pending().await,
            None => 10,
        }
    }

    fn window(&self) -> usize {
        10
    }

    fn answers_within(&self) -> Duration {
        Duration::ZERO
    }

    fn submit(&self, submission: Submission) {
        let Submission { message, attempt, token, accepted_segments, .. } = submission;
        let segments =
            vec![(1, SegmentOutcome::Accepted { carrier_id: Some(format!("{attempt}-{token}")), remark: None })];
        let answer =
            SubmissionOutcome { message, attempt, token, total: 1, accepted_before: accepted_segments, segments };
        let _ = self.events.send(CarrierEvent { carrier: self.name.into(), event: Event::Outcome(answer) });
    }

    fn down_for(&self) -> Option<Duration> {
        self.down_for
    }

    fn status(&self) -> CarrierStatus {
        CarrierStatus::default()
    }

    async fn drain(&self, _: Duration) {}
}

/// How messages are dispatched.
const fn dispatch() -> DispatchSettings {
    DispatchSettings {
        queue: QueueLimits { total: 100, per_account: 50, originator_rate: 0, account_rate: 0 },
        lease: LONG,
        batch: 10,
        poll: Duration::from_millis(250),
        retry: Backoff { floor: Duration::from_secs(10), ceiling: Duration::from_secs(600) },
        attempts_per_carrier: 5,
        fallback_after: LONG,
    }
}

pub(crate) struct World {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) supervisor: Supervisor,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) chance: Arc<Chance>,
    caller: Caller,
    _place: Place,
}

impl World {
    /// A pipeline with one carrier.
    pub(crate) async fn new() -> Self {
        Self::with(&[("main", None)]).await
    }

    /// A pipeline whose one route has these carriers, each with how long it has been down.
    pub(crate) async fn with(carriers: &[(&'static str, Option<Duration>)]) -> Self {
        let place = Place::new();
        let runtime: Arc<dyn Runtime> = Arc::new(Machine::new());
        let chance = Arc::new(Chance { seeded: SeededEntropy::new(1), broken: AtomicBool::new(false) });
        let store = place.open_on(runtime.clone()).await;
        let node = Node::join(store.clone(), "test".to_owned(), "0", runtime.clone()).await.unwrap();
        let tenants =
            Arc::new(TenantBook::load(store.clone(), pepper(), runtime.clone(), chance.clone()).await.unwrap());
        let account = tenants.create_account("a tenant".to_owned(), LIMITS).await.unwrap().id;
        tenants
            .create_number(Originator::parse("+18005550001").unwrap(), Some(account), NumberState::Active, None)
            .await
            .unwrap();
        let (events, told) = mpsc::unbounded_channel();
        let supervisor = Supervisor::new(runtime.clone());
        let route = Route {
            prefix: "+".to_owned(),
            kind: MessageType::Sms,
            carriers: carriers.iter().map(|(name, _)| CarrierName::from(*name)).collect(),
            on_unknown: Default::default(),
        };
        let carrier = |(name, down_for): &(&'static str, Option<Duration>)| {
            let carrier: Arc<dyn Carrier> = Arc::new(Eager { name, down_for: *down_for, events: events.clone() });
            (carrier, 0)
        };
        let parts = Parts {
            webhooks: WebhookParts::mute(Arc::new(SystemResolver), runtime.clone()).unwrap(),
            store,
            node,
            tenants: tenants.clone(),
            routes: Routes::new(vec![route]),
            carriers: carriers.iter().map(carrier).collect(),
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
                sender_kinds: SenderKinds::NUMBERS,
            },
            dispatch: dispatch(),
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
    pub(crate) async fn send(&self) -> String {
        self.send_with(|_, delivery, _| format!("{:?}", delivery.status)).await
    }

    /// Sends a message, and says what `write` makes of it when the carrier has answered.
    pub(crate) async fn send_with(&self, write: WriteMessage) -> String {
        let request = SendRequest {
            to: Some("+12025550143".to_owned()),
            from: Some("+18005550001".to_owned()),
            body: Some("hello".into()),
            message_type: Some("SMS".to_owned()),
            ..SendRequest::default()
        };
        self.pipeline.send(&self.caller, request, Some(LONG), write).await.unwrap().body
    }
}
