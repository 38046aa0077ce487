//! What becomes of a message by what SMTP says, or does not say.

use std::sync::Arc;
use std::time::Duration;

use carrier::keys::ValidityForm;
use carrier::mm4::config::Mm4Config;
use carrier::{SegmentOutcome, Submission};
use model::{ErrorType, Originator};
use wire::mm4::Expiry;

use super::mmsc::Mmsc;
use super::{RESPONSE_TIMEOUT, config, deaf, id, mms, settle, start};
use crate::support::{accepted, skip};

#[tokio::test]
async fn a_message_arrives_with_its_addresses_its_parts_and_what_is_asked_for() {
    let mmsc = Mmsc::start().await;
    let (mut bench, _) = start(Mm4Config { wait_for_response: false, ..config(&mmsc) });
    bench.submit(mms(1)).await;
    let forward = mmsc.greeted().await.forwarded().await;
    assert_eq!(bench.segments().await, [accepted(&id(1))]);
    assert_eq!(
        (forward.message_id.as_str(), forward.transaction_id.as_str()),
        (id(1).as_str(), id(1).split('@').next().unwrap())
    );
    assert_eq!(forward.from.unwrap().to_string(), "+18005559876/TYPE=PLMN@mms.ours.example");
    assert_eq!(forward.to[0].to_string(), "+18005550001/TYPE=PLMN@mms.peer.example");
    assert_eq!(forward.originator_system.unwrap().to_string(), "system@mms.ours.example");
    assert_eq!((forward.version.as_str(), forward.ack_request, forward.delivery_report), ("6.10.0", true, true));
    assert_eq!((forward.date, forward.expiry), (Some(1_773_585_013), Some(Expiry::After(86_400))));
    let parts: Vec<_> = forward.parts.iter().map(|part| (part.id.as_str(), part.content_type.as_str())).collect();
    assert_eq!(
        parts,
        [("smil", "application/smil; charset=utf-8"), ("text", "text/plain; charset=utf-8"), ("media", "image/png")]
    );
    assert_eq!(forward.parts[2].bytes, mms(1).media.unwrap().bytes);
}

/// A message with media from this sender.
fn from(number: u32, text: &str) -> Submission {
    let mut submission = mms(number);
    Arc::make_mut(&mut submission.message).originator = Originator::parse(text).unwrap();
    submission
}

#[tokio::test]
async fn a_short_code_has_no_plus_and_a_name_has_no_address() {
    let mmsc = Mmsc::start().await;
    let (mut bench, _) = start(Mm4Config { wait_for_response: false, ..config(&mmsc) });
    bench.submit(from(1, "ACME")).await;
    let status = "its sender is a name, for which MM4 has no address".to_owned();
    let refused = SegmentOutcome::Refused { error_type: ErrorType::CarrierRejected, status };
    assert_eq!(bench.segments().await, [refused]);
    bench.submit(from(2, "72345")).await;
    let forward = mmsc.greeted().await.forwarded().await;
    assert_eq!(bench.segments().await, [accepted(&id(2))]);
    assert_eq!(forward.from.unwrap().to_string(), "72345/TYPE=PLMN@mms.ours.example");
    assert_eq!(forward.to[0].to_string(), "+18005550002/TYPE=PLMN@mms.peer.example");
}

#[tokio::test]
async fn what_nobody_listens_for_is_not_asked_for() {
    let mmsc = Mmsc::start().await;
    let (mut bench, _) = start(Mm4Config { validity: ValidityForm::Absolute, ..deaf(&mmsc) });
    bench.submit(mms(1)).await;
    let forward = mmsc.greeted().await.forwarded().await;
    assert_eq!((forward.ack_request, forward.delivery_report), (false, false));
    assert_eq!(forward.expiry, Some(Expiry::At(1_773_585_013 + 86_400)));
    assert_eq!(bench.segments().await, [accepted(&id(1))]);
}

