//! `smsfactory check`: the mistakes of a configuration, before a server starts with it.

mod standing;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use carrier::CarrierConfig;
use carrier::smpp::config::SmppConfig;
use model::CarrierName;
use pipeline::SANDBOX;
use runtime::{Machine, Runtime, Supervisor};
use store::Checked;
use store::contract::dispatch::QueueDepth;
use tokio::sync::mpsc;

use super::output::counted;
use super::{Failed, machine, output, serve};
use api::http::tls;
use config::{Config, line_of_key, secrets};
use server::app::media::Place;
use server::files::{self, Budget};
use server::real::OsEntropy;

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// The configuration file
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// Do not connect to carriers, a database, Valkey or a bucket of media
    #[arg(long)]
    offline: bool,
}

impl Check {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let config = serve::read(&self.config)?;
        let (carriers, routes) =
            (counted(config.carrier.len() as u64, "carrier"), counted(config.route.len() as u64, "route"));
        output::say(format!("{}: read, {carriers}, {routes}", self.config.display()));
        let mut findings = Findings { file: self.config, mistakes: 0 };
        let runtime: Arc<dyn Runtime> = Arc::new(Machine::new());
        for (key, found) in look(&config) {
            findings.add(&key, found);
        }
        match store(&config, &runtime, self.offline).await {
            Some(Ok(Checked { found, warnings })) => {
                findings.add("store.url", Ok(format!("store: {found}")));
                warnings.into_iter().for_each(|words| findings.warn("store.url", Some(words)));
            }
            Some(Err(mistake)) => findings.add("store.url", Err(mistake)),
            None => {}
        }
        for (found, warning) in standing::look(&config, &runtime, self.offline).await {
            if let Some(found) = found {
                findings.add("keys.pepper", found);
            }
            findings.warn("store.url", warning);
        }
        if !self.offline && !config.cluster.redis.is_empty() {
            match store::postgres::valkey::check(&config.cluster.redis, Arc::clone(&runtime)).await {
                Ok(found) => findings.add("cluster.redis", Ok(format!("windows: {found}"))),
                Err(error) => findings.warn("cluster.redis", Some(format!("PostgreSQL counts rate windows: {error}"))),
            }
        }
        for (key, found) in listeners(&config).into_iter().chain(exposed(&findings.file, &config)) {
            findings.add(&key, found);
        }
        for (key, found) in media(&config, &runtime, self.offline).await {
            findings.add(key, found);
        }
        findings.warn("api.connections_max", files_of(&config));
        for (index, carrier) in config.carrier.iter().enumerate().filter(|_| !self.offline) {
            let found = match carrier {
                CarrierConfig::Smpp(config) => bind(config).await,
                CarrierConfig::Mm4(config) => {
                    named(&config.name, carrier::mm4::probe(config, Arc::clone(&runtime)).await)
                }
                CarrierConfig::Mm7(config) => named(&config.name, carrier::mm7::probe(config, &runtime).await),
                CarrierConfig::Sandbox(_) => continue,
            };
            findings.add(&format!("carrier[{index}]"), found);
        }
        if !self.offline {
            let strangers = strangers(&config, &runtime).await;
            strangers.into_iter().for_each(|words| findings.warn("store.url", Some(words)));
        }
        if findings.mistakes == 0 { Ok(()) } else { Err(Failed::new(counted(findings.mistakes, "mistake"))) }
    }
}

/// The findings so far, each printed at once.
struct Findings {
    file: PathBuf,
    mistakes: u64,
}

impl Findings {
    fn add(&mut self, key: &str, found: Result<String, String>) {
        match found {
            Ok(words) => output::verdict(output::GOOD, "ok", words),
            Err(words) => {
                self.mistakes += 1;
                output::verdict(output::BAD, "mistake", format!("{}: {words}", self.place(key)));
            }
        }
    }

    /// Prints a finding that does not stop a server from working.
    fn warn(&self, key: &str, found: Option<String>) {
        if let Some(words) = found {
            output::verdict(output::WARNING, "warning", format!("{}: {words}", self.place(key)));
        }
    }

    /// The line of a key; the file alone if it does not have the key, or if a variable overrides it.
    fn place(&self, key: &str) -> String {
        let variable = format!("SMSFACTORY_{}", key.replace('.', "_").to_uppercase());
        let text = std::fs::read_to_string(&self.file).ok().filter(|_| std::env::var_os(variable).is_none());
        let line = text.and_then(|text| line_of_key(&text, key)).map(|line| format!(":{line}")).unwrap_or_default();
        format!("{}{line}", self.file.display())
    }
}

