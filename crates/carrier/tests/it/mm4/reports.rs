//! What the MMSC reports unasked.

use carrier::ReceiptState;
use carrier::mm4::config::Mm4Config;
use std::time::Duration;
use wire::mm4::{DeliveryReportReq, MmStatus, Request, RequestStatus};
use wire::receipt::id::canonical;

use super::mmsc::{Mmsc, begin_to_bring, bring, report, res};
use super::{config, id, mms, settle, start};
use crate::support::{accepted, skip};

#[tokio::test]
async fn a_report_is_answered_once_it_is_on_disk() {
    let mmsc = Mmsc::start().await;
    let (mut bench, listener) = start(config(&mmsc));
    let mut talk = begin_to_bring(listener, &report(&id(1), MmStatus::Retrieved).build()).await;
    let (receipt, ack) = bench.receipt().await;
    assert_eq!(
        (receipt.keys, receipt.raw_id, receipt.state),
        (vec![canonical(&id(1))], id(1), ReceiptState::Delivered)
    );
    assert_eq!((receipt.addresses, receipt.error), (vec!["18005550001".to_owned(), "18005559876".to_owned()], None));
    settle().await;
    assert!(talk.is_silent() && !mmsc.has_connection().await);
    ack.accept();
    talk.hear("250").await;
    let mut back = mmsc.accept().await;
    back.say("220 hi").await;
    back.hear("EHLO").await;
    back.say("250 hi").await;
    let answer = back.answered().await;
    assert_eq!((answer.request, answer.status), (Request::DeliveryReport, RequestStatus::Ok));
    assert_eq!((answer.transaction_id.as_str(), answer.message_id), ("r-1", Some(id(1))));
    assert_eq!(answer.to.unwrap().to_string(), "reports@mms.peer.example");
    assert_eq!(bench.carrier.status().receipts, 1);
}

#[tokio::test]
async fn a_report_that_the_store_does_not_take_in_time_is_to_come_again() {
    let mmsc = Mmsc::start().await;
    let (mut bench, listener) = start(Mm4Config { listen_timeout_secs: 60, ..config(&mmsc) });
    let mut talk = begin_to_bring(listener, &report(&id(1), MmStatus::Retrieved).build()).await;
    let held = bench.receipt().await;
    skip(Duration::from_secs(61)).await;
    talk.hear("451").await;
    drop(held);
}

#[tokio::test]
async fn a_report_that_is_not_kept_is_to_come_again() {
    let mmsc = Mmsc::start().await;
    let (mut bench, listener) = start(config(&mmsc));
    let mut talk = begin_to_bring(listener, &report(&id(1), MmStatus::Retrieved).build()).await;
    drop(bench.receipt().await);
    talk.hear("451").await;
    settle().await;
    // Nothing was answered: the first connection of the carrier is that of its first message.
    bench.submit(mms(2)).await;
    assert_eq!(mmsc.greeted().await.forwarded().await.message_id, id(2));
}

#[tokio::test]
async fn a_report_that_asks_for_no_answer_gets_none() {
    let mmsc = Mmsc::start().await;
    let (mut bench, listener) = start(config(&mmsc));
    let quiet = DeliveryReportReq { ack_request: false, ..report(&id(1), MmStatus::Rejected) };
    let mut talk = begin_to_bring(listener, &quiet.build()).await;
    let (receipt, ack) = bench.receipt().await;
    assert_eq!((receipt.state, receipt.error.as_deref()), (ReceiptState::Rejected, Some("Rejected")));
    ack.accept();
    talk.hear("250").await;
    bench.submit(mms(2)).await;
    assert_eq!(mmsc.greeted().await.forwarded().await.message_id, id(2));
}

