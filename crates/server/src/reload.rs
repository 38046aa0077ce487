//! The reload of the configuration while the server runs: by SIGHUP, or by `POST /admin/v1/reload`.
//!
//! The new configuration is read and checked as at a start, together with the files that it names: certificates, keys,
//! the screen's data. If there is a mistake, nothing changes. Otherwise each key that differs is applied, or reported
//! as one that needs a restart ([`keys`]). The running state is compared with the configuration, not one file with
//! another, so a key that needs a restart is reported until there is one.

pub mod carriers;
pub mod keys;
mod prepare;
mod report;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use carrier::CarrierConfig;
use pipeline::route::Routes;
use pipeline::{Pipeline, lease};
use runtime::Runtime;

pub use report::{Entry, Outcome, Report};

use crate::files::{self, Budget};
use crate::operators::Operators;
use crate::settings;
use api::Api;
use api::http::rooms::Rooms;
use api::http::tls::Tls;
use carriers::{Replaceable, Starter};
use config::{Config, ConfigErrors};
use keys::{Effect, KEYS};
use prepare::{Prepared, Seen, prepare};

/// The source of the configuration for a reload, and the parts outside of the platform that a reload changes.
pub struct Source {
    /// Reads the configuration.
    pub read: Box<dyn Fn() -> Result<Config, ConfigErrors> + Send + Sync>,
    /// Sets the filter of log lines.
    pub set_log_level: SetLogLevel,
}

/// Changes the filter of log lines. Fails with a sentence about the new filter, and then keeps the old one.
pub type SetLogLevel = Box<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// The time for the end of the process, in seconds. It may change until the end begins.
#[derive(Debug)]
pub struct DrainTime(AtomicU64);

impl DrainTime {
    /// So many seconds.
    pub const fn new(secs: u64) -> Self {
        Self(AtomicU64::new(secs))
    }

