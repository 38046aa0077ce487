//! Opening sessions: what a bind says, and what follows when it is refused.

use std::time::Duration;

use carrier::smpp::config::SmppConfig;
use carrier::smpp::config::{BindMode, Version};
use carrier::{Event, SegmentOutcome};
use model::unmatched::Reason;
use simulator::smsc::{Options, Status};
use wire::smpp::{BindKind, Body, CommandId, CommandStatus, Pdu};

use crate::support::peer::{Peer, raw, receipt};
use crate::support::{Bench, accepted, config, first_attempt, skip, smsc, within};

#[tokio::test]
async fn a_bind_says_who_we_are_and_what_we_speak() {
    for (version, octet) in [(Version::V3_3, 0x33), (Version::V3_4, 0x34), (Version::V5_0, 0x50)] {
        let peer = Peer::start().await;
        let _bench = Bench::start(SmppConfig {
            interface_version: version,
            system_type: "VMA".to_owned(),
            ..config(peer.address())
        });
        let (kind, bind, sequence) = peer.accept().await.bind().await;
        assert_eq!((kind, sequence), (BindKind::Transceiver, 1));
        assert_eq!(
            (&bind.system_id[..], &bind.password[..], &bind.system_type[..]),
            (&b"me"[..], &b"secret"[..], &b"VMA"[..])
        );
        assert_eq!((bind.interface_version, bind.addr_ton, bind.addr_npi, bind.address_range.len()), (octet, 0, 0, 0));
    }
}

#[tokio::test]
async fn a_pair_binds_a_transmitter_and_a_receiver_and_sends_on_the_first() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(SmppConfig { bind: BindMode::TxRx, ..config(peer.address()) });
    let mut kinds = Vec::new();
    let mut transmitter = None;
    let mut receivers = Vec::new();
    for _ in 0..2 {
        let mut session = peer.accept().await;
        let (kind, _, sequence) = session.bind().await;
        session.send(&Pdu::new(sequence, Body::BindResp(kind, Vec::new()))).await;
        kinds.push(kind);
        if kind == BindKind::Transmitter { transmitter = Some(session) } else { receivers.push(session) }
    }
    assert!(kinds.contains(&BindKind::Transmitter) && kinds.contains(&BindKind::Receiver), "{kinds:?}");
    let mut transmitter = transmitter.unwrap();
    bench.submit(first_attempt(1, "Hello")).await;
    let submitted = transmitter.submitted().await;
    transmitter.answer(submitted.sequence, CommandStatus::ROK, "1").await;
    assert_eq!(bench.segments().await, [accepted("1")]);
    let status = bench.status("both are bound", |status| status.sessions_bound == 2).await;
    assert_eq!((status.state, status.sessions_configured, status.window), ("bound", 2, 50));
}

#[tokio::test]
async fn every_shape_of_bind_response_is_taken() {
    for body in [&b"smsc\0"[..], b"smsc\0\x02\x10\x00\x01\x34", b"smsc\0\x02\x10\x00\x01\x50", b"\0", b"smsc", b""] {
        let peer = Peer::start().await;
        let bench = Bench::start(config(peer.address()));
        let mut session = peer.accept().await;
        let (_, _, sequence) = session.bind().await;
        session.send_octets(&raw(0x8000_0009, sequence, body)).await;
        let status = bench.status("the bind is taken", |status| status.state == "bound").await;
        assert_eq!((status.sessions_bound, status.binds, status.last_error), (1, 1, None), "{body:?}");
    }
}

