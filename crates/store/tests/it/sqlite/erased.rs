//! What is erased is in no file any more: not in the database, and not in its log.

use std::path::Path;
use std::time::Duration;

use model::Message;

use crate::erase::{erase, person};
use crate::sqlite::SqliteFile;
use crate::support::{Desk, NOW};

/// How often each of these is found in a file.
fn found(file: &Path, needles: &[&str]) -> Vec<usize> {
    let octets = std::fs::read(file).unwrap_or_default();
    needles.iter().map(|needle| octets.windows(needle.len()).filter(|one| *one == needle.as_bytes()).count()).collect()
}

#[tokio::test]
async fn no_octet_of_an_erased_person_is_left_in_the_file_or_its_log() {
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    let accounts: Vec<_> = (0..7).map(|_| desk.account()).collect();
    let long = format!("a long secret {}", "x".repeat(1_400));
    // Many others in between, so that rows lie everywhere and pages are full.
    for n in 0..3_000_u64 {
        let account = accounts[(n % 7) as usize];
        let message = desk.message_at(account, NOW + Duration::from_millis(n));
        let message = match n % 300 {
            17 => Message { recipient: person(), body: Some("a short secret".into()), ..message },
            170 => Message { recipient: person(), body: Some(long.as_str().into()), ..message },
            // Texts of every length, so that pages are divided at every place.
            _ => Message { body: Some("y".repeat((n * 211 % 1_900) as usize).into()), ..message },
        };
        let key = format!("{:08}-{n}", n.wrapping_mul(2_654_435_761) % 100_000_000);
        if n % 2 == 0 {
            desk.sent(message, [&key]).await;
        } else {
            desk.admit(message).await;
        }
    }
    while desk.store.index_lists(NOW + Duration::from_secs(99), Duration::ZERO, 1_000).await.unwrap().filed > 0 {}
    let needles = ["a short secret", "a long secret", "12025550143"];
    let before: Vec<_> = [file.path(), file.log()].iter().map(|file| found(file, &needles)).collect();
    assert!(before.iter().flatten().sum::<usize>() > 40, "they were there: {before:?}");
    let (erasure, _) = erase(&desk).await;
    assert_eq!((erasure.counts.messages, erasure.counts.texts), (20, 20));
    assert!(desk.store.empty_log().await.unwrap());
    for path in [file.path(), file.log()] {
        assert_eq!(found(&path, &needles), [0, 0, 0], "in {}", path.display());
    }
    desk.store.close().await;
}
