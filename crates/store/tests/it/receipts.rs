//! Receipts: each finds its segment, or waits for it; a message's status follows from all of its segments.

use std::time::Duration;

use model::event::EventKind;
use model::status::SegmentFate::{Delivered, Pending, Undelivered};
use model::{ErrorType, Message, MessageId, Originator, Status, Timestamp};
use store::contract::dispatch::{LeaseRequest, Outcome, Retry, SegmentAck, Verdict};
use store::contract::receipts::{HeldStep, Receipt, ReceiptOutcome};

use crate::support::{
    Backend, Desk, LEASE_SECS, NOW, SOUTH, StatusChange, acks, after, lease_request, number, receipt, retry,
};

/// That a receipt was recorded, found by the key at this place, and moved the message to `status` or, with `None`, left
/// it where it was.
fn assert_matched(desk: &Desk, outcome: &ReceiptOutcome, at: usize, id: MessageId, status: Option<Status>) {
    assert_eq!(*outcome, ReceiptOutcome::Matched { key: at });
    assert_eq!(statuses(&desk.changed()), status.map(|status| (id, status)).into_iter().collect::<Vec<_>>());
}

fn statuses(changes: &[StatusChange]) -> Vec<(MessageId, Status)> {
    changes.iter().map(|change| (change.id, change.delivery.status)).collect()
}

fn naming<const N: usize>(addresses: [&str; N], receipt: Receipt) -> Receipt {
    Receipt { addresses: addresses.map(str::to_owned).to_vec(), ..receipt }
}

pub(crate) async fn a_receipt_finds_its_segment_by_carrier_and_key(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let id = desk.sent(desk.message(account), ["7f"]).await;
    let other = desk.sent(desk.message(account), ["80"]).await;
    assert_eq!(
        desk.hear(Receipt { carrier: SOUTH.into(), ..receipt(["7f"], Delivered) }).await,
        ReceiptOutcome::Parked,
        "another carrier's id"
    );
    // The ids of acknowledgement and receipt may be written in different bases; only one reading is filed.
    let outcome = desk.hear(Receipt { at: after(9), ..receipt(["127", "7f"], Delivered) }).await;
    assert_eq!(outcome, ReceiptOutcome::Matched { key: 1 });
    let (changed, delivery) = (desk.changed(), desk.delivery(id).await);
    assert_eq!((delivery.sent_at, delivery.delivered_at, delivery.error_type), (Some(NOW), Some(after(9)), None));
    assert_eq!(changed, [StatusChange { id, delivery }]);
    assert_eq!(desk.status(other).await, Status::Sent);
}

pub(crate) async fn the_likeliest_key_is_tried_first(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let hex = desk.sent(desk.message(account), ["7f"]).await;
    desk.sent(desk.message(account), ["127"]).await;
    assert_matched(&desk, &desk.hear(receipt(["7f", "127"], Delivered)).await, 0, hex, Some(Status::Delivered));
}

pub(crate) async fn a_lost_message_tells_why(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    for why in ErrorType::ALL {
        let id = desk.sent(desk.message(desk.account()), [why.as_str()]).await;
        let lost = Receipt { at: after(9), ..receipt([why.as_str()], Undelivered(why)) };
        assert_matched(&desk, &desk.hear(lost).await, 0, id, Some(Status::Undelivered));
        let delivery = desk.delivery(id).await;
        assert_eq!((delivery.error_type, delivery.error_message.as_deref()), (Some(why), Some(why.sentence())));
        assert_eq!((delivery.failed_at, delivery.delivered_at), (Some(after(9)), None));
    }
}

pub(crate) async fn a_message_is_delivered_when_all_of_its_segments_are(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let id = desk.sent(Message { segments: 3, ..desk.message(desk.account()) }, ["a", "b", "c"]).await;
    for (key, status) in [("c", None), ("a", None), ("b", Some(Status::Delivered))] {
        assert_matched(&desk, &desk.hear(receipt([key], Delivered)).await, 0, id, status);
    }
}

