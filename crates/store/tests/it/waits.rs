//! The end of waiting for receipts: a message that is sent does not stay so without an end.

use model::event::EventKind;
use model::status::SegmentFate::{Delivered, Pending, Undelivered};
use model::{ErrorType, Message, MessageId, ReceiptScope, Status};
use store::contract::dispatch::Outcome;
use store::contract::receipts::{Receipt, ReceiptOutcome, WaitStep};

use crate::support::{Backend, Desk, NORTH, WAIT_SECS, acks, after, receipt};

/// Sends a message of two segments, `{name}1` and `{name}2`.
async fn two_segments(desk: &Desk, name: &str) -> MessageId {
    let keys = [format!("{name}1"), format!("{name}2")];
    desk.sent(Message { segments: 2, ..desk.message(desk.account()) }, [&keys[0], &keys[1]]).await
}

async fn end_all(desk: &Desk, secs: u64) -> WaitStep {
    desk.list_all(after(secs)).await;
    desk.store.end_waits(after(secs), 100).await.unwrap()
}

pub(crate) async fn a_message_without_receipts_is_marked_when_its_wait_is_over(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let id = desk.sent(desk.message(desk.account()), ["a"]).await;
    assert_eq!(end_all(&desk, WAIT_SECS - 1).await, WaitStep::default());
    assert!(!desk.delivery(id).await.receipt_missing);
    assert_eq!(end_all(&desk, WAIT_SECS).await, WaitStep { over: 1, ended: 0, missing: vec![NORTH.into()] });
    let delivery = desk.delivery(id).await;
    assert_eq!((delivery.status, delivery.receipt_missing), (Status::Sent, true));
    assert_eq!(desk.kinds(id).await.last(), Some(&EventKind::Missing));
    assert_eq!(end_all(&desk, WAIT_SECS * 9).await, WaitStep::default(), "it is marked once");
    desk.hear(Receipt { at: after(WAIT_SECS + 1), ..receipt(["a"], Pending) }).await;
    assert!(desk.delivery(id).await.receipt_missing, "not final");
    desk.hear(Receipt { at: after(WAIT_SECS + 2), ..receipt(["a"], Delivered) }).await;
    let delivery = desk.delivery(id).await;
    assert_eq!(
        (delivery.status, delivery.receipt_missing),
        (Status::Delivered, false),
        "a late receipt counts, and takes the mark away"
    );
}

pub(crate) async fn a_wait_that_begins_after_the_message_is_listed_ends_too(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let attempted = desk.attempted(desk.message(desk.account())).await;
    desk.list_all(after(2)).await;
    desk.record(&Outcome { accepted: acks(["a"]), receipt_by: Some(after(WAIT_SECS)), ..attempted.clone() }).await;
    desk.reopen(&fresh).await;
    let step = WaitStep { over: 1, ended: 0, missing: vec![NORTH.into()] };
    assert_eq!(desk.store.end_waits(after(WAIT_SECS), 100).await.unwrap(), step);
    assert!(desk.delivery(attempted.id).await.receipt_missing);
}

pub(crate) async fn a_message_whose_receipt_came_is_not_marked(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let id = desk.sent(desk.message(desk.account()), ["a"]).await;
    desk.list_all(after(2)).await;
    desk.hear(receipt(["a"], Delivered)).await;
    let step = desk.store.end_waits(after(WAIT_SECS), 100).await.unwrap();
    assert_eq!((step.ended, step.missing), (0, vec![]));
    assert!(!desk.delivery(id).await.receipt_missing);
    assert_eq!(end_all(&desk, WAIT_SECS).await, WaitStep::default(), "its wait is looked at once");
}

pub(crate) async fn a_message_that_does_not_wait_is_never_marked(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let outcome =
        Outcome { accepted: acks(["a"]), receipt_by: None, ..desk.attempted(desk.message(desk.account())).await };
    desk.record(&outcome).await;
    assert_eq!(end_all(&desk, WAIT_SECS * 9).await, WaitStep::default());
    assert!(!desk.delivery(outcome.id).await.receipt_missing);
}

