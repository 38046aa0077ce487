//! How much owners have sent and received: quotas, and messages by day.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::message::MessageType;
use model::quota::UtcDay;
use model::status::SegmentFate::Delivered;
use model::{AccountId, Message, MessageRecord, Mode, Owner, Status, Timestamp};
use store::Store;
use store::contract::dispatch::{Outcome, Verdict};
use store::contract::retention::Walk;
use store::contract::usage::{CountedStatus, UsageCount};

use crate::office::{Counter, Office, arrival, at, message, part};
use crate::retention::walk;
use crate::support::{Backend, Desk, NOW, SOUTH, acks, admission, after, live, receipt, retry};

const DAY: Duration = Duration::from_secs(86_400);

/// Days that hold whatever a test does.
fn days() -> (UtcDay, UtcDay) {
    (UtcDay(UtcDay::of(NOW).0 - 10), UtcDay(UtcDay::of(NOW).0 + 100))
}

/// Everything that is counted of an owner.
async fn usage(store: &Arc<dyn Store>, owner: Owner) -> Vec<UsageCount> {
    let (from, to) = days();
    store.usage(owner, from, to).await.unwrap()
}

/// A count of the day that holds this moment.
fn count(at: Timestamp, kind: MessageType, status: Status, messages: u64, segments: u64) -> UsageCount {
    UsageCount { day: UtcDay::of(at), kind, status: CountedStatus::Outbound(status), messages, segments }
}

/// The counts that these messages come to.
pub(crate) fn recounted<'m>(records: impl IntoIterator<Item = &'m MessageRecord>) -> Vec<UsageCount> {
    let mut counts: BTreeMap<_, UsageCount> = BTreeMap::new();
    for MessageRecord { message, delivery } in records {
        let day = UtcDay::of(message.id.made_at());
        let name = (day, message.kind.as_str(), delivery.status.as_str());
        let none = count(message.id.made_at(), message.kind, delivery.status, 0, 0);
        let counted = counts.entry(name).or_insert(none);
        counted.messages += 1;
        counted.segments += u64::from(message.segments);
    }
    counts.into_values().collect()
}

/// That the counts of an owner are those of its messages.
async fn is_exact(desk: &Desk, owner: Owner) {
    let page = desk.store.messages(Some(owner), Default::default(), None, 10_000).await.unwrap();
    assert_eq!(page.next, None);
    assert_eq!(usage(&desk.store, owner).await, recounted(&page.messages));
}

pub(crate) async fn the_quota_used_is_that_of_the_day_and_the_owner(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (account, other) = (desk.account(), desk.account());
    let midnight = UtcDay::of(NOW).end();
    for at in [NOW, midnight - Duration::from_millis(1), midnight] {
        desk.admit(desk.message_at(account, at)).await;
    }
    let test = Message { mode: Mode::Test, ..desk.message(account) };
    desk.try_admit(admission(test)).await;
    let used = async |owner, at| desk.store.quota_used(owner, UtcDay::of(at)).await.unwrap();
    assert_eq!(used(live(account), NOW).await, 2);
    assert_eq!(used(live(account), midnight).await, 1);
    assert_eq!(used(Owner { account, mode: Mode::Test }, NOW).await, 1);
    assert_eq!((used(live(other), NOW).await, used(live(account), midnight + DAY).await), (0, 0));
}

