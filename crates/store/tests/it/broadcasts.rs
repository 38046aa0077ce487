//! Broadcasts: accepted in one piece, every recipient with one turn, counted exactly whatever happens to their
//! messages.

use std::sync::Arc;
use std::time::Duration;

use model::idempotency::{Endpoint, Fingerprint};
use model::quota::UtcDay;
use model::status::SegmentFate;
use model::variables::Values;
use model::{
    AccountId, Broadcast, BroadcastCounts, BroadcastId, BroadcastRecord, BroadcastStatus, ClientReference, ErrorType,
    Message, MessageId, Mode, Moment, Msisdn, Owner, Status,
};
use store::contract::admission::{Admission, Admitted, Earlier, IdempotencyClaim, NewBroadcast, Quota};
use store::contract::broadcasts::{BroadcastFilter, Canceled, Expanded, Expansion};
use store::contract::dispatch::{Lease, LeaseRequest, Outcome, Verdict};
use store::contract::messages::MessageFilter;
use testkit::recipient;

use crate::support::{
    Backend, Desk, LEASE_SECS, NODE, NORTH, NOW, RETRY_WITHIN, SOUTH, acks, after, claim, ids, lease_request, live,
    number, receipt, retry,
};

pub(crate) fn broadcast(desk: &Desk, account: AccountId, total: u32, blocked: u32) -> Broadcast {
    Broadcast { id: desk.broadcast_id(NOW), account, blocked, ..testkit::broadcast(0, total) }
}

pub(crate) fn admission(broadcast: Broadcast) -> Admission<NewBroadcast> {
    let recipients = (0..broadcast.total - broadcast.blocked).map(recipient).collect();
    testkit::broadcast_admission(NODE, broadcast, recipients)
}

/// Accepts a broadcast to so many, each of whom has a value of their own for the variable in its text.
pub(crate) async fn accepted_with_values(desk: &Desk, account: AccountId, total: u32) -> Broadcast {
    let broadcast = Broadcast { body: Some("Hi {{name}}".into()), ..broadcast(desk, account, total, 0) };
    let mut admission = admission(broadcast.clone());
    admission.payload.values = (0..total).map(value).collect();
    assert_eq!(desk.store.admit_broadcast(admission).await.unwrap(), Admitted::New);
    broadcast
}

/// The values of the recipient with this index; the text has what JSON and databases are particular about.
pub(crate) fn value(index: u32) -> Values {
    Box::new([format!("\"Ada\" \\ {index} \0 😀").into()])
}

pub(crate) async fn values_of_variables_come_with_their_recipients_across_chunks(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let broadcast = accepted_with_values(&desk, desk.account(), 2_500).await;
    desk.reopen(&fresh).await;
    desk.store.recover(NODE, NOW, RETRY_WITHIN).await.unwrap();
    let mut seen = 0;
    while let Some(upcoming) = desk.store.upcoming(broadcast.id, 400).await.unwrap() {
        assert_eq!((upcoming.from, upcoming.values.len()), (seen, upcoming.recipients.len()));
        for (index, (recipient, values)) in (seen..).zip(upcoming.recipients.iter().zip(upcoming.values)) {
            assert_eq!((*recipient, values), (testkit::recipient(index), value(index)));
        }
        seen += expand(&desk, &broadcast, 400).await.len() as u32;
    }
    assert_eq!(seen, 2_500);
    let plain = accepted(&desk, desk.account(), 3).await;
    assert_eq!(desk.store.upcoming(plain.id, 10).await.unwrap().unwrap().values, [] as [Values; 0]);
}

/// Accepts a broadcast to one recipient at `at`.
pub(crate) async fn accepted_at(desk: &Desk, account: AccountId, at: model::Timestamp) {
    let broadcast = Broadcast { id: desk.broadcast_id(at), created_at: at, ..broadcast(desk, account, 1, 0) };
    assert_eq!(desk.store.admit_broadcast(admission(broadcast)).await.unwrap(), Admitted::New);
}

/// Accepts a broadcast to so many, none of them blocked.
pub(crate) async fn accepted(desk: &Desk, account: AccountId, total: u32) -> Broadcast {
    let broadcast = broadcast(desk, account, total, 0);
    assert_eq!(desk.store.admit_broadcast(admission(broadcast.clone())).await.unwrap(), Admitted::New);
    broadcast
}

