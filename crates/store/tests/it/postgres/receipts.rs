//! Several nodes at one database: receipts that come at one while acknowledgements come at another.

use std::sync::Arc;
use std::time::Duration;

use model::event::EventKind;
use model::status::SegmentFate::Delivered;
use model::{Message, Status};
use store::Store;
use store::contract::bounds::Bounds;
use store::contract::dispatch::Outcome;
use store::contract::receipts::{Receipt, ReceiptOutcome};
use tokio::task::JoinSet;

use super::PostgresDatabase;
use crate::support::{Backend, Desk, NORTH, acks, after, receipt};

/// A desk, and another process at the same database.
async fn two() -> (Desk, Arc<dyn Store>, PostgresDatabase) {
    let database = PostgresDatabase::fresh();
    let desk = Desk::at(database.open_shared().await).await;
    let other = database.open_shared().await;
    (desk, other, database)
}

/// Has all of these heard at once, each at the store beside it.
async fn hear(receipts: impl IntoIterator<Item = (&Arc<dyn Store>, Receipt)>) -> Vec<ReceiptOutcome> {
    let mut tasks = JoinSet::new();
    for (store, receipt) in receipts {
        let store = Arc::clone(store);
        tasks.spawn(async move { store.record_receipts(vec![receipt]).await.unwrap().remove(0) });
    }
    tasks.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_and_a_receipt_at_the_same_time_find_each_other() {
    let (desk, other, _database) = two().await;
    let account = desk.account();
    let mut outcomes = Vec::new();
    for n in 0..120 {
        let message = Message { segments: 2, ..desk.message(account) };
        let keys = [format!("{n} a"), format!("{n} b")];
        let accepted = acks([&keys[0][..], &keys[1][..]]);
        outcomes.push(Outcome { accepted, ..desk.attempted(message).await });
    }
    let mut tasks = JoinSet::new();
    for (n, outcome) in outcomes.clone().into_iter().enumerate() {
        let store = Arc::clone(&desk.store);
        tasks.spawn(async move { store.record_outcomes(vec![outcome]).await.unwrap() });
        for key in ["b", "a"] {
            let store = if n % 3 == 0 { Arc::clone(&desk.store) } else { Arc::clone(&other) };
            let receipt = receipt([&format!("{n} {key}")], Delivered);
            tasks.spawn(async move { drop(store.record_receipts(vec![receipt]).await.unwrap()) });
        }
    }
    tasks.join_all().await;
    for outcome in outcomes {
        assert_eq!(desk.status(outcome.id).await, Status::Delivered);
    }
    assert_eq!(desk.store.count_unmatched(NORTH).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_that_comes_at_two_nodes_settles_its_segment_once() {
    let (desk, other, _database) = two().await;
    let mut sent = Vec::new();
    for n in 0..60 {
        let message = Message { segments: 2, ..desk.message(desk.account()) };
        sent.push(desk.sent(message, [&format!("{n} a"), &format!("{n} b")]).await);
    }
    let twice = (0..60).flat_map(|n| [(n, "a"), (n, "b")]).flat_map(|(n, key)| {
        let receipt = receipt([&format!("{n} {key}")], Delivered);
        [(&desk.store, receipt.clone()), (&other, receipt)]
    });
    let outcomes = hear(twice).await;
    let count = |wanted: &ReceiptOutcome| outcomes.iter().filter(|outcome| *outcome == wanted).count();
    assert_eq!((count(&ReceiptOutcome::Matched { key: 0 }), count(&ReceiptOutcome::Repeated)), (120, 120));
    for id in sent {
        assert_eq!(desk.status(id).await, Status::Delivered);
        let told = desk.kinds(id).await.into_iter().filter(|kind| *kind == EventKind::Receipt).count();
        assert_eq!(told, 4, "each has its event");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_that_wait_are_counted_over_all_nodes() {
    let (desk, other, _database) = two().await;
    let bounds = Bounds { parked_max: 30, ..Bounds::default() };
    desk.store.keep_within(bounds);
    other.keep_within(bounds);
    let named = |from: usize, count: usize| {
        let stores = [&desk.store, &other];
        (from..from + count).map(move |n| (stores[n % 2], receipt([&format!("k{n}")], Delivered)))
    };
    let dropped = |outcomes: Vec<ReceiptOutcome>| -> u64 {
        outcomes
            .into_iter()
            .map(|outcome| match outcome {
                ReceiptOutcome::Crowded { dropped } => dropped,
                _ => 0,
            })
            .sum()
    };
    let mut attempted = Vec::new();
    for n in 290..300 {
        let accepted = acks([&format!("k{n}")[..]]);
        attempted.push(Outcome { accepted, ..desk.attempted(desk.message(desk.account())).await });
    }
    assert_eq!(dropped(hear(named(0, 290)).await), 260);
    assert_eq!(desk.store.count_unmatched(NORTH).await.unwrap(), 30);
    // Ten of these are acknowledged while others are parked.
    let (outcomes, recorded) = tokio::join!(hear(named(290, 10)), other.record_outcomes(attempted));
    recorded.unwrap();
    let left = desk.store.count_unmatched(NORTH).await.unwrap();
    assert_eq!(left + dropped(outcomes), 30);
    assert_eq!(desk.store.forget_parked(after(60), Duration::ZERO, 1_000).await.unwrap().len() as u64, left);
    assert_eq!(dropped(hear(named(400, 30)).await), 0, "there is room again for as many as may wait");
    assert_eq!(dropped(hear(named(500, 3)).await), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_that_ends_at_another_node_lets_other_readings_count() {
    let (desk, other, _database) = two().await;
    let account = desk.account();
    let (mut waits, mut outcomes) = (Vec::new(), Vec::new());
    for n in 0..40 {
        waits.push(desk.sent(desk.message(account), [&format!("{n} in hex")]).await);
        let accepted = acks([&format!("another {n}")[..]]);
        outcomes.push(Outcome { accepted, ..desk.attempted(desk.message(account)).await });
    }
    let mut tasks = JoinSet::new();
    for (n, outcome) in outcomes.into_iter().enumerate() {
        let (store, other) = (Arc::clone(&desk.store), Arc::clone(&other));
        let receipt = receipt([&format!("{n}"), &format!("{n} in hex")], Delivered);
        tasks.spawn(async move { store.record_outcomes(vec![outcome]).await.unwrap() });
        tasks.spawn(async move { drop(other.record_receipts(vec![receipt]).await.unwrap()) });
    }
    tasks.join_all().await;
    desk.store.settle_held(after(1), Duration::from_secs(60), None, 1_000).await.unwrap();
    for id in waits {
        assert_eq!(desk.status(id).await, Status::Delivered);
    }
    assert_eq!(desk.store.count_unmatched(NORTH).await.unwrap(), 0);
}
