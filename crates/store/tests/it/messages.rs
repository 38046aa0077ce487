//! Admission: a message is on disk with its quota and its idempotency record, or nothing is.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use model::idempotency::{AnswerForm, Endpoint};
use model::message::{Direction, Encoding, MessageType};
use model::quota::UtcDay;
use model::{
    AccountId, BroadcastId, Delivery, Message, MessageId, MessageRecord, Mint, Mode, Moment, Owner, SeededEntropy,
    Timestamp,
};
use store::contract::admission::{Admission, Admitted, Earlier, IdempotencyClaim, NewMessage, Quota, Replay};
use store::contract::dispatch::Lease;
use tokio::task::JoinSet;

use crate::support::{Backend, Desk, NODE, NORTH, NOW, admission, after, claim, ids, live, number, under};

/// The answer to a request that was admitted as `message` before.
fn replayed(message: &Message) -> Earlier<Message> {
    Earlier::Replayed(Replay { made: Arc::new(message.clone()), answer: None, form: AnswerForm::NEWEST })
}

fn with_claim(message: Message, claim: &IdempotencyClaim) -> Admission<NewMessage> {
    Admission { idempotency: Some(claim.clone()), ..admission(message) }
}

fn with_limit(message: Message, limit: u64) -> Admission<NewMessage> {
    Admission { quota: Quota { day: UtcDay::of(message.created_at), limit }, ..admission(message) }
}

/// Admits all of these at once and returns what became of each.
async fn all_at_once(
    desk: &Desk,
    admissions: impl IntoIterator<Item = Admission<NewMessage>>,
) -> Vec<Admitted<Message>> {
    let mut tasks = JoinSet::new();
    for admission in admissions {
        let store = Arc::clone(&desk.store);
        tasks.spawn(async move { store.admit(admission).await.unwrap() });
    }
    tasks.join_all().await
}

fn count_of(outcomes: &[Admitted<Message>], wanted: &Admitted<Message>) -> usize {
    outcomes.iter().filter(|outcome| *outcome == wanted).count()
}

pub(crate) async fn a_message_is_kept_as_it_was_accepted(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let plain = || desk.message(account);
    let broadcast = Some(BroadcastId::new(NOW, &SeededEntropy::new(9)));
    for message in [
        plain(),
        Message { broadcast, mode: Mode::Test, ..plain() },
        Message {
            direction: Direction::Inbound,
            body: Some("\0 'quoted\" 👩‍👩‍👧 \u{202e}".into()),
            encoding: Encoding::Ucs2,
            ..plain()
        },
        Message {
            kind: MessageType::Mms,
            body: None,
            media_url: Some("https://media.example/cat.jpg".to_owned()),
            segments: 0,
            ..plain()
        },
        Message { body: Some("".into()), encoding: Encoding::Latin1, segments: 64, reference: u16::MAX, ..plain() },
    ] {
        let id = desk.admit(message.clone()).await;
        let kept = desk.store.message(message.owner(), id).await.unwrap();
        assert_eq!(kept, Some(MessageRecord { message: Arc::new(message), delivery: Delivery::queued(NORTH) }));
    }
}

pub(crate) async fn a_message_admitted_without_a_lease_is_due_at_once(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let id = desk.admit(desk.message(desk.account())).await;
    assert_eq!(ids(&desk.lease(desk.token(), NOW).await), [id]);
}

pub(crate) async fn a_message_admitted_under_a_lease_is_its_holders(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (message, token) = (desk.message(desk.account()), desk.token());
    let (id, lease) = (message.id, Some(Lease { token, until: after(10) }));
    desk.try_admit(under(lease, admission(message))).await;
    assert_eq!(desk.lease(desk.token(), after(9)).await, []);
    assert_eq!(desk.begin(id, token, after(9)).await, Some(1));
}

pub(crate) async fn the_same_claim_again_is_answered_with_the_first_message(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let (first, second) = (desk.message(account), desk.message(account));
    let (second_id, claim) = (second.id, claim("key-1", "hello", NOW));
    assert_eq!(desk.try_admit(with_claim(first.clone(), &claim)).await, Admitted::New);
    assert_eq!(desk.try_admit(with_claim(second, &claim)).await, Admitted::Earlier(replayed(&first)));
    leaves_nothing(&desk, account, second_id, 1).await;
}

