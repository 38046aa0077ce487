//! Receipts: the SMSC may forget one only when it is on disk here.

use carrier::smpp::config::SmppConfig;
use carrier::smpp::config::{BindMode, ReceiptDetection, ReceiptPer, StatMeaning};
use carrier::{Event, ReceiptState, UnusableCounts};
use model::ReceiptScope;
use model::unmatched::Reason;
use simulator::smsc::Options;
use wire::smpp::{Address, BindKind, Body, CommandStatus, DataSm, Pdu, Sm, Tlvs, tag};

use crate::support::peer::{Peer, raw, receipt};
use crate::support::{Bench, config, first_attempt, smsc, within};

const DELIVERED: &str =
    "id:42 sub:001 dlvrd:001 submit date:2603151430 done date:2603151431 stat:DELIVRD err:000 text:";

#[tokio::test]
async fn a_receipt_is_answered_once_it_is_accepted_and_not_before() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.bound().await;
    session.send(&receipt(9, DELIVERED)).await;
    let (receipt, ack) = bench.receipt().await;
    assert_eq!(
        (&receipt.keys[0][..], receipt.state, receipt.error.as_deref(), &receipt.raw_id[..]),
        ("42", ReceiptState::Delivered, Some("000"), "42")
    );
    assert_eq!(receipt.addresses, ["18005550001", "18005559876"]);
    session.sync().await;
    ack.accept();
    assert_eq!(session.next().await, Pdu::new(9, Body::DeliverSmResp(Vec::new())));
    assert_eq!(bench.carrier.status().receipts, 1);
}

#[tokio::test]
async fn a_receipt_that_could_not_be_stored_is_asked_for_again() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.bound().await;
    session.send(&receipt(9, DELIVERED)).await;
    drop(bench.receipt().await);
    assert_eq!(session.next().await, Pdu::answer(9, CommandStatus::RX_T_APPN, Body::DeliverSmResp(Vec::new())));
}

#[tokio::test]
async fn receipts_are_answered_in_whatever_order_they_are_stored() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.bound().await;
    let mut data = Pdu::new(0, Body::DataSm(Box::new(DataSm { esm_class: 4, ..DataSm::default() })));
    data.tlvs.push(tag::MESSAGE_PAYLOAD, DELIVERED.as_bytes());
    session.send(&receipt(u32::MAX, DELIVERED)).await;
    session.send(&data).await;
    let (first, second) = (bench.receipt().await.1, bench.receipt().await.1);
    second.accept();
    assert_eq!(session.next().await, Pdu::new(0, Body::DataSmResp(Vec::new())));
    first.accept();
    assert_eq!(session.next().await, Pdu::new(u32::MAX, Body::DeliverSmResp(Vec::new())));
}

#[tokio::test]
async fn too_many_receipts_at_once_are_asked_to_come_back() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(SmppConfig { receipts_pending_max: 2, ..config(peer.address()) });
    let mut session = peer.bound().await;
    for sequence in 1..=3 {
        session.send(&receipt(sequence, DELIVERED)).await;
    }
    assert_eq!(session.next().await, Pdu::answer(3, CommandStatus::RMSGQFUL, Body::DeliverSmResp(Vec::new())));
    let (_, ack) = bench.receipt().await;
    ack.accept();
    assert_eq!(session.next().await.sequence, 1);
    session.send(&receipt(4, DELIVERED)).await;
    let (_second, _fourth) = (bench.receipt().await, bench.receipt().await);
}

#[tokio::test]
async fn the_simulated_smsc_offers_again_what_was_not_stored() {
    let smsc = smsc(Options::default()).await;
    let mut bench = Bench::at(&smsc);
    bench.submit(first_attempt(1, "Hello")).await;
    let (refused, ack) = bench.receipt().await;
    drop(ack);
    let (again, ack) = bench.receipt().await;
    assert_eq!(again, refused);
    ack.accept();
    within("the SMSC forgets it", smsc.wait_for(|seen| seen.receipts_taken == 1)).await;
    assert_eq!(smsc.summary().receipts_refused.get("ESME_RX_T_APPN"), Some(&1));
}

