//! Posts: connections are kept for their own URL, and what goes wrong has a name.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fetch::guard::GuardSettings;
use fetch::post::{KEPT_MAX, Line, PostError, PostSettings, Posted, Poster};
use fetch::{Trust, UserAgent};
use runtime::Machine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{ALLOWED, FORBIDDEN, Names};

fn poster(names: Names) -> Poster {
    let guard = GuardSettings {
        ports: Vec::new(),
        allow_networks: vec![std::net::IpAddr::V4(ALLOWED).into()],
        ..GuardSettings::default()
    };
    let settings = PostSettings {
        guard,
        trust: Trust::nobody(),
        user_agent: UserAgent::default(),
        timeout: Duration::from_secs(5),
        idle_max: 8,
    };
    Poster::new(settings, Arc::new(names), Arc::new(Machine::new())).unwrap()
}

/// A server that answers so many requests on each connection with these octets, and counts connections.
async fn serve(answer: Vec<u8>, of_each: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((ALLOWED, 0)).await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let answer = answer.clone();
            tokio::spawn(async move {
                for _ in 0..of_each {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n{}") {
                        let Ok(octet) = stream.read_u8().await else { return };
                        head.push(octet);
                    }
                    if stream.write_all(&answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, count)
}

async fn post(poster: &Poster, line: &Line, url: &str) -> Result<Posted, PostError> {
    poster.post(line, url, &[("webhook-id", "evt_1".to_owned())], Bytes::from_static(b"{}")).await
}

#[tokio::test]
async fn a_connection_is_used_again_and_a_stale_one_is_replaced() {
    let names = || Names::new([("a.example.com", &[&[ALLOWED]])]);
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec();
    for (of_each, connections) in [(10, 1), (1, 5)] {
        let (address, count) = serve(answer.clone(), of_each).await;
        let (poster, line) = (poster(names()), Line::default());
        for _ in 0..5 {
            let posted = post(&poster, &line, &format!("http://a.example.com:{}/", address.port())).await.unwrap();
            assert_eq!((posted.status, &posted.start[..]), (200, &b"ok"[..]));
        }
        assert_eq!(count.load(Ordering::SeqCst), connections, "{of_each} requests of each connection");
    }
}

#[tokio::test]
async fn a_long_response_is_cut_off_and_a_redirect_is_not_followed() {
    let long = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 100_000]].concat();
    let (address, _) = serve(long, 1).await;
    let (poster, line) = (poster(Names::default()), Line::default());
    let posted = post(&poster, &line, &format!("http://{address}/")).await.unwrap();
    assert_eq!((posted.status, posted.start.len()), (200, KEPT_MAX));
    let redirect = b"HTTP/1.1 307 x\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n".to_vec();
    let (address, count) = serve(redirect, 9).await;
    let posted = post(&poster, &Line::default(), &format!("http://{address}/")).await.unwrap();
    assert_eq!((posted.status, count.load(Ordering::SeqCst)), (307, 1));
}

#[tokio::test]
async fn what_goes_wrong_has_a_name() {
    let certified = rcgen::generate_simple_self_signed(vec!["a.example.com".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certified.cert.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((ALLOWED, 0)).await.unwrap();
    let secured = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(acceptor.accept(stream).await);
        }
    });
    let (plain, _) = serve(b"no HTTP at all\r\n\r\n".to_vec(), 1).await;
    let names = Names::new([("a.example.com", &[&[ALLOWED]]), ("inside.example.com", &[&[FORBIDDEN]])]);
    let poster = poster(names);
    for (url, denied, cause) in [
        (format!("https://a.example.com:{secured}/"), false, "invalid peer certificate"),
        (format!("http://a.example.com:{}/", plain.port()), false, "invalid HTTP"),
        ("http://nobody.example.com/".to_owned(), false, "the host cannot be resolved"),
        ("http://inside.example.com/".to_owned(), true, "is not public"),
        ("http://169.254.169.254/".to_owned(), true, "link-local"),
    ] {
        let error = post(&poster, &Line::default(), &url).await.unwrap_err();
        assert_eq!(matches!(error, PostError::Denied(_)), denied, "{url}: {error}");
        assert!(error.to_string().contains(cause), "{url}: {error}");
    }
}

/// How a server ends a handshake for which it shares nothing with the client.
#[derive(Clone, Copy, Debug)]
enum Ends {
    /// With an alert: 40 is `handshake_failure`, 70 `protocol_version` (RFC 8446, section 6).
    Alert(u8),
    HangsUp,
    Resets,
}

#[tokio::test]
async fn a_server_that_has_no_cipher_suite_of_ours_is_named_as_the_cause() {
    let lacks = "neither TLS 1.3 nor TLS 1.2 with a cipher suite of ECDHE and AEAD";
    for ends in [Ends::Alert(40), Ends::Alert(70), Ends::HangsUp, Ends::Resets] {
        let listener = TcpListener::bind((ALLOWED, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            // The header of a record has five octets, and ends with the length of what follows.
            let mut header = [0; 5];
            stream.read_exact(&mut header).await.unwrap();
            let mut hello = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
            if let Ends::Resets = ends {
                // What was not read makes the end of the connection a reset.
                return;
            }
            stream.read_exact(&mut hello).await.unwrap();
            if let Ends::Alert(description) = ends {
                stream.write_all(&[21, 3, 3, 0, 2, 2, description]).await.unwrap();
            }
        });
        let poster = poster(Names::new([("a.example.com", &[&[ALLOWED]])]));
        let url = format!("https://a.example.com:{port}/");
        let error = post(&poster, &Line::default(), &url).await.unwrap_err().to_string();
        assert!(error.starts_with("TLS failed: the server ") && error.contains(lacks), "{ends:?}: {error}");
    }
}