pub(crate) async fn a_message_is_undelivered_when_one_of_its_segments_is_and_all_have_their_fate(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    for lost in ["a", "b", "c"] {
        let keys = ["a", "b", "c"].map(|key| format!("{key} of {lost}"));
        let id =
            desk.sent(Message { segments: 3, ..desk.message(desk.account()) }, [&keys[0], &keys[1], &keys[2]]).await;
        for (at, key) in keys.iter().enumerate() {
            let fate = if key.starts_with(lost) { Undelivered(ErrorType::Unreachable) } else { Delivered };
            assert_matched(
                &desk,
                &desk.hear(receipt([key], fate)).await,
                0,
                id,
                (at == 2).then_some(Status::Undelivered),
            );
            let delivery = desk.delivery(id).await;
            assert_eq!(
                (delivery.failed_at.is_some(), delivery.error_type.is_some()),
                (at == 2, at == 2),
                "a reason is told once it is given up"
            );
        }
        assert_eq!(desk.delivery(id).await.error_type, Some(ErrorType::Unreachable), "lost: {lost}");
    }
}

pub(crate) async fn a_message_of_64_segments_is_delivered_whole(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let keys: [String; 64] = std::array::from_fn(|n| format!("s{n}"));
    let id = desk
        .sent(
            Message { segments: 64, ..desk.message(desk.account()) },
            std::array::from_fn::<&str, 64, _>(|n| &keys[n]),
        )
        .await;
    for (at, key) in keys.iter().enumerate() {
        assert_matched(
            &desk,
            &desk.hear(receipt([key], Delivered)).await,
            0,
            id,
            (at == 63).then_some(Status::Delivered),
        );
    }
}

pub(crate) async fn a_message_without_text_is_one_segment_to_receipts(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    for (key, fate, status) in
        [("a", Delivered, Status::Delivered), ("b", Undelivered(ErrorType::MediaFailed), Status::Undelivered)]
    {
        let id = desk.sent(Message { segments: 0, body: None, ..desk.message(desk.account()) }, [key]).await;
        assert_matched(&desk, &desk.hear(receipt([key], fate)).await, 0, id, Some(status));
    }
}

pub(crate) async fn a_receipt_that_is_not_final_is_only_noted(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let id = desk.sent(desk.message(desk.account()), ["a"]).await;
    let before = desk.delivery(id).await;
    for _ in 0..2 {
        assert_matched(&desk, &desk.hear(receipt(["a"], Pending)).await, 0, id, None);
    }
    assert_eq!(desk.delivery(id).await, before);
    assert_eq!(desk.kinds(id).await[3..], [EventKind::Receipt, EventKind::Receipt]);
    assert_matched(&desk, &desk.hear(receipt(["a"], Delivered)).await, 0, id, Some(Status::Delivered));
}

pub(crate) async fn repeated_and_regressing_receipts_change_nothing(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let lost = Undelivered(ErrorType::Unreachable);
    for (key, last) in [("a", Delivered), ("b", lost)] {
        let id = desk.sent(desk.message(desk.account()), [key]).await;
        desk.hear(receipt([key], last)).await;
        let (delivery, events) = desk.all_of(id).await;
        for (count, fate) in (1..).zip([last, Pending, Delivered, lost]) {
            let late = Receipt { at: after(50), ..receipt([key], fate) };
            assert_eq!(desk.hear(late).await, ReceiptOutcome::Repeated, "{fate:?} after {last:?}");
            let (same, more) = desk.all_of(id).await;
            assert_eq!(
                (same, &more[..events.len()], more.len()),
                (delivery.clone(), &events[..], events.len() + count),
                "{fate:?} after {last:?}"
            );
            assert!(more.last().unwrap().detail.contains("changes nothing"), "{more:?}");
        }
    }
}

pub(crate) async fn a_carrier_that_repeats_itself_fills_no_messages_life(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    for fate in [Pending, Delivered] {
        let key = format!("{fate:?}");
        let id = desk.sent(desk.message(desk.account()), [&key]).await;
        for _ in 0..200 {
            desk.hear(receipt([&key], fate)).await;
        }
        let events = desk.store.events(id).await.unwrap();
        assert!(events.len() < 30, "{} events", events.len());
        assert!(events.last().unwrap().detail.ends_with("only counted"), "{:?}", events.last());
        // The receipt that counts is never among those left out.
        desk.hear(receipt([&key], Delivered)).await;
        assert_eq!(desk.status(id).await, Status::Delivered);
    }
}

