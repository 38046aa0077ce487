//! Receipts that match nothing: how many wait, what the operator sees of them, and what becomes of them.

use std::time::Duration;

use model::status::SegmentFate::Delivered;
use model::unmatched::{Fate, Reason};
use model::{Message, Status, Unmatched};
use store::contract::bounds::Bounds;
use store::contract::dispatch::{Outcome, Verdict};
use store::contract::receipts::{KEY_BYTES_MAX, Receipt, ReceiptOutcome, Refused, UNMATCHED_KEPT};

use crate::support::{Backend, Desk, NORTH, SOUTH, acks, after, number, receipt};

/// A receipt from [`NORTH`] that came at second `at`.
fn came<const N: usize>(keys: [&str; N], at: u64) -> Receipt {
    Receipt { at: after(at), raw: format!("as it came at {at}").into(), ..receipt(keys, Delivered) }
}

async fn unmatched(desk: &Desk) -> Vec<Unmatched> {
    desk.store.unmatched(NORTH, UNMATCHED_KEPT).await.unwrap()
}

async fn fates(desk: &Desk) -> Vec<Fate> {
    unmatched(desk).await.into_iter().map(|one| one.fate).collect()
}

pub(crate) async fn no_more_receipts_wait_than_their_carrier_may_have(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let bounds = Bounds { parked_max: 3, ..Bounds::default() };
    desk.store.keep_within(bounds);
    let elsewhere = Receipt { carrier: SOUTH.into(), ..came(["s"], 0) };
    assert_eq!(desk.hear(elsewhere).await, ReceiptOutcome::Parked);
    for (at, key) in (1..).zip(["a", "b", "c"]) {
        assert_eq!(desk.hear(came([key], at)).await, ReceiptOutcome::Parked);
    }
    assert_eq!(desk.hear(came(["d"], 4)).await, ReceiptOutcome::Crowded { dropped: 1 });
    // What is counted in memory is counted again from the file.
    desk.reopen(&fresh).await;
    desk.store.keep_within(bounds);
    assert_eq!(desk.hear(came(["e"], 5)).await, ReceiptOutcome::Crowded { dropped: 1 });
    for (key, status) in [("a", Status::Sent), ("b", Status::Sent), ("c", Status::Delivered), ("e", Status::Delivered)]
    {
        let id = desk.sent(desk.message(desk.account()), [key]).await;
        assert_eq!(desk.status(id).await, status, "the oldest went first: {key}");
    }
    assert_eq!(fates(&desk).await, [Fate::Matched, Fate::Waiting, Fate::Matched, Fate::Dropped, Fate::Dropped]);
    assert_eq!(desk.store.count_unmatched(SOUTH).await.unwrap(), 1, "another carrier's wait on");
    // Those that were matched made room.
    assert_eq!(desk.hear(came(["f"], 6)).await, ReceiptOutcome::Parked);
}

pub(crate) async fn waiting_receipts_take_no_more_bytes_than_their_carrier_may_have(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    desk.store.keep_within(Bounds { parked_bytes_max: 100_000, ..Bounds::default() });
    let long = "x".repeat(KEY_BYTES_MAX - 4);
    let mut dropped = 0;
    for at in 0..200 {
        let keys: Vec<String> = (0..100).map(|n| format!("{at:04}{}", &long[n % 50..])).collect();
        let flood = Receipt { keys, detail: "d".repeat(10_000), raw: "r".repeat(10_000).into(), ..came([], at) };
        if let ReceiptOutcome::Crowded { dropped: count } = desk.hear(flood).await {
            dropped += count;
        }
    }
    let waiting = desk.store.count_unmatched(NORTH).await.unwrap();
    assert!((2..40).contains(&waiting) && waiting + dropped == 200, "{waiting} wait, {dropped} were dropped");
    let shown = unmatched(&desk).await;
    assert!(
        shown.iter().all(|one| one.keys.len() <= 16 && one.detail.len() <= 255 && one.raw.len() <= 1_500),
        "each is cut"
    );
}

pub(crate) async fn one_that_is_larger_than_the_bound_is_dropped_itself(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    desk.store.keep_within(Bounds { parked_max: 0, ..Bounds::default() });
    assert_eq!(desk.hear(came(["a"], 1)).await, ReceiptOutcome::Crowded { dropped: 1 });
    desk.store.keep_within(Bounds::default());
    let endless = "9".repeat(KEY_BYTES_MAX + 1);
    assert_eq!(
        desk.hear(came([&endless], 2)).await,
        ReceiptOutcome::Crowded { dropped: 1 },
        "no segment is filed under such an id"
    );
    let id = desk.sent(desk.message(desk.account()), [&endless]).await;
    assert_eq!(desk.hear(came([&endless], 3)).await, ReceiptOutcome::Crowded { dropped: 1 });
    assert_eq!(desk.status(id).await, Status::Sent);
    assert_eq!(fates(&desk).await, [Fate::Dropped; 3]);
}

