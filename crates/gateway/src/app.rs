//! Putting the parts together: a configuration in, a running platform out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use carrier::config::SandboxConfig;
use carrier::{Carrier, CarrierConfig};
use model::backoff::Backoff;
use model::key::Pepper;
use model::{Clock, Entropy};
use pipeline::fetch::Fetcher;
use pipeline::fetch::resolve::SystemResolver;
use pipeline::limiter::RateLimiter;
use pipeline::tenants::TenantBook;
use pipeline::{AdmissionLimits, BroadcastSettings, DispatchSettings, Parts, Pipeline, QueueLimits, SANDBOX};
use store::objects::{Directory, Objects};
use store::{Store, StoreError};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

use crate::admin::{self, Admin, Metrics, Throughput};
use crate::api::{self, Api};
use crate::config::Config;
use crate::http::body::BodyLimits;
use crate::http::envelope::Envelope;
use crate::http::serve::{Door, serve};
use crate::http::tls;

/// A running platform.
pub struct App {
    /// Where clients are served.
    pub api_address: SocketAddr,
    /// Where the operator is served.
    pub admin_address: SocketAddr,
    pipeline: Arc<Pipeline>,
    stop: watch::Sender<bool>,
    end: watch::Sender<bool>,
    public: JoinHandle<()>,
    operators: JoinHandle<()>,
    measuring: JoinHandle<()>,
    drain: Duration,
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
        let pepper = config.keys.read().map_err(StartError)?;
        let token = config.admin.read_token().map_err(StartError)?;
        let tls = match (&config.api.tls_cert, &config.api.tls_key) {
            (Some(certificate), Some(key)) => Some(tls::acceptor(certificate, key).map_err(StartError)?),
            _ => None,
        };
        let (public, operators) = (listen(config.api.listen).await?, listen(config.admin.listen).await?);
        let (api_address, admin_address) = (address(&public)?, address(&operators)?);

        let store = open(&config.store.url).await?;
        let metrics = Metrics::default();
        store.observe_commits(metrics.observer());
        store.keep_within(config.store_bounds());
        let pipeline = start_pipeline(&config, store, pepper, Arc::clone(&clock), entropy).await?;
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
            metrics: metrics.http.clone(),
            clock: Arc::clone(&clock),
        });
        let admin = Arc::new(Admin {
            pipeline: Arc::clone(&pipeline),
            envelope,
            body_limits,
            new_account: config.limits.of_new_accounts(),
            token,
            metrics,
            throughput: Throughput::default(),
            clock,
        });
        let door = |listener, tls, router, unreadable| Door {
            listener,
            tls,
            router,
            unreadable,
            connections_max: config.api.connections_max,
            head_timeout: Duration::from_secs(config.api.head_timeout_secs),
            head_bytes_max: config.api.head_bytes_max,
        };
        let (stop, stopped) = watch::channel(false);
        let (end, ended) = watch::channel(false);
        let public = door(public, tls, api::router(Arc::clone(&api)), api::unreadable(&api));
        let operators = door(operators, None, admin::router(Arc::clone(&admin)), admin::unreadable(&admin));
        let measured = Arc::clone(&pipeline);
        let public = tokio::spawn(serve(public, stopped));
        // The operator is served to the end: a process that drains says so.
        let operators = tokio::spawn(serve(operators, ended));
        let measuring = tokio::spawn(async move { admin.throughput.measure(&measured).await });
        let drain = Duration::from_secs(config.dispatch.drain_secs);
        Ok(Self { api_address, admin_address, pipeline, stop, end, public, operators, measuring, drain })
    }

    /// The path of a message.
    pub const fn pipeline(&self) -> &Arc<Pipeline> {
        &self.pipeline
    }

    /// Resolves when the store has failed and the process has to end.
    pub async fn failed(&self) -> StoreError {
        self.pipeline.store().failed().await
    }

    /// Accepts nothing more, lets carriers answer what they have, and closes the store.
    pub async fn stop(self) {
        self.pipeline.begin_draining();
        self.stop.send_replace(true);
        // A door that panicked has nobody left to let out.
        let _ = self.public.await;
        self.pipeline.drain(self.drain).await;
        self.measuring.abort();
        self.end.send_replace(true);
        let _ = tokio::time::timeout(LAST_WORDS, self.operators).await;
    }
}

/// How long the operator's last requests may take once everything else has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

async fn open(url: &str) -> Result<Arc<dyn Store>, StartError> {
    let told = |error: StoreError| StartError(error.to_string());
    if let Some(directory) = store::path_of(url).map_err(told)?.parent() {
        std::fs::create_dir_all(directory).map_err(|error| StartError(format!("cannot make {}: {error}", directory.display())))?;
    }
    store::open(url).await.map_err(told)
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
    pepper: Pepper,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Arc<Pipeline>, StartError> {
    let told = |error: StoreError| StartError(error.to_string());
    let tenants = TenantBook::load(Arc::clone(&store), pepper, Arc::clone(&clock), Arc::clone(&entropy)).await.map_err(told)?;
    let (sender, events) = mpsc::unbounded_channel();
    let sandbox = CarrierConfig::Sandbox(SandboxConfig { name: SANDBOX.to_owned() });
    let mut carriers: Vec<(Arc<dyn Carrier>, u32)> = Vec::new();
    for carrier in config.carrier.iter().chain([&sandbox]) {
        let started = carrier::start(carrier.clone(), sender.clone(), Arc::clone(&entropy)).map_err(|error| StartError(error.to_string()))?;
        carriers.push((started, carrier.sender_rate()));
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
    let fetcher = Fetcher::new(config.media.fetch_settings(), Arc::new(SystemResolver)).map_err(|error| StartError(error.to_string()))?;
    let directory = &config.media.directory;
    let objects = Directory::open(directory).map_err(|error| StartError(format!("cannot keep media in {}: {error}", directory.display())))?;
    let objects: Arc<dyn Objects> = Arc::new(objects);
    let media_kept = Duration::from_secs(config.media.keep_hours * 3_600);
    let parked_kept = Duration::from_secs(config.receipts.parked_hours * 3_600);
    let parts = Parts {
        store,
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
        clock,
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
