//! What peers send that they should not, and what a session makes of it.

use carrier::{Event, SegmentOutcome};
use model::ErrorType;
use wire::smpp::{Address, Body, CommandId, CommandStatus, DataSm, Outbind, Pdu, QuerySm, Sm};

use crate::support::peer::{Peer, Session, raw, receipt};
use crate::support::{Bench, accepted, config, first_attempt};

/// A carrier and the session that it has bound.
async fn bound() -> (Peer, Session, Bench) {
    let peer = Peer::start().await;
    let bench = Bench::start(config(peer.address()));
    let session = peer.bound().await;
    bench.status("it is bound", |status| status.state == "bound").await;
    (peer, session, bench)
}

/// A message passes as if nothing had happened.
async fn works(session: &mut Session, bench: &mut Bench) {
    bench.submit(first_attempt(1, "Hello")).await;
    let sequence = session.submitted().await.sequence;
    session.answer(sequence, CommandStatus::ROK, "7").await;
    assert_eq!(bench.segments().await, [accepted("7")]);
    assert_eq!(bench.carrier.status().binds, 1);
}

#[tokio::test]
async fn a_peers_enquire_link_is_answered_even_before_the_bind() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.accept().await;
    let (kind, _, bind_sequence) = session.bind().await;
    for sequence in [1, 0, 0x7FFF_FFFF, 0x8000_0000, u32::MAX] {
        session.send(&Pdu::new(sequence, Body::EnquireLink)).await;
        assert_eq!(session.next().await, Pdu::new(sequence, Body::EnquireLinkResp));
    }
    session.send(&Pdu::new(bind_sequence, Body::BindResp(kind, Vec::new()))).await;
    works(&mut session, &mut bench).await;
}

#[tokio::test]
async fn requests_that_an_esme_does_not_know_get_a_generic_nack() {
    let (_peer, mut session, mut bench) = bound().await;
    let query = Body::QuerySm(QuerySm::default());
    let submit = Body::SubmitSm(Box::new(Sm { destination: Address::new(1, 1, "18005551234"), ..Sm::default() }));
    for request in [raw(0x999, 7, b"what"), raw(0x0001_0203, 7, b""), raw(0x21, 7, b"multi")] {
        session.send_octets(&request).await;
        let answer = session.next().await;
        assert_eq!((answer.body, answer.status, answer.sequence), (Body::GenericNack, CommandStatus::RINVCMDID, 7));
    }
    for body in [query, submit] {
        session.send(&Pdu::new(8, body)).await;
        let answer = session.next().await;
        assert_eq!((answer.body, answer.status, answer.sequence), (Body::GenericNack, CommandStatus::RINVCMDID, 8));
    }
    works(&mut session, &mut bench).await;
}

#[tokio::test]
async fn what_needs_no_answer_gets_none() {
    let (_peer, mut session, mut bench) = bound().await;
    let alert = Body::AlertNotification { source: Address::new(1, 1, "18005551234"), esme: Address::default() };
    for body in [
        alert,
        Body::Outbind(Outbind::default()),
        Body::EnquireLinkResp,
        Body::CancelSmResp,
        Body::DeliverSmResp(Vec::new()),
        Body::GenericNack,
    ] {
        session.send(&Pdu::new(5, body)).await;
    }
    // An answer of an operation that nobody knows, and one that ends early.
    session.send_octets(&raw(0x8000_0999, 5, b"?")).await;
    session.send_octets(&raw(0x8000_0003, 5, b"id\0")).await;
    session.sync().await;
    works(&mut session, &mut bench).await;
}

#[tokio::test]
async fn a_delivery_that_cannot_be_read_is_refused_for_good_and_counted() {
    let (_peer, mut session, mut bench) = bound().await;
    for (command, response) in
        [(CommandId::DELIVER_SM, CommandId::DELIVER_SM_RESP), (CommandId::DATA_SM, CommandId::DATA_SM_RESP)]
    {
        for body in [&b""[..], b"\0", b"\0\x01\x01123\0\x01", b"\0\0\0\0\0\0\0"] {
            session.send_octets(&raw(command.0, 31, body)).await;
            let answer = session.next().await;
            assert_eq!(
                (answer.body.command(), answer.status, answer.sequence),
                (response, CommandStatus::RX_P_APPN, 31),
                "{body:?}"
            );
        }
    }
    works(&mut session, &mut bench).await;
    assert_eq!(bench.carrier.status().malformed_pdus, 8);
}

