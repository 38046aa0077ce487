//! The machine that the program runs on: its disk, the process that is up, and what starts it again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use carrier::Carrier;
use carrier::sandbox::Sandbox;
use disk::Disk;
use fetch::Trust;
use fetch::media::{FetchSettings, Fetcher};
use fetch::resolve::SystemResolver;
use model::error::{ErrorCode, Refusal};
use model::key::{KeyId, Pepper};
use model::limits::RequestKind;
use model::{Delivery, Entropy, Message, MessageId, SeededEntropy, Timestamp};
use pipeline::limiter::RateLimiter;
use pipeline::route::Routes;
use pipeline::tenants::{Caller, TenantBook};
use pipeline::webhook::Vault;
use pipeline::{
    AdmissionLimits, Answered, BroadcastRequest, BroadcastSettings, InboundRules, Node, Parts, Pipeline, Retention,
    SANDBOX, SendRequest, WebhookParts, WebhookSettings,
};
use runtime::{Runtime, Supervisor};
use rustls::RootCertStore;
use screening::Screen;
use store::contract::windows::Entrance;
use store::objects::Objects;
use store::sqlite::Sqlite;
use store::{Store, StoreError};
use tokio::sync::{Notify, mpsc};

use crate::chance::Chance;
use crate::executor::{Executor, ProcessId, ProcessRuntime};
use crate::ledger::Ledger;
use crate::line::{Handle, Line};
use crate::network::Network;
use crate::plan::Plan;
use crate::servers::{Desk, Servers};
use crate::shown::Shown;

/// The machine.
pub struct Site {
    pub(crate) executor: Executor,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) networks: Vec<Arc<Network>>,
    servers: Arc<Servers>,
    plan: Plan,
    screen: Arc<Screen>,
    state: Mutex<State>,
    /// Notified when a process is up or down.
    changed: Notify,
}

struct State {
    disk: Disk,
    chance: Chance,
    process: Option<Arc<Process>>,
    /// The process that runs, from before it is up.
    running: Option<ProcessId>,
    next: u64,
    death: Option<Death>,
    is_over: bool,
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// By itself or by a signal: what it wrote is in the machine's cache.
    Killed,
    /// With the machine.
    PowerCut,
}

/// A process that is up.
pub(crate) struct Process {
    pub(crate) id: ProcessId,
    pub(crate) runtime: Arc<ProcessRuntime>,
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tenants: Arc<TenantBook>,
    limiter: RateLimiter,
}

/// A key as its client has it.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) id: KeyId,
    pub(crate) secret: String,
}

/// How long things are kept: longer than a scenario takes, so that at its rest everything is there to be compared; what
/// is removed is looked at once the clock has gone further.
pub(crate) const RULES: Retention = Retention {
    texts: Some(Duration::from_secs(5 * 86_400)),
    messages: Some(Duration::from_secs(9 * 86_400)),
    receipt_keys: Some(Duration::from_secs(7 * 86_400)),
};

/// How long a message is valid: longer than anything that happens here, however the clock is set.
pub(crate) const VALID: Duration = Duration::from_secs(48 * 3_600);