#[tokio::test]
async fn refused_credentials_are_tried_again_after_a_long_wait() {
    for refusal in
        [CommandStatus::RBINDFAIL, CommandStatus::RINVPASWD, CommandStatus::RINVSYSID, CommandStatus::RINVSYSTYP]
    {
        let peer = Peer::start().await;
        let bench = Bench::start(SmppConfig { refused_retry_secs: 300, ..config(peer.address()) });
        let mut session = peer.accept().await;
        let (kind, _, sequence) = session.bind().await;
        session.send(&Pdu::answer(sequence, refusal, Body::BindResp(kind, Vec::new()))).await;
        assert!(session.end().await.is_empty(), "nothing follows a refused bind");
        let status = bench.status("the carrier knows that it was refused", |status| status.state == "refused").await;
        assert!(status.last_error.unwrap().contains(&refusal.to_string()));
        assert!(bench.carrier.down_for().is_some());
        skip(Duration::from_secs(295)).await;
        assert!(!peer.has_connection().await, "{refusal}: too soon");
        skip(Duration::from_secs(6)).await;
        drop(peer.bound().await);
    }
}

#[tokio::test]
async fn a_bind_refused_for_another_reason_is_tried_again_soon() {
    for refusal in [CommandStatus::RALYBND, CommandStatus::RSYSERR, CommandStatus::RTHROTTLED, CommandStatus(0x401)] {
        let peer = Peer::start().await;
        let bench = Bench::start(SmppConfig { refused_retry_secs: 300, ..config(peer.address()) });
        let mut session = peer.accept().await;
        let (kind, _, sequence) = session.bind().await;
        session.send(&Pdu::answer(sequence, refusal, Body::BindResp(kind, Vec::new()))).await;
        let status = bench.status("the refusal is known", |status| status.last_error.is_some()).await;
        assert_eq!(status.state, "down", "{refusal}");
        let _session = peer.bound().await;
        bench.status("the next bind is taken", |status| status.state == "bound").await;
    }
}

#[tokio::test]
async fn a_bind_answered_by_a_generic_nack_is_tried_again() {
    let peer = Peer::start().await;
    let bench = Bench::start(config(peer.address()));
    let mut session = peer.accept().await;
    let (_, _, sequence) = session.bind().await;
    session.send(&Pdu::answer(sequence, CommandStatus::RINVCMDID, Body::GenericNack)).await;
    let _session = peer.bound().await;
    bench.status("the next bind is taken", |status| status.state == "bound").await;
}

/// A transmitter would bring no receipts, a receiver take no messages, and nobody would notice.
#[tokio::test]
async fn a_bind_answered_as_another_kind_is_unbound_reported_and_tried_again() {
    let peer = Peer::start().await;
    let bench = Bench::start(config(peer.address()));
    for (kind, named) in [(BindKind::Transmitter, "bind_transmitter_resp"), (BindKind::Receiver, "bind_receiver_resp")]
    {
        let mut session = peer.accept().await;
        let (_, _, sequence) = session.bind().await;
        session.send(&Pdu::new(sequence, Body::BindResp(kind, b"peer".to_vec()))).await;
        assert_eq!(session.end().await, [CommandId::UNBIND], "{named}");
        let status = bench
            .status("the operator sees it", |status| {
                status.last_error.as_ref().is_some_and(|error| error.contains(named))
            })
            .await;
        assert_eq!((status.state, status.binds), ("down", 0), "{named}");
    }
    let _session = peer.bound().await;
    bench.status("the next bind is taken", |status| status.state == "bound" && status.last_error.is_none()).await;
}

#[tokio::test]
async fn a_bind_that_is_never_answered_is_tried_again() {
    let peer = Peer::start().await;
    let bench = Bench::start(SmppConfig { bind_timeout_secs: 10, ..config(peer.address()) });
    let mut session = peer.accept().await;
    session.bind().await;
    assert_eq!(bench.carrier.status().state, "binding");
    skip(Duration::from_secs(11)).await;
    assert!(session.end().await.is_empty());
    let _session = peer.bound().await;
    bench.status("the next bind is taken", |status| status.state == "bound").await;
}