pub(crate) async fn a_shared_key_means_the_newest_message_to_the_recipient(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let to = |text: &str, secs| Message { recipient: number(text), ..desk.message_at(account, after(secs)) };
    let older = desk.sent(to("+447700900123", 0), ["a"]).await;
    let newer = desk.sent(to("+447700900123", 1), ["a"]).await;
    let newest = desk.sent(to("+447700900999", 2), ["a"]).await;
    let national = || naming(["18005559876", "07700900123"], receipt(["a"], Delivered));
    assert_matched(&desk, &desk.hear(national()).await, 0, newer, Some(Status::Delivered));
    assert_matched(&desk, &desk.hear(national()).await, 0, older, Some(Status::Delivered));
    assert_eq!(desk.hear(national()).await, ReceiptOutcome::Repeated);
    assert_eq!(desk.status(newest).await, Status::Sent);
    assert_eq!(
        desk.hear(receipt(["a"], Delivered)).await,
        ReceiptOutcome::Parked,
        "it may repeat a report on another of them"
    );
    assert_eq!(desk.status(newest).await, Status::Sent);
}

pub(crate) async fn a_receipt_for_another_recipient_waits(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let message = Message { recipient: number("+447700900123"), ..desk.message(desk.account()) };
    let id = desk.sent(message, ["a"]).await;
    let elsewhere = naming(["447700900124", "447701900123", "18005559876"], receipt(["a"], Delivered));
    assert_eq!(desk.hear(elsewhere).await, ReceiptOutcome::Parked);
    assert_eq!(desk.status(id).await, Status::Sent);
    assert_matched(
        &desk,
        &desk.hear(naming(["0123", "447700900123"], receipt(["a"], Delivered))).await,
        0,
        id,
        Some(Status::Delivered),
    );
}

pub(crate) async fn digits_of_a_senders_name_are_no_number(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let from = |text: &str| Message {
        originator: Originator::parse(text).unwrap(),
        recipient: number("+447700900123"),
        ..desk.message(account)
    };
    // What is not the recipient's is another's number, though the name ends with it; a short code is the sender's own.
    let named = desk.sent(from("A2025550143"), ["a"]).await;
    assert_eq!(desk.hear(naming(["2025550143"], receipt(["a"], Delivered))).await, ReceiptOutcome::Parked);
    let coded = desk.sent(from("20255501"), ["b"]).await;
    let own = desk.hear(naming(["20255501"], receipt(["b"], Delivered))).await;
    assert_matched(&desk, &own, 0, coded, Some(Status::Delivered));
    let to_recipient = desk.hear(naming(["07700900123"], receipt(["a"], Delivered))).await;
    assert_matched(&desk, &to_recipient, 0, named, Some(Status::Delivered));
}

/// Addresses that name no recipient: the message is from +18005559876.
const NAMING_NOBODY: &[&[&str]] =
    &[&[], &["18005559876"], &["8005559876"], &["0018005559876", "18005559876"], &["12345"], &["0", "18005559876"]];

pub(crate) async fn an_id_that_means_one_message_needs_no_address(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    for (at, addresses) in NAMING_NOBODY.iter().enumerate() {
        let key = format!("k{at}");
        let message = Message { recipient: number("+447700900123"), ..desk.message(desk.account()) };
        let id = desk.sent(message, [key.as_str()]).await;
        let naming_nobody = |fate| Receipt {
            addresses: addresses.iter().map(|address| (*address).to_owned()).collect(),
            ..receipt([key.as_str()], fate)
        };
        assert_matched(&desk, &desk.hear(naming_nobody(Delivered)).await, 0, id, Some(Status::Delivered));
        assert_eq!(desk.hear(naming_nobody(Delivered)).await, ReceiptOutcome::Repeated, "{addresses:?}");
    }
}

pub(crate) async fn an_id_that_several_messages_share_needs_an_address(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let to = |text: &str, secs| Message { recipient: number(text), ..desk.message_at(account, after(secs)) };
    let one = desk.sent(to("+447700900123", 0), ["a"]).await;
    let other = desk.sent(to("+447700911999", 1), ["a"]).await;
    for addresses in NAMING_NOBODY {
        let receipt = Receipt {
            addresses: addresses.iter().map(|address| (*address).to_owned()).collect(),
            ..receipt(["a"], Delivered)
        };
        assert_eq!(desk.hear(receipt).await, ReceiptOutcome::Parked, "{addresses:?}");
    }
    assert_eq!(
        desk.hear(naming(["44770090****", "18005559876"], receipt(["a"], Pending))).await,
        ReceiptOutcome::Matched { key: 0 }
    );
    assert_eq!(
        desk.hear(naming(["447700******"], receipt(["a"], Delivered))).await,
        ReceiptOutcome::Parked,
        "the digits that it shows fit both"
    );
    assert_matched(
        &desk,
        &desk.hear(naming(["44770091****"], receipt(["a"], Delivered))).await,
        0,
        other,
        Some(Status::Delivered),
    );
    assert_eq!(
        desk.hear(receipt(["a"], Delivered)).await,
        ReceiptOutcome::Parked,
        "it may repeat the report on the other"
    );
    assert_eq!(desk.status(one).await, Status::Sent);
}

