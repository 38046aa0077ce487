//! Leases: who may send a message, until when, and in which order accounts have their turn.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use model::event::EventKind;
use model::{AccountId, Assignment, ErrorType, MessageId, Moment, Status};
use store::contract::admission::{Admission, Admitted};
use store::contract::dispatch::{Attempt, Lease, LeaseRequest, Outcome, QueueDepth, Verdict};
use tokio::task::JoinSet;

use crate::support::{
    Backend, Desk, LEASE_SECS, NODE, NORTH, NOW, RETRY_WITHIN, SOUTH, VALID_SECS, admission, after, assigned, claim,
    ids, lease_request, live, retry, under,
};

pub(crate) async fn a_lease_is_given_to_one_worker(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let mut admitted = Vec::new();
    for _ in 0..4 {
        admitted.extend(desk.admit_many(desk.account(), 50).await);
    }
    let mut workers = JoinSet::new();
    for _ in 0..8 {
        let (store, token) = (Arc::clone(&desk.store), desk.token());
        workers.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let request = LeaseRequest { limit: 7, limit_per_account: 3, ..lease_request(token, after(1)) };
                let leased = store.lease_due(request).await.unwrap();
                if leased.is_empty() {
                    return mine;
                }
                assert!(leased.len() <= 7 && leased.iter().all(|leased| leased.lease.token == token));
                mine.extend(ids(&leased));
            }
        });
    }
    let mut given = workers.join_all().await.concat();
    given.sort_unstable();
    admitted.sort_unstable();
    assert_eq!(given, admitted, "every message once");
}

pub(crate) async fn a_leased_message_is_told_in_full(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (message, token) = (desk.message(desk.account()), desk.token());
    desk.admit(message.clone()).await;
    let leased = desk.lease(token, NOW).await.remove(0);
    assert_eq!((&*leased.message, leased.carrier.as_str()), (&message, NORTH));
    assert_eq!(leased.lease, Lease { token, until: after(LEASE_SECS) });
    assert_eq!((leased.attempts, leased.accepted_segments, leased.interrupted), (0, 0, false));
}

pub(crate) async fn a_message_is_due_again_when_its_lease_ends(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let id = desk.admit(desk.message(desk.account())).await;
    assert_eq!(ids(&desk.lease(desk.token(), NOW).await), [id]);
    let end = after(LEASE_SECS);
    assert_eq!(desk.lease(desk.token(), end - Duration::from_millis(1)).await, []);
    let again = desk.lease(desk.token(), end).await;
    assert_eq!((ids(&again), again[0].interrupted), (vec![id], false), "nothing had been attempted");
}

pub(crate) async fn only_what_is_due_for_this_carrier_is_leased(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    desk.try_admit(assigned(SOUTH, desk.message(account))).await;
    desk.try_admit(assigned(Assignment::NoRoute, desk.message(account))).await;
    desk.admit(desk.message_at(account, after(1))).await;
    assert_eq!(desk.lease(desk.token(), NOW).await, []);
    for (carrier, now) in [(NORTH.into(), after(1)), (SOUTH.into(), NOW), (Assignment::NoRoute, NOW)] {
        let request = LeaseRequest { carrier: carrier.clone(), ..lease_request(desk.token(), now) };
        assert_eq!(desk.store.lease_due(request).await.unwrap().len(), 1, "{carrier:?}");
    }
}

pub(crate) async fn a_message_past_its_validity_is_not_leased(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    desk.admit(desk.message(desk.account())).await;
    assert_eq!(desk.lease(desk.token(), after(VALID_SECS)).await, []);
    assert_eq!(desk.lease(desk.token(), after(VALID_SECS) - Duration::from_millis(1)).await.len(), 1);
}

