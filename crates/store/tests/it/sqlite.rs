//! SQLite: the conformance suite on it, and who may open which file.

mod durability;
mod erased;
mod groups;
mod pages;
mod retention;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Moment;
use runtime::Machine;
use rusqlite::Connection;
use store::contract::dispatch::QueueDepth;
use store::sqlite::Sqlite;
use store::{Store, StoreError};
use tempfile::TempDir;

use crate::support::{Backend, Desk, NODE, NOW};

conformance!(SqliteFile::fresh());

/// A directory of its own with one file.
pub(crate) struct SqliteFile(TempDir);

impl SqliteFile {
    pub(crate) fn fresh() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("smsfactory.db")
    }

    /// Where SQLite writes what is not in the file yet.
    fn log(&self) -> PathBuf {
        self.0.path().join("smsfactory.db-wal")
    }

    /// A connection past the store, for looking at its file and for breaking it.
    pub(crate) fn connection(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }
}

impl Backend for SqliteFile {
    async fn open(&self) -> Arc<dyn Store> {
        open(&self.path()).await.unwrap()
    }

    async fn open_shared(&self) -> Arc<dyn Store> {
        Arc::new(Sqlite::open(self.path(), Arc::new(runtime::Machine::new())).await.unwrap().with_several_nodes())
    }
}

async fn open(path: &Path) -> Result<Arc<dyn Store>, StoreError> {
    store::open(&format!("sqlite:{}", path.display()), Arc::new(Machine::new())).await
}

/// The sentence with which a store was refused.
async fn refusal(url: &str) -> String {
    match store::open(url, Arc::new(Machine::new())).await.map(drop) {
        Err(StoreError::Refused(sentence)) => sentence,
        other => panic!("`{url}` is not refused: {other:?}"),
    }
}

async fn refusal_of(file: &SqliteFile) -> String {
    refusal(&format!("sqlite:{}", file.path().display())).await
}

/// What a look at a store finds.
async fn check(url: &str) -> Result<String, StoreError> {
    store::check(url, Arc::new(Machine::new())).await.map(|checked| checked.found)
}

/// What waits in a store.
async fn waiting(url: &str) -> Result<Vec<QueueDepth>, StoreError> {
    store::waiting(url, Arc::new(Machine::new())).await
}

/// A file with a store that holds a few messages and is closed.
async fn filled() -> SqliteFile {
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    desk.admit_many(desk.account(), 50).await;
    desk.store.close().await;
    file
}

#[tokio::test]
async fn a_start_ends_every_earlier_one_whatever_its_name() {
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    desk.store.join("other".to_owned(), "0".to_owned(), Moment::of(NOW)).await.unwrap();
    assert_eq!(desk.store.renew(NODE, NOW).await, Err(StoreError::Over));
}

#[tokio::test]
async fn a_url_that_is_not_understood_is_refused() {
    for url in [
        "",
        "sqlite",
        "sqlite:",
        "smsfactory.db",
        "mysql:host",
        "postgres:host",
        "SQLITE:x",
        "sqlite::memory:",
        "sqlite:file:x?mode=memory",
        "sqlite:x/",
        "mysql://me:secret@h/x",
    ] {
        let sentence = refusal(url).await;
        assert!(
            sentence.contains("must be `sqlite:` and the path") && !sentence.contains("secret"),
            "{url}: {sentence}"
        );
    }
}

#[tokio::test]
async fn a_path_that_cannot_be_used_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let taken = directory.path().join("smsfactory.db");
    std::fs::create_dir(&taken).unwrap();
    for path in [directory.path().join("missing/smsfactory.db"), taken] {
        let sentence = refusal(&format!("sqlite:{}", path.display())).await;
        assert!(sentence.contains(&path.display().to_string()), "{sentence}");
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let file = filled().await;
    file.connection().execute("INSERT INTO schema_version (version) VALUES (999)", []).unwrap();
    let before = std::fs::read(file.path()).unwrap();
    let sentence = refusal_of(&file).await;
    assert!(sentence.contains("999") && sentence.contains("run the newer program"), "{sentence}");
    assert!(std::fs::read(file.path()).unwrap() == before, "not a byte of it is changed");
}

#[tokio::test]
async fn a_store_is_opened_once_at_a_time() {
    let file = SqliteFile::fresh();
    let first = file.open().await;
    assert!(refusal_of(&file).await.contains("in use by another process"));
    first.probe().await.unwrap();
    first.close().await;
    let second = file.open().await;
    second.probe().await.unwrap();
    second.close().await;
}