pub(crate) async fn the_number_that_fits_best_is_meant(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let to = |text: &str| Message { recipient: number(text), ..desk.message(account) };
    let first = desk.sent(to("+12025550143"), ["a"]).await;
    let second = desk.sent(to("+13035550143"), ["a"]).await;
    assert_matched(
        &desk,
        &desk.hear(naming(["0012025550143"], receipt(["a"], Delivered))).await,
        0,
        first,
        Some(Status::Delivered),
    );
    let repeated = desk.hear(naming(["12025550143"], receipt(["a"], Delivered))).await;
    assert_eq!(repeated, ReceiptOutcome::Repeated, "and not of the message that waits, whose number ends alike");
    assert_matched(
        &desk,
        &desk.hear(naming(["3035550143"], receipt(["a"], Delivered))).await,
        0,
        second,
        Some(Status::Delivered),
    );
}

pub(crate) async fn both_ids_of_a_receipt_are_tried(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let ours = desk.sent(desk.message(desk.account()), ["ours"]).await;
    assert_matched(&desk, &desk.hear(receipt(["theirs", "ours"], Delivered)).await, 1, ours, Some(Status::Delivered));
    // Two readings of one id that mean two messages, and no recipient.
    let account = desk.account();
    let in_hex = desk.sent(Message { recipient: number("+447700900123"), ..desk.message(account) }, ["64"]).await;
    let in_decimal = desk.sent(Message { recipient: number("+447700900999"), ..desk.message(account) }, ["256"]).await;
    assert_eq!(desk.hear(receipt(["100", "64", "256"], Delivered)).await, ReceiptOutcome::Parked);
    assert_matched(
        &desk,
        &desk.hear(naming(["447700900999"], receipt(["100", "64", "256"], Delivered))).await,
        2,
        in_decimal,
        Some(Status::Delivered),
    );
    assert_eq!(
        desk.hear(receipt(["100", "64", "256"], Delivered)).await,
        ReceiptOutcome::Parked,
        "it may repeat the report on the other"
    );
    assert_eq!(desk.status(in_hex).await, Status::Sent);
}

pub(crate) async fn another_reading_of_an_id_takes_no_message_that_has_its_fate(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let old = desk.sent(desk.message(desk.account()), ["2910"]).await;
    assert_matched(&desk, &desk.hear(receipt(["2910"], Delivered)).await, 0, old, Some(Status::Delivered));
    assert_eq!(desk.hear(receipt(["10512", "2910"], Delivered)).await, ReceiptOutcome::Parked);
    let new = Message { recipient: number("+447700900999"), ..desk.message(desk.account()) };
    let new = desk.sent(new, ["10512"]).await;
    assert_eq!(desk.status(new).await, Status::Delivered);
}

pub(crate) async fn an_id_that_is_never_given_twice_needs_no_address(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let uuid = "5c2f4b0e7a614d3c9e580b1d2c3e4f50";
    let id = desk.sent(desk.message(desk.account()), [uuid]).await;
    assert_matched(
        &desk,
        &desk.hear(naming(["447700900999"], receipt([uuid], Delivered))).await,
        0,
        id,
        Some(Status::Delivered),
    );
}

pub(crate) async fn an_id_means_one_message_for_a_week(fresh: impl Backend) {
    const WEEK_SECS: u64 = 7 * 86_400;
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let old = desk.sent(Message { recipient: number("+447700900123"), ..desk.message(account) }, ["a"]).await;
    let at = |secs, receipt: Receipt| Receipt { at: after(secs), ..receipt };
    assert_eq!(desk.hear(at(WEEK_SECS + 1, receipt(["a"], Delivered))).await, ReceiptOutcome::Parked);
    let new = desk
        .sent(
            Message { recipient: number("+447700900999"), ..desk.message_at(account, after(WEEK_SECS + 3_600)) },
            ["a"],
        )
        .await;
    assert_matched(
        &desk,
        &desk.hear(at(WEEK_SECS + 3_601, receipt(["a"], Delivered))).await,
        0,
        new,
        Some(Status::Delivered),
    );
    let named = naming(["447700900123"], receipt(["a"], Delivered));
    assert_matched(&desk, &desk.hear(at(WEEK_SECS + 3_602, named)).await, 0, old, Some(Status::Delivered));
}

