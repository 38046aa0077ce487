//! What `MM4_forward.RES` changes, whenever it comes.

use std::sync::Arc;
use std::time::Duration;

use carrier::mm4::config::Mm4Config;
use carrier::{ReceiptState, SegmentOutcome};
use model::ErrorType;
use wire::mm4::{Answer, Request, RequestStatus};
use wire::receipt::id::canonical;

use super::mmsc::{Mmsc, begin_to_bring, bring, res};
use super::{RESPONSE_TIMEOUT, config, id, mms, settle, start};
use crate::support::{accepted, skip, within};

#[tokio::test]
async fn the_answer_decides() {
    let refused = |error_type, status: &str| SegmentOutcome::Refused { error_type, status: status.to_owned() };
    let mmsc = Mmsc::start().await;
    for (status, outcome) in [
        (RequestStatus::Ok, accepted(&id(1))),
        (RequestStatus::Unspecified, SegmentOutcome::TryLater { status: "Error-unspecified".to_owned() }),
        (RequestStatus::NetworkProblem, SegmentOutcome::TryLater { status: "Error-network-problem".to_owned() }),
        (RequestStatus::ServiceDenied, refused(ErrorType::BlockedByCarrier, "Error-service-denied")),
        (
            RequestStatus::SendingAddressUnresolved,
            refused(ErrorType::InvalidDestination, "Error-sending-address-unresolved"),
        ),
        (RequestStatus::ContentNotAccepted, refused(ErrorType::MediaFailed, "Error-content-not-accepted")),
        (RequestStatus::MessageFormatCorrupt, refused(ErrorType::MediaFailed, "Error-message-format-corrupt")),
        (RequestStatus::UnsupportedMessage, refused(ErrorType::MediaFailed, "Error-unsupported-message")),
        (RequestStatus::MessageNotFound, refused(ErrorType::CarrierRejected, "Error-message-not-found")),
    ] {
        let (mut bench, listener) = start(config(&mmsc));
        bench.submit(mms(1)).await;
        let forward = mmsc.greeted().await.forwarded().await;
        assert_eq!(bring(listener, &res(&forward, status)).await, 250);
        assert_eq!(bench.segments().await, [outcome], "{status:?}");
    }
}

#[tokio::test]
async fn the_answer_may_be_quicker_than_smtp() {
    let mmsc = Mmsc::start().await;
    for (status, outcome) in [
        (RequestStatus::Ok, accepted(&id(1))),
        (RequestStatus::Unspecified, SegmentOutcome::TryLater { status: "Error-unspecified".to_owned() }),
    ] {
        let (mut bench, listener) = start(config(&mmsc));
        bench.submit(mms(1)).await;
        let mut talk = mmsc.greeted().await;
        let forward = talk.unanswered().await;
        assert_eq!(bring(listener, &res(&forward, status)).await, 250);
        assert!(bench.event_now().is_none());
        talk.say("250 taken").await;
        assert_eq!(bench.segments().await, [outcome]);
    }
}

#[tokio::test]
async fn the_answer_tells_what_a_broken_connection_did_not() {
    let mmsc = Mmsc::start().await;
    let (mut bench, listener) = start(config(&mmsc));
    bench.submit(mms(1)).await;
    let forward = mmsc.greeted().await.unanswered().await;
    settle().await;
    assert_eq!(bring(listener, &res(&forward, RequestStatus::Ok)).await, 250);
    assert_eq!(bench.segments().await, [accepted(&id(1))]);
}

#[tokio::test]
async fn without_it_a_broken_connection_leaves_the_outcome_unknown() {
    let mmsc = Mmsc::start().await;
    let (mut bench, _) = start(config(&mmsc));
    bench.submit(mms(1)).await;
    mmsc.greeted().await.unanswered().await;
    settle().await;
    assert!(bench.event_now().is_none());
    skip(RESPONSE_TIMEOUT).await;
    assert!(matches!(bench.segments().await[..], [SegmentOutcome::Unknown { .. }]));
}

#[tokio::test]
async fn a_message_that_smtp_took_counts_when_no_answer_comes_and_a_late_refusal_is_a_receipt() {
    let mmsc = Mmsc::start().await;
    let (mut bench, listener) = start(config(&mmsc));
    bench.submit(mms(1)).await;
    let mut talk = mmsc.greeted().await;
    let forward = talk.forwarded().await;
    settle().await;
    assert!(bench.event_now().is_none());
    skip(RESPONSE_TIMEOUT).await;
    assert_eq!(bench.segments().await, [accepted(&id(1))]);

    assert_eq!(bring(listener, &res(&forward, RequestStatus::Ok)).await, 250);
    assert!(bench.event_now().is_none());
    let mut late = begin_to_bring(listener, &res(&forward, RequestStatus::SendingAddressUnresolved)).await;
    let (receipt, ack) = bench.receipt().await;
    assert_eq!((receipt.keys, receipt.state), (vec![canonical(&id(1))], ReceiptState::Rejected));
    assert_eq!(receipt.error.as_deref(), Some("Error-sending-address-unresolved"));
    settle().await;
    assert!(late.is_silent());
    ack.accept();
    late.hear("250").await;
    // Told once, it is not told again.
    assert_eq!(bring(listener, &res(&forward, RequestStatus::SendingAddressUnresolved)).await, 250);
    assert!(bench.event_now().is_none());
}

