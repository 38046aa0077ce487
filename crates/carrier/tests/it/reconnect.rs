//! Connections that break, and what happens to what was on its way.

use std::time::Duration;

use carrier::smpp::config::{SmppConfig, SplitMethod};
use carrier::{Event, SegmentOutcome};
use simulator::smsc::{DelayMs, Options};
use tokio::time::Instant;
use wire::smpp::{Body, CommandId, CommandStatus, Pdu};

use crate::support::peer::{Peer, raw, receipt};
use crate::support::{Bench, accepted, config, first_attempt, skip, smsc, within};

const LOST: SegmentOutcome = SegmentOutcome::Unknown { why: "the connection was lost before the answer" };

#[tokio::test]
async fn a_lost_connection_leaves_the_unanswered_unknown_and_the_rest_not_sent() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(SmppConfig { window: 1, ..config(peer.address()) });
    let mut session = peer.bound().await;
    within("the carrier has room", bench.carrier.ready()).await;
    bench.carrier.submit(first_attempt(1, "Hello"));
    bench.carrier.submit(first_attempt(2, "Hello"));
    session.submitted().await;
    drop(session);
    let mut outcomes = [bench.outcome().await, bench.outcome().await];
    outcomes.sort_by_key(|outcome| outcome.token);
    assert_eq!(outcomes.map(|outcome| outcome.segments), [vec![(1, LOST)], vec![(1, SegmentOutcome::NotSent)]]);
    let status = bench.carrier.status();
    assert_eq!((status.unknown, status.window_in_use), (1, 0));
    let mut session = peer.bound().await;
    bench.submit(first_attempt(2, "Hello")).await;
    let sequence = session.submitted().await.sequence;
    session.answer(sequence, CommandStatus::ROK, "2").await;
    assert_eq!(bench.segments().await, [accepted("2")]);
}

/// The next write fails, and the answer that came before waits to be read: without it the message would be sent twice.
#[tokio::test]
async fn what_was_answered_before_a_reset_is_known() {
    for _ in 0..50 {
        let peer = Peer::start().await;
        let mut bench = Bench::start(config(peer.address()));
        let mut session = peer.bound().await;
        bench.submit(first_attempt(1, "Hello")).await;
        session.readable().await;
        session.answer(2, CommandStatus::ROK, "1").await;
        drop(session);
        bench.carrier.submit(first_attempt(2, "Hello"));
        let mut outcomes = [bench.outcome().await, bench.outcome().await];
        outcomes.sort_by_key(|outcome| outcome.token);
        let [first, second] = outcomes.map(|outcome| outcome.segments);
        assert_eq!(first, [(1, accepted("1"))]);
        assert!([LOST, SegmentOutcome::NotSent].contains(&second[0].1), "{second:?}");
    }
}

#[tokio::test]
async fn an_smsc_that_unbinds_and_answers_no_more_is_left_after_a_while_and_bound_again() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(SmppConfig { unbind_timeout_secs: 20, ..config(peer.address()) });
    let mut session = peer.bound().await;
    bench.submit(first_attempt(1, "Hello")).await;
    session.submitted().await;
    session.send(&Pdu::new(77, Body::Unbind)).await;
    let answer = session.next().await;
    assert_eq!((answer.body, answer.sequence), (Body::UnbindResp, 77));
    let status = bench.status("it is down", |status| status.state == "down").await;
    assert_eq!((status.sessions_bound, status.last_error.as_deref()), (0, Some("the SMSC unbound")));
    skip(Duration::from_secs(19)).await;
    session.sync().await;
    assert!(bench.event_now().is_none(), "the answer may still come");
    skip(Duration::from_secs(2)).await;
    assert!(session.end().await.is_empty());
    assert_eq!(bench.segments().await, [LOST]);
    let _session = peer.bound().await;
    let status = bench.status("it is bound again", |status| status.state == "bound").await;
    assert_eq!((status.binds, status.last_error), (2, None));
}

/// The process stood still for longer than an answer may take, and the answers have come meanwhile: what is there is
/// read before anything is given up.
#[tokio::test]
async fn answers_that_came_while_this_process_stood_still_are_read_before_they_are_missed() {
    for _ in 0..20 {
        let peer = Peer::start().await;
        let mut bench =
            Bench::start(SmppConfig { response_timeout_secs: 60, enquire_link_secs: 30, ..config(peer.address()) });
        let mut session = peer.bound().await;
        bench.submit(first_attempt(1, "Hello")).await;
        let sequence = session.submitted().await.sequence;
        session.answer(sequence, CommandStatus::ROK, "1").await;
        skip(Duration::from_secs(61)).await;
        assert_eq!(bench.segments().await, [accepted("1")]);
    }
}

