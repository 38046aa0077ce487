//! Several nodes at one database: requests that arrive at the same time at different processes.

use std::sync::Arc;
use std::time::Duration;

use model::idempotency::Endpoint;
use model::limits::RequestKind;
use model::quota::UtcDay;
use model::{Message, Mode, Moment, Owner};
use runtime::{Machine, Runtime};
use store::contract::admission::{Admission, Admitted, Earlier, IdempotencyClaim, NewMessage, Quota};
use store::contract::nodes::Epoch;
use store::contract::windows::{Taken, Window};
use store::postgres::Postgres;
use store::{Store, Windows};
use tokio::task::JoinSet;

use super::PostgresDatabase;
use crate::support::{Backend, Desk, NODE, NOW, admission, claim, live};

const HOUR: Duration = Duration::from_secs(3_600);

/// Two processes, each with a node of its own; the desk is at the first one.
struct Two {
    desk: Desk,
    nodes: [(Arc<dyn Store>, Epoch); 2],
    database: PostgresDatabase,
}

impl Two {
    async fn open() -> Self {
        let database = PostgresDatabase::fresh();
        let desk = Desk::at(database.open_shared().await).await;
        let other = database.open_shared().await;
        let epoch = other.join("other".to_owned(), "0".to_owned(), Moment::of(NOW)).await.unwrap();
        let nodes = [(Arc::clone(&desk.store), NODE), (other, epoch)];
        Self { desk, nodes, database }
    }

    /// Admits all of these at once, one after the other at another node.
    async fn admit(&self, admissions: Vec<Admission<NewMessage>>) -> Vec<Admitted<model::Message>> {
        let mut tasks = JoinSet::new();
        for (n, admission) in admissions.into_iter().enumerate() {
            let (store, node) = self.nodes[n % 2].clone();
            tasks.spawn(async move { store.admit(Admission { node, ..admission }).await.unwrap() });
        }
        tasks.join_all().await
    }
}