fn message(broadcast: &Broadcast, index: u32, recipient: Msisdn) -> Message {
    Message {
        account: broadcast.account,
        broadcast: Some(broadcast.id),
        originator: broadcast.originator,
        recipient,
        body: broadcast.body.clone(),
        expires_at: broadcast.expires_at,
        ..testkit::message_at(broadcast.id.message(index), broadcast.created_at)
    }
}

/// The next turns of a broadcast, `limit` at most, of which those whose index `skip` names make no message.
pub(crate) async fn next(
    desk: &Desk,
    broadcast: &Broadcast,
    limit: usize,
    skip: impl Fn(u32) -> bool,
) -> Option<Expansion> {
    let upcoming = desk.store.upcoming(broadcast.id, limit).await.unwrap()?;
    let turns = upcoming.recipients.len() as u32;
    let made = (upcoming.from..).zip(upcoming.recipients).filter(|(index, _)| !skip(*index));
    let expanded = |(index, recipient)| Expanded {
        message: Arc::new(message(broadcast, index, recipient)),
        carrier: NORTH.into(),
        lease: None,
    };
    Some(Expansion {
        node: NODE,
        broadcast: broadcast.id,
        from: upcoming.from,
        turns,
        messages: made.map(expanded).collect(),
        due_at: broadcast.created_at,
        at: broadcast.created_at,
    })
}

/// Gives so many recipients their turn, and returns their messages.
pub(crate) async fn expand(desk: &Desk, broadcast: &Broadcast, count: usize) -> Vec<MessageId> {
    let expansion = next(desk, broadcast, count, |_| false).await.unwrap();
    let made = expansion.messages.iter().map(|made| made.message.id).collect();
    assert!(desk.store.expand(expansion).await.unwrap());
    made
}

async fn record(desk: &Desk, broadcast: &Broadcast) -> BroadcastRecord {
    desk.store.broadcast(Some(live(broadcast.account)), broadcast.id).await.unwrap().unwrap()
}

async fn status(desk: &Desk, broadcast: &Broadcast) -> BroadcastStatus {
    record(desk, broadcast).await.status
}

async fn counts(desk: &Desk, broadcast: &Broadcast) -> BroadcastCounts {
    record(desk, broadcast).await.counts
}

/// Leases a message that is due, begins its attempt, and ends it so.
async fn ends(desk: &Desk, id: MessageId, verdict: Verdict) {
    let token = desk.token();
    assert!(ids(&desk.lease(token, NOW).await).contains(&id), "{id} is due");
    let attempt = desk.begin(id, token, NOW).await.unwrap();
    let key = id.to_string();
    let accepted = if verdict == Verdict::Sent { acks([key.as_str()]) } else { Vec::new() };
    let recipient = recipient(0);
    desk.record(&Outcome {
        id,
        recipient,
        token,
        total: 1,
        attempt,
        carrier: NORTH.into(),
        at: NOW,
        accepted,
        verdict,
        detail: String::new(),
        receipt_by: None,
    })
    .await;
    desk.store.recover(NODE, NOW, RETRY_WITHIN).await.unwrap();
}

async fn cancel(desk: &Desk, broadcast: &Broadcast) -> Canceled {
    desk.store.cancel_broadcast(Some(live(broadcast.account)), broadcast.id, after(1)).await.unwrap().unwrap()
}

fn refused() -> Verdict {
    Verdict::Failed { error_type: ErrorType::CarrierRejected, message: "no".to_owned() }
}

pub(crate) async fn a_broadcast_is_kept_as_it_was_accepted(backend: impl Backend) {
    let mut desk = Desk::open(&backend).await;
    let broadcast = broadcast(&desk, desk.account(), 2_503, 3);
    desk.store.admit_broadcast(admission(broadcast.clone())).await.unwrap();
    desk.reopen(&backend).await;
    let counts = BroadcastCounts { total: 2_503, skipped: 3, queued: 2_500, ..Default::default() };
    let expected = BroadcastRecord { broadcast: Arc::new(broadcast.clone()), status: BroadcastStatus::Queued, counts };
    assert_eq!(record(&desk, &broadcast).await, expected);
    assert_eq!(desk.store.broadcast(None, broadcast.id).await.unwrap(), Some(expected));
    assert_eq!(desk.store.unexpanded(NODE, None, 10).await.unwrap(), [Arc::new(broadcast)]);
}

