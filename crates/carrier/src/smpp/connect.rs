//! Opening a connection to an SMSC: TCP, from a chosen address if need be, and TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use super::config::SmppConfig;
use crate::config::ConfigError;
use crate::tls;

/// A connection, plain or TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// How to reach one SMSC.
pub(crate) struct Connector {
    config: Arc<SmppConfig>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Connector {
    /// Reads certificates and keys.
    ///
    /// # Errors
    /// [`ConfigError`] where one cannot be used.
    pub(crate) fn new(config: Arc<SmppConfig>) -> Result<Self, ConfigError> {
        let tls = tls::client(&config.tls_files()).map_err(|mistake| config.mistaken(vec![mistake]))?;
        Ok(Self { config, tls })
    }

    /// Opens a connection, within the time that the configuration gives.
    pub(crate) async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let limit = Duration::from_secs(self.config.connect_timeout_secs);
        tokio::time::timeout(limit, self.open()).await.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no connection in time")))
    }

    async fn open(&self) -> io::Result<Box<dyn Stream>> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in lookup_host((self.config.host.as_str(), self.config.port)).await? {
            match self.tcp(address).await {
                Ok(stream) => return self.secure(stream).await,
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn tcp(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(source) = self.config.source_ip {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        let stream = socket.connect(address).await?;
        // PDUs are small and written in batches of our own making.
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn secure(&self, stream: TcpStream) -> io::Result<Box<dyn Stream>> {
        match &self.tls {
            Some((connector, name)) => Ok(Box::new(connector.connect(name.clone(), stream).await?)),
            None => Ok(Box::new(stream)),
        }
    }
}