pub(crate) async fn a_key_that_stands_for_another_request_is_taken(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let (first, second) = (desk.message(account), desk.message(account));
    let second_id = second.id;
    assert_eq!(desk.try_admit(with_claim(first.clone(), &claim("key-1", "hello", NOW))).await, Admitted::New);
    assert_eq!(
        desk.try_admit(with_claim(second, &claim("key-1", "bye", NOW))).await,
        Admitted::Earlier(Earlier::KeyTaken)
    );
    leaves_nothing(&desk, account, second_id, 1).await;
    let again = with_claim(desk.message(account), &claim("key-1", "hello", NOW));
    assert_eq!(
        desk.try_admit(again).await,
        Admitted::Earlier(replayed(&first)),
        "the record still stands for the first request"
    );
}

pub(crate) async fn a_message_over_its_quota_leaves_nothing_not_even_its_key(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    assert_eq!(desk.try_admit(with_limit(desk.message(account), 1)).await, Admitted::New);
    let (refused, claim) = (desk.message(account), claim("key-1", "hello", NOW));
    let over = Admission { idempotency: Some(claim.clone()), ..with_limit(refused.clone(), 1) };
    assert_eq!(desk.try_admit(over).await, Admitted::QuotaReached);
    leaves_nothing(&desk, account, refused.id, 1).await;
    assert_eq!(desk.store.replay(live(account), &claim).await.unwrap(), None);
    let corrected = Admission { idempotency: Some(claim), ..with_limit(refused, 2) };
    assert_eq!(desk.try_admit(corrected).await, Admitted::New, "a refusal is not what the key stands for");
}

/// That `id` was never admitted, and that exactly `admitted` messages of the account were and have used its quota.
async fn leaves_nothing(desk: &Desk, account: AccountId, id: model::MessageId, admitted: u64) {
    assert_eq!(desk.store.message_of_any_account(id).await.unwrap(), None);
    assert_eq!(desk.store.events(id).await.unwrap(), []);
    assert_eq!(desk.count(account).await as u64, admitted);
    assert_eq!(desk.store.queue_depths().await.unwrap()[0].queued, admitted);
    let over = with_limit(desk.message(account), admitted);
    assert_eq!(desk.try_admit(over).await, Admitted::QuotaReached, "{admitted} recipients are counted, and no fewer");
    let probe = desk.account();
    assert_eq!(
        desk.try_admit(with_limit(desk.message(probe), 1)).await,
        Admitted::New,
        "another account's quota is untouched"
    );
}

pub(crate) async fn two_hundred_identical_requests_make_one_message(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    for round in 1..=10 {
        let claim = claim(&format!("key-{round}"), "hello", NOW);
        let outcomes = all_at_once(&desk, (0..200).map(|_| with_claim(desk.message(account), &claim))).await;
        assert_eq!(count_of(&outcomes, &Admitted::New), 1);
        assert_eq!(desk.count(account).await, round);
        let Some(Earlier::Replayed(first)) = desk.store.replay(live(account), &claim).await.unwrap() else {
            panic!("it was admitted")
        };
        assert_eq!(
            count_of(&outcomes, &Admitted::Earlier(Earlier::Replayed(first))),
            199,
            "all others are answered with the one message"
        );
    }
}

pub(crate) async fn concurrent_requests_that_differ_share_no_key(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let requests = (0..100).map(|n| with_claim(desk.message(account), &claim("key-1", &format!("hello {n}"), NOW)));
    let outcomes = all_at_once(&desk, requests).await;
    assert_eq!(
        (count_of(&outcomes, &Admitted::New), count_of(&outcomes, &Admitted::Earlier(Earlier::KeyTaken))),
        (1, 99)
    );
    assert_eq!(desk.count(account).await, 1);
}

