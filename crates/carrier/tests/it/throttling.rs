//! An SMSC that asks to be spared: the link rests, and no message is the worse for it.

use std::time::Duration;

use carrier::SegmentOutcome;
use carrier::action::Action;
use carrier::smpp::config::SmppConfig;
use carrier::smpp::config::SplitMethod;
use model::ErrorType;
use simulator::smsc::Options;
use wire::smpp::CommandStatus;

use crate::support::peer::Peer;
use crate::support::{Bench, accepted, config, first_attempt, skip, smsc, within};

/// Long rests, which only [`skip`] ends.
fn patient(peer: &Peer) -> SmppConfig {
    SmppConfig {
        throttle_floor_ms: 30_000,
        throttle_ceiling_ms: 60_000,
        response_timeout_secs: 600,
        enquire_link_secs: 3_600,
        ..config(peer.address())
    }
}

#[tokio::test]
async fn a_throttled_segment_leaves_again_after_a_rest_and_before_what_came_later() {
    let full_queues = [("ESME_RMSGQFUL".to_owned(), Action::Throttle)];
    for (status, errors) in [(CommandStatus::RTHROTTLED, None), (CommandStatus::RMSGQFUL, Some(full_queues))] {
        let peer = Peer::start().await;
        let errors = errors.into_iter().flatten().collect();
        let mut bench = Bench::start(SmppConfig { window: 2, errors, ..patient(&peer) });
        let mut session = peer.bound().await;
        bench.submit(first_attempt(1, &"long ".repeat(100))).await;
        let (first, second) = (session.submitted().await, session.submitted().await);
        session.answer(first.sequence, status, "").await;
        session.answer(second.sequence, CommandStatus::ROK, "2").await;
        session.sync().await;
        let seen = bench.carrier.status();
        assert_eq!(
            (seen.state, seen.throttled, seen.submitted),
            ("throttled", 1, 2),
            "{status}: nothing leaves during a rest"
        );
        assert!(bench.carrier.down_for().is_none(), "a rest is no reason to try another carrier");
        skip(Duration::from_secs(31)).await;
        for number in [1u8, 3, 4] {
            let again = session.submitted().await;
            assert_eq!(again.sm.short_message[5], number, "{status}");
            assert!(again.sequence > second.sequence, "every request has a number of its own");
            session.answer(again.sequence, CommandStatus::ROK, &number.to_string()).await;
        }
        let expected: Vec<_> = ["1", "2", "3", "4"].map(accepted).into();
        assert_eq!(bench.segments().await, expected, "one outcome, and the throttling left no trace in it");
        assert_eq!(bench.carrier.status().state, "bound");
    }
}

#[tokio::test]
async fn rests_grow_while_the_smsc_goes_on_asking_and_shrink_when_it_takes_something() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(patient(&peer));
    let mut session = peer.bound().await;
    bench.submit(first_attempt(1, "Hello")).await;
    for rest_secs in [30, 60, 60] {
        let sequence = session.submitted().await.sequence;
        session.answer(sequence, CommandStatus::RTHROTTLED, "").await;
        session.sync().await;
        skip(Duration::from_secs(rest_secs - 1)).await;
        session.sync().await;
        assert_eq!(bench.carrier.status().state, "throttled", "{rest_secs}");
        skip(Duration::from_secs(2)).await;
    }
    let sequence = session.submitted().await.sequence;
    session.answer(sequence, CommandStatus::ROK, "1").await;
    assert_eq!(bench.segments().await, [accepted("1")]);
    bench.submit(first_attempt(2, "Hello")).await;
    let sequence = session.submitted().await.sequence;
    session.answer(sequence, CommandStatus::RTHROTTLED, "").await;
    session.sync().await;
    skip(Duration::from_secs(31)).await;
    session.submitted().await;
}

#[tokio::test]
async fn after_too_long_a_rest_the_message_goes_back_and_the_link_is_free_again() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(SmppConfig { response_timeout_secs: 40, ..patient(&peer) });
    let mut session = peer.bound().await;
    bench.submit(first_attempt(1, "Hello")).await;
    let sequence = session.submitted().await.sequence;
    session.answer(sequence, CommandStatus::RTHROTTLED, "").await;
    session.sync().await;
    skip(Duration::from_secs(31)).await;
    let sequence = session.submitted().await.sequence;
    session.answer(sequence, CommandStatus::RTHROTTLED, "").await;
    session.sync().await;
    skip(Duration::from_secs(10)).await;
    assert_eq!(bench.segments().await, [SegmentOutcome::TryLater { status: "ESME_RTHROTTLED".to_owned() }]);
    session.sync().await;
    assert_eq!(bench.carrier.status().state, "throttled");
    skip(Duration::from_secs(61)).await;
    // With nothing in its queue, the link still says when its rest is over.
    bench.submit(first_attempt(2, "Hello")).await;
    let sequence = session.submitted().await.sequence;
    session.answer(sequence, CommandStatus::ROK, "2").await;
    assert_eq!(bench.segments().await, [accepted("2")]);
}