pub(crate) async fn a_message_counts_in_its_day_with_the_status_that_it_has(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let account = desk.account();
    let owner = live(account);
    let midnight = UtcDay::of(NOW).end();
    let mms = |message| Message { kind: MessageType::Mms, ..message };
    let long = Message { segments: 3, ..desk.message(account) };
    desk.admit(desk.message_at(account, midnight)).await;
    desk.admit(mms(desk.message(account))).await;
    assert_eq!(
        usage(&desk.store, owner).await,
        [count(NOW, MessageType::Mms, Status::Queued, 1, 1), count(midnight, MessageType::Sms, Status::Queued, 1, 1),]
    );
    // The carrier makes other segments of it than were accepted; those count.
    let outcome = Outcome { total: 4, accepted: acks(["a", "b", "c", "d"]), ..desk.attempted(long).await };
    desk.record(&outcome).await;
    let sent = usage(&desk.store, owner).await;
    assert!(sent.contains(&count(NOW, MessageType::Sms, Status::Sent, 1, 3)), "{sent:?}");
    assert!(
        sent.iter().all(|count| count.kind != MessageType::Sms || count.day != UtcDay::of(NOW) || count.messages == 1)
    );
    for key in ["a", "b", "c", "d"] {
        // Long after its day is over.
        desk.hear(store::contract::receipts::Receipt { at: midnight + DAY, ..receipt([key], Delivered) }).await;
    }
    let expected = [
        count(NOW, MessageType::Mms, Status::Queued, 1, 1),
        count(NOW, MessageType::Sms, Status::Delivered, 1, 3),
        count(midnight, MessageType::Sms, Status::Queued, 1, 1),
    ];
    assert_eq!(usage(&desk.store, owner).await, expected);
    is_exact(&desk, owner).await;
    // A range has both of its ends, and nothing beyond.
    let day = |at| UtcDay::of(at);
    let of = async |from, to| desk.store.usage(owner, from, to).await.unwrap();
    assert_eq!(of(day(NOW), day(NOW)).await, expected[..2]);
    assert_eq!(of(day(midnight), day(midnight + DAY)).await, expected[2..]);
    assert_eq!(
        (of(day(midnight + DAY), day(midnight + DAY)).await, of(day(midnight), day(NOW)).await),
        (vec![], vec![])
    );
    desk.reopen(&fresh).await;
    assert_eq!(usage(&desk.store, owner).await, expected);
}

pub(crate) async fn what_is_refused_and_what_is_repeated_counts_nothing(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let claimed = crate::support::claim("key-1", "hello", NOW);
    let with = |limit| store::contract::admission::Admission {
        quota: store::contract::admission::Quota { day: UtcDay::of(NOW), limit },
        idempotency: Some(claimed.clone()),
        ..admission(desk.message(account))
    };
    desk.try_admit(with(0)).await;
    assert_eq!(usage(&desk.store, live(account)).await, []);
    for _ in 0..3 {
        desk.try_admit(with(5)).await;
    }
    assert_eq!(usage(&desk.store, live(account)).await, [count(NOW, MessageType::Sms, Status::Queued, 1, 1)]);
    // An outcome that comes twice moves the message once.
    let outcome = desk.attempted(desk.message(account)).await;
    desk.record_all(vec![outcome.clone(), outcome.clone()]).await;
    desk.record(&outcome).await;
    is_exact(&desk, live(account)).await;
}

pub(crate) async fn owners_are_counted_apart(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (account, other) = (desk.account(), desk.account());
    for mode in [Mode::Live, Mode::Test, Mode::Test] {
        desk.admit(Message { mode, ..desk.message(account) }).await;
    }
    let of = async |account: AccountId, mode| usage(&desk.store, Owner { account, mode }).await;
    assert_eq!(of(account, Mode::Live).await, [count(NOW, MessageType::Sms, Status::Queued, 1, 1)]);
    assert_eq!(of(account, Mode::Test).await, [count(NOW, MessageType::Sms, Status::Queued, 2, 2)]);
    assert_eq!(of(other, Mode::Live).await, []);
}

pub(crate) async fn messages_that_are_gone_still_count(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    for key in ["a", "b"] {
        desk.sent(desk.message(account), [key]).await;
        desk.hear(receipt([key], Delivered)).await;
    }
    let expected = [count(NOW, MessageType::Sms, Status::Delivered, 2, 2)];
    desk.list_all(after(1_000_000)).await;
    assert_eq!(walk(&desk, Walk::Messages, after(1_000_000)).await, 2);
    assert_eq!(desk.count(account).await, 0);
    assert_eq!(usage(&desk.store, live(account)).await, expected);
}

