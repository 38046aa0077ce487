//! TLS: certificates that are trusted, those that are not, and our own.

use std::path::PathBuf;
use std::sync::Arc;

use carrier::SegmentOutcome;
use carrier::smpp::config::SmppConfig;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use simulator::smsc::Options;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::{Bench, config, first_attempt, smsc, supervisor, within};

/// An authority that exists for one test, and its files.
pub(crate) struct Authority {
    directory: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { directory, issuer }
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// A certificate for this name, and its key.
    pub(crate) fn issue(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let path = |kind: &str| self.directory.path().join(format!("{name}.{kind}.pem"));
        std::fs::write(path("certificate"), certificate.pem()).unwrap();
        std::fs::write(path("key"), key.serialize_pem()).unwrap();
        (path("certificate"), path("key"))
    }
}

#[tokio::test]
async fn messages_and_receipts_go_over_tls() {
    let authority = Authority::new();
    for (name, server_name, one_octet_writes) in [
        ("127.0.0.1", None, false),
        ("smsc.example.net", Some("smsc.example.net"), false),
        ("localhost", Some("localhost"), true),
    ] {
        let (tls_cert, tls_key) = authority.issue(name);
        let smsc =
            smsc(Options { tls_cert: Some(tls_cert), tls_key: Some(tls_key), one_octet_writes, ..Options::default() })
                .await;
        let tls_server_name = server_name.map(str::to_owned);
        let mut bench = Bench::start(SmppConfig {
            tls: true,
            tls_ca: Some(authority.certificate()),
            tls_server_name,
            ..config(smsc.address())
        });
        for number in 1..=50 {
            bench.submit(first_attempt(number, &"long ".repeat(60))).await;
        }
        let (mut outcomes, mut receipts) = (0, 0);
        while outcomes < 50 || receipts < 100 {
            match bench.event().await {
                carrier::Event::Outcome(outcome) => {
                    assert!(
                        outcome.segments.iter().all(|(_, segment)| matches!(segment, SegmentOutcome::Accepted { .. }))
                    );
                    outcomes += 1;
                }
                carrier::Event::Receipt(_, ack) => {
                    receipts += 1;
                    ack.accept();
                }
                carrier::Event::Inbound(..) | carrier::Event::Answered(_) => panic!("no message was sent"),
                carrier::Event::Unusable(unusable) => panic!("{unusable:?}"),
            }
        }
        within("the SMSC has all answers", smsc.wait_for(|seen| seen.receipts_taken == 100)).await;
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_no_connection() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (tls_cert, tls_key) = authority.issue("smsc.example.net");
    let smsc = smsc(Options { tls_cert: Some(tls_cert), tls_key: Some(tls_key), ..Options::default() }).await;
    for (what, ca, name) in [
        ("another authority", Some(stranger.certificate()), "smsc.example.net"),
        ("another name", Some(authority.certificate()), "other.example.net"),
        ("an authority that the machine does not know", None, "smsc.example.net"),
    ] {
        let bench = Bench::start(SmppConfig {
            tls: true,
            tls_ca: ca,
            tls_server_name: Some(name.to_owned()),
            ..config(smsc.address())
        });
        let status = bench.status(what, |status| status.state == "down").await;
        assert!(status.last_error.as_deref().unwrap().contains("invalid peer certificate"), "{what}: {status:?}");
    }
    assert_eq!(smsc.summary().binds, 0);
}

#[tokio::test]
async fn a_peer_that_does_not_speak_tls_is_no_connection() {
    let authority = Authority::new();
    let smsc = smsc(Options::default()).await;
    let bench = Bench::start(SmppConfig { tls: true, tls_ca: Some(authority.certificate()), ..config(smsc.address()) });
    bench.status("it gives up", |status| status.state == "down").await;
}

#[tokio::test]
async fn our_certificate_is_shown_to_an_smsc_that_asks() {
    let authority = Authority::new();
    let (server_cert, server_key) = authority.issue("smsc.example.net");
    let (client_cert, client_key) = authority.issue("esme.example.net");
    let read = |path| CertificateDer::pem_file_iter(path).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(read(authority.certificate()).remove(0)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let asks = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(asks);
    let server = server.with_single_cert(read(server_cert), PrivateKeyDer::from_pem_file(server_key).unwrap()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _bench = Bench::start(SmppConfig {
        tls: true,
        tls_ca: Some(authority.certificate()),
        tls_server_name: Some("smsc.example.net".to_owned()),
        tls_client_cert: Some(client_cert.clone()),
        tls_client_key: Some(client_key),
        ..config(listener.local_addr().unwrap())
    });
    let (stream, _) = within("a connection", listener.accept()).await.unwrap();
    let mut stream = within("a handshake", TlsAcceptor::from(Arc::new(server)).accept(stream)).await.unwrap();
    assert_eq!(stream.get_ref().1.peer_certificates(), Some(&read(client_cert)[..]));
    let mut header = [0; 16];
    within("a bind", stream.read_exact(&mut header)).await.unwrap();
    assert_eq!(header[4..8], [0, 0, 0, 9]);
}

#[test]
fn files_that_cannot_be_used_are_told_at_the_start() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    let authority = Authority::new();
    let address = ([127, 0, 0, 1], 2775).into();
    let missing = || Some(PathBuf::from("/nonexistent/file.pem"));
    let sound = || SmppConfig { tls: true, tls_ca: Some(authority.certificate()), ..config(address) };
    for (key, knobs) in [
        ("tls_ca", SmppConfig { tls_ca: missing(), ..sound() }),
        ("tls_server_name", SmppConfig { tls_server_name: Some("no name".to_owned()), ..sound() }),
        ("tls_client_cert", SmppConfig { tls_client_cert: missing(), tls_client_key: missing(), ..sound() }),
        ("tls_client_cert", SmppConfig { tls_client_cert: missing(), ..sound() }),
        ("password_file", SmppConfig { password_file: missing(), ..config(address) }),
    ] {
        let (events, _) = tokio::sync::mpsc::unbounded_channel();
        let started = carrier::start(knobs.into(), events, Arc::new(model::SeededEntropy::new(1)), &supervisor());
        let Err(error) = started else { panic!("{key}: it started") };
        assert!(error.to_string().contains(key), "{key}: {error}");
    }
}
