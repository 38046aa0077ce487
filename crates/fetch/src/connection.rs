//! A connection of our own: a socket to an address that was judged, TLS over it, HTTP/1.1 over that.
//!
//! The only place that opens a socket to where a client points. The HTTP library gets the connection made: it has no
//! resolver to ask, no proxy to heed and no pool from which it could take another one.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use runtime::{Runtime, Task, Work};
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::guard::Judged;
use crate::url::{Target, TargetHost};

/// The most octets of a response's head.
const HEAD_BYTES_MAX: usize = 16 * 1_024;

/// The most header fields of a response.
const HEADERS_MAX: usize = 100;

/// The most addresses of a host that are tried.
const ADDRESSES_MAX: usize = 16;

/// How long an attempt to connect has before the next one begins beside it (RFC 8305, section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The most attempts at once. When one more begins, the oldest ends, which has had a second by then.
const ATTEMPTS_MAX: usize = 4;

/// The most sockets that one request has open: one for each attempt to connect, and one to a name server.
pub const SOCKETS_MAX: usize = ATTEMPTS_MAX + 1;

/// A connection over which requests are made, one after the other. It ends when this is dropped.
pub(crate) struct Connection {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
}

/// What moves the octets of a connection.
pub(crate) struct Driver(Task);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Connects to one of the judged addresses, the first that lets us, by `deadline`.
pub(crate) async fn open(
    judged: &Judged,
    tls: &TlsConnector,
    deadline: Instant,
    runtime: &Arc<dyn Runtime>,
) -> Result<Connection, String> {
    let (address, stream) = race(judged.addresses(), deadline, runtime).await?;
    // Requests are small, and nothing follows that they could wait for.
    let _ = stream.set_nodelay(true);
    match runtime.timeout_at(deadline, secured(judged.target(), address, stream, tls, runtime)).await {
        Ok(connection) => connection,
        Err(_) => Err(format!("{address} did not secure the connection in time")),
    }
}

/// Tries addresses one after the other, and beside each other where they are slow (RFC 8305): one that swallows
/// packets, or a whole family that does, holds nobody up.
async fn race(
    addresses: &[SocketAddr],
    deadline: Instant,
    runtime: &Arc<dyn Runtime>,
) -> Result<(SocketAddr, TcpStream), String> {
    let mut waiting: VecDeque<SocketAddr> = interleaved(addresses).into_iter().take(ADDRESSES_MAX).collect();
    let mut attempts = Attempts::default();
    let mut failed = "there is no address".to_owned();
    let mut next_at = runtime.instant();
    loop {
        if next_at <= runtime.instant()
            && let Some(address) = waiting.pop_front()
        {
            failed = format!("{address} did not answer in time");
            attempts.begin(address);
            next_at = runtime.instant() + ATTEMPT_DELAY;
        }
        if attempts.0.is_empty() {
            if waiting.is_empty() {
                return Err(failed);
            }
            next_at = runtime.instant();
            continue;
        }
        let until = if waiting.is_empty() { deadline } else { deadline.min(next_at) };
        match runtime.timeout_at(until, attempts.next()).await {
            Ok((address, Ok(stream))) => return Ok((address, stream)),
            Ok((address, Err(error))) => {
                failed = format!("cannot connect to {address}: {error}");
                next_at = runtime.instant();
            }
            Err(_) if runtime.instant() >= deadline => return Err(failed),
            Err(_) => {}
        }
    }
}

/// Attempts to connect, the oldest first.
#[derive(Default)]
struct Attempts(VecDeque<(SocketAddr, Work<io::Result<TcpStream>>)>);

impl Attempts {
    /// Begins one more; the oldest ends for it where there are [`ATTEMPTS_MAX`].
    fn begin(&mut self, address: SocketAddr) {
        if self.0.len() >= ATTEMPTS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((address, Box::pin(TcpStream::connect(address))));
    }

