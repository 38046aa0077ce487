//! The conformance suite on a disk in memory, with a runtime that has no thread for the store: what the simulation
//! runs.

use std::sync::Arc;
use std::time::Instant;

use ::disk::Disk;
use model::{Clock, Moment, Timestamp};
use runtime::{Machine, Runtime, Task, Work};
use store::contract::admission::Admission;
use store::sqlite::Sqlite;
use store::{Store, StoreError};

use crate::support::{Backend, Desk, NOW, admission};

conformance!(OnDisk::fresh());

/// The name of the store's file on its disk.
pub(crate) const FILE: &str = "smsfactory.db";

/// A disk for one store.
pub(crate) struct OnDisk(Disk);

impl OnDisk {
    fn fresh() -> Self {
        Self(Disk::new(1))
    }
}

impl Backend for OnDisk {
    async fn open(&self) -> Arc<dyn Store> {
        open(&self.0).await.unwrap()
    }

    async fn open_shared(&self) -> Arc<dyn Store> {
        Arc::new(sqlite(&self.0).await.unwrap().with_several_nodes())
    }
}

pub(crate) async fn open(disk: &Disk) -> Result<Arc<dyn Store>, StoreError> {
    Ok(Arc::new(sqlite(disk).await?))
}

async fn sqlite(disk: &Disk) -> Result<Sqlite, StoreError> {
    Sqlite::open_on(disk.name(), FILE.into(), disk.rewriter(), Arc::new(Steps(Machine::new()))).await
}

/// A runtime without threads beside its tasks: what blocks is a step of a task.
struct Steps(Machine);

impl Clock for Steps {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn steady(&self) -> Timestamp {
        self.0.steady()
    }
}

impl Runtime for Steps {
    fn instant(&self) -> Instant {
        self.0.instant()
    }

    fn sleep_until(&self, at: Instant) -> Work {
        self.0.sleep_until(at)
    }

    fn spawn(&self, name: &'static str, work: Work) -> Task {
        self.0.spawn(name, work)
    }

    fn spawn_blocking(&self, name: &'static str, work: Box<dyn FnOnce() + Send>) -> Task {
        self.0.spawn(name, Box::pin(async move { work() }))
    }
}

#[tokio::test]
async fn a_store_on_a_disk_is_open_once() {
    let disk = Disk::new(1);
    let store = open(&disk).await.unwrap();
    let second = open(&disk).await.map(drop);
    assert!(matches!(&second, Err(StoreError::Refused(why)) if why.contains("in use")), "{second:?}");
    store.close().await;
    open(&disk).await.unwrap().close().await;
    let after = disk.crash(1);
    open(&after).await.unwrap().close().await;
}

#[tokio::test]
async fn a_store_whose_disk_fails_says_so() {
    let disk = Disk::new(1);
    let store = open(&disk).await.unwrap();
    disk.fail(::disk::Operation::Sync, 0, 1);
    assert!(matches!(store.probe().await, Err(StoreError::Failed(_))));
    assert!(matches!(store.failed().await, StoreError::Failed(_)));
    disk.heal();
    assert!(matches!(store.probe().await, Err(StoreError::Failed(_))), "a later sync proves nothing");
}

#[tokio::test]
async fn what_is_promised_after_a_sync_failed_survives_a_loss_of_power() {
    for (seed, writes) in (0..8).flat_map(|seed| (0..12).map(move |writes| (seed, writes))) {
        let backend = OnDisk(Disk::new(seed));
        let desk = Desk::open(&backend).await;
        let (account, earlier) = (desk.account(), desk.admit(desk.message(desk.account())).await);
        backend.0.fail(::disk::Operation::Sync, 0, 1);
        assert!(matches!(desk.store.admit(admission(desk.message(account))).await, Err(StoreError::Failed(_))));
        // The writes of that commit are in the cache, some of them on the disk, and all later syncs succeed.
        let disk = backend.0.kill();
        // The next start meets a write that fails, and is tried again where it must be.
        disk.fail(::disk::Operation::Write, writes, 1);
        let store = match open(&disk).await {
            Ok(store) => store,
            Err(_) => open(&disk).await.unwrap(),
        };
        disk.heal();
        let node = store.join("desk".to_owned(), "0".to_owned(), Moment::of(NOW)).await.unwrap();
        let message = desk.message(account);
        let promised = message.id;
        store.admit(Admission { node, ..admission(message) }).await.unwrap();
        let store = open(&disk.crash(seed)).await.unwrap();
        for id in [earlier, promised] {
            assert!(store.message_of_any_account(id).await.unwrap().is_some(), "seed {seed}, {writes} writes: {id}");
        }
    }
}

#[tokio::test]
async fn a_full_disk_is_no_failure_and_the_store_goes_on_when_there_is_room() {
    let disk = Disk::new(1);
    let store = open(&disk).await.unwrap();
    disk.set_room(Some(0));
    assert!(matches!(store.probe().await, Err(StoreError::Unavailable(_))));
    disk.set_room(None);
    assert_eq!(store.probe().await, Ok(()));
}