pub(crate) async fn another_accounts_broadcast_is_nothing(backend: impl Backend) {
    let desk = Desk::open(&backend).await;
    let (broadcast, other) = (accepted(&desk, desk.account(), 3).await, desk.account());
    assert_eq!(desk.store.broadcast(Some(live(other)), broadcast.id).await.unwrap(), None);
    assert_eq!(desk.store.cancel_broadcast(Some(live(other)), broadcast.id, NOW).await.unwrap(), None);
    assert_eq!(status(&desk, &broadcast).await, BroadcastStatus::Queued);
}

pub(crate) async fn a_broadcast_that_does_not_fit_the_quota_is_refused_whole(backend: impl Backend) {
    let desk = Desk::open(&backend).await;
    let account = desk.account();
    let quota = Quota { day: UtcDay::of(NOW), limit: 10 };
    let of = |total, blocked| Admission {
        quota,
        idempotency: Some(keyed("key", "x")),
        ..admission(broadcast(&desk, account, total, blocked))
    };
    for (total, blocked, admitted) in
        [(11, 0, false), (8, 1, true), (4, 0, false), (3, 0, true), (1, 0, false), (2, 2, true)]
    {
        let admission = Admission { idempotency: None, ..of(total, blocked) };
        let id = admission.payload.broadcast.id;
        let outcome = desk.store.admit_broadcast(admission).await.unwrap();
        assert_eq!(outcome, if admitted { Admitted::New } else { Admitted::QuotaReached }, "{total} {blocked}");
        assert_eq!(desk.store.broadcast(None, id).await.unwrap().is_some(), admitted);
    }
    // What is refused does not keep its key, and single messages count in the same quota.
    assert_eq!(desk.store.admit_broadcast(of(5, 0)).await.unwrap(), Admitted::QuotaReached);
    assert_eq!(desk.store.replay_broadcast(live(account), &keyed("key", "x")).await.unwrap(), None);
    let single = store::contract::admission::Admission { quota, ..crate::support::admission(desk.message(account)) };
    assert_eq!(desk.try_admit(single).await, Admitted::QuotaReached);
}

fn keyed(key: &str, what: &str) -> IdempotencyClaim {
    IdempotencyClaim { endpoint: Endpoint::Broadcast, ..claim(key, what, NOW) }
}

pub(crate) async fn a_broadcast_and_a_message_may_have_the_same_key(backend: impl Backend) {
    let desk = Desk::open(&backend).await;
    let account = desk.account();
    let of = |what| Admission { idempotency: Some(keyed("key", what)), ..admission(broadcast(&desk, account, 3, 0)) };
    let first = of("hello");
    let expected = Arc::clone(&first.payload.broadcast);
    assert_eq!(desk.store.admit_broadcast(first).await.unwrap(), Admitted::New);
    let single = store::contract::admission::Admission {
        idempotency: Some(claim("key", "hello", NOW)),
        ..crate::support::admission(desk.message(account))
    };
    assert_eq!(desk.try_admit(single).await, Admitted::New);
    for _ in 0..2 {
        let Admitted::Earlier(Earlier::Replayed(replay)) = desk.store.admit_broadcast(of("hello")).await.unwrap()
        else {
            panic!("a replay")
        };
        assert_eq!((replay.made, replay.answer), (Arc::clone(&expected), None));
        assert_eq!(desk.store.admit_broadcast(of("goodbye")).await.unwrap(), Admitted::Earlier(Earlier::KeyTaken));
    }
    desk.store.record_answer(NODE, &keyed("key", "hello").of(live(account)), "{}".to_owned()).await.unwrap();
    let Earlier::Replayed(replay) =
        desk.store.replay_broadcast(live(account), &keyed("key", "hello")).await.unwrap().unwrap()
    else {
        panic!("a replay")
    };
    assert_eq!(replay.answer.as_deref(), Some("{}"));
    assert_eq!(
        desk.store.broadcasts(Some(live(account)), Default::default(), None, 10).await.unwrap().broadcasts.len(),
        1
    );
    assert_ne!(Fingerprint::of(&[Some("hello")]), Fingerprint::of(&[Some("goodbye")]));
}

pub(crate) async fn identical_broadcasts_at_once_are_accepted_once(backend: impl Backend) {
    let desk = Arc::new(Desk::open(&backend).await);
    let account = desk.account();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let admission =
            Admission { idempotency: Some(keyed("key", "x")), ..admission(broadcast(&desk, account, 1_500, 0)) };
        let desk = Arc::clone(&desk);
        tasks.spawn(async move { desk.store.admit_broadcast(admission).await.unwrap() });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Admitted::New).count(), 1);
    assert_eq!(desk.store.unexpanded(NODE, None, 100).await.unwrap().len(), 1);
}

