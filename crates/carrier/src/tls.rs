//! TLS towards a carrier: whom to trust, and who we are.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::config::{CarrierConfig, Mistake};

/// How a carrier's connections are secured, and the name that its certificate must have; `None` where they are not.
pub(crate) fn client(config: &CarrierConfig) -> Result<Option<(TlsConnector, ServerName<'static>)>, Mistake> {
    if !config.tls {
        return Ok(None);
    }
    let (key, name) = config.tls_server_name.as_ref().map_or(("host", &config.host), |name| ("tls_server_name", name));
    let name = ServerName::try_from(name.clone()).map_err(|error| Mistake::new(key, format!("cannot be in a certificate: {error}")))?;
    Ok(Some((TlsConnector::from(Arc::new(client_config(config)?)), name)))
}

fn client_config(config: &CarrierConfig) -> Result<ClientConfig, Mistake> {
    let mut roots = RootCertStore::empty();
    match &config.tls_ca {
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
    let builder = builder.map_err(|error| Mistake::new("tls", format!("cannot be used: {error}")))?.with_root_certificates(roots);
    match (&config.tls_client_cert, &config.tls_client_key) {
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
    let found: Vec<_> = CertificateDer::pem_file_iter(file).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    if found.is_empty() { Err(unusable(key, file, &"there is no certificate in it")) } else { Ok(found) }
}

fn unusable(key: &str, file: &Path, error: &dyn std::fmt::Display) -> Mistake {
    Mistake::new(key, format!("cannot use {}: {error}", file.display()))
}
