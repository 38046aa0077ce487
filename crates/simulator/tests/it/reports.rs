//! Reports: to whom, when, and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use model::{Clock, Timestamp};
use runtime::Machine;
use simulator::smsc::{DelayMs, Options};
use wire::receipt;
use wire::smpp::{BindKind, Body, CommandStatus};

use crate::client::{Client, id, message, smsc, smsc_on, text, within};

#[tokio::test]
async fn a_report_names_its_message_and_turns_its_addresses_round() {
    let smsc = smsc(Options::default()).await;
    let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
    let id = id(&client.ask(message(1, b"Hello")).await);
    let report = client.report().await;
    let Body::DeliverSm(sm) = &report.body else { panic!("not a report") };
    assert_eq!(
        (sm.source.text(), sm.destination.text(), sm.esm_class),
        ("18005551234".to_owned(), "18005559876".to_owned(), 4)
    );
    let read = receipt::parse(&text(&report)).unwrap();
    assert_eq!((read.id, read.stat, read.err), (Some(id), Some("DELIVRD".to_owned()), Some("000".to_owned())));
    client.answer(&report, CommandStatus::ROK).await;
    within("the report is taken", smsc.wait_for(|seen| seen.receipts_taken == 1)).await;
    client.sync().await;
}

/// SMPP 3.4, 5.2.17: a report comes when it was asked for.
#[tokio::test]
async fn reports_come_to_those_who_asked_for_them() {
    for (state, is_wanted) in [
        ("delivrd", [false, true, false, true]),
        ("undeliv", [false, true, true, false]),
        ("enroute", [false, false, false, false]),
        ("none", [false, false, false, false]),
    ] {
        let smsc = smsc(Options { receipts: state.parse().unwrap(), ..Options::default() }).await;
        let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
        for (registered_delivery, is_wanted) in (0u8..).zip(is_wanted) {
            client.ask(message(registered_delivery, b"Hello")).await;
            if is_wanted {
                client.report().await;
            }
            client.sync().await;
        }
    }
    let smsc = smsc(Options { receipts: "enroute".parse().unwrap(), ..Options::default() }).await;
    let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
    client.ask(message(0x11, b"Hello")).await;
    assert!(text(&client.report().await).contains("ENROUTE"));
}

#[tokio::test]
async fn the_mixture_of_reports_is_by_weight_and_by_seed() {
    let mut stories = Vec::new();
    for seed in [1, 1, 2] {
        let smsc =
            smsc(Options { receipts: "delivrd=3,undeliv=1,none=1".parse().unwrap(), seed, ..Options::default() }).await;
        let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
        let mut story = Vec::new();
        for _ in 0..100 {
            client.ask(message(1, b"Hello")).await;
            client.send(Body::EnquireLink).await;
            let mut report = None;
            loop {
                let pdu = client.next().await;
                if pdu.body == Body::EnquireLinkResp {
                    break;
                }
                report = receipt::parse(&text(&pdu)).unwrap().stat;
            }
            story.push(report);
        }
        stories.push(story);
    }
    assert_eq!(stories[0], stories[1]);
    assert_ne!(stories[0], stories[2]);
    let count = |stat: Option<&str>| stories[0].iter().filter(|report| report.as_deref() == stat).count();
    assert!(count(Some("DELIVRD")) > count(Some("UNDELIV")) && count(Some("UNDELIV")) > 5 && count(None) > 5);
}

#[tokio::test]
async fn a_report_may_come_first_or_twice_or_later() {
    let first = smsc(Options { receipt_first: 1.0, ..Options::default() }).await;
    let mut client = Client::bound(&first, BindKind::Transceiver).await;
    client.send(message(1, b"Hello")).await;
    let report = client.report().await;
    assert!(text(&report).contains(&id(&client.next().await)));

    let twice = smsc(Options { duplicate_receipt: 1.0, ..Options::default() }).await;
    let mut client = Client::bound(&twice, BindKind::Transceiver).await;
    client.ask(message(1, b"Hello")).await;
    let (one, two) = (client.report().await, client.report().await);
    assert_ne!(one.sequence, two.sequence);
    assert_eq!(receipt::parse(&text(&one)).unwrap().id, receipt::parse(&text(&two)).unwrap().id);
    client.sync().await;

    let later = smsc(Options { receipt_delay_ms: DelayMs(50, 50), ..Options::default() }).await;
    let mut client = Client::bound(&later, BindKind::Transceiver).await;
    let asked_at = tokio::time::Instant::now();
    client.send_at_once(vec![message(1, b"Hello"), Body::EnquireLink]).await;
    assert!(matches!(client.next().await.body, Body::SubmitSmResp(_)));
    assert_eq!(client.next().await.body, Body::EnquireLinkResp);
    client.report().await;
    assert!(asked_at.elapsed().as_millis() >= 50);
}

