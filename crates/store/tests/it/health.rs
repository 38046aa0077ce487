//! Readiness, the observation of commits, and the end of a store.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::Moment;
use store::StoreError;
use store::contract::admission::Admitted;
use store::contract::health::CommitSample;
use store::contract::messages::MessageFilter;
use tokio::task::JoinSet;

use crate::support::{Backend, Desk, NODE, NORTH, NOW, RETRY_WITHIN, admission, after, lease_request, live};

type Samples = Arc<Mutex<Vec<CommitSample>>>;

/// Has the desk's store write down its commits.
fn observe(desk: &Desk) -> Samples {
    let samples = Samples::default();
    let written = Arc::clone(&samples);
    desk.store.observe_commits(Box::new(move |sample| written.lock().unwrap().push(sample)));
    samples
}

pub(crate) async fn a_probe_succeeds_while_writes_do(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    for _ in 0..3 {
        desk.store.probe().await.unwrap();
        desk.store.probe().await.unwrap();
        desk.reopen(&fresh).await;
    }
}

pub(crate) async fn the_size_of_a_store_grows_with_its_messages(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let empty = desk.store.size_bytes().await.unwrap();
    let mut text_bytes = 0;
    for _ in 0..1_000 {
        let message = desk.message(account);
        text_bytes += message.body.as_ref().map_or(0, |body| body.len() as u64);
        desk.admit(message).await;
    }
    let filled = desk.store.size_bytes().await.unwrap();
    assert!(empty > 0 && filled > empty + text_bytes, "from {empty} to {filled} bytes for {text_bytes} of texts");
}

pub(crate) async fn concurrent_calls_share_commits(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    // The commit by which the desk joined is not observed.
    desk.reopen(&fresh).await;
    let samples = observe(&desk);
    let account = desk.account();
    let mut tasks = JoinSet::new();
    for _ in 0..2_000 {
        let (store, admission) = (Arc::clone(&desk.store), admission(desk.message(account)));
        tasks.spawn(async move { store.admit(admission).await.unwrap() });
    }
    assert!(tasks.join_all().await.iter().all(|admitted| *admitted == Admitted::New));
    // The observer is told after the callers are; what closes the store waits for it.
    desk.store.close().await;
    let samples = samples.lock().unwrap();
    assert_eq!(samples.iter().map(|sample| sample.group).sum::<usize>(), 2_000, "every call is in one group");
    assert!(samples.iter().any(|sample| sample.group > 1) && samples.len() < 1_000, "{} commits", samples.len());
    assert!(samples.iter().all(|sample| sample.group > 0 && sample.took > Duration::ZERO));
}

pub(crate) async fn the_last_observer_is_the_one_called(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    // The commit by which the desk joined is not observed.
    desk.reopen(&fresh).await;
    let (first, last) = (observe(&desk), observe(&desk));
    desk.store.probe().await.unwrap();
    desk.store.close().await;
    assert_eq!((first.lock().unwrap().len(), last.lock().unwrap().len()), (0, 1));
}

pub(crate) async fn all_is_well_until_something_fails(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let failed = desk.store.failed();
    tokio::pin!(failed);
    let working = async {
        desk.admit(desk.message(desk.account())).await;
        desk.store.close().await;
        desk.store.probe().await
    };
    tokio::select! {
        biased;
        error = &mut failed => panic!("{error}"),
        closed = working => assert!(matches!(closed, Err(StoreError::Unavailable(_)))),
    }
}

pub(crate) async fn a_closed_store_is_unavailable(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let id = desk.admit(desk.message(account)).await;
    desk.store.close().await;
    desk.store.close().await;
    let store = &desk.store;
    let refusals = [
        store.probe().await.err(),
        store.size_bytes().await.err(),
        store.admit(admission(desk.message(account))).await.err(),
        store.message(live(account), id).await.err(),
        store.message_of_any_account(id).await.err(),
        store.messages(None, MessageFilter::default(), None, 10).await.err(),
        store.events(id).await.err(),
        store.recover(NODE, NOW, RETRY_WITHIN).await.err(),
        store.lease_due(lease_request(1, NOW)).await.err(),
        store.begin_attempts(Vec::new(), Moment::of(NOW)).await.err(),
        store.record_outcomes(Vec::new()).await.err(),
        store.release(Vec::new(), NOW).await.err(),
        store.expire(NODE, Moment::of(NOW), HashSet::new(), 1).await.err(),
        store.queue_depths().await.err(),
        store.record_receipts(Vec::new()).await.err(),
        store.forget_parked(NOW, Duration::ZERO, 1).await.err(),
        store.tenants().await.err(),
    ];
    for (at, refusal) in refusals.iter().enumerate() {
        assert!(matches!(refusal, Some(StoreError::Unavailable(_))), "call {at}: {refusal:?}");
    }
}

pub(crate) async fn closing_finishes_what_was_begun(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let account = desk.account();
    for round in 0..10 {
        let mut tasks = JoinSet::new();
        for _ in 0..100 {
            let (store, admission) = (Arc::clone(&desk.store), admission(desk.message_at(account, after(round))));
            tasks.spawn(async move { (admission.payload.message.id, store.admit(admission).await) });
        }
        let first = tasks.join_next().await.unwrap().unwrap();
        desk.store.close().await;
        let mut outcomes = tasks.join_all().await;
        outcomes.push(first);
        desk.use_store(fresh.open().await);
        for (id, outcome) in outcomes {
            let kept = desk.store.message(live(account), id).await.unwrap();
            match outcome {
                Ok(admitted) => {
                    assert!(
                        admitted == Admitted::New && kept.is_some_and(|record| record.delivery.carrier == NORTH.into())
                    );
                }
                Err(error) => assert!(matches!(error, StoreError::Unavailable(_)) && kept.is_none(), "{error}"),
            }
        }
    }
}
