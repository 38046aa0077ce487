//! Probes of a database that takes connections and no writes.

use store::{Store, StoreError};

use super::PostgresDatabase;
use crate::support::{Backend, Desk, admission};

/// Why a probe fails, if it does.
async fn failure(store: &dyn Store) -> Option<String> {
    match store.probe().await {
        Ok(()) => None,
        Err(StoreError::Unavailable(why)) => Some(why),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_fails_while_the_database_takes_no_writes() {
    let place = PostgresDatabase::fresh();
    let desk = Desk::at(place.open().await).await;
    assert_eq!(failure(&*desk.store).await, None);
    let client = place.database().await.client().await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let name: String = client.query_one("SELECT current_database()", &[]).await.unwrap().get(0);
    client.batch_execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await.unwrap();
    client.query(end, &[]).await.unwrap();
    // A connection that has just ended is seen as such by the probe that would use it.
    let mut why = failure(&*desk.store).await;
    while why.as_ref().is_some_and(|why| why.contains("terminating") || why.contains("closed")) {
        why = failure(&*desk.store).await;
    }
    assert!(why.as_ref().is_some_and(|why| why.contains("read-only transaction")), "{why:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_fails_from_a_write_for_which_the_disk_had_no_room_until_there_is_some() {
    let place = PostgresDatabase::fresh();
    let desk = Desk::at(place.open().await).await;
    let (account, client) = (desk.account(), place.database().await.client().await);
    let full = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
            RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$; \
        CREATE FUNCTION full_disk_for_tables() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN \
            RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$; \
        CREATE TRIGGER full_disk BEFORE INSERT ON delivery FOR EACH ROW EXECUTE FUNCTION full_disk(); \
        CREATE EVENT TRIGGER full_disk ON ddl_command_start WHEN TAG IN ('CREATE TABLE AS') \
            EXECUTE FUNCTION full_disk_for_tables()";
    client.batch_execute(full).await.unwrap();
    assert_eq!(failure(&*desk.store).await, None, "nothing has found the disk full yet");
    let admitted = desk.store.admit(admission(desk.message(account))).await;
    assert!(matches!(&admitted, Err(StoreError::Unavailable(why)) if why.contains("extend")), "{admitted:?}");
    for _ in 0..2 {
        let why = failure(&*desk.store).await;
        assert!(why.as_ref().is_some_and(|why| why.contains("could not extend file")), "{why:?}");
    }
    client.batch_execute("DROP EVENT TRIGGER full_disk; DROP TRIGGER full_disk ON delivery").await.unwrap();
    assert_eq!(failure(&*desk.store).await, None);
    desk.admit(desk.message(account)).await;
}