pub(crate) async fn recipients_have_their_turn_in_order_across_chunks(backend: impl Backend) {
    let mut desk = Desk::open(&backend).await;
    let broadcast = accepted(&desk, desk.account(), 2_345).await;
    let mut turn = 0;
    while let Some(upcoming) = desk.store.upcoming(broadcast.id, 700).await.unwrap() {
        assert_eq!((upcoming.from, upcoming.outstanding), (turn, u64::from(turn)));
        assert!(upcoming.recipients.len() <= 700);
        for told in &upcoming.recipients {
            assert_eq!(*told, recipient(turn));
            turn += 1;
        }
        expand(&desk, &broadcast, 700).await;
        desk.reopen(&backend).await;
    }
    assert_eq!((turn, desk.store.unexpanded(NODE, None, 10).await.unwrap().len()), (2_345, 0));
    assert_eq!(desk.count(broadcast.account).await, 2_345);
    assert_eq!(status(&desk, &broadcast).await, BroadcastStatus::Sending);
}

pub(crate) async fn a_turn_that_is_repeated_is_refused_and_changes_nothing(backend: impl Backend) {
    let desk = Desk::open(&backend).await;
    let broadcast = accepted(&desk, desk.account(), 20).await;
    let first = next(&desk, &broadcast, 5, |index| index == 2).await.unwrap();
    assert!(desk.store.expand(first.clone()).await.unwrap());
    let once = record(&desk, &broadcast).await;
    for (from, turns) in [(0, 5), (0, 20), (4, 1), (6, 5), (5, 16)] {
        assert!(!desk.store.expand(Expansion { from, turns, ..first.clone() }).await.unwrap(), "{from} {turns}");
    }
    assert_eq!((record(&desk, &broadcast).await, desk.count(broadcast.account).await), (once, 4));
}

pub(crate) async fn of_many_who_make_the_same_turn_one_does(backend: impl Backend) {
    let desk = Arc::new(Desk::open(&backend).await);
    let broadcast = accepted(&desk, desk.account(), 100).await;
    while let Some(expansion) = next(&desk, &broadcast, 30, |_| false).await {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..10 {
            let (desk, expansion) = (Arc::clone(&desk), expansion.clone());
            tasks.spawn(async move { desk.store.expand(expansion).await.unwrap() });
        }
        assert_eq!(tasks.join_all().await.into_iter().filter(|made| *made).count(), 1);
    }
    assert_eq!(desk.count(broadcast.account).await, 100);
}

pub(crate) async fn who_is_skipped_at_their_turn_gets_no_message(backend: impl Backend) {
    let desk = Desk::open(&backend).await;
    let broadcast = accepted(&desk, desk.account(), 10).await;
    desk.store.expand(next(&desk, &broadcast, 10, |index| index % 2 == 1).await.unwrap()).await.unwrap();
    assert_eq!(
        counts(&desk, &broadcast).await,
        BroadcastCounts { total: 10, skipped: 5, queued: 5, ..Default::default() }
    );
    assert_eq!(desk.count(broadcast.account).await, 5);
}

pub(crate) async fn a_broadcast_of_nobody_has_failed(backend: impl Backend) {
    let desk = Desk::open(&backend).await;
    let blocked = broadcast(&desk, desk.account(), 3, 3);
    desk.store.admit_broadcast(admission(blocked.clone())).await.unwrap();
    assert_eq!(status(&desk, &blocked).await, BroadcastStatus::Failed);
    assert_eq!(desk.store.unexpanded(NODE, None, 10).await.unwrap(), []);
    let skipped = accepted(&desk, desk.account(), 3).await;
    desk.store.expand(next(&desk, &skipped, 2, |_| true).await.unwrap()).await.unwrap();
    assert_eq!(status(&desk, &skipped).await, BroadcastStatus::Sending);
    desk.store.expand(next(&desk, &skipped, 2, |_| true).await.unwrap()).await.unwrap();
    assert_eq!(status(&desk, &skipped).await, BroadcastStatus::Failed);
    assert_eq!(counts(&desk, &skipped).await, BroadcastCounts { total: 3, skipped: 3, ..Default::default() });
}

