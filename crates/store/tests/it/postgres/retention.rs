//! Removing old things while others work: whole weeks, several nodes, and ends that meet a walk.

use std::sync::Arc;

use model::{Message, MessageId, Status};
use store::Store;
use store::contract::dispatch::Outcome;
use store::contract::retention::{Removed, Walk};
use tokio_postgres::Client;

use super::PostgresDatabase;
use crate::support::{Backend, Desk, NOW, admission, after};

/// Later than the end of the week in which every message here was accepted.
const LATER: u64 = 1_000_000;

/// More messages than are removed row by row.
const MANY: i64 = 10_001;

/// A database with a desk, and a connection past the store.
async fn opened() -> (PostgresDatabase, Desk, Client) {
    let database = PostgresDatabase::fresh();
    let desk = Desk::open(&database).await;
    let client = database.database().await.client().await;
    (database, desk, client)
}

/// Adds so many messages to the week of [`NOW`] that have failed.
async fn fill(desk: &Desk, client: &Client, count: i64) {
    end(client, desk.admit(desk.message(desk.account())).await).await;
    let first = format!("{:012x}", NOW.as_millis());
    let id = format!("('{first}' || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid");
    let account = "'00000000-0000-7000-8000-000000000001'";
    let many = format!("FROM generate_series(1, {count}) AS n");
    client
        .batch_execute(&format!(
            "INSERT INTO messages (id, account_id, test, direction, kind, originator, recipient, body, encoding, \
                segments, \
             reference, created_at, expires_at) SELECT {id}, {account}, false, 'outbound', 'sms', '+18005550000', \
             '+18005551234', 'hello', 'gsm7', 1, 0, 0, 0 {many}; \
             INSERT INTO delivery (message_id, account_id, test, status, carrier, segments, kind, \
             counted_segments) \
             SELECT {id}, {account}, false, 'failed', 'north', 1, 'SMS', 1 {many}; \
             INSERT INTO events (message_id, seq, at, kind, detail) SELECT {id}, 1, 0, 'ended', '' {many}; \
             INSERT INTO failures (message_id, account_id, test, status) \
             SELECT {id}, {account}, false, 'failed' {many}"
        ))
        .await
        .unwrap();
}

/// Ends a message that waits.
async fn end(client: &Client, id: MessageId) {
    let id = uuid::Uuid::from_bytes(id.to_bytes());
    client.execute("DELETE FROM queue WHERE message_id = $1", &[&id]).await.unwrap();
    client.execute("UPDATE delivery SET status = 'failed' WHERE message_id = $1", &[&id]).await.unwrap();
}

/// How many partitions there are.
async fn partitions(client: &Client) -> i64 {
    let sql = "SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid AND c.relkind = 'r'";
    client.query_one(sql, &[]).await.unwrap().get(0)
}

async fn rows(client: &Client, table: &str) -> i64 {
    client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0)
}

async fn step(store: &Arc<dyn Store>, limit: usize) -> Removed {
    store.remove_old(Walk::Messages, after(LATER), limit).await.unwrap()
}

