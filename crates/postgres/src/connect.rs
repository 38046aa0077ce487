//! How PostgreSQL is reached: the URL, TLS, and what each connection is set to.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::described;
use super::unreplicated::{Connections, Listening, Unreplicated};
use ledger::StoreError;

/// How many connections a process has at most.
const CONNECTIONS: usize = 24;

/// How long a host may take to answer, and a call may wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);

/// What each connection is set to. A lock that is not to be had ends the statement before the deadline of its call, and
/// a node that is paused within a transaction loses it. Plans are made for the parameters at hand, so that only the
/// partitions that they lie in are opened. Statements see what was committed before each of them, whatever the database
/// sets for others. What is in an index is looked for there: the planner, which knows nothing of young tables, would
/// rather read a whole one, or think a statement large enough for more processes or for a compiler.
const SETTINGS: &str = "SET lock_timeout = '4s'; SET idle_in_transaction_session_timeout = '4s'; \
    SET plan_cache_mode = force_custom_plan; SET client_min_messages = warning; \
    SET default_transaction_isolation = 'read committed'; SET random_page_cost = 1.1; SET jit = off; \
    SET max_parallel_workers_per_gather = 0";

/// The database that a URL names. It is shown without user and password.
pub(super) struct Place {
    config: Config,
    /// The file with the certificates of those whose signatures count; those of the machine, where there is none.
    roots: Option<String>,
}

impl Place {
    /// What `url` says. Nothing is connected yet.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with a sentence for the operator, without any part of a password.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let Options { rest, mode, roots } = Options::of(url);
        let mut config: Config = rest.parse().map_err(|error| not_understood(&described(&error)))?;
        require_names(&config)?;
        config.ssl_mode(match mode.as_deref() {
            Some("disable") => SslMode::Disable,
            Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
            Some(_) => return Err(not_understood("sslmode is `disable`, `require` or `verify-full`")),
            None if config.get_hosts().iter().all(is_of_this_machine) => SslMode::Disable,
            None => SslMode::Require,
        });
        config
            .connect_timeout(CONNECT)
            .tcp_user_timeout(Duration::from_secs(4))
            .keepalives_idle(Duration::from_secs(10));
        if config.get_application_name().is_none() {
            config.application_name("smsfactory");
        }
        Ok(Self { config, roots: roots.filter(|file| file != "system") })
    }

    /// Connections to it, made when they are needed.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with a sentence for the operator when the certificates cannot be read.
    pub(super) fn connections(&self) -> Result<Connections, StoreError> {
        let settings = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let unreplicated = Arc::<Unreplicated>::default();
        let (config, heard) = (self.config.clone(), Arc::clone(&unreplicated));
        let manager = match self.config.get_ssl_mode() {
            SslMode::Disable => Manager::from_connect(config, Listening { tls: NoTls, heard }, settings),
            _ => Manager::from_connect(config, Listening { tls: tls(self.roots.as_deref())?, heard }, settings),
        };
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts { wait: Some(CONNECT), create: Some(CONNECT * 2), recycle: Some(CONNECT) })
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move { client.batch_execute(SETTINGS).await.map_err(HookError::Backend) })
            }))
            .build()
            .map_err(|error| StoreError::Refused(format!("cannot use the store: {error}")))?;
        Ok(Connections { pool, unreplicated })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the database `{}` at ", self.config.get_dbname().unwrap_or_default())?;
        for (index, host) in self.config.get_hosts().iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            match host {
                Host::Tcp(name) => write!(f, "{comma}{name}")?,
                Host::Unix(path) => write!(f, "{comma}{}", path.display())?,
            }
        }
        Ok(())
    }
}

/// A URL in two: the options that are ours to understand, and all else.
struct Options {
    rest: String,
    mode: Option<String>,
    roots: Option<String>,
}

impl Options {
    fn of(url: &str) -> Self {
        // A user or a password may have a question mark.
        let place = url.find('@').unwrap_or_default();
        let Some(at) = url[place..].find('?').map(|at| place + at) else {
            return Self { rest: url.to_owned(), mode: None, roots: None };
        };
        let (mut rest, mut mode, mut roots) = (url[..at].to_owned(), None, None);
        let mut separator = '?';
        for option in url[at + 1..].split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sslmode", value)) => mode = Some(decoded(value)),
                Some(("sslrootcert", value)) => roots = Some(decoded(value)),
                _ => {
                    rest.push(separator);
                    rest.push_str(option);
                    separator = '&';
                }
            }
        }
        Self { rest, mode, roots }
    }
}

/// A value of a URL. A plus sign is one.
fn decoded(value: &str) -> String {
    let name = value.replace('+', "%2B").replace('=', "%3D");
    url::form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// The URL stays out of the message: it may hold a password.
fn not_understood(what: &str) -> StoreError {
    StoreError::Refused(format!(
        "the store URL is invalid: {what}; its form is `postgres://USER:PASSWORD@HOST/DATABASE`, with `%40` for `@` \
         in a password"
    ))
}

fn require_names(config: &Config) -> Result<(), StoreError> {
    let is_name = |host: &Host| match host {
        Host::Tcp(name) => {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:%".contains(&byte))
        }
        Host::Unix(_) => true,
    };
    match config.get_hosts() {
        [] => Err(not_understood("it names no host")),
        // What is no name may be a part of a password.
        hosts if !hosts.iter().all(is_name) => Err(not_understood("a host is no name and no address")),
        _ if config.get_dbname().is_none() => Err(not_understood("it names no database")),
        _ => Ok(()),
    }
}

/// Whether what is sent to a host stays on this machine.
fn is_of_this_machine(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
    }
}

/// TLS whose certificates are always verified, with those of the machine or those in a file.
fn tls(roots: Option<&str>) -> Result<MakeRustlsConnect, StoreError> {
    let mut store = rustls::RootCertStore::empty();
    match roots {
        Some(path) => {
            let unreadable =
                |error: &dyn std::fmt::Display| StoreError::Refused(format!("cannot read sslrootcert {path}: {error}"));
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))? {
                let certificate = certificate.map_err(|error| unreadable(&error))?;
                store.add(certificate).map_err(|error| unreadable(&error))?;
            }
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Refused(format!("cannot use TLS: {error}")))?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
