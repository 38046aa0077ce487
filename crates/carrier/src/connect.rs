//! Opening a connection to a carrier: TCP, from a chosen address if need be, and TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use runtime::Runtime;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

/// A connection, plain or TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// How to reach one carrier.
pub(crate) struct Connector {
    /// Its name or address.
    pub(crate) host: String,
    /// The address on which it listens.
    pub(crate) port: u16,
    /// The address to connect from.
    pub(crate) source_ip: Option<IpAddr>,
    /// How long a connection may take to open.
    pub(crate) limit: Duration,
    /// How it is secured, and the name that the carrier's certificate must have.
    pub(crate) tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Connector {
    /// Opens a connection, within the time that the configuration gives.
    pub(crate) async fn connect(&self, runtime: &Arc<dyn Runtime>) -> io::Result<Box<dyn Stream>> {
        runtime
            .timeout(self.limit, self.open())
            .await
            .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no connection in time")))
    }

    async fn open(&self) -> io::Result<Box<dyn Stream>> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in lookup_host((self.host.as_str(), self.port)).await? {
            match self.tcp(address).await {
                Ok(stream) => return self.secure(stream).await,
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Opens a connection to one address, without TLS.
    pub(crate) async fn tcp(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(source) = self.source_ip {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        let stream = socket.connect(address).await?;
        // What is written is written in batches of our own making.
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Secures a connection, where the configuration says so.
    pub(crate) async fn secure(&self, stream: TcpStream) -> io::Result<Box<dyn Stream>> {
        match &self.tls {
            Some((connector, name)) => Ok(Box::new(connector.connect(name.clone(), stream).await?)),
            None => Ok(Box::new(stream)),
        }
    }
}