pub(crate) async fn counts_follow_every_message(backend: impl Backend) {
    let desk = Desk::open(&backend).await;
    let broadcast = accepted(&desk, desk.account(), 6).await;
    let made = expand(&desk, &broadcast, 6).await;
    ends(&desk, made[0], Verdict::Sent).await;
    ends(&desk, made[1], Verdict::Sent).await;
    ends(&desk, made[2], Verdict::Sent).await;
    ends(&desk, made[3], refused()).await;
    ends(&desk, made[4], Verdict::Skipped("blocked")).await;
    desk.hear(receipt([made[0].to_string().as_str()], SegmentFate::Delivered)).await;
    desk.hear(receipt([made[1].to_string().as_str()], SegmentFate::Undelivered(ErrorType::Unreachable))).await;
    let so_far = BroadcastCounts { total: 6, skipped: 1, queued: 1, sent: 1, delivered: 1, undelivered: 1, failed: 1 };
    assert_eq!((counts(&desk, &broadcast).await, status(&desk, &broadcast).await), (so_far, BroadcastStatus::Sending));
    let ended = desk.expire(Moment::of(broadcast.expires_at), 10).await;
    assert_eq!(ended.len(), 1);
    let at_last = BroadcastCounts { queued: 0, undelivered: 2, ..so_far };
    assert_eq!(
        (counts(&desk, &broadcast).await, status(&desk, &broadcast).await),
        (at_last, BroadcastStatus::Completed)
    );
    desk.hear(receipt([made[2].to_string().as_str()], SegmentFate::Delivered)).await;
    assert_eq!(counts(&desk, &broadcast).await, BroadcastCounts { sent: 0, delivered: 2, ..at_last });
}

pub(crate) async fn a_skipped_message_says_why(backend: impl Backend) {
    let desk = Desk::open(&backend).await;
    let broadcast = accepted(&desk, desk.account(), 2).await;
    let made = expand(&desk, &broadcast, 2).await;
    ends(&desk, made[0], Verdict::Skipped("The recipient is blocked")).await;
    let delivery = desk.delivery(made[0]).await;
    assert_eq!(
        (delivery.status, delivery.error_type, delivery.error_message.as_deref()),
        (Status::Failed, None, Some("The recipient is blocked"))
    );
    // An attempt of which nobody knows may have reached the recipient, so that nobody can say they were skipped.
    let unknown = Verdict::Retry(store::contract::dispatch::Retry { outcome_unknown: true, ..retry(NOW) });
    ends(&desk, made[1], unknown).await;
    ends(&desk, made[1], Verdict::Skipped("The recipient is blocked")).await;
    assert_eq!(desk.delivery(made[1]).await.error_type, Some(ErrorType::Unknown));
    assert_eq!(
        counts(&desk, &broadcast).await,
        BroadcastCounts { total: 2, skipped: 1, failed: 1, ..Default::default() }
    );
    assert_eq!(status(&desk, &broadcast).await, BroadcastStatus::Failed);
}

pub(crate) async fn a_broadcast_of_which_no_carrier_took_anything_has_failed(backend: impl Backend) {
    let desk = Desk::open(&backend).await;
    let broadcast = accepted(&desk, desk.account(), 2).await;
    for id in expand(&desk, &broadcast, 2).await {
        assert_eq!(status(&desk, &broadcast).await, BroadcastStatus::Sending);
        ends(&desk, id, refused()).await;
    }
    assert_eq!(status(&desk, &broadcast).await, BroadcastStatus::Failed);
}

pub(crate) async fn canceling_stops_who_waits_and_says_how_many(backend: impl Backend) {
    let mut desk = Desk::open(&backend).await;
    let (broadcast, other) = (accepted(&desk, desk.account(), 3_000).await, accepted(&desk, desk.account(), 5).await);
    let made = expand(&desk, &broadcast, 10).await;
    expand(&desk, &other, 5).await;
    ends(&desk, made[0], Verdict::Sent).await;
    ends(&desk, made[1], refused()).await;
    ends(&desk, made[2], Verdict::Retry(store::contract::dispatch::Retry { carrier: SOUTH.into(), ..retry(after(9)) }))
        .await;
    let canceled = cancel(&desk, &broadcast).await;
    let expected = BroadcastCounts { total: 3_000, skipped: 2_998, sent: 1, failed: 1, ..Default::default() };
    assert_eq!(
        (canceled.stopped, canceled.record.counts, canceled.record.status),
        (2_998, expected, BroadcastStatus::Canceled)
    );
    desk.reopen(&backend).await;
    assert_eq!(record(&desk, &broadcast).await, canceled.record);
    assert_eq!(cancel(&desk, &broadcast).await, Canceled { stopped: 0, record: canceled.record });
    assert_eq!(desk.store.upcoming(broadcast.id, 10).await.unwrap(), None);
    let delivery = desk.delivery(made[2]).await;
    assert_eq!((delivery.status, delivery.error_type), (Status::Failed, None));
    assert!(delivery.error_message.unwrap().contains("canceled"));
    assert_eq!(desk.lease(desk.token(), after(9)).await.len(), 5, "the other broadcast goes on");
}