pub(crate) async fn a_flood_delays_no_other_account(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let accounts: Vec<AccountId> = (0..5).map(|_| desk.account()).collect();
    // Whose flood it is must not matter: the first account's, the last one's, or one in the middle.
    for flooding in [0, 4, 2] {
        desk.admit_many(accounts[flooding], 60).await;
        for quiet in accounts.iter().filter(|account| **account != accounts[flooding]) {
            desk.admit(desk.message(*quiet)).await;
        }
        let request = LeaseRequest { limit: 20, limit_per_account: 10, ..lease_request(desk.token(), after(1)) };
        let leased = desk.store.lease_due(request).await.unwrap();
        let of = |account: AccountId| leased.iter().filter(|leased| leased.message.account == account).count();
        let counts: Vec<usize> = accounts.iter().map(|account| of(*account)).collect();
        assert_eq!(counts.iter().sum::<usize>(), 14, "{counts:?}");
        assert!(
            counts.iter().enumerate().all(|(at, count)| *count == if at == flooding { 10 } else { 1 }),
            "{counts:?}"
        );
        while !desk.lease(desk.token(), after(1)).await.is_empty() {}
    }
}

pub(crate) async fn an_account_that_is_passed_over_keeps_what_is_due(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let accounts: Vec<AccountId> = (0..3).map(|_| desk.account()).collect();
    for account in &accounts {
        desk.admit_many(*account, 2).await;
    }
    let request = LeaseRequest { passed_over: vec![accounts[1]], ..lease_request(desk.token(), after(1)) };
    let leased = desk.store.lease_due(request).await.unwrap();
    assert_eq!(
        leased.iter().map(|leased| leased.message.account).collect::<HashSet<_>>(),
        HashSet::from([accounts[0], accounts[2]])
    );
    let left = desk.lease(desk.token(), after(1)).await;
    assert!(left.len() == 2 && left.iter().all(|leased| leased.message.account == accounts[1]));
}

pub(crate) async fn accounts_have_their_turn_one_after_the_other(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let accounts: Vec<AccountId> = (0..4).map(|_| desk.account()).collect();
    for account in &accounts {
        desk.admit_many(*account, 6).await;
    }
    let mut turns = Vec::new();
    for _ in 0..12 {
        let request = LeaseRequest { limit: 2, limit_per_account: 1, ..lease_request(desk.token(), after(1)) };
        let leased = desk.store.lease_due(request).await.unwrap();
        turns.extend(leased.iter().map(|leased| leased.message.account));
    }
    for round in turns.chunks(4) {
        assert_eq!(round.iter().collect::<HashSet<_>>().len(), 4, "all have their turn before one has its next");
    }
}

pub(crate) async fn within_an_account_the_longest_due_comes_first(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let retried = desk.attempted(desk.message(account)).await;
    desk.record(&Outcome { verdict: Verdict::Retry(retry(after(5))), ..retried.clone() }).await;
    let mut wanted: Vec<MessageId> = Vec::new();
    for secs in [9, 3, 7, 1] {
        wanted.push(desk.admit(desk.message_at(account, after(secs))).await);
    }
    wanted = vec![wanted[3], wanted[1], retried.id, wanted[2], wanted[0]];
    let mut given = Vec::new();
    for _ in 0..3 {
        given.extend(ids(&desk
            .store
            .lease_due(LeaseRequest { limit: 2, ..lease_request(desk.token(), after(9)) })
            .await
            .unwrap()));
    }
    assert_eq!(given, wanted);
}

pub(crate) async fn a_token_that_no_longer_stands_changes_nothing(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let late = desk.attempted(desk.message(desk.account())).await;
    let (id, holder, now) = (late.id, desk.token(), after(LEASE_SECS));
    assert_eq!(ids(&desk.lease(holder, now).await), [id]);
    let before = desk.all_of(id).await;
    assert_eq!(desk.begin(id, late.token, now).await, None);
    desk.store.release(vec![(id, late.token), (id, 0)], now).await.unwrap();
    let failed = Verdict::Failed { error_type: ErrorType::CarrierRejected, message: "no".to_owned() };
    for verdict in [Verdict::Retry(retry(now)), Verdict::Hold, failed, Verdict::Expired] {
        for token in [late.token, 0] {
            assert_eq!(
                desk.record(&Outcome { token, verdict: verdict.clone(), ..late.clone() }).await,
                [],
                "{verdict:?}"
            );
        }
    }
    assert_eq!(desk.all_of(id).await, before);
    assert_eq!(desk.lease(desk.token(), now).await, [], "it is still held");
    assert_eq!(desk.begin(id, holder, now).await, Some(2));
}

