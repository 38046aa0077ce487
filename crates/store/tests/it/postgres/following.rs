//! What a node hears of the others: changes of tenants in the order of commits, and logs that have new events.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use model::key::{ApiKey, KeyId, Mode, SecretDigest};
use model::webhook::{EventType, Subscription, Webhook};
use model::{MessageId, OptOut, OptOutName, OptOutSource, WebhookId};
use store::Store;
use store::contract::changes::{Batch, Change, Kind, Kinds, Position, Resource, Tail, Tailed};
use store::contract::tenants::AccountChange;
use store::contract::webhooks::SealedSecret;
use testkit::number;
use tokio::task::JoinSet;

use super::PostgresDatabase;
use crate::support::{Backend, Desk, NOW, after, in_time, live};
use crate::tenants::account;

/// Two nodes on one database.
async fn two(database: &PostgresDatabase) -> (Desk, Arc<dyn Store>) {
    (Desk::at(database.open_shared().await).await, database.open_shared().await)
}

/// The next changes that a tail has, waited for.
async fn told(tail: &Tail, count: usize) -> Vec<Change> {
    let mut changes = Vec::new();
    while changes.len() < count {
        match tail.next().await {
            Tailed::Changes(some) => changes.extend(some.iter().cloned()),
            other => panic!("{other:?} after {changes:?}"),
        }
    }
    changes
}

fn limit(daily_quota: u64) -> AccountChange {
    let limits = model::account::LimitsChange { daily_quota: Some(daily_quota), ..Default::default() };
    AccountChange { limits, ..AccountChange::default() }
}

