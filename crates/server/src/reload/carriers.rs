//! Carriers that may be changed, removed and put back while the server runs.
//!
//! The pipeline has one [`Replaceable`] for each name, for as long as it lives. What stands behind the name changes:
//! the old connection takes nothing more, has its time to be answered, and ends; then the new one begins. So an SMSC
//! never sees two binds where one is allowed, and a port of ours is free before it is opened again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use carrier::{
    Carrier, CarrierConfig, CarrierEvent, CarrierStatus, Event, Events, Insight, SegmentOutcome, Submission,
    SubmissionOutcome,
};
use model::Entropy;
use pipeline::Node;
use runtime::Supervisor;
use store::Store;
use tokio::sync::watch;

use crate::start_error::StartError;

/// What carriers are started with.
pub struct Starter {
    /// Where their events go.
    pub events: Events,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// What watches their tasks.
    pub supervisor: Supervisor,
    /// The place of messages.
    pub store: Arc<dyn Store>,
    /// This process among those that have the store.
    pub node: Arc<Node>,
}

impl Starter {
    /// Starts a carrier.
    ///
    /// # Errors
    /// As [`carrier::start`].
    pub fn start(&self, config: CarrierConfig) -> Result<Arc<dyn Carrier>, StartError> {
        self.start_with(config, Arc::default())
    }

    fn start_with(&self, config: CarrierConfig, insight: Arc<Insight>) -> Result<Arc<dyn Carrier>, StartError> {
        carrier::start_with(config, self.events.clone(), Arc::clone(&self.entropy), &self.supervisor, insight)
            .map_err(|error| StartError(error.to_string()))
    }
}

/// A carrier by name, with whatever stands behind it now.
pub struct Replaceable {
    this: Weak<Self>,
    name: String,
    starter: Arc<Starter>,
    /// What the operator looks into, whatever stands behind the name.
    insight: Arc<Insight>,
    current: watch::Sender<Option<Arc<dyn Carrier>>>,
    /// The one that takes nothing more and is being waited for.
    retiring: Mutex<Option<Arc<dyn Carrier>>>,
    /// The settings of what stands behind it.
    settings: Mutex<Option<CarrierConfig>>,
    /// Whether this process has the carrier, and the settings that it is to have here.
    presence: Mutex<Presence>,
    /// How it is doing while nothing stands behind it.
    idle: Mutex<Idle>,
    /// Its last change could not be made.
    has_failed: AtomicBool,
    /// What is to stand behind it next, unless that was carried out.
    wanted: Mutex<Option<Change>>,
    /// One change at a time.
    turn: tokio::sync::Mutex<()>,
    is_ending: AtomicBool,
}

/// Whether this process has a carrier.
struct Presence {
    is_here: bool,
    /// An operator has stopped it.
    is_stopped: bool,
    config: Option<CarrierConfig>,
}

impl Presence {
    /// The settings of what is to stand behind the name now, if anything is.
    fn wanted(&self) -> Option<CarrierConfig> {
        self.config.clone().filter(|_| self.is_here && !self.is_stopped)
    }

    /// The state of a carrier behind which nothing stands.
    const fn idle_state(&self) -> &'static str {
        match self {
            Self { config: None, .. } => REMOVED,
            Self { is_stopped: true, .. } => STOPPED,
            Self { is_here: false, .. } => ELSEWHERE,
            _ => "closed",
        }
    }
}

/// A change of what stands behind a name.
struct Change {
    /// The settings of what shall stand behind it; none where the carrier is removed.
    to: Option<CarrierConfig>,
    /// How long the old one may take to be answered.
    limit: Duration,
}

/// How a carrier is doing while nothing stands behind its name.
#[derive(Default)]
struct Idle {
    status: CarrierStatus,
    /// Since when something should stand behind it that cannot be started.
    down_since: Option<Instant>,
}

/// How long a port may stay taken by the connections of the carrier that had it before.
const PORT_WAIT: Duration = Duration::from_secs(3);

/// Between two tries to open a port.
const PORT_LOOK: Duration = Duration::from_millis(50);

/// The state of a carrier that was removed from the configuration.
pub const REMOVED: &str = "removed";

/// The state of a carrier that another node has.
pub const ELSEWHERE: &str = "elsewhere";

/// The state of a carrier that an operator has stopped.
pub const STOPPED: &str = "stopped";

