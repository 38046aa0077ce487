//! TLS between MMSCs: as the connection begins, by STARTTLS, and to our listener. Two carriers talk to each other here,
//! each the other's MMSC.

use std::net::SocketAddr;
use std::sync::Arc;

use carrier::mm4::config::{Mm4Config, StartTls};
use carrier::{Event, ReceiptState, SegmentOutcome};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::mmsc::{Mmsc, call};
use super::{config, deaf, id, mms, start};
use crate::support::{accepted, machine};
use crate::tls::Authority;

/// A carrier that talks to the listener at this address.
fn towards(listener: SocketAddr, mmsc: &Mmsc, authority: &Authority) -> Mm4Config {
    Mm4Config {
        port: listener.port(),
        tls_ca: Some(authority.certificate()),
        starttls: StartTls::Required,
        ..deaf(mmsc)
    }
}

/// A carrier whose listener has a certificate for this name.
fn secured(mmsc: &Mmsc, authority: &Authority, name: &str) -> Mm4Config {
    let (certificate, key) = authority.issue(name);
    Mm4Config { listen_tls_cert: Some(certificate), listen_tls_key: Some(key), ..config(mmsc) }
}

#[tokio::test]
async fn a_message_goes_over_starttls_to_the_listener_of_another() {
    let (mmsc, authority) = (Mmsc::start().await, Authority::new());
    let (mut theirs, listener) = start(secured(&mmsc, &authority, "127.0.0.1"));
    let (mut ours, _) = start(towards(listener, &mmsc, &authority));
    ours.submit(mms(1)).await;
    // There it is the message of a handset. This one asked for no answer but SMTP's.
    let Event::Inbound(inbound, ack) = theirs.event().await else { panic!("no message") };
    assert_eq!(inbound.to[0].to_string(), "+18005550001");
    ack.accept();
    assert_eq!(ours.segments().await, [accepted(&id(1))]);
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_ends_it_before_anything_left() {
    let (mmsc, authority) = (Mmsc::start().await, Authority::new());
    for (name, trusted, server_name) in [
        ("127.0.0.1", &Authority::new(), None),
        ("mms.other.example", &authority, None),
        ("127.0.0.1", &authority, Some("mms.other.example")),
    ] {
        for starttls in [StartTls::Required, StartTls::IfOffered] {
            let (_theirs, listener) = start(secured(&mmsc, &authority, name));
            let (mut ours, _) = start(Mm4Config {
                starttls,
                tls_server_name: server_name.map(str::to_owned),
                ..towards(listener, &mmsc, trusted)
            });
            ours.submit(mms(1)).await;
            assert_eq!(ours.segments().await, [SegmentOutcome::NotSent]);
            assert!(ours.carrier.status().last_error.unwrap().starts_with("TLS failed"));
        }
    }
}

/// A port that speaks TLS from the first octet, before a server that does not.
async fn tls_before(server: SocketAddr, authority: &Authority) -> SocketAddr {
    let (certificate, key) = authority.issue("127.0.0.1");
    let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    let config =
        builder.with_no_client_auth().with_single_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap()).unwrap();
    let (acceptor, listener) =
        (TlsAcceptor::from(Arc::new(config)), TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap());
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut secured = acceptor.accept(stream).await.unwrap();
        let mut plain = TcpStream::connect(server).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut secured, &mut plain).await;
    });
    address
}

#[tokio::test]
async fn a_message_goes_over_tls_from_the_first_octet() {
    let (mmsc, authority) = (Mmsc::start().await, Authority::new());
    let tls = tls_before(mmsc.address(), &authority).await;
    let (mut ours, _) =
        start(Mm4Config { tls: true, starttls: StartTls::IfOffered, ..towards(tls, &mmsc, &authority) });
    ours.submit(mms(1)).await;
    assert_eq!(mmsc.greeted().await.forwarded().await.message_id, id(1));
    assert_eq!(ours.segments().await, [accepted(&id(1))]);
}

#[tokio::test]
async fn an_operator_can_ask_whether_an_mmsc_greets() {
    let (mmsc, authority) = (Mmsc::start().await, Authority::new());
    let (_theirs, listener) = start(secured(&mmsc, &authority, "127.0.0.1"));
    carrier::mm4::probe(&towards(listener, &mmsc, &authority), machine()).await.unwrap();
    let stranger = carrier::mm4::probe(&towards(listener, &mmsc, &Authority::new()), machine()).await;
    assert!(stranger.unwrap_err().contains("TLS failed"));
}

#[tokio::test]
async fn an_mmsc_that_offers_no_tls_gets_nothing_where_it_is_required_and_all_where_it_is_not() {
    let (mmsc, authority) = (Mmsc::start().await, Authority::new());
    let (mut ours, _) = start(towards(mmsc.address(), &mmsc, &authority));
    ours.submit(mms(1)).await;
    let mut talk = mmsc.greeted().await;
    assert_eq!(ours.segments().await, [SegmentOutcome::NotSent]);
    assert!(talk.ends().await);
    let required = towards(mmsc.address(), &mmsc, &authority);
    let if_offered = Mm4Config { starttls: StartTls::IfOffered, ..required.clone() };
    let never = Mm4Config {
        starttls: StartTls::Never,
        tls_ca: None,
        tls_server_name: None,
        tls_client_cert: None,
        tls_client_key: None,
        ..required
    };
    for config in [if_offered, never] {
        let (mut ours, _) = start(config);
        ours.submit(mms(2)).await;
        mmsc.greeted().await.forwarded().await;
        assert_eq!(ours.segments().await, [accepted(&id(2))]);
    }
}

#[tokio::test]
async fn what_is_said_before_tls_begins_is_not_taken_for_what_is_secured() {
    let (mmsc, authority) = (Mmsc::start().await, Authority::new());
    let (mut bench, listener) = start(secured(&mmsc, &authority, "127.0.0.1"));
    let mut talk = call(listener).await;
    talk.hear("220").await;
    talk.say("EHLO x\r\nSTARTTLS\r\nMAIL FROM:<a@b>").await;
    while !talk.hear("250").await.starts_with("250 ") {}
    assert!(talk.ends().await);
    assert!(bench.receipt_now().is_none_or(|receipt| receipt.state == ReceiptState::Unknown));
    // An MMSC that does the same is left.
    let (mut ours, _) = start(towards(mmsc.address(), &mmsc, &authority));
    ours.submit(mms(1)).await;
    let mut talk = mmsc.accept().await;
    talk.say("220 hi").await;
    talk.hear("EHLO").await;
    talk.say("250-hi\r\n250 STARTTLS").await;
    talk.hear("STARTTLS").await;
    talk.say("220 begin\r\n250 SIZE 1000").await;
    assert_eq!(ours.segments().await, [SegmentOutcome::NotSent]);
}