#[tokio::test]
async fn a_late_refusal_that_is_not_kept_comes_again() {
    let mmsc = Mmsc::start().await;
    let (mut bench, listener) = start(Mm4Config { wait_for_response: false, ..config(&mmsc) });
    bench.submit(mms(1)).await;
    let forward = mmsc.greeted().await.forwarded().await;
    assert_eq!(bench.segments().await, [accepted(&id(1))]);
    for _ in 0..2 {
        let mut late = begin_to_bring(listener, &res(&forward, RequestStatus::ServiceDenied)).await;
        let (receipt, ack) = bench.receipt().await;
        assert_eq!(receipt.state, ReceiptState::Rejected);
        drop(ack);
        late.hear("451").await;
    }
}

#[tokio::test]
async fn a_late_refusal_under_an_id_of_the_peers_own_names_ours_too_and_comes_again() {
    let mmsc = Mmsc::start().await;
    let (mut bench, listener) = start(Mm4Config { wait_for_response: false, ..config(&mmsc) });
    bench.submit(mms(1)).await;
    let forward = mmsc.greeted().await.forwarded().await;
    assert_eq!(bench.segments().await, [accepted(&id(1))]);
    let refusal = Answer {
        message_id: Some("of-its-own".to_owned()),
        ..Answer::new(Request::Forward, forward.transaction_id, RequestStatus::ServiceDenied)
    };
    for _ in 0..2 {
        let mut late = begin_to_bring(listener, &refusal.build()).await;
        let (receipt, ack) = bench.receipt().await;
        assert!(receipt.keys.contains(&canonical(&id(1))), "{:?}", receipt.keys);
        drop(ack);
        late.hear("451").await;
    }
}

#[tokio::test]
async fn an_answer_that_comes_twice_counts_once() {
    let mmsc = Mmsc::start().await;
    for status in [RequestStatus::Ok, RequestStatus::ServiceDenied] {
        let (mut bench, listener) = start(config(&mmsc));
        bench.submit(mms(1)).await;
        let forward = mmsc.greeted().await.forwarded().await;
        for _ in 0..3 {
            assert_eq!(bring(listener, &res(&forward, status)).await, 250);
        }
        assert_eq!(bench.segments().await.len(), 1);
        assert!(bench.event_now().is_none(), "{status:?}");
    }
}

#[tokio::test]
async fn an_answer_to_what_nobody_sent_is_taken_and_only_a_refusal_told() {
    let mmsc = Mmsc::start().await;
    let (mut bench, listener) = start(config(&mmsc));
    let answer = |status| {
        Answer {
            message_id: Some("UNKNOWN.1".to_owned()),
            ..Answer::new(Request::Forward, "unknown.1".to_owned(), status)
        }
        .build()
    };
    assert_eq!(bring(listener, &answer(RequestStatus::Ok)).await, 250);
    assert!(bench.event_now().is_none());
    let mut refusal = begin_to_bring(listener, &answer(RequestStatus::ServiceDenied)).await;
    let (receipt, ack) = bench.receipt().await;
    assert_eq!(receipt.keys, ["unknown.1", "unknown.1@mms.ours.example"]);
    ack.accept();
    refusal.hear("250").await;
}

#[tokio::test]
async fn answers_as_peers_of_the_field_write_them_find_their_messages() {
    let mmsc = Mmsc::start().await;
    let transaction = id(1).split('@').next().unwrap().to_owned();
    for ids in [
        format!("X-Mms-Transaction-ID: \"{transaction}\"\r\nX-Mms-Message-ID: \"<{}>\"", id(1)),
        format!("X-Mms-Transaction-ID: {}", transaction.to_ascii_uppercase()),
        format!("X-Mms-Transaction-ID: of-their-own\r\nX-Mms-Message-ID: {}", id(1).to_ascii_uppercase()),
        format!("X-Mms-Message-ID: {transaction}"),
    ] {
        let (mut bench, listener) = start(config(&mmsc));
        bench.submit(mms(1)).await;
        mmsc.greeted().await.forwarded().await;
        let mail = format!(
            "X-Spam: no\r\nX-Mms-MMS-Version: 1.2\r\nX-Mms-Message-Type: \
             MM4_FORWARD.res\r\n{ids}\r\nX-Mms-Request-Status-Code: 0\r\n\r\nok"
        );
        assert_eq!(bring(listener, mail.as_bytes()).await, 250);
        assert_eq!(bench.segments().await, [accepted(&id(1))], "{ids}");
    }
}

#[tokio::test]
async fn a_drain_does_not_wait_for_answers_to_what_smtp_took() {
    let mmsc = Mmsc::start().await;
    let (mut bench, _) = start(config(&mmsc));
    bench.submit(mms(1)).await;
    let mut talk = mmsc.greeted().await;
    talk.forwarded().await;
    settle().await;
    let carrier = Arc::clone(&bench.carrier);
    within("the drain ends", carrier.drain(Duration::from_secs(3_600))).await;
    assert_eq!(bench.segments().await, [accepted(&id(1))]);
    talk.hear("QUIT").await;
    assert_eq!(carrier.status().state, "closed");
}