pub(crate) async fn a_record_counts_until_it_is_too_old(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let first = desk.message(account);
    desk.try_admit(with_claim(first.clone(), &claim("key-1", "hello", NOW))).await;
    const DAY_MS: u64 = 86_400_000;
    let later = |ms| NOW + Duration::from_millis(ms);
    for ms in [1, DAY_MS - 1, DAY_MS] {
        let request = with_claim(desk.message_at(account, later(ms)), &claim("key-1", "hello", later(ms)));
        assert_eq!(desk.try_admit(request).await, Admitted::Earlier(replayed(&first)), "{ms} ms later");
    }
    // A different request under the same key is a new one, and the key is its own from then on.
    let now = later(DAY_MS + 1);
    assert_eq!(desk.store.replay(live(account), &claim("key-1", "bye", now)).await.unwrap(), None);
    let second = desk.message_at(account, now);
    assert_eq!(desk.try_admit(with_claim(second.clone(), &claim("key-1", "bye", now))).await, Admitted::New);
    assert_eq!(desk.store.replay(live(account), &claim("key-1", "bye", now)).await.unwrap(), Some(replayed(&second)));
    assert_eq!(desk.store.replay(live(account), &claim("key-1", "hello", now)).await.unwrap(), Some(Earlier::KeyTaken));
}

pub(crate) async fn a_clock_set_back_makes_no_second_message(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let first = desk.message(account);
    desk.try_admit(with_claim(first.clone(), &claim("key-1", "hello", NOW))).await;
    let earlier = NOW - Duration::from_secs(3_600);
    let again = with_claim(desk.message_at(account, earlier), &claim("key-1", "hello", earlier));
    assert_eq!(desk.try_admit(again).await, Admitted::Earlier(replayed(&first)));
}

pub(crate) async fn a_key_belongs_to_one_account_and_one_endpoint(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (mine, theirs) = (desk.account(), desk.account());
    let here = claim("key-1", "hello", NOW);
    let there = IdempotencyClaim { endpoint: Endpoint::Broadcast, ..here.clone() };
    let other_case = claim("KEY-1", "hello", NOW);
    for (account, claim) in [(mine, &here), (theirs, &here), (mine, &there), (mine, &other_case)] {
        assert_eq!(desk.store.replay(live(account), claim).await.unwrap(), None);
        let message = desk.message(account);
        assert_eq!(desk.try_admit(with_claim(message.clone(), claim)).await, Admitted::New);
        assert_eq!(desk.store.replay(live(account), claim).await.unwrap(), Some(replayed(&message)));
    }
}

pub(crate) async fn a_key_of_one_mode_means_nothing_in_the_other(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let account = desk.account();
    for (key, modes) in [("key-1", [Mode::Test, Mode::Live]), ("key-2", [Mode::Live, Mode::Test])] {
        let claim = claim(key, "hello", NOW);
        let messages = modes.map(|mode| Message { mode, ..desk.message(account) });
        for (mode, message) in modes.into_iter().zip(&messages) {
            let owner = Owner { account, mode };
            assert_eq!(desk.store.replay(owner, &claim).await.unwrap(), None);
            assert_eq!(desk.try_admit(with_claim(message.clone(), &claim)).await, Admitted::New);
            desk.store.record_answer(NODE, &claim.of(owner), mode.as_str().to_owned()).await.unwrap();
        }
        desk.reopen(&fresh).await;
        for (mode, message) in modes.into_iter().zip(&messages) {
            let Some(Earlier::Replayed(replay)) = desk.store.replay(Owner { account, mode }, &claim).await.unwrap()
            else {
                panic!("it was admitted")
            };
            assert_eq!((&*replay.made, replay.answer.as_deref()), (message, Some(mode.as_str())));
            assert_eq!(
                desk.try_admit(with_claim(Message { mode, ..desk.message(account) }, &claim)).await,
                Admitted::Earlier(Earlier::Replayed(replay))
            );
        }
    }
}

pub(crate) async fn a_quota_of_one_mode_is_none_of_the_others(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let account = desk.account();
    let of = |desk: &Desk, mode| with_limit(Message { mode, ..desk.message(account) }, 2);
    for mode in [Mode::Test, Mode::Live] {
        for outcome in [Admitted::New, Admitted::New, Admitted::QuotaReached] {
            assert_eq!(desk.try_admit(of(&desk, mode)).await, outcome);
        }
    }
    desk.reopen(&fresh).await;
    for mode in [Mode::Test, Mode::Live] {
        assert_eq!(desk.try_admit(of(&desk, mode)).await, Admitted::QuotaReached);
    }
}