#[tokio::test]
async fn a_generic_nack_answers_the_request_of_its_number() {
    let (_peer, mut session, mut bench) = bound().await;
    let refused =
        SegmentOutcome::Refused { error_type: ErrorType::CarrierRejected, status: "ESME_RINVCMDLEN".to_owned() };
    for (status, outcome) in [
        (CommandStatus::RINVCMDLEN, refused),
        (CommandStatus::RSYSERR, SegmentOutcome::TryLater { status: "ESME_RSYSERR".to_owned() }),
        // A refusal that says that all is well says nothing.
        (CommandStatus::ROK, SegmentOutcome::TryLater { status: "ESME_RSYSERR".to_owned() }),
    ] {
        bench.submit(first_attempt(1, "Hello")).await;
        let sequence = session.submitted().await.sequence;
        session.send(&Pdu::answer(0, status, Body::GenericNack)).await;
        session.sync().await;
        assert!(bench.event_now().is_none(), "a generic_nack without a number belongs to nothing");
        session.send(&Pdu::answer(sequence, status, Body::GenericNack)).await;
        assert_eq!(bench.segments().await, [outcome]);
    }
    works(&mut session, &mut bench).await;
}

#[tokio::test]
async fn refusals_come_with_and_without_a_body() {
    let (_peer, mut session, mut bench) = bound().await;
    for body in [&b""[..], b"\0", b"id\0", b"id\0\x04\x25\x00\x01\x01"] {
        bench.submit(first_attempt(1, "Hello")).await;
        let mut octets = raw(CommandId::SUBMIT_SM_RESP.0, session.submitted().await.sequence, body);
        octets[8..12].copy_from_slice(&CommandStatus::RINVDSTADR.0.to_be_bytes());
        session.send_octets(&octets).await;
        let refused =
            SegmentOutcome::Refused { error_type: ErrorType::InvalidDestination, status: "ESME_RINVDSTADR".to_owned() };
        assert_eq!(bench.segments().await, [refused], "{body:?}");
    }
}

#[tokio::test]
async fn ids_are_taken_as_they_come() {
    let (_peer, mut session, mut bench) = bound().await;
    for id in
        ["1", "00B8BE19", "0F6A3C1E-2b7d-4c8e-9f10-a1b2c3d4e5f6", "with blanks ", &"9".repeat(64), &"x".repeat(200)]
    {
        bench.submit(first_attempt(1, "Hello")).await;
        let sequence = session.submitted().await.sequence;
        session.send_octets(&raw(CommandId::SUBMIT_SM_RESP.0, sequence, &[id.as_bytes(), b"\0"].concat())).await;
        assert_eq!(bench.segments().await, [accepted(id)]);
    }
}

#[tokio::test]
async fn deliveries_without_addresses_or_text_are_messages_too() {
    let (_peer, mut session, mut bench) = bound().await;
    for (sequence, body, answer) in [
        (3, Body::DeliverSm(Box::default()), Body::DeliverSmResp(Vec::new())),
        (4, Body::DataSm(Box::default()), Body::DataSmResp(Vec::new())),
    ] {
        session.send(&Pdu::new(sequence, body)).await;
        let Event::Inbound(inbound, ack) = bench.event().await else { panic!("no message") };
        assert_eq!((inbound.from.to_string().as_str(), inbound.to.len()), ("", 1));
        ack.accept();
        assert_eq!(session.next().await, Pdu::new(sequence, answer));
        assert!(matches!(bench.event().await, Event::Answered(_)));
    }
    works(&mut session, &mut bench).await;
}

#[tokio::test]
async fn pdus_arrive_in_any_pieces() {
    let (_peer, mut session, mut bench) = bound().await;
    let mut stream = Vec::new();
    let data = DataSm { esm_class: 4, ..DataSm::default() };
    let mut data = Pdu::new(12, Body::DataSm(Box::new(data)));
    data.tlvs.push(wire::smpp::tag::MESSAGE_PAYLOAD, *b"id:2 stat:DELIVRD");
    for pdu in
        [receipt(11, "id:1 stat:DELIVRD"), data, Pdu::new(13, Body::EnquireLink), receipt(14, "id:3 stat:DELIVRD")]
    {
        wire::smpp::encode(&pdu, &mut stream);
    }
    for size in [1, 15, 17, stream.len()] {
        for piece in stream.chunks(size) {
            session.send_octets(piece).await;
        }
        let mut ids = Vec::new();
        for _ in 0..3 {
            let (receipt, ack) = bench.receipt().await;
            ids.push(receipt.raw_id);
            ack.accept();
        }
        assert_eq!(ids, ["1", "2", "3"], "{size}");
        let mut answered = Vec::new();
        for _ in 0..4 {
            answered.push(session.next().await.sequence);
        }
        answered.sort_unstable();
        assert_eq!(answered, [11, 12, 13, 14], "{size}");
    }
}