impl Replaceable {
    /// Starts a carrier that may be replaced. Where several nodes share the store, it is elsewhere until it comes here.
    /// Nothing stands behind one that an operator has stopped.
    ///
    /// # Errors
    /// As [`Starter::start`].
    pub fn start(config: CarrierConfig, starter: &Arc<Starter>, is_stopped: bool) -> Result<Arc<Self>, StartError> {
        let name = config.name().to_owned();
        let presence = Presence { is_here: !starter.store.is_shared(), is_stopped, config: Some(config) };
        let (insight, wanted) = (Arc::<Insight>::default(), presence.wanted());
        let begun = wanted.clone().map(|config| starter.start_with(config, Arc::clone(&insight))).transpose()?;
        let status = CarrierStatus { state: presence.idle_state(), ..CarrierStatus::default() };
        Ok(Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            name,
            starter: Arc::clone(starter),
            insight,
            current: watch::Sender::new(begun),
            retiring: Mutex::default(),
            settings: Mutex::new(wanted),
            presence: Mutex::new(presence),
            idle: Mutex::new(Idle { status, down_since: None }),
            has_failed: AtomicBool::new(false),
            wanted: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            is_ending: AtomicBool::new(false),
        }))
    }

    /// Puts another carrier behind the name, or none, once what the old one has under way is answered, or `limit` is
    /// over. Returns at once. Of two changes that come soon after each other the first may be left out.
    ///
    /// A carrier that another node has gets its new settings when it comes here, and one that is stopped when it is
    /// started.
    pub fn change(&self, to: Option<CarrierConfig>, limit: Duration) {
        self.alter(limit, |presence| presence.config = to);
    }

    /// Alters what should be so, and begins the change that follows from it.
    fn alter(&self, limit: Duration, alter: impl FnOnce(&mut Presence)) {
        let (had, wanted, state) = {
            let mut presence = lock(&self.presence);
            let had = presence.wanted().is_some();
            alter(&mut presence);
            (had, presence.wanted(), presence.idle_state())
        };
        if had || wanted.is_some() {
            self.begin(Change { to: wanted, limit });
        } else {
            self.rest_as(state, None);
        }
    }

    fn begin(&self, change: Change) {
        *lock(&self.wanted) = Some(change);
        let Some(this) = self.this.upgrade() else { return };
        self.starter.supervisor.watch("change of a carrier", async move { this.take_turn().await });
    }

    async fn take_turn(&self) {
        let _turn = self.turn.lock().await;
        let change = lock(&self.wanted).take();
        if let Some(change) = change {
            self.carry_out(change).await;
        }
    }

    /// Whether its last change could not be made, so that it is worth another try.
    pub fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::SeqCst)
    }

    async fn carry_out(&self, change: Change) {
        let name = &self.name;
        self.has_failed.store(false, Ordering::SeqCst);
        let state = lock(&self.presence).idle_state();
        self.rest_as(state, None);
        if let Some(old) = self.current.send_replace(None) {
            *lock(&self.retiring) = Some(Arc::clone(&old));
            old.drain(change.limit).await;
            *lock(&self.retiring) = None;
        }
        let before = lock(&self.settings).take();
        let Some(to) = change.to else { return self.say(state) };
        match self.stand(to).await {
            Ok(()) => tracing::info!(carrier.name = name, "Carrier {name} has its new settings"),
            Err(error) => {
                self.has_failed.store(true, Ordering::SeqCst);
                tracing::error!(carrier.name = name, %error, "Carrier {name} could not start with its new settings: \
                    {error}");
                let back = match before {
                    Some(before) => self.stand(before).await,
                    None => Err(error),
                };
                match back {
                    Ok(()) => tracing::warn!(carrier.name = name, "Carrier {name} keeps its old settings"),
                    Err(error) => self.rest_as("down", Some(error.to_string())),
                }
            }
        }
    }

    /// Says in the log that nothing stands behind the name any more, where an operator wanted that.
    fn say(&self, state: &str) {
        let name = &self.name;
        match state {
            REMOVED => tracing::info!(
                carrier.name = name,
                "Carrier {name} was removed: it is closed, and messages that wait for it do so until it is back or \
                 abandoned"
            ),
            STOPPED => tracing::info!(
                carrier.name = name,
                "Carrier {name} was stopped: messages go to other carriers of their routes, or wait until it is started"
            ),
            _ => {}
        }
    }

    /// Starts a carrier behind the name, unless the process ends.
    async fn stand(&self, settings: CarrierConfig) -> Result<(), StartError> {
        let runtime = self.starter.supervisor.runtime();
        let deadline = runtime.instant() + if settings.listen().is_some() { PORT_WAIT } else { Duration::ZERO };
        while !self.is_ending.load(Ordering::SeqCst) {
            match self.starter.start_with(settings.clone(), Arc::clone(&self.insight)) {
                Ok(carrier) => {
                    self.current.send_replace(Some(carrier));
                    *lock(&self.settings) = Some(settings);
                    return Ok(());
                }
                Err(_) if runtime.instant() < deadline => runtime.sleep(PORT_LOOK).await,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Nothing stands behind the name, for this reason where something should.
    fn rest_as(&self, state: &'static str, last_error: Option<String>) {
        let down_since = last_error.as_ref().map(|_| self.starter.supervisor.runtime().instant());
        *lock(&self.idle) =
            Idle { status: CarrierStatus { state, last_error, ..CarrierStatus::default() }, down_since };
    }

    fn behind(&self) -> Option<Arc<dyn Carrier>> {
        self.current.borrow().clone()
    }
}

#[async_trait]
impl Carrier for Replaceable {
    fn name(&self) -> &str {
        &self.name
    }

    async fn ready(&self) -> usize {
        let mut current = self.current.subscribe();
        loop {
            let behind = current.borrow_and_update().clone();
            let ready = async {
                match &behind {
                    Some(carrier) => carrier.ready().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                // The sender is ours.
                _ = current.changed() => {}
                room = ready => return room,
            }
        }
    }

    fn window(&self) -> usize {
        self.behind().map_or(1, |carrier| carrier.window())
    }

    fn answers_within(&self) -> Duration {
        self.behind().map_or(Duration::ZERO, |carrier| carrier.answers_within())
    }

    fn submit(&self, submission: Submission) {
        match self.behind() {
            Some(carrier) => carrier.submit(submission),
            // Changed since it was ready.
            None => {
                let event =
                    CarrierEvent { carrier: self.name.as_str().into(), event: Event::Outcome(not_sent(submission)) };
                // Without a recorder nothing is recorded any more.
                drop(self.starter.events.send(event));
            }
        }
    }

    fn down_for(&self) -> Option<Duration> {
        if lock(&self.presence).is_stopped {
            // No request waits for it to come back by itself.
            return Some(Duration::MAX);
        }
        match self.behind() {
            Some(carrier) => carrier.down_for(),
            None => lock(&self.idle).down_since.map(|since| self.starter.supervisor.runtime().instant() - since),
        }
    }

    fn stand(&self) {
        self.alter(Duration::ZERO, |presence| presence.is_here = true);
    }

    fn set_stopped(&self, is_stopped: bool, limit: Duration) {
        if lock(&self.presence).is_stopped != is_stopped {
            self.alter(limit, |presence| presence.is_stopped = is_stopped);
        }
    }

    fn insight(&self) -> Option<Arc<Insight>> {
        Some(Arc::clone(&self.insight))
    }

    async fn rest(&self, limit: Duration) {
        lock(&self.presence).is_here = false;
        *lock(&self.wanted) = Some(Change { to: None, limit });
        self.take_turn().await;
    }

    fn status(&self) -> CarrierStatus {
        let carrier = self.behind().or_else(|| lock(&self.retiring).clone());
        carrier.map_or_else(|| lock(&self.idle).status.clone(), |carrier| carrier.status())
    }

    fn receipt_wait(&self) -> Option<Duration> {
        let carrier = self.behind().or_else(|| lock(&self.retiring).clone());
        carrier.map_or(Some(Duration::from_secs(carrier::RECEIPT_WAIT_HOURS * 3_600)), |carrier| carrier.receipt_wait())
    }

    async fn drain(&self, limit: Duration) {
        self.is_ending.store(true, Ordering::SeqCst);
        let retiring = lock(&self.retiring).clone();
        let drain = |carrier: Option<Arc<dyn Carrier>>| async move {
            if let Some(carrier) = carrier {
                carrier.drain(limit).await;
            }
        };
        tokio::join!(drain(self.behind()), drain(retiring));
    }
}

/// Nothing of it left.
fn not_sent(submission: Submission) -> SubmissionOutcome {
    let Submission { message, attempt, token, accepted_segments, .. } = submission;
    let total = message.segments.max(1);
    let lacking = (1..=total).filter(|number| accepted_segments >> (number - 1) & 1 == 0);
    let segments = lacking.map(|number| (number, SegmentOutcome::NotSent)).collect();
    SubmissionOutcome { message, attempt, token, total, accepted_before: accepted_segments, segments }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
