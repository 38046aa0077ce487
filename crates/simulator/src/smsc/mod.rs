//! A scriptable SMSC.

mod faults;
mod held;
mod inbound;
mod options;
mod receipts;
mod registry;
mod reply;
mod session;
mod summary;
mod validity;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::Duration;

use runtime::{Runtime, Work};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub use crate::delay::DelayMs;
pub use crate::distribution::Distribution;
use crate::handsets::Handsets;
use crate::journal::Journal;
use crate::random::Random;
use crate::sessions::{self, Sessions, Stream};
use inbound::Delivery;
pub use inbound::{AnswerOf, Handset, InboundEncoding, InboundOptions, InboundOrder, InboundSplit, InboundVia};
pub use options::{IdFormat, Options, ReceiptFormat, Rejection, RejectionTo, Status};
use registry::{Offer, Registry};
pub(crate) use reply::Keyboard;
pub use reply::{How, NotSent};
use session::Session;
pub use summary::Summary;

/// A running SMSC. It stops when this is dropped.
pub struct Smsc {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What all sessions share.
pub(crate) struct Shared {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) options: Options,
    pub(crate) registry: Registry,
    pub(crate) journal: Journal<Summary>,
    pub(crate) next_id: AtomicU64,
    /// The concatenation reference of the next long message of a handset.
    next_reference: AtomicU16,
    sessions: Arc<Sessions>,
    /// The recipient, where there are viewers of its handset.
    pub(crate) handsets: Option<Arc<Handsets>>,
}

/// Starts an SMSC.
///
/// # Errors
/// When it cannot listen, or a file of the options cannot be used.
pub async fn start(options: Options, runtime: Arc<dyn Runtime>) -> io::Result<Smsc> {
    start_with(options, None, runtime).await
}

/// Starts an SMSC whose messages go to these handsets.
///
/// # Errors
/// As [`start`].
pub fn start_with(
    options: Options,
    handsets: Option<Arc<Handsets>>,
    runtime: Arc<dyn Runtime>,
) -> Work<io::Result<Smsc>> {
    Box::pin(started(options, handsets, runtime))
}

async fn started(options: Options, handsets: Option<Arc<Handsets>>, runtime: Arc<dyn Runtime>) -> io::Result<Smsc> {
    let listener = TcpListener::bind(options.listen).await?;
    let tls = acceptor(&options)?;
    let address = listener.local_addr()?;
    let journal = Journal::open(options.log.as_deref())?;
    let mut messages = options.inbound.inbound.clone();
    if let Some(file) = &options.inbound.inbound_file {
        messages.extend(inbound::of_file(file)?);
    }
    let first_id = AtomicU64::new(options.first_id);
    let sessions = Arc::default();
    let shared = Arc::new(Shared {
        runtime: Arc::clone(&runtime),
        registry: Registry::default(),
        journal,
        next_id: first_id,
        next_reference: AtomicU16::new(1),
        sessions,
        handsets,
        options,
    });
    let to_serve = Arc::clone(&shared);
    let serve = move |stream, number| {
        let served = serve(stream, tls.clone(), Arc::clone(&to_serve), number);
        to_serve.runtime.spawn("session of an SMSC", Box::pin(served));
    };
    let accepting = sessions::accept(Arc::clone(&runtime), listener, Arc::clone(&shared.sessions), serve);
    runtime.spawn("listener of an SMSC", Box::pin(accepting));
    if !messages.is_empty() {
        runtime.spawn("handsets of an SMSC", Box::pin(send_all(Arc::clone(&shared), messages)));
    }
    Ok(Smsc { address, shared })
}

impl Shared {
    /// What its clock says, in milliseconds since 1970: a carrier dates its receipts.
    pub(crate) fn now_ms(&self) -> i64 {
        self.runtime.now().as_millis()
    }

    /// The concatenation reference of the next message of a handset.
    fn next_reference(&self) -> u16 {
        self.next_reference.fetch_add(1, Ordering::Relaxed)
    }

    /// The parts of a message of a handset. One that cannot be encoded as the options say is left out.
    pub(crate) fn deliveries(&self, message: &Handset, random: &mut Random) -> Vec<Delivery> {
        inbound::deliveries(&self.options.inbound, message, self.next_reference(), random).unwrap_or_else(|why| {
            tracing::warn!("An inbound message was not sent: {why}");
            Vec::new()
        })
    }
}

/// Sends messages of handsets, so many a second, once a session is bound.
async fn send_all(shared: Arc<Shared>, messages: Vec<Handset>) {
    let mut stopped = shared.sessions.stopped();
    let sending = async {
        shared.journal.wait_for(|seen| seen.binds > 0).await;
        let mut random = Random::new(shared.options.seed);
        let options = &shared.options.inbound;
        let pause = (options.inbound_rate > 0).then(|| Duration::from_secs(1) / options.inbound_rate);
        for message in (0..options.inbound_repeat).flat_map(|_| &messages) {
            for part in shared.deliveries(message, &mut random) {
                shared.registry.deliver_to_any(Offer::Inbound(part));
            }
            if let Some(pause) = pause {
                shared.runtime.sleep(pause).await;
            }
        }
    };
    tokio::select! {
        () = sending => {}
        _ = stopped.wait_for(|stop| *stop == sessions::Stop::All) => {}
    }
}

impl Smsc {
    /// The address on which it listens.
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

    /// Sends a message of a handset, as the options say, to a session that receives, or later to the first one.
    pub fn bring(&self, message: &Handset) {
        for part in self.shared.deliveries(message, &mut Random::new(self.shared.options.seed)) {
            self.shared.registry.deliver_to_any(Offer::Inbound(part));
        }
    }

    /// Cuts every connection, as a failing network would.
    pub fn disconnect_all(&self) {
        self.shared.sessions.cut();
    }

    /// Waits until what it has seen satisfies `condition`; looks again whenever something was seen.
    pub async fn wait_for(&self, condition: impl Fn(&Summary) -> bool) {
        self.shared.journal.wait_for(condition).await;
    }
}

impl Drop for Smsc {
    fn drop(&mut self) {
        self.shared.sessions.end();
        self.shared.journal.flush();
    }
}

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

async fn serve(stream: Stream, tls: Option<TlsAcceptor>, shared: Arc<Shared>, number: u64) {
    let stopped = shared.sessions.stopped();
    let ended = match tls {
        Some(acceptor) => match shared
            .runtime
            .timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream))
            .await
            .map_err(io::Error::from)
            .flatten()
        {
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
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(&error))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(&error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?;
    let config = builder.with_no_client_auth().with_single_cert(chain, key).map_err(|error| unusable(&error))?;
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}