pub(crate) async fn what_is_under_way_takes_its_course_and_is_not_tried_again(backend: impl Backend) {
    let desk = Desk::open(&backend).await;
    let broadcast = accepted(&desk, desk.account(), 3).await;
    let made = expand(&desk, &broadcast, 3).await;
    let token = desk.token();
    desk.lease(token, NOW).await;
    for id in &made {
        desk.begin(*id, token, NOW).await.unwrap();
    }
    assert_eq!(cancel(&desk, &broadcast).await.stopped, 0);
    let unknown = Verdict::Retry(store::contract::dispatch::Retry { outcome_unknown: true, ..retry(NOW) });
    for (id, verdict) in made.iter().zip([Verdict::Sent, Verdict::Retry(retry(NOW)), unknown]) {
        let (recipient, carrier) = (recipient(0), NORTH.into());
        desk.record(&Outcome {
            id: *id,
            recipient,
            token,
            total: 1,
            attempt: 1,
            carrier,
            at: NOW,
            accepted: Vec::new(),
            verdict,
            detail: String::new(),
            receipt_by: None,
        })
        .await;
    }
    assert!(desk.lease(desk.token(), NOW).await.is_empty());
    assert_eq!(desk.delivery(made[2]).await.error_type, Some(ErrorType::Unknown));
    let counts = BroadcastCounts { total: 3, skipped: 1, sent: 1, failed: 1, ..Default::default() };
    assert_eq!(record(&desk, &broadcast).await.counts, counts);
}

pub(crate) async fn a_cancellation_among_turns_and_outcomes_leaves_nobody_waiting(backend: impl Backend) {
    const UNDER_WAY: usize = 20;
    let desk = Arc::new(Desk::open(&backend).await);
    for _ in 0..8 {
        let broadcast = accepted(&desk, desk.account(), 200).await;
        let made = expand(&desk, &broadcast, UNDER_WAY).await;
        let token = desk.token();
        assert_eq!(desk.lease(token, NOW).await.len(), UNDER_WAY);
        for id in &made {
            desk.begin(*id, token, NOW).await.unwrap();
        }
        let mut tasks = tokio::task::JoinSet::new();
        let (turns, of) = (Arc::clone(&desk), broadcast.clone());
        tasks.spawn(async move {
            while let Some(expansion) = next(&turns, &of, 7, |_| false).await {
                turns.store.expand(expansion).await.unwrap();
            }
        });
        for id in made {
            let outcome = Outcome {
                id,
                recipient: recipient(0),
                token,
                total: 1,
                attempt: 1,
                carrier: NORTH.into(),
                at: NOW,
                accepted: Vec::new(),
                verdict: Verdict::Retry(retry(NOW)),
                detail: String::new(),
                receipt_by: None,
            };
            let desk = Arc::clone(&desk);
            tasks.spawn(async move { desk.store.record_outcomes(vec![outcome]).await.unwrap() });
        }
        let (canceling, of) = (Arc::clone(&desk), broadcast.clone());
        tasks.spawn(async move { drop(cancel(&canceling, &of).await) });
        tasks.join_all().await;
        let record = record(&desk, &broadcast).await;
        let expected = BroadcastCounts { total: 200, skipped: 200, ..Default::default() };
        assert_eq!((record.counts, record.status), (expected, BroadcastStatus::Canceled));
        assert!(desk.lease(desk.token(), NOW).await.is_empty(), "nobody waits");
    }
}