#[tokio::test]
async fn a_transmitters_reports_wait_for_a_receiver() {
    for receipt_first in [0.0, 1.0] {
        let smsc = smsc(Options { receipt_first, ..Options::default() }).await;
        let mut transmitter = Client::bound(&smsc, BindKind::Transmitter).await;
        let early = id(&transmitter.ask(message(1, b"Hello")).await);
        transmitter.sync().await;
        let mut stranger = Client::connect(&smsc).await;
        stranger.bind(BindKind::Receiver, "stranger", "").await;
        let mut receiver = Client::bound(&smsc, BindKind::Receiver).await;
        assert!(text(&receiver.report().await).contains(&early));
        let late = id(&transmitter.ask(message(1, b"Hello")).await);
        assert!(text(&receiver.report().await).contains(&late));
        stranger.sync().await;
    }
}

#[tokio::test]
async fn receivers_of_one_system_take_turns() {
    let smsc = smsc(Options::default()).await;
    let mut receivers =
        [Client::bound(&smsc, BindKind::Receiver).await, Client::bound(&smsc, BindKind::Receiver).await];
    let mut transmitter = Client::bound(&smsc, BindKind::Transmitter).await;
    for _ in 0..10 {
        transmitter.ask(message(1, b"Hello")).await;
    }
    for receiver in &mut receivers {
        for _ in 0..5 {
            receiver.report().await;
        }
        receiver.sync().await;
    }
}

/// The machine's clock, whose time of day has gone a minute further whenever it is asked for.
struct Hurried(Machine, AtomicI64);

impl Clock for Hurried {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.now().as_millis() + 60_000 * self.1.fetch_add(1, Ordering::Relaxed))
    }

    fn steady(&self) -> Timestamp {
        self.0.steady()
    }
}

#[tokio::test]
async fn a_report_that_is_offered_again_has_the_dates_of_the_first_time() {
    let hurried = Hurried(Machine::new(), AtomicI64::new(0));
    let smsc = smsc_on(Options::default(), Arc::new(Machine::with_clock(Arc::new(hurried)))).await;
    let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
    client.ask(message(1, b"Hello")).await;
    let report = client.report().await;
    client.answer(&report, CommandStatus::RX_T_APPN).await;
    assert_eq!(text(&client.report().await), text(&report));
}

#[tokio::test]
async fn a_report_refused_for_now_is_offered_again_and_one_refused_for_good_is_not() {
    let smsc = smsc(Options::default()).await;
    let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
    for status in [CommandStatus::RX_T_APPN, CommandStatus::RMSGQFUL, CommandStatus::RTHROTTLED, CommandStatus::RSYSERR]
    {
        let id = id(&client.ask(message(1, b"Hello")).await);
        let report = client.report().await;
        client.answer(&report, status).await;
        let again = client.report().await;
        assert!(text(&again).contains(&id) && again.sequence != report.sequence, "{status}");
        client.answer(&again, CommandStatus::ROK).await;
    }
    for status in [CommandStatus::RX_P_APPN, CommandStatus::RX_R_APPN, CommandStatus::RINVBNDSTS] {
        client.ask(message(1, b"Hello")).await;
        let report = client.report().await;
        client.answer(&report, status).await;
        client.sync().await;
    }
    within("the answers are counted", smsc.wait_for(|seen| seen.receipts_refused.len() == 7)).await;
    let seen = smsc.summary();
    assert_eq!((seen.receipts_sent, seen.receipts_taken), (11, 4));
}

#[tokio::test]
async fn what_was_not_taken_before_the_connection_broke_comes_in_the_next() {
    let smsc = smsc(Options { receipt_delay_ms: DelayMs(0, 0), ..Options::default() }).await;
    let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(id(&client.ask(message(1, b"Hello")).await));
        let report = client.report().await;
        if ids.len() == 1 {
            client.answer(&report, CommandStatus::ROK).await;
        }
    }
    client.sync().await;
    smsc.disconnect_all();
    assert_eq!(client.next_octets().await, None);
    within("the session ends", smsc.wait_for(|seen| seen.ended == 1)).await;
    let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
    let mut again = Vec::new();
    for _ in 0..2 {
        let report = client.report().await;
        again.push(receipt::parse(&text(&report)).unwrap().id.unwrap());
        client.answer(&report, CommandStatus::ROK).await;
    }
    again.sort_unstable();
    assert_eq!(again, ids[1..]);
    within("all are taken", smsc.wait_for(|seen| seen.receipts_taken == 3)).await;
}
