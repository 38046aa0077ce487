//! Rate windows in a real Valkey: the conformance suite's part about them, and what happens when Valkey fails.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::Timestamp;
use model::limits::{RequestKind, WINDOW};
use runtime::Machine;
use store::contract::windows::{Taken, Window};
use store::postgres::Postgres;
use store::postgres::valkey::Patience;
use store::{Store, StoreError, Windows};
use testkit::valkey::Valkey;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use crate::postgres::PostgresDatabase;
use crate::support::{Backend, Desk, NOW, in_time, live};

conformance_of_windows!(Both::fresh());

const LIMIT: u32 = 20;

/// For tests of what is counted: a machine that is busy with other tests is no failure.
const PATIENT: Patience = Patience { deadline: Duration::from_secs(20), pause: Duration::from_millis(100) };

/// For tests of what a Valkey that hangs costs.
const HASTY: Patience = Patience { deadline: Duration::from_millis(50), pause: Duration::from_millis(100) };

/// A database and a Valkey, made when they are first used.
struct Both {
    database: PostgresDatabase,
    valkey: OnceCell<Valkey>,
}

impl Both {
    fn fresh() -> Self {
        Self { database: PostgresDatabase::fresh(), valkey: OnceCell::new() }
    }

    async fn store(&self, patience: Patience) -> Arc<Postgres> {
        let valkey = self.valkey.get_or_init(Valkey::start).await;
        let url = self.database.database().await.url();
        let store = Postgres::open_by_callers_clock(&url, Arc::new(Machine::new())).await.unwrap();
        Arc::new(store.with_valkey(&valkey.url(), patience).await.unwrap())
    }
}

impl Backend for Both {
    async fn open(&self) -> Arc<dyn Store> {
        self.store(PATIENT).await
    }

    async fn open_shared(&self) -> Arc<dyn Store> {
        self.store(PATIENT).await
    }
}

/// Some processes that share a database and a Valkey.
struct Several {
    stores: Vec<Arc<Postgres>>,
    valkey: Valkey,
    desk: Desk,
    /// It lasts as long as this.
    _database: PostgresDatabase,
}

impl Several {
    async fn open(stores: usize, patience: Patience) -> Self {
        let mut both = Both::fresh();
        let mut opened = Vec::new();
        for _ in 0..stores {
            opened.push(both.store(patience).await);
        }
        let desk = Desk::at(Arc::clone(&opened[0]) as Arc<dyn Store>).await;
        Self { stores: opened, valkey: both.valkey.take().unwrap(), desk, _database: both.database }
    }

    fn window(&self) -> Window {
        Window::Requests(live(self.desk.account()), RequestKind::Message)
    }

    /// So many takes at once, one after the other at another process. Returns what remained after those that passed.
    async fn take(&self, window: Window, takes: usize, now: Timestamp) -> Vec<u32> {
        let mut tasks = JoinSet::new();
        for n in 0..takes {
            let store = Arc::clone(&self.stores[n % self.stores.len()]);
            tasks.spawn(async move { store.take(window, LIMIT, now).await.unwrap() });
        }
        let taken = tasks.join_all().await.into_iter();
        let mut remaining: Vec<u32> = taken.filter_map(remaining).collect();
        remaining.sort_unstable();
        remaining
    }

