//! What the file and its log hold: whatever a process leaves behind at any moment is either whole or refused.

use store::StoreError;
use store::contract::messages::MessageFilter;

use super::{SqliteFile, check, filled, refusal_of};
use crate::support::{Backend, Desk};

#[tokio::test]
async fn a_file_cut_short_is_refused() {
    for part in [2, 3, 50] {
        let file = filled().await;
        let whole = std::fs::metadata(file.path()).unwrap().len();
        std::fs::File::options().write(true).open(file.path()).unwrap().set_len(whole / part).unwrap();
        assert!(refusal_of(&file).await.contains("smsfactory.db"), "1/{part} is left");
    }
}

#[tokio::test]
async fn the_file_is_in_wal_mode() {
    let file = filled().await;
    let mode: String = file.connection().query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[tokio::test]
async fn after_closing_the_main_file_holds_everything() {
    let file = filled().await;
    let copy = SqliteFile::fresh();
    std::fs::copy(file.path(), copy.path()).unwrap();
    assert!(!file.log().exists(), "what is in the file needs no log");
    let page = copy.open().await.messages(None, MessageFilter::default(), None, 100).await.unwrap();
    assert_eq!(page.messages.len(), 50);
    let verdict: String = copy.connection().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

#[tokio::test]
async fn what_was_answered_is_in_the_file_though_the_store_was_never_closed() {
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    let id = desk.admit(desk.message(desk.account())).await;
    // The file and its log, as a process that dies at this moment leaves them.
    let copy = SqliteFile::fresh();
    std::fs::copy(file.path(), copy.path()).unwrap();
    std::fs::copy(file.log(), copy.log()).unwrap();
    assert!(copy.open().await.message_of_any_account(id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_log_that_is_torn_anywhere_gives_back_what_lies_before() {
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    let admitted = desk.admit_many(desk.account(), 20).await;
    let log = std::fs::read(file.log()).unwrap();
    let mut kept_before = 0;
    for step in 0..=40 {
        let torn = log.len() * step / 40;
        for flipped in [false, true] {
            let copy = SqliteFile::fresh();
            std::fs::copy(file.path(), copy.path()).unwrap();
            let mut rest = log.clone();
            if flipped && torn < rest.len() {
                rest[torn] ^= 0x10;
            } else {
                rest.truncate(torn);
            }
            std::fs::write(copy.log(), rest).unwrap();
            // A beginning too short to hold the schema is an empty store; anything else would have to be one of ours.
            let mut kept: Vec<_> =
                copy.open().await.messages(None, MessageFilter::default(), None, 100).await.unwrap().messages;
            kept.reverse();
            assert!(
                kept.iter().map(|record| record.message.id).eq(admitted[..kept.len()].iter().copied()),
                "torn at {torn}, flipped: {flipped}"
            );
            assert!(kept.len() >= kept_before, "a longer log holds no less");
            kept_before = if flipped { kept_before } else { kept.len() };
        }
    }
    assert_eq!(kept_before, admitted.len(), "the whole log holds everything");
}

#[tokio::test]
async fn a_store_cut_to_nothing_beside_its_log_is_refused() {
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    desk.admit_many(desk.account(), 3).await;
    let copy = SqliteFile::fresh();
    std::fs::copy(file.log(), copy.log()).unwrap();
    std::fs::write(copy.path(), "").unwrap();
    let log = std::fs::read(copy.log()).unwrap();
    assert!(refusal_of(&copy).await.contains("missing or empty"));
    assert!(std::fs::read(copy.log()).unwrap() == log, "its changes can still be saved");
    // Without its log it is no new store either: what was in it is lost.
    std::fs::remove_file(copy.log()).unwrap();
    assert!(refusal_of(&copy).await.contains("is empty, which a store never is"));
    assert!(matches!(
        check(&format!("sqlite:{}", copy.path().display())).await,
        Err(StoreError::Refused(sentence)) if sentence.contains("is empty")
    ));
    std::fs::remove_file(copy.path()).unwrap();
    copy.open().await.probe().await.unwrap();
}

#[tokio::test]
async fn a_store_is_copied_while_it_is_open() {
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    desk.admit_many(desk.account(), 20).await;
    let copy = SqliteFile::fresh();
    file.connection().execute("VACUUM INTO ?1", [copy.path().to_str().unwrap()]).unwrap();
    desk.admit_many(desk.account(), 1).await;
    let page = copy.open().await.messages(None, MessageFilter::default(), None, 100).await.unwrap();
    assert_eq!(page.messages.len(), 20);
}
