//! Messages of handsets over SMPP: what they say, and when the SMSC may forget them.
//!
//! `tests/field/inbound.jsonl` at the root of the repository has them as carriers write them. A variant sends PDUs and
//! expects one message of them: its addresses, its text or its octets, how they were coded, and its parts as
//! `FORM:REFERENCE:NUMBER/TOTAL`, with the other elements of their header behind a `+`.

use carrier::smpp::config::{BindMode, SmppConfig};
use carrier::{Ack, Event, Inbound, InboundContent, InboundPart, PartForm};
use serde::Deserialize;
use serde_json::{Value, json};
use wire::inbound::{Decoded, UserData, decode};
use wire::smpp::{Address, BindKind, Body, CommandStatus, Pdu, Sm};

use crate::support::peer::{Peer, receipt};
use crate::support::{Bench, config, within};

const FIELD: &str = include_str!("../../../../tests/field/inbound.jsonl");

#[derive(Deserialize)]
struct Case {
    id: String,
    #[serde(default)]
    carrier: serde_json::Map<String, Value>,
    variants: Vec<Variant>,
}

#[derive(Deserialize)]
struct Variant {
    name: String,
    send: Vec<String>,
    expect: Expected,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Expected {
    from: String,
    to: String,
    text: Option<String>,
    coding: Option<String>,
    binary: Option<String>,
    #[serde(default)]
    parts: Vec<String>,
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn octets(hex: &str) -> Vec<u8> {
    hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn written(part: &InboundPart) -> String {
    let form = match part.form {
        PartForm::Header8 => "udh8",
        PartForm::Header16 => "udh16",
        PartForm::Parameters => "sar",
    };
    let others = if part.other_elements.is_empty() { String::new() } else { format!("+{}", hex(&part.other_elements)) };
    format!("{form}:{}:{}/{}{others}", part.reference, part.number, part.total)
}

/// What messages or parts say together.
fn said(inbound: &[Inbound]) -> Expected {
    let mut parts: Vec<(Option<InboundPart>, UserData)> = Vec::new();
    for one in inbound {
        let InboundContent::Sms(data, part) = &one.content else { panic!("{one:?}") };
        assert_eq!(UserData::from_octets(&data.to_octets()).as_ref(), Some(data), "it can be kept");
        parts.push((part.clone(), data.clone()));
    }
    let names = parts.iter().filter_map(|(part, _)| part.as_ref().map(written)).collect();
    parts.sort_by_key(|(part, _)| part.as_ref().map(|part| part.number));
    let data: Vec<UserData> = parts.into_iter().map(|(_, data)| data).collect();
    let of = |address: &dyn std::fmt::Display| address.to_string();
    let (from, to) = (of(&inbound[0].from), of(&inbound[0].to[0]));
    match decode(&data) {
        Decoded::Text(text, coding) => {
            let coding = Some(format!("{coding:?}"));
            Expected { from, to, text: Some(text), coding, binary: None, parts: names }
        }
        Decoded::Binary(octets) => {
            Expected { from, to, binary: Some(hex(&octets)), parts: names, ..Expected::default() }
        }
    }
}

async fn inbound(bench: &mut Bench) -> (Inbound, Ack) {
    match bench.event().await {
        Event::Inbound(inbound, ack) => (*inbound, ack),
        other => panic!("no message of a handset: {other:?}"),
    }
}

#[tokio::test]
async fn messages_of_the_field_say_what_their_handsets_sent() {
    for case in FIELD.lines().map(|line| serde_json::from_str::<Case>(line).unwrap()) {
        for variant in &case.variants {
            let peer = Peer::start().await;
            let mut knobs = json!({
                "name": "main", "host": "127.0.0.1", "port": peer.address().port(), "system_id": "me",
                "password": "secret",
            });
            knobs.as_object_mut().unwrap().extend(case.carrier.clone());
            let mut bench = Bench::start(serde_json::from_value::<SmppConfig>(knobs).unwrap());
            let mut session = peer.bound().await;
            let mut all = Vec::new();
            for pdu in &variant.send {
                session.send_octets(&octets(pdu)).await;
                let (inbound, ack) = inbound(&mut bench).await;
                let id = ack.id();
                session.sync().await;
                ack.accept();
                let answer = session.next().await;
                assert!(answer.status.is_ok() && answer.body.command().is_response(), "{answer:?}");
                assert!(matches!(bench.event().await, Event::Answered(answered) if answered == id));
                all.push(inbound);
            }
            assert_eq!(said(&all), variant.expect, "{}: {}", case.id, variant.name);
        }
    }
}

fn deliver(sequence: u32, text: &str) -> Pdu {
    let sm = Sm {
        source: Address::new(1, 1, "18005550001"),
        destination: Address::new(1, 1, "18005551234"),
        short_message: text.as_bytes().to_vec(),
        ..Sm::default()
    };
    Pdu::new(sequence, Body::DeliverSm(Box::new(sm)))
}

fn answer(sequence: u32, status: CommandStatus) -> Pdu {
    Pdu::answer(sequence, status, Body::DeliverSmResp(Vec::new()))
}

#[tokio::test]
async fn a_message_that_could_not_be_stored_is_asked_for_again() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.bound().await;
    session.send(&deliver(9, "STOP")).await;
    drop(inbound(&mut bench).await);
    assert_eq!(session.next().await, answer(9, CommandStatus::RX_T_APPN));
    session.send(&deliver(10, "STOP")).await;
    inbound(&mut bench).await.1.accept();
    assert_eq!(session.next().await, answer(10, CommandStatus::ROK));
    assert!(matches!(bench.event().await, Event::Answered(_)), "of the second alone");
    assert_eq!(bench.carrier.status().inbound, 2);
}

#[tokio::test]
async fn too_many_messages_at_once_are_asked_to_come_back_and_receipts_are_not() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(SmppConfig { inbound_pending_max: 2, ..config(peer.address()) });
    let mut session = peer.bound().await;
    for sequence in 1..=3 {
        session.send(&deliver(sequence, "Hello")).await;
    }
    assert_eq!(session.next().await, answer(3, CommandStatus::RMSGQFUL));
    session.send(&receipt(4, "id:42 stat:DELIVRD err:000")).await;
    let (first, _second) = (inbound(&mut bench).await, inbound(&mut bench).await);
    bench.receipt().await.1.accept();
    assert_eq!(session.next().await.sequence, 4);
    first.1.accept();
    assert_eq!(session.next().await, answer(1, CommandStatus::ROK));
    session.send(&deliver(5, "Hello")).await;
    while !matches!(bench.event().await, Event::Inbound(..)) {}
    assert_eq!(bench.carrier.status().put_off, 1);
}

#[tokio::test]
async fn a_short_message_of_type_0_is_acknowledged_and_dropped() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.bound().await;
    let silent = Sm { protocol_id: 0x40, short_message: b"ping".to_vec(), ..Sm::default() };
    session.send(&Pdu::new(7, Body::DeliverSm(Box::new(silent)))).await;
    assert_eq!(session.next().await, answer(7, CommandStatus::ROK));
    session.sync().await;
    assert!(bench.event_now().is_none());
    let status = bench.carrier.status();
    assert_eq!((status.silent, status.inbound), (1, 0));
}