pub(crate) async fn a_leased_message_of_a_canceled_broadcast_is_not_attempted(backend: impl Backend) {
    let desk = Desk::open(&backend).await;
    let broadcast = accepted(&desk, desk.account(), 2).await;
    let made = expand(&desk, &broadcast, 2).await;
    let token = desk.token();
    assert_eq!(desk.lease(token, NOW).await.len(), 2);
    assert_eq!(cancel(&desk, &broadcast).await.stopped, 2);
    assert_eq!(desk.begin(made[0], token, NOW).await, None);
}

pub(crate) async fn a_turn_after_the_end_is_refused(backend: impl Backend) {
    let desk = Desk::open(&backend).await;
    let broadcast = accepted(&desk, desk.account(), 10).await;
    let expansion = next(&desk, &broadcast, 5, |_| false).await.unwrap();
    cancel(&desk, &broadcast).await;
    assert!(!desk.store.expand(expansion).await.unwrap());
    assert_eq!(desk.count(broadcast.account).await, 0);
}

pub(crate) async fn single_messages_go_ahead_of_an_accounts_broadcast(backend: impl Backend) {
    let desk = Desk::open(&backend).await;
    let broadcast = accepted(&desk, desk.account(), 50).await;
    let made = expand(&desk, &broadcast, 50).await;
    let single = desk.admit(desk.message_at(broadcast.account, after(5))).await;
    let request = LeaseRequest { limit_of_broadcasts: 3, ..lease_request(desk.token(), after(5)) };
    let leased = ids(&desk.store.lease_due(request).await.unwrap());
    assert_eq!(leased, [&[single][..], &made[..3]].concat());
    let request = LeaseRequest { limit_per_account: 4, ..lease_request(desk.token(), after(5)) };
    assert_eq!(ids(&desk.store.lease_due(request).await.unwrap()), made[3..7]);
}

pub(crate) async fn what_a_gone_process_held_of_a_broadcast_is_due(backend: impl Backend) {
    let desk = Desk::open(&backend).await;
    let broadcast = accepted(&desk, desk.account(), 4).await;
    let mut expansion = next(&desk, &broadcast, 4, |_| false).await.unwrap();
    let lease = Lease { token: desk.token(), until: after(LEASE_SECS) };
    expansion.messages.iter_mut().for_each(|made| made.lease = Some(lease));
    desk.store.expand(expansion.clone()).await.unwrap();
    assert!(desk.lease(desk.token(), NOW).await.is_empty(), "born under a lease");
    desk.begin(expansion.messages[0].message.id, lease.token, NOW).await.unwrap();
    assert_eq!(desk.store.recover(NODE, after(1), RETRY_WITHIN).await.unwrap(), 1);
    let leased = desk.lease(desk.token(), after(1)).await;
    assert_eq!((leased.len(), leased.iter().filter(|leased| leased.interrupted).count()), (4, 1));
}

pub(crate) async fn messages_of_a_broadcast_are_listed(backend: impl Backend) {
    let desk = Desk::open(&backend).await;
    let account = desk.account();
    let (one, two) = (accepted(&desk, account, 30).await, accepted(&desk, account, 5).await);
    desk.admit_many(account, 5).await;
    expand(&desk, &one, 20).await;
    expand(&desk, &two, 5).await;
    let filter = |id| MessageFilter { broadcast: Some(id), ..Default::default() };
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = desk.store.messages(Some(live(account)), filter(one.id), after, 7).await.unwrap();
        seen.extend(page.messages.iter().map(|record| record.message.recipient));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..20).rev().map(recipient).collect::<Vec<_>>());
    let all = desk.store.messages(None, filter(two.id), None, 100).await.unwrap();
    assert!(all.messages.len() == 5 && all.messages.iter().all(|record| record.message.broadcast == Some(two.id)));
    assert_eq!(
        desk.store.messages(Some(live(desk.account())), filter(one.id), None, 100).await.unwrap().messages.len(),
        0
    );
}