pub(crate) async fn a_message_of_which_a_segment_is_lost_ends_with_its_wait(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    for lost in ["1", "2"] {
        let id = two_segments(&desk, &format!("{lost} of a")).await;
        desk.hear(receipt([&format!("{lost} of a{lost}")], Undelivered(ErrorType::CarrierRejected))).await;
        assert_eq!(desk.status(id).await, Status::Sent);
        desk.changed();
        let (step, changes) = (end_all(&desk, WAIT_SECS).await, desk.changed());
        let delivery = desk.delivery(id).await;
        assert_eq!(
            (step.ended, step.missing.len(), changes.len(), changes[0].id, &changes[0].delivery),
            (1, 0, 1, id, &delivery)
        );
        assert_eq!(
            (delivery.status, delivery.error_type, delivery.receipt_missing),
            (Status::Undelivered, Some(ErrorType::CarrierRejected), false)
        );
        assert_eq!(
            (delivery.failed_at, desk.kinds(id).await.last()),
            (Some(after(WAIT_SECS)), Some(&EventKind::Ended))
        );
    }
}

pub(crate) async fn a_segment_that_is_lost_after_the_wait_ends_its_message(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let id = two_segments(&desk, "a").await;
    desk.hear(receipt(["a1"], Delivered)).await;
    assert_eq!(end_all(&desk, WAIT_SECS).await.missing.len(), 1);
    desk.hear(receipt(["a2"], Undelivered(ErrorType::Unreachable))).await;
    assert_eq!(
        (desk.status(id).await, desk.delivery(id).await.error_type),
        (Status::Undelivered, Some(ErrorType::Unreachable))
    );
    let other = two_segments(&desk, "b").await;
    assert_eq!(end_all(&desk, WAIT_SECS).await.missing.len(), 1);
    desk.hear(receipt(["b1"], Undelivered(ErrorType::Unreachable))).await;
    assert_eq!(desk.status(other).await, Status::Undelivered, "nothing is waited for any more");
}

pub(crate) async fn waits_end_a_few_at_a_time_the_longest_over_first(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let mut ids = Vec::new();
    for secs in [30, 10, 20] {
        let key = secs.to_string();
        let outcome = Outcome {
            accepted: acks([&key[..]]),
            receipt_by: Some(after(secs)),
            ..desk.attempted(desk.message(desk.account())).await
        };
        desk.record(&outcome).await;
        ids.push(outcome.id);
    }
    desk.reopen(&fresh).await;
    desk.list_all(after(30)).await;
    for marked in [vec![1], vec![1, 2], vec![0, 1, 2], vec![0, 1, 2]] {
        desk.store.end_waits(after(30), 1).await.unwrap();
        for (at, id) in ids.iter().enumerate() {
            assert_eq!(desk.delivery(*id).await.receipt_missing, marked.contains(&at), "{at} of {marked:?}");
        }
    }
}

pub(crate) async fn one_receipt_may_speak_for_all_segments(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let lost = Undelivered(ErrorType::Unreachable);
    for (name, scope, fate, status) in [
        ("a", ReceiptScope::Message, Delivered, Status::Delivered),
        ("b", ReceiptScope::Message, lost, Status::Undelivered),
        ("c", ReceiptScope::AllOf(2), Delivered, Status::Delivered),
        ("d", ReceiptScope::AllOf(3), Delivered, Status::Sent),
        ("e", ReceiptScope::AllOf(1), Delivered, Status::Sent),
        ("f", ReceiptScope::Segment, Delivered, Status::Sent),
    ] {
        for segment in ["1", "2"] {
            let id = two_segments(&desk, &format!("{name}{segment}")).await;
            let only = Receipt { scope, ..receipt([&format!("{name}{segment}{segment}")], fate) };
            assert!(matches!(desk.hear(only).await, ReceiptOutcome::Matched { .. }));
            assert_eq!(desk.status(id).await, status, "{scope:?} {fate:?} for segment {segment}");
            // Another receipt for the other segment changes nothing that is final.
            desk.hear(receipt([&format!("{name}{segment}{}", if segment == "1" { "2" } else { "1" })], lost)).await;
            if status.is_final() {
                assert_eq!(desk.status(id).await, status, "{scope:?} {fate:?} for segment {segment}, and then lost");
            }
        }
    }
}

pub(crate) async fn a_receipt_for_all_segments_may_come_before_the_acknowledgement(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    for (name, scope) in [("a", ReceiptScope::Message), ("b", ReceiptScope::AllOf(2))] {
        let keys = [format!("{name}1"), format!("{name}2")];
        let attempted = desk.attempted(Message { segments: 2, ..desk.message(desk.account()) }).await;
        assert_eq!(desk.hear(Receipt { scope, ..receipt([&keys[1]], Delivered) }).await, ReceiptOutcome::Parked);
        desk.reopen(&fresh).await;
        desk.record(&Outcome { accepted: acks([&keys[0][..], &keys[1][..]]), ..attempted.clone() }).await;
        assert_eq!(desk.status(attempted.id).await, Status::Delivered, "{scope:?}");
    }
}