#[tokio::test]
async fn an_answer_for_a_session_that_is_gone_harms_nothing() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.bound().await;
    session.send(&receipt(1, DELIVERED)).await;
    let (_, ack) = bench.receipt().await;
    drop(session);
    let mut session = peer.bound().await;
    ack.accept();
    session.sync().await;
    session.send(&receipt(1, DELIVERED)).await;
    bench.receipt().await.1.accept();
    assert_eq!(session.next().await, Pdu::new(1, Body::DeliverSmResp(Vec::new())));
}

#[tokio::test]
async fn a_receipt_on_a_transmitter_is_refused() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(SmppConfig { bind: BindMode::TxRx, ..config(peer.address()) });
    for _ in 0..2 {
        let mut session = peer.accept().await;
        let (kind, _, sequence) = session.bind().await;
        session.send(&Pdu::new(sequence, Body::BindResp(kind, Vec::new()))).await;
        session.send(&receipt(3, DELIVERED)).await;
        if kind == BindKind::Transmitter {
            assert_eq!(session.next().await.status, CommandStatus::RINVBNDSTS);
        } else {
            bench.receipt().await.1.accept();
            assert_eq!(session.next().await.status, CommandStatus::ROK);
        }
    }
}

/// What a carrier with these knobs makes of a delivery: the first key and the state, or nothing.
async fn read(knobs: SmppConfig, peer: &Peer, sm: Sm, tlvs: Tlvs) -> Option<(String, ReceiptState, Option<String>)> {
    let mut bench = Bench::start(knobs);
    let mut session = peer.bound().await;
    session.send(&Pdu { tlvs, ..Pdu::new(1, Body::DeliverSm(Box::new(sm))) }).await;
    session.sync_skipping_answers().await;
    bench.receipt_now().map(|receipt| (receipt.keys[0].clone(), receipt.state, receipt.error))
}

fn text(esm_class: u8, text: &str) -> Sm {
    Sm {
        source: Address::new(1, 1, "18005550001"),
        esm_class,
        short_message: text.as_bytes().to_vec(),
        ..Sm::default()
    }
}

fn tlvs(list: &[(u16, &[u8])]) -> Tlvs {
    let mut tlvs = Tlvs::default();
    list.iter().for_each(|(tag, value)| tlvs.push(*tag, *value));
    tlvs
}

#[tokio::test]
async fn a_receipt_is_known_by_what_the_configuration_says() {
    use ReceiptDetection::{Auto, EsmClass, Text, Tlv};
    let by_tlv = || tlvs(&[(tag::RECEIPTED_MESSAGE_ID, b"42\0"), (tag::MESSAGE_STATE, &[2])]);
    let peer = Peer::start().await;
    for (detection, sm, tlvs, is_receipt) in [
        (Auto, text(4, DELIVERED), Tlvs::default(), true),
        (Auto, text(0, DELIVERED), Tlvs::default(), true),
        (Auto, text(0, ""), by_tlv(), true),
        (Auto, text(0, "Hello"), Tlvs::default(), false),
        (Auto, text(4, "Hello"), Tlvs::default(), false),
        (EsmClass, text(4, DELIVERED), Tlvs::default(), true),
        (EsmClass, text(0, DELIVERED), by_tlv(), false),
        (Tlv, text(4, DELIVERED), Tlvs::default(), false),
        (Tlv, text(0, ""), by_tlv(), true),
        (Text, text(0, DELIVERED), Tlvs::default(), true),
        (Text, text(4, ""), by_tlv(), false),
    ] {
        let knobs = SmppConfig { receipt_detection: detection, ..config(peer.address()) };
        let found = read(knobs, &peer, sm.clone(), tlvs).await;
        assert_eq!(found.is_some(), is_receipt, "{detection:?}: {sm:?}: {found:?}");
    }
}

