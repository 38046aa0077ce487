//! What removing old things does to the file: its pages are used again, and with a steady load it stops growing.

use std::time::Duration;

use model::status::SegmentFate::Delivered;
use model::{AccountId, Timestamp};
use rusqlite::Connection;
use store::contract::admission::{Admission, Admitted};
use store::contract::dispatch::{Lease, Outcome, Verdict};
use store::contract::receipts::Receipt;
use store::contract::retention::Walk;

use super::SqliteFile;
use crate::support::{Desk, NORTH, NOW, acks, admission, claim, receipt, under};

const DAY: Duration = Duration::from_secs(86_400);

/// Messages that live through a day, in as many commits as there are of them.
const A_DAY: u32 = 120;

/// The whole life of a message that is accepted at `now`.
async fn live(desk: &Desk, account: AccountId, now: Timestamp, key: &str) {
    let (message, token) = (desk.message_at(account, now), desk.token());
    let (id, recipient) = (message.id, message.recipient);
    let lease = Some(Lease { token, until: now + Duration::from_secs(60) });
    let idempotency = Some(claim(key, "hello", now));
    let admitted = desk.try_admit(Admission { idempotency, ..under(lease, admission(message)) }).await;
    assert_eq!(admitted, Admitted::New);
    let attempt = desk.begin(id, token, now).await.unwrap();
    let outcome = Outcome {
        id,
        recipient,
        token,
        total: 1,
        attempt,
        carrier: NORTH.into(),
        at: now,
        accepted: acks([key]),
        verdict: Verdict::Sent,
        detail: String::new(),
        receipt_by: Some(now + DAY),
    };
    desk.record(&outcome).await;
    desk.hear(Receipt { at: now, ..receipt([key], Delivered) }).await;
}

async fn walk(desk: &Desk, walk: Walk, before: Timestamp) {
    while !desk.store.remove_old(walk, before, 50).await.unwrap().is_end {}
}

fn pages(connection: &Connection) -> i64 {
    connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap()
}

fn rows(connection: &Connection, table: &str) -> u32 {
    connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_steady_load_the_file_stops_growing_and_no_table_keeps_what_is_old() {
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    let (account, connection) = (desk.account(), file.connection());
    let mut sizes = Vec::new();
    for day in 0..10 {
        for n in 0..A_DAY {
            let key = format!("{:08x}-{day}-{n}", n.wrapping_mul(2_654_435_761));
            live(&desk, account, NOW + DAY * day + DAY / A_DAY * n, &key).await;
        }
        let now = NOW + DAY * (day + 1);
        while desk.store.index_lists(now, Duration::ZERO, 500).await.unwrap().oldest_missing.is_some() {}
        walk(&desk, Walk::Texts(None), now - DAY).await;
        walk(&desk, Walk::ReceiptKeys, now - DAY).await;
        walk(&desk, Walk::Messages, now - DAY * 2).await;
        // Records of requests go after a week.
        while desk.store.forget_requests(now, 100).await.unwrap() > 0 {}
        sizes.push(pages(&connection));
    }
    // From the third day on as much goes as comes, but for the records of requests, which are small.
    let (third, tenth) = (sizes[2], sizes[9]);
    assert!(tenth * 100 <= third * 125, "the file grows on: {sizes:?}");
    assert!(sizes[9] <= sizes[8] + 1, "a week after the start nothing grows any more: {sizes:?}");
    for (table, days, each) in
        [("messages", 2, 1), ("delivery", 2, 1), ("segments", 1, 1), ("list_entries", 2, 3), ("events", 2, 3)]
    {
        assert_eq!(rows(&connection, table), days * A_DAY * each, "{table}");
    }
    assert_eq!(rows(&connection, "messages WHERE body IS NOT NULL"), A_DAY);
}
