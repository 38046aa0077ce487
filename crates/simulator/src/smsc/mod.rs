//! A scriptable SMSC.

mod faults;
mod journal;
mod options;
mod random;
mod receipts;
mod registry;
mod session;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use journal::Journal;
pub use journal::Summary;
pub use options::{DelayMs, Distribution, IdFormat, Options, ReceiptFormat, Rejection, Status};
use registry::Registry;
use session::Session;

/// A running SMSC. It stops when this is dropped.
pub struct Smsc {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<Stop>,
}

/// What all sessions share.
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) registry: Registry,
    pub(crate) journal: Journal,
    pub(crate) next_id: AtomicU64,
    next_session: AtomicU64,
}

/// What sessions are told from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Go on.
    No,
    /// Every session of a number up to this one ends, as if the network had failed.
    Sessions(u64),
    /// Everything ends.
    All,
}

/// Starts an SMSC on the current runtime.
///
/// # Errors
/// When it cannot listen, or a file of the options cannot be used.
pub async fn start(options: Options) -> io::Result<Smsc> {
    let listener = TcpListener::bind(options.listen).await?;
    let tls = acceptor(&options)?;
    let address = listener.local_addr()?;
    let journal = Journal::open(&options)?;
    let first_id = AtomicU64::new(options.first_id);
    let shared = Arc::new(Shared { registry: Registry::default(), journal, next_id: first_id, next_session: AtomicU64::new(1), options });
    let (stop, stopped) = watch::channel(Stop::No);
    tokio::spawn(accept(listener, tls, Arc::clone(&shared), stopped));
    Ok(Smsc { address, shared, stop })
}

impl Smsc {
    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has seen so far.
    pub fn summary(&self) -> Summary {
        self.shared.journal.summary()
    }

    /// Writes what it has seen to the log file, if there is one.
    pub fn flush(&self) {
        self.shared.journal.flush();
    }

    /// Cuts every connection, as a failing network would.
    pub fn disconnect_all(&self) {
        let last = self.shared.next_session.load(Ordering::SeqCst).saturating_sub(1);
        self.stop.send_replace(Stop::Sessions(last));
    }

    /// Waits until what it has seen satisfies `condition`; looks again whenever something was seen.
    pub async fn wait_for(&self, condition: impl Fn(&Summary) -> bool) {
        loop {
            let changed = self.shared.journal.changed();
            if condition(&self.summary()) {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for Smsc {
    fn drop(&mut self) {
        self.stop.send_replace(Stop::All);
        self.shared.journal.flush();
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>, mut stopped: watch::Receiver<Stop>) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "Cannot accept a connection: {error}");
                    continue;
                }
            },
            _ = stopped.wait_for(|stop| *stop == Stop::All) => return,
        };
        let number = shared.next_session.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(serve(stream, tls.clone(), Arc::clone(&shared), number, stopped.clone()));
    }
}

async fn serve(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Arc<Shared>, number: u64, stopped: watch::Receiver<Stop>) {
    // A connection that fails at once is the peer's affair.
    let _ = stream.set_nodelay(true);
    let ended = match tls {
        Some(acceptor) => match acceptor.accept(stream).await {
            Ok(stream) => Session::new(shared, number).run(stream, stopped).await,
            Err(error) => Err(error),
        },
        None => Session::new(shared, number).run(stream, stopped).await,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "Session {number} ended: {error}");
    }
}

fn acceptor(options: &Options) -> io::Result<Option<TlsAcceptor>> {
    let (Some(certificate), Some(key)) = (&options.tls_cert, &options.tls_key) else { return Ok(None) };
    let unusable = |error: &dyn std::fmt::Display| io::Error::new(io::ErrorKind::InvalidInput, error.to_string());
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(|error| unusable(&error))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(&error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(|error| unusable(&error))?;
    let config = builder.with_no_client_auth().with_single_cert(chain, key).map_err(|error| unusable(&error))?;
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}
