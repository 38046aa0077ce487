//! The assembly of the parts: from a configuration to a running platform.

pub mod media;
mod parts;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use model::key::{Pepper, Peppers};
use model::{Entropy, Timestamp};
use pipeline::limiter::RateLimiter;
use pipeline::{Node, OVER, Pipeline};
use runtime::{Runtime, Supervisor, Task, Work};
use store::contract::peppers::Adopted;
use store::contract::windows::Entrance;
use store::objects::Objects;
use store::{Store, StoreError};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;

use crate::admin::{self, Admin, Metrics, Rates, Throughput};
use crate::built;
use crate::console;
use crate::files::{self, Budget};
use crate::operators::Operators;
use crate::operators::sign_in::SignIns;
use crate::reload::carriers::Starter;
use crate::reload::{self, DrainTime, Reloader};
use api::Api;
use api::http::body::BodyLimits;
use api::http::envelope::Envelope;
use api::http::gate::Gate;
use api::http::log::Lines;
use api::http::rooms::Rooms;
use api::http::serve::{Door, Phase, Unreadable, serve};
use api::http::tls::{self, Tls};
use api::links::MediaLinks;
use config::Config;

use self::parts::{start_carriers, start_pipeline};
use crate::settings::{bounds_of_clients, bounds_of_operators};
use crate::start_error::StartError;

/// A running platform.
pub struct App {
    /// The address of the public API.
    pub api_address: SocketAddr,
    /// The address of the admin API.
    pub admin_address: SocketAddr,
    runtime: Arc<dyn Runtime>,
    supervisor: Supervisor,
    pipeline: Arc<Pipeline>,
    api: Arc<Api>,
    phase: watch::Sender<Phase>,
    doors: [Task; 2],
    /// Tasks that run until the end and have nothing to finish.
    endless: [Task; 3],
    drain: Arc<DrainTime>,
    reloader: Arc<Reloader>,
    sign_ins: Arc<SignIns>,
    admin: Router,
}

impl App {
    /// Starts everything on the current runtime.
    ///
    /// # Errors
    /// A sentence for the operator: an address on which the process cannot listen, a store that cannot be used, a
    /// mistake in a carrier.
    pub async fn start(
        config: Config,
        runtime: Arc<dyn Runtime>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StartError> {
        Self::start_beside(Router::new(), config, runtime, entropy).await
    }

    /// The same, with additional routes on the admin listener. The admin token does not guard them.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_beside(
        beside: Router,
        config: Config,
        runtime: Arc<dyn Runtime>,
        entropy: Arc<dyn Entropy>,
    ) -> Work<Result<Self, StartError>> {
        Box::pin(async move {
            let prepared = Prepared { beside, ..Prepared::of(&config, &runtime).await? };
            let store = open(&config, &runtime).await?;
            Self::run(prepared, store, config, runtime, entropy).await
        })
    }

    /// The same, on a store that is already open.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_on(
        store: Arc<dyn Store>,
        config: Config,
        runtime: Arc<dyn Runtime>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StartError> {
        Self::run(Prepared::of(&config, &runtime).await?, store, config, runtime, entropy).await
    }

