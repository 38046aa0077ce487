//! Commits that do not wait for the standby to the end.

use std::sync::Arc;
use std::time::Duration;

use model::Message;
use runtime::Machine;
use store::contract::admission::{Admission, Admitted, Earlier, Replay};
use store::postgres::Postgres;
use store::{Store, StoreError};
use testkit::postgres::OwnServer;
use tokio::time::sleep;
use tokio_postgres::Client;

use crate::support::{Desk, NOW, admission, claim};

/// How many commits were waiting for the standby, whose wait is cancelled now.
async fn cancel_waits(client: &Client) -> usize {
    let cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    client.query(cancel, &[]).await.unwrap().len()
}

async fn configure(client: &Client, change: &str) {
    client.batch_execute(change).await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
}

/// Admits `message` under a key. Cancels the wait for the standby, if there is one, and says whether there was.
async fn admit(
    desk: &Desk,
    client: &Client,
    message: Message,
    key: &str,
) -> (bool, Result<Admitted<Message>, StoreError>) {
    let store: Arc<dyn Store> = Arc::clone(&desk.store);
    let claim = Some(claim(key, "hello", NOW));
    let admission = Admission { idempotency: claim, ..admission(message) };
    let admitting = tokio::spawn(async move { store.admit(admission).await });
    let mut has_waited = false;
    while !admitting.is_finished() {
        has_waited |= cancel_waits(client).await > 0;
        sleep(Duration::from_millis(5)).await;
    }
    (has_waited, admitting.await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_wait_for_the_standby_is_cancelled_is_of_unknown_outcome() {
    let server = OwnServer::start().await;
    let database = server.fresh().await;
    let store = Postgres::open_by_callers_clock(&database.url(), Arc::new(Machine::new())).await.unwrap();
    let desk = Desk::at(Arc::new(store)).await;
    let (account, client) = (desk.account(), database.client().await);
    assert_eq!(desk.try_admit(admission(desk.message(account))).await, Admitted::New);

    configure(&client, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'").await;
    // The server takes its time to read its configuration.
    for n in 0.. {
        let (message, key) = (desk.message(account), format!("key-{n}"));
        let (has_waited, admitted) = admit(&desk, &client, message.clone(), &key).await;
        if !has_waited {
            assert_eq!(admitted, Ok(Admitted::New));
            continue;
        }
        assert!(matches!(&admitted, Err(StoreError::Unavailable(why)) if why.contains("standby")), "{admitted:?}");

        // It happened all the same: under its key the client learns that, once commits reach the standby.
        configure(&client, "ALTER SYSTEM RESET synchronous_standby_names").await;
        let (_, again) = admit(&desk, &client, desk.message(account), &key).await;
        let Ok(Admitted::Earlier(Earlier::Replayed(Replay { made, .. }))) = again else { panic!("{again:?}") };
        assert_eq!(made.id, message.id);
        return;
    }
}
