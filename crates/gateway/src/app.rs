//! Putting the parts together: a configuration in, a running platform out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use carrier::config::SandboxConfig;
use carrier::{Carrier, CarrierConfig};
use model::backoff::Backoff;
use model::key::Pepper;
use model::{Clock, Entropy};
use net::Patience;
use pipeline::fetch::Fetcher;
use pipeline::fetch::resolve::SystemResolver;
use pipeline::limiter::RateLimiter;
use pipeline::tenants::TenantBook;
use pipeline::{AdmissionLimits, BroadcastSettings, DispatchSettings, Node, OVER, Parts, Pipeline, QueueLimits, SANDBOX};
use runtime::{Machine, Runtime, Supervisor, Task};
use store::objects::{Directory, Objects};
use store::{Store, StoreError};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::admin::{self, Admin, Metrics, Throughput};
use crate::api::{self, Api};
use crate::config::Config;
use crate::files::{self, Budget};
use crate::http::body::BodyLimits;
use crate::http::envelope::Envelope;
use crate::http::gate::Gate;
use crate::http::log::Lines;
use crate::http::serve::{Bounds, Door, serve};
use crate::http::tls;
use crate::sessions;

/// A running platform.
pub struct App {
    /// Where clients are served.
    pub api_address: SocketAddr,
    /// Where the operator is served.
    pub admin_address: SocketAddr,
    pipeline: Arc<Pipeline>,
    api: Arc<Api>,
    end: watch::Sender<bool>,
    public: JoinHandle<()>,
    operators: JoinHandle<()>,
    measuring: JoinHandle<()>,
    telling: JoinHandle<()>,
    drain: Duration,
    supervisor: Supervisor,
    renewing: Task,
}

/// Why a platform does not start: sentences for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

impl App {
    /// Starts everything on the current runtime.
    ///
    /// # Errors
    /// A sentence for the operator: an address that cannot be listened on, a store that cannot be used, a carrier's mistake.
    pub async fn start(config: Config, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self, StartError> {
        let prepared = Prepared::of(&config).await?;
        let store = open(&config.store.url).await?;
        Self::run(prepared, store, config, clock, entropy).await
    }

    /// The same, on a store that is open already.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_on(store: Arc<dyn Store>, config: Config, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self, StartError> {
        Self::run(Prepared::of(&config).await?, store, config, clock, entropy).await
    }