pub(crate) async fn the_newest_ids_are_shown_of_every_kind_and_of_no_time_to_come(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (account, entropy) = (desk.account(), SeededEntropy::new(7));
    let next = async || {
        let mint = Mint::default();
        desk.store.show_newest(&mint, after(100)).await.unwrap();
        MessageId::minted(&mint, NOW, &entropy).made_at()
    };
    assert_eq!(next().await, NOW);
    for secs in [10, 9, 100, 5_000] {
        desk.admit(desk.message_at(account, after(secs))).await;
    }
    assert_eq!(next().await, after(10));
    crate::broadcasts::accepted_at(&desk, account, after(20)).await;
    crate::broadcasts::accepted_at(&desk, account, after(101)).await;
    assert_eq!(next().await, after(20));
    desk.store.record_screening(crate::screening::blocked(account, after(30), 1)).await.unwrap();
    assert_eq!(next().await, after(30));
}

pub(crate) async fn a_recorded_answer_is_replayed_to_the_letter(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let (mine, theirs) = (desk.account(), desk.account());
    let here = claim("key-1", "hello", NOW);
    let there = IdempotencyClaim { endpoint: Endpoint::Broadcast, ..here.clone() };
    let message = desk.message(mine);
    desk.try_admit(with_claim(message.clone(), &here)).await;
    desk.try_admit(with_claim(desk.message(mine), &there)).await;
    desk.try_admit(with_claim(desk.message(theirs), &here)).await;
    let body = "{\"status\": \"sent\", \"note\":\u{a0}\"ü\" }\n".to_owned();
    desk.store.record_answer(NODE, &here.of(live(mine)), body.clone()).await.unwrap();
    for reopened in [false, true] {
        let answer = Earlier::Replayed(Replay {
            made: Arc::new(message.clone()),
            answer: Some(body.clone()),
            form: AnswerForm::NEWEST,
        });
        assert_eq!(desk.store.replay(live(mine), &here).await.unwrap(), Some(answer.clone()), "reopened: {reopened}");
        assert_eq!(desk.try_admit(with_claim(desk.message(mine), &here)).await, Admitted::Earlier(answer));
        for (account, claim) in [(mine, &there), (theirs, &here)] {
            let Some(Earlier::Replayed(replay)) = desk.store.replay(live(account), claim).await.unwrap() else {
                panic!("it was admitted")
            };
            assert_eq!(replay.answer, None);
        }
        desk.reopen(&fresh).await;
    }
}

pub(crate) async fn an_answer_without_its_record_is_not_kept(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (account, claim) = (desk.account(), claim("key-1", "hello", NOW));
    desk.store.record_answer(NODE, &claim.of(live(account)), "{}".to_owned()).await.unwrap();
    assert_eq!(desk.store.replay(live(account), &claim).await.unwrap(), None);
    let message = desk.message(account);
    assert_eq!(desk.try_admit(with_claim(message.clone(), &claim)).await, Admitted::New);
    assert_eq!(
        desk.store.replay(live(account), &claim).await.unwrap(),
        Some(replayed(&message)),
        "a new record has no answer yet"
    );
}

pub(crate) async fn a_new_record_does_not_inherit_the_answer_of_the_old_one(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (account, old) = (desk.account(), claim("key-1", "hello", NOW));
    desk.try_admit(with_claim(desk.message(account), &old)).await;
    desk.store.record_answer(NODE, &old.of(live(account)), "{}".to_owned()).await.unwrap();
    let now = after(2 * 86_400);
    let (message, new) = (desk.message_at(account, now), claim("key-1", "hello", now));
    assert_eq!(desk.try_admit(with_claim(message.clone(), &new)).await, Admitted::New);
    assert_eq!(desk.store.replay(live(account), &new).await.unwrap(), Some(replayed(&message)));
}

pub(crate) async fn looking_for_a_replay_changes_nothing(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (account, claim) = (desk.account(), claim("key-1", "hello", NOW));
    for _ in 0..3 {
        assert_eq!(desk.store.replay(live(account), &claim).await.unwrap(), None);
    }
    let first = Admission { idempotency: Some(claim.clone()), ..with_limit(desk.message(account), 1) };
    assert_eq!(desk.try_admit(first).await, Admitted::New);
}