pub(crate) async fn an_id_that_is_given_again_means_the_new_message(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let month = 30 * 86_400;
    let named = |secs| Receipt { at: after(secs), ..naming(["18005551234"], receipt(["a"], Delivered)) };
    let old = desk.sent(desk.message(desk.account()), ["a"]).await;
    assert_matched(&desk, &desk.hear(named(5)).await, 0, old, Some(Status::Delivered));
    assert_eq!(desk.hear(named(6)).await, ReceiptOutcome::Repeated);
    assert_eq!(desk.hear(named(month)).await, ReceiptOutcome::Parked, "its acknowledgement is on its way");
    let new = desk.sent(desk.message_at(desk.account(), after(month)), ["a"]).await;
    assert_eq!(desk.status(new).await, Status::Delivered);
}

pub(crate) async fn a_receipt_that_names_nobody_is_not_of_a_later_message(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    assert_eq!(desk.hear(receipt(["a"], Delivered)).await, ReceiptOutcome::Parked);
    let later = desk.message_at(desk.account(), after(3_600));
    let id = desk.sent(later, ["a"]).await;
    assert_eq!(desk.status(id).await, Status::Sent);
}

pub(crate) async fn a_receipt_before_its_acknowledgement_is_applied_with_it(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let message = Message { segments: 2, ..desk.message(desk.account()) };
    let outcome = Outcome { accepted: acks(["a", "b"]), ..desk.attempted(message).await };
    for receipt in
        [receipt(["a"], Pending), receipt(["x", "a"], Delivered), naming(["8005551234"], receipt(["b"], Delivered))]
    {
        assert_eq!(desk.hear(Receipt { at: after(2), ..receipt }).await, ReceiptOutcome::Parked);
    }
    assert_eq!(desk.status(outcome.id).await, Status::Queued);
    desk.reopen(&fresh).await;
    let changes = desk.record(&Outcome { at: after(3), ..outcome.clone() }).await;
    assert_eq!(statuses(&changes), [(outcome.id, Status::Sent), (outcome.id, Status::Delivered)]);
    assert_eq!(desk.delivery(outcome.id).await.delivered_at, Some(after(2)), "when the receipt came");
    assert_eq!(desk.hear(receipt(["a"], Delivered)).await, ReceiptOutcome::Repeated);
    assert_eq!(
        desk.store.forget_parked(after(1_000), Duration::ZERO, 9).await.unwrap(),
        [""; 0],
        "nothing is parked any more"
    );
}

pub(crate) async fn a_parked_receipt_of_one_message_stands_in_no_others_way(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let message = Message { recipient: number("+447700900123"), ..desk.message(desk.account()) };
    let outcome = Outcome { accepted: acks(["a"]), ..desk.attempted(message).await };
    for address in ["447700900999", "447700900123", "447700900888"] {
        assert_eq!(desk.hear(naming([address], receipt(["a"], Delivered))).await, ReceiptOutcome::Parked);
    }
    assert_eq!(desk.record(&outcome).await.len(), 2);
    assert_eq!(desk.status(outcome.id).await, Status::Delivered);
    assert_eq!(
        desk.store.forget_parked(after(1), Duration::ZERO, 9).await.unwrap().len(),
        2,
        "the others still wait for theirs"
    );
}

pub(crate) async fn a_parked_receipt_waits_for_its_own_carrier(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    assert_eq!(desk.hear(Receipt { carrier: SOUTH.into(), ..receipt(["a"], Delivered) }).await, ReceiptOutcome::Parked);
    let id = desk.sent(desk.message(desk.account()), ["a"]).await;
    assert_eq!(desk.status(id).await, Status::Sent);
}

