//! The window: how many segments may be unanswered, and which answer belongs to which.

use std::time::Duration;

use carrier::SegmentOutcome;
use carrier::smpp::config::SmppConfig;
use carrier::smpp::config::{Alphabet, SplitMethod};
use simulator::smsc::Options;
use wire::smpp::{Body, CommandStatus, Pdu, tag};

use crate::support::peer::Peer;
use crate::support::{Bench, accepted, config, first_attempt, id_of, skip, smsc, within};

#[tokio::test]
async fn no_more_segments_are_unanswered_than_the_window_has() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(SmppConfig { window: 3, ..config(peer.address()) });
    let mut session = peer.bound().await;
    assert_eq!(within("the carrier has room", bench.carrier.ready()).await, 3);
    for number in 1..=5 {
        bench.carrier.submit(first_attempt(number, "Hello"));
    }
    let mut sequences = Vec::new();
    for _ in 0..3 {
        sequences.push(session.submitted().await.sequence);
    }
    session.sync().await;
    let status = bench.carrier.status();
    assert_eq!((status.window, status.submitted), (3, 3));
    session.answer(sequences[1], CommandStatus::ROK, "b").await;
    sequences.push(session.submitted().await.sequence);
    session.sync().await;
    for (index, id) in [(3, "d"), (0, "a"), (2, "c")] {
        session.answer(sequences[index], CommandStatus::ROK, id).await;
    }
    let last = session.submitted().await.sequence;
    session.answer(last, CommandStatus::ROK, "e").await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        let outcome = bench.outcome().await;
        ids.push((outcome.token, id_of(&outcome.segments[0].1).unwrap().to_owned()));
    }
    let expected = [(2, "b"), (4, "d"), (1, "a"), (3, "c"), (5, "e")].map(|(number, id)| (number, id.to_owned()));
    assert_eq!(ids, expected, "answers go by their number, in whatever order");
    assert_eq!(bench.carrier.status().window_in_use, 0);
    assert_eq!(within("the carrier has room", bench.carrier.ready()).await, 3);
}

#[tokio::test]
async fn all_segments_of_a_message_leave_in_order_through_a_window_of_one() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(SmppConfig { window: 1, ..config(peer.address()) });
    let mut session = peer.bound().await;
    bench.submit(first_attempt(1, &"long ".repeat(100))).await;
    for number in 1..=4u8 {
        let submitted = session.submitted().await;
        assert_eq!(submitted.sm.short_message[..6], [5, 0, 3, 0xCD, 4, number]);
        session.sync().await;
        session.answer(submitted.sequence, CommandStatus::ROK, &number.to_string()).await;
    }
    let outcome = bench.outcome().await;
    let expected: Vec<_> = (1..=4u16).map(|number| (number, accepted(&number.to_string()))).collect();
    assert_eq!((outcome.token, outcome.attempt, outcome.segments), (1, 1, expected));
}

#[tokio::test]
async fn after_a_failed_segment_the_rest_stays_here() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(SmppConfig { window: 2, ..config(peer.address()) });
    let mut session = peer.bound().await;
    bench.submit(first_attempt(1, &"long ".repeat(100))).await;
    let (first, second) = (session.submitted().await.sequence, session.submitted().await.sequence);
    session.answer(first, CommandStatus::RSYSERR, "").await;
    session.sync().await;
    session.answer(second, CommandStatus::ROK, "2").await;
    let later = SegmentOutcome::TryLater { status: "ESME_RSYSERR".to_owned() };
    assert_eq!(bench.segments().await, [later, accepted("2"), SegmentOutcome::NotSent, SegmentOutcome::NotSent]);
    assert_eq!(bench.carrier.status().window_in_use, 0);
}

/// Each of these cuts the text into another number of segments than was counted at admission.
#[tokio::test]
async fn the_window_is_free_again_however_the_carrier_cuts() {
    let smsc = smsc(Options::default()).await;
    for (split, alphabet) in [
        (SplitMethod::Payload, Alphabet::Gsm7),
        (SplitMethod::Udh8, Alphabet::Ucs2),
        (SplitMethod::Udh8, Alphabet::Latin1),
    ] {
        let mut bench = Bench::start(SmppConfig { split, alphabet, window: 20, ..config(smsc.address()) });
        for number in 1..=30 {
            for text in ["x".repeat(150), "x".repeat(300)] {
                bench.submit(first_attempt(number, &text)).await;
                let segments = bench.segments().await;
                assert!(
                    segments.iter().all(|segment| id_of(segment).is_some()),
                    "{split:?} {alphabet:?}: {segments:?}"
                );
            }
        }
        assert_eq!(bench.carrier.status().window_in_use, 0, "{split:?} {alphabet:?}");
    }
}

