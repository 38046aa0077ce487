//! A backup of a store that is used, and a store made of it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use model::MessageId;
use model::key::SecretDigest;
use runtime::Machine;
use store::backup::{self, Place, Restored, Sources};
use store::contract::holds::{Hold, Waiting};
use store::objects::{Directory, Objects};
use store::sqlite::Sqlite;
use store::{Store, StoreError};

use crate::support::{Desk, NOW, after};

const PEPPER: SecretDigest = SecretDigest::from_bytes([5; 32]);

/// A place with a store, media, and room for backups.
struct Site {
    directory: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn url(&self, name: &str) -> String {
        format!("sqlite:{}", self.at(name).display())
    }

    async fn open(&self, name: &str) -> Arc<dyn Store> {
        Arc::new(Sqlite::open(self.at(name), Arc::new(Machine::new())).await.unwrap())
    }

    fn sources(&self) -> Sources {
        Sources { store: self.url("store.db"), media: Some(self.at("media")), program: "0".to_owned() }
    }

    fn make(&self, to: &str) -> Result<backup::Made, StoreError> {
        backup::make(&self.sources(), &self.at(to), NOW, &mut |_| {})
    }

    fn restore(&self, from: &str) -> Result<Restored, StoreError> {
        let manifest = backup::read(&self.at(from))?;
        backup::verify(&self.at(from), &manifest, &mut |_| {})?;
        let place = Place {
            store: self.url("new/store.db"),
            media: Some(self.at("new/media")),
            verifier: PEPPER,
            previous: None,
        };
        backup::restore(&self.at(from), &manifest, &place, after(100), &mut |_| {})
    }

    /// What is in the place of the restore.
    fn files(&self, name: &str) -> BTreeSet<String> {
        walked(&self.at(name)).into_iter().map(|path| path.to_string_lossy().into_owned()).collect()
    }
}