pub(crate) async fn the_operator_sees_what_came_and_what_became_of_it(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let named = Receipt {
        addresses: vec!["18005551234".to_owned()],
        detail: "id 7F DELIVRD".to_owned(),
        ..came(["7f", "127"], 1)
    };
    desk.hear(named).await;
    desk.hear(came(["b"], 2)).await;
    let refused = Refused {
        carrier: NORTH.into(),
        at: after(3),
        reason: Reason::Inbound,
        detail: "a message of a handset".to_owned(),
        raw: "text \"Hi\"".to_owned(),
    };
    desk.store.record_refused(vec![refused]).await.unwrap();
    let first = Unmatched {
        at: after(1),
        reason: Reason::UnknownId,
        fate: Fate::Waiting,
        ended_at: None,
        keys: vec!["7f".to_owned(), "127".to_owned()],
        addresses: vec!["18005551234".to_owned()],
        detail: "id 7F DELIVRD".to_owned(),
        raw: "as it came at 1".to_owned(),
    };
    let shown = unmatched(&desk).await;
    assert_eq!((shown.len(), &shown[2]), (3, &first));
    assert_eq!(
        (shown[0].reason, shown[0].fate, shown[0].ended_at, &shown[0].raw[..]),
        (Reason::Inbound, Fate::Refused, Some(after(3)), "text \"Hi\"")
    );
    assert_eq!(desk.store.count_unmatched(NORTH).await.unwrap(), 2, "a message of a handset is no receipt");
    // The acknowledgement of one comes late; the other grows old.
    let attempted = desk.attempted(desk.message(desk.account())).await;
    desk.record(&Outcome { accepted: acks(["127"]), at: after(60), verdict: Verdict::Sent, ..attempted }).await;
    assert_eq!(desk.store.forget_parked(after(3_602), Duration::from_secs(3_599), 100).await.unwrap(), [NORTH]);
    let shown = unmatched(&desk).await;
    assert_eq!(shown[2], Unmatched { fate: Fate::Matched, ended_at: Some(after(60)), ..first });
    assert_eq!((shown[1].fate, shown[1].ended_at), (Fate::Expired, Some(after(3_602))));
    assert_eq!(desk.store.unmatched(SOUTH, 100).await.unwrap(), []);
}

pub(crate) async fn the_last_hundred_are_kept_and_what_was_matched_makes_way(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    for at in 0..150 {
        let key = format!("m{at}");
        desk.hear(came([&key], at)).await;
        desk.sent(desk.message(account), [&key]).await;
    }
    assert_eq!(fates(&desk).await, [Fate::Matched; UNMATCHED_KEPT]);
    for at in 200..230 {
        desk.hear(came([&format!("w{at}")], at)).await;
    }
    let refused = |at| Refused {
        carrier: NORTH.into(),
        at: after(at),
        reason: Reason::Unreadable,
        detail: String::new(),
        raw: String::new(),
    };
    desk.store.record_refused((300..650).map(refused).collect()).await.unwrap();
    let shown = unmatched(&desk).await;
    assert!(shown.len() == UNMATCHED_KEPT && shown.iter().all(|one| one.fate == Fate::Refused && one.at >= after(550)));
    assert_eq!(
        desk.store.count_unmatched(NORTH).await.unwrap(),
        130,
        "30 that wait and the last hundred that could not be read"
    );
}

pub(crate) async fn old_receipts_go_a_few_at_a_time(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    for at in 0..25 {
        desk.hear(came([&format!("k{at}")], at)).await;
    }
    for expected in [10, 10, 5, 0] {
        assert_eq!(desk.store.forget_parked(after(1_000), Duration::from_secs(60), 10).await.unwrap().len(), expected);
    }
    assert_eq!(desk.store.count_unmatched(NORTH).await.unwrap(), 0);
}

pub(crate) async fn held_messages_are_settled_a_few_at_a_time(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let mut held = Vec::new();
    for recipient in ["+12125550001", "+12125550002", "+12125550003"] {
        let message = Message { recipient: number(recipient), ..desk.message(desk.account()) };
        let outcome = Outcome { verdict: Verdict::Hold, ..desk.attempted(message).await };
        desk.record(&outcome).await;
        desk.hear(Receipt { addresses: vec![recipient[1..].to_owned()], ..came(["of nobody"], 1) }).await;
        held.push(outcome.id);
    }
    let (mut reached, mut settled, mut steps) = (None, Vec::new(), 0);
    loop {
        desk.changed();
        let step = desk.store.settle_held(after(60), Duration::from_secs(30), reached, 2).await.unwrap();
        let changes = desk.changed();
        assert!(changes.len() <= 2);
        settled.extend(changes.iter().map(|change| change.id));
        (reached, steps) = (step.next, steps + 1);
        if reached.is_none() {
            break;
        }
    }
    settled.sort_unstable();
    held.sort_unstable();
    assert_eq!((settled, steps), (held, 2));
}