#[tokio::test]
async fn text_and_parameters_make_one_receipt() {
    let peer = Peer::start().await;
    let own = [("ACCEPTD".to_owned(), StatMeaning::Delivered)];
    for (sm, parameters, expected) in [
        // The parameter's id and state count before the text's.
        (
            text(4, "id:1 stat:ENROUTE err:0"),
            tlvs(&[(tag::RECEIPTED_MESSAGE_ID, b"2A"), (tag::MESSAGE_STATE, &[5])]),
            ("2a", ReceiptState::Undeliverable, Some("0")),
        ),
        // Only one of them has the id, or the state.
        (
            text(4, "stat:REJECTD err:12"),
            tlvs(&[(tag::RECEIPTED_MESSAGE_ID, b"7")]),
            ("7", ReceiptState::Rejected, Some("12")),
        ),
        (text(4, "id:7 err:"), tlvs(&[(tag::MESSAGE_STATE, &[3])]), ("7", ReceiptState::Expired, None)),
        (text(4, ""), tlvs(&[(tag::RECEIPTED_MESSAGE_ID, b"7\0")]), ("7", ReceiptState::Unknown, None)),
        (
            text(4, "id:7 stat:DELIVRD"),
            tlvs(&[(tag::RECEIPTED_MESSAGE_ID, b"\0")]),
            ("7", ReceiptState::Delivered, None),
        ),
        // The network's error where the text has none.
        (
            text(4, "id:7 stat:UNDELIV"),
            tlvs(&[(tag::NETWORK_ERROR_CODE, &[3, 0, 27])]),
            ("7", ReceiptState::Undeliverable, Some("3:27")),
        ),
        // What the carrier means by its own word.
        (text(4, "id:7 stat:acceptd"), tlvs(&[(tag::MESSAGE_STATE, &[6])]), ("7", ReceiptState::Delivered, None)),
    ] {
        let knobs = SmppConfig { receipt_stats: own.clone().into(), ..config(peer.address()) };
        let found = read(knobs, &peer, sm.clone(), parameters).await;
        let expected = Some((expected.0.to_owned(), expected.1, expected.2.map(str::to_owned)));
        assert_eq!(found, expected, "{sm:?}");
    }
}

#[tokio::test]
async fn a_carriers_own_form_is_read_before_the_usual_one() {
    let peer = Peer::start().await;
    let pattern = r"^(?<stat>\w+) for (?<id>\w+)(?:, error (?<err>\d+))?";
    let expected = |id: &str, state, err: Option<&str>| Some((id.to_owned(), state, err.map(str::to_owned)));
    for (body, parameters, found) in [
        (
            "DONE for 2A, error 7 id:9 stat:UNDELIV err:1",
            Tlvs::default(),
            expected("2a", ReceiptState::Delivered, Some("7")),
        ),
        ("FAILED for 7", Tlvs::default(), expected("7", ReceiptState::Undeliverable, None)),
        // The parameter's id counts before that of any text.
        ("DONE for 7", tlvs(&[(tag::RECEIPTED_MESSAGE_ID, b"8\0")]), expected("8", ReceiptState::Delivered, None)),
        // Another form is read as it would be without a pattern.
        (DELIVERED, Tlvs::default(), expected("42", ReceiptState::Delivered, Some("000"))),
        ("Hello", Tlvs::default(), None),
    ] {
        let knobs = SmppConfig {
            receipt_pattern: Some(pattern.parse().unwrap()),
            receipt_stats: [("DONE".to_owned(), StatMeaning::Delivered)].into(),
            ..config(peer.address())
        };
        assert_eq!(read(knobs, &peer, text(0, body), parameters).await, found, "{body}");
    }
}

#[tokio::test]
async fn the_receipt_of_a_national_recipient_has_the_whole_number_too() {
    let smsc = smsc(Options::default()).await;
    for (prefix, told) in [("+1", "8005550001"), ("+180055", "50001")] {
        let mut bench = Bench::start(SmppConfig { national_prefix: Some(prefix.to_owned()), ..config(smsc.address()) });
        let submission = first_attempt(1, "Hello");
        let recipient = submission.message.recipient.digits().to_string();
        bench.submit(submission).await;
        let (receipt, ack) = bench.receipt().await;
        ack.accept();
        assert!(
            receipt.addresses.contains(&recipient) && receipt.addresses.contains(&told.to_owned()),
            "{:?}",
            receipt.addresses
        );
    }
}

