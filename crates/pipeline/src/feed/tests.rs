//! What follows the changes of a real store.

use std::collections::HashSet;

use model::account::AccountState;
use model::number::BlockKind;
use model::{Assignment, Broadcast, BroadcastId, Message, MessageId, Moment, Recipients, SeededEntropy};
use store::contract::broadcasts::{Expanded, Expansion};
use store::contract::nodes::Epoch;
use store::contract::tenants::AccountChange;

use testkit::{LIMITS, NOW, number, pepper};

use super::*;

/// The first that joins a new store.
const NODE: Epoch = Epoch::new(1).unwrap();

struct Bench {
    feed: Feed,
    store: Arc<dyn Store>,
    tenants: Arc<TenantBook>,
    entropy: Arc<SeededEntropy>,
    _place: testkit::Place,
}

impl Bench {
    async fn set_up() -> Self {
        let place = testkit::Place::new();
        let store = place.open().await;
        let node = store.join("test".to_owned(), "0".to_owned(), Moment::of(NOW)).await.unwrap();
        assert_eq!(node, NODE);
        let (clock, entropy) = (testkit::clock(), Arc::new(SeededEntropy::new(7)));
        let tenants = Arc::new(TenantBook::load(store.clone(), pepper(), clock, entropy.clone()).await.unwrap());
        let feed = Feed::new(store.clone(), Arc::default(), Arc::default(), Arc::default(), tenants.clone());
        Self { feed, store, tenants, entropy, _place: place }
    }

    fn message(&self, broadcast: Option<BroadcastId>) -> Arc<Message> {
        Arc::new(Message {
            id: broadcast.map_or_else(|| MessageId::new(NOW, &*self.entropy), |broadcast| broadcast.message(0)),
            broadcast,
            ..testkit::message(0)
        })
    }

    async fn admit(&self) -> MessageId {
        let message = self.message(None);
        let id = message.id;
        self.store.admit(testkit::admission(NODE, message)).await.unwrap();
        id
    }

    async fn broadcast(&self) -> BroadcastId {
        let broadcast = Arc::new(Broadcast { id: BroadcastId::new(NOW, &*self.entropy), ..testkit::broadcast(0, 2) });
        let id = broadcast.id;
        let recipients: Recipients = [number("+18005551234"), number("+18005551235")].into_iter().collect();
        let admission = testkit::broadcast_admission(NODE, broadcast, recipients);
        self.store.admit_broadcast(admission).await.map(drop).unwrap();
        id
    }

    async fn expire(&self) {
        self.store.expire(NODE, Moment::of(NOW + testkit::VALID), HashSet::new(), 100).await.unwrap();
    }

    fn undelivered(&self) -> u64 {
        self.feed.counters.fates("").undelivered.get()
    }
}

fn is_told<K: std::hash::Hash + Eq, V>(waiting: &mut crate::watch::WaitingFor<K, V>) -> bool {
    futures_now(waiting.next()).is_some()
}

/// What a future has by now.
fn futures_now<T>(future: impl Future<Output = Option<T>>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(told) => told,
        std::task::Poll::Pending => None,
    }
}

#[tokio::test]
async fn a_status_that_any_call_changed_is_counted_and_answers_the_request_that_waits() {
    let bench = Bench::set_up().await;
    let id = bench.admit().await;
    let mut waiting = bench.feed.waiters.expect(id);
    bench.feed.catch_up();
    assert!(!is_told(&mut waiting), "it was accepted, and that is no news");
    // No part of the pipeline made this call, nor got its answer.
    bench.expire().await;
    bench.feed.catch_up();
    assert_eq!((is_told(&mut waiting), bench.undelivered()), (true, 1));
    bench.feed.catch_up();
    assert_eq!(bench.undelivered(), 1, "once");
}

#[tokio::test]
async fn a_broadcast_is_told_of_at_its_first_turn() {
    let bench = Bench::set_up().await;
    let id = bench.broadcast().await;
    let mut waiting = bench.feed.broadcast_waiters.expect(id);
    bench.feed.catch_up();
    assert!(!is_told(&mut waiting), "it was accepted, and that is no news");
    let messages = vec![Expanded { message: bench.message(Some(id)), carrier: Assignment::NoRoute, lease: None }];
    let expansion = Expansion { node: NODE, broadcast: id, from: 0, turns: 1, messages, due_at: NOW, at: NOW };
    assert!(bench.store.expand(expansion).await.unwrap());
    bench.feed.catch_up();
    assert!(is_told(&mut waiting));
}

#[tokio::test]
async fn who_waits_hears_of_what_was_missed() {
    let bench = Bench::set_up().await;
    let (ended, other) = (bench.admit().await, bench.broadcast().await);
    let (mut message, mut broadcast) = (bench.feed.waiters.expect(ended), bench.feed.broadcast_waiters.expect(other));
    bench.store.cancel_broadcast(None, other, NOW).await.unwrap();
    bench.expire().await;
    while bench.feed.tail.try_next().is_some() {}
    bench.feed.take(&mut bench.feed.turn(), &Tailed::Missed(3));
    assert_eq!(bench.feed.counters.changes_missed.get(), 3);
    assert!(bench.feed.turn().has_missed);
    bench.feed.look_again().await;
    assert_eq!((is_told(&mut message), is_told(&mut broadcast)), (true, true));
}

#[tokio::test]
async fn the_task_ends_with_the_store() {
    let bench = Bench::set_up().await;
    bench.admit().await;
    bench.expire().await;
    bench.store.close().await;
    let runtime: Arc<dyn runtime::Runtime> = Arc::new(runtime::Machine::new());
    bench.feed.run(&runtime).await;
    assert_eq!(bench.undelivered(), 1, "what was committed before is counted");
}

#[tokio::test]
async fn a_change_of_tenants_by_another_caller_takes_effect() {
    let bench = Bench::set_up().await;
    let account = bench.tenants.create_account("one".to_owned(), LIMITS).await.unwrap();
    let suspended = AccountChange { state: Some(AccountState::Suspended), ..AccountChange::default() };
    bench.store.change_account(account.id, suspended, NOW).await.unwrap();
    bench.tenants.follow().await.unwrap();
    assert_eq!(bench.tenants.account(account.id).unwrap().state, AccountState::Suspended);
}

#[tokio::test]
async fn many_changes_at_once_stand_in_memory_as_in_the_store() {
    let bench = Bench::set_up().await;
    let account = bench.tenants.create_account("one".to_owned(), LIMITS).await.unwrap().id;
    let recipient = number("+18005551234");
    let changes = (1..=40).map(|limit| {
        let (tenants, recipient) = (bench.tenants.clone(), recipient);
        tokio::spawn(async move {
            let limits = model::account::LimitsChange { daily_quota: Some(limit), ..Default::default() };
            tenants.change_account(account, AccountChange { limits, ..AccountChange::default() }).await.unwrap();
            if limit % 2 == 0 {
                tenants.put_block(recipient.into(), BlockKind::Recipient, None, None).await.unwrap();
            } else {
                let _ = tenants.delete_block(recipient.into(), BlockKind::Recipient, None).await;
            }
        })
    });
    for change in changes.collect::<Vec<_>>() {
        change.await.unwrap();
    }
    let data = bench.store.tenants().await.unwrap();
    assert_eq!(bench.tenants.account(account), data.accounts.first().cloned());
    let owner = model::Owner { account, mode: model::Mode::Live };
    let is_barred = bench.tenants.check_recipient(owner, number("+18005550001").into(), recipient).is_err();
    assert_eq!(is_barred, !data.blocks.is_empty());
}
