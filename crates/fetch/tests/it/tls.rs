//! TLS: the name in the URL is the name in the certificate, whatever address was connected to.

use std::sync::Arc;

use fetch::Trust;
use model::ErrorCode;
use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::{ALLOWED, Names, Server, fetch, media, response, settings, tick};

/// Serves `answer` over TLS under a certificate for these names. The port, and whom to trust.
async fn serve(names: &[&str], answer: Vec<u8>) -> (u16, RootCertStore) {
    serve_to_the_end(names, answer, true).await
}

/// The same, and whether the end of TLS is told before the connection ends.
async fn serve_to_the_end(names: &[&str], answer: Vec<u8>, is_told: bool) -> (u16, RootCertStore) {
    let certified =
        rcgen::generate_simple_self_signed(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    let (certificate, key) =
        (certified.cert.der().clone(), PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap());
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((ALLOWED, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(&answer).await.unwrap();
            stream.flush().await.unwrap();
            if is_told {
                stream.shutdown().await.unwrap();
            } else {
                stream.get_mut().0.shutdown().await.unwrap();
            }
        }
    });
    (port, roots)
}

fn names() -> Arc<Names> {
    Arc::new(Names::new([("media.example.com", &[&[ALLOWED]]), ("other.example.com", &[&[ALLOWED]])]))
}

#[tokio::test]
async fn the_certificate_has_the_name_of_the_url_and_is_signed_by_who_is_trusted() {
    let (port, roots) = serve(&["media.example.com", "127.0.0.2"], response(200, &[], &media("photo.jpg"))).await;
    for (host, trust, succeeds) in [
        ("media.example.com", Trust::Only(roots.clone()), true),
        ("media.example.com.", Trust::Only(roots.clone()), true),
        ("127.0.0.2", Trust::Only(roots.clone()), true),
        ("other.example.com", Trust::Only(roots), false),
        ("media.example.com", Trust::Only(RootCertStore::empty()), false),
        ("media.example.com", Trust::Machine, false),
    ] {
        let mut settings = settings(&[port]);
        settings.trust = trust.clone();
        let told = fetch(settings, &names(), &format!("https://{host}:{port}/")).await;
        assert_eq!(
            told.as_ref().err().map(|error| error.code()),
            (!succeeds).then_some(ErrorCode::MediaUploadFailed),
            "{host}: {told:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_without_the_end_of_tls_has_said_all_if_the_file_is_whole() {
    let photo = media("photo.jpg");
    let until_the_end = |body: &[u8]| [&b"HTTP/1.0 200 OK\r\n\r\n"[..], body].concat();
    for (answer, succeeds) in [
        (until_the_end(&photo), true),
        (until_the_end(&photo[..900]), false),
        (response(200, &[], &photo), true),
        (response(200, &[], &photo)[..900].to_vec(), false),
    ] {
        let (port, roots) = serve_to_the_end(&["media.example.com"], answer, false).await;
        let mut settings = settings(&[port]);
        settings.trust = Trust::Only(roots);
        let told = fetch(settings, &names(), &format!("https://media.example.com:{port}/")).await;
        assert_eq!(
            told.as_ref().err().map(|error| error.code()),
            (!succeeds).then_some(ErrorCode::MediaUploadFailed),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn nothing_leads_from_https_to_http() {
    let plain = Server::of_bytes(ALLOWED, response(200, &[], &media("photo.jpg"))).await;
    let location = format!("http://media.example.com:{}/", plain.port());
    let (port, roots) = serve(&["media.example.com"], response(302, &[("Location", &location)], b"")).await;
    let mut settings = settings(&[port, plain.port()]);
    settings.trust = Trust::Only(roots);
    let told = fetch(settings, &names(), &format!("https://media.example.com:{port}/")).await;
    assert_eq!((told.unwrap_err().code(), plain.accepted()), (ErrorCode::MediaUrlNotAllowed, 0));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_of_tls_is_left_when_the_time_is_over() {
    tick();
    let plain = Server::of_bytes(ALLOWED, response(200, &[], &media("photo.jpg"))).await;
    let start = tokio::time::Instant::now();
    let told =
        fetch(settings(&[plain.port()]), &names(), &format!("https://media.example.com:{}/", plain.port())).await;
    assert_eq!((told.unwrap_err().code(), start.elapsed().as_secs()), (ErrorCode::MediaUploadFailed, 10));
}