impl Site {
    pub(crate) fn new(
        plan: Plan,
        executor: Executor,
        runtime: Arc<dyn Runtime>,
        networks: Vec<Arc<Network>>,
        servers: Arc<Servers>,
        screen: Arc<Screen>,
        ledger: Arc<Ledger>,
    ) -> Arc<Self> {
        let chance = Chance::new(plan.seed, "site");
        let state = State {
            disk: Disk::new(plan.seed),
            chance,
            process: None,
            running: None,
            next: 1,
            death: None,
            is_over: false,
        };
        Arc::new(Self {
            executor,
            runtime,
            ledger,
            networks,
            servers,
            plan,
            screen,
            state: Mutex::new(state),
            changed: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process that is up.
    pub(crate) fn process(&self) -> Option<Arc<Process>> {
        self.lock().process.clone()
    }

    /// Waits until a process is up.
    pub(crate) async fn up(&self) -> Arc<Process> {
        loop {
            let changed = self.changed.notified();
            if let Some(process) = self.process() {
                return process;
            }
            changed.await;
        }
    }

    /// Uses the disk.
    pub(crate) fn with_disk<T>(&self, use_it: impl FnOnce(&Disk) -> T) -> T {
        use_it(&self.lock().disk)
    }

    /// Ends the process that runs, as soon as the present step is over. From now on its disk takes nothing from it.
    pub(crate) fn end(&self, death: Death) {
        let mut state = self.lock();
        let Some(running) = state.running else { return };
        if state.death.is_none() {
            state.death = Some(death);
            state.disk.cut_after(0);
            drop(state);
            self.executor.note(&format!("process {} ends: {death:?}", running.0));
            self.executor.doom(running);
        }
        self.changed.notify_waiters();
    }

    /// Ends this process if it is the one that runs.
    fn end_if(&self, process: ProcessId, death: Death) {
        if self.lock().running == Some(process) {
            self.end(death);
        }
    }

    /// Starts no process any more, and ends the one that runs.
    pub(crate) fn close(&self) {
        self.lock().is_over = true;
        self.end(Death::Killed);
    }

    /// Whether the process that runs is about to end.
    pub(crate) fn is_dying(&self) -> bool {
        self.lock().death.is_some()
    }

    /// Lets go of the process that was up.
    pub(crate) fn forget(&self) {
        let process = self.lock().process.take();
        drop(process);
    }

    /// Starts processes, one after another, for ever.
    pub(crate) async fn keep(self: Arc<Self>) {
        loop {
            if self.lock().is_over {
                return;
            }
            self.start().await;
            loop {
                let changed = self.changed.notified();
                if self.lock().death.is_some() {
                    break;
                }
                changed.await;
            }
            // The executor drops its tasks between this step and the next.
            self.runtime.sleep(Duration::from_millis(1)).await;
            let rest = self.bury();
            self.runtime.sleep(rest).await;
        }
    }

    /// Cleans up after a process that died.
    fn bury(&self) -> Duration {
        self.networks.iter().for_each(|network| network.disconnect());
        // What it had open is closed before its disk goes.
        self.forget();
        let rest = {
            let mut state = self.lock();
            let seed = state.chance.number();
            state.disk =
                if state.death.take() == Some(Death::PowerCut) { state.disk.crash(seed) } else { state.disk.kill() };
            let running = state.running.take();
            let now = self.executor.now();
            let mut facts = self.ledger.lock();
            facts.cuts.push((now, running));
            facts.kills += 1;
            state.chance.millis(10..3_000)
        };
        self.changed.notify_waiters();
        rest
    }

    /// Starts a process. One that cannot start ends again.
    async fn start(self: &Arc<Self>) {
        let (runtime, id, entropy) = {
            let mut state = self.lock();
            let id = ProcessId(state.next);
            state.next += 1;
            state.running = Some(id);
            let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(state.chance.number()));
            (self.executor.process(id), id, entropy)
        };
        let (site, inner) = (Arc::clone(self), Arc::clone(&runtime));
        let dynamic: Arc<dyn Runtime> = runtime;
        let booted = dynamic.run("boot", async move { site.boot(inner, entropy).await }).await;
        match booted {
            Ok(Ok(process)) => {
                self.executor.note(&format!("process {} is up", id.0));
                self.lock().process = Some(Arc::new(process));
                self.changed.notify_waiters();
            }
            Ok(Err(error)) => {
                self.executor.note(&format!("process {} cannot start: {error}", id.0));
                self.end(Death::Killed);
            }
            Err(ended) => {
                self.executor.note(&format!("process {} did not start: {ended}", id.0));
                self.end(Death::Killed);
            }
        }
    }

    async fn boot(
        self: Arc<Self>,
        runtime: Arc<ProcessRuntime>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Process, StoreError> {
        let (id, dynamic): (_, Arc<dyn Runtime>) = (runtime.id(), runtime.clone());
        let (vfs, rewrite) = self.with_disk(|disk| (disk.name().to_owned(), disk.rewriter()));
        let store: Arc<dyn Store> =
            Arc::new(Sqlite::open_on(&vfs, "smsfactory.db".into(), rewrite, Arc::clone(&dynamic)).await?);
        let failing = (Arc::clone(&store), Arc::clone(&self));
        // As the program does: it ends when its store has failed.
        dynamic.spawn(
            "end-with-store",
            Box::pin(async move {
                let error = failing.0.failed().await;
                failing.1.executor.note(&format!("the store has failed: {error}"));
                failing.1.end_if(id, Death::Killed);
            }),
        );
        let pepper = Pepper::new(&"pepper".repeat(6)).ok_or(StoreError::NotFound)?;
        let tenants =
            Arc::new(TenantBook::load(Arc::clone(&store), pepper, dynamic.clone(), Arc::clone(&entropy)).await?);
        let (sender, events) = mpsc::unbounded_channel();
        let sandbox: Arc<dyn Carrier> = Arc::new(Sandbox::new(SANDBOX, sender.clone(), Arc::clone(&dynamic)));
        let mut carriers = vec![(sandbox, 0)];
        for network in &self.networks {
            let line: Arc<dyn Carrier> = Arc::new(Handle(Line::new(Arc::clone(network), id, sender.clone())));
            carriers.push((line, network.plan.originator_rate));
        }
        let supervisor = Supervisor::new(Arc::clone(&dynamic));
        let node = Node::join(Arc::clone(&store), "sim".to_owned(), "sim", dynamic.clone()).await?;
        let (renewed, renews) = (Arc::clone(&node), Arc::clone(&dynamic));
        // It goes on while the pipeline drains, and dies with the process.
        supervisor.start("node", async move { renewed.keep(renews).await });
        // No certificates are looked for: nothing is fetched.
        let settings = FetchSettings { trust: Trust::Only(RootCertStore::empty()), ..FetchSettings::default() };
        let fetcher = Fetcher::new(settings, Arc::new(SystemResolver), Arc::clone(&dynamic))
            .map_err(|error| StoreError::Refused(error.to_string()))?;
        let webhooks = self.webhooks(id, &store)?;
        let parts = Parts {
            store: Arc::clone(&store),
            node,
            webhooks,
            tenants: Arc::clone(&tenants),
            routes: Routes::new(self.plan.routes.clone()),
            carriers,
            events,
            fetcher,
            objects: Arc::new(NoObjects),
            media_kept: Duration::from_secs(3_600),
            parked_kept: Duration::from_secs(86_400),
            screen: Arc::clone(&self.screen),
            screening_log: Duration::from_secs(86_400),
            audit_log: Duration::from_secs(86_400),
            retention: RULES,
            inbound: InboundRules { parts_wait: self.plan.handsets.parts_wait, ..InboundRules::default() },
            index_after: Duration::from_secs(20),
            limits: limits(),
            dispatch: self.plan.dispatch,
            broadcasts: BroadcastSettings { lookahead: self.plan.lookahead, batch: self.plan.expansion },
            runtime: Arc::clone(&dynamic),
            supervisor: supervisor.clone(),
            entropy,
        };
        let pipeline = Pipeline::start(parts).await?;
        let watched = Arc::clone(&self);
        dynamic.spawn(
            "supervise",
            Box::pin(async move {
                let why = supervisor.failed().await;
                watched.ledger.violated(format!("a long task ended: {why}"));
                watched.end_if(id, Death::Killed);
            }),
        );
        let limiter = RateLimiter::new(Arc::clone(&store), Entrance::Public, 10);
        Ok(Process { id, runtime, pipeline, store, tenants, limiter })
    }

    /// Events go to the endpoints' simulated servers.
    fn webhooks(&self, id: ProcessId, store: &Arc<dyn Store>) -> Result<WebhookParts, StoreError> {
        Ok(WebhookParts {
            poster: Arc::new(Desk { servers: Arc::clone(&self.servers), process: id }),
            vault: Vault::new(&[7; 32]).ok_or(StoreError::NotFound)?,
            render: Arc::new(Shown(Arc::clone(store))),
            settings: WebhookSettings { requests_max: 64, keep: Duration::from_secs(7 * 86_400) },
        })
    }
}

/// What the program lets clients send.
fn limits() -> AdmissionLimits {
    AdmissionLimits {
        sms_characters_max: 1_600,
        mms_characters_max: 1_600,
        recipients_max: 1_000,
        validity: VALID,
        idempotency: Duration::from_secs(86_400),
        sender_kinds: model::SenderKind::ALL.into_iter().collect(),
    }
}

/// What a client gets of the program.
impl Process {
    async fn admit(&self, credentials: &Credentials, kind: RequestKind) -> Result<Caller, Refusal> {
        let now = model::Clock::now(&*self.runtime);
        let caller = self
            .tenants
            .authenticate(credentials.id.as_str(), &credentials.secret, now)
            .ok_or(ErrorCode::AuthenticationFailed)?;
        self.limiter.take(caller.owner(), kind, &caller.limits, now).await.map_err(|(_, refusal)| refusal)?;
        Ok(caller)
    }

    pub(crate) async fn send(
        &self,
        credentials: &Credentials,
        request: SendRequest,
        wait: Option<Duration>,
    ) -> Result<Answered<MessageId>, Refusal> {
        let caller = self.admit(credentials, RequestKind::Message).await?;
        self.pipeline.send(&caller, request, wait, |message, delivery, _| written(message, delivery)).await
    }

    pub(crate) async fn broadcast(
        &self,
        credentials: &Credentials,
        request: BroadcastRequest,
        wait: Option<Duration>,
    ) -> Result<Answered<model::BroadcastId>, Refusal> {
        let caller = self.admit(credentials, RequestKind::Broadcast).await?;
        self.pipeline
            .broadcast(&caller, request, wait, |broadcast, status, _| {
                let text = broadcast.body.as_deref().unwrap_or("no text");
                format!("{} {} {text}", broadcast.id, status.as_str())
            })
            .await
    }
}

fn written(message: &Message, delivery: &Delivery) -> String {
    let at = |at: Option<Timestamp>| at.map_or(0, Timestamp::as_millis);
    let (status, text) = (delivery.status.as_str(), message.body.as_deref().unwrap_or("no text"));
    format!("{} {} {status} {} {text}", message.id, message.recipient, at(delivery.sent_at))
}

/// No media: fetching them needs a network of sockets, which the simulation has not.
struct NoObjects;

#[async_trait]
impl Objects for NoObjects {
    async fn put(&self, _: &str, _: Bytes) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    async fn get(&self, _: &str) -> std::io::Result<Bytes> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    async fn remove(&self, _: &str) -> std::io::Result<()> {
        Ok(())
    }

    async fn names(&self) -> std::io::Result<Vec<String>> {
        Ok(Vec::new())
    }
}
