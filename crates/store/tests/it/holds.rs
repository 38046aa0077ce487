//! A store that was restored: it is held until it is released, and what waits in it can be ended.

use std::collections::HashSet;

use model::event::EventKind;
use model::{BroadcastStatus, ErrorType, Moment, Status};
use store::StoreError;
use store::contract::holds::{Hold, Waiting};

use crate::broadcasts::accepted;
use crate::support::{Backend, Desk, NODE, NOW, RETRY_WITHIN, acks, after, live, retry};
use model::Owner;
use store::contract::dispatch::{Outcome, Verdict};

const HOLD: Hold = Hold { since: NOW, backed_up_at: model::Timestamp::from_millis(NOW.as_millis() - 86_400_000) };

pub(crate) async fn a_store_is_held_until_it_is_released_also_over_a_restart(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let refused = desk.store.hold(HOLD, after(1)).await;
    assert!(matches!(refused, Err(StoreError::Refused(words)) if words.contains("stop it first")), "a node lives");
    assert_eq!(desk.store.held().await, Ok(None));
    desk.store.hold(HOLD, after(60)).await.unwrap();
    desk.reopen(&fresh).await;
    assert_eq!(desk.store.held().await, Ok(Some(HOLD)));
    let again = Hold { since: after(5), ..HOLD };
    desk.store.hold(again, after(60)).await.unwrap();
    assert_eq!(desk.store.held().await, Ok(Some(again)));
    assert_eq!(desk.store.release_hold().await, Ok(true));
    assert_eq!(desk.store.release_hold().await, Ok(false));
    assert_eq!(desk.store.held().await, Ok(None));
}

pub(crate) async fn what_waits_is_counted_and_what_was_under_way_too(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    assert_eq!(desk.store.waiting_in_all(NOW).await, Ok(Waiting::default()));
    let account = desk.account();
    desk.admit_many(account, 3).await;
    desk.attempted(desk.message(account)).await;
    desk.sent(desk.message(account), ["sent"]).await;
    let broadcast = accepted(&desk, account, 5).await;
    let wanted = Waiting { queued: 4, under_way: 1, broadcasts: 1, recipients: 5, scheduled: 0, overdue: 0 };
    assert_eq!(desk.store.waiting_in_all(NOW).await, Ok(wanted));
    let canceled = desk.store.cancel_broadcast(None, broadcast.id, NOW).await.unwrap().unwrap();
    assert_eq!((canceled.stopped, canceled.record.status), (5, BroadcastStatus::Canceled));
    assert_eq!(desk.store.waiting_in_all(NOW).await, Ok(Waiting { broadcasts: 0, recipients: 0, ..wanted }));
}

pub(crate) async fn what_waits_is_ended_and_may_have_arrived(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = live(desk.account());
    let Owner { account, .. } = owner;
    let waits = desk.admit_many(account, 2).await;
    let later = desk.attempted(desk.message(account)).await;
    desk.record(&Outcome { verdict: Verdict::Retry(retry(after(500))), ..later.clone() }).await;
    let under_way = desk.attempted(desk.message(account)).await;
    let gone = Outcome { accepted: acks(["gone"]), ..desk.attempted(desk.message(account)).await };
    desk.record(&gone).await;
    // The process of the backup is over.
    let node = desk.store.join("desk".to_owned(), "1".to_owned(), Moment::of(after(20))).await.unwrap();
    desk.store.recover(node, after(20), RETRY_WITHIN).await.unwrap();
    assert_eq!(desk.store.end_queued(NODE, Moment::of(after(21)), 100).await, Err(StoreError::Over));
    desk.changed();
    let mut ended = Vec::new();
    loop {
        let count = desk.store.end_queued(node, Moment::of(after(21)), 3).await.unwrap();
        assert!(count <= 3, "{count}");
        if count == 0 {
            break;
        }
        ended.push(count);
    }
    assert_eq!(ended, [3, 1]);
    let changed: HashSet<_> = desk.changed().into_iter().map(|change| change.id).collect();
    let all = [waits, vec![later.id, under_way.id]].concat();
    assert_eq!(changed, all.iter().copied().collect());
    for id in all {
        let delivery = desk.delivery(id).await;
        assert_eq!(delivery.status, Status::Undelivered);
        assert_eq!(delivery.error_type, Some(ErrorType::Unknown));
        let events = desk.store.events(id).await.unwrap();
        let last = events.last().unwrap();
        assert!(last.kind == EventKind::Ended && last.detail.contains("restored"), "{last:?}");
    }
    assert_eq!(desk.delivery(under_way.id).await.unknown_outcomes, 1);
    assert_eq!(desk.status(gone.id).await, Status::Sent, "it does not wait");
    assert_eq!(desk.store.waiting_in_all(NOW).await, Ok(Waiting::default()));
}
