//! Other readings of an id: they settle nothing as long as the acknowledgement of another message may bring the very
//! id.

use std::time::Duration;

use model::status::SegmentFate::Delivered;
use model::{Message, Moment, Status};
use store::contract::dispatch::{Outcome, Verdict};
use store::contract::receipts::{HeldStep, Receipt, ReceiptOutcome};

use crate::support::{Backend, Desk, acks, after, number, receipt, retry};

const RECIPIENT: &str = "18005551234";

/// A report with an id and another reading of it, which is filed for a message that waits.
fn report(recipient: Option<&str>) -> Receipt {
    report_on(["4660", "1234"], recipient)
}

fn report_on(keys: [&str; 2], recipient: Option<&str>) -> Receipt {
    Receipt { addresses: recipient.into_iter().map(str::to_owned).collect(), ..receipt(keys, Delivered) }
}

pub(crate) async fn a_receipt_before_its_acknowledgement_takes_no_message_by_another_reading(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    for (recipient, exact, other) in [(Some(RECIPIENT), "4660", "1234"), (None, "43981", "abcd")] {
        let waits = desk.sent(desk.message(account), [other]).await;
        let under_way = Outcome { accepted: acks([exact]), ..desk.attempted(desk.message(account)).await };
        assert_eq!(desk.hear(report_on([exact, other], recipient)).await, ReceiptOutcome::Parked, "{recipient:?}");
        desk.record(&under_way).await;
        assert_eq!(
            (desk.status(waits).await, desk.status(under_way.id).await),
            (Status::Sent, Status::Delivered),
            "{recipient:?}"
        );
    }
}

pub(crate) async fn another_reading_counts_once_the_acknowledgement_brought_another_id(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let waits = desk.sent(desk.message(account), ["1234"]).await;
    let other = Outcome { accepted: acks(["5000"]), ..desk.attempted(desk.message(account)).await };
    assert_eq!(desk.hear(report(Some(RECIPIENT))).await, ReceiptOutcome::Parked);
    // One that begins after the receipt came cannot have caused it.
    let later = desk.attempted(desk.message(account)).await;
    let changes: Vec<_> = desk.record(&other).await.iter().map(|change| (change.id, change.delivery.status)).collect();
    assert_eq!(changes, [(other.id, Status::Sent), (waits, Status::Delivered)]);
    assert_eq!(
        desk.store.forget_parked(after(1_000), Duration::ZERO, 9).await.unwrap(),
        [""; 0],
        "nothing is parked any more"
    );
    desk.record(&Outcome { accepted: acks(["4660"]), ..later.clone() }).await;
    assert_eq!(desk.status(later.id).await, Status::Sent);
}

pub(crate) async fn an_attempt_to_another_recipient_holds_no_receipt_up(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let waits = desk.sent(desk.message(account), ["1234"]).await;
    desk.attempted(Message { recipient: number("+447700900999"), ..desk.message(account) }).await;
    let outcome = desk.hear(report(Some(RECIPIENT))).await;
    assert!(matches!(outcome, ReceiptOutcome::Matched { key: 1, .. }), "{outcome:?}");
    assert_eq!(desk.status(waits).await, Status::Delivered);
}

pub(crate) async fn an_acknowledgement_that_is_another_reading_takes_no_receipt_from_an_attempt_under_way(
    fresh: impl Backend,
) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let first = Outcome { accepted: acks(["1234"]), ..desk.attempted(desk.message(account)).await };
    let second = Outcome { accepted: acks(["4660"]), ..desk.attempted(desk.message(account)).await };
    assert_eq!(desk.hear(report(Some(RECIPIENT))).await, ReceiptOutcome::Parked);
    desk.record(&first).await;
    assert_eq!(desk.status(first.id).await, Status::Sent, "the other attempt may bring the very id");
    desk.record(&second).await;
    assert_eq!((desk.status(first.id).await, desk.status(second.id).await), (Status::Sent, Status::Delivered));
}

pub(crate) async fn another_reading_counts_when_an_attempt_has_ended_without_an_id(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let waits = desk.sent(desk.message(account), ["1234"]).await;
    let put_off = Outcome { verdict: Verdict::Retry(retry(after(60))), ..desk.attempted(desk.message(account)).await };
    assert_eq!(desk.hear(report(None)).await, ReceiptOutcome::Parked);
    desk.record(&put_off).await;
    assert_eq!(desk.status(waits).await, Status::Delivered);
}

pub(crate) async fn a_restart_forgets_no_receipt_that_waits_for_an_attempt(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let account = desk.account();
    let waits = desk.sent(desk.message(account), ["1234"]).await;
    desk.attempted(desk.message(account)).await;
    assert_eq!(desk.hear(report(Some(RECIPIENT))).await, ReceiptOutcome::Parked);
    assert_eq!(
        desk.store.settle_held(after(5), Duration::from_secs(120), None, 9).await.unwrap(),
        HeldStep::default(),
        "the attempt is under way"
    );
    desk.reopen(&fresh).await;
    // The start of a node ends its earlier one, whose attempts get no acknowledgement any more.
    desk.store.join("desk".to_owned(), "0".to_owned(), Moment::of(after(4))).await.unwrap();
    desk.changed();
    desk.store.settle_held(after(5), Duration::from_secs(120), None, 9).await.unwrap();
    let changes = desk.changed();
    assert_eq!(
        changes.iter().map(|change| (change.id, change.delivery.status)).collect::<Vec<_>>(),
        [(waits, Status::Delivered)]
    );
}