    async fn run(prepared: Prepared, store: Arc<dyn Store>, config: Config, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self, StartError> {
        let (api_address, admin_address) = (address(&prepared.public)?, address(&prepared.operators)?);
        let lines = Arc::new(Lines::new(config.log.lines_per_second));
        let metrics = Metrics::default();
        store.observe_commits(metrics.observer());
        store.keep_within(config.store_bounds());
        let told = |error: StoreError| StartError(error.to_string());
        let node = Node::join(Arc::clone(&store), sessions::node_name(), sessions::BUILD, Arc::clone(&clock)).await.map_err(told)?;
        // Renewed from the beginning: starting may take long.
        let runtime: Arc<dyn Runtime> = Arc::new(Machine::new());
        let supervisor = Supervisor::new(Arc::clone(&runtime));
        let renewed = Arc::clone(&node);
        let renewing = supervisor.start("node", async move { renewed.keep(runtime).await });
        let pipeline = start_pipeline(&config, store, node, prepared.objects, prepared.pepper, Arc::clone(&clock), entropy).await?;
        let envelope = Envelope::new(&config.api.docs_base_url);
        let body_limits = BodyLimits { bytes_max: config.api.body_bytes_max, timeout: Duration::from_secs(config.api.body_timeout_secs) };
        let api = Arc::new(Api {
            pipeline: Arc::clone(&pipeline),
            limiter: RateLimiter::new(config.limits.failed_auth_per_minute),
            envelope: envelope.clone(),
            body_limits,
            broadcast_body_limits: BodyLimits { bytes_max: config.api.broadcast_body_bytes_max, ..body_limits },
            reading: Semaphore::new(api::READERS),
            trusted_proxies: config.api.trusted_proxies.clone(),
            log_requests: config.log.requests,
            lines: Arc::clone(&lines),
            gate: Gate::default(),
            metrics: metrics.http.clone(),
            clock: Arc::clone(&clock),
        });
        let admin = Arc::new(Admin {
            pipeline: Arc::clone(&pipeline),
            envelope,
            body_limits,
            new_account: config.limits.of_new_accounts(),
            token: prepared.token,
            limiter: RateLimiter::new(config.limits.failed_auth_per_minute),
            trusted_proxies: config.api.trusted_proxies.clone(),
            lines: Arc::clone(&lines),
            metrics: metrics.clone(),
            throughput: Throughput::default(),
            clock: Arc::clone(&clock),
        });
        let runtime: Arc<dyn Runtime> = Arc::new(Machine::with_clock(clock));
        let door = |name, listener, tls, router, unreadable, bounds| Door {
            runtime: Arc::clone(&runtime),
            name,
            listener,
            tls,
            router,
            unreadable,
            bounds,
            metrics: metrics.http.clone(),
            lines: Arc::clone(&lines),
        };
        let bounds_of_clients = bounds(&config, prepared.clients, config.api.connections_per_address);
        let public = door("api", prepared.public, prepared.tls, api::router(Arc::clone(&api)), api::unreadable(&api), bounds_of_clients);
        let bounds_of_operators = bounds(&config, config.admin.connections_max, config.admin.connections_max / 2);
        let operators = door("admin", prepared.operators, None, admin::router(Arc::clone(&admin)), admin::unreadable(&admin), bounds_of_operators);
        let (end, ended) = watch::channel(false);
        // Both are open to the end: clients hear that the process drains, and the operator sees it.
        let (public, operators) = (tokio::spawn(serve(public, ended.clone())), tokio::spawn(serve(operators, ended)));
        let measured = Arc::clone(&pipeline);
        let measuring = tokio::spawn(async move { admin.throughput.measure(&measured).await });
        let telling = tokio::spawn(async move { lines.tell().await });
        let drain = Duration::from_secs(config.dispatch.drain_secs);
        Ok(Self { api_address, admin_address, pipeline, api, end, public, operators, measuring, telling, drain, supervisor, renewing })
    }

    /// The path of a message.
    pub const fn pipeline(&self) -> &Arc<Pipeline> {
        &self.pipeline
    }

    /// Resolves when the process has to end, with the reason in a sentence for the operator: the store has failed, another node has taken the work of this one
    /// over, or a task that must run as long as the process ended before it.
    pub async fn failed(&self) -> String {
        tokio::select! {
            biased;
            error = self.pipeline.store().failed() => error.to_string(),
            () = self.pipeline.node().over() => OVER.to_owned(),
            why = self.supervisor.failed() => why,
        }
    }

    /// Takes no more requests, answers those that are under way, lets carriers answer what they have, and closes the store. New connections and requests are
    /// refused meanwhile, at once and in so many words.
    ///
    /// This ends within `dispatch.drain_secs` and [`BEYOND`](Self::BEYOND), whatever clients, carriers and the store do.
    pub async fn stop(self) {
        let began = Instant::now();
        self.supervisor.ending();
        self.api.gate.close();
        self.pipeline.begin_draining();
        // What is on disk has its answer before the store closes.
        let answered = tokio::time::timeout(self.drain.max(Pipeline::AT_LEAST), self.api.gate.emptied());
        let (answered, ()) = tokio::join!(answered, self.pipeline.settle(self.drain));
        if answered.is_err() {
            tracing::warn!("Requests are still under way after {} s: they are refused", self.drain.as_secs());
        }
        self.pipeline.close(self.drain.saturating_sub(began.elapsed())).await;
        self.renewing.abort();
        self.measuring.abort();
        self.telling.abort();
        // A store that is closed takes nothing more: what is refused now leaves nothing behind.
        self.end.send_replace(true);
        let doors = async { tokio::join!(self.public, self.operators) };
        // A door that panicked has nobody left to let out.
        let _ = tokio::time::timeout(LAST_WORDS, doors).await;
    }

    /// How much longer than `dispatch.drain_secs` ending may take: the store's last writes, its end, and the last answers of both doors.
    pub const BEYOND: Duration = Pipeline::BEYOND.saturating_add(LAST_WORDS);
}

/// What can go wrong before there is a store.
struct Prepared {
    pepper: Pepper,
    token: Option<String>,
    tls: Option<TlsAcceptor>,
    public: TcpListener,
    operators: TcpListener,
    objects: Arc<dyn Objects>,
    /// Connections that clients may have.
    clients: usize,
}

impl Prepared {
    async fn of(config: &Config) -> Result<Self, StartError> {
        let pepper = config.keys.read().map_err(StartError)?;
        let token = config.admin.read_token().map_err(StartError)?;
        let tls = match (&config.api.tls_cert, &config.api.tls_key) {
            (Some(certificate), Some(key)) => Some(tls::acceptor(certificate, key).map_err(StartError)?),
            _ => None,
        };
        let (public, operators) = (listen(config.api.listen).await?, listen(config.admin.listen).await?);
        let objects = media(config)?;
        let limit = files::raise().unwrap_or_else(|why| {
            tracing::warn!("{why}");
            files::limit()
        });
        let budget = Budget::of(config, limit);
        if let Some(warning) = budget.warning(config, limit) {
            tracing::warn!("{warning}");
        }
        Ok(Self { pepper, token, tls, public, operators, objects, clients: budget.clients })
    }
}

/// How long the last answers may take once everything else has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What clients of a door may take.
fn bounds(config: &Config, connections_max: usize, connections_per_address: usize) -> Bounds {
    Bounds {
        connections_max,
        // One address never has all places, however few there are.
        connections_per_address: connections_per_address.min((connections_max - connections_max / 4).max(1)),
        proxies: config.api.trusted_proxies.clone(),
        head_timeout: Duration::from_secs(config.api.head_timeout_secs),
        head_bytes_max: config.api.head_bytes_max,
        write: Patience::of(Duration::from_secs(config.api.write_timeout_secs)),
    }
}

async fn open(url: &str) -> Result<Arc<dyn Store>, StartError> {
    let told = |error: StoreError| StartError(error.to_string());
    if let Some(directory) = store::path_of(url).map_err(told)?.parent() {
        std::fs::create_dir_all(directory).map_err(|error| StartError(format!("cannot make {}: {error}", directory.display())))?;
    }
    store::open(url, Arc::new(Machine::new())).await.map_err(told)
}

fn media(config: &Config) -> Result<Arc<dyn Objects>, StartError> {
    refuse_media_without_store(config).map_err(StartError)?;
    let directory = &config.media.directory;
    let objects =
        Directory::open(directory, Arc::new(Machine::new())).map_err(|error| StartError(format!("cannot keep media in {}: {error}", directory.display())))?;
    Ok(Arc::new(objects))
}

/// Refuses a directory that holds media for a store that is yet to be made: they belong to another store, whose file is lost or elsewhere, and the new
/// one would remove them as left over.
///
/// # Errors
/// A sentence for the operator.
pub(crate) fn refuse_media_without_store(config: &Config) -> Result<(), String> {
    let place = config.media.directory.display();
    let holds_objects = Directory::holds_objects(&config.media.directory).map_err(|error| format!("cannot read {place}: {error}"))?;
    if holds_objects && store::is_new(&config.store.url).map_err(|error| error.to_string())? {
        return Err(format!(
            "there is no store yet, and {place} holds the media of one: restore its file, or move {place} away; a new store would remove them"
        ));
    }
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| StartError(format!("cannot listen on {address}: {error}")))
}

