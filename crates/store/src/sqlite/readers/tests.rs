//! The pool itself: reads that hold their connections until a test lets them go on.

use std::sync::mpsc;

use model::{AccountId, Mode, Owner};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

fn owner(number: u8) -> Reader {
    Reader::Owner(Owner { account: AccountId::from_bytes([number; 16]), mode: Mode::Live })
}

fn pool() -> Arc<Readers> {
    Arc::new(Readers::new(Arc::new(runtime::Machine::new()), Connection::open_in_memory).unwrap())
}

/// A page that has begun and goes on until the sender is dropped.
async fn held(readers: &Arc<Readers>, reader: Reader) -> (mpsc::Sender<()>, JoinHandle<Result<(), StoreError>>) {
    let (hold, held) = mpsc::channel::<()>();
    let (begin, begun) = oneshot::channel();
    let pool = Arc::clone(readers);
    let read = tokio::spawn(async move {
        let look = move |_: &Connection| {
            begin.send(()).unwrap();
            let _ = held.recv();
            Ok(())
        };
        pool.read_for(reader, Work::Page, look).await
    });
    begun.await.unwrap();
    (hold, read)
}

#[tokio::test]
async fn a_small_read_ends_while_pages_hold_every_connection_that_they_may() {
    let readers = pool();
    let mut pages = Vec::new();
    for number in 1..=CONNECTIONS as u8 - 1 {
        pages.push(held(&readers, owner(number)).await);
    }
    assert_eq!(readers.read(|connection| connection.query_row("SELECT 7", [], |row| row.get(0))).await, Ok(7));
    for (hold, read) in pages {
        drop(hold);
        read.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_page_whose_caller_hangs_up_is_never_read() {
    let readers = pool();
    let (first, first_read) = held(&readers, owner(1)).await;
    let (second, second_read) = held(&readers, owner(1)).await;
    let (looked, looks) = mpsc::channel();
    let pool = Arc::clone(&readers);
    let waiting = tokio::spawn(async move { pool.read_for(owner(1), Work::Page, move |_| Ok(looked.send(()))).await });
    tokio::task::yield_now().await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    drop((first, second));
    first_read.await.unwrap().unwrap();
    second_read.await.unwrap().unwrap();
    readers.read_for(owner(1), Work::Page, |_| Ok(())).await.unwrap();
    assert!(looks.recv().is_err(), "the look was dropped with its caller");
}

#[tokio::test]
async fn a_reader_with_too_many_reads_is_told_to_come_back() {
    let readers = pool();
    let pages = [held(&readers, owner(1)).await, held(&readers, owner(1)).await];
    let waiting: Vec<_> = (0..512).map(|_| readers.seats.line_up(owner(1), Work::Page).unwrap()).collect();
    let refused = readers.read_for(owner(1), Work::Page, |_| Ok(())).await;
    assert_eq!(refused, Err(StoreError::Unavailable("too many reads are waiting".to_owned())));
    readers.read_for(owner(2), Work::Page, |_| Ok(())).await.unwrap();
    drop(waiting);
    drop(pages);
    readers.read_for(owner(1), Work::Page, |_| Ok(())).await.unwrap();
}

#[tokio::test]
async fn a_read_that_panics_gives_its_connection_back() {
    let readers = pool();
    for _ in 0..2 * CONNECTIONS {
        let read = readers.read_for(owner(1), Work::Page, |_| -> rusqlite::Result<()> { panic!("on purpose") }).await;
        assert!(matches!(read, Err(StoreError::Unavailable(_))));
    }
    readers.read(|_| Ok(())).await.unwrap();
}

#[tokio::test]
async fn closing_waits_for_what_was_begun_and_refuses_what_waits() {
    let readers = pool();
    let pages = [held(&readers, owner(1)).await, held(&readers, owner(1)).await];
    let waiting = readers.seats.line_up(owner(1), Work::Page).unwrap();
    let pool = Arc::clone(&readers);
    let closing = tokio::spawn(async move { pool.close().await });
    assert!(waiting.await.is_err());
    assert!(!closing.is_finished());
    for (hold, read) in pages {
        drop(hold);
        read.await.unwrap().unwrap();
    }
    closing.await.unwrap();
    assert!(matches!(readers.read(|_| Ok(())).await, Err(StoreError::Unavailable(_))));
}