#[tokio::test]
async fn what_nothing_here_can_use_is_refused_counted_and_shown() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.bound().await;
    let mut without_id = receipt(9, "stat:DELIVRD err:000");
    without_id.tlvs.push(tag::MESSAGE_STATE, [2]);
    let refused = CommandStatus::RX_R_APPN;
    let from_to = "esm_class 0x04, data_coding 0x00, from 1/1:18005550001, to 1/1:18005559876";
    let no_id = format!("{from_to}, message_state 0x02, short_message \"stat:DELIVRD err:000\"");
    for (pdu, reason, raw) in [
        (
            receipt(9, "\x1b]0;owned\x07\u{ff}"),
            Reason::Unreadable,
            format!("{from_to}, short_message \"\\x1b]0;owned\\x07\\xc3\\xbf\""),
        ),
        (without_id, Reason::Unreadable, no_id),
    ] {
        session.send(&pdu).await;
        assert_eq!(session.next().await, Pdu::answer(9, refused, Body::DeliverSmResp(Vec::new())));
        let Event::Unusable(unusable) = bench.event().await else { panic!("{pdu:?}") };
        assert_eq!((unusable.reason, &unusable.raw), (reason, &raw));
        assert!(
            !unusable.why.contains(char::is_numeric) && !unusable.why.contains("owned"),
            "it may be logged: {}",
            unusable.why
        );
    }
    // A PDU that cannot be read at all: its source has no end.
    session.send_octets(&raw(5, 10, &[0, 1, 1, b'x'])).await;
    assert_eq!(session.next().await.status, CommandStatus::RX_P_APPN);
    let Event::Unusable(unusable) = bench.event().await else { panic!("nothing is told") };
    assert_eq!(
        (unusable.reason, &unusable.raw[..]),
        (Reason::Unreadable, "0x0000001400000005000000000000000a00010178")
    );
    assert_eq!(bench.carrier.status().unusable, UnusableCounts { unreadable: 3, inbound: 0 });
}

#[tokio::test]
async fn a_carrier_that_floods_us_in_vain_fills_no_memory() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.bound().await;
    for sequence in 1..=500 {
        session.send(&receipt(sequence, "no id at all")).await;
        assert_eq!(session.next().await.status, CommandStatus::RX_R_APPN);
    }
    assert_eq!(bench.carrier.status().unusable, UnusableCounts { unreadable: 500, inbound: 0 });
    let told: Vec<Event> = std::iter::from_fn(|| bench.event_now()).collect();
    assert!(
        told.len() == 100 && told.iter().all(|event| matches!(event, Event::Unusable(_))),
        "{} wait to be recorded",
        told.len()
    );
}

#[tokio::test]
async fn a_receipt_says_how_much_of_the_message_it_reports_on() {
    let per_message = |config: SmppConfig| SmppConfig { receipt_per: ReceiptPer::Message, ..config };
    for (text, each, whole) in [
        ("id:42 sub:001 dlvrd:001 stat:DELIVRD", ReceiptScope::Segment, ReceiptScope::Message),
        ("id:42 sub:002 dlvrd:002 stat:DELIVRD", ReceiptScope::AllOf(2), ReceiptScope::Message),
        ("id:42 sub:10 dlvrd:010 stat:DELIVRD", ReceiptScope::AllOf(10), ReceiptScope::Message),
        ("id:42 sub:002 dlvrd:001 stat:DELIVRD", ReceiptScope::Segment, ReceiptScope::Message),
        ("id:42 sub:002 dlvrd:002 stat:UNDELIV", ReceiptScope::Segment, ReceiptScope::Message),
        ("id:42 sub:000 dlvrd:000 stat:DELIVRD", ReceiptScope::Segment, ReceiptScope::Message),
        ("id:42 sub:x dlvrd:x stat:DELIVRD", ReceiptScope::Segment, ReceiptScope::Message),
        ("id:42 stat:DELIVRD", ReceiptScope::Segment, ReceiptScope::Message),
    ] {
        for (change, scope) in [((|config| config) as fn(SmppConfig) -> SmppConfig, each), (per_message, whole)] {
            let peer = Peer::start().await;
            let mut bench = Bench::start(change(config(peer.address())));
            let mut session = peer.bound().await;
            session.send(&receipt(1, text)).await;
            assert_eq!(bench.receipt().await.0.scope, scope, "{text}");
        }
    }
}