pub(crate) async fn no_lease_at_all_holds_nothing(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let outcome = desk.attempted(desk.message(desk.account())).await;
    desk.record(&Outcome { verdict: Verdict::Retry(retry(after(50))), ..outcome.clone() }).await;
    let before = desk.all_of(outcome.id).await;
    for token in [0, outcome.token] {
        assert_eq!(desk.begin(outcome.id, token, after(1)).await, None, "{token}");
        desk.store.release(vec![(outcome.id, token)], after(1)).await.unwrap();
        assert_eq!(desk.record(&Outcome { token, verdict: Verdict::Expired, ..outcome.clone() }).await, []);
    }
    assert_eq!(desk.all_of(outcome.id).await, before);
    assert_eq!(desk.lease(desk.token(), after(49)).await, [], "it waits for its next try");
}

pub(crate) async fn attempts_are_numbered_from_one_and_answered_in_order(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (account, token) = (desk.account(), desk.token());
    let admitted = desk.admit_many(account, 3).await;
    let gone = desk.sent(desk.message(account), ["a"]).await;
    desk.lease(token, after(1)).await;
    let unknown = desk.message(account).id;
    let list = vec![
        desk.attempt(unknown, token).await,
        desk.attempt(admitted[1], token).await,
        desk.attempt(gone, token).await,
        desk.attempt(admitted[0], desk.token()).await,
        desk.attempt(admitted[2], token).await,
        desk.attempt(admitted[0], token).await,
    ];
    let numbers = desk.store.begin_attempts(list, Moment::of(after(2))).await.unwrap();
    assert_eq!(numbers, [None, Some(1), None, None, Some(1), Some(1)]);
    assert_eq!(desk.kinds(admitted[0]).await, [EventKind::Accepted, EventKind::Attempt]);
    assert_eq!(desk.kinds(unknown).await, []);
    assert_eq!(desk.store.begin_attempts(Vec::new(), Moment::of(after(2))).await.unwrap(), []);
}

pub(crate) async fn an_attempt_begins_only_while_the_lease_holds(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (id, token) = (desk.admit(desk.message(desk.account())).await, desk.token());
    desk.lease(token, NOW).await;
    let end = after(LEASE_SECS);
    assert_eq!(desk.begin(id, token, end).await, None, "it is over, though nobody else has it");
    assert_eq!(desk.begin(id, token, end - Duration::from_millis(1)).await, Some(1));
}

pub(crate) async fn an_attempt_reaches_as_far_as_its_answer_is_awaited(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (id, token) = (desk.admit(desk.message(desk.account())).await, desk.token());
    desk.lease(token, NOW).await;
    // A lease is made longer, never shorter, whoever the message goes to; its carrier is the one that has it.
    for (number, carrier, lease_until) in [(1, SOUTH, after(200)), (2, SOUTH, after(100)), (3, NORTH, after(100))] {
        let attempt = Attempt { carrier: carrier.into(), lease_until, ..desk.attempt(id, token).await };
        assert_eq!(desk.store.begin_attempts(vec![attempt], Moment::of(after(10))).await.unwrap(), [Some(number)]);
        assert_eq!(desk.delivery(id).await.carrier, carrier.into());
    }
    for secs in [LEASE_SECS, 199] {
        assert_eq!(desk.lease(desk.token(), after(secs)).await, [], "{secs} s later");
    }
    let again = desk.lease(desk.token(), after(200)).await;
    assert_eq!((ids(&again), again[0].interrupted, again[0].attempts), (vec![id], true, 3));
}

pub(crate) async fn what_was_given_back_is_due_at_once(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (account, token) = (desk.account(), desk.token());
    let admitted = desk.admit_many(account, 2).await;
    desk.lease(token, after(1)).await;
    let before = desk.all_of(admitted[0]).await;
    let unknown = desk.message(account).id;
    desk.store
        .release(vec![(admitted[0], token), (admitted[1], desk.token()), (unknown, token)], after(2))
        .await
        .unwrap();
    assert_eq!(desk.all_of(admitted[0]).await, before, "untouched");
    let again = desk.lease(desk.token(), after(2)).await;
    assert_eq!((ids(&again), again[0].attempts, again[0].interrupted), (vec![admitted[0]], 0, false));
    assert_eq!(desk.begin(admitted[0], token, after(2)).await, None, "it was given back");
}

