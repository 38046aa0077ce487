//! Groups of calls in one transaction: how large they are, and what is left of one that fails.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use model::Message;
use model::quota::UtcDay;
use model::status::SegmentFate;
use runtime::Machine;
use store::StoreError;
use store::contract::admission::{Admission, Admitted, Quota};
use store::contract::changes::{Change, Kind, Kinds, Resource};
use store::contract::messages::MessageFilter;
use store::sqlite::Sqlite;
use tokio::task::JoinSet;

use super::SqliteFile;
use crate::support::{Backend, Desk, admission, in_time, receipt};

/// A call that waits for the writer waits for a transaction of bounded size, however much others hand over at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_receipts_makes_no_transaction_long() {
    const RECEIPTS_EACH: usize = 200;
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    let largest = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&largest);
    desk.store.observe_commits(Box::new(move |sample| {
        seen.fetch_max(sample.group, Ordering::Relaxed);
    }));
    let mut tasks = JoinSet::new();
    for n in 0..200 {
        let store = Arc::clone(&desk.store);
        let flood = (0..RECEIPTS_EACH)
            .map(|m| receipt([&format!("{n}-{m}"), "another reading"], SegmentFate::Delivered))
            .collect();
        tasks.spawn(async move { store.record_receipts(flood).await.unwrap().len() });
    }
    assert_eq!(tasks.join_all().await.iter().sum::<usize>(), 200 * RECEIPTS_EACH);
    // Each receipt is a row and two keys, and takes as many away again once there are enough.
    let most = 10_000 / (3 * RECEIPTS_EACH) + 1;
    assert!(
        largest.load(Ordering::Relaxed) <= most,
        "{largest:?} calls in one transaction, and no more than {most} fit"
    );
}

/// Has SQLite refuse every message with this text, and with it the group that it is in.
fn refuse_text(file: &SqliteFile, text: &str, how: &str) {
    let body = format!("SELECT RAISE({how}, 'no room') WHERE NEW.body = '{text}'");
    file.connection()
        .execute_batch(&format!("CREATE TRIGGER refuse AFTER INSERT ON messages BEGIN {body}; END"))
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_sqlite_refuses_leaves_nothing_and_its_quota_unused() {
    // ABORT leaves the transaction open, ROLLBACK ends it under the writer's feet.
    for how in ["ABORT", "ROLLBACK"] {
        let file = SqliteFile::fresh();
        let desk = Desk::open(&file).await;
        refuse_text(&file, "poison", how);
        let account = desk.account();
        let mut tasks = JoinSet::new();
        for n in 0..300 {
            let mut message = desk.message(account);
            message.body = Some(if n % 50 == 25 { "poison" } else { "fine" }.into());
            let (store, admission) = (Arc::clone(&desk.store), admission(message));
            tasks.spawn(async move { (admission.payload.message.id, store.admit(admission).await) });
        }
        let mut admitted = 0;
        for (id, outcome) in tasks.join_all().await {
            let kept = desk.store.message_of_any_account(id).await.unwrap().is_some();
            match outcome {
                Ok(outcome) => assert!(outcome == Admitted::New && kept),
                Err(error) => assert!(matches!(error, StoreError::Unavailable(_)) && !kept, "{error}"),
            }
            admitted += u64::from(kept);
        }
        assert!(admitted <= 294, "no poison was admitted");
        for (limit, outcome) in [(admitted, Admitted::QuotaReached), (admitted + 1, Admitted::New)] {
            let message = desk.message(account);
            let quota = Quota { day: UtcDay::of(message.created_at), limit };
            assert_eq!(
                desk.try_admit(Admission { quota, ..admission(message) }).await,
                outcome,
                "{admitted} admitted, {how}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_is_rolled_back_leaves_no_change_and_the_log_no_gap() {
    for how in ["ABORT", "ROLLBACK"] {
        let file = SqliteFile::fresh();
        let desk = Desk::open(&file).await;
        desk.store.register_consumer("all", Kinds::of(&[Kind::Accepted])).await.unwrap();
        let tail = desk.store.subscribe(Kinds::of(&[Kind::Accepted]));
        refuse_text(&file, "poison", how);
        let mut tasks = JoinSet::new();
        for n in 0..300 {
            let mut message = desk.message(desk.account());
            message.body = Some(if n % 50 == 25 { "poison" } else { "fine" }.into());
            let (store, admission) = (Arc::clone(&desk.store), admission(message));
            tasks.spawn(async move { store.admit(admission).await });
        }
        let admitted = tasks.join_all().await.into_iter().filter(|outcome| outcome.is_ok()).count();
        // The file and its log, as a process that dies at this moment leaves them.
        let copy = SqliteFile::fresh();
        std::fs::copy(file.path(), copy.path()).unwrap();
        std::fs::copy(file.log(), copy.log()).unwrap();
        let store = copy.open().await;
        let page = store.messages(None, MessageFilter::default(), None, 1_000).await.unwrap();
        let changes = store.changes("all", 1_000).await.unwrap().changes;
        assert_eq!(
            changes.iter().map(|change| change.position.unwrap().seq).collect::<Vec<_>>(),
            (1..=admitted as u64).collect::<Vec<_>>(),
            "{how}"
        );
        let noted = |changes: &[Change]| -> BTreeSet<_> {
            let id = |change: &Change| {
                if let Resource::Message { id, .. } = change.resource { id } else { panic!("{change:?}") }
            };
            changes.iter().map(id).collect()
        };
        assert_eq!(noted(&changes), page.messages.iter().map(|record| record.message.id).collect(), "{how}");
        assert_eq!(crate::changes::taken(&tail), changes, "the tail got what was committed, and nothing else");
    }
}

#[tokio::test]
async fn a_store_that_failed_promises_nothing_more() {
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    let id = desk.admit(desk.message(desk.account())).await;
    // As a disk does it that returns other bytes than it was given.
    let ruin = "PRAGMA writable_schema = on; UPDATE sqlite_schema SET rootpage = 99999 WHERE name = 'probe'; PRAGMA \
        schema_version = 9999";
    file.connection().execute_batch(ruin).unwrap();
    for _ in 0..2 {
        let error = desk.store.probe().await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error}");
        let error = desk.store.admit(admission(desk.message(desk.account()))).await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error}");
    }
    in_time(async { assert!(matches!(desk.store.failed().await, StoreError::Failed(_))) }).await;
    desk.store.close().await;
    assert!(matches!(desk.store.probe().await, Err(StoreError::Unavailable(_))));
    drop((desk, id));
}

#[tokio::test]
async fn a_store_whose_state_cannot_be_read_again_after_a_rollback_promises_nothing_more() {
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    refuse_text(&file, "poison", "ABORT");
    file.connection().execute_batch("ALTER TABLE list_mark RENAME TO hidden").unwrap();
    let poison = Message { body: Some("poison".into()), ..desk.message(desk.account()) };
    let _ = desk.store.admit(admission(poison)).await.unwrap_err();
    let error = desk.store.admit(admission(desk.message(desk.account()))).await.unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)), "{error}");
    in_time(async { assert!(matches!(desk.store.failed().await, StoreError::Failed(_))) }).await;
}