#[tokio::test]
async fn one_throttled_session_leaves_the_work_to_the_other() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(SmppConfig { sessions: 2, window: 10, ..patient(&peer) });
    let (mut a, mut b) = (peer.bound().await, peer.bound().await);
    within("both are bound", async {
        while bench.carrier.ready().await < 20 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    bench.submit(first_attempt(1, "Hello")).await;
    let submitted = tokio::select! {
        submitted = a.submitted() => submitted,
        submitted = b.submitted() => { std::mem::swap(&mut a, &mut b); submitted }
    };
    a.answer(submitted.sequence, CommandStatus::RTHROTTLED, "").await;
    a.sync().await;
    assert_eq!(bench.carrier.status().state, "bound");
    for number in 2..=4 {
        bench.submit(first_attempt(number, "Hello")).await;
        let sequence = b.submitted().await.sequence;
        b.answer(sequence, CommandStatus::ROK, "id").await;
        assert_eq!(bench.outcome().await.token, u64::from(number));
    }
}

#[tokio::test]
async fn every_message_gets_through_an_smsc_with_a_bound_on_its_rate() {
    let smsc = smsc(Options { throttle_above: 40, ..Options::default() }).await;
    let mut bench = Bench::at(&smsc);
    for number in 1..=60 {
        bench.submit(first_attempt(number, "Hello")).await;
    }
    for _ in 1..=60 {
        assert!(matches!(bench.segments().await[..], [SegmentOutcome::Accepted { .. }]));
    }
    let status = bench.carrier.status();
    assert!(status.throttled > 0 && status.accepted == 60, "{status:?}");
}

/// A table of statuses, with and without exceptions of the carrier's own.
#[tokio::test]
async fn each_status_has_its_consequence() {
    let later = |status: &str| SegmentOutcome::TryLater { status: status.to_owned() };
    let refused = |error_type, status: &str| SegmentOutcome::Refused { error_type, status: status.to_owned() };
    let peer = Peer::start().await;
    let errors = [
        ("ESME_RINVSRCADR".to_owned(), Action::Retry),
        ("0x0401".to_owned(), Action::Block),
        ("ESME_RX_P_APPN".to_owned(), Action::Accept),
    ];
    let mut bench =
        Bench::start(SmppConfig { errors: errors.into(), unknown_error: Action::Reject, ..config(peer.address()) });
    let mut session = peer.bound().await;
    for (status, outcome) in [
        (CommandStatus::RSYSERR, later("ESME_RSYSERR")),
        (CommandStatus::RX_T_APPN, later("ESME_RX_T_APPN")),
        (CommandStatus::RSUBMITFAIL, later("ESME_RSUBMITFAIL")),
        (CommandStatus::RX_R_APPN, refused(ErrorType::CarrierRejected, "ESME_RX_R_APPN")),
        (CommandStatus::RINVMSGLEN, refused(ErrorType::CarrierRejected, "ESME_RINVMSGLEN")),
        (CommandStatus::RINVDSTADR, refused(ErrorType::InvalidDestination, "ESME_RINVDSTADR")),
        (CommandStatus::RPROHIBITED, refused(ErrorType::BlockedByCarrier, "ESME_RPROHIBITED")),
        (CommandStatus::RINVEXPIRY, refused(ErrorType::Expired, "ESME_RINVEXPIRY")),
        (CommandStatus(0x402), refused(ErrorType::CarrierRejected, "0x0402")),
        (CommandStatus::RINVSRCADR, later("ESME_RINVSRCADR")),
        (CommandStatus(0x401), refused(ErrorType::BlockedByCarrier, "0x0401")),
        (CommandStatus::RX_P_APPN, SegmentOutcome::Accepted { carrier_id: None, remark: None }),
    ] {
        bench.submit(first_attempt(1, "Hello")).await;
        let sequence = session.submitted().await.sequence;
        session.answer(sequence, status, "").await;
        assert_eq!(bench.segments().await, [outcome], "{status}");
    }
}

#[tokio::test]
async fn what_this_carrier_cannot_have_is_refused_before_it_leaves() {
    let peer = Peer::start().await;
    for knobs in [
        SmppConfig { segments_max: 2, ..config(peer.address()) },
        SmppConfig { split: SplitMethod::None, ..config(peer.address()) },
    ] {
        let mut bench = Bench::start(knobs);
        let mut session = peer.bound().await;
        bench.submit(first_attempt(1, &"long ".repeat(100))).await;
        let segments = bench.segments().await;
        assert!(
            matches!(segments[..], [SegmentOutcome::Refused { error_type: ErrorType::CarrierRejected, .. }]),
            "the whole in one: {segments:?}"
        );
        session.sync().await;
        let status = bench.carrier.status();
        assert_eq!((status.submitted, status.window_in_use), (0, 0));
    }
}

#[tokio::test]
async fn segments_leave_no_faster_than_the_rate() {
    let smsc = smsc(Options::default()).await;
    for knobs in [
        SmppConfig { rate: 100, ..config(smsc.address()) },
        SmppConfig { session_rate: 50, sessions: 2, ..config(smsc.address()) },
    ] {
        let mut bench = Bench::start(knobs);
        bench.status("all sessions are bound", |status| status.sessions_bound == status.sessions_configured).await;
        let begun_at = tokio::time::Instant::now();
        for number in 1..=60 {
            bench.submit(first_attempt(number, "Hello")).await;
        }
        for _ in 1..=60 {
            bench.segments().await;
        }
        // Ten leave at once, the other fifty at a hundred a second.
        let took = begun_at.elapsed();
        assert!(took >= Duration::from_millis(480), "{took:?}");
    }
}