/// The peer has ended its side of the connection, and still reads.
#[tokio::test]
async fn receipts_are_answered_although_the_smsc_has_ended_its_side() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.bound().await;
    bench.submit(first_attempt(1, "Hello")).await;
    let sequence = session.submitted().await.sequence;
    bench.submit(first_attempt(2, "Hello")).await;
    session.submitted().await;
    session.send(&receipt(5, "id:1 stat:DELIVRD")).await;
    session.answer(sequence, CommandStatus::ROK, "1").await;
    session.half_close().await;
    let (_, ack) = bench.receipt().await;
    let mut outcomes = [bench.segments().await, bench.segments().await];
    outcomes.sort_by_key(|segments| format!("{segments:?}"));
    assert_eq!(outcomes, [vec![accepted("1")], vec![LOST]], "what it said before is known, the rest is not waited for");
    ack.accept();
    assert_eq!(session.next().await, Pdu::new(5, Body::DeliverSmResp(Vec::new())));
    assert!(session.end().await.is_empty());
}

/// Its window is full and nothing more fits into the connection: it is left, and what never left this machine is not of
/// unknown outcome.
#[tokio::test]
async fn an_smsc_that_reads_nothing_is_left_after_a_while() {
    let peer = Peer::start().await;
    let knobs = SmppConfig {
        write_timeout_secs: 30,
        unbind_timeout_secs: 5,
        response_timeout_secs: 600,
        enquire_link_secs: 3_600,
        ..config(peer.address())
    };
    let mut bench = Bench::start(SmppConfig { window: 10_000, split: SplitMethod::Payload, ..knobs });
    let session = peer.bound().await;
    let text = "x".repeat(5_000);
    within("the carrier has room", bench.carrier.ready()).await;
    const COUNT: u32 = 5_000;
    for number in 1..=COUNT {
        bench.carrier.submit(first_attempt(number, &text));
    }
    let stuck = bench.status("nothing more fits into the connection", |status| status.submitted > 100).await;
    assert_eq!(stuck.state, "bound");
    let mut outcomes = Vec::new();
    // Until the connection is full its octets still move, and each of them is a sign of life.
    for _ in 0..100 {
        while let Some(Event::Outcome(outcome)) = bench.event_now() {
            outcomes.push(outcome.segments);
        }
        if outcomes.len() == COUNT as usize {
            break;
        }
        skip(Duration::from_secs(31)).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    let of = |wanted: &SegmentOutcome| outcomes.iter().filter(|segments| segments[..] == [(1, wanted.clone())]).count();
    let (unknown, not_sent) = (of(&LOST), of(&SegmentOutcome::NotSent));
    assert_eq!(unknown + not_sent, COUNT as usize, "{unknown} {not_sent}");
    assert!(unknown > 0 && not_sent > 0, "{unknown} left, {not_sent} did not");
    assert_eq!(bench.carrier.status().window_in_use, 0);
    drop(session);
    let _session = peer.bound().await;
}

#[tokio::test]
async fn every_session_comes_back_after_the_network_failed() {
    let smsc = smsc(Options { response_delay_ms: DelayMs(60_000, 60_000), ..Options::default() }).await;
    let mut bench = Bench::start(SmppConfig { sessions: 3, ..config(smsc.address()) });
    bench.status("three are bound", |status| status.sessions_bound == 3).await;
    for number in 1..=9 {
        bench.submit(first_attempt(number, "Hello")).await;
    }
    within("all are with the SMSC", smsc.wait_for(|seen| seen.submitted == 9)).await;
    smsc.disconnect_all();
    for _ in 1..=9 {
        assert_eq!(bench.segments().await, [LOST]);
    }
    bench.status("three are bound again", |status| status.sessions_bound == 3 && status.binds == 6).await;
    assert!(bench.carrier.down_for().is_none());
}

#[tokio::test]
async fn a_carrier_is_down_from_its_start_until_it_is_bound() {
    let peer = Peer::start().await;
    let address = peer.address();
    drop(peer);
    let bench = Bench::start(config(address));
    assert!(bench.carrier.down_for().is_some());
    let status = bench.status("it tells why", |status| status.state == "down").await;
    assert!(status.last_error.unwrap().starts_with("cannot connect: "));
}

/// The waits are at least half of 40, 80, 160, 160 … ms: never a tight loop.
#[tokio::test]
async fn a_peer_that_hangs_up_is_called_less_and_less_often() {
    let peer = Peer::start().await;
    let _bench =
        Bench::start(SmppConfig { reconnect_floor_ms: 40, reconnect_ceiling_ms: 160, ..config(peer.address()) });
    drop(peer.accept().await);
    for least_ms in [20, 40, 80, 80] {
        let hung_up_at = Instant::now();
        drop(peer.accept().await);
        assert!(hung_up_at.elapsed() >= Duration::from_millis(least_ms - 1), "{least_ms}");
    }
}

/// A bind that was taken and dropped at once is no better than none.
#[tokio::test]
async fn a_peer_that_drops_every_bind_is_called_less_and_less_often() {
    let peer = Peer::start().await;
    let _bench =
        Bench::start(SmppConfig { reconnect_floor_ms: 40, reconnect_ceiling_ms: 10_000, ..config(peer.address()) });
    drop(peer.bound().await);
    for least_ms in [20, 40, 80, 160] {
        let dropped_at = Instant::now();
        drop(peer.bound().await);
        assert!(dropped_at.elapsed() >= Duration::from_millis(least_ms - 1), "{least_ms}");
    }
}

#[tokio::test]
async fn an_impossible_length_is_told_and_the_connection_made_anew() {
    for length in [0u32, 4, 15, 70_001, u32::MAX] {
        let peer = Peer::start().await;
        let mut bench = Bench::start(SmppConfig { reconnect_floor_ms: 40, ..config(peer.address()) });
        let mut session = peer.bound().await;
        bench.submit(first_attempt(1, "Hello")).await;
        session.submitted().await;
        let mut octets = raw(CommandId::DELIVER_SM.0, 5, b"");
        octets[..4].copy_from_slice(&length.to_be_bytes());
        session.send_octets(&octets).await;
        let answer = session.next().await;
        assert_eq!(
            (answer.body, answer.status, answer.sequence),
            (Body::GenericNack, CommandStatus::RINVCMDLEN, 5),
            "{length}"
        );
        let broken_at = Instant::now();
        assert!(session.end().await.is_empty());
        assert_eq!(bench.segments().await, [LOST]);
        let _session = peer.bound().await;
        assert!(broken_at.elapsed() >= Duration::from_millis(19), "{length}: a tight loop");
        let status = bench.status("it is bound again", |status| status.state == "bound").await;
        assert_eq!((status.malformed_pdus, status.binds), (1, 2));
    }
}

#[tokio::test]
async fn a_silent_peer_is_asked_and_then_left() {
    let peer = Peer::start().await;
    let mut bench =
        Bench::start(SmppConfig { enquire_link_secs: 30, response_timeout_secs: 600, ..config(peer.address()) });
    let mut session = peer.bound().await;
    bench.submit(first_attempt(1, "Hello")).await;
    session.submitted().await;
    skip(Duration::from_secs(31)).await;
    assert_eq!(session.next().await.body, Body::EnquireLink);
    skip(Duration::from_secs(11)).await;
    assert!(session.end().await.is_empty());
    assert_eq!(bench.segments().await, [LOST]);
    assert!(bench.carrier.status().last_error.unwrap().contains("silent"));
    drop(peer.bound().await);
}

#[tokio::test]
async fn any_word_of_the_peer_is_a_sign_of_life() {
    let peer = Peer::start().await;
    let bench = Bench::start(SmppConfig { enquire_link_secs: 30, ..config(peer.address()) });
    let mut session = peer.bound().await;
    bench.status("it is bound", |status| status.state == "bound").await;
    for _ in 0..3 {
        skip(Duration::from_secs(20)).await;
        // The first PDU back is the answer: no `enquire_link` came before it.
        session.sync().await;
    }
    skip(Duration::from_secs(31)).await;
    let asked = session.next().await;
    assert_eq!(asked.body, Body::EnquireLink);
    session.send(&Pdu::new(asked.sequence, Body::EnquireLinkResp)).await;
    session.sync().await;
    skip(Duration::from_secs(15)).await;
    session.sync().await;
    assert_eq!(bench.carrier.status().binds, 1);
}

#[tokio::test]
async fn the_simulated_silent_smsc_is_found_out() {
    let smsc = smsc(Options { silent: true, ..Options::default() }).await;
    let mut bench =
        Bench::start(SmppConfig { enquire_link_secs: 30, response_timeout_secs: 36_000, ..config(smsc.address()) });
    bench.submit(first_attempt(1, "Hello")).await;
    bench.status("it is sent", |status| status.submitted == 1).await;
    let mut given_up = None;
    // First the question falls due, then its answer.
    for _ in 0..100 {
        given_up = given_up.or_else(|| bench.event_now());
        if given_up.is_some() {
            break;
        }
        skip(Duration::from_secs(31)).await;
    }
    assert!(matches!(given_up, Some(Event::Outcome(outcome)) if outcome.segments == [(1, LOST)]));
    within("it binds again", smsc.wait_for(|seen| seen.binds == 2)).await;
}