    /// The time.
    pub fn get(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

/// The parts of a running platform that a reload changes.
pub struct Parts {
    /// Time and tasks.
    pub runtime: Arc<dyn Runtime>,
    /// The path of a message.
    pub pipeline: Arc<Pipeline>,
    /// The public API.
    pub api: Arc<Api>,
    /// The settings of the admin listener.
    pub operators: Arc<Operators>,
    /// The room for clients.
    pub clients: Arc<Rooms>,
    /// The room for operators.
    pub operators_rooms: Arc<Rooms>,
    /// The TLS settings for clients.
    pub tls: Option<Arc<Tls>>,
    /// The time for the end of the process.
    pub drain: Arc<DrainTime>,
    /// The start of carriers.
    pub starter: Arc<Starter>,
    /// The carriers, by name.
    pub carriers: BTreeMap<String, Arc<Replaceable>>,
}

/// Reloads, one at a time.
pub struct Reloader {
    parts: Parts,
    running: tokio::sync::Mutex<Running>,
    source: OnceLock<Source>,
}

/// The settings in force.
struct Running {
    config: Config,
    seen: Seen,
    routes: Routes,
    carriers: BTreeMap<String, Arc<Replaceable>>,
    /// The limit of each carrier's dispatcher, in segments a second of one originator.
    sender_rates: BTreeMap<String, u32>,
}

/// The findings of a reload.
#[derive(Default)]
struct Findings {
    applied: Vec<Entry>,
    needs_restart: Vec<Entry>,
}

impl Findings {
    fn applied(&mut self, key: impl Into<String>, detail: &str) {
        self.applied.push(Entry::new(key, detail));
    }

    fn needs_restart(&mut self, key: impl Into<String>, detail: &str) {
        self.needs_restart.push(Entry::new(key, detail));
    }
}

impl Reloader {
    /// For a platform that runs with this configuration.
    pub fn new(mut parts: Parts, config: Config) -> Self {
        let carriers = std::mem::take(&mut parts.carriers);
        let sender_rates =
            config.carrier.iter().map(|carrier| (carrier.name().to_owned(), carrier.sender_rate())).collect();
        let running = Running { seen: Seen::of(&config), routes: config.routes(), carriers, sender_rates, config };
        Self { parts, running: tokio::sync::Mutex::new(running), source: OnceLock::new() }
    }

    /// Sets the source of the configuration. If there is one already, it stays.
    pub fn set_source(&self, source: Source) {
        let _ = self.source.set(source);
    }

    /// Whether there is a source for a reload.
    pub fn has_source(&self) -> bool {
        self.source.get().is_some()
    }

    /// The settings in force of a carrier; `None` if there is no carrier with this name.
    pub async fn carrier_settings(&self, name: &str) -> Option<CarrierConfig> {
        self.running.lock().await.config.carrier.iter().find(|carrier| carrier.name() == name).cloned()
    }

    /// Reads the configuration again, applies the possible changes, and writes the report to the log.
    pub async fn reload(self: &Arc<Self>) -> Report {
        let this = Arc::clone(self);
        let read = self.parts.runtime.run_blocking("reload", move || match this.source.get() {
            Some(source) => (source.read)().map_err(|errors| prepare::mistakes(&errors)),
            None => Err(vec![Entry::new("", "this server was not started from a configuration file")]),
        });
        let report = match read.await {
            Ok(Ok(config)) => self.take_over(config).await,
            Ok(Err(mistakes)) => Report::refused(mistakes),
            Err(ended) => {
                Report::refused(vec![Entry::new("", format!("the configuration could not be read: reading {ended}"))])
            }
        };
        report.log();
        report
    }

    /// Applies the possible changes of this configuration, which has no mistakes by itself. The files that it names are
    /// read first; if that fails, nothing changes.
    pub async fn take_over(self: &Arc<Self>, new: Config) -> Report {
        // The lock is held to the end: two reloads are one after the other.
        let mut running = self.running.lock().await;
        if self.parts.api.gate.is_closed() {
            return Report::refused(vec![Entry::new("", "the server is ending")]);
        }
        let seen = running.seen.clone();
        let prepared = self.parts.runtime.run_blocking("reload", move || prepare(new, &seen)).await;
        let prepared = match prepared {
            Ok(Ok(prepared)) => prepared,
            Ok(Err(mistakes)) => return Report::refused(mistakes),
            Err(ended) => {
                return Report::refused(vec![Entry::new(
                    "",
                    format!("the configuration could not be checked: checking {ended}"),
                )]);
            }
        };
        if let Some(source) = self.source.get()
            && let Err(what) = (source.set_log_level)(&prepared.config.log.level)
        {
            return Report::refused(vec![Entry::new("log.level", what)]);
        }
        let mut findings = Findings::default();
        self.take_carriers(&mut running, &prepared, &mut findings).await;
        take_sections(&mut running, &prepared, self.parts.tls.is_some(), &mut findings);
        self.put_in_force(&running.config, prepared);
        Report::reloaded(findings.applied, findings.needs_restart)
    }

    /// Changes and adds carriers, then replaces the routes, which may name new carriers, and then removes carriers that
    /// are in no route any more.
    async fn take_carriers(&self, running: &mut Running, prepared: &Prepared, findings: &mut Findings) {
        let old = std::mem::take(&mut running.config.carrier);
        let limit = Duration::from_secs(prepared.config.dispatch.drain_secs);
        for new in &prepared.config.carrier {
            let before = old.iter().find(|before| before.name() == new.name());
            let in_force = self.take_carrier(running, prepared, before, new, limit, findings).await;
            running.config.carrier.extend(in_force);
        }
        let gone = old.iter().filter(|old| !prepared.config.carrier.iter().any(|new| new.name() == old.name()));
        let keeps_routes = !self.take_routes(running, &prepared.config, findings);
        for gone in gone {
            let key = format!("carrier[{}]", gone.name());
            match running.carriers.get(gone.name()) {
                Some(carrier) if !keeps_routes => {
                    self.parts.pipeline.remove_carrier(gone.name());
                    carrier.change(None, limit);
                    findings.applied(
                        key,
                        "removed; attempts under way are finished first, and its waiting messages wait until it is \
                         back or abandoned",
                    );
                }
                _ => {
                    findings.needs_restart(key, "stays for as long as the routes do");
                    running.config.carrier.push(gone.clone());
                }
            }
        }
    }

    /// Changes or adds a carrier, unless it runs with these settings already. Returns the settings that are in force,
    /// if any.
    async fn take_carrier(
        &self,
        running: &mut Running,
        prepared: &Prepared,
        before: Option<&CarrierConfig>,
        new: &CarrierConfig,
        limit: Duration,
        findings: &mut Findings,
    ) -> Option<CarrierConfig> {
        let (name, key) = (new.name(), format!("carrier[{}]", new.name()));
        let known = running.carriers.get(name);
        let is_same = before == Some(new)
            && running.seen.carrier(name) == prepared.seen.carrier(name)
            && !known.is_some_and(|known| known.has_failed());
        let lease = Duration::from_secs(running.config.dispatch.lease_secs);
        if !is_same && new.answers_within() > lease::longest_answers(lease) {
            findings.needs_restart(
                key,
                "its answers may take longer than the `dispatch.lease_secs` of the running \
                server allow for, and it needs a restart",
            );
            return before.cloned();
        }
        if running.sender_rates.get(name).is_some_and(|rate| *rate != new.sender_rate()) {
            findings.needs_restart(format!("{key}.sender_rate"), NEEDS_RESTART);
        }
        match known {
            Some(_) if is_same => {}
            Some(carrier) => {
                carrier.change(Some(new.clone()), limit);
                self.parts.pipeline.restore_carrier(name);
                findings.applied(
                    key,
                    if before.is_some() { "replaced, after its messages under way" } else { "added again" },
                );
            }
            None => match Replaceable::start(
                new.clone(),
                &self.parts.starter,
                self.parts.pipeline.stopped_since(name).is_some(),
            ) {
                Ok(carrier) => {
                    self.parts.pipeline.add_carrier(Arc::clone(&carrier) as _, new.sender_rate()).await;
                    running.carriers.insert(name.to_owned(), carrier);
                    running.sender_rates.insert(name.to_owned(), new.sender_rate());
                    findings.applied(key, "added");
                }
                Err(error) => {
                    findings.needs_restart(key, &format!("cannot be started: {error}"));
                    return None;
                }
            },
        }
        Some(new.clone())
    }

    /// Replaces the routes. If one names a carrier that does not exist before a restart, returns `false` and changes no
    /// route.
    fn take_routes(&self, running: &mut Running, new: &Config, findings: &mut Findings) -> bool {
        let is_there = |name: &String| running.config.carrier.iter().any(|carrier| carrier.name() == name);
        if !new.route.iter().flat_map(|route| &route.carriers).all(is_there) {
            findings
                .needs_restart("route", "names a carrier that exists only after a restart; all routes stay unchanged");
            return false;
        }
        running.config.route.clone_from(&new.route);
        let routes = running.config.routes();
        if routes != running.routes {
            self.parts.pipeline.replace_routes(routes.clone());
            running.routes = routes;
            findings.applied("route", APPLIED);
        }
        true
    }

    /// Gives every part its present values.
    fn put_in_force(&self, config: &Config, prepared: Prepared) {
        let parts = &self.parts;
        parts.pipeline.replace_limits(settings::admission_limits(config));
        parts.pipeline.replace_retention(config.retention.rules());
        parts.pipeline.replace_inbound(config.inbound.rules());
        parts.pipeline.store().keep_within(config.store_bounds());
        parts.api.limiter.set_failed_auth_per_minute(config.limits.failed_auth_per_minute);
        parts.api.log_requests.store(config.log.requests, Ordering::Relaxed);
        parts.operators.take(prepared.token, config.limits);
        parts.clients.set_bounds(settings::bounds_of_clients(config, Budget::of(config, files::limit()).clients));
        parts.operators_rooms.set_bounds(settings::bounds_of_operators(config));
        parts.drain.0.store(config.dispatch.drain_secs, Ordering::Relaxed);
        if let (Some(tls), Some(acceptor)) = (&parts.tls, prepared.tls) {
            tls.replace(acceptor);
        }
        if let Some(screen) = prepared.screen {
            parts.pipeline.replace_screen(Arc::new(screen));
        }
    }
}

/// What became of most keys.
const APPLIED: &str = "applied";
const NEEDS_RESTART: &str = "has another value than the running server, and needs a restart";

/// Applies the keys of the sections, and returns the changed files behind them.
fn take_sections(running: &mut Running, prepared: &Prepared, has_tls: bool, findings: &mut Findings) {
    let new = &prepared.config;
    let (mut files, keeps_tls) = (Vec::new(), prepared.tls.is_some() == has_tls);
    let had = running.seen.clone();
    for (key, differs) in [
        ("api.tls_cert", had.tls != prepared.seen.tls),
        ("admin.token_file", had.token != prepared.seen.token),
        ("screening.directory", had.screen != prepared.seen.screen),
    ] {
        let is_named =
            KEYS.iter().filter(|named| same_files(key, named.name)).any(|named| named.differs(&running.config, new));
        if differs && !is_named {
            files.push(key);
        }
    }
    for key in KEYS.iter().filter(|key| key.differs(&running.config, new)).collect::<Vec<_>>() {
        match key.effect {
            Effect::Live if keeps_tls || !key.name.starts_with("api.tls_") => {
                key.take(&mut running.config, new);
                findings.applied(key.name, APPLIED);
            }
            Effect::Live | Effect::Restart => findings.needs_restart(key.name, NEEDS_RESTART),
        }
    }
    files.into_iter().for_each(|key| findings.applied(key, "its files have changed and were read again"));
    if had.pepper != prepared.seen.pepper
        && !KEYS.iter().any(|key| key.name.starts_with("keys.") && key.differs(&running.config, new))
    {
        findings.needs_restart("keys.pepper_file", NEEDS_RESTART);
    }
    // The pepper stays the one of the start.
    running.seen = Seen { pepper: had.pepper, ..prepared.seen.clone() };
}

/// Whether two keys are about the same files.
fn same_files(one: &str, other: &str) -> bool {
    match one {
        "api.tls_cert" => other.starts_with("api.tls_"),
        "admin.token_file" => other.starts_with("admin.token"),
        _ => one == other,
    }
}