pub(crate) async fn parked_receipts_are_forgotten_when_they_are_old(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    for (key, secs) in [("a", 1), ("b", 2), ("c", 3)] {
        desk.hear(Receipt { at: after(secs), ..receipt([key, "other"], Delivered) }).await;
    }
    for (before, forgotten) in [(1, 0), (3, 2), (3, 0)] {
        assert_eq!(
            desk.store.forget_parked(after(before + 60), Duration::from_secs(60), 9).await.unwrap().len(),
            forgotten,
            "before {before} s"
        );
    }
    for (key, status) in [("a", Status::Sent), ("c", Status::Delivered)] {
        let id = desk.sent(desk.message(desk.account()), [key]).await;
        assert_eq!(desk.status(id).await, status, "{key}");
    }
}

pub(crate) async fn one_receipt_of_a_list_does_not_hinder_another(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let id = desk.sent(Message { segments: 2, ..desk.message(desk.account()) }, ["a", "b"]).await;
    let list = [("b", Delivered), ("unknown", Delivered), ("b", Delivered), ("a", Delivered)]
        .map(|(key, fate)| receipt([key], fate));
    desk.changed();
    let outcomes = desk.store.record_receipts(list.to_vec()).await.unwrap();
    let matched = ReceiptOutcome::Matched { key: 0 };
    assert_eq!(outcomes, [matched.clone(), ReceiptOutcome::Parked, ReceiptOutcome::Repeated, matched]);
    assert_eq!(statuses(&desk.changed()), [(id, Status::Delivered)]);
    assert_eq!(desk.store.record_receipts(Vec::new()).await.unwrap(), []);
}

pub(crate) async fn a_receipt_proves_what_a_lost_acknowledgement_hid(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let first = desk.attempted(Message { segments: 2, ..desk.message(desk.account()) }).await;
    // One segment was acknowledged, the answer for the other was lost; the second attempt brings its id.
    desk.record(&Outcome { accepted: acks(["a"]), verdict: Verdict::Retry(retry(after(1))), ..first.clone() }).await;
    assert_matched(&desk, &desk.hear(receipt(["a"], Delivered)).await, 0, first.id, None);
    let second = SegmentAck { number: 2, carrier_id: None, key: Some("b".to_owned()) };
    desk.record(&Outcome { accepted: vec![second], ..desk.attempted_again(&first, after(1)).await }).await;
    assert_matched(&desk, &desk.hear(receipt(["b"], Delivered)).await, 0, first.id, Some(Status::Delivered));
}

pub(crate) async fn a_receipt_ends_the_lease_of_what_it_proves(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let first = desk.attempted(desk.message(desk.account())).await;
    desk.record(&Outcome { accepted: acks(["a"]), verdict: Verdict::Retry(retry(after(1))), ..first.clone() }).await;
    let second = desk.attempted_again(&first, after(1)).await;
    assert_matched(&desk, &desk.hear(receipt(["a"], Delivered)).await, 0, first.id, Some(Status::Delivered));
    let before = desk.all_of(first.id).await;
    for verdict in [Verdict::Retry(retry(after(2))), Verdict::Hold, Verdict::Expired] {
        assert_eq!(desk.record(&Outcome { verdict, ..second.clone() }).await, []);
    }
    assert_eq!(desk.all_of(first.id).await, before);
    assert_eq!(desk.lease(desk.token(), after(LEASE_SECS + 2)).await, []);
}

pub(crate) async fn a_segment_sent_twice_has_the_better_of_two_fates(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let first = Outcome {
        accepted: acks(["a1", "b1"]),
        ..desk.attempted(Message { segments: 2, ..desk.message(desk.account()) }).await
    };
    let second = Outcome { accepted: acks(["a2", "b2"]), ..desk.attempted_again(&first, after(LEASE_SECS)).await };
    desk.store.record_outcomes(vec![first.clone(), second]).await.unwrap();
    let lost = Undelivered(ErrorType::Unreachable);
    for (key, fate, status) in
        [("a1", lost, None), ("a2", Delivered, None), ("b2", Delivered, Some(Status::Delivered)), ("b1", lost, None)]
    {
        assert_matched(&desk, &desk.hear(receipt([key], fate)).await, 0, first.id, status);
    }
    let delivery = desk.delivery(first.id).await;
    assert_eq!(
        (delivery.status, delivery.error_type, delivery.error_message),
        (Status::Delivered, None, None),
        "it was not given up"
    );
}