    async fn until(&self, are_up: bool) {
        while self.stores.iter().any(|store| store.is_counting_in_valkey() != are_up) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn fallbacks(&self) -> u64 {
        self.stores.iter().map(|store| store.fallbacks()).sum()
    }
}

fn remaining(taken: Taken) -> Option<u32> {
    if let Taken::Passed(standing) = taken { Some(standing.remaining) } else { None }
}

fn all() -> Vec<u32> {
    (0..LIMIT).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_the_limit_passes_over_two_processes() {
    let both = Both::fresh();
    let (url, valkey) = (both.database.database().await.url(), Valkey::start().await);
    let mut stores = Vec::new();
    for _ in 0..2 {
        // By the clock of Valkey, whatever a process's own clock says.
        let store = Postgres::open(&url, Arc::new(Machine::new())).await.unwrap();
        stores.push(Arc::new(store.with_valkey(&valkey.url(), PATIENT).await.unwrap()));
    }
    let desk = Desk::at(Arc::clone(&stores[0]) as Arc<dyn Store>).await;
    let windows = [(); 7].map(|()| Window::Requests(live(desk.account()), RequestKind::Message));
    let mut tasks = JoinSet::new();
    for n in 0..1_400 {
        let (store, window) = (Arc::clone(&stores[n % 2]), windows[n % 7]);
        let now = NOW + Duration::from_secs(n as u64 * 3_600);
        tasks.spawn(async move { (window, store.take(window, LIMIT, now).await.unwrap()) });
    }
    let taken = tasks.join_all().await;
    for window in windows {
        let passed = taken.iter().filter(|(of, _)| *of == window).filter_map(|(_, taken)| remaining(*taken));
        assert_eq!(passed.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>(), all());
        assert_eq!(stores[0].standing(window, LIMIT + 5, NOW).await.unwrap().remaining, 5);
    }
    assert_eq!(taken.iter().filter(|(_, taken)| remaining(*taken).is_some()).count(), 7 * LIMIT as usize);
    assert_eq!(stores[0].fallbacks() + stores[1].fallbacks(), 0, "all is counted in Valkey");
    assert_eq!(valkey.ask("DBSIZE"), ":8\r\n", "a key for each window, and one of the trial of the connection");
    assert_eq!(desk.store.fallbacks(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_one_process_nothing_passes_twice_when_valkey_goes_and_comes_back() {
    in_time(async {
        let mut one = Several::open(1, PATIENT).await;
        let window = one.window();
        assert_eq!(one.take(window, 8, NOW).await.len(), 8);
        one.valkey.kill();
        assert_eq!(one.take(window, 6, NOW).await, [6, 7, 8, 9, 10, 11], "counted on in the database");
        assert!(one.fallbacks() > 0);
        assert_eq!(one.stores[0].standing(window, LIMIT, NOW).await.unwrap().remaining, 6);
        one.valkey.start_again().await;
        one.until(true).await;
        let fallbacks = one.fallbacks();
        assert_eq!(one.take(window, 50, NOW).await, [0, 1, 2, 3, 4, 5], "and in a Valkey that is empty");
        assert_eq!(one.fallbacks(), fallbacks);
        assert_eq!(one.take(window, 50, NOW + WINDOW).await, all());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_valkey_that_is_killed_amid_takes_refuses_nobody_and_the_next_window_is_exact() {
    in_time(async {
        let mut two = Several::open(2, PATIENT).await;
        let window = two.window();
        let mut tasks = JoinSet::new();
        for store in two.stores.clone() {
            tasks.spawn(async move {
                let (mut passed, mut slowest) = (0, Duration::ZERO);
                // Until the database has counted for a while.
                while store.fallbacks() < 50 {
                    let began = Instant::now();
                    passed += usize::from(remaining(store.take(window, LIMIT, NOW).await.unwrap()).is_some());
                    slowest = slowest.max(began.elapsed());
                }
                (passed, slowest)
            });
        }
        while two.stores[0].standing(window, LIMIT, NOW).await.unwrap().remaining > LIMIT / 2 {
            tokio::task::yield_now().await;
        }
        two.valkey.kill();
        let ended = tasks.join_all().await;
        let passed: usize = ended.iter().map(|(passed, _)| passed).sum();
        assert!((LIMIT as usize..=2 * LIMIT as usize).contains(&passed), "{passed}");
        println!("passed {passed}, slowest {:?}", ended.iter().map(|(_, slowest)| slowest).max());
        assert!(ended.iter().all(|(_, slowest)| *slowest < Duration::from_secs(1)), "{ended:?}");
        assert_eq!(two.take(window, 100, NOW + WINDOW).await, all());
        two.valkey.start_again().await;
        two.until(true).await;
        assert_eq!(two.take(window, 100, NOW + 2 * WINDOW).await, all());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_valkey_that_loses_its_data_is_told_what_has_passed() {
    in_time(async {
        let two = Several::open(2, PATIENT).await;
        let window = two.window();
        assert_eq!(two.take(window, 8, NOW).await.len(), 8);
        assert_eq!(two.valkey.ask("FLUSHALL"), "+OK\r\n");
        assert_eq!(two.valkey.ask("SCRIPT FLUSH"), "+OK\r\n");
        let passed = two.take(window, 100, NOW).await.len();
        assert!((12..=20).contains(&passed), "{passed}");
        assert_eq!(two.take(window, 100, NOW + WINDOW).await, all());
        assert_eq!(two.fallbacks(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_valkey_that_hangs_costs_its_deadline_three_times() {
    in_time(async {
        let one = Several::open(1, Patience { pause: Duration::from_secs(60), ..HASTY }).await;
        let (window, store) = (one.window(), &one.stores[0]);
        store.take(window, LIMIT, NOW).await.unwrap();
        let before = one.fallbacks();
        one.valkey.pause();
        let mut took = Vec::new();
        for n in 0..10 {
            let began = Instant::now();
            let taken = store.take(window, LIMIT, NOW).await.unwrap();
            took.push(began.elapsed());
            // Where the machine was so slow that the first take was not counted in Valkey, it is in the database.
            assert_eq!(remaining(taken), Some(LIMIT - 2 - n));
        }
        println!("takes {took:?}");
        assert!(took[..3].iter().all(|took| *took < Duration::from_millis(500)), "{took:?}");
        assert_eq!(one.fallbacks(), before + 10);
        assert!(!store.is_counting_in_valkey());
        one.valkey.resume();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_valkey_that_goes_on_counts_again() {
    in_time(async {
        let one = Several::open(1, HASTY).await;
        let window = one.window();
        one.valkey.pause();
        let passed = one.take(window, 50, NOW).await;
        assert_eq!(passed, all(), "nobody is refused who may pass");
        one.until(false).await;
        one.valkey.resume();
        one.until(true).await;
        assert!(one.take(window, 10, NOW).await.is_empty(), "whatever of it Valkey has heard itself");
        let mut passed = Vec::new();
        for _ in 0..30 {
            passed.extend(one.take(window, 1, NOW + WINDOW).await);
        }
        passed.reverse();
        assert_eq!(passed, all());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_valkey_that_is_not_there_at_the_start_counts_once_it_is() {
    in_time(async {
        let mut valkey = Valkey::start().await;
        valkey.kill();
        let database = PostgresDatabase::fresh();
        let url = database.database().await.url();
        let store = Postgres::open_by_callers_clock(&url, Arc::new(Machine::new())).await.unwrap();
        let store = Arc::new(store.with_valkey(&valkey.url(), PATIENT).await.unwrap());
        let desk = Desk::at(Arc::clone(&store) as Arc<dyn Store>).await;
        let mut one = Several { stores: vec![store], valkey, desk, _database: database };
        let window = one.window();
        assert_eq!(one.take(window, 5, NOW).await.len(), 5);
        assert_eq!(one.fallbacks(), 5);
        one.valkey.start_again().await;
        one.until(true).await;
        assert_eq!(one.take(window, 50, NOW).await.len(), 15);
    })
    .await;
}

#[tokio::test]
async fn a_look_says_whether_valkey_counts_and_shows_no_password() {
    let mut valkey = Valkey::start().await;
    let machine = || Arc::new(Machine::new());
    let found = store::postgres::valkey::check(&valkey.url(), machine()).await.unwrap();
    assert!(found.starts_with("Valkey at 127.0.0.1:"), "{found}");
    assert_eq!(valkey.ask("CONFIG SET requirepass right"), "+OK\r\n");
    let with = |password: &str| valkey.url().replace("127", &format!(":{password}@127"));
    assert!(store::postgres::valkey::check(&with("right"), machine()).await.is_ok());
    let unavailable = async |url: String| match store::postgres::valkey::check(&url, machine()).await {
        Err(StoreError::Unavailable(why)) => why,
        other => panic!("{other:?}"),
    };
    for url in [valkey.url(), with("wrong")] {
        let why = unavailable(url).await;
        assert!(!why.contains("wrong"), "{why}");
    }
    valkey.kill();
    unavailable(valkey.url()).await;
}

#[tokio::test]
async fn a_store_in_a_file_has_no_valkey() {
    let opened = store::open_with_valkey("sqlite:x.db", "redis://127.0.0.1/", Arc::new(Machine::new())).await;
    assert!(matches!(opened.map(drop), Err(StoreError::Refused(_))));
}