    /// The next that ends. Waits for ever where there is none. May be dropped and called again.
    async fn next(&mut self) -> (SocketAddr, io::Result<TcpStream>) {
        poll_fn(|context| {
            for place in 0..self.0.len() {
                let (address, attempt) = &mut self.0[place];
                if let Poll::Ready(ended) = attempt.as_mut().poll(context) {
                    let address = *address;
                    self.0.remove(place);
                    return Poll::Ready((address, ended));
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// The addresses in the order in which they came, IPv6 and IPv4 in turns (RFC 8305, section 4), each once.
fn interleaved(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let is_first_family =
        |address: &&SocketAddr| addresses.first().is_some_and(|first| first.is_ipv6() == address.is_ipv6());
    let (first, second): (Vec<_>, Vec<_>) = addresses.iter().partition(is_first_family);
    let mut order: Vec<SocketAddr> = Vec::with_capacity(addresses.len());
    for place in 0..first.len().max(second.len()) {
        for address in [first.get(place), second.get(place)].into_iter().flatten() {
            if !order.contains(address) {
                order.push(*address);
            }
        }
    }
    order
}

async fn secured(
    target: &Target,
    address: SocketAddr,
    stream: TcpStream,
    tls: &TlsConnector,
    runtime: &Arc<dyn Runtime>,
) -> Result<Connection, String> {
    if !target.is_https() {
        return handshake(address, stream, runtime).await;
    }
    let name = match target.host() {
        TargetHost::Literal(address) => ServerName::from(*address),
        TargetHost::Name(name) => {
            ServerName::try_from(name.clone()).map_err(|error| format!("{name} cannot be in a certificate: {error}"))?
        }
    };
    let secured = tls.connect(name, stream).await.map_err(|error| tls_failed(&error))?;
    handshake(address, Abrupt(secured), runtime).await
}

/// What a server lacks that has no version and no cipher suite in common with us.
const NOTHING_IN_COMMON: &str = "neither TLS 1.3 nor TLS 1.2 with a cipher suite of ECDHE and AEAD";

/// What went wrong with TLS. A server that shares no cipher suite with us says no more than that it failed, and many
/// hang up without a word.
fn tls_failed(error: &io::Error) -> String {
    let alert = match error.get_ref().and_then(|error| error.downcast_ref()) {
        Some(rustls::Error::AlertReceived(alert)) => Some(*alert),
        _ => None,
    };
    let has_hung_up = matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    );
    match alert {
        Some(AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion) => {
            format!("TLS failed: the server offers {NOTHING_IN_COMMON} ({error})")
        }
        None if has_hung_up => {
            format!("TLS failed: the server hung up in the handshake; perhaps it offers {NOTHING_IN_COMMON} ({error})")
        }
        _ => format!("TLS failed: {error}"),
    }
}

async fn handshake(
    address: SocketAddr,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    runtime: &Arc<dyn Runtime>,
) -> Result<Connection, String> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES_MAX).max_headers(HEADERS_MAX);
    // Servers as they are: what browsers pass over in a head is no reason to lose a picture.
    builder
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .ignore_invalid_headers_in_responses(true);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // What goes wrong on the way is told by the request, or by the body.
    let driver = runtime.spawn("guarded connection", Box::pin(async move { drop(connection.await) }));
    Ok(Connection { address, sender, driver: Driver(driver) })
}

/// A stream of TLS whose peer may hang up without a word, as old servers do at the end of a body. What is missing of
/// one is seen by its length, or by the file itself.
struct Abrupt<S>(S);

impl<S: AsyncRead + Unpin> AsyncRead for Abrupt<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer).map(|read| match read {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
            read => read,
        })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Abrupt<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

impl Connection {
    /// Makes a request of several. The body of its response is read before the next one.
    pub(crate) async fn ask_next(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, String> {
        self.sender.send_request(request).await.map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            format!("{error}{cause}")
        })
    }

    /// Whether a further request can be made at once.
    pub(crate) fn is_ready(&self) -> bool {
        self.sender.is_ready() && !self.sender.is_closed()
    }

    /// Waits until a further request can be made; `false` when the connection ends.
    pub(crate) async fn ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// The other end.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes the one request. The body of the response comes as long as the driver is kept.
    pub(crate) async fn ask(mut self, request: Request<Full<Bytes>>) -> Result<(Response<Incoming>, Driver), String> {
        let response = self.sender.send_request(request).await.map_err(|error| error.to_string())?;
        Ok((response, self.driver))
    }
}

/// The certificates that are trusted.
#[derive(Clone, Debug, Default)]
pub enum Trust {
    /// Those whom this machine trusts.
    #[default]
    Machine,
    /// These.
    Only(RootCertStore),
}

impl Trust {
    /// Nobody's.
    pub fn nobody() -> Self {
        Self::Only(RootCertStore::empty())
    }

    /// How connections are secured: by ring, as HTTP/1.1, and with the name of the host in the certificate.
    ///
    /// # Errors
    /// The provider has none of the protocol versions that rustls knows: a mistake in how this was built.
    pub(crate) fn connector(self) -> Result<TlsConnector, rustls::Error> {
        let roots = match self {
            Self::Only(roots) => roots,
            Self::Machine => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                roots
            }
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsConnector::from(Arc::new(config)))
    }
}
