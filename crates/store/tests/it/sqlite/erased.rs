//! What is erased is in no file any more: not in the database, and not in its log.

use std::path::Path;
use std::time::Duration;

use model::Message;
use store::contract::inbound::Arrival;

use crate::erase::{erase, person};
use crate::office::{Counter, HANDSET, OTHER, address, arrival, at, part};
use crate::sqlite::SqliteFile;
use crate::support::{Desk, NOW};

/// How often each of these is found in a file.
fn found(file: &Path, needles: &[&str]) -> Vec<usize> {
    let octets = std::fs::read(file).unwrap_or_default();
    needles.iter().map(|needle| octets.windows(needle.len()).filter(|one| *one == needle.as_bytes()).count()).collect()
}

/// A store with many messages of seven accounts, twenty of them to the person. `text` is what the others say.
async fn filled(file: &SqliteFile, text: impl Fn(u64) -> String) -> Desk {
    let desk = Desk::open(file).await;
    let accounts: Vec<_> = (0..7).map(|_| desk.account()).collect();
    let long = format!("a long secret {}", "x".repeat(1_400));
    for n in 0..3_000_u64 {
        let message = desk.message_at(accounts[(n % 7) as usize], NOW + Duration::from_millis(n));
        let message = match n % 300 {
            17 => Message { recipient: person(), body: Some("a short secret".into()), ..message },
            170 => Message { recipient: person(), body: Some(long.as_str().into()), ..message },
            _ => Message { body: Some(text(n).into()), ..message },
        };
        let key = format!("{:08}-{n}", n.wrapping_mul(2_654_435_761) % 100_000_000);
        if n % 2 == 0 {
            desk.sent(message, [&key]).await;
        } else {
            desk.admit(message).await;
        }
    }
    while desk.store.index_lists(NOW + Duration::from_secs(99), Duration::ZERO, 1_000).await.unwrap().filed > 0 {}
    desk
}

const SECRETS: [&str; 3] = ["a short secret", "a long secret", "12025550143"];

async fn erase_all(file: &SqliteFile, desk: &Desk) {
    let before: usize = [file.path(), file.log()].iter().flat_map(|file| found(file, &SECRETS)).sum();
    assert!(before > 40, "they were there: {before} times");
    let (erasure, _) = erase(desk).await;
    assert_eq!((erasure.counts.messages, erasure.counts.texts), (20, 20));
    assert!(desk.store.empty_log().await.unwrap());
    assert_eq!(found(&file.log(), &SECRETS), [0, 0, 0], "in the log");
}

#[tokio::test]
async fn no_octet_of_an_erased_person_is_left_in_the_file_or_its_log() {
    let file = SqliteFile::fresh();
    let desk = filled(&file, |n| format!("Your code is {n}")).await;
    erase_all(&file, &desk).await;
    assert_eq!(found(&file.path(), &SECRETS), [0, 0, 0], "in the file");
}

/// Where texts differ much in length, SQLite may leave a copy in the unused part of a page that it divided, which no
/// statement reaches. `docs/privacy.md` says so, and that a `VACUUM` removes it.
#[tokio::test]
async fn what_divided_pages_may_still_hold_goes_with_a_vacuum() {
    let file = SqliteFile::fresh();
    let desk = filled(&file, |n| "y".repeat((n * 211 % 1_900) as usize)).await;
    erase_all(&file, &desk).await;
    let left: usize = found(&file.path(), &SECRETS).iter().sum();
    assert!(left <= 4, "{left} copies are left of twenty messages");
    desk.store.close().await;
    file.connection().execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    assert_eq!(found(&file.path(), &SECRETS), [0, 0, 0], "in the file");
}

#[tokio::test]
async fn no_octet_that_an_erased_persons_handset_sent_is_left() {
    let file = SqliteFile::fresh();
    let counter = Counter::at(Desk::open(&file).await);
    for n in 0..400_u64 {
        let from = if n % 40 == 7 { HANDSET } else { OTHER };
        let text = if from == HANDSET { "a short secret".to_owned() } else { format!("My code is {n}") };
        counter.answer(Arrival { from: address(from), ..arrival(&text, at(n)) }).await;
    }
    counter.answer(part(1, 2, "a long secret", at(500))).await;
    let texts = [SECRETS[0], SECRETS[1], HANDSET];
    assert!(found(&file.log(), &texts).into_iter().all(|count| count > 0));
    let (erasure, _) = erase(&counter.desk).await;
    assert_eq!((erasure.counts.messages, erasure.counts.texts), (10, 10));
    assert!(counter.desk.store.empty_log().await.unwrap());
    assert_eq!(found(&file.log(), &texts), [0, 0, 0], "in the log");
    assert_eq!(found(&file.path(), &texts), [0, 0, 0], "in the file");
}