fn limits(changes: &[Change]) -> Vec<u64> {
    let limit = |change: &Change| match &change.resource {
        Resource::Account(account) => account.limits.daily_quota,
        other => panic!("{other:?}"),
    };
    changes.iter().map(limit).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_hears_of_tenants_in_the_order_of_commits_and_of_nothing_twice() {
    in_time(async {
        let database = PostgresDatabase::fresh();
        let (desk, other) = two(&database).await;
        let id = desk.account();
        desk.store.create_account(account(id)).await.unwrap();
        let tails = [desk.store.subscribe(Kinds::TENANTS), other.subscribe(Kinds::TENANTS)];
        let [first, second] = &tails;
        told(second, 1).await;
        for turn in 0..20 {
            // The one that changes last has not heard of the other's change when it tells its own.
            desk.store.change_account(id, limit(2 * turn), after(turn)).await.unwrap();
            other.change_account(id, limit(2 * turn + 1), after(turn)).await.unwrap();
        }
        let expected: Vec<u64> = (0..40).collect();
        assert_eq!(limits(&told(first, 40).await), expected);
        assert_eq!(limits(&told(second, 40).await), expected);
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert_eq!((first.try_next(), second.try_next()), (None, None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_says_that_a_key_is_revoked_has_heard_of_it() {
    in_time(async {
        let database = PostgresDatabase::fresh();
        let (desk, other) = two(&database).await;
        let id = desk.account();
        let key = ApiKey {
            id: KeyId::from_text("uk_1"),
            account: id,
            mode: Mode::Live,
            name: None,
            digest: SecretDigest::from_bytes([7; 32]),
            created_at: NOW,
            expires_at: None,
            revoked_at: None,
        };
        let tail = other.subscribe(Kinds::TENANTS);
        desk.store.create_account(account(id)).await.unwrap();
        desk.store.create_key(key.clone()).await.unwrap();
        desk.store.revoke_key(&key.id, after(1)).await.unwrap();
        let revoked = other.revoke_key(&key.id, after(2)).await.unwrap();
        assert_eq!(revoked.revoked_at, Some(after(1)));
        assert_eq!(last_heard(&tail), Some(Resource::Key(revoked)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_says_that_a_handset_has_opted_out_has_heard_of_it() {
    in_time(async {
        let database = PostgresDatabase::fresh();
        let (desk, other) = two(&database).await;
        let tail = other.subscribe(Kinds::TENANTS);
        let id = desk.account();
        desk.store.create_account(account(id)).await.unwrap();
        let opt_out = OptOut {
            name: OptOutName { owner: live(id), from: None, number: number("+18005551234") },
            source: OptOutSource::Api,
            keyword: None,
            message: None,
            reason: None,
            created_at: NOW,
        };
        assert_eq!(desk.store.opt_out(vec![opt_out.clone()]).await.unwrap(), [true]);
        assert_eq!(other.opt_out(vec![OptOut { created_at: after(1), ..opt_out.clone() }]).await.unwrap(), [false]);
        assert_eq!(last_heard(&tail), Some(Resource::OptedOut(opt_out)));
    })
    .await;
}

/// The last change of tenants that was told so far.
fn last_heard(tail: &Tail) -> Option<Resource> {
    let mut last = None;
    while let Some(Tailed::Changes(changes)) = tail.try_next() {
        last = changes.last().map(|change| change.resource.clone()).or(last);
    }
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_another_node_has_its_place_in_the_log_and_one_that_is_gone_is_missed() {
    in_time(async {
        let database = PostgresDatabase::fresh();
        let (desk, other) = two(&database).await;
        let tail = other.subscribe(Kinds::TENANTS);
        desk.store.create_account(account(desk.account())).await.unwrap();
        desk.store.register_consumer("tenants", Kinds::of(&[Kind::Account])).await.unwrap();
        desk.store.create_account(account(desk.account())).await.unwrap();
        let positions: Vec<_> = told(&tail, 2).await.iter().map(|change| change.position).collect();
        assert_eq!(positions, [None, Some(Position { writer: 1, seq: 1 })]);
        let client = database.database().await.client().await;
        client.execute("UPDATE news_log SET last = last + 5", &[]).await.unwrap();
        assert_eq!(tail.next().await, Tailed::Missed(5));
        desk.store.create_account(account(desk.account())).await.unwrap();
        told(&tail, 1).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_begins_at_another_node_misses_nothing_of_what_begins_later() {
    in_time(async {
        let database = PostgresDatabase::fresh();
        let (desk, other) = two(&database).await;
        let (desk, has_begun, is_over) = (Arc::new(desk), Arc::new(AtomicBool::new(false)), Arc::default());
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let (desk, has_begun, is_over) = (Arc::clone(&desk), Arc::clone(&has_begun), Arc::clone(&is_over));
            let account = desk.account();
            tasks.spawn(async move {
                let mut expected: Vec<MessageId> = Vec::new();
                while !AtomicBool::load(&is_over, Ordering::Acquire) {
                    let is_expected = has_begun.load(Ordering::Acquire);
                    let id = desk.admit(desk.message(account)).await;
                    expected.extend(is_expected.then_some(id));
                }
                expected
            });
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        other.register_consumer("all", Kinds::of(&Kind::ALL)).await.unwrap();
        has_begun.store(true, Ordering::Release);
        tokio::time::sleep(Duration::from_millis(300)).await;
        is_over.store(true, Ordering::Release);
        let expected = tasks.join_all().await.concat();
        let mut seen = Vec::new();
        loop {
            let Batch { changes, end } = other.changes("all", 50).await.unwrap();
            seen.extend(changes);
            let Some(end) = end else { break };
            other.move_cursor("all", end).await.unwrap();
        }
        let numbers: Vec<u64> = seen.iter().map(|change| change.position.unwrap().seq).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
        let is_seen = |id: &MessageId| {
            let is_it = |change: &Change| matches!(change.resource, Resource::Message { id: seen, .. } if seen == *id);
            seen.iter().any(is_it)
        };
        assert!(!expected.is_empty() && expected.iter().all(is_seen));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_made_at_another_node_gets_events_at_once_and_its_bell_rings() {
    in_time(async {
        let database = PostgresDatabase::fresh();
        let (desk, other) = two(&database).await;
        let owner = live(desk.account());
        let webhook = Webhook {
            id: WebhookId::from_bytes([1; 16]),
            owner,
            url: "https://a.example".into(),
            events: Subscription::parse(["messaging.outgoing.message.queued"]).unwrap(),
            description: Some("one\0two".into()),
            active: true,
            ordering: model::webhook::Ordering::Message,
            broadcast_messages: false,
            format: model::webhook::Format::Twilio,
            created_at: NOW,
            disabled: None,
        };
        assert!(other.create_webhook(webhook.clone(), SealedSecret(vec![1])).await.unwrap());
        assert_eq!(desk.store.webhooks(Some(owner)).await.unwrap()[0].webhook, webhook);
        let (own, bell) = (desk.store.event_bell(), other.event_bell());
        for seq in 1..=3 {
            desk.admit(desk.message(owner.account)).await;
            assert_eq!(own.next().await.into_iter().collect::<Vec<_>>(), [(owner, seq)], "rung when the call returns");
            assert_eq!(bell.next().await.into_iter().collect::<Vec<_>>(), [(owner, seq)]);
        }
        let heads = other.event_heads(webhook.id, 0, None, 10).await.unwrap().heads;
        assert_eq!(heads.iter().map(|head| head.kind).collect::<Vec<_>>(), [EventType::MessageQueued; 3]);
        // Nothing rings twice.
        let again = tokio::time::timeout(Duration::from_millis(600), own.next()).await;
        assert!(again.is_err(), "{again:?}");
    })
    .await;
}