#[tokio::test]
async fn what_cannot_leave_in_time_goes_back_unsent() {
    let peer = Peer::start().await;
    let knobs = SmppConfig { window: 1, response_timeout_secs: 40, enquire_link_secs: 3_600, ..config(peer.address()) };
    let mut bench = Bench::start(knobs);
    let mut session = peer.bound().await;
    within("the carrier has room", bench.carrier.ready()).await;
    bench.carrier.submit(first_attempt(1, "Hello"));
    bench.carrier.submit(first_attempt(2, "Hello"));
    session.submitted().await;
    skip(Duration::from_secs(41)).await;
    let mut outcomes = [bench.outcome().await, bench.outcome().await];
    outcomes.sort_by_key(|outcome| outcome.token);
    assert!(matches!(outcomes[0].segments[..], [(1, SegmentOutcome::Unknown { .. })]), "{outcomes:?}");
    assert_eq!(outcomes[1].segments, [(1, SegmentOutcome::NotSent)]);
    session.sync().await;
    assert_eq!(bench.carrier.status().submitted, 1);
}

#[tokio::test]
async fn answers_to_nothing_are_ignored() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.bound().await;
    bench.submit(first_attempt(1, "Hello")).await;
    let sequence = session.submitted().await.sequence;
    for wrong in [0, sequence + 1, 0x7FFF_FFFF, u32::MAX] {
        session.answer(wrong, CommandStatus::ROK, "wrong").await;
        session.answer(wrong, CommandStatus::RSYSERR, "").await;
        session.send(&Pdu::answer(wrong, CommandStatus::RINVCMDID, Body::GenericNack)).await;
        session.send(&Pdu::new(wrong, Body::EnquireLinkResp)).await;
    }
    session.sync().await;
    session.answer(sequence, CommandStatus::ROK, "right").await;
    session.answer(sequence, CommandStatus::ROK, "twice").await;
    assert_eq!(bench.segments().await, [accepted("right")]);
    session.sync().await;
    assert!(bench.event_now().is_none(), "one outcome and no more");
}

#[tokio::test]
async fn an_answer_without_an_id_is_an_answer() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.bound().await;
    for body in [&b""[..], b"\0"] {
        bench.submit(first_attempt(1, "Hello")).await;
        let sequence = session.submitted().await.sequence;
        session.send_octets(&crate::support::peer::raw(0x8000_0004, sequence, body)).await;
        assert_eq!(bench.segments().await, [SegmentOutcome::Accepted { carrier_id: None, remark: None }]);
    }
}

#[tokio::test]
async fn a_late_answer_tells_what_nobody_knew() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(SmppConfig { response_timeout_secs: 20, ..config(peer.address()) });
    let mut session = peer.bound().await;
    for number in 1..=2 {
        bench.submit(first_attempt(number, "Hello")).await;
    }
    let (lost, late) = (session.submitted().await.sequence, session.submitted().await.sequence);
    skip(Duration::from_secs(21)).await;
    for number in 1..=2 {
        let outcome = bench.outcome().await;
        assert_eq!(
            (outcome.token, &outcome.segments[..]),
            (number, &[(1, SegmentOutcome::Unknown { why: "no answer in time" })][..])
        );
    }
    assert_eq!(bench.carrier.status().unknown, 2);
    session.answer(lost, CommandStatus::RSYSERR, "").await;
    session.answer(late, CommandStatus::ROK, "late").await;
    let outcome = bench.outcome().await;
    assert_eq!((outcome.token, outcome.segments), (2, vec![(1, accepted("late"))]));
    session.answer(late, CommandStatus::ROK, "late").await;
    session.sync().await;
    assert!(bench.event_now().is_none());
    assert_eq!(bench.carrier.status().window_in_use, 0);
}

/// SMPP 5.0, 4.8.4.18: an SMSC may say how busy it is with any answer.
#[tokio::test]
async fn a_congested_smsc_gets_less_at_once() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(SmppConfig { window: 8, ..config(peer.address()) });
    let mut session = peer.bound().await;
    for (number, congestion, room) in [(1, 95u8, 4), (2, 100, 2), (3, 85, 2), (4, 50, 3), (5, 0, 4)] {
        bench.submit(first_attempt(number, "Hello")).await;
        let mut answer = Pdu::new(session.submitted().await.sequence, Body::SubmitSmResp(b"1".to_vec()));
        answer.tlvs.push(tag::CONGESTION_STATE, [congestion]);
        session.send(&answer).await;
        bench.segments().await;
        session.sync().await;
        assert_eq!(within("the carrier has room", bench.carrier.ready()).await, room, "{congestion}");
    }
    // One that says nothing of it any more, and takes what it is given, gets as much as before in the end.
    for (number, room) in [(6, 5), (7, 6), (8, 7), (9, 8), (10, 8)] {
        bench.submit(first_attempt(number, "Hello")).await;
        let sequence = session.submitted().await.sequence;
        session.answer(sequence, CommandStatus::ROK, "1").await;
        bench.segments().await;
        session.sync().await;
        assert_eq!(
            (within("the carrier has room", bench.carrier.ready()).await, bench.carrier.status().window),
            (room, room)
        );
    }
}
