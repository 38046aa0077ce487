//! Calls whose answers are lost: the database does what they ask, and nobody is told.

use std::sync::Arc;
use std::time::Duration;

use model::{Moment, Owner};
use store::Store;
use store::StoreError;
use store::contract::admission::{Admission, IdempotencyClaim};
use store::contract::nodes::Epoch;
use store::contract::requests::RequestKey;
use tokio::time::{sleep, timeout};

use super::PostgresDatabase;
use crate::support::{Backend, Desk, NODE, NOW, admission, claim, live};

/// Has the commits that change the keys which requests hold last longer than anybody waits for them: so many of them,
/// and those that come later are as fast as ever.
async fn slow_down(place: &PostgresDatabase, commits: u32) {
    let sql = format!(
        "CREATE SEQUENCE slow; \
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
            IF nextval('slow') <= {commits} THEN PERFORM pg_sleep(6); END IF; RETURN NULL; \
        END $$; \
        CREATE CONSTRAINT TRIGGER slow AFTER INSERT OR UPDATE OR DELETE ON held_keys \
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()"
    );
    place.database().await.client().await.batch_execute(&sql).await.unwrap();
}

/// The desk's node, and another one in another process.
async fn two(place: &PostgresDatabase) -> (Desk, Arc<dyn Store>, Epoch) {
    let desk = Desk::at(place.open_shared().await).await;
    let other = place.open_shared().await;
    let epoch = other.join("other".to_owned(), "0".to_owned(), Moment::of(NOW)).await.unwrap();
    (desk, other, epoch)
}

/// Waits until the other node gets the key.
async fn is_free(other: &Arc<dyn Store>, epoch: Epoch, key: &RequestKey) {
    let begun = async {
        while other.begin_request(epoch, key).await != Ok(true) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(10), begun).await.expect("the key is free");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_does_not_know_that_it_began_holds_no_key() {
    let place = PostgresDatabase::fresh();
    let (desk, other, epoch) = two(&place).await;
    let key = claim("key-1", "hello", NOW).of(live(desk.account()));
    slow_down(&place, 1).await;
    let begun = desk.store.begin_request(NODE, &key).await;
    assert!(matches!(begun, Err(StoreError::Unavailable(_))), "{begun:?}");
    is_free(&other, epoch, &key).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_client_goes_away_while_it_begins_holds_no_key() {
    let place = PostgresDatabase::fresh();
    let (desk, other, epoch) = two(&place).await;
    let owner = live(desk.account());
    for n in 0..40 {
        let key = claim(&format!("key-{n}"), "hello", NOW).of(owner);
        let (store, name) = (Arc::clone(&desk.store), key.clone());
        let begin = tokio::spawn(async move { store.begin_request(NODE, &name).await });
        sleep(Duration::from_micros(n * 100)).await;
        begin.abort();
        if let Ok(begun) = begin.await {
            assert_eq!(begun, Ok(true));
            desk.store.end_request(NODE, &key).await;
        }
        is_free(&other, epoch, &key).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_does_not_know_that_it_is_admitted_holds_no_key() {
    let place = PostgresDatabase::fresh();
    let (desk, other, epoch) = two(&place).await;
    let owner: Owner = live(desk.account());
    let [plain, begun] = ["key-1", "key-2"].map(|key| claim(key, "hello", NOW));
    assert!(desk.store.begin_request(NODE, &begun.of(owner)).await.unwrap());
    slow_down(&place, 2).await;
    let admit = |claim: &IdempotencyClaim, begun| {
        let claim = IdempotencyClaim { awaited: true, begun, ..claim.clone() };
        desk.store.admit(Admission { idempotency: Some(claim), ..admission(desk.message(owner.account)) })
    };
    for admitted in <[_; 2]>::from(tokio::join!(admit(&plain, false), admit(&begun, true))) {
        assert!(matches!(admitted, Err(StoreError::Unavailable(_))), "{admitted:?}");
    }
    is_free(&other, epoch, &plain.of(owner)).await;
    desk.store.end_request(NODE, &begun.of(owner)).await;
    is_free(&other, epoch, &begun.of(owner)).await;
}
