//! Dispatch by several nodes at once.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex};

use model::{MessageId, Moment, Status};
use store::Store;
use store::contract::dispatch::{Attempt, LeaseRequest, Leased, Outcome, Verdict};
use store::contract::messages::MessageFilter;
use store::contract::nodes::{TakenOver, Tokens};
use tokio::task::JoinSet;

use super::PostgresDatabase;
use crate::support::{Backend, Desk, NORTH, NOW, after, in_time, lease_request, retry};

const MESSAGES: u64 = 200;

/// What nodes have done with the messages.
#[derive(Default)]
struct Log {
    begun: BTreeSet<(MessageId, u32)>,
    sent: BTreeSet<MessageId>,
}

fn attempt(leased: &Leased) -> Attempt {
    let (id, recipient) = (leased.message.id, leased.message.recipient);
    let (token, lease_until) = (leased.lease.token, after(50));
    Attempt { id, recipient, token, carrier: NORTH.into(), lease_until, detail: String::new() }
}

fn outcome(leased: &Leased, attempt: u32) -> Outcome {
    let is_put_off = (leased.message.id.to_bytes()[15] as u32 + attempt).is_multiple_of(3);
    let (id, recipient, token) = (leased.message.id, leased.message.recipient, leased.lease.token);
    Outcome {
        id,
        recipient,
        token,
        total: 1,
        attempt,
        carrier: NORTH.into(),
        at: NOW,
        accepted: Vec::new(),
        verdict: if is_put_off { Verdict::Retry(retry(NOW)) } else { Verdict::Sent },
        detail: String::new(),
        receipt_by: None,
    }
}

/// Leases a few messages, sends all but the last of several, which it gives back, and goes on until every message is
/// sent.
async fn work(store: Arc<dyn Store>, tokens: Arc<Tokens>, log: Arc<Mutex<Log>>) {
    while log.lock().unwrap().sent.len() < MESSAGES as usize {
        let request = LeaseRequest { limit: 7, limit_per_account: 3, ..lease_request(tokens.next(), after(1)) };
        let mut leased = store.lease_due(request).await.unwrap();
        if leased.is_empty() {
            tokio::task::yield_now().await;
            continue;
        }
        let last = leased.split_off((leased.len() - 1).max(1));
        let list = leased.iter().map(attempt).collect();
        let give_back = store.release(last.iter().map(|leased| (leased.message.id, leased.lease.token)).collect(), NOW);
        let (numbers, given_back) = tokio::join!(store.begin_attempts(list, Moment::of(after(1))), give_back);
        given_back.unwrap();
        let outcomes: Vec<Outcome> =
            leased.iter().zip(numbers.unwrap()).map(|(leased, number)| outcome(leased, number.unwrap())).collect();
        for outcome in &outcomes {
            let is_new = log.lock().unwrap().begun.insert((outcome.id, outcome.attempt));
            assert!(is_new, "no attempt is another node's too");
        }
        store.record_outcomes(outcomes.clone()).await.unwrap();
        let sent = outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Sent).map(|outcome| outcome.id);
        log.lock().unwrap().sent.extend(sent);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_dispatch_at_once_begin_every_attempt_once() {
    in_time(async {
        let place = PostgresDatabase::fresh();
        let desk = Desk::open(&place).await;
        for _ in 0..4 {
            desk.admit_many(desk.account(), MESSAGES / 4).await;
        }
        let log = Arc::new(Mutex::new(Log::default()));
        let mut nodes = JoinSet::new();
        for name in ["one", "two"] {
            let store = place.open().await;
            let epoch = store.join(name.to_owned(), "0".to_owned(), Moment::of(NOW)).await.unwrap();
            let tokens = Arc::new(Tokens::of(epoch));
            for _ in 0..4 {
                nodes.spawn(work(Arc::clone(&store), Arc::clone(&tokens), Arc::clone(&log)));
            }
            nodes.spawn(async move {
                for _ in 0..10 {
                    assert_eq!(store.expire(epoch, Moment::of(after(1)), HashSet::new(), 10).await.unwrap(), 0);
                    assert_eq!(store.take_over(epoch, NOW).await.unwrap(), TakenOver::default());
                    store.queue_depths().await.unwrap();
                }
            });
        }
        nodes.join_all().await;
        let messages = desk.store.messages(None, MessageFilter::default(), None, 1_000).await.unwrap().messages;
        assert!(messages.iter().all(|record| record.delivery.status == Status::Sent));
        let attempts: usize = messages.iter().map(|record| record.delivery.attempts as usize).sum();
        assert_eq!((messages.len() as u64, attempts), (MESSAGES, log.lock().unwrap().begun.len()));
    })
    .await;
}