#[tokio::test]
async fn an_answer_that_a_session_did_not_live_for_is_not_told_as_one() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.bound().await;
    session.send(&deliver(1, "Yes")).await;
    let (first, ack) = inbound(&mut bench).await;
    drop(session);
    let mut session = peer.bound().await;
    ack.accept();
    session.send(&deliver(1, "Yes")).await;
    let (again, ack) = inbound(&mut bench).await;
    assert_eq!(again, first);
    let id = ack.id();
    ack.accept();
    assert_eq!(session.next().await, answer(1, CommandStatus::ROK));
    assert!(matches!(bench.event().await, Event::Answered(answered) if answered == id));
}

#[tokio::test]
async fn a_message_before_the_answer_to_the_bind_waits_for_that() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.accept().await;
    let (kind, _, sequence) = session.bind().await;
    session.send(&deliver(5, "STOP")).await;
    session.sync().await;
    assert!(bench.event_now().is_none());
    session.send(&Pdu::new(sequence, Body::BindResp(kind, Vec::new()))).await;
    inbound(&mut bench).await.1.accept();
    assert_eq!(session.next().await, answer(5, CommandStatus::ROK));
}

#[tokio::test]
async fn a_message_comes_by_the_receiver_of_a_pair_and_by_no_transmitter() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(SmppConfig { bind: BindMode::TxRx, ..config(peer.address()) });
    for _ in 0..2 {
        let mut session = peer.accept().await;
        let (kind, _, sequence) = session.bind().await;
        session.send(&Pdu::new(sequence, Body::BindResp(kind, Vec::new()))).await;
        session.send(&deliver(3, "Hi")).await;
        if kind == BindKind::Receiver {
            inbound(&mut bench).await.1.accept();
            assert_eq!(session.next().await, answer(3, CommandStatus::ROK));
            assert!(matches!(bench.event().await, Event::Answered(_)));
        } else {
            assert_eq!(session.next().await, answer(3, CommandStatus::RINVBNDSTS));
            assert!(matches!(bench.event().await, Event::Unusable(_)));
        }
    }
}