#[tokio::test]
async fn what_is_delivered_before_the_bind_is_answered_waits_for_that() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.accept().await;
    let (kind, _, sequence) = session.bind().await;
    for number in 1..=101 {
        session.send(&receipt(number, &format!("id:{number} stat:DELIVRD err:000"))).await;
    }
    let answer = session.next().await;
    assert_eq!((answer.sequence, answer.status), (101, CommandStatus::RINVBNDSTS), "no more than a hundred wait");
    assert!(
        matches!(bench.event_now(), Some(Event::Unusable(unusable)) if unusable.reason == Reason::Unreadable),
        "the operator sees it"
    );
    session.send(&Pdu::new(sequence, Body::BindResp(kind, Vec::new()))).await;
    for number in 1..=100 {
        let (receipt, ack) = bench.receipt().await;
        assert_eq!(receipt.keys[0], number.to_string());
        ack.accept();
        assert_eq!(session.next().await, Pdu::new(number, Body::DeliverSmResp(Vec::new())));
    }
    assert!(bench.event_now().is_none());
}

#[tokio::test]
async fn what_is_delivered_before_a_bind_that_is_refused_is_seen_by_the_operator() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.accept().await;
    let (kind, _, sequence) = session.bind().await;
    session.send(&receipt(9, "id:1 stat:DELIVRD")).await;
    session.send(&Pdu::answer(sequence, CommandStatus::RSYSERR, Body::BindResp(kind, Vec::new()))).await;
    assert!(session.end().await.is_empty(), "the SMSC has it still");
    assert!(matches!(bench.event().await, Event::Unusable(unusable) if unusable.reason == Reason::Unreadable));
}

#[tokio::test]
async fn a_pair_without_its_transmitter_is_down() {
    let peer = Peer::start().await;
    let bench = Bench::start(SmppConfig {
        bind: BindMode::TxRx,
        reconnect_floor_ms: 60_000,
        reconnect_ceiling_ms: 60_000,
        ..config(peer.address())
    });
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let mut session = peer.accept().await;
        let (kind, _, sequence) = session.bind().await;
        let status = if kind == BindKind::Receiver { CommandStatus::ROK } else { CommandStatus::RSYSERR };
        session.send(&Pdu::answer(sequence, status, Body::BindResp(kind, Vec::new()))).await;
        sessions.push(session);
    }
    let status = bench
        .status("the receiver is bound and the transmitter refused", |status| {
            status.binds == 1 && status.last_error.is_some()
        })
        .await;
    assert_eq!((status.state, status.sessions_bound), ("down", 1));
    assert!(bench.carrier.down_for().is_some(), "a fallback must be tried");
}

#[tokio::test]
async fn one_session_too_many_leaves_the_others_at_work() {
    let smsc = smsc(Options { sessions_max: 1, ..Options::default() }).await;
    let mut bench = Bench::start(SmppConfig { sessions: 3, ..config(smsc.address()) });
    bench.submit(first_attempt(1, "Hello")).await;
    assert!(matches!(bench.segments().await[..], [SegmentOutcome::Accepted { .. }]));
    assert_eq!(bench.carrier.status().sessions_bound, 1);
    within("the others go on trying", smsc.wait_for(|seen| seen.ended >= 4)).await;
    assert_eq!(bench.carrier.status().state, "bound");
}

#[tokio::test]
async fn the_simulated_smsc_takes_the_right_credentials_alone() {
    let options =
        Options { system_id: Some("me".to_owned()), password: Some("secret".to_owned()), ..Options::default() };
    let sound = smsc(options.clone()).await;
    Bench::at(&sound).status("the credentials are taken", |status| status.state == "bound").await;
    for wrong in [
        Options { password: Some("other".to_owned()), ..options.clone() },
        Options { system_id: Some("you".to_owned()), ..options.clone() },
        Options { refuse_bind: Some(Status(CommandStatus::RINVPASWD)), ..options },
    ] {
        let smsc = smsc(wrong).await;
        let bench = Bench::at(&smsc);
        bench.status("the credentials are refused", |status| status.state == "refused").await;
        assert_eq!(smsc.summary().binds, 0);
    }
}
