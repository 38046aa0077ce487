//! The ends of the writer that nobody wants.

use runtime::Machine;
use rusqlite::OpenFlags;
use tempfile::TempDir;

use super::*;
use crate::sqlite::{Sqlite, connect};

async fn store() -> (TempDir, Sqlite) {
    let place = tempfile::tempdir().unwrap();
    let store = Sqlite::open(place.path().join("smsfactory.db"), Arc::new(Machine::new())).await.unwrap();
    (place, store)
}

fn insert(group: &mut Group) -> Result<(), Fault> {
    group.connection.execute("INSERT INTO probe (id, at) VALUES (1, 1)", [])?;
    Ok(())
}

#[tokio::test]
async fn a_panic_of_the_writer_is_a_failure_that_the_process_learns_of() {
    let (place, store) = store().await;
    let writer = &store.writer;
    let why = StoreError::Failed("the store's writer panicked: on purpose".to_owned());
    let (before, panics, behind) = tokio::join!(
        biased;
        writer.write(insert),
        writer.write(|_| -> Result<(), Fault> { panic!("on purpose") }),
        writer.write(|_| Ok(())),
    );
    assert_eq!(panics, Err(why.clone()));
    assert_eq!(behind, Err(why.clone()), "it promises nothing more");
    assert_eq!(writer.failed().await, why);
    writer.close().await;
    let kept: i64 = connect(&place.path().join("smsfactory.db"), None, OpenFlags::default())
        .unwrap()
        .query_row("SELECT count(*) FROM probe", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept == 1, before.is_ok(), "what was in one transaction with it is rolled back, and answered so");
}

#[tokio::test]
async fn a_panic_of_the_observer_is_a_failure_too() {
    let (_place, store) = store().await;
    store.writer.observe(Box::new(|_| panic!("no room to count")));
    assert_eq!(store.writer.write(insert).await, Ok(()), "its commit is on disk");
    assert_eq!(
        store.writer.failed().await,
        StoreError::Failed("the store's writer panicked: no room to count".to_owned())
    );
}

#[tokio::test]
async fn a_writer_that_ends_before_it_is_closed_is_a_failure() {
    let (_place, store) = store().await;
    store.writer.task.lock().unwrap().as_ref().unwrap().abort();
    assert!(matches!(store.writer.failed().await, StoreError::Failed(_)));
    assert!(matches!(store.writer.write(insert).await, Err(StoreError::Unavailable(_))));
}