fn walked(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![root.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    found
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn refusal<T: std::fmt::Debug>(done: Result<T, StoreError>) -> String {
    match done {
        Err(StoreError::Refused(words)) => words,
        other => panic!("{other:?}"),
    }
}

/// A site with a stopped store of three messages and one file of media, and a backup of it.
async fn site() -> Site {
    let site = Site::new();
    let desk = Desk::at(site.open("store.db").await).await;
    desk.store.adopt_pepper(PEPPER, None, NOW).await.unwrap();
    let account = desk.account();
    desk.store.create_account(crate::tenants::account(account)).await.unwrap();
    desk.admit_many(account, 2).await;
    desk.attempted(desk.message(account)).await;
    desk.store.close().await;
    let media = Directory::open(site.at("media"), Arc::new(Machine::new())).unwrap();
    media.put("abc", Bytes::from_static(b"a picture")).await.unwrap();
    site.make("backup").unwrap();
    site
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_beside_writes_has_what_was_promised_before_it_began() {
    let site = Site::new();
    let desk = Desk::at(site.open("store.db").await).await;
    let account = desk.account();
    let before: Vec<MessageId> = desk.admit_many(account, 200).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writing = {
        let (stop, store) = (Arc::clone(&stop), Arc::clone(&desk.store));
        let messages: Vec<_> = (0..20_000).map(|_| desk.message(account)).collect();
        tokio::spawn(async move {
            let mut count = 0;
            for message in messages {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                store.admit(crate::support::admission(message)).await.unwrap();
                count += 1;
            }
            count
        })
    };
    // Writes go on while each is made.
    let (sources, to) = (site.sources(), site.directory.path().to_owned());
    let made = tokio::task::spawn_blocking(move || {
        for number in 0..5 {
            backup::make(&sources, &to.join(number.to_string()), NOW, &mut |_| {}).unwrap();
        }
    });
    made.await.unwrap();
    stop.store(true, Ordering::Relaxed);
    assert!(writing.await.unwrap() > 0);
    desk.store.close().await;
    let mut counts = Vec::new();
    for number in 0..5 {
        let copy = site.at(&format!("{number}/store.db"));
        assert_eq!(mode(&copy), 0o600);
        let store = Sqlite::open(copy, Arc::new(Machine::new())).await.unwrap();
        for id in &before {
            assert!(store::Messages::message_of_any_account(&store, *id).await.unwrap().is_some(), "{id}");
        }
        counts.push(store::Holds::waiting_in_all(&store, NOW).await.unwrap().queued);
        store::Health::close(&store).await;
    }
    assert!(counts.is_sorted() && counts[0] >= 200, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_store_is_held_private_and_whole() {
    let site = site().await;
    let backup = site.at("backup");
    let files = BTreeSet::from(["manifest.json", "store.db", "media/ab/abc"].map(str::to_owned));
    assert_eq!(site.files("backup"), files);
    for directory in ["backup", "backup/media", "backup/media/ab"] {
        assert_eq!(mode(&site.at(directory)), 0o700, "{directory}");
    }
    for file in walked(&backup) {
        assert_eq!(mode(&backup.join(&file)), 0o600, "{}", file.display());
        // As a copy on another disk may be.
        fs::set_permissions(backup.join(&file), fs::Permissions::from_mode(0o644)).unwrap();
    }
    let restored = site.restore("backup").unwrap();
    let waiting = Waiting { queued: 3, under_way: 1, broadcasts: 0, recipients: 0, scheduled: 0, overdue: 0 };
    assert_eq!(restored, Restored { waiting, is_pepper_known: true });
    assert_eq!(site.files("new"), BTreeSet::from(["store.db", "media/ab/abc"].map(str::to_owned)));
    for (path, wanted) in [
        ("new", 0o700),
        ("new/store.db", 0o600),
        ("new/media", 0o700),
        ("new/media/ab", 0o700),
        ("new/media/ab/abc", 0o600),
    ] {
        assert_eq!(mode(&site.at(path)), wanted, "{path}");
    }
    let store = site.open("new/store.db").await;
    assert_eq!(store.held().await, Ok(Some(Hold { since: after(100), backed_up_at: NOW })));
    assert_eq!(store.waiting_in_all(NOW).await, Ok(waiting));
    store.close().await;
    assert!(refusal(site.restore("backup")).contains("accounts or messages"), "it is not replaced");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_with_another_octet_or_a_missing_file_is_refused_by_name() {
    let site = site().await;
    for (file, octets) in [("store.db", &b"SQLite format 3"[..]), ("media/ab/abc", b"a pictura")] {
        let path = site.at("backup").join(file);
        let before = fs::read(&path).unwrap();
        fs::write(&path, octets).unwrap();
        let told = refusal(site.restore("backup"));
        assert!(told.contains(file) && told.contains("SHA-256"), "{told}");
        fs::remove_file(&path).unwrap();
        assert!(refusal(site.restore("backup")).contains(file));
        fs::write(&path, before).unwrap();
    }
    let manifest = site.at("backup/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    for (from, to, told) in [
        ("media/ab/abc", "media/../../abc", "is not a file of a backup"),
        ("\"format\": 1", "\"format\": 2", "form 2"),
        ("\"madeAt\": \"2", "\"madeAt\": \"x", "`madeAt` is no time"),
    ] {
        assert!(text.contains(from), "{text}");
        fs::write(&manifest, text.replace(from, to)).unwrap();
        assert!(refusal(site.restore("backup")).contains(told), "{told}");
    }
    fs::write(&manifest, text).unwrap();
    assert!(site.files("new").is_empty(), "nothing was made of any of them");
    site.restore("backup").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_with_something_in_it_is_left_alone() {
    let site = site().await;
    assert!(refusal(site.make("backup")).contains("is not empty"));
    fs::create_dir(site.at("empty")).unwrap();
    site.make("empty").unwrap();
    assert_eq!(mode(&site.at("empty")), 0o700);
    assert_eq!(site.files("empty"), site.files("backup"));
    // One that was killed is begun again.
    fs::create_dir(site.at(".third.unfinished")).unwrap();
    fs::write(site.at(".third.unfinished/store.db"), b"half").unwrap();
    site.make("third").unwrap();
    assert_eq!(site.files("third"), site.files("backup"));
    assert!(!site.at(".third.unfinished").exists());
    let mut elsewhere = site.sources();
    elsewhere.store = site.url("nowhere.db");
    let told = refusal(backup::make(&elsewhere, &site.at("fourth"), NOW, &mut |_| {}));
    assert!(told.contains("there is no store at"), "{told}");
    assert!(!site.at("fourth").exists() && !site.at(".fourth.unfinished").exists(), "nothing is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_restore_left_is_no_store_and_is_removed_by_the_next_one() {
    let site = site().await;
    // As far as one may have come: some media in their place, the store beside its own.
    fs::create_dir_all(site.at("new/media/.restoring/ab")).unwrap();
    fs::create_dir_all(site.at("new/media/ab")).unwrap();
    fs::write(site.at("new/media/ab/abc"), b"half").unwrap();
    fs::write(site.at("new/media/.restoring/ab/abd"), b"half").unwrap();
    fs::write(site.at("new/store.db.restoring"), b"half").unwrap();
    site.restore("backup").unwrap();
    assert_eq!(site.files("new"), BTreeSet::from(["store.db", "media/ab/abc"].map(str::to_owned)));
    assert_eq!(fs::read(site.at("new/media/ab/abc")).unwrap(), b"a picture");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_store_without_anything_in_it_gives_way() {
    let site = site().await;
    fs::create_dir(site.at("new")).unwrap();
    let empty = site.open("new/store.db").await;
    assert!(refusal(site.restore("backup")).contains("is in use by another process"));
    empty.close().await;
    drop(empty);
    fs::create_dir_all(site.at("new/media/cd")).unwrap();
    fs::write(site.at("new/media/cd/cde"), b"of another store").unwrap();
    assert!(refusal(site.restore("backup")).contains("holds media"));
    fs::remove_file(site.at("new/media/cd/cde")).unwrap();
    site.restore("backup").unwrap();
    let store = site.open("new/store.db").await;
    assert_eq!(store.waiting_in_all(NOW).await.map(|waiting| waiting.queued), Ok(3));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_under_another_pepper_is_refused_and_leaves_nothing() {
    let site = site().await;
    let manifest = backup::read(&site.at("backup")).unwrap();
    let place = |previous| Place {
        store: site.url("new/store.db"),
        media: Some(site.at("new/media")),
        verifier: SecretDigest::from_bytes([6; 32]),
        previous,
    };
    let restore = |place: &Place| backup::restore(&site.at("backup"), &manifest, place, NOW, &mut |_| {});
    let told = refusal(restore(&place(None)));
    assert!(told.contains("`keys.pepper` is not the pepper"), "{told}");
    assert!(site.files("new").is_empty(), "{:?}", site.files("new"));
    restore(&place(Some(PEPPER))).unwrap();
}
