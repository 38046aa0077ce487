//! Opening a connection to an SMSC: TCP, from a chosen address if need be, and TLS.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use crate::config::{CarrierConfig, ConfigError};

/// A connection, plain or TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// How to reach one SMSC.
pub(crate) struct Connector {
    config: Arc<CarrierConfig>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Connector {
    /// Reads certificates and keys.
    ///
    /// # Errors
    /// [`ConfigError`] where one cannot be used.
    pub(crate) fn new(config: Arc<CarrierConfig>) -> Result<Self, ConfigError> {
        let tls = if config.tls {
            let mistake = |mistake: String| ConfigError { carrier: config.name.clone(), mistakes: vec![mistake] };
            let name = config.tls_server_name.clone().unwrap_or_else(|| config.host.clone());
            let name = ServerName::try_from(name).map_err(|error| mistake(format!("`tls_server_name`: {error}")))?;
            Some((TlsConnector::from(Arc::new(client(&config).map_err(mistake)?)), name))
        } else {
            None
        };
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

fn client(config: &CarrierConfig) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    match &config.tls_ca {
        Some(file) => {
            for certificate in certificates(file, "tls_ca")? {
                roots.add(certificate).map_err(|error| format!("`tls_ca` {}: {error}", file.display()))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    let builder = builder.with_root_certificates(roots);
    match (&config.tls_client_cert, &config.tls_client_key) {
        (Some(certificate), Some(key)) => {
            let chain = certificates(certificate, "tls_client_cert")?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| format!("`tls_client_key` {}: {error}", key.display()))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| format!("`tls_client_cert`: {error}"))
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}

fn certificates(file: &Path, key: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let failed = |error: rustls::pki_types::pem::Error| format!("`{key}` {}: {error}", file.display());
    CertificateDer::pem_file_iter(file).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)
}