pub(crate) async fn a_message_is_delivered_when_every_segment_that_its_carrier_made_is(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let as_a_payload = desk.attempted(Message { segments: 3, ..desk.message(desk.account()) }).await;
    desk.record(&Outcome { total: 1, accepted: acks(["a"]), ..as_a_payload.clone() }).await;
    assert_matched(&desk, &desk.hear(receipt(["a"], Delivered)).await, 0, as_a_payload.id, Some(Status::Delivered));
    let in_ucs2 = desk.attempted(desk.message(desk.account())).await;
    desk.record(&Outcome { total: 3, accepted: acks(["b1", "b2", "b3"]), ..in_ucs2.clone() }).await;
    for (key, status) in [("b1", None), ("b3", None), ("b2", Some(Status::Delivered))] {
        assert_matched(&desk, &desk.hear(receipt([key], Delivered)).await, 0, in_ucs2.id, status);
    }
}

pub(crate) async fn what_a_carrier_took_counts_no_more_with_the_next_one(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let north = desk.attempted(Message { segments: 2, ..desk.message(desk.account()) }).await;
    let elsewhere = Verdict::Retry(Retry { carrier: SOUTH.into(), ..retry(after(1)) });
    desk.record(&Outcome { accepted: acks(["a"]), verdict: elsewhere, ..north.clone() }).await;
    assert_matched(&desk, &desk.hear(receipt(["a"], Delivered)).await, 0, north.id, None);
    let token = desk.token();
    let request = LeaseRequest { carrier: SOUTH.into(), ..lease_request(token, after(1)) };
    assert_eq!(desk.store.lease_due(request).await.unwrap()[0].accepted_segments, 0, "it gets the whole text");
    let south = Outcome { token, attempt: 2, carrier: SOUTH.into(), accepted: acks(["a", "b"]), ..north };
    desk.record(&south).await;
    for (key, status) in [("b", None), ("a", Some(Status::Delivered))] {
        assert_matched(
            &desk,
            &desk.hear(Receipt { carrier: SOUTH.into(), ..receipt([key], Delivered) }).await,
            0,
            south.id,
            status,
        );
    }
}

pub(crate) async fn a_carrier_that_a_message_has_left_can_only_say_that_it_arrived(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    for (key, fate, status) in
        [("m", Undelivered(ErrorType::Unreachable), None), ("n", Delivered, Some(Status::Delivered))]
    {
        let north = desk.attempted(desk.message(desk.account())).await;
        let elsewhere = Retry { carrier: SOUTH.into(), outcome_unknown: true, ..retry(after(1)) };
        desk.record(&Outcome { verdict: Verdict::Retry(elsewhere), ..north.clone() }).await;
        let south = Outcome { carrier: SOUTH.into(), accepted: acks(["s"]), ..north.clone() };
        desk.record(&south).await;
        // North's answer comes late, and then its report.
        desk.record(&Outcome { accepted: acks([key]), ..north.clone() }).await;
        assert_matched(&desk, &desk.hear(receipt([key], fate)).await, 0, north.id, status);
    }
}

/// A receipt for a recipient, whose acknowledgement never came.
fn unclaimed(recipient: &str, at: Timestamp) -> Receipt {
    naming([recipient, "18005550000"], Receipt { at, ..receipt(["nobody's"], Delivered) })
}

pub(crate) async fn a_receipt_that_nobody_claims_ends_the_one_message_that_is_held_for_its_recipient(
    fresh: impl Backend,
) {
    let desk = Desk::open(&fresh).await;
    let held = Outcome { verdict: Verdict::Hold, ..desk.attempted(desk.message(desk.account())).await };
    let recipient = held.recipient.digits();
    // One that came long before the message was accepted, and one for another recipient, are not for it.
    desk.hear(unclaimed(&recipient, NOW - Duration::from_secs(301))).await;
    desk.hear(unclaimed("12125550000", after(1))).await;
    desk.record(&held).await;
    assert_eq!(
        desk.hear(unclaimed(&recipient, after(5))).await,
        ReceiptOutcome::Parked,
        "its acknowledgement may be on its way"
    );
    assert_eq!(desk.store.settle_held(after(5), Duration::ZERO, None, 9).await.unwrap(), HeldStep::default());
    desk.changed();
    desk.store.settle_held(after(126), Duration::from_secs(120), None, 9).await.unwrap();
    assert_eq!(statuses(&desk.changed()), [(held.id, Status::Delivered)]);
    assert_eq!(desk.store.settle_held(after(7), Duration::ZERO, None, 9).await.unwrap(), HeldStep::default());
}