    async fn run(
        prepared: Prepared,
        store: Arc<dyn Store>,
        config: Config,
        runtime: Arc<dyn Runtime>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StartError> {
        let (api_address, admin_address) = (address(&prepared.public)?, address(&prepared.operators)?);
        let lines = Arc::new(Lines::new(config.log.lines_per_second, Arc::clone(&runtime)));
        let reports = Reports { lines, metrics: Metrics::new(&config, runtime.now()), runtime: Arc::clone(&runtime) };
        let supervisor = Supervisor::new(Arc::clone(&runtime));
        store.observe_commits(reports.metrics.observer());
        store.keep_within(config.store_bounds());
        adopt(&*store, &prepared.peppers, runtime.now()).await?;
        let (node, renewing) = join(&store, &config.cluster.node, &supervisor).await?;
        let (events, reported) = mpsc::unbounded_channel();
        let starter =
            Arc::new(Starter { events, entropy, supervisor: supervisor.clone(), store: Arc::clone(&store), node });
        let carriers = start_carriers(&config, &starter).await?;
        let served = served(&config, api_address, &prepared.peppers, prepared.objects);
        let pipeline = start_pipeline(&config, &served, prepared.peppers, &carriers, reported, &starter).await?;
        let api = Arc::new(public_api(&config, &pipeline, &reports, served));
        let store = Arc::clone(pipeline.store());
        let operators = Arc::new(Operators::new(prepared.token, config.limits, &config.console.url, store));
        let sign_ins = sign_ins(&operators, &reports, &starter);
        let clients_rooms = Arc::new(Rooms::new(bounds_of_clients(&config, prepared.clients)));
        let operators_rooms = Arc::new(Rooms::new(bounds_of_operators(&config)));
        let tls = prepared.tls.map(|tls| Arc::new(Tls::new(tls)));
        let drain = Arc::new(DrainTime::new(config.dispatch.drain_secs));
        let parts = reload::Parts {
            runtime: Arc::clone(&runtime),
            pipeline: Arc::clone(&pipeline),
            api: Arc::clone(&api),
            operators: Arc::clone(&operators),
            clients: Arc::clone(&clients_rooms),
            operators_rooms: Arc::clone(&operators_rooms),
            tls: tls.clone(),
            drain: Arc::clone(&drain),
            starter,
            carriers,
        };
        let proxied = config.console.clone();
        let reloader = Arc::new(Reloader::new(parts, config));
        let admin = Arc::new(admin_api(&api, operators, &sign_ins, &reloader, &supervisor, &reports));
        let public = Door {
            tls,
            ..reports.door("api", prepared.public, api::router(Arc::clone(&api)), api::unreadable(&api), clients_rooms)
        };
        let has_phones = prepared.beside.has_routes();
        let in_process = admin::router(Arc::clone(&admin)).merge(prepared.beside);
        let web = console::router(&admin, in_process.clone(), Arc::clone(&sign_ins), proxied, has_phones);
        let web = web.merge(in_process.clone());
        let operators = reports.door("admin", prepared.operators, web, admin::unreadable(&admin), operators_rooms);
        let (phase, followed) = watch::channel(Phase::Serving);
        // Both are open to the end: clients hear that the process drains, and the operator sees it.
        let doors = [
            supervisor.start("public listener", serve(public, followed.clone())),
            supervisor.start("admin listener", serve(operators, followed)),
        ];
        let measuring = supervisor.start("throughput of carriers", measure(admin, &pipeline, &runtime));
        let telling = supervisor.start("omitted log lines", async move { reports.lines.tell().await });
        Ok(Self {
            api_address,
            admin_address,
            runtime,
            supervisor,
            pipeline,
            api,
            phase,
            doors,
            endless: [measuring, telling, renewing],
            drain,
            reloader,
            sign_ins,
            admin: in_process,
        })
    }

    /// The path of a message.
    pub const fn pipeline(&self) -> &Arc<Pipeline> {
        &self.pipeline
    }

    /// The reload of the configuration.
    pub const fn reloader(&self) -> &Arc<Reloader> {
        &self.reloader
    }

    /// Signs operators in and out.
    pub const fn sign_ins(&self) -> &Arc<SignIns> {
        &self.sign_ins
    }

    /// The admin API, for a part of this process that has signed an operator in. Its requests carry a
    /// [`Principal`](admin::Principal) in their extensions.
    pub const fn admin(&self) -> &Router {
        &self.admin
    }

    /// Resolves, with a sentence for the operator, when the process has to end: the store has failed, another node has
    /// taken over the work of this one, or a task has ended that must run as long as the process.
    pub async fn failed(&self) -> String {
        tokio::select! {
            biased;
            error = self.pipeline.store().failed() => format!("{error}; all accepted messages are on disk, and \
                nothing more is accepted before a new start"),
            () = self.pipeline.node().over() => OVER.to_owned(),
            why = self.supervisor.failed() => format!("{why}; the process ends, because it cannot work without that \
                task"),
        }
    }

    /// Accepts no more requests, answers those under way, waits for the last answers of carriers, and closes the store.
    /// New connections and requests are refused meanwhile, at once and with a clear error.
    ///
    /// Ends within `dispatch.drain_secs` and [`BEYOND`](Self::BEYOND), even if clients, carriers or the store hang.
    pub fn stop(self) -> Work {
        Box::pin(self.stopped())
    }

    async fn stopped(self) {
        let (runtime, began) = (&self.runtime, self.runtime.instant());
        self.supervisor.ending();
        self.api.gate.close();
        let drain = self.drain.get();
        self.phase.send_replace(Phase::Draining);
        self.pipeline.begin_draining();
        // What is on disk has its answer before the store closes.
        let answered = runtime.timeout(drain.max(Pipeline::AT_LEAST), self.api.gate.emptied());
        let (answered, ()) = tokio::join!(answered, self.pipeline.settle(drain));
        if answered.is_err() {
            tracing::warn!("Requests are still under way after {} s, and are refused now", drain.as_secs());
        }
        self.pipeline.close(drain.saturating_sub(runtime.instant() - began)).await;
        self.endless.iter().for_each(Task::abort);
        // A store that is closed takes nothing more: what is refused now leaves nothing behind.
        self.phase.send_replace(Phase::Over);
        let [public, operators] = self.doors;
        let doors = async { tokio::join!(public.ended(), operators.ended()) };
        // A door that panicked has nobody left to let out.
        let _ = runtime.timeout(LAST_WORDS, doors).await;
    }

    /// The time in which the process ends at present: [`stop`](Self::stop), and a second for the steps after it.
    pub fn ends_within(&self) -> Duration {
        self.drain.get() + Self::BEYOND + Duration::from_secs(1)
    }

    /// The time that the end may take in addition to `dispatch.drain_secs`: the store's last writes, its end, and the
    /// last answers of both listeners.
    pub const BEYOND: Duration = Pipeline::BEYOND.saturating_add(LAST_WORDS);
}

/// Checks that the pepper is that of the store, before anything else happens.
async fn adopt(store: &dyn Store, peppers: &Peppers, now: Timestamp) -> Result<(), StartError> {
    let told = |error: StoreError| StartError(error.to_string());
    let previous = peppers.previous.as_ref().map(Pepper::verifier);
    let adopted = store.adopt_pepper(peppers.current.verifier(), previous, now).await.map_err(told)?;
    match adopted {
        Adopted::First { has_keys: true } => tracing::warn!(
            "The store had no record of its pepper, and has recorded the configured one. If no API key works, this \
             pepper is wrong: start once with the right one as `keys.pepper` and this one as `keys.previous_pepper`"
        ),
        Adopted::Rotated => {
            tracing::info!("A new pepper replaces the previous one: each key moves to it at its next use");
        }
        Adopted::First { has_keys: false } | Adopted::Known => {}
    }
    let outdated = store.keys_of_other_peppers(now).await.map_err(told)?;
    match (outdated, &peppers.previous) {
        (0, _) => {}
        (_, Some(_)) => tracing::info!("Keys that still need `keys.previous_pepper`: {outdated}"),
        (_, None) => tracing::warn!("Keys that do not work, because they were made with an earlier pepper: {outdated}"),
    }
    Ok(())
}

/// Makes this process a node of the store. The task renews its epoch from the beginning, because the start may take
/// long. Without a name in the configuration, it has the name of the machine.
async fn join(store: &Arc<dyn Store>, name: &str, supervisor: &Supervisor) -> Result<(Arc<Node>, Task), StartError> {
    let runtime = supervisor.runtime();
    let machine = || rustix::system::uname().nodename().to_string_lossy().into_owned();
    let name = if name.is_empty() { machine() } else { name.to_owned() };
    let node = Node::join(Arc::clone(store), name, built::VERSION, Arc::clone(runtime) as _)
        .await
        .map_err(|error| StartError(error.to_string()))?;
    let (renewed, renews) = (Arc::clone(&node), Arc::clone(runtime));
    let renewing = supervisor.start("node", async move { renewed.keep(renews).await });
    Ok((node, renewing))
}

/// The metrics, log lines and clock of both listeners.
struct Reports {
    lines: Arc<Lines>,
    metrics: Metrics,
    runtime: Arc<dyn Runtime>,
}

impl Reports {
    /// A listener without TLS.
    fn door(
        &self,
        name: &'static str,
        listener: TcpListener,
        router: Router,
        unreadable: Unreadable,
        rooms: Arc<Rooms>,
    ) -> Door {
        Door {
            name,
            listener,
            tls: None,
            router,
            unreadable,
            rooms,
            metrics: self.metrics.http.clone(),
            lines: Arc::clone(&self.lines),
            runtime: Arc::clone(&self.runtime),
        }
    }
}

fn admin_api(
    api: &Api,
    operators: Arc<Operators>,
    sign_ins: &SignIns,
    reloader: &Arc<Reloader>,
    supervisor: &Supervisor,
    reports: &Reports,
) -> Admin {
    Admin {
        pipeline: Arc::clone(&api.pipeline),
        envelope: api.envelope.clone(),
        body_limits: api.body_limits,
        import_limits: api.broadcast_body_limits,
        links: api.links.clone(),
        operators,
        reloader: Arc::clone(reloader),
        passwords: Arc::clone(sign_ins.passwords()),
        entropy: Arc::clone(sign_ins.entropy()),
        trusted_proxies: api.trusted_proxies.clone(),
        lines: Arc::clone(&reports.lines),
        metrics: reports.metrics.clone(),
        throughput: Throughput::default(),
        rates: Rates::default(),
        supervisor: supervisor.clone(),
        runtime: Arc::clone(&reports.runtime),
    }
}

/// Media that clients may read, and the links to them.
struct Served {
    links: MediaLinks,
    objects: Arc<dyn Objects>,
}

/// Media, and links to them that are valid under the pepper and under the previous one.
fn served(config: &Config, listens_at: SocketAddr, peppers: &Peppers, objects: Arc<dyn Objects>) -> Served {
    let links = MediaLinks::new(public_url(config, listens_at), &peppers.current);
    Served { links: links.with_previous(peppers.previous.as_ref()), objects }
}

/// Measures the throughput of messages as long as the process runs.
fn measure(
    admin: Arc<Admin>,
    pipeline: &Arc<Pipeline>,
    runtime: &Arc<dyn Runtime>,
) -> impl Future<Output = ()> + use<> {
    let (pipeline, runtime) = (Arc::clone(pipeline), Arc::clone(runtime));
    async move {
        tokio::join!(admin.throughput.measure(&pipeline, &runtime), admin.rates.measure(&pipeline, &runtime));
    }
}

/// The sign-in of operators.
fn sign_ins(operators: &Arc<Operators>, reports: &Reports, starter: &Starter) -> Arc<SignIns> {
    let (store, entropy) = (Arc::clone(&starter.store), Arc::clone(&starter.entropy));
    let failures = reports.metrics.sign_ins.clone();
    Arc::new(SignIns::new(Arc::clone(operators), failures, store, entropy, Arc::clone(&reports.runtime)))
}

/// The beginning of links to the public API. If the operator names no address, it is that of the listener: the `Host`
/// of a request can be forged.
fn public_url(config: &Config, listens_at: SocketAddr) -> String {
    if !config.api.public_url.is_empty() {
        return config.api.public_url.clone();
    }
    let scheme = if config.api.tls_cert.is_some() { "https" } else { "http" };
    if !listens_at.ip().is_loopback() {
        tracing::warn!("`api.public_url` is not set: links to media begin with {scheme}://{listens_at}");
    }
    format!("{scheme}://{listens_at}")
}

fn public_api(config: &Config, pipeline: &Arc<Pipeline>, reports: &Reports, served: Served) -> Api {
    let body_limits =
        BodyLimits { bytes_max: config.api.body_bytes_max, timeout: Duration::from_secs(config.api.body_timeout_secs) };
    Api {
        pipeline: Arc::clone(pipeline),
        limiter: RateLimiter::new(Arc::clone(pipeline.store()), Entrance::Public, config.limits.failed_auth_per_minute),
        envelope: Envelope::new(&config.api.docs_base_url),
        links: served.links,
        objects: served.objects,
        body_limits,
        broadcast_body_limits: BodyLimits { bytes_max: config.api.broadcast_body_bytes_max, ..body_limits },
        reading: Semaphore::new(api::READERS),
        importing: Semaphore::new(api::IMPORTERS),
        trusted_proxies: config.api.trusted_proxies.clone(),
        twilio: config.api.twilio,
        log_requests: config.log.requests.into(),
        lines: Arc::clone(&reports.lines),
        gate: Gate::default(),
        metrics: reports.metrics.http.clone(),
        runtime: Arc::clone(&reports.runtime),
    }
}

/// The parts whose start can fail before there is a store.
struct Prepared {
    peppers: Peppers,
    token: Option<String>,
    tls: Option<TlsAcceptor>,
    public: TcpListener,
    operators: TcpListener,
    objects: Arc<dyn Objects>,
    /// The most connections of clients.
    clients: usize,
    /// The additional routes on the admin listener.
    beside: Router,
}

impl Prepared {
    async fn of(config: &Config, runtime: &Arc<dyn Runtime>) -> Result<Self, StartError> {
        let peppers = config.keys.read().map_err(StartError)?;
        let token = config.admin.read_token().map_err(StartError)?;
        let tls = match (&config.api.tls_cert, &config.api.tls_key) {
            (Some(certificate), Some(key)) => Some(tls::acceptor(certificate, key).map_err(StartError)?),
            _ => None,
        };
        let public = listen(config.api.listen, "api.listen").await?;
        let operators = listen(config.admin.listen, "admin.listen").await?;
        let place = media::Place::of(config, runtime).map_err(StartError)?;
        place.refuse_without_store(&config.store.url, runtime).await.map_err(StartError)?;
        let objects = place.open(runtime).map_err(StartError)?;
        let limit = files::raise().unwrap_or_else(|why| {
            tracing::warn!("{why}");
            files::limit()
        });
        let budget = Budget::of(config, limit);
        if let Some(warning) = budget.warning(config, limit) {
            tracing::warn!("{warning}");
        }
        Ok(Self { peppers, token, tls, public, operators, objects, clients: budget.clients, beside: Router::new() })
    }
}

/// The time for the last answers after everything else has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

async fn open(config: &Config, runtime: &Arc<dyn Runtime>) -> Result<Arc<dyn Store>, StartError> {
    let (url, valkey) = (&config.store.url, &config.cluster.redis);
    let told = |error: StoreError| StartError(error.to_string());
    if let Some(directory) = store::path_of(url).map_err(told)?.and_then(Path::parent) {
        std::fs::create_dir_all(directory)
            .map_err(|error| StartError(format!("cannot make {}: {error}", directory.display())))?;
    }
    let opened = if valkey.is_empty() {
        store::open(url, Arc::clone(runtime)).await
    } else {
        store::open_with_valkey(url, valkey, Arc::clone(runtime)).await
    };
    opened.map_err(told)
}

async fn listen(address: SocketAddr, key: &str) -> Result<TcpListener, StartError> {
    let failed = |error| StartError(format!("cannot listen on {address}: {error}; `{key}` sets another address"));
    TcpListener::bind(address).await.map_err(failed)
}

fn address(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|error| StartError(error.to_string()))
}