#[tokio::test]
async fn a_look_at_a_store_says_how_it_is_and_changes_nothing() {
    let file = SqliteFile::fresh();
    let url = format!("sqlite:{}", file.path().display());
    assert!(check(&url).await.unwrap().contains("will be created") && !file.path().exists());
    assert!(waiting(&url).await.unwrap().is_empty() && !file.path().exists());
    let store = file.open().await;
    assert!(check(&url).await.unwrap().contains("in use by a running server"));
    store.close().await;
    let before = std::fs::read(file.path()).unwrap();
    assert!(check(&url).await.unwrap().contains("schema version"));
    assert_eq!(waiting(&url).await, Ok(Vec::new()));
    assert!(std::fs::read(file.path()).unwrap() == before);
    file.connection().execute("INSERT INTO schema_version (version) VALUES (999)", []).unwrap();
    assert!(matches!(check(&url).await, Err(StoreError::Refused(sentence)) if sentence.contains("999")));
    assert!(matches!(check("mysql:host").await, Err(StoreError::Refused(_))));
}

#[tokio::test]
async fn a_look_at_a_store_that_cannot_be_made_says_why_and_makes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    for path in [Path::new("/proc/nope/x.db"), Path::new("/proc/x.db"), &file.join("x.db"), directory.path()] {
        match check(&format!("sqlite:{}", path.display())).await {
            Err(StoreError::Refused(sentence)) => {
                assert!(
                    sentence.contains("cannot") && sentence.contains(&*path.parent().unwrap().to_string_lossy()),
                    "{sentence}"
                );
            }
            other => panic!("{} can be made: {other:?}", path.display()),
        }
    }
    let deep = directory.path().join("a/b/c.db");
    assert!(check(&format!("sqlite:{}", deep.display())).await.unwrap().contains("will be created"));
    assert!(
        !directory.path().join("a").exists() && std::fs::read_dir(directory.path()).unwrap().count() == 1,
        "nothing is left of the trial"
    );
}

#[tokio::test]
async fn nobody_but_its_owner_reads_a_store() {
    use std::os::unix::fs::PermissionsExt;
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    desk.admit_many(desk.account(), 1).await;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(file.0.path()).unwrap() {
        let entry = entry.unwrap();
        names.push(entry.file_name().into_string().unwrap());
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
    names.sort();
    assert_eq!(names, ["smsfactory.db", "smsfactory.db-shm", "smsfactory.db-wal"]);
}

#[test]
fn the_bundled_sqlite_has_no_known_bug_of_its_log() {
    // 3.51.3 mends one that could corrupt a file when its log was reset. An older one is refused at every opening.
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}

#[tokio::test]
async fn migrations_run_once_and_forward() {
    let file = SqliteFile::fresh();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let store = file.open().await;
        store.probe().await.unwrap();
        store.close().await;
        let connection = file.connection();
        let mut select = connection.prepare("SELECT version FROM schema_version ORDER BY rowid").unwrap();
        let versions: Vec<i64> = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert!(
            !versions.is_empty() && versions.iter().zip(1..).all(|(version, place)| *version == place),
            "{versions:?}"
        );
        seen.push(versions);
    }
    assert!(seen.iter().all(|versions| *versions == seen[0]), "each step once: {seen:?}");
}

#[tokio::test]
async fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let text = SqliteFile::fresh();
    std::fs::write(text.path(), "Dear diary, ".repeat(1_000)).unwrap();
    let other_program = SqliteFile::fresh();
    other_program
        .connection()
        .execute_batch("CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES ('La Mer')")
        .unwrap();
    for file in [text, other_program] {
        let before = std::fs::read(file.path()).unwrap();
        let sentence = refusal_of(&file).await;
        assert!(sentence.contains("smsfactory.db"), "{sentence}");
        assert!(std::fs::read(file.path()).unwrap() == before, "not a byte of it is changed: {sentence}");
    }
}

/// Another process's look at a path: whether it could take the lock of the file there, as a second server would.
fn another_process_may_lock(path: &Path) -> bool {
    std::process::Command::new("flock").arg("--nonblock").arg(path).arg("true").status().unwrap().success()
}

