//! A connection of our own: a socket to an address that was judged, TLS over it, HTTP/1.1 over that.
//!
//! The only place that opens a socket to where a client points. The HTTP library gets the connection made: it has no resolver to ask, no proxy to heed and no pool from which
//! it could take another one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::guard::Judged;
use super::url::{Target, TargetHost};

/// The most octets of a response's head.
const HEAD_BYTES_MAX: usize = 16 * 1_024;

/// The most header fields of a response.
const HEADERS_MAX: usize = 100;

/// The most addresses of a host that are tried.
const ADDRESSES_MAX: usize = 3;

/// A connection over which one request is made. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
}

/// What moves the octets of a connection.
#[derive(Debug)]
pub(super) struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Connects to one of the judged addresses, the first that lets us, within `limit` over all.
pub(super) async fn open(judged: &Judged, tls: &TlsConnector, limit: Duration) -> Result<Connection, String> {
    let addresses = &judged.addresses()[..judged.addresses().len().min(ADDRESSES_MAX)];
    // One that swallows our packets leaves time for the next.
    let share = limit / u32::try_from(addresses.len().max(1)).unwrap_or(1);
    let mut failed = "there is no address".to_owned();
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Requests are small, and nothing follows that they could wait for.
                let _ = stream.set_nodelay(true);
                return match timeout(limit, secured(judged.target(), stream, tls)).await {
                    Ok(connection) => connection,
                    Err(_) => Err(format!("{address} did not secure the connection in time")),
                };
            }
            Ok(Err(error)) => failed = format!("cannot connect to {address}: {error}"),
            Err(_) => failed = format!("{address} did not answer in time"),
        }
    }
    Err(failed)
}

async fn secured(target: &Target, stream: TcpStream, tls: &TlsConnector) -> Result<Connection, String> {
    if !target.is_https() {
        return handshake(stream).await;
    }
    let name = match target.host() {
        TargetHost::Literal(address) => ServerName::from(*address),
        TargetHost::Name(name) => ServerName::try_from(name.clone()).map_err(|error| format!("{name} cannot be in a certificate: {error}"))?,
    };
    handshake(tls.connect(name, stream).await.map_err(|error| format!("TLS failed: {error}"))?).await
}

async fn handshake(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Result<Connection, String> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES_MAX).max_headers(HEADERS_MAX);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // What goes wrong on the way is told by the request, or by the body.
    let driver = tokio::spawn(async move { drop(connection.await) });
    Ok(Connection { sender, driver: Driver(driver) })
}

impl Connection {
    /// Makes the one request. The body of the response comes as long as the driver is kept.
    pub(super) async fn ask(mut self, request: Request<Full<Bytes>>) -> Result<(Response<Incoming>, Driver), String> {
        let response = self.sender.send_request(request).await.map_err(|error| error.to_string())?;
        Ok((response, self.driver))
    }
}

/// Whose certificates are believed.
#[derive(Clone, Debug, Default)]
pub enum Trust {
    /// Those whom this machine trusts.
    #[default]
    Machine,
    /// These.
    Only(RootCertStore),
}

impl Trust {
    /// How connections are secured: by ring, as HTTP/1.1, and with the name of the host in the certificate.
    ///
    /// # Errors
    /// The provider has none of the protocol versions that rustls knows: a mistake in how this was built.
    pub(super) fn connector(self) -> Result<TlsConnector, rustls::Error> {
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