/// The findings that need no network, each with its key.
fn look(config: &Config) -> Vec<(String, Result<String, String>)> {
    let mut found = Vec::new();
    let pepper_key = if config.keys.pepper.is_none() && config.keys.pepper_file.is_some() {
        "keys.pepper_file"
    } else {
        "keys.pepper"
    };
    found.push((pepper_key.to_owned(), config.keys.read().map(|_| "keys: the pepper is set".to_owned())));
    let token_key = if config.admin.token.is_none() { "admin.token_file" } else { "admin.token" };
    let token = config.admin.read_token().map(|token| {
        format!("admin: the API is {}", if token.is_some() { "on" } else { "off, because there is no token" })
    });
    found.push((token_key.to_owned(), token));
    if let (Some(certificate), Some(key)) = (&config.api.tls_cert, &config.api.tls_key) {
        let acceptor = tls::acceptor(certificate, key).map(|_| "api: certificate and key match".to_owned());
        let names_key = acceptor.as_ref().is_err_and(|words| words.contains(&key.display().to_string()));
        let name = if names_key { "api.tls_key" } else { "api.tls_cert" };
        found.push((name.to_owned(), acceptor.map_err(|words| format!("`{name}`: {words}"))));
    }
    found
}

/// Whether the store can be used, and every setting that would break its promises. `offline` asks no database.
async fn store(config: &Config, runtime: &Arc<dyn Runtime>, offline: bool) -> Option<Result<Checked, String>> {
    let url = &config.store.url;
    if offline && store::path_of(url).is_ok_and(|path| path.is_none()) {
        return None;
    }
    let checked = store::check(url, Arc::clone(runtime)).await;
    Some(checked.map_err(|error| format!("`store.url`: {error}")))
}

/// Whether the directory or the bucket of media can be used. `offline` asks no bucket.
async fn media(
    config: &Config,
    runtime: &Arc<dyn Runtime>,
    offline: bool,
) -> Vec<(&'static str, Result<String, String>)> {
    let place = match Place::of(config, runtime) {
        Ok(Place::Bucket(_)) if offline => return Vec::new(),
        Ok(place) => place,
        Err(mistake) => return vec![("media.url", Err(mistake))],
    };
    let mut found = vec![(place.key(), place.check().await)];
    let is_asked = !offline || store::path_of(&config.store.url).is_ok_and(|path| path.is_some());
    if is_asked && let Err(mistake) = place.refuse_without_store(&config.store.url, runtime).await {
        found.push((place.key(), Err(mistake)));
    }
    found
}

/// Files with secrets that every user of this machine can read.
fn exposed(file: &Path, config: &Config) -> Vec<(String, Result<String, String>)> {
    let found = secrets::readable_by_everybody(file, config);
    found.into_iter().map(|(key, file)| (key, Err(secrets::exposure(&file)))).collect()
}

/// Whether this machine has the addresses of the listeners. A running server with this configuration may use their
/// ports.
fn listeners(config: &Config) -> Vec<(String, Result<String, String>)> {
    let tried = config.listeners().into_iter().map(|(key, at)| {
        let found =
            TcpListener::bind((at.ip(), 0)).map(|_| format!("{key}: {} is an address of this machine", at.ip()));
        let found = found.map_err(|error| format!("`{key}`: cannot listen on {}: {error}", at.ip()));
        (key, found)
    });
    tried.collect()
}

/// Whether this process could open as many files as the configuration may need. A service may have other limits.
fn files_of(config: &Config) -> Option<String> {
    let limit = files::raise().unwrap_or_else(|_| files::limit());
    Budget::of(config, limit).warning(config, limit)
}

/// Carriers that are not in this configuration although messages of the store wait for them.
async fn strangers(config: &Config, runtime: &Arc<dyn Runtime>) -> Vec<String> {
    let depths = match store::waiting(&config.store.url, Arc::clone(runtime)).await {
        Ok(depths) => depths,
        Err(error) => return vec![format!("the waiting messages could not be counted: {error}")],
    };
    let is_known = |name: &str| name == SANDBOX || config.carrier.iter().any(|carrier| carrier.name() == name);
    let of_carrier = |depth: QueueDepth| depth.carrier.carrier().map(|name| (name.clone(), depth.queued));
    let of_carriers = depths.into_iter().filter_map(of_carrier);
    let mut strangers: Vec<_> = of_carriers.filter(|(name, _)| !is_known(name)).collect();
    strangers.sort_unstable();
    let sentence = |(carrier, queued): (CarrierName, u64)| {
        let (messages, verb) = (counted(queued, "message"), if queued == 1 { "waits" } else { "wait" });
        format!(
            "{messages} {verb} for the carrier `{carrier}`, which is not in this configuration: `smsfactory carrier \
             abandon {carrier}` gives them to other carriers of their routes"
        )
    };
    strangers.into_iter().map(sentence).collect()
}

/// The finding about a carrier, with its name.
fn named(name: &str, found: Result<String, String>) -> Result<String, String> {
    let with_name = |words| format!("carrier `{name}`: {words}");
    found.map(with_name).map_err(with_name)
}

