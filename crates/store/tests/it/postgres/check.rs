//! A look at a database: what makes it unusable is refused, and what would break a promise is said.

use std::sync::Arc;

use model::{Clock, Timestamp};
use runtime::Machine;
use store::contract::dispatch::QueueDepth;
use store::{Checked, StoreError};
use testkit::postgres::Database;

use super::PostgresDatabase;
use super::pooler::{self, Statements};
use crate::support::{Desk, NORTH};

async fn check(url: &str) -> Result<Checked, StoreError> {
    store::check(url, Arc::new(Machine::new())).await
}

/// The sentence with which both a look and a start refuse a database.
async fn refusal(url: &str) -> String {
    let Err(StoreError::Refused(sentence)) = check(url).await else { panic!("the look finds nothing") };
    let opened = store::open(url, Arc::new(Machine::new())).await.map(drop);
    assert!(matches!(&opened, Err(StoreError::Refused(why)) if *why == sentence), "{opened:?}: {sentence}");
    sentence
}

/// A database without tables: the server makes it for this test.
async fn empty() -> (Database, String) {
    let database = Database::fresh().await;
    let client = database.client().await;
    client.batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await.unwrap();
    let url = database.url();
    (database, url)
}

/// Sets something for all connections to a database that come.
async fn set(database: &Database, setting: &str) {
    let url = database.url();
    let name = url.rsplit('/').next().unwrap();
    database.client().await.batch_execute(&format!("ALTER DATABASE {name} SET {setting}")).await.unwrap();
}

/// What the server of the tests is warned of: it never has to survive its machine.
fn is_of_the_test_server(warning: &str) -> bool {
    warning.contains("`fsync`") || warning.contains("`full_page_writes`")
}

