//! The parts of the pipeline, from the configuration.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use carrier::config::SandboxConfig;
use carrier::{Carrier, CarrierConfig, CarrierEvent};
use fetch::media::Fetcher;
use fetch::post::Poster;
use fetch::resolve::SystemResolver;
use model::key::{Pepper, Peppers};
use pipeline::tenants::TenantBook;
use pipeline::webhook::Vault;
use pipeline::{BroadcastSettings, Parts, Pipeline, SANDBOX, WebhookParts};
use runtime::Runtime;
use store::StoreError;
use tokio::sync::mpsc;

use super::Served;
use crate::reload::carriers::{Replaceable, Starter};
use crate::settings::{admission_limits, dispatch_settings};
use crate::start_error::StartError;
use api::event::Shown;
use config::Config;

/// The carriers of the configuration, by name.
pub(super) async fn start_carriers(
    config: &Config,
    starter: &Arc<Starter>,
) -> Result<BTreeMap<String, Arc<Replaceable>>, StartError> {
    let told = |error: StoreError| StartError(error.to_string());
    let stopped = starter.store.stopped_carriers().await.map_err(told)?;
    let is_held = starter.store.held().await.map_err(told)?.is_some();
    let mut started = BTreeMap::new();
    for carrier in &config.carrier {
        let name = carrier.name();
        let is_stopped = is_held || stopped.iter().any(|stopped| stopped.carrier == name);
        started.insert(name.to_owned(), Replaceable::start(carrier.clone(), starter, is_stopped)?);
    }
    Ok(started)
}

pub(super) async fn start_pipeline(
    config: &Config,
    served: &Served,
    peppers: Peppers,
    started: &BTreeMap<String, Arc<Replaceable>>,
    events: mpsc::UnboundedReceiver<CarrierEvent>,
    starter: &Starter,
) -> Result<Arc<Pipeline>, StartError> {
    let told = |error: StoreError| StartError(error.to_string());
    let (runtime, entropy) = (Arc::clone(starter.supervisor.runtime()), Arc::clone(&starter.entropy));
    let (store, node) = (Arc::clone(&starter.store), Arc::clone(&starter.node));
    let vault = vault(&peppers)?;
    let tenants = TenantBook::load(Arc::clone(&store), peppers, Arc::clone(&runtime) as _, Arc::clone(&entropy))
        .await
        .map_err(told)?;
    let sandbox = CarrierConfig::Sandbox(SandboxConfig { name: SANDBOX.to_owned() });
    let sandbox = starter.start(sandbox)?;
    let replaceable = config.carrier.iter().filter_map(|carrier| {
        Some((Arc::clone(started.get(carrier.name())?) as Arc<dyn Carrier>, carrier.sender_rate()))
    });
    let carriers = replaceable.chain([(sandbox, 0)]).collect();
    let limits = admission_limits(config);
    let (routes, dispatch) = (config.routes(), dispatch_settings(config));
    let broadcasts = BroadcastSettings {
        lookahead: config.dispatch.broadcast_lookahead_max,
        batch: config.dispatch.broadcast_batch,
    };
    let screen = Arc::new(config::screen::load(config.screening.directory.as_deref()).map_err(StartError)?);
    let screening_log = Duration::from_secs(config.screening.log_days * 86_400);
    let audit_log = Duration::from_secs(config.audit.keep_days * 86_400);
    let tenants = Arc::new(tenants);
    let fetcher = Fetcher::new(
        config.media.fetch_settings(&config.api.docs_base_url),
        Arc::new(SystemResolver),
        Arc::clone(&runtime),
    )
    .map_err(|error| StartError(error.to_string()))?;
    let media_kept = Duration::from_secs(config.media.keep_hours * 3_600);
    let index_after = Duration::from_secs(config.store.index_after_secs);
    let parked_kept = Duration::from_secs(config.receipts.parked_hours * 3_600);
    let webhooks = webhook_parts(config, vault, Shown::new(Arc::clone(&store), served.links.clone()), &runtime)?;
    let parts = Parts {
        webhooks,
        store,
        node,
        index_after,
        tenants,
        routes,
        carriers,
        events,
        fetcher,
        objects: Arc::clone(&served.objects),
        media_kept,
        parked_kept,
        screen,
        screening_log,
        audit_log,
        retention: config.retention.rules(),
        inbound: config.inbound.rules(),
        limits,
        dispatch,
        broadcasts,
        supervisor: starter.supervisor.clone(),
        runtime,
        entropy,
    };
    Pipeline::start(parts).await.map_err(told)
}

/// What encrypts the secrets of webhooks: a key that follows from the pepper.
fn vault(peppers: &Peppers) -> Result<Vault, StartError> {
    let key = |pepper: &Pepper| pepper.key_for("secrets of webhooks");
    let vault = Vault::new(&key(&peppers.current))
        .ok_or_else(|| StartError("secrets of webhooks cannot be encrypted".to_owned()))?;
    Ok(peppers.previous.iter().fold(vault, |vault, previous| vault.with_previous(&key(previous))))
}

/// What webhooks are made of.
fn webhook_parts(
    config: &Config,
    vault: Vault,
    shown: Shown,
    runtime: &Arc<dyn Runtime>,
) -> Result<WebhookParts, StartError> {
    let settings = config.webhooks.post_settings(&config.api.docs_base_url);
    let poster = Poster::new(settings, Arc::new(SystemResolver), Arc::clone(runtime))
        .map_err(|error| StartError(error.to_string()))?;
    let (poster, render) = (Arc::new(poster), Arc::new(shown));
    Ok(WebhookParts { poster, vault, render, settings: config.webhooks.settings() })
}