pub(crate) async fn what_was_attempted_cannot_be_given_back(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let outcome = desk.attempted(desk.message(desk.account())).await;
    desk.store.release(vec![(outcome.id, outcome.token)], NOW).await.unwrap();
    assert_eq!(desk.lease(desk.token(), NOW).await, [], "it may be with the carrier");
    assert_eq!(desk.record(&outcome).await.len(), 1);
}

pub(crate) async fn what_a_gone_process_held_is_due_and_its_attempts_are_known(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let account = desk.account();
    let begun = desk.attempted(desk.message(account)).await.id;
    let waiting = desk.attempted(desk.message(account)).await;
    desk.record(&Outcome { verdict: Verdict::Retry(retry(after(50))), ..waiting.clone() }).await;
    let sent = desk.sent(desk.message(account), ["a"]).await;
    let (message, lease) = (desk.message(desk.account()), Some(Lease { token: desk.token(), until: after(60) }));
    let held = message.id;
    assert_eq!(desk.try_admit(under(lease, assigned(SOUTH, message))).await, Admitted::New);

    desk.reopen(&fresh).await;
    assert_eq!(
        desk.store.recover(NODE, after(1), RETRY_WITHIN).await.unwrap(),
        1,
        "one attempt has an unknown outcome"
    );
    let leased = desk.lease(desk.token(), after(1)).await;
    assert_eq!((ids(&leased), leased[0].interrupted, leased[0].attempts), (vec![begun], true, 1));
    let south = desk
        .store
        .lease_due(LeaseRequest { carrier: SOUTH.into(), ..lease_request(desk.token(), after(1)) })
        .await
        .unwrap();
    assert_eq!((ids(&south), south[0].interrupted, south[0].attempts), (vec![held], false, 0));
    assert_eq!(ids(&desk.lease(desk.token(), after(50)).await), [waiting.id], "its next try was not brought forward");
    assert_eq!(desk.status(sent).await, Status::Sent);
}

pub(crate) async fn recovering_twice_recovers_once(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    desk.attempted(desk.message(desk.account())).await;
    assert_eq!(desk.store.recover(NODE, after(1), RETRY_WITHIN).await.unwrap(), 1);
    assert_eq!(desk.store.recover(NODE, after(1), RETRY_WITHIN).await.unwrap(), 0);
    assert_eq!(desk.lease(desk.token(), after(1)).await.len(), 1);
}

pub(crate) async fn a_retry_of_a_process_whose_clock_was_ahead_comes_in_bounded_time(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let account = desk.account();
    let mut retried = Vec::new();
    for due_at in [after(5), after(599), after(3_000)] {
        let outcome = desk.attempted(desk.message(account)).await;
        desk.record(&Outcome { verdict: Verdict::Retry(retry(due_at)), ..outcome.clone() }).await;
        retried.push(outcome.id);
    }
    desk.reopen(&fresh).await;
    assert_eq!(desk.store.recover(NODE, NOW, RETRY_WITHIN).await.unwrap(), 0);
    for (secs, due) in [(4, &retried[..0]), (598, &retried[..1]), (599, &retried[1..2]), (600, &retried[2..])] {
        assert_eq!(ids(&desk.lease(desk.token(), after(secs)).await), due, "{secs} s later");
    }
}

pub(crate) async fn what_the_caller_awaits_is_neither_leased_nor_ended(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let (awaited, other) = (desk.attempted(desk.message(account)).await, desk.attempted(desk.message(account)).await);
    let under_way = HashSet::from([awaited.id]);
    let late = after(VALID_SECS - 1);
    for _ in 0..2 {
        let request = LeaseRequest { limit: 1, under_way: under_way.clone(), ..lease_request(desk.token(), late) };
        let leased = desk.store.lease_due(LeaseRequest { limit: 1, ..request }).await.unwrap();
        assert!(
            leased.iter().all(|leased| leased.message.id == other.id && leased.interrupted),
            "the room of the one is not lost to the other"
        );
    }
    let end = Moment::of(after(VALID_SECS + LEASE_SECS));
    let ended = desk.expire_but(end, under_way, 1).await;
    assert_eq!(ended.iter().map(|change| change.id).collect::<Vec<_>>(), [other.id]);
    assert_eq!(desk.record(&awaited).await.len(), 1, "its answer holds");
}

