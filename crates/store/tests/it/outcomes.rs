//! How attempts end, and how messages end that no attempt ended.

use std::time::Duration;

use model::event::EventKind::{self, Accepted, Acknowledged, Ended, Held, Refused, Unknown};
use model::status::SegmentFate;
use model::{Delivery, ErrorType, Message, Moment, Status};
use store::contract::dispatch::{LeaseRequest, Outcome, Retry, SegmentAck, Verdict};
use store::contract::receipts::{Receipt, ReceiptOutcome};

use crate::support::{
    Backend, Desk, LEASE_SECS, NODE, NORTH, RETRY_WITHIN, SOUTH, StatusChange, VALID_SECS, acks, after, ids,
    lease_request, receipt, retry,
};

fn failed() -> Verdict {
    Verdict::Failed { error_type: ErrorType::InvalidDestination, message: "No such number".to_owned() }
}

fn every_verdict() -> [Verdict; 5] {
    [Verdict::Sent, Verdict::Retry(retry(after(30))), Verdict::Hold, failed(), Verdict::Expired]
}

/// What is seen of a message after one attempt.
fn tried_once() -> Delivery {
    Delivery { attempts: 1, ..Delivery::queued(NORTH) }
}

pub(crate) async fn every_verdict_leads_where_it_says(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let at = after(3);
    let ended = |status, error_type, text: &str| Delivery {
        status,
        failed_at: Some(at),
        error_type: Some(error_type),
        error_message: Some(text.to_owned()),
        ..tried_once()
    };
    let expired = ended(Status::Undelivered, ErrorType::Unknown, ErrorType::Unknown.sentence());
    for (verdict, delivery, events) in [
        (Verdict::Sent, Delivery { status: Status::Sent, sent_at: Some(at), ..tried_once() }, &[Acknowledged][..]),
        (Verdict::Retry(retry(after(30))), tried_once(), &[EventKind::Retry]),
        (Verdict::Hold, Delivery { held: true, unknown_outcomes: 1, ..tried_once() }, &[Unknown, Held]),
        (failed(), ended(Status::Failed, ErrorType::InvalidDestination, "No such number"), &[Refused, Ended]),
        // The attempt was under way, and nothing says that the carrier did not take it.
        (Verdict::Expired, expired, &[Ended]),
    ] {
        let outcome = Outcome { verdict: verdict.clone(), at, ..desk.attempted(desk.message(desk.account())).await };
        let changes = desk.record(&outcome).await;
        assert_eq!(desk.delivery(outcome.id).await, delivery, "{verdict:?}");
        let told: &[StatusChange] = &[StatusChange { id: outcome.id, delivery: delivery.clone() }];
        assert_eq!(changes, if delivery.status == Status::Queued { &[] } else { told }, "{verdict:?}");
        assert_eq!(desk.kinds(outcome.id).await, [&[Accepted, EventKind::Attempt], events].concat(), "{verdict:?}");
    }
}

pub(crate) async fn a_message_that_expires_unattempted_certainly_never_arrived(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (account, token) = (desk.account(), desk.token());
    let interrupted = desk.attempted(desk.message(account)).await;
    let untouched = desk.admit(desk.message(account)).await;
    assert_eq!(desk.lease(token, after(LEASE_SECS)).await.len(), 2);
    for (id, error_type) in [(untouched, ErrorType::Expired), (interrupted.id, ErrorType::Unknown)] {
        desk.record(&Outcome { id, token, attempt: 0, verdict: Verdict::Expired, ..interrupted.clone() }).await;
        assert_eq!(desk.delivery(id).await.error_type, Some(error_type));
    }
}

pub(crate) async fn a_repeated_outcome_changes_nothing(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    for verdict in every_verdict() {
        let outcome = Outcome {
            verdict: verdict.clone(),
            accepted: acks(["a"]),
            ..desk.attempted(desk.message(desk.account())).await
        };
        desk.store.record_outcomes(vec![outcome.clone(), outcome.clone()]).await.unwrap();
        let before = desk.all_of(outcome.id).await;
        assert_eq!(desk.record(&Outcome { at: after(9), ..outcome.clone() }).await, [], "{verdict:?}");
        assert_eq!(desk.all_of(outcome.id).await, before, "{verdict:?}");
    }
}

pub(crate) async fn no_outcome_moves_a_message_that_has_ended(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    for end in [failed(), Verdict::Expired] {
        let outcome = Outcome { verdict: end, ..desk.attempted(desk.message(desk.account())).await };
        desk.record(&outcome).await;
        let before = desk.all_of(outcome.id).await;
        for verdict in every_verdict() {
            assert_eq!(desk.record(&Outcome { verdict: verdict.clone(), ..outcome.clone() }).await, [], "{verdict:?}");
            assert_eq!(desk.all_of(outcome.id).await, before, "{verdict:?}");
        }
    }
}