fn address(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|error| StartError(error.to_string()))
}

async fn start_pipeline(
    config: &Config,
    store: Arc<dyn Store>,
    node: Arc<Node>,
    objects: Arc<dyn Objects>,
    pepper: Pepper,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Arc<Pipeline>, StartError> {
    let told = |error: StoreError| StartError(error.to_string());
    let tenants = TenantBook::load(Arc::clone(&store), pepper, Arc::clone(&clock), Arc::clone(&entropy)).await.map_err(told)?;
    let (sender, events) = mpsc::unbounded_channel();
    let sandbox = CarrierConfig::Sandbox(SandboxConfig { name: SANDBOX.to_owned() });
    let mut carriers: Vec<(Arc<dyn Carrier>, u32)> = Vec::new();
    let supervisor = Supervisor::new(Arc::new(Machine::with_clock(Arc::clone(&clock))));
    for carrier in config.carrier.iter().chain([&sandbox]) {
        let carrier = sessions::claim(&*store, &node, carrier.clone()).await.map_err(told)?;
        let sender_rate = carrier.sender_rate();
        let started = carrier::start(carrier, sender.clone(), Arc::clone(&entropy), &supervisor).map_err(|error| StartError(error.to_string()))?;
        carriers.push((started, sender_rate));
    }
    let limits = AdmissionLimits {
        sms_characters_max: config.limits.sms_characters_max,
        mms_characters_max: config.limits.mms_characters_max,
        recipients_max: config.limits.max_recipients,
        validity: Duration::from_secs(config.dispatch.validity_secs),
        idempotency: config.limits.idempotency(),
    };
    let (routes, dispatch) = (config.routes(), dispatch_settings(config));
    let broadcasts = BroadcastSettings { lookahead: config.dispatch.broadcast_lookahead_max, batch: config.dispatch.broadcast_batch };
    let screen = Arc::new(crate::screen::load(config.screening.directory.as_deref()).map_err(StartError)?);
    let screening_log = Duration::from_secs(config.screening.log_days * 86_400);
    let tenants = Arc::new(tenants);
    let runtime: Arc<dyn Runtime> = Arc::new(Machine::with_clock(clock));
    let fetcher = Fetcher::new(config.media.fetch_settings(&config.api.docs_base_url), Arc::new(SystemResolver), Arc::clone(&runtime))
        .map_err(|error| StartError(error.to_string()))?;
    let media_kept = Duration::from_secs(config.media.keep_hours * 3_600);
    let index_after = Duration::from_secs(config.store.index_after_secs);
    let parked_kept = Duration::from_secs(config.receipts.parked_hours * 3_600);
    let parts = Parts {
        store,
        node,
        index_after,
        tenants,
        routes,
        carriers,
        events,
        fetcher,
        objects,
        media_kept,
        parked_kept,
        screen,
        screening_log,
        limits,
        dispatch,
        broadcasts,
        supervisor: Supervisor::new(Arc::clone(&runtime)),
        runtime,
        entropy,
    };
    Pipeline::start(parts).await.map_err(told)
}

fn dispatch_settings(config: &Config) -> DispatchSettings {
    let dispatch = &config.dispatch;
    let slowest = config.carrier.iter().map(CarrierConfig::response_timeout_secs).max().unwrap_or(0);
    DispatchSettings {
        queue: QueueLimits { total: dispatch.queue_max, per_account: dispatch.queue_per_account_max, originator_rate: 0, account_rate: dispatch.account_rate },
        lease: Duration::from_secs(dispatch.lease_secs),
        // Leaving and being answered happen under the lease, and there must be time to record it.
        attempt: Duration::from_secs(2 * slowest + 15),
        batch: dispatch.batch,
        poll: Duration::from_millis(dispatch.poll_ms),
        retry: Backoff { floor: Duration::from_millis(dispatch.retry_floor_ms), ceiling: Duration::from_millis(dispatch.retry_ceiling_ms) },
        attempts_per_carrier: dispatch.attempts_per_carrier,
        fallback_after: Duration::from_secs(dispatch.fallback_after_secs),
    }
}