/// The time between two looks at the sessions while they bind.
const LOOK: Duration = Duration::from_millis(50);

/// The time before a failed session tries again here: its reason becomes known although another session bound
/// meanwhile.
const AGAIN: Duration = Duration::from_secs(1);

/// Binds every session that a service would, and unbinds them again.
async fn bind(config: &SmppConfig) -> Result<String, String> {
    let name = config.name.clone();
    let (events, _kept) = mpsc::unbounded_channel();
    let again_ms = AGAIN.as_millis() as u64;
    let eager = SmppConfig {
        refused_retry_secs: AGAIN.as_secs(),
        reconnect_floor_ms: again_ms,
        reconnect_ceiling_ms: again_ms,
        ..config.clone()
    };
    let supervisor = Supervisor::new(Arc::new(Machine::new()));
    let carrier =
        carrier::start(eager.into(), events, Arc::new(OsEntropy), &supervisor).map_err(|error| error.to_string())?;
    let limit = Duration::from_secs(config.connect_timeout_secs + config.bind_timeout_secs) + 3 * AGAIN;
    let runtime = machine();
    let settled = runtime.timeout(limit, async {
        loop {
            let status = carrier.status();
            if status.sessions_bound == status.sessions_configured || status.last_error.is_some() {
                return status;
            }
            runtime.sleep(LOOK).await;
        }
    });
    let status = settled.await.unwrap_or_else(|_| carrier.status());
    let (bound, wanted) = (status.sessions_bound, counted(status.sessions_configured as u64, "session"));
    carrier.drain(Duration::from_secs(1)).await;
    if bound == status.sessions_configured {
        return Ok(format!("carrier `{name}`: {wanted} bound to {}:{}", config.host, config.port));
    }
    Err(format!(
        "carrier `{name}`: {bound} of {wanted} bound; {}",
        status.last_error.unwrap_or_else(|| "no answer".to_owned())
    ))
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use carrier::smpp::config::BindMode;
    use simulator::smsc::{self, Options};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use wire::smpp::{BindKind, Body, CommandStatus, Pdu, decode, encode, frame};

    use super::*;

    fn carrier(port: u16) -> SmppConfig {
        SmppConfig {
            name: "main".into(),
            host: "127.0.0.1".into(),
            port,
            system_id: "me".into(),
            ..SmppConfig::default()
        }
    }

    /// Answers binds, those of receivers with a refusal, until the connection ends.
    async fn serve(mut stream: TcpStream) {
        let mut input = BytesMut::new();
        while stream.read_buf(&mut input).await.is_ok_and(|count| count > 0) {
            while let Ok(Some(length)) = frame::next(&input, 1_000) {
                let pdu = decode(&input.split_to(length)).unwrap();
                let (status, body) = match pdu.body {
                    Body::Bind(BindKind::Receiver, _) => {
                        (CommandStatus::RBINDFAIL, Body::BindResp(BindKind::Receiver, Vec::new()))
                    }
                    Body::Bind(kind, _) => (CommandStatus::ROK, Body::BindResp(kind, b"peer".to_vec())),
                    _ => (CommandStatus::ROK, Body::UnbindResp),
                };
                let mut octets = Vec::new();
                encode(&Pdu::answer(pdu.sequence, status, body), &mut octets);
                stream.write_all(&octets).await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn a_receiver_that_is_refused_is_a_mistake_although_its_transmitter_is_bound() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let peer = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
        let told = bind(&SmppConfig { bind: BindMode::TxRx, ..carrier(port) }).await.unwrap_err();
        assert!(
            told.contains("`main`") && told.contains("of 2 sessions bound; the bind was refused: ESME_RBINDFAIL"),
            "{told}"
        );
        assert_eq!(bind(&carrier(port)).await, Ok(format!("carrier `main`: 1 session bound to 127.0.0.1:{port}")));
        peer.abort();
    }

    #[tokio::test]
    async fn every_session_is_bound() {
        let options = Options { listen: "127.0.0.1:0".parse().unwrap(), sessions_max: 2, ..Options::default() };
        let smsc = smsc::start(options, Arc::new(Machine::new())).await.unwrap();
        let port = smsc.address().port();
        let pair = SmppConfig { bind: BindMode::TxRx, ..carrier(port) };
        assert_eq!(bind(&pair).await, Ok(format!("carrier `main`: 2 sessions bound to 127.0.0.1:{port}")));
        smsc.wait_for(|seen| seen.ended == 2).await;
        let told = bind(&SmppConfig { sessions: 3, ..carrier(port) }).await.unwrap_err();
        assert!(told.contains("of 3 sessions bound; the bind was refused: ESME_RALYBND"), "{told}");
    }
}