pub(crate) async fn sent_is_the_truth_even_when_the_lease_is_over(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let late = Outcome { accepted: acks(["a"]), ..desk.attempted(desk.message(desk.account())).await };
    let (id, holder, now) = (late.id, desk.token(), after(LEASE_SECS));
    assert!(desk.lease(holder, now).await[0].interrupted);
    let changes = desk.record(&Outcome { at: now, ..late }).await;
    assert_eq!((changes.len(), desk.status(id).await), (1, Status::Sent));
    assert_eq!(desk.begin(id, holder, now).await, None, "whoever leased it since sends nothing");
    assert_eq!(desk.hear(receipt(["a"], SegmentFate::Delivered)).await, ReceiptOutcome::Matched { key: 0 });
    assert_eq!(desk.changed().len(), 1);
}

pub(crate) async fn sent_is_the_truth_though_another_attempt_is_under_way(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let late = Outcome { accepted: acks(["a"]), ..desk.attempted(desk.message(desk.account())).await };
    let second = Outcome { accepted: acks(["b"]), ..desk.attempted_again(&late, after(LEASE_SECS)).await };
    assert_eq!(desk.record(&late).await.len(), 1);
    assert_eq!(desk.record(&second).await, [], "it is sent already");
    assert_eq!(desk.status(late.id).await, Status::Sent);
    // Either of the two may be the one that the handset gets.
    assert_eq!(desk.hear(receipt(["b"], SegmentFate::Delivered)).await, ReceiptOutcome::Matched { key: 0 });
    assert_eq!(desk.changed().len(), 1);
    assert_eq!(desk.delivery(late.id).await.attempts, 2);
}

pub(crate) async fn segments_taken_at_several_attempts_add_up(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let message = Message { segments: 64, ..desk.message(desk.account()) };
    let first = desk.attempted(message).await;
    let ack = |number: u16| SegmentAck { number, carrier_id: None, key: None };
    desk.record(&Outcome {
        accepted: vec![ack(1), ack(64)],
        verdict: Verdict::Retry(retry(after(1))),
        ..first.clone()
    })
    .await;
    let token = desk.token();
    assert_eq!(desk.lease(token, after(1)).await[0].accepted_segments, 1 << 63 | 1);
    desk.begin(first.id, token, after(1)).await.unwrap();
    let second =
        Outcome { token, attempt: 2, accepted: vec![ack(2)], verdict: Verdict::Retry(retry(after(2))), ..first };
    desk.record(&second).await;
    assert_eq!(desk.lease(desk.token(), after(2)).await[0].accepted_segments, 1 << 63 | 0b11);
}

pub(crate) async fn a_message_that_comes_back_to_a_carrier_lacks_only_what_that_one_has_not(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let first = desk.attempted(Message { segments: 3, ..desk.message(desk.account()) }).await;
    let to = |carrier: &str, at| Verdict::Retry(Retry { carrier: carrier.into(), ..retry(at) });
    let ack =
        |number: u16, key: &str| SegmentAck { number, carrier_id: Some(key.to_owned()), key: Some(key.to_owned()) };
    let again = async |carrier: &str, at| {
        let token = desk.token();
        let leased = desk
            .store
            .lease_due(LeaseRequest { carrier: carrier.into(), ..lease_request(token, at) })
            .await
            .unwrap()
            .remove(0);
        (token, leased.accepted_segments)
    };
    // One carrier takes two of three, another one of two.
    desk.record(&Outcome { accepted: vec![ack(1, "n1"), ack(2, "n2")], verdict: to(SOUTH, after(1)), ..first.clone() })
        .await;
    let (token, accepted) = again(SOUTH, after(1)).await;
    assert_eq!(accepted, 0, "another carrier needs all of it");
    let south = Outcome { carrier: SOUTH.into(), total: 2, token, ..first.clone() };
    desk.record(&Outcome { accepted: vec![ack(2, "s2")], verdict: to(NORTH, after(2)), ..south.clone() }).await;
    // Its receipts come while the message is elsewhere, and count when it is back.
    assert_eq!(
        desk.hear(Receipt { carrier: SOUTH.into(), ..receipt(["s2"], SegmentFate::Delivered) }).await,
        ReceiptOutcome::Matched { key: 0 }
    );
    let (token, accepted) = again(NORTH, after(2)).await;
    assert_eq!(accepted, 0b11);
    desk.record(&Outcome { token, accepted: Vec::new(), verdict: to(SOUTH, after(3)), ..first.clone() }).await;
    let (token, accepted) = again(SOUTH, after(3)).await;
    assert_eq!(accepted, 0b10);
    desk.record(&Outcome { token, accepted: vec![ack(1, "s1")], verdict: Verdict::Sent, ..south }).await;
    assert_eq!(desk.status(first.id).await, Status::Sent);
    desk.hear(Receipt { carrier: SOUTH.into(), ..receipt(["s1"], SegmentFate::Delivered) }).await;
    assert_eq!(desk.status(first.id).await, Status::Delivered, "both of its two segments arrived");
}