#[tokio::test]
async fn a_store_is_locked_by_whatever_name_it_is_reached() {
    let file = SqliteFile::fresh();
    let store = file.open().await;
    let place = file.0.path();
    let (symbolic, hard, moved) = (place.join("symbolic.db"), place.join("hard.db"), place.join("moved.db"));
    std::os::unix::fs::symlink(file.path(), &symbolic).unwrap();
    std::fs::hard_link(file.path(), &hard).unwrap();
    let indirect = place.join("..").join(place.file_name().unwrap()).join("smsfactory.db");
    for name in [&file.path(), &symbolic, &hard, &indirect] {
        let url = format!("sqlite:{}", name.display());
        let sentence = refusal(&url).await;
        assert!(
            sentence.contains("in use by another process") && sentence.contains(&name.display().to_string()),
            "{sentence}"
        );
        assert!(check(&url).await.unwrap().contains("in use by a running server"), "{url}");
        assert!(!another_process_may_lock(name), "{}", name.display());
    }
    std::fs::rename(file.path(), &moved).unwrap();
    assert!(!another_process_may_lock(&moved));
    assert!(refusal(&format!("sqlite:{}", moved.display())).await.contains("in use by another process"));
    std::fs::rename(&moved, file.path()).unwrap();
    store.close().await;
    assert!(another_process_may_lock(&file.path()));
    open(&symbolic).await.unwrap().close().await;
}

#[tokio::test]
async fn a_store_that_is_moved_away_while_it_is_open_is_not_replaced_by_a_new_one() {
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    let id = desk.admit(desk.message(desk.account())).await;
    let moved = file.0.path().join("moved.db");
    std::fs::rename(file.path(), &moved).unwrap();
    let log = std::fs::read(file.log()).unwrap();
    let sentence = refusal_of(&file).await;
    assert!(sentence.contains("missing or empty") && sentence.contains("smsfactory.db-wal"), "{sentence}");
    assert!(matches!(
        check(&format!("sqlite:{}", file.path().display())).await,
        Err(StoreError::Refused(sentence)) if sentence.contains("missing or empty")
    ));
    assert!(!file.path().exists() && std::fs::read(file.log()).unwrap() == log, "nothing is made and nothing removed");
    let error = desk.store.probe().await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(why) if why.contains("moved or removed")), "{error}");
    let admitted = desk.store.admit(crate::support::admission(desk.message(desk.account()))).await;
    assert!(matches!(&admitted, Err(StoreError::Unavailable(why)) if why.contains("moved or removed")), "{admitted:?}");
    std::fs::rename(&moved, file.path()).unwrap();
    desk.store.probe().await.unwrap();
    assert!(desk.store.message_of_any_account(id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_schema_that_lacks_something_is_refused_by_its_name() {
    for (damage, named) in [
        ("DROP TABLE events", "table `events` is missing"),
        ("DROP TABLE delivery", "table `delivery` is missing"),
        ("DROP INDEX delivery_due", "index `delivery_due` is missing"),
        (
            "ALTER TABLE delivery DROP COLUMN unknown_outcomes",
            "table `delivery` is not the one of this version: `unknown_outcomes INTEGER NOT NULL DEFAULT 0`",
        ),
        (
            "DROP TABLE quota; CREATE TABLE quota (account_id BLOB, day INTEGER, used INTEGER)",
            "table `quota` is not the one",
        ),
        (
            "DROP INDEX delivery_expiry; CREATE INDEX delivery_expiry ON delivery (due_at)",
            "index `delivery_expiry` is not the one",
        ),
    ] {
        let file = filled().await;
        file.connection().execute_batch(damage).unwrap();
        let sentence = refusal_of(&file).await;
        assert!(
            sentence.contains("smsfactory.db") && sentence.contains(named) && sentence.contains("restore a backup"),
            "{sentence}"
        );
        let checked = check(&format!("sqlite:{}", file.path().display())).await;
        assert!(matches!(&checked, Err(StoreError::Refused(sentence)) if sentence.contains(named)), "{checked:?}");
    }
}

#[tokio::test]
async fn an_operators_index_and_statistics_are_no_damage() {
    let file = filled().await;
    file.connection()
        .execute_batch("CREATE INDEX mine ON messages (recipient); CREATE TABLE notes (text TEXT); ANALYZE")
        .unwrap();
    file.open().await.probe().await.unwrap();
}

#[tokio::test]
async fn a_scheduled_message_that_cannot_be_read_is_told_of_among_the_others() {
    let file = SqliteFile::fresh();
    let mut desk = Desk::open(&file).await;
    let [broken, other] = crate::schedule::two_scheduled(&desk).await;
    desk.store.close().await;
    let id = broken.to_bytes();
    file.connection().execute("UPDATE messages SET kind = 'fax' WHERE id = ?1", [id]).unwrap();
    desk.reopen(&file).await;
    crate::schedule::one_cannot_be_read(&desk, broken, other).await;
}
