//! The change feed: what is noted, in which order, which readers get it, and for how long the log keeps it.

use std::sync::Arc;
use std::time::Duration;

use model::key::{ApiKey, KeyId, SecretDigest};
use model::number::{Block, BlockKind, Number, NumberState};
use model::status::SegmentFate;
use model::{
    AccountId, BroadcastStatus, Message, Mode, Moment, Owner, ScreeningTemplate, Status, TemplateId, Timestamp,
};
use store::contract::changes::{Batch, Change, Kind, Kinds, Position, Resource, Tail, Tailed};
use store::contract::dispatch::{Outcome, Verdict};
use store::contract::tenants::{AccountChange, NumberChange};
use store::{Store, StoreError};
use tokio::task::JoinSet;

use crate::broadcasts::{accepted, expand};
use crate::support::{Backend, Desk, NODE, NOW, VALID_SECS, acks, admission, after, live, number, receipt};
use crate::tenants::account;

/// What messages and broadcasts go through.
const STATUSES: Kinds = Kinds::of(&[Kind::Message, Kind::Broadcast]);

/// All that a consumer has not passed, read a few at a time. The cursor goes with it.
async fn read_all(store: &dyn Store, consumer: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    loop {
        let Batch { changes: some, end } = store.changes(consumer, 7).await.unwrap();
        changes.extend(some);
        let Some(end) = end else { return changes };
        store.move_cursor(consumer, end).await.unwrap();
    }
}

/// All that a tail has by now.
pub(crate) fn taken(tail: &Tail) -> Vec<Change> {
    let mut changes = Vec::new();
    while let Some(next) = tail.try_next() {
        let Tailed::Changes(some) = next else { panic!("{next:?}") };
        changes.extend(some.iter().cloned());
    }
    changes
}

fn seqs(changes: &[Change]) -> Vec<u64> {
    changes.iter().map(|change| change.position.unwrap().seq).collect()
}

fn kinds(changes: &[Change]) -> Vec<Kind> {
    changes.iter().map(|change| change.resource.kind()).collect()
}

async fn behind(desk: &Desk, consumer: &str) -> u64 {
    desk.store.consumers().await.unwrap().iter().find(|one| one.name == consumer).unwrap().behind
}

