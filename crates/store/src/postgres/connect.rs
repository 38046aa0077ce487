//! How PostgreSQL is reached: the URL, TLS, and what each connection is set to.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

use super::fault::described;
use crate::StoreError;

/// How many connections a process has at most.
const CONNECTIONS: usize = 24;

/// How long a host may take to answer, and a call may wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);

/// What each connection is set to. A lock that is not to be had ends the statement before the deadline of its call, and
/// a node that is paused within a transaction loses it. Plans are made for the parameters at hand, so that only the
/// partitions that they lie in are opened.
const SETTINGS: &str = "SET lock_timeout = '4s'; SET idle_in_transaction_session_timeout = '4s'; \
    SET plan_cache_mode = force_custom_plan; SET client_min_messages = warning";

/// The pool of connections to the database that `url` names.
///
/// # Errors
/// [`StoreError::Refused`] with a sentence for the operator when the URL is not understood.
pub(super) fn pool(url: &str) -> Result<Pool, StoreError> {
    let (mut config, roots) = config(url)?;
    config.connect_timeout(CONNECT).tcp_user_timeout(Duration::from_secs(4)).keepalives_idle(Duration::from_secs(10));
    if config.get_application_name().is_none() {
        config.application_name("smsfactory");
    }
    let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match config.get_ssl_mode() {
        SslMode::Disable => Manager::from_config(config, NoTls, manager_config),
        _ => Manager::from_config(config, tls(roots.as_deref())?, manager_config),
    };
    Pool::builder(manager)
        .max_size(CONNECTIONS)
        .runtime(Runtime::Tokio1)
        .timeouts(Timeouts { wait: Some(CONNECT), create: Some(CONNECT * 2), recycle: Some(CONNECT) })
        .post_create(Hook::async_fn(|client, _| {
            Box::pin(async move { client.batch_execute(SETTINGS).await.map_err(HookError::Backend) })
        }))
        .build()
        .map_err(|error| StoreError::Refused(format!("cannot use the store: {error}")))
}

/// What the URL says, and the file with the certificates of those whose signatures count.
fn config(url: &str) -> Result<(Config, Option<String>), StoreError> {
    // The URL stays out of the message: it may hold a password.
    let refused = |what: &str| StoreError::Refused(format!("store URL is not understood: {what}"));
    let mut parsed = Url::parse(url).map_err(|error| refused(&error.to_string()))?;
    let mut roots = None;
    let mut mode = None;
    let rest: Vec<(String, String)> = parsed
        .query_pairs()
        .into_owned()
        .filter(|(name, value)| match name.as_str() {
            "sslrootcert" => {
                roots = Some(value.clone());
                false
            }
            "sslmode" => {
                mode = Some(value.clone());
                false
            }
            _ => true,
        })
        .collect();
    parsed.set_query(None);
    if !rest.is_empty() {
        parsed.query_pairs_mut().extend_pairs(rest);
    }
    let mut config: Config = parsed.as_str().parse().map_err(|error| refused(&described(&error)))?;
    let mode = match mode.as_deref() {
        Some("disable") => SslMode::Disable,
        Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
        Some(_) => return Err(refused("sslmode is `disable`, `require` or `verify-full`")),
        None if config.get_hosts().iter().all(is_of_this_machine) => SslMode::Disable,
        None => SslMode::Require,
    };
    config.ssl_mode(mode);
    if config.get_hosts().is_empty() {
        return Err(refused("it names no host"));
    }
    if config.get_dbname().is_none() {
        return Err(refused("it names no database"));
    }
    Ok((config, roots))
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