fn with(claim: IdempotencyClaim, admission: Admission<NewMessage>) -> Admission<NewMessage> {
    Admission { idempotency: Some(claim), ..admission }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_arrives_at_two_nodes_makes_one_message() {
    let two = Two::open().await;
    let account = two.desk.account();
    for round in 0..5 {
        let requests = (0..200).map(|n| {
            let claim = claim(&format!("key-{round}-{}", n * 7 % 20), "hello", NOW);
            with(IdempotencyClaim { awaited: n % 3 == 0, ..claim }, admission(two.desk.message(account)))
        });
        let outcomes = two.admit(requests.collect()).await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Admitted::New).count(), 20);
        assert!(outcomes.iter().all(|outcome| {
            matches!(outcome, Admitted::New | Admitted::Earlier(Earlier::Replayed(_) | Earlier::UnderWay))
        }));
        assert_eq!(two.desk.count(account).await, 20 * (round + 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_is_exact_over_two_nodes() {
    let two = Two::open().await;
    let accounts = [(); 5].map(|()| two.desk.account());
    let quota = Quota { day: UtcDay::of(NOW), limit: 37 };
    let requests = (0..500).map(|n| Admission { quota, ..admission(two.desk.message(accounts[n * 3 % 5])) });
    let outcomes = two.admit(requests.collect()).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Admitted::New).count(), 5 * 37);
    for account in accounts {
        assert_eq!(two.desk.count(account).await, 37);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_request_takes_no_key_from_another_node() {
    let two = Two::open().await;
    let account = two.desk.account();
    let quota = Quota { day: UtcDay::of(NOW), limit: 1 };
    let requests = (0..100).map(|n| {
        let claim = claim(&format!("key-{}", n % 10), "hello", NOW);
        let quota = Quota { limit: if n % 4 == 0 { 100 } else { 0 }, ..quota };
        Admission { quota, ..with(claim, admission(two.desk.message(account))) }
    });
    let outcomes = two.admit(requests.collect()).await;
    // Of each key some request had a quota: the even ones.
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Admitted::New).count(), 5);
    assert_eq!(two.desk.count(account).await, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_are_exact_over_two_nodes_by_the_clock_of_the_database() {
    let two = Two::open().await;
    let url = two.database.database().await.url();
    let mut stores = Vec::new();
    for _ in 0..2 {
        stores.push(Arc::new(Postgres::open(&url, Arc::new(Machine::new())).await.unwrap()));
    }
    let windows = [(); 7].map(|()| Window::Requests(live(two.desk.account()), RequestKind::Message));
    let mut tasks = JoinSet::new();
    for n in 0..700 {
        let (store, window) = (Arc::clone(&stores[n % 2]), windows[n % 7]);
        // Whatever a node's own clock says.
        let now = NOW + Duration::from_secs(n as u64 * 3_600);
        tasks.spawn(async move { (window, store.take(window, 20, now).await.unwrap()) });
    }
    let taken = tasks.join_all().await;
    for window in windows {
        let mut remaining: Vec<u32> = taken
            .iter()
            .filter_map(|(of, taken)| match taken {
                Taken::Passed(standing) if *of == window => Some(standing.remaining),
                _ => None,
            })
            .collect();
        remaining.sort_unstable();
        assert_eq!(remaining, (0..20).collect::<Vec<_>>());
        assert_eq!(stores[0].standing(window, 25, NOW).await.unwrap().remaining, 5);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_goes_away_leaves_its_key_free() {
    let two = Two::open().await;
    let (account, (other, epoch)) = (two.desk.account(), two.nodes[1].clone());
    for n in 0..40 {
        let claim = IdempotencyClaim { awaited: true, ..claim(&format!("key-{n}"), "hello", NOW) };
        let key = claim.of(Owner { account, mode: Mode::Live });
        let store = Arc::clone(&two.desk.store);
        let request = with(claim.clone(), admission(two.desk.message(account)));
        let admit = tokio::spawn(async move { store.admit(request).await });
        tokio::time::sleep(Duration::from_micros(n * 100)).await;
        admit.abort();
        if let Ok(admitted) = admit.await {
            assert_eq!(admitted.unwrap(), Admitted::New);
            two.desk.store.end_request(NODE, &key).await;
        }
        // What was begun is done: once another request can have the key, the record says the same for ever.
        while !other.begin_request(epoch, &key).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        other.end_request(epoch, &key).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_that_arrives_at_two_nodes_is_accepted_once() {
    let two = Two::open().await;
    let account = two.desk.account();
    let claim = IdempotencyClaim { endpoint: Endpoint::Broadcast, ..claim("key-1", "hello", NOW) };
    let mut tasks = JoinSet::new();
    for n in 0..20 {
        let (store, node) = two.nodes[n % 2].clone();
        let broadcast = crate::broadcasts::broadcast(&two.desk, account, 5, 0);
        let admission = Admission { node, idempotency: Some(claim.clone()), ..crate::broadcasts::admission(broadcast) };
        tasks.spawn(async move { store.admit_broadcast(admission).await.unwrap() });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Admitted::New).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_taken_back_at_one_node_is_not_attempted_at_the_other() {
    let two = Two::open().await;
    for _ in 0..5 {
        crate::cancel::race(&two.desk, &two.nodes[1].0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scheduled_message_is_launched_by_one_of_two_nodes() {
    let two = Two::open().await;
    crate::schedule::race(&two.desk, &two.nodes).await;
}

#[tokio::test]
async fn a_scheduled_message_leaves_early_at_no_node_whose_clock_is_fast() {
    let place = PostgresDatabase::fresh();
    let url = place.database().await.url();
    let machine: Arc<dyn Runtime> = Arc::new(Machine::new());
    let desk = Desk::at(Arc::new(Postgres::open(&url, Arc::clone(&machine)).await.unwrap())).await;
    let [past, future] = [machine.now() - HOUR, machine.now() + HOUR].map(|send_at| Message {
        send_at: Some(send_at),
        expires_at: send_at + HOUR,
        ..desk.message(desk.account())
    });
    let (come, _) = (desk.admit(past).await, desk.admit(future).await);
    let fast = machine.now() + 2 * HOUR;
    let due: Vec<_> = desk.store.scheduled_until(fast, None, 10).await.unwrap().iter().map(|due| due.id).collect();
    assert_eq!(due, [come]);
    let slow = machine.now() - 2 * HOUR;
    assert_eq!(desk.store.scheduled_until(slow, None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_scheduled_message_that_cannot_be_read_is_told_of_among_the_others() {
    let two = Two::open().await;
    let [broken, other] = crate::schedule::two_scheduled(&two.desk).await;
    let client = two.database.database().await.client().await;
    let id = uuid::Uuid::from_bytes(broken.to_bytes());
    client.execute("UPDATE messages SET kind = 'fax' WHERE id = $1", &[&id]).await.unwrap();
    crate::schedule::one_cannot_be_read(&two.desk, broken, other).await;
}