/// A part of something, under the reference and between the addresses of the others.
fn part(sequence: u32, number: u8, class: u8, text: &str) -> Pdu {
    let sm = Sm {
        source: Address::new(1, 1, "18005550001"),
        destination: Address::new(1, 1, "18005551234"),
        esm_class: 0x40 | class,
        short_message: [&[5, 0, 3, 7, 2, number], text.as_bytes()].concat(),
        ..Sm::default()
    };
    Pdu::new(sequence, Body::DeliverSm(Box::new(sm)))
}

#[tokio::test]
async fn a_receipt_and_a_message_of_the_same_reference_keep_their_parts() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.bound().await;
    session.send(&part(1, 1, 4, "id:42 sub:001 dlvrd:001 stat:DELI")).await;
    assert_eq!(session.next().await, answer(1, CommandStatus::ROK));
    session.send(&part(2, 2, 0, "and goodbye")).await;
    let (second, second_ack) = inbound(&mut bench).await;
    session.send(&part(3, 2, 4, "VRD err:000 text:Hi")).await;
    let (receipt, ack) = bench.receipt().await;
    assert_eq!(receipt.keys[0], "42");
    ack.accept();
    assert_eq!(session.next().await, answer(3, CommandStatus::ROK));
    session.send(&part(4, 1, 0, "Hello ")).await;
    let (first, first_ack) = inbound(&mut bench).await;
    assert_eq!(said(&[first, second]).text.as_deref(), Some("Hello and goodbye"));
    second_ack.accept();
    first_ack.accept();
    assert_eq!([session.next().await.sequence, session.next().await.sequence], [2, 4]);
}

#[tokio::test]
async fn parts_of_a_receipt_without_its_class_are_no_message() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.bound().await;
    for (sequence, number, text) in [
        (1, 1, "id:42 sub:001 dlvrd:001 submit date:2603151430 done date:2603151431 stat:DELI"),
        (2, 2, "VRD err:000 text:Hello"),
    ] {
        session.send(&part(sequence, number, 0, text)).await;
    }
    assert_eq!(session.next().await, answer(1, CommandStatus::ROK));
    let (receipt, ack) = bench.receipt().await;
    assert_eq!(receipt.keys[0], "42");
    ack.accept();
    assert_eq!(session.next().await, answer(2, CommandStatus::ROK));
    within("nothing else", session.sync()).await;
    assert!(bench.event_now().is_none());
}