pub(crate) async fn changes_are_numbered_without_gaps_in_the_order_of_their_commits(fresh: impl Backend) {
    let desk = Arc::new(Desk::open(&fresh).await);
    desk.store.register_consumer("all", Kinds::of(&Kind::ALL)).await.unwrap();
    let tail = desk.store.subscribe(Kinds::of(&Kind::ALL));
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let desk = Arc::clone(&desk);
        tasks.spawn(async move {
            for _ in 0..5 {
                let outcome = desk.attempted(desk.message(desk.account())).await;
                desk.store.record_outcomes(vec![outcome]).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let changes = read_all(&*desk.store, "all").await;
    assert_eq!(seqs(&changes), (1..=200).collect::<Vec<_>>());
    assert_eq!(taken(&tail), changes, "the tail has the same, in the same order");
    let mut accepted = Vec::new();
    for change in &changes {
        let Resource::Message { id, delivery, .. } = &change.resource else { panic!("{change:?}") };
        match delivery.status {
            Status::Queued => accepted.push(*id),
            status => {
                assert!(status == Status::Sent && accepted.contains(id), "a message is accepted before it is sent");
            }
        }
    }
}

pub(crate) async fn a_change_says_what_the_resource_is_from_then_on(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    desk.store.register_consumer("all", Kinds::of(&Kind::ALL)).await.unwrap();
    let message = Message { mode: Mode::Test, ..desk.message(desk.account()) };
    let owner = Owner { account: message.account, mode: Mode::Test };
    let outcome = Outcome { accepted: acks(["a"]), at: after(3), ..desk.attempted(message).await };
    desk.record(&outcome).await;
    let sent = desk.delivery(outcome.id).await;
    desk.hear(store::contract::receipts::Receipt { at: after(5), ..receipt(["a"], SegmentFate::Delivered) }).await;
    let changes = read_all(&*desk.store, "all").await;
    assert!(changes.iter().all(|change| change.owner == Some(owner)));
    assert_eq!(changes.iter().map(|change| change.at).collect::<Vec<_>>(), [NOW, after(3), after(5)]);
    let deliveries: Vec<_> = changes
        .iter()
        .map(|change| match &change.resource {
            Resource::Message { id, delivery, broadcast: None } if *id == outcome.id => delivery.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(deliveries, [model::Delivery::queued("north"), sent, desk.delivery(outcome.id).await]);
}

pub(crate) async fn every_status_of_a_broadcast_is_noted(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    desk.store.register_consumer("statuses", STATUSES).await.unwrap();
    let (ended, canceled) = (accepted(&desk, desk.account(), 2).await, accepted(&desk, desk.account(), 3).await);
    expand(&desk, &ended, 1).await;
    expand(&desk, &ended, 1).await;
    desk.expire(Moment::of(after(VALID_SECS)), 1).await;
    desk.expire(Moment::of(after(VALID_SECS)), 1).await;
    expand(&desk, &canceled, 1).await;
    for _ in 0..2 {
        desk.store.cancel_broadcast(None, canceled.id, after(9)).await.unwrap().unwrap();
    }
    let changes = read_all(&*desk.store, "statuses").await;
    let statuses = |wanted| -> Vec<_> {
        let status = |change: &Change| match change.resource {
            Resource::Broadcast { id, status, counts } if id == wanted => Some((status, counts.queued, change.at)),
            _ => None,
        };
        changes.iter().filter_map(status).collect()
    };
    use BroadcastStatus::{Canceled, Failed, Queued, Sending};
    assert_eq!(statuses(ended.id), [(Queued, 2, NOW), (Sending, 2, NOW), (Failed, 0, after(VALID_SECS))]);
    assert_eq!(statuses(canceled.id), [(Queued, 3, NOW), (Sending, 3, NOW), (Canceled, 0, after(9))]);
    let of_broadcasts =
        changes.iter().filter(|change| matches!(change.resource, Resource::Message { broadcast: Some(_), .. })).count();
    assert_eq!(of_broadcasts, 3, "and the statuses of their messages");
    assert!(
        changes.iter().all(|change| [Some(live(ended.account)), Some(live(canceled.account))].contains(&change.owner))
    );
}

fn greeting(account: AccountId, created_at: Timestamp) -> ScreeningTemplate {
    ScreeningTemplate { id: TemplateId::from_bytes([7; 16]), account, text: "Hi {name}".into(), note: None, created_at }
}

pub(crate) async fn every_change_of_tenants_is_noted_and_what_changes_nothing_is_not(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    desk.store.register_consumer("tenants", Kinds::TENANTS).await.unwrap();
    let (id, digest, store) = (desk.account(), SecretDigest::from_bytes([7; 32]), &desk.store);
    let made = account(id);
    let key = ApiKey {
        id: KeyId::from_text("uk_1"),
        account: id,
        mode: Mode::Test,
        name: Some("Shop".to_owned()),
        digest,
        created_at: NOW,
        expires_at: Some(after(9)),
        revoked_at: None,
    };
    let sender = Number {
        number: number("+18005550001"),
        account: Some(id),
        state: NumberState::Active,
        segments_per_second: None,
        created_at: NOW,
    };
    let block = Block {
        number: number("+12025550143"),
        kind: BlockKind::Recipient,
        account: None,
        reason: Some("asked".to_owned()),
        created_at: NOW,
    };
    store.create_account(made.clone()).await.unwrap();
    let limits = model::account::LimitsChange { daily_quota: Some(5), ..Default::default() };
    let changed =
        store.change_account(id, AccountChange { limits, ..AccountChange::default() }, after(1)).await.unwrap();
    store.set_screening(id, Arc::from("{}"), after(2)).await.unwrap();
    store.create_key(key.clone()).await.unwrap();
    let revoked = store.revoke_key(&key.id, after(3)).await.unwrap();
    store.create_number(sender.clone()).await.unwrap();
    let paced = NumberChange { segments_per_second: Some(std::num::NonZeroU32::new(3)), ..Default::default() };
    let slow = store.change_number(sender.number, paced, after(4)).await.unwrap();
    store.put_block(block.clone()).await.unwrap();
    store.delete_block(block.number, block.kind, block.account, after(5)).await.unwrap();
    let template = greeting(id, after(6));
    store.approve_template(template.clone()).await.unwrap();
    store.remove_template(id, template.id, after(7)).await.unwrap();
    // None of these changes anything.
    assert_eq!(store.remove_template(id, template.id, after(8)).await, Err(StoreError::NotFound));
    store.revoke_key(&key.id, after(8)).await.unwrap();
    assert_eq!(store.create_account(made.clone()).await, Err(StoreError::AlreadyExists));
    assert_eq!(store.delete_block(block.number, block.kind, block.account, after(8)).await, Err(StoreError::NotFound));
    let (number, kind, account) = (block.number, block.kind, block.account);
    let changes = read_all(&**store, "tenants").await;
    let expected = [
        (NOW, Resource::Account(made)),
        (after(1), Resource::Account(changed)),
        (after(2), Resource::Policy { account: id, policy: "{}".into() }),
        (NOW, Resource::Key(key)),
        (after(3), Resource::Key(revoked)),
        (NOW, Resource::Number(sender)),
        (after(4), Resource::Number(slow)),
        (NOW, Resource::Blocked(block)),
        (after(5), Resource::Unblocked { number, kind, account }),
        (after(6), Resource::TemplateApproved(template.clone())),
        (after(7), Resource::TemplateRemoved { account: id, id: template.id }),
    ];
    assert_eq!(changes.into_iter().map(|change| (change.at, change.resource)).collect::<Vec<_>>(), expected);
}

pub(crate) async fn nothing_is_written_that_no_consumer_wants(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let tail = desk.store.subscribe(Kinds::of(&[Kind::Message]));
    desk.sent(desk.message(desk.account()), ["a"]).await;
    desk.store.register_consumer("broadcasts", Kinds::of(&[Kind::Broadcast])).await.unwrap();
    desk.sent(desk.message(desk.account()), ["b"]).await;
    assert_eq!(behind(&desk, "broadcasts").await, 0);
    desk.store.register_consumer("messages", Kinds::of(&[Kind::Message])).await.unwrap();
    desk.sent(desk.message(desk.account()), ["c"]).await;
    desk.store.remove_consumer("messages").await.unwrap();
    desk.sent(desk.message(desk.account()), ["d"]).await;
    let positions: Vec<_> = taken(&tail).iter().map(|change| change.position.is_some()).collect();
    assert_eq!(positions, [false, false, true, false], "the tail has them all, the log the one");
    assert_eq!(read_all(&*desk.store, "broadcasts").await, [], "what others want is passed over");
    assert_eq!(behind(&desk, "broadcasts").await, 0);
}

pub(crate) async fn a_consumer_sees_what_is_committed_after_it_was_registered(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    desk.store.register_consumer("first", STATUSES).await.unwrap();
    desk.sent(desk.message(desk.account()), ["a"]).await;
    desk.store.register_consumer("second", STATUSES).await.unwrap();
    assert_eq!((behind(&desk, "first").await, behind(&desk, "second").await), (1, 0));
    desk.sent(desk.message(desk.account()), ["b"]).await;
    // A second registration keeps the cursor.
    desk.store.register_consumer("first", Kinds::of(&[Kind::Message])).await.unwrap();
    assert_eq!(seqs(&read_all(&*desk.store, "first").await), [1, 2]);
    assert_eq!(seqs(&read_all(&*desk.store, "second").await), [2]);
    assert_eq!(desk.store.changes("third", 9).await, Err(StoreError::NotFound));
    assert_eq!(desk.store.move_cursor("third", Position { writer: 1, seq: 1 }).await, Err(StoreError::NotFound));
}

pub(crate) async fn a_cursor_survives_never_goes_back_and_passes_nothing_that_comes(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    desk.store.register_consumer("one", STATUSES).await.unwrap();
    for key in ["a", "b", "c"] {
        desk.sent(desk.message(desk.account()), [key]).await;
    }
    let batch = desk.store.changes("one", 2).await.unwrap();
    assert_eq!(desk.store.changes("one", 2).await.unwrap(), batch, "reading moves nothing");
    let end = batch.end.unwrap();
    desk.store.move_cursor("one", end).await.unwrap();
    desk.store.move_cursor("one", Position { seq: 1, ..end }).await.unwrap();
    desk.reopen(&fresh).await;
    assert_eq!(desk.store.consumers().await.unwrap()[0].cursor, [end]);
    assert_eq!(seqs(&desk.store.changes("one", 9).await.unwrap().changes), [3]);
    desk.store.move_cursor("one", Position { seq: 999, ..end }).await.unwrap();
    desk.store.move_cursor("one", Position { writer: end.writer + 9, seq: 999 }).await.unwrap();
    desk.sent(desk.message(desk.account()), ["d"]).await;
    assert_eq!(
        seqs(&read_all(&*desk.store, "one").await),
        [4],
        "no number is given twice, and none is passed before it is given"
    );
}

pub(crate) async fn what_every_consumer_has_passed_is_dropped_a_few_at_a_time(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    for name in ["fast", "slow"] {
        desk.store.register_consumer(name, STATUSES).await.unwrap();
    }
    for n in 0..9 {
        desk.sent(desk.message(desk.account()), [&format!("{n}")]).await;
    }
    let end = *seqs(&read_all(&*desk.store, "fast").await).last().unwrap();
    assert_eq!(desk.store.forget_changes(100).await.unwrap(), 0, "one has passed nothing");
    let position = desk.store.consumers().await.unwrap()[0].cursor[0];
    desk.store.move_cursor("slow", Position { seq: end - 2, ..position }).await.unwrap();
    for dropped in [4, 3, 0] {
        assert_eq!(desk.store.forget_changes(4).await.unwrap(), dropped);
    }
    assert_eq!(seqs(&desk.store.changes("slow", 9).await.unwrap().changes), [8, 9]);
    desk.store.remove_consumer("slow").await.unwrap();
    assert_eq!(desk.store.forget_changes(9).await.unwrap(), 2, "a removed consumer holds nothing");
    desk.reopen(&fresh).await;
    desk.sent(desk.message(desk.account()), ["later"]).await;
    assert_eq!(seqs(&read_all(&*desk.store, "fast").await), [10], "an empty log goes on where it ended");
    desk.store.remove_consumer("fast").await.unwrap();
    desk.store.remove_consumer("fast").await.unwrap();
    assert_eq!(desk.store.forget_changes(9).await.unwrap(), 1);
    assert_eq!(desk.store.consumers().await.unwrap(), []);
}

pub(crate) async fn the_changes_of_a_call_are_in_the_tail_when_it_returns(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (messages, tenants) = (desk.store.subscribe(STATUSES), desk.store.subscribe(Kinds::TENANTS));
    let id = desk.account();
    desk.store.create_account(account(id)).await.unwrap();
    assert_eq!((kinds(&taken(&tenants)), taken(&messages)), (vec![Kind::Account], vec![]));
    let outcome = desk.attempted(desk.message(id)).await;
    assert_eq!(taken(&messages), [], "it was accepted, which this tail does not follow");
    desk.store.record_outcomes(vec![Outcome { verdict: Verdict::Expired, ..outcome }]).await.unwrap();
    assert_eq!((kinds(&taken(&messages)), taken(&tenants)), (vec![Kind::Message], vec![]));
}

pub(crate) async fn a_tail_waits_for_what_comes_and_ends_with_the_store(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let tail = desk.store.subscribe(STATUSES);
    let outcome = desk.attempted(desk.message(desk.account())).await;
    let (next, recorded) = tokio::join!(tail.next(), desk.store.record_outcomes(vec![outcome]));
    recorded.unwrap();
    assert!(matches!(next, Tailed::Changes(changes) if changes.len() == 1));
    desk.store.close().await;
    assert_eq!(tail.next().await, Tailed::Closed);
    assert_eq!(desk.store.subscribe(STATUSES).next().await, Tailed::Closed);
}

pub(crate) async fn a_call_that_is_refused_changes_nothing_in_the_log(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    desk.store.register_consumer("all", Kinds::of(&Kind::ALL)).await.unwrap();
    let message = desk.message(desk.account());
    let quota = store::contract::admission::Quota { day: model::quota::UtcDay::of(NOW), limit: 0 };
    desk.store.admit(store::contract::admission::Admission { quota, ..admission(message) }).await.unwrap();
    let late = desk
        .store
        .expire(NODE, Moment::of(after(VALID_SECS) + Duration::from_secs(1)), Default::default(), 9)
        .await
        .unwrap();
    assert_eq!((late, read_all(&*desk.store, "all").await), (0, vec![]));
}