#[tokio::test]
async fn a_look_at_a_database_says_how_it_is_and_changes_nothing() {
    let (database, url) = empty().await;
    let machine = || Arc::new(Machine::new());
    let found = check(&url).await.unwrap().found;
    assert!(found.contains("has no tables yet, which will be made") && found.contains("127.0.0.1"), "{found}");
    assert_eq!(store::is_new(&url, machine()).await, Ok(true));
    assert_eq!(store::waiting(&url, machine()).await, Ok(Vec::new()));
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(database.client().await.query_one(tables, &[]).await.unwrap().get::<_, i64>(0), 0);
    let store = store::open(&url, machine()).await.unwrap();
    let before = database.client().await.query_one("SELECT max(at) FROM probe", &[]).await.unwrap().get::<_, i64>(0);
    // A database that a node has open is looked at in the same way.
    let checked = check(&url).await.unwrap();
    assert!(checked.found.contains("has schema version 1"), "{}", checked.found);
    assert!(checked.warnings.iter().all(|warning| is_of_the_test_server(warning)), "{:?}", checked.warnings);
    assert_eq!(store::is_new(&url, machine()).await, Ok(false));
    store.close().await;
    let after = database.client().await.query_one("SELECT max(at) FROM probe", &[]).await.unwrap().get::<_, i64>(0);
    assert_eq!(before, after);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_told_of_a_database_that_is_in_use() {
    let place = PostgresDatabase::fresh();
    let desk = Desk::open(&place).await;
    desk.admit_many(desk.account(), 3).await;
    let waiting = store::waiting(&place.database().await.url(), Arc::new(Machine::new())).await.unwrap();
    let told: Vec<_> = waiting.iter().map(|QueueDepth { carrier, queued, .. }| (carrier.clone(), *queued)).collect();
    assert_eq!(told, [(NORTH.into(), 3)]);
}

#[tokio::test]
async fn the_database_of_another_program_is_refused_and_left_alone() {
    let (database, url) = empty().await;
    database.client().await.batch_execute("CREATE TABLE songs (title text)").await.unwrap();
    assert!(refusal(&url).await.contains("another program"));
    assert!(matches!(store::is_new(&url, Arc::new(Machine::new())).await, Err(StoreError::Refused(_))));
    let tables = "SELECT string_agg(tablename, ' ') FROM pg_tables WHERE schemaname = 'public'";
    let tables: String = database.client().await.query_one(tables, &[]).await.unwrap().get(0);
    assert_eq!(tables, "songs");
}

#[tokio::test]
async fn a_newer_schema_that_this_program_cannot_use_is_refused() {
    let database = Database::fresh().await;
    database.client().await.batch_execute("INSERT INTO schema_version VALUES (999, 999)").await.unwrap();
    let sentence = refusal(&database.url()).await;
    assert!(sentence.contains("999") && sentence.contains("run the newer program"), "{sentence}");
}

#[tokio::test]
async fn a_node_starts_again_on_the_schema_of_the_next_release() {
    let database = Database::fresh().await;
    database.client().await.batch_execute("INSERT INTO schema_version VALUES (2, 1)").await.unwrap();
    let store = store::open(&database.url(), Arc::new(Machine::new())).await.unwrap();
    store.close().await;
    let found = check(&database.url()).await.unwrap().found;
    assert!(found.contains("schema version 2"), "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_of_the_schema_that_gives_way_to_another_transaction_is_tried_again() {
    let (database, url) = empty().await;
    // PostgreSQL ends the transaction whose patience ends first: the step's.
    set(&database, "deadlock_timeout = '2s'").await;
    let mut other = database.client().await;
    other.batch_execute("SET deadlock_timeout = '1h'").await.unwrap();
    let other = other.transaction().await.unwrap();
    // The step makes a table of this name too, and waits for this transaction, which then waits for the step's lock.
    other.batch_execute("CREATE TABLE accounts (name text)").await.unwrap();
    let opening = tokio::spawn(async move { store::open(&url, Arc::new(Machine::new())).await });
    let observer = database.client().await;
    let waits = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock')";
    while !observer.query_one(waits, &[]).await.unwrap().get::<_, bool>(0) {
        tokio::task::yield_now().await;
    }
    let lock = "SELECT pg_advisory_xact_lock((classid::bigint << 32) | objid::bigint) FROM pg_locks \
        WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    other.batch_execute(lock).await.unwrap();
    other.rollback().await.unwrap();
    opening.await.unwrap().unwrap().close().await;
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_refused() {
    let database = Database::fresh().await;
    set(&database, "default_transaction_read_only = on").await;
    assert!(refusal(&database.url()).await.contains("default_transaction_read_only"));
}

#[tokio::test]
async fn a_database_of_another_encoding_is_refused() {
    let database = Database::fresh().await;
    let url = database.url();
    let (server, name) = url.rsplit_once('/').unwrap();
    let client = database.client().await;
    let make = format!("CREATE DATABASE {name}_latin1 TEMPLATE template0 ENCODING 'LATIN1'");
    client.batch_execute(&make).await.unwrap();
    assert!(refusal(&format!("{server}/{name}_latin1")).await.contains("LATIN1"));
}

#[tokio::test]
async fn a_database_in_which_a_user_may_make_nothing_is_refused() {
    let (database, url) = empty().await;
    let (_, place) = url.split_once('@').unwrap();
    let name = place.rsplit('/').next().unwrap();
    let client = database.client().await;
    client
        .batch_execute(&format!("CREATE ROLE {name}_guest LOGIN; GRANT USAGE ON SCHEMA public TO PUBLIC"))
        .await
        .unwrap();
    let checked = check(&format!("postgres://{name}_guest@{place}")).await;
    assert!(matches!(&checked, Err(StoreError::Refused(why)) if why.contains("cannot be written")), "{checked:?}");
    set(&database, "search_path = nowhere").await;
    assert!(refusal(&url).await.contains("search_path"));
}

#[tokio::test]
async fn what_would_lose_accepted_messages_is_said() {
    let database = Database::fresh().await;
    let warned = check(&database.url()).await.unwrap().warnings;
    assert!(warned.len() == 2 && warned.iter().all(|warning| is_of_the_test_server(warning)), "{warned:?}");
    set(&database, "synchronous_commit = off").await;
    let warned = check(&database.url()).await.unwrap().warnings;
    assert!(warned.len() == 3 && warned.iter().any(|warning| warning.contains("`synchronous_commit`")), "{warned:?}");
}

#[tokio::test]
async fn clocks_that_differ_are_said() {
    let database = Database::fresh().await;
    for (ahead, whose) in [(3_000, Some("this machine")), (-3_000, Some("the database")), (100, None)] {
        let shifted = Machine::with_clock(Arc::new(Shifted(Machine::new(), ahead)));
        let checked = store::check(&database.url(), Arc::new(shifted)).await.unwrap();
        let warning = checked.warnings.into_iter().find(|warning| warning.contains("clock"));
        match whose {
            Some(whose) => assert!(warning.is_some_and(|words| words.contains(&format!("{whose} is 3.0 s ahead")))),
            None => assert_eq!(warning, None),
        }
    }
}

#[tokio::test]
async fn a_database_with_another_isolation_is_used_with_ours() {
    let database = Database::fresh().await;
    set(&database, "default_transaction_isolation = 'serializable'").await;
    let store = store::open(&database.url(), Arc::new(Machine::new())).await.unwrap();
    let (one, other) = tokio::join!(store.probe(), store.probe());
    assert_eq!((one, other), (Ok(()), Ok(())));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_that_gives_each_transaction_another_session_is_said() {
    let database = Database::fresh().await;
    let warned = check(&pooler::before(&database, Statements::Known).await).await.unwrap().warnings;
    assert!(warned.len() == 3 && warned.iter().any(|warning| warning.contains("pooler")), "{warned:?}");
    assert!(refusal(&pooler::before(&database, Statements::Lost).await).await.contains("loses prepared statements"));
}

/// The machine's clock, whose time of day is so many milliseconds ahead.
struct Shifted(Machine, i64);

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.now().as_millis() + self.1)
    }

    fn steady(&self) -> Timestamp {
        self.0.steady()
    }
}