pub(crate) async fn a_lease_says_which_carriers_refused_the_message(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    for (taken, segments) in [(acks(["n1"]), 2), (Vec::new(), 1)] {
        let first = desk.attempted(Message { segments, ..desk.message(desk.account()) }).await;
        let to = |carrier: &str, refused, at| Verdict::Retry(Retry { carrier: carrier.into(), refused, ..retry(at) });
        desk.record(&Outcome { accepted: taken, verdict: to(SOUTH, true, after(1)), ..first.clone() }).await;
        // The second carrier puts it off, which is no refusal, and so does the third.
        for (token, carrier, next, at) in [(desk.token(), SOUTH, "west", 1), (desk.token(), "west", SOUTH, 2)] {
            let request = LeaseRequest { carrier: carrier.into(), ..lease_request(token, after(at)) };
            let leased = desk.store.lease_due(request).await.unwrap();
            assert_eq!(leased[0].refused_by, ["north"], "at {carrier}");
            let verdict = to(next, false, after(at + 1));
            desk.record(&Outcome { token, carrier: carrier.into(), verdict, ..first.clone() }).await;
        }
    }
}

pub(crate) async fn a_retry_is_due_when_and_where_it_says(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let first = desk.attempted(desk.message(desk.account())).await;
    let elsewhere = Retry { carrier: SOUTH.into(), outcome_unknown: true, ..retry(after(30)) };
    desk.record(&Outcome { verdict: Verdict::Retry(elsewhere), ..first.clone() }).await;
    assert_eq!(desk.kinds(first.id).await.last(), Some(&Unknown));
    let delivery = desk.delivery(first.id).await;
    assert_eq!((delivery.carrier.as_str(), delivery.unknown_outcomes, delivery.attempts), (SOUTH, 1, 1));
    assert_eq!(desk.lease(desk.token(), after(30)).await, [], "not for the carrier that had it");
    let request = |now| LeaseRequest { carrier: SOUTH.into(), ..lease_request(desk.token(), now) };
    assert_eq!(desk.store.lease_due(request(after(30) - Duration::from_millis(1))).await.unwrap(), []);
    let leased = desk.store.lease_due(request(after(30))).await.unwrap();
    assert_eq!((ids(&leased), leased[0].attempts, leased[0].interrupted), (vec![first.id], 1, false));
}

pub(crate) async fn an_attempt_that_never_left_does_not_count(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let first = desk.attempted(desk.message(desk.account())).await;
    let uncounted = Verdict::Retry(Retry { counts: false, ..retry(after(1)) });
    desk.record(&Outcome { verdict: uncounted, ..first.clone() }).await;
    assert_eq!(desk.delivery(first.id).await.attempts, 0);
    let second = desk.attempted_again(&first, after(1)).await;
    assert_eq!(second.attempt, 1);
    desk.record(&Outcome { verdict: Verdict::Retry(retry(after(2))), ..second.clone() }).await;
    assert_eq!(desk.attempted_again(&second, after(2)).await.attempt, 2);
}

pub(crate) async fn a_retry_without_an_attempt_takes_no_earlier_one_back(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let first = desk.attempted(desk.message(desk.account())).await;
    desk.record(&Outcome { verdict: Verdict::Retry(retry(after(1))), ..first.clone() }).await;
    let token = desk.token();
    assert_eq!(desk.lease(token, after(1)).await[0].attempts, 1);
    let elsewhere = Verdict::Retry(Retry { carrier: SOUTH.into(), counts: false, ..retry(after(1)) });
    desk.record(&Outcome { token, verdict: elsewhere, ..first.clone() }).await;
    let delivery = desk.delivery(first.id).await;
    assert_eq!(
        (delivery.carrier.as_str(), delivery.attempts),
        (SOUTH, 1),
        "it was given to another carrier before anything was tried"
    );
}