pub(crate) async fn a_carrier_that_repeats_a_receipt_for_a_held_message_leaves_few_events(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let held = Outcome { verdict: Verdict::Hold, ..desk.attempted(desk.message(desk.account())).await };
    desk.record(&held).await;
    for _ in 0..40 {
        desk.hear(unclaimed(&held.recipient.digits(), after(5))).await;
    }
    desk.store.settle_held(after(126), Duration::from_secs(120), None, 9).await.unwrap();
    assert_eq!(desk.status(held.id).await, Status::Delivered);
    let events = desk.store.events(held.id).await.unwrap();
    let receipts = events.iter().filter(|event| event.kind == EventKind::Receipt).count();
    // One for its segment, and 16 to spare.
    assert!((1..=17).contains(&receipts), "{receipts} events of receipts");
}

pub(crate) async fn receipts_find_messages_that_were_accepted_after_the_clock_was_set_back(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let [before, sent, held] = desk.minted(account, [600, 0, 1]);
    assert!(sent.id > before.id && sent.id.made_at() >= after(600));
    let sent = Outcome { accepted: acks(["a"]), ..desk.attempted(sent).await };
    assert_eq!(desk.hear(Receipt { at: after(2), ..receipt(["a"], Delivered) }).await, ReceiptOutcome::Parked);
    assert_eq!(
        desk.record(&sent).await.len(),
        2,
        "the receipt that came before its acknowledgement is applied with it"
    );
    assert_eq!(desk.status(sent.id).await, Status::Delivered);
    for (recipient, at) in [("+12125550001", after(4)), ("+12125550002", NOW - Duration::from_secs(100))] {
        let id = desk.minted(account, [600, 0])[1].id;
        let message = Message { id, recipient: number(recipient), ..held.clone() };
        let held = Outcome { verdict: Verdict::Hold, ..desk.attempted(message).await };
        desk.record(&held).await;
        desk.hear(unclaimed(&recipient[1..], at)).await;
        desk.changed();
        desk.store.settle_held(after(126), Duration::from_secs(120), None, 9).await.unwrap();
        assert_eq!(statuses(&desk.changed()), [(held.id, Status::Delivered)], "{recipient}");
    }
}

pub(crate) async fn an_early_receipt_with_an_id_that_is_given_once_is_applied_however_far_the_clock_was_set_back(
    fresh: impl Backend,
) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    for (id, changes, status) in [("65f0c0de1a2b", 2, Status::Delivered), ("1000000001", 1, Status::Sent)] {
        let sent = Outcome { accepted: acks([id]), ..desk.attempted(desk.message(account)).await };
        let an_hour_back = Receipt { at: NOW - Duration::from_secs(3_600), ..receipt([id], Delivered) };
        assert_eq!(desk.hear(an_hour_back).await, ReceiptOutcome::Parked);
        assert_eq!(desk.record(&sent).await.len(), changes, "{id}");
        assert_eq!(desk.status(sent.id).await, status, "{id}: a short id may be that of an earlier message");
    }
}

pub(crate) async fn of_two_messages_held_for_a_recipient_no_receipt_is_said_to_mean_one(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    for _ in 0..2 {
        let held = Outcome { verdict: Verdict::Hold, ..desk.attempted(desk.message(desk.account())).await };
        desk.record(&held).await;
        desk.hear(unclaimed(&held.recipient.digits(), after(1))).await;
    }
    let long = Outcome {
        verdict: Verdict::Hold,
        ..desk
            .attempted(Message { segments: 2, recipient: number("+12125551111"), ..desk.message(desk.account()) })
            .await
    };
    desk.record(&long).await;
    desk.hear(unclaimed("12125551111", after(1))).await;
    assert_eq!(desk.store.settle_held(after(9), Duration::ZERO, None, 9).await.unwrap(), HeldStep::default());
}

pub(crate) async fn a_segment_without_an_id_has_no_receipt(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let nameless = vec![SegmentAck { number: 1, carrier_id: None, key: None }];
    let outcome = Outcome { accepted: nameless, ..desk.attempted(desk.message(desk.account())).await };
    assert_eq!(desk.record(&outcome).await.len(), 1);
    assert_eq!(desk.hear(receipt([""], Delivered)).await, ReceiptOutcome::Parked);
    assert_eq!(desk.status(outcome.id).await, Status::Sent);
}