#[tokio::test]
async fn a_report_may_come_before_its_message_is_acknowledged() {
    let mmsc = Mmsc::start().await;
    let (mut bench, listener) = start(config(&mmsc));
    bench.submit(mms(1)).await;
    let mut talk = mmsc.greeted().await;
    let forward = talk.unanswered().await;
    let mut early = begin_to_bring(listener, &report(&forward.message_id, MmStatus::Retrieved).build()).await;
    let (receipt, ack) = bench.receipt().await;
    ack.accept();
    early.hear("250").await;
    talk.say("250 taken").await;
    assert_eq!(bring(listener, &res(&forward, RequestStatus::Ok)).await, 250);
    assert_eq!(bench.segments().await, [accepted(&id(1))]);
    assert_eq!(receipt.keys, [canonical(&id(1))]);
}

#[tokio::test]
async fn a_message_that_arrived_was_taken_whatever_a_later_answer_says() {
    let mmsc = Mmsc::start().await;
    let (mut bench, listener) = start(config(&mmsc));
    bench.submit(mms(1)).await;
    let forward = mmsc.greeted().await.forwarded().await;
    let mut talk = begin_to_bring(listener, &report(&id(1), MmStatus::Retrieved).build()).await;
    // The report is told and accepted before the outcome.
    assert_eq!(bench.segments().await, [accepted(&id(1))]);
    talk.hear("250").await;
    let mut refusal = begin_to_bring(listener, &res(&forward, RequestStatus::ServiceDenied)).await;
    let (receipt, ack) = bench.receipt().await;
    assert_eq!(receipt.state, ReceiptState::Rejected, "the store keeps it as an event of a message that has arrived");
    ack.accept();
    refusal.hear("250").await;
}

#[tokio::test]
async fn a_report_of_the_field_finds_its_message() {
    let mmsc = Mmsc::start().await;
    let (mut bench, listener) = start(config(&mmsc));
    let bare = id(1).split('@').next().unwrap().to_ascii_uppercase();
    for (written, status, state) in [
        (format!("\"<{}>\"", id(1)), "X-Mms-MM-Status-Code: Retrieved", ReceiptState::Delivered),
        (id(1).to_ascii_uppercase(), "X-Mms-Status: Expired", ReceiptState::Expired),
        (bare, "X-Mms-Status: Unrecognized", ReceiptState::Undeliverable),
    ] {
        let mail = format!(
            "X-Mms-Message-Type: MM4_Delivery_report.REQ\r\nX-Mms-Message-ID: {written}\r\n{status}\r\nX-MailScanner: \
             clean\r\n"
        );
        let mut talk = begin_to_bring(listener, mail.as_bytes()).await;
        let (receipt, ack) = bench.receipt().await;
        assert!(receipt.keys.contains(&canonical(&id(1))), "{:?}", receipt.keys);
        assert_eq!(receipt.state, state);
        ack.accept();
        talk.hear("250").await;
    }
}

#[tokio::test]
async fn what_is_not_understood_is_refused_and_counted() {
    let mmsc = Mmsc::start().await;
    let (bench, listener) = start(Mm4Config { listen_bytes_max: 10_000, ..config(&mmsc) });
    for mail in [
        &b"Subject: Cheap watches\r\n\r\nBuy now"[..],
        b"",
        b"X-Mms-Message-Type: MM5_forward.REQ\r\n",
        b"X-Mms-Message-Type: MM4_forward.RES\r\nX-Mms-Transaction-ID: 1\r\n",
        b"X-Mms-Message-Type: MM4_delivery_report.REQ\r\nX-Mms-Status: Retrieved\r\n",
        b"\xff\xfe\x00",
    ] {
        assert_eq!(bring(listener, mail).await, 554);
    }
    assert_eq!((bench.carrier.status().malformed_pdus, bench.carrier.status().unusable.unreadable), (6, 6));
    assert_eq!(bring(listener, &b"x\r\n".repeat(5_000)).await, 552);
    let read = b"X-Mms-Message-Type: MM4_read_reply_report.REQ\r\n";
    assert_eq!(bring(listener, read).await, 250);
}