/// Walks to the end; how many were removed.
async fn walk(store: &Arc<dyn Store>, walk: Walk) -> u64 {
    let mut removed = 0;
    loop {
        let step = store.remove_old(walk, after(LATER), 100).await.unwrap();
        removed += step.removed;
        if step.is_end {
            return removed;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_week_is_not_removed_before_its_scheduled_messages_are_old() {
    let (_database, desk, client) = opened().await;
    fill(&desk, &client, MANY).await;
    let id = desk.admit(Message { send_at: Some(after(LATER)), ..desk.message(desk.account()) }).await;
    desk.store.cancel_message(None, id, after(1)).await.unwrap().unwrap();
    assert_eq!(walk(&desk.store, Walk::Messages).await, MANY.cast_unsigned() + 1, "the others go row by row");
    assert!(desk.store.message_of_any_account(id).await.unwrap().is_some());
    let step = desk.store.remove_old(Walk::Messages, after(LATER + 1), 100).await.unwrap();
    assert_eq!((step.removed, desk.store.message_of_any_account(id).await.unwrap()), (1, None));
}

#[tokio::test]
async fn an_old_week_goes_at_once_and_is_there_again_when_it_is_needed() {
    let (database, desk, client) = opened().await;
    let other = database.open_shared().await;
    let known = desk.message(desk.account());
    other.admit(admission(known.clone())).await.unwrap();
    end(&client, known.id).await;
    fill(&desk, &client, MANY).await;
    assert_eq!(partitions(&client).await, 5);
    let removed = step(&desk.store, 100).await;
    assert_eq!((removed.removed, removed.is_end), (MANY.cast_unsigned(), false), "as many at least");
    assert_eq!(partitions(&client).await, 0);
    for table in ["messages", "delivery", "events", "segments", "failures"] {
        assert_eq!(rows(&client, table).await, 0, "{table}");
    }
    // The other node remembers the week.
    let message = desk.message(desk.account());
    other.admit(admission(message.clone())).await.unwrap();
    assert_eq!(desk.status(message.id).await, Status::Queued);
    assert_eq!(partitions(&client).await, 5);
    desk.admit(desk.message(desk.account())).await;
}

#[tokio::test]
async fn a_week_of_which_something_is_open_goes_row_by_row() {
    let (_database, desk, client) = opened().await;
    fill(&desk, &client, MANY).await;
    let queued = desk.admit(desk.message(desk.account())).await;
    assert_eq!(step(&desk.store, 100).await.removed, 100);
    assert_eq!((partitions(&client).await, rows(&client, "failures").await), (5, MANY - 100));
    end(&client, queued).await;
    let waits = desk.sent(desk.message(desk.account()), ["a"]).await;
    assert!(walk(&desk.store, Walk::Messages).await > 9_000);
    assert_eq!((desk.status(waits).await, rows(&client, "delivery").await), (Status::Sent, 1));
}

#[tokio::test]
async fn a_week_of_which_nothing_is_left_goes_with_the_next_walk() {
    let (_database, desk, client) = opened().await;
    fill(&desk, &client, 10).await;
    assert_eq!((walk(&desk.store, Walk::Messages).await, partitions(&client).await), (11, 5));
    assert_eq!((walk(&desk.store, Walk::Messages).await, partitions(&client).await), (0, 0));
}

#[tokio::test]
async fn the_messages_of_a_week_that_has_many_wait_for_the_last_of_them() {
    let (_database, desk, client) = opened().await;
    fill(&desk, &client, MANY).await;
    let young = desk.store.remove_old(Walk::Messages, after(1), 100).await.unwrap();
    assert_eq!((young.removed, young.is_end), (0, true));
    assert_eq!((partitions(&client).await, rows(&client, "failures").await), (5, MANY));
    assert!(step(&desk.store, 100).await.removed > MANY.cast_unsigned() - 1);
    assert_eq!(partitions(&client).await, 0);
}

#[tokio::test]
async fn the_messages_of_a_week_that_has_few_go_one_by_one() {
    let (_database, desk, client) = opened().await;
    fill(&desk, &client, 200).await;
    assert_eq!(desk.store.remove_old(Walk::Messages, after(1), 100).await.unwrap().removed, 100);
    assert_eq!((partitions(&client).await, rows(&client, "failures").await), (5, 100));
}

#[tokio::test]
async fn a_week_whose_tables_are_in_use_goes_row_by_row_and_keeps_nobody_waiting() {
    let (database, desk, mut client) = opened().await;
    fill(&desk, &client, MANY + 1_000).await;
    let reading = client.transaction().await.unwrap();
    reading.query("SELECT count(*) FROM delivery", &[]).await.unwrap();
    assert_eq!(step(&desk.store, 100).await.removed, 100);
    desk.admit(desk.message_at(desk.account(), after(LATER))).await;
    reading.rollback().await.unwrap();
    // Another node may try at once.
    let other = database.open_shared().await;
    assert_eq!(partitions(&client).await, 10);
    step(&other, 100).await;
    assert_eq!(partitions(&client).await, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_that_remove_at_once_each_thing_goes_once() {
    for count in [300, MANY] {
        let (database, desk, client) = opened().await;
        fill(&desk, &client, count).await;
        let other = database.open_shared().await;
        for of in [Walk::Texts(None), Walk::Messages] {
            let (one, two) = tokio::join!(walk(&desk.store, of), walk(&other, of));
            let removed = one + two;
            assert!(removed == count.cast_unsigned() || removed == count.cast_unsigned() + 1, "{of:?}: {removed}");
        }
        assert_eq!(rows(&client, "messages").await, 0);
    }
}

/// Either the walk finds the message ended, or the end finds that the walk has passed it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_goes_whether_its_message_ends_before_the_walk_or_after_it() {
    let (database, desk, _client) = opened().await;
    let other = database.open_shared().await;
    let account = desk.account();
    for n in 0..40 {
        let message: Message = desk.message_at(account, after(n));
        let outcome = Outcome { receipt_by: None, ..desk.attempted(message).await };
        let (recorded, _) = tokio::join!(
            desk.store.record_outcomes(vec![outcome.clone()]),
            other.remove_old(Walk::Texts(None), after(LATER), 100)
        );
        recorded.unwrap();
        let record = desk.store.message_of_any_account(outcome.id).await.unwrap().unwrap();
        assert_eq!((record.delivery.status, record.message.body.clone()), (Status::Sent, None), "{n}");
    }
}
