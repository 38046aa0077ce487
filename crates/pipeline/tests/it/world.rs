//! A whole pipeline on a real store, with carriers that take everything at once or are down.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use carrier::{Carrier, CarrierEvent, CarrierStatus, Event, Events, SegmentOutcome, Submission, SubmissionOutcome};
use fetch::media::{FetchSettings, Fetcher};
use fetch::resolve::SystemResolver;
use model::backoff::Backoff;
use model::key::KeyId;
use model::message::MessageType;
use model::number::NumberState;
use model::{
    AccountId, BroadcastId, CarrierName, Entropy, Message, Mode, Originator, Owner, Refusal, SeededEntropy, SenderKinds,
};
use pipeline::route::{Route, Routes};
use pipeline::tenants::{Caller, TenantBook};
use pipeline::{
    AdmissionLimits, BroadcastRequest, BroadcastSettings, DispatchSettings, Node, Parts, Pipeline, QueueLimits,
    RecipientList, SendRequest, WebhookParts, WriteMessage,
};
use runtime::{Machine, Runtime, Supervisor};
use screening::Screen;
use store::objects::{Directory, Objects};
use testkit::{LIMITS, Place, pepper};
use tokio::sync::{Notify, mpsc};

/// Long enough for anything on the slowest machine; what hangs is a failure then.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Loaded once for all pipelines: its network is unfolded at each load.
static SCREEN: LazyLock<Arc<Screen>> = LazyLock::new(|| Arc::new(Screen::builtin()));

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
    sent: Arc<Sent>,
}

/// What the carriers of a pipeline got.
#[derive(Default)]
struct Sent {
    messages: Mutex<Vec<Arc<Message>>>,
    news: Notify,
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
        self.sent.messages.lock().unwrap().push(message.clone());
        self.sent.news.notify_one();
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
    events: Events,
    sent: Arc<Sent>,
    objects: Arc<dyn Objects>,
    _place: Place,
}

impl World {
    /// A pipeline with one carrier.
    pub(crate) async fn new() -> Self {
        Self::with(&[("main", None)]).await
    }

    /// The same, with another number.
    pub(crate) async fn with_number(number: &str) -> Self {
        Self::of(&[("main", None)], number).await
    }

    /// A pipeline whose one route has these carriers, each with how long it has been down.
    pub(crate) async fn with(carriers: &[(&'static str, Option<Duration>)]) -> Self {
        Self::of(carriers, "+18005550001").await
    }

    async fn of(carriers: &[(&'static str, Option<Duration>)], number: &str) -> Self {
        let place = Place::new();
        let runtime: Arc<dyn Runtime> = Arc::new(Machine::new());
        let chance = Arc::new(Chance { seeded: SeededEntropy::new(1), broken: AtomicBool::new(false) });
        let store = place.open_on(runtime.clone()).await;
        let node = Node::join(store.clone(), "test".to_owned(), "0", runtime.clone()).await.unwrap();
        let tenants =
            Arc::new(TenantBook::load(store.clone(), pepper(), runtime.clone(), chance.clone()).await.unwrap());
        let account = tenants.create_account("a tenant".to_owned(), LIMITS).await.unwrap().id;
        tenants
            .create_number(Originator::parse(number).unwrap(), Some(account), NumberState::Active, None)
            .await
            .unwrap();
        let (events, told) = mpsc::unbounded_channel();
        let sent = Arc::new(Sent::default());
        let objects: Arc<dyn Objects> = Arc::new(Directory::open(place.path().join("media"), runtime.clone()).unwrap());
        let supervisor = Supervisor::new(runtime.clone());
        let route = Route {
            prefix: "+".to_owned(),
            kind: MessageType::Sms,
            carriers: carriers.iter().map(|(name, _)| CarrierName::from(*name)).collect(),
            on_unknown: Default::default(),
        };
        let carrier = |(name, down_for): &(&'static str, Option<Duration>)| {
            let carrier: Arc<dyn Carrier> =
                Arc::new(Eager { name, down_for: *down_for, events: events.clone(), sent: sent.clone() });
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
            objects: objects.clone(),
            media_kept: LONG,
            parked_kept: LONG,
            screen: Arc::clone(&SCREEN),
            screening_log: LONG,
            audit_log: LONG,
            retention: Default::default(),
            inbound: Default::default(),
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
        Self { pipeline, supervisor, runtime, chance, caller, events, sent, objects, _place: place }
    }

    /// Sends a message, and says where it stands when the carrier has answered.
    pub(crate) async fn send(&self) -> String {
        self.send_with(|_, delivery, _| format!("{:?}", delivery.status)).await
    }

    /// Sends a message, and says what `write` makes of it when the carrier has answered.
    pub(crate) async fn send_with(&self, write: WriteMessage) -> String {
        self.pipeline.send(&self.caller, request(), Some(LONG), write).await.unwrap().body
    }

    /// Sends a message that is refused, and says why.
    pub(crate) async fn refusal(&self) -> Refusal {
        self.pipeline.send(&self.caller, request(), None, |_, _, _| String::new()).await.unwrap_err()
    }

    /// Accepts a broadcast to these recipients.
    pub(crate) async fn broadcast(&self, recipients: &[&str]) -> BroadcastId {
        let mut list = RecipientList::default();
        recipients.iter().for_each(|recipient| list.push(recipient));
        let request = BroadcastRequest {
            recipients: Some(list),
            from: Some("+18005550001".to_owned()),
            body: Some("hello".into()),
            ..BroadcastRequest::default()
        };
        self.pipeline.broadcast(&self.caller, request, None, |_, _, _| String::new()).await.unwrap().id
    }

    /// Lets a carrier report something.
    pub(crate) fn bring(&self, event: CarrierEvent) {
        self.events.send(event).unwrap();
    }

    /// The message that the carriers got in this place, from 1, as soon as they have it.
    pub(crate) async fn sent(&self, place: usize) -> Arc<Message> {
        let wait = async {
            loop {
                if let Some(message) = self.sent.messages.lock().unwrap().get(place - 1).cloned() {
                    return message;
                }
                self.sent.news.notified().await;
            }
        };
        self.runtime.timeout(LONG, wait).await.expect("it is sent")
    }

    /// The account.
    pub(crate) const fn account(&self) -> AccountId {
        self.caller.account
    }

    /// The account's live world.
    pub(crate) const fn owner(&self) -> Owner {
        self.caller.owner()
    }

    /// The bytes of an object.
    pub(crate) async fn object(&self, name: &str) -> Vec<u8> {
        self.objects.get(name).await.unwrap().to_vec()
    }
}

/// A request for a message.
fn request() -> SendRequest {
    SendRequest {
        to: Some("+12025550143".to_owned()),
        from: Some("+18005550001".to_owned()),
        body: Some("hello".into()),
        message_type: Some("SMS".to_owned()),
        ..SendRequest::default()
    }
}