#[tokio::test]
async fn a_probe_needs_the_room_that_messages_need_and_gives_it_back() {
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    let log_bytes = || std::fs::metadata(file.log()).unwrap().len();
    let before = log_bytes();
    desk.store.probe().await.unwrap();
    let probed = log_bytes();
    // An admission with its events and indexes changes about a dozen pages of 4 KiB.
    assert!(probed - before >= 64 << 10, "{}", probed - before);
    desk.store.probe().await.unwrap();
    desk.admit(desk.message(desk.account())).await;
    assert!(
        log_bytes() <= probed + (32 << 10),
        "the room of a probe is there for the next one, and for a message: {} and {}",
        probed,
        log_bytes()
    );
}

/// Opt-outs are looked up in memory before a message is accepted, and by one look into an index before it leaves.
#[tokio::test]
async fn a_message_that_is_accepted_and_taken_asks_once_for_opt_outs_and_nothing_else_of_handsets() {
    let file = SqliteFile::fresh();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let into = Arc::clone(&seen);
    let watch = Arc::new(move |sql: &str| into.lock().unwrap().push(sql.to_owned()));
    let store = Sqlite::open_watched(file.path(), Arc::new(Machine::new()), watch).await.unwrap();
    let desk = Desk::at(Arc::new(store)).await;
    seen.lock().unwrap().clear();
    desk.sent(desk.message(desk.account()), ["key"]).await;
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    assert!(seen.iter().any(|sql| sql.contains("INSERT INTO messages")));
    let of_handsets = |sql: &&String| ["inbound", "opt_out", "automatic_messages"].iter().any(|one| sql.contains(one));
    let asked: Vec<&String> = seen.iter().filter(of_handsets).collect();
    assert!(matches!(&*asked, [one] if one.starts_with("SELECT 1 FROM opt_outs o INDEXED BY")), "{asked:?}");
}