pub(crate) async fn a_held_message_waits_for_a_receipt_or_its_end(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let account = desk.account();
    let taken =
        Outcome { verdict: Verdict::Hold, accepted: acks(["a"]), ..desk.attempted(desk.message(account)).await };
    let lost = Outcome { verdict: Verdict::Hold, ..desk.attempted(desk.message(account)).await };
    desk.store.record_outcomes(vec![taken.clone(), lost.clone()]).await.unwrap();
    desk.reopen(&fresh).await;
    assert_eq!(desk.store.recover(NODE, after(1), RETRY_WITHIN).await.unwrap(), 0);
    assert_eq!(desk.lease(desk.token(), after(VALID_SECS - 1)).await, [], "nothing more is sent");

    desk.hear(receipt(["a"], SegmentFate::Delivered)).await;
    let proven = desk.delivery(taken.id).await;
    assert_eq!((proven.status, proven.held, proven.sent_at), (Status::Delivered, false, None));
    let ended = desk.expire(Moment::of(after(VALID_SECS)), 10).await;
    assert_eq!((ended.len(), ended[0].id), (1, lost.id));
    let unproven = desk.delivery(lost.id).await;
    assert_eq!(
        (unproven.status, unproven.error_type, unproven.held),
        (Status::Undelivered, Some(ErrorType::Unknown), false)
    );
    assert_eq!(unproven.unknown_outcomes, 1);
}

pub(crate) async fn validity_ends_what_nobody_holds(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let queued = desk.admit(desk.message(account)).await;
    let sent = desk.sent(desk.message(account), ["a"]).await;
    let end = after(VALID_SECS);
    assert_eq!(desk.expire(Moment::of(end - Duration::from_millis(1)), 10).await, []);
    let ended = desk.expire(Moment::of(end), 10).await;
    let delivery = Delivery {
        status: Status::Undelivered,
        failed_at: Some(end),
        error_type: Some(ErrorType::Expired),
        error_message: Some(ErrorType::Expired.sentence().to_owned()),
        ..Delivery::queued(NORTH)
    };
    assert_eq!(ended, [StatusChange { id: queued, delivery: delivery.clone() }]);
    assert_eq!(desk.delivery(queued).await, delivery);
    assert_eq!(desk.kinds(queued).await, [Accepted, Ended]);
    assert_eq!(desk.status(sent).await, Status::Sent, "the carrier has it, and will tell");
    assert_eq!(desk.expire(Moment::of(end), 10).await, [], "once");
}

pub(crate) async fn validity_ends_nothing_that_somebody_holds(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (id, token) = (desk.admit(desk.message(desk.account())).await, desk.token());
    let (begun, end) = (after(VALID_SECS - 10), after(VALID_SECS));
    desk.lease(token, begun).await;
    desk.begin(id, token, begun).await.unwrap();
    assert_eq!(desk.expire(Moment::of(end), 10).await, [], "its answer is awaited");
    let lease_end = begun + Duration::from_secs(LEASE_SECS);
    let ended = desk.expire(Moment::of(lease_end), 10).await;
    assert_eq!(
        ended[0].delivery.error_type,
        Some(ErrorType::Unknown),
        "an attempt began, and nobody knows what happened"
    );
    assert_eq!((ended[0].delivery.status, ended[0].delivery.unknown_outcomes), (Status::Undelivered, 1));
    assert_eq!(desk.kinds(id).await, [Accepted, EventKind::Attempt, Unknown, Ended]);
}

pub(crate) async fn no_more_are_ended_at_once_than_asked(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    desk.admit_many(desk.account(), 7).await;
    let end = after(VALID_SECS + 1);
    let mut ended = Vec::new();
    for wanted in [3, 3, 1, 0] {
        let batch = desk.expire(Moment::of(end), 3).await;
        assert_eq!(batch.len(), wanted);
        ended.extend(batch.iter().map(|change| change.id));
    }
    ended.sort_unstable();
    ended.dedup();
    assert_eq!(ended.len(), 7);
}

pub(crate) async fn a_list_of_outcomes_is_recorded_in_its_order(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let sent = desk.attempted(desk.message(account)).await;
    let refused = Outcome { verdict: failed(), ..desk.attempted(desk.message(account)).await };
    let held = Outcome { verdict: Verdict::Hold, ..desk.attempted(desk.message(account)).await };
    let unknown = Outcome { id: desk.message(account).id, ..sent.clone() };
    let changes = desk.record_all(vec![refused.clone(), unknown, held, sent.clone()]).await;
    let changes: Vec<_> = changes.iter().map(|change| (change.id, change.delivery.status)).collect();
    assert_eq!(changes, [(refused.id, Status::Failed), (sent.id, Status::Sent)]);
    assert_eq!(desk.record_all(Vec::new()).await, []);
}

pub(crate) async fn what_is_recorded_survives_reopening(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let mut before = Vec::new();
    for verdict in every_verdict() {
        let outcome = Outcome { verdict, accepted: acks(["a"]), ..desk.attempted(desk.message(desk.account())).await };
        desk.record(&outcome).await;
        before.push((outcome.id, desk.all_of(outcome.id).await));
    }
    desk.reopen(&fresh).await;
    for (id, all) in before {
        assert_eq!(desk.all_of(id).await, all);
    }
}