pub(crate) async fn a_replay_is_the_message_as_accepted_whatever_became_of_it(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let (account, claim) = (desk.account(), claim("key-1", "hello", NOW));
    let message = desk.message(account);
    desk.try_admit(with_claim(message.clone(), &claim)).await;
    desk.store.expire(NODE, Moment::of(message.expires_at), HashSet::new(), 10).await.unwrap();
    desk.reopen(&fresh).await;
    assert_eq!(desk.store.replay(live(account), &claim).await.unwrap(), Some(replayed(&message)));
}

pub(crate) async fn the_sweep_forgets_no_record_and_no_quota_that_counts(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (account, claim) = (desk.account(), claim("key-1", "hello", NOW));
    let message = desk.message(account);
    desk.try_admit(with_claim(message.clone(), &claim)).await;
    desk.store.expire(NODE, Moment::of(after(86_400)), HashSet::new(), 1_000).await.unwrap();
    assert_eq!(desk.store.replay(live(account), &claim).await.unwrap(), Some(replayed(&message)));
    assert_eq!(desk.try_admit(with_limit(desk.message(account), 1)).await, Admitted::QuotaReached);
}

pub(crate) async fn a_quota_is_exact_under_concurrency(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let (one, other) = (desk.account(), desk.account());
    let accounts = (0..600).map(|n| if n % 2 == 0 { one } else { other });
    let outcomes = all_at_once(&desk, accounts.map(|account| with_limit(desk.message(account), 100))).await;
    assert_eq!((count_of(&outcomes, &Admitted::New), count_of(&outcomes, &Admitted::QuotaReached)), (200, 400));
    for reopened in [false, true] {
        for account in [one, other] {
            assert_eq!(desk.count(account).await, 100, "reopened: {reopened}");
            assert_eq!(desk.try_admit(with_limit(desk.message(account), 100)).await, Admitted::QuotaReached);
        }
        desk.reopen(&fresh).await;
    }
}

pub(crate) async fn a_quota_used_before_reopening_is_used_after_it(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let account = desk.account();
    for used in 0..5 {
        assert_eq!(desk.try_admit(with_limit(desk.message(account), 5)).await, Admitted::New, "{used} used");
        desk.reopen(&fresh).await;
    }
    assert_eq!(desk.try_admit(with_limit(desk.message(account), 5)).await, Admitted::QuotaReached);
}

pub(crate) async fn a_quota_begins_anew_with_the_day(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let midnight = UtcDay::of(NOW).end();
    let last = midnight - Duration::from_millis(1);
    let admit = async |at: Timestamp| desk.try_admit(with_limit(desk.message_at(account, at), 2)).await;
    for (at, outcome) in [
        (NOW, Admitted::New),
        (last, Admitted::New),
        (last, Admitted::QuotaReached),
        (midnight, Admitted::New),
        // A request that began before midnight is counted in its own day.
        (last, Admitted::QuotaReached),
        (midnight, Admitted::New),
        (midnight, Admitted::QuotaReached),
        // Nor does a clock that is set back give yesterday's quota back.
        (NOW, Admitted::QuotaReached),
    ] {
        assert_eq!(admit(at).await, outcome, "{at}");
    }
}

pub(crate) async fn the_limit_that_counts_is_the_one_given_now(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    for (limit, outcome) in [
        (0, Admitted::QuotaReached),
        (2, Admitted::New),
        (2, Admitted::New),
        (1, Admitted::QuotaReached),
        (u64::MAX, Admitted::New),
    ] {
        assert_eq!(desk.try_admit(with_limit(desk.message(account), limit)).await, outcome, "{limit}");
    }
}

pub(crate) async fn a_replay_uses_no_quota_even_when_none_is_left(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (account, claim) = (desk.account(), claim("key-1", "hello", NOW));
    let request = |to: &str| {
        let message = Message { recipient: number(to), ..desk.message(account) };
        Admission { idempotency: Some(claim.clone()), ..with_limit(message, 1) }
    };
    let first = request("+18005551234");
    assert_eq!(desk.try_admit(first.clone()).await, Admitted::New);
    for _ in 0..3 {
        assert_eq!(desk.try_admit(request("+18005551235")).await, Admitted::Earlier(replayed(&first.payload.message)));
    }
}