pub(crate) async fn validity_goes_by_the_wall_clock_and_leases_by_the_steady_one(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let token = desk.token();
    let id = desk.admit(desk.message(desk.account())).await;
    let at = |wall, steady| Moment { wall, steady };
    let request = |token, now| LeaseRequest { now, ..lease_request(token, NOW) };
    let lease = async |token, now| ids(&desk.store.lease_due(request(token, now)).await.unwrap());
    assert_eq!(lease(token, at(after(VALID_SECS), NOW)).await, [], "it is valid no more");
    assert_eq!(lease(token, at(after(0), after(VALID_SECS))).await, [id], "it is valid still");
    assert_eq!(lease(desk.token(), at(after(VALID_SECS - 1), after(LEASE_SECS - 1))).await, [], "its lease holds");
    assert_eq!(desk.expire(at(after(VALID_SECS), after(LEASE_SECS - 1)), 10).await, [], "its lease holds");
    assert_eq!(desk.expire(at(after(VALID_SECS - 1), after(9_999)), 10).await, [], "it is valid still");
    assert_eq!(desk.expire(at(after(VALID_SECS), after(LEASE_SECS)), 10).await.len(), 1);
}

pub(crate) async fn queue_depths_tell_what_waits_for_each_carrier(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    assert_eq!(desk.store.queue_depths().await.unwrap(), []);
    let account = desk.account();
    for (carrier, secs) in [(NORTH.into(), 3), (SOUTH.into(), 9), (NORTH.into(), 2), (Assignment::NoRoute, 4)] {
        desk.try_admit(assigned(carrier, desk.message_at(account, after(secs)))).await;
    }
    // What is leased still waits; what was sent does not, however old it is.
    let gone = desk.sent(desk.message_at(account, after(1)), ["a"]).await;
    desk.lease(desk.token(), after(10)).await;
    assert_eq!(desk.status(gone).await, Status::Sent);
    let mut depths = desk.store.queue_depths().await.unwrap();
    depths.sort_by(|a, b| a.carrier.cmp(&b.carrier));
    let depth = |carrier: Assignment, queued, secs| QueueDepth { carrier, queued, waits_since: Some(after(secs)) };
    assert_eq!(depths, [depth(Assignment::NoRoute, 1, 4), depth(NORTH.into(), 2, 2), depth(SOUTH.into(), 1, 9)]);
}

pub(crate) async fn the_oldest_message_has_its_own_time_after_the_clock_was_set_back(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let [before, first, second] = desk.minted(desk.account(), [600, 0, 1]);
    desk.sent(before, ["a"]).await;
    for message in [first, second] {
        desk.admit(message).await;
    }
    let depth = QueueDepth { carrier: NORTH.into(), queued: 2, waits_since: Some(NOW) };
    assert_eq!(desk.store.queue_depths().await.unwrap(), [depth]);
}

pub(crate) async fn old_records_of_requests_are_forgotten_a_few_at_a_time(fresh: impl Backend) {
    const WEEK_SECS: u64 = 7 * 86_400;
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    for key in 0..7 {
        let idempotency = Some(claim(&format!("key-{key}"), "hello", NOW));
        assert_eq!(desk.try_admit(Admission { idempotency, ..admission(desk.message(account)) }).await, Admitted::New);
    }
    // The eighth is the day's quota.
    for (secs, forgotten) in [
        (WEEK_SECS, 0),
        (WEEK_SECS + 86_400, 3),
        (WEEK_SECS + 86_400, 3),
        (WEEK_SECS + 86_400, 2),
        (WEEK_SECS + 86_400, 0),
    ] {
        assert_eq!(desk.store.forget_requests(after(secs), 3).await.unwrap(), forgotten);
    }
    assert_eq!(desk.store.replay(live(account), &claim("key-1", "hello", NOW)).await.unwrap(), None);
}