pub(crate) async fn a_broadcast_of_one_mode_is_nothing_to_the_other(backend: impl Backend) {
    let desk = Desk::open(&backend).await;
    let account = desk.account();
    let with_live = accepted(&desk, account, 2).await;
    let with_test = Broadcast { mode: Mode::Test, ..broadcast(&desk, account, 2, 0) };
    desk.store.admit_broadcast(admission(with_test.clone())).await.unwrap();
    for (mode, own, other) in [(Mode::Live, &with_live, &with_test), (Mode::Test, &with_test, &with_live)] {
        let owner = Some(Owner { account, mode });
        assert!(desk.store.broadcast(owner, own.id).await.unwrap().is_some());
        assert_eq!(desk.store.broadcast(owner, other.id).await.unwrap(), None);
        assert_eq!(desk.store.cancel_broadcast(owner, other.id, NOW).await.unwrap(), None);
        for originator in [None, Some(own.originator)] {
            for status in [None, Some(BroadcastStatus::Queued)] {
                for (whose, of_mode) in [(owner, None), (None, Some(mode))] {
                    let filter = BroadcastFilter { mode: of_mode, originator, status, ..Default::default() };
                    let page = desk.store.broadcasts(whose, filter, None, 10).await.unwrap();
                    assert_eq!(page.broadcasts.iter().map(|record| record.broadcast.id).collect::<Vec<_>>(), [own.id]);
                }
            }
        }
    }
    assert_eq!(desk.store.broadcasts(None, Default::default(), None, 10).await.unwrap().broadcasts.len(), 2);
    assert_eq!(status(&desk, &with_live).await, BroadcastStatus::Queued, "the other owner stopped nothing");
}

pub(crate) async fn broadcasts_are_listed_newest_first(backend: impl Backend) {
    let desk = Desk::open(&backend).await;
    let account = desk.account();
    let reference = |number: u64| ClientReference::parse(&format!("sale {number}"));
    let mut all = Vec::new();
    for secs in 0..9 {
        let at = NOW + Duration::from_secs(secs);
        let originator = number(if secs % 2 == 0 { "+18005559876" } else { "+18005559877" });
        let broadcast = Broadcast {
            id: desk.broadcast_id(at),
            created_at: at,
            originator,
            client_reference: reference(secs % 3),
            ..broadcast(&desk, account, 2, 0)
        };
        desk.store.admit_broadcast(admission(broadcast.clone())).await.unwrap();
        all.push(broadcast.id);
    }
    accepted(&desk, desk.account(), 1).await;
    let first = all[0];
    desk.store.cancel_broadcast(None, first, NOW).await.unwrap();
    all.reverse();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = desk.store.broadcasts(Some(live(account)), BroadcastFilter::default(), after, 4).await.unwrap();
        seen.extend(page.broadcasts.iter().map(|record| record.broadcast.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
    let of = async |filter: BroadcastFilter| {
        let page = desk.store.broadcasts(Some(live(account)), filter, None, 100).await.unwrap();
        page.broadcasts.iter().map(|record| record.broadcast.id).collect::<Vec<BroadcastId>>()
    };
    assert_eq!(of(BroadcastFilter { status: Some(BroadcastStatus::Canceled), ..Default::default() }).await, [first]);
    assert_eq!(of(BroadcastFilter { originator: Some(number("+18005559877")), ..Default::default() }).await.len(), 4);
    let named = BroadcastFilter { reference: reference(1), ..Default::default() };
    assert_eq!(of(named.clone()).await, [all[1], all[4], all[7]]);
    let canceled = Some(BroadcastStatus::Canceled);
    assert_eq!(of(BroadcastFilter { status: canceled, ..named }).await, []);
    let middle = BroadcastFilter {
        from: Some(NOW + Duration::from_secs(2)),
        before: Some(NOW + Duration::from_secs(5)),
        ..Default::default()
    };
    assert_eq!(of(middle).await, all[4..7]);
    assert_eq!(desk.store.broadcasts(None, Default::default(), None, 100).await.unwrap().broadcasts.len(), 10);
}

pub(crate) async fn a_pace_of_a_number_is_kept(backend: impl Backend) {
    use std::num::NonZeroU32;
    use store::contract::tenants::NumberChange;
    let mut desk = Desk::open(&backend).await;
    let pace = NonZeroU32::new(3);
    let new = model::number::Number {
        number: number("+18005559876"),
        account: None,
        state: model::number::NumberState::Active,
        segments_per_second: pace,
        created_at: NOW,
    };
    desk.store.create_number(new.clone()).await.unwrap();
    desk.reopen(&backend).await;
    assert_eq!(desk.store.tenants().await.unwrap().numbers, std::slice::from_ref(&new));
    let change = |segments_per_second| NumberChange { segments_per_second, ..Default::default() };
    for (given, kept) in [(None, pace), (Some(NonZeroU32::new(100)), NonZeroU32::new(100)), (Some(None), None)] {
        assert_eq!(desk.store.change_number(new.number, change(given), NOW).await.unwrap().segments_per_second, kept);
    }
}