#[tokio::test]
async fn what_the_mmsc_says_no_to_is_refused_or_tried_again() {
    let refused = |error_type, status: &str| SegmentOutcome::Refused { error_type, status: status.to_owned() };
    let later = |status: &str| SegmentOutcome::TryLater { status: status.to_owned() };
    let mmsc = Mmsc::start().await;
    for (step, reply, outcome) in [
        ("MAIL", "451 4.3.0 no", later("SMTP 451 4.3.0")),
        ("MAIL", "550 5.7.1 no", refused(ErrorType::BlockedByCarrier, "SMTP 550 5.7.1")),
        ("RCPT", "550 5.1.1 no", refused(ErrorType::InvalidDestination, "SMTP 550 5.1.1")),
        ("RCPT", "450 4.2.1 no", later("SMTP 450 4.2.1")),
        ("DATA", "554 no", refused(ErrorType::CarrierRejected, "SMTP 554")),
        (".", "552 5.3.4 no", refused(ErrorType::MediaFailed, "SMTP 552 5.3.4")),
        (".", "421 4.3.2 no", later("SMTP 421 4.3.2")),
    ] {
        let (mut bench, _) = start(config(&mmsc));
        bench.submit(mms(1)).await;
        let mut talk = mmsc.greeted().await;
        if step == "." {
            talk.mail().await;
        } else {
            for command in ["MAIL", "RCPT", "DATA"].into_iter().take_while(|command| *command != step) {
                talk.hear(command).await;
                talk.say("250 ok").await;
            }
            talk.hear(step).await;
        }
        talk.say(reply).await;
        if !reply.starts_with("421") {
            talk.hear("RSET").await;
            talk.say("250 ok").await;
        }
        assert_eq!(bench.segments().await, [outcome], "{step} {reply}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_end_of_the_mail_sent_nothing() {
    let mmsc = Mmsc::start().await;
    for steps in 0..4 {
        let (mut bench, _) = start(config(&mmsc));
        bench.submit(mms(1)).await;
        let mut talk = if steps == 0 { mmsc.accept().await } else { mmsc.greeted().await };
        for command in ["MAIL", "RCPT", "DATA"].into_iter().take(steps) {
            talk.hear(command).await;
            if command != "DATA" {
                talk.say("250 ok").await;
            }
        }
        drop(talk);
        assert_eq!(bench.segments().await, [SegmentOutcome::NotSent], "{steps}");
        assert_eq!((bench.carrier.status().state, bench.carrier.down_for().is_some()), ("down", true));
    }
}

#[tokio::test]
async fn a_connection_that_breaks_after_it_leaves_a_message_whose_outcome_nobody_knows() {
    let mmsc = Mmsc::start().await;
    let (mut bench, _) = start(deaf(&mmsc));
    bench.submit(mms(1)).await;
    mmsc.greeted().await.unanswered().await;
    assert_eq!(
        bench.segments().await,
        [SegmentOutcome::Unknown { why: "the connection broke before the answer to the mail" }]
    );
}

#[tokio::test]
async fn an_mmsc_that_does_not_answer_the_mail_leaves_it_unknown_in_time() {
    let mmsc = Mmsc::start().await;
    let (mut bench, _) = start(deaf(&mmsc));
    bench.submit(mms(1)).await;
    let mut talk = mmsc.greeted().await;
    talk.unanswered().await;
    skip(RESPONSE_TIMEOUT).await;
    assert_eq!(bench.segments().await, [SegmentOutcome::Unknown { why: "no answer to the mail in time" }]);
}

#[tokio::test]
async fn an_mmsc_that_does_not_greet_is_given_up() {
    let mmsc = Mmsc::start().await;
    let (mut bench, _) = start(config(&mmsc));
    bench.submit(mms(1)).await;
    let _silent = mmsc.accept().await;
    settle().await;
    skip(Duration::from_secs(10)).await;
    assert_eq!(bench.segments().await, [SegmentOutcome::NotSent]);
    assert_eq!(bench.carrier.status().last_error.as_deref(), Some("it did not answer in time"));
}

#[tokio::test]
async fn an_mmsc_that_does_not_let_us_in_is_told_apart_from_one_that_is_away() {
    let mmsc = Mmsc::start().await;
    let (mut bench, _) = start(config(&mmsc));
    bench.submit(mms(1)).await;
    mmsc.accept().await.say("554 5.7.1 who are you").await;
    assert_eq!(bench.segments().await, [SegmentOutcome::NotSent]);
    assert_eq!(bench.carrier.status().state, "refused");
    bench.submit(mms(2)).await;
    let mut talk = mmsc.greeted().await;
    talk.forwarded().await;
    bench.carrier.drain(Duration::ZERO).await;
    assert_eq!(bench.segments().await, [accepted(&id(2))]);
}

#[tokio::test]
async fn nobody_there_is_not_sent() {
    let address = Mmsc::start().await.address();
    let mmsc = Mmsc::start().await;
    let (mut bench, _) = start(Mm4Config { port: address.port(), ..config(&mmsc) });
    bench.submit(mms(1)).await;
    assert_eq!(bench.segments().await, [SegmentOutcome::NotSent]);
}

#[tokio::test]
async fn what_is_larger_than_the_carrier_takes_never_leaves() {
    let mmsc = Mmsc::start().await;
    let (mut bench, _) = start(Mm4Config { max_bytes: 1_000, ..config(&mmsc) });
    bench.submit(mms(1)).await;
    let outcomes = bench.segments().await;
    assert!(
        matches!(outcomes[..], [SegmentOutcome::Refused { error_type: ErrorType::MediaFailed, .. }]),
        "{outcomes:?}"
    );
    assert_eq!(bench.carrier.down_for(), None);
}

#[tokio::test]
async fn what_the_mmsc_says_is_too_long_for_it_never_leaves() {
    let mmsc = Mmsc::start().await;
    let (mut bench, _) = start(config(&mmsc));
    bench.submit(mms(1)).await;
    let mut talk = mmsc.accept().await;
    talk.say("220 hi").await;
    talk.hear("EHLO").await;
    talk.say("250-hi\r\n250 SIZE 1000").await;
    let outcomes = bench.segments().await;
    assert!(
        matches!(outcomes[..], [SegmentOutcome::Refused { error_type: ErrorType::MediaFailed, .. }]),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn the_next_message_goes_over_the_same_connection() {
    let mmsc = Mmsc::start().await;
    let (mut bench, _) = start(deaf(&mmsc));
    bench.submit(mms(1)).await;
    let mut talk = mmsc.greeted().await;
    for number in 1..4 {
        assert_eq!(talk.forwarded().await.message_id, id(number));
        assert_eq!(bench.segments().await, [accepted(&id(number))]);
        bench.submit(mms(number + 1)).await;
    }
}

#[tokio::test]
async fn a_connection_has_its_share_of_messages_and_an_end() {
    let mmsc = Mmsc::start().await;
    let (mut bench, _) = start(Mm4Config { connection_messages_max: 1, ..deaf(&mmsc) });
    for number in 1..3 {
        bench.submit(mms(number)).await;
        let mut talk = mmsc.greeted().await;
        talk.forwarded().await;
        assert_eq!(bench.segments().await, [accepted(&id(number))]);
        talk.hear("QUIT").await;
    }
}

#[tokio::test]
async fn a_connection_that_the_mmsc_closed_meanwhile_costs_nothing() {
    let mmsc = Mmsc::start().await;
    for says_so in [false, true] {
        let (mut bench, _) = start(deaf(&mmsc));
        bench.submit(mms(1)).await;
        let mut talk = mmsc.greeted().await;
        talk.forwarded().await;
        assert_eq!(bench.segments().await, [accepted(&id(1))]);
        if says_so {
            talk.say("421 4.4.2 bye").await;
        }
        drop(talk);
        bench.submit(mms(2)).await;
        assert_eq!(mmsc.greeted().await.forwarded().await.message_id, id(2));
        assert_eq!(bench.segments().await, [accepted(&id(2))]);
    }
}

#[tokio::test]
async fn a_second_attempt_has_an_id_of_its_own() {
    let mmsc = Mmsc::start().await;
    let (mut bench, _) = start(deaf(&mmsc));
    bench.submit(Submission { attempt: 2, ..mms(1) }).await;
    let forward = mmsc.greeted().await.forwarded().await;
    assert_eq!(forward.message_id, id(1).replace(".1@", ".2@"));
    assert_eq!(bench.outcome().await.attempt, 2);
}
