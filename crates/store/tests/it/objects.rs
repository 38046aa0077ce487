//! Objects as files of a directory.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use bytes::Bytes;
use store::objects::{Directory, Objects};
use tempfile::TempDir;

fn place() -> (TempDir, Directory) {
    let place = TempDir::new().unwrap();
    let directory = Directory::open(place.path().join("media"), Arc::new(runtime::Machine::new())).unwrap();
    (place, directory)
}

#[tokio::test]
async fn what_is_put_is_there_until_it_is_removed() {
    let (place, directory) = place();
    let bytes = Bytes::from(vec![7; 1_048_576]);
    directory.put("abcdef-1", bytes.clone()).await.unwrap();
    directory.put("ab-2", Bytes::new()).await.unwrap();
    let again = Directory::open(place.path().join("media"), Arc::new(runtime::Machine::new())).unwrap();
    assert_eq!(again.get("abcdef-1").await.unwrap(), bytes);
    let mut names = again.names().await.unwrap();
    names.sort();
    assert_eq!(names, ["ab-2", "abcdef-1"]);
    for _ in 0..2 {
        again.remove("abcdef-1").await.unwrap();
    }
    assert_eq!(again.get("abcdef-1").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(again.names().await.unwrap(), ["ab-2"]);
}

#[test]
fn a_trial_says_whether_objects_could_be_kept_and_leaves_nothing() {
    let place = TempDir::new().unwrap();
    Directory::check(&place.path().join("not/there/yet")).unwrap();
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    std::fs::write(place.path().join("file"), b"").unwrap();
    assert!(Directory::check(&place.path().join("file")).unwrap_err().to_string().contains("file"));
    Directory::check(place.path()).unwrap();
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn only_their_owner_reads_them() {
    let (place, directory) = place();
    directory.put("abc-1", Bytes::from_static(b"x")).await.unwrap();
    for (path, mode) in [("media", 0o700), ("media/ab", 0o700), ("media/ab/abc-1", 0o600)] {
        assert_eq!(place.path().join(path).metadata().unwrap().permissions().mode() & 0o777, mode, "{path}");
    }
}

#[tokio::test]
async fn what_was_not_written_to_the_end_has_a_name_and_can_be_removed() {
    let (place, directory) = place();
    std::fs::write(place.path().join("media/tmp/abc-1"), b"half").unwrap();
    assert_eq!(directory.get("abc-1").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(directory.names().await.unwrap(), ["abc-1"]);
    directory.remove("abc-1").await.unwrap();
    assert!(directory.names().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_written_leaves_nothing() {
    let (place, directory) = place();
    // Where the shard should be there is a file.
    std::fs::write(place.path().join("media/ab"), b"").unwrap();
    directory.put("abc-1", Bytes::from_static(b"x")).await.unwrap_err();
    assert!(directory.names().await.unwrap().is_empty());
}
