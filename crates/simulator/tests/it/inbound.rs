//! Messages of handsets that the SMSC sends.

use simulator::smsc::{Handset, InboundSplit, Options};
use wire::smpp::{BindKind, Body, CommandStatus, Pdu, Sm};

use crate::client::{Client, message, smsc, within};

fn options(change: impl FnOnce(&mut simulator::smsc::InboundOptions)) -> Options {
    let mut options = Options { receipts: "none".parse().unwrap(), ..Options::default() };
    change(&mut options.inbound);
    options
}

fn stop() -> Handset {
    "+18005550001 +18005559876 STOP".parse().unwrap()
}

fn sm(pdu: &Pdu) -> &Sm {
    let Body::DeliverSm(sm) = &pdu.body else { panic!("no deliver_sm: {pdu:?}") };
    sm
}

#[tokio::test]
async fn a_message_is_sent_once_somebody_receives() {
    let smsc = smsc(options(|inbound| (inbound.inbound, inbound.inbound_repeat) = (vec![stop()], 2))).await;
    let _transmitter = Client::bound(&smsc, BindKind::Transmitter).await;
    let mut client = Client::bound(&smsc, BindKind::Receiver).await;
    for _ in 0..2 {
        let pdu = client.next().await;
        let sm = sm(&pdu);
        assert_eq!((sm.source.text(), sm.destination.text()), ("18005550001".to_owned(), "18005559876".to_owned()));
        assert_eq!((&sm.short_message[..], sm.esm_class, sm.data_coding), (&b"STOP"[..], 0, 0));
        client.answer(&pdu, CommandStatus::ROK).await;
    }
    within("both are taken", smsc.wait_for(|seen| seen.inbound_taken == 2)).await;
    assert_eq!((smsc.summary().inbound_sent, smsc.summary().inbound_repeated), (2, 0));
    client.sync().await;
}

#[tokio::test]
async fn what_is_not_answered_comes_again() {
    let smsc = smsc(options(|inbound| inbound.inbound_answer_within_ms = 1)).await;
    let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
    smsc.bring(&stop());
    let (first, again) = (client.next().await, client.next().await);
    assert_eq!(sm(&first), sm(&again));
    assert_ne!(first.sequence, again.sequence);
    assert!(smsc.summary().inbound_repeated >= 1);
}

#[tokio::test]
async fn what_was_not_answered_when_a_session_ended_comes_by_the_next() {
    let smsc = smsc(options(|_| {})).await;
    smsc.bring(&stop());
    let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
    let first = client.next().await;
    drop(client);
    let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
    let again = client.next().await;
    assert_eq!(sm(&first), sm(&again));
    client.answer(&again, CommandStatus::ROK).await;
    within("it is taken", smsc.wait_for(|seen| seen.inbound_taken == 1)).await;
    assert_eq!(smsc.summary().inbound_repeated, 1);
}

#[tokio::test]
async fn what_is_refused_for_now_comes_again_and_what_is_refused_for_good_does_not() {
    let smsc = smsc(options(|_| {})).await;
    let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
    smsc.bring(&stop());
    for status in [CommandStatus::RX_T_APPN, CommandStatus::RX_R_APPN] {
        let pdu = client.next().await;
        client.answer(&pdu, status).await;
    }
    within("both refusals", smsc.wait_for(|seen| seen.inbound_refused.len() == 2)).await;
    client.sync().await;
}

#[tokio::test]
async fn a_handset_answers_the_last_part_of_what_it_gets() {
    let smsc = smsc(options(|inbound| {
        inbound.inbound_answer = vec!["1234=STOP".parse().unwrap(), "9999=no".parse().unwrap()];
    }))
    .await;
    let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
    let Body::SubmitSm(whole) = message(0, b"Hello") else { unreachable!() };
    let part = |number: u8| {
        let short_message = [&[5, 0, 3, 9, 2, number], &b"Hello"[..]].concat();
        Body::SubmitSm(Box::new(Sm { esm_class: 0x40, short_message, ..(*whole).clone() }))
    };
    assert_eq!(client.ask(part(1)).await.status, CommandStatus::ROK);
    client.sync().await;
    for body in [part(2), Body::SubmitSm(whole.clone())] {
        assert_eq!(client.ask(body).await.status, CommandStatus::ROK);
        let pdu = client.next().await;
        assert_eq!((&sm(&pdu).source, &sm(&pdu).destination), (&whole.destination, &whole.source));
        assert_eq!(sm(&pdu).short_message, b"STOP");
        client.answer(&pdu, CommandStatus::ROK).await;
    }
}

#[tokio::test]
async fn parts_go_to_the_sessions_in_turn() {
    let smsc = smsc(options(|inbound| inbound.inbound_split = InboundSplit::Udh16)).await;
    let mut clients =
        [Client::bound(&smsc, BindKind::Transceiver).await, Client::bound(&smsc, BindKind::Transceiver).await];
    smsc.bring(&Handset { text: "x".repeat(200), ..stop() });
    for client in &mut clients {
        assert_eq!(sm(&client.next().await).esm_class, 0x40);
    }
}