pub(crate) async fn counts_are_exact_whatever_happens_at_once(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let accounts = [desk.account(), desk.account()];
    let mut outcomes = Vec::new();
    for at in 0..30u64 {
        let account = accounts[usize::from(at % 3 == 0)];
        let message = desk.message_at(account, NOW + Duration::from_secs(at % 2 * 86_400));
        let segments = u16::try_from(at % 4 + 1).unwrap();
        outcomes.push(desk.attempted(Message { segments, ..message }).await);
    }
    let verdicts = [
        Verdict::Sent,
        Verdict::Failed { error_type: model::ErrorType::CarrierRejected, message: "no".to_owned() },
        Verdict::Retry(store::contract::dispatch::Retry { carrier: SOUTH.into(), ..retry(after(5)) }),
    ];
    let mut tasks = tokio::task::JoinSet::new();
    for (at, outcome) in outcomes.into_iter().enumerate() {
        let store = Arc::clone(&desk.store);
        let key = format!("key-{at}");
        let accepted = acks([&key]);
        let outcome = Outcome { verdict: verdicts[at % 3].clone(), accepted, ..outcome };
        let next = desk.message(accounts[at % 2]);
        tasks.spawn(async move {
            store.admit(admission(next)).await.unwrap();
            store.record_outcomes(vec![outcome.clone()]).await.unwrap();
            store.record_receipts(vec![receipt([&key], Delivered)]).await.unwrap();
            store.record_outcomes(vec![outcome]).await.unwrap();
        });
    }
    tasks.join_all().await;
    for account in accounts {
        is_exact(&desk, live(account)).await;
    }
    let all: u64 = usage(&desk.store, live(accounts[0])).await.iter().map(|count| count.messages).sum();
    assert!(all >= 30, "{all}");
}

pub(crate) async fn messages_of_handsets_count_for_those_whom_they_come_to(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    let (store, owner) = (Arc::clone(&counter.desk.store), counter.owner);
    let received = |messages, segments| {
        let status = CountedStatus::Received;
        vec![UsageCount { day: UtcDay::of(NOW), kind: MessageType::Sms, status, messages, segments }]
    };
    counter.answer(arrival("hello", at(0))).await;
    counter.answer(arrival("hello", at(0))).await;
    let repeated = counter.texts().await.len() as u64;
    assert_eq!(usage(&store, owner).await, received(repeated, repeated), "what came again is no message");
    // A message in parts counts when it is shown, once, and its segments as they come.
    counter.answer(part(1, 2, "one", at(1))).await;
    assert_eq!(usage(&store, owner).await, received(repeated, repeated));
    let wait = Duration::from_secs(600);
    let mut shown = store.end_part_waits(at(700), wait, 10, Arc::clone(&counter.office) as _).await.unwrap().shown;
    let partial = message(shown.remove(0)).0.segments;
    assert_eq!(usage(&store, owner).await, received(repeated + 1, repeated + u64::from(partial)));
    let whole = message(counter.answer(part(2, 2, "two", at(701))).await).0.segments;
    assert_eq!(usage(&store, owner).await, received(repeated + 1, repeated + u64::from(whole)));
    // One that nobody owns counts from when the operator gives it to an account.
    counter.office.is_routed.store(false, Ordering::Relaxed);
    counter.answer(arrival("for whom?", at(2))).await;
    assert_eq!(usage(&store, owner).await, received(repeated + 1, repeated + u64::from(whole)));
    let unrouted = store.unrouted(None, 1).await.unwrap().messages.remove(0).message;
    let next = live(counter.desk.account());
    store.assign_unrouted(unrouted.id, next, None, at(60)).await.unwrap();
    assert_eq!(usage(&store, next).await, received(1, 1));
}

pub(crate) async fn an_automatic_message_counts_as_any_other(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = live(desk.account());
    let counter = Counter::with(desk, Office::of(owner));
    counter.answer(arrival("STOP", NOW)).await;
    let sent = usage(&counter.desk.store, owner).await;
    assert!(sent.contains(&count(NOW, MessageType::Sms, Status::Queued, 1, 1)), "{sent:?}");
    assert_eq!(sent.len(), 2, "{sent:?}");
}
