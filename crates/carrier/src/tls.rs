//! TLS towards a carrier: trusted authorities, and our own certificate.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::keys::Mistake;

/// What a carrier's configuration says of TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TlsFiles<'a> {
    /// Whether connections are secured.
    pub(crate) on: bool,
    /// The host that is connected to.
    pub(crate) host: &'a str,
    /// The name that its certificate must have, where it is not the host's.
    pub(crate) server_name: Option<&'a str>,
    /// Certificates to trust instead of the machine's.
    pub(crate) ca: Option<&'a Path>,
    /// Our certificate.
    pub(crate) client_cert: Option<&'a Path>,
    /// The key of our certificate.
    pub(crate) client_key: Option<&'a Path>,
}

/// How a carrier's connections are secured, and the name that its certificate must have; `None` where they are not.
pub(crate) fn client(files: &TlsFiles<'_>) -> Result<Option<(TlsConnector, ServerName<'static>)>, Mistake> {
    if !files.on {
        return Ok(None);
    }
    let (key, name) = files.server_name.map_or(("host", files.host), |name| ("tls_server_name", name));
    let name = ServerName::try_from(name.to_owned())
        .map_err(|error| Mistake::new(key, format!("cannot be in a certificate: {error}")))?;
    Ok(Some((TlsConnector::from(Arc::new(client_config(files)?)), name)))
}

/// How connections to a listener are secured, by a certificate and its key, each with the configuration key that names
/// it.
pub(crate) fn server((cert_key, cert): (&str, &Path), (key_key, key): (&str, &Path)) -> Result<TlsAcceptor, Mistake> {
    let chain = certificates(cert, cert_key)?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key_key, key, &error))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions();
    let builder =
        builder.map_err(|error| Mistake::new(cert_key, format!("cannot be used: {error}")))?.with_no_client_auth();
    let config = builder.with_single_cert(chain, private).map_err(|error| unusable(cert_key, cert, &error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn client_config(files: &TlsFiles<'_>) -> Result<ClientConfig, Mistake> {
    let mut roots = RootCertStore::empty();
    match files.ca {
        Some(file) => {
            for certificate in certificates(file, "tls_ca")? {
                roots.add(certificate).map_err(|error| unusable("tls_ca", file, &error))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder =
        builder.map_err(|error| Mistake::new("tls", format!("cannot be used: {error}")))?.with_root_certificates(roots);
    match (files.client_cert, files.client_key) {
        (Some(certificate), Some(key)) => {
            let chain = certificates(certificate, "tls_client_cert")?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable("tls_client_key", key, &error))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| unusable("tls_client_cert", certificate, &error))
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}

/// The certificates of a file, of which there must be one.
fn certificates(file: &Path, key: &str) -> Result<Vec<CertificateDer<'static>>, Mistake> {
    let failed = |error: rustls::pki_types::pem::Error| unusable(key, file, &error);
    let found: Vec<_> =
        CertificateDer::pem_file_iter(file).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    if found.is_empty() { Err(unusable(key, file, &"there is no certificate in it")) } else { Ok(found) }
}

fn unusable(key: &str, file: &Path, error: &dyn std::fmt::Display) -> Mistake {
    Mistake::new(key, format!("cannot use {}: {error}", file.display()))
}
