//! TLS between MMSCs: as the connection begins, by STARTTLS, and to our listener. Two carriers talk to each other here, each the other's MMSC.

use std::net::SocketAddr;

use carrier::mm4::config::{Mm4Config, StartTls};
use carrier::{ReceiptState, SegmentOutcome};

use super::mmsc::{Mmsc, call};
use super::{config, deaf, id, mms, start};
use crate::support::accepted;
use crate::tls::Authority;

/// A carrier that talks to the listener at this address.
fn towards(listener: SocketAddr, mmsc: &Mmsc, authority: &Authority) -> Mm4Config {
    Mm4Config { port: listener.port(), tls_ca: Some(authority.certificate()), starttls: StartTls::Required, ..deaf(mmsc) }
}

/// A carrier whose listener has a certificate for this name.
fn secured(mmsc: &Mmsc, authority: &Authority, name: &str) -> Mm4Config {
    let (certificate, key) = authority.issue(name);
    Mm4Config { listen_tls_cert: Some(certificate), listen_tls_key: Some(key), ..config(mmsc) }
}

#[tokio::test]
async fn a_message_goes_over_starttls_to_the_listener_of_another() {
    let (mmsc, authority) = (Mmsc::start().await, Authority::new());
    let (theirs, listener) = start(secured(&mmsc, &authority, "127.0.0.1"));
    let (mut ours, _) = start(towards(listener, &mmsc, &authority));
    ours.submit(mms(1)).await;
    // It receives no messages, and this one asked for no answer.
    let outcomes = ours.segments().await;
    assert!(matches!(&outcomes[..], [SegmentOutcome::Refused { status, .. }] if status == "SMTP 554 5.7.1"), "{outcomes:?}");
    drop(theirs);
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_ends_it_before_anything_left() {
    let (mmsc, authority) = (Mmsc::start().await, Authority::new());
    for (name, trusted, server_name) in
        [("127.0.0.1", &Authority::new(), None), ("mms.other.example", &authority, None), ("127.0.0.1", &authority, Some("mms.other.example"))]
    {
        for starttls in [StartTls::Required, StartTls::IfOffered] {
            let (_theirs, listener) = start(secured(&mmsc, &authority, name));
            let (mut ours, _) = start(Mm4Config { starttls, tls_server_name: server_name.map(str::to_owned), ..towards(listener, &mmsc, trusted) });
            ours.submit(mms(1)).await;
            assert_eq!(ours.segments().await, [SegmentOutcome::NotSent]);
            assert!(ours.carrier.status().last_error.unwrap().starts_with("TLS failed"));
        }
    }
}

#[tokio::test]
async fn an_mmsc_that_offers_no_tls_gets_nothing_where_it_is_required_and_all_where_it_is_not() {
    let (mmsc, authority) = (Mmsc::start().await, Authority::new());
    let (mut ours, _) = start(towards(mmsc.address(), &mmsc, &authority));
    ours.submit(mms(1)).await;
    let mut talk = mmsc.greeted().await;
    assert_eq!(ours.segments().await, [SegmentOutcome::NotSent]);
    assert!(talk.ends().await);
    for starttls in [StartTls::IfOffered, StartTls::Never] {
        let (mut ours, _) = start(Mm4Config { starttls, ..towards(mmsc.address(), &mmsc, &authority) });
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
