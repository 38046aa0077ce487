//! SQLite: the conformance suite on it, and what its files promise.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use model::message::Direction;
use model::quota::UtcDay;
use model::status::SegmentFate;
use model::{Message, Mode, Owner, Status};
use runtime::Machine;
use rusqlite::Connection;
use store::contract::changes::{Change, Kind, Kinds, Resource};
use store::contract::lists::Indexed;
use store::contract::messages::{Admission, Admitted, MessageFilter, Quota};
use store::sqlite::Sqlite;
use store::{Store, StoreError};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::support::{Backend, Desk, admission, after, in_time, live, number, receipt};

conformance!(SqliteFile::fresh());

/// A directory of its own with one file.
pub(crate) struct SqliteFile(TempDir);

impl SqliteFile {
    pub(crate) fn fresh() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
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

/// A file with a store that holds a few messages and is closed.
async fn filled() -> SqliteFile {
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    desk.admit_many(desk.account(), 50).await;
    desk.store.close().await;
    file
}

#[tokio::test]
async fn a_url_that_is_not_understood_is_refused() {
    for url in [
        "",
        "sqlite",
        "sqlite:",
        "smsfactory.db",
        "mysql:host",
        "SQLITE:x",
        "sqlite::memory:",
        "sqlite:file:x?mode=memory",
        "sqlite:x/",
        "postgres://me:secret@h",
    ] {
        let sentence = refusal(url).await;
        assert!(sentence.contains("must be `sqlite:` and the path") && !sentence.contains("secret"), "{url}: {sentence}");
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
    assert!(store::check(&url).unwrap().contains("will be made") && !file.path().exists());
    let store = file.open().await;
    assert!(store::check(&url).unwrap().contains("in use by a running server"));
    store.close().await;
    let before = std::fs::read(file.path()).unwrap();
    assert!(store::check(&url).unwrap().contains("schema version"));
    assert!(std::fs::read(file.path()).unwrap() == before);
    file.connection().execute("INSERT INTO schema_version (version) VALUES (999)", []).unwrap();
    assert!(matches!(store::check(&url), Err(StoreError::Refused(sentence)) if sentence.contains("999")));
    assert!(matches!(store::check("mysql:host"), Err(StoreError::Refused(_))));
}

#[test]
fn a_look_at_a_store_that_cannot_be_made_says_why_and_makes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    for path in [Path::new("/proc/nope/x.db"), Path::new("/proc/x.db"), &file.join("x.db"), directory.path()] {
        match store::check(&format!("sqlite:{}", path.display())) {
            Err(StoreError::Refused(sentence)) => {
                assert!(sentence.contains("cannot") && sentence.contains(&*path.parent().unwrap().to_string_lossy()), "{sentence}");
            }
            other => panic!("{} can be made: {other:?}", path.display()),
        }
    }
    let deep = directory.path().join("a/b/c.db");
    assert!(store::check(&format!("sqlite:{}", deep.display())).unwrap().contains("will be made"));
    assert!(!directory.path().join("a").exists() && std::fs::read_dir(directory.path()).unwrap().count() == 1, "nothing is left of the trial");
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
        assert!(!versions.is_empty() && versions.iter().zip(1..).all(|(version, place)| *version == place), "{versions:?}");
        seen.push(versions);
    }
    assert!(seen.iter().all(|versions| *versions == seen[0]), "each step once: {seen:?}");
}

#[tokio::test]
async fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let text = SqliteFile::fresh();
    std::fs::write(text.path(), "Dear diary, ".repeat(1_000)).unwrap();
    let other_program = SqliteFile::fresh();
    other_program.connection().execute_batch("CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES ('La Mer')").unwrap();
    for file in [text, other_program] {
        let before = std::fs::read(file.path()).unwrap();
        let sentence = refusal_of(&file).await;
        assert!(sentence.contains("smsfactory.db"), "{sentence}");
        assert!(std::fs::read(file.path()).unwrap() == before, "not a byte of it is changed: {sentence}");
    }
}

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
            let mut kept: Vec<_> = copy.open().await.messages(None, MessageFilter::default(), None, 100).await.unwrap().messages;
            kept.reverse();
            assert!(kept.iter().map(|record| record.message.id).eq(admitted[..kept.len()].iter().copied()), "torn at {torn}, flipped: {flipped}");
            assert!(kept.len() >= kept_before, "a longer log holds no less");
            kept_before = if flipped { kept_before } else { kept.len() };
        }
    }
    assert_eq!(kept_before, admitted.len(), "the whole log holds everything");
}

/// A call that waits for the writer waits for a transaction of bounded size, however much others hand over at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_receipts_makes_no_transaction_long() {
    const RECEIPTS_EACH: usize = 200;
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    let largest = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&largest);
    desk.store.observe_commits(Box::new(move |sample| {
        seen.fetch_max(sample.group, Ordering::Relaxed);
    }));
    let mut tasks = JoinSet::new();
    for n in 0..200 {
        let store = Arc::clone(&desk.store);
        let flood = (0..RECEIPTS_EACH).map(|m| receipt([&format!("{n}-{m}"), "another reading"], SegmentFate::Delivered)).collect();
        tasks.spawn(async move { store.record_receipts(flood).await.unwrap().len() });
    }
    assert_eq!(tasks.join_all().await.iter().sum::<usize>(), 200 * RECEIPTS_EACH);
    // Each receipt is a row and two keys, and takes as many away again once there are enough.
    let most = 10_000 / (3 * RECEIPTS_EACH) + 1;
    assert!(largest.load(Ordering::Relaxed) <= most, "{largest:?} calls in one transaction, and no more than {most} fit");
}

/// Has SQLite refuse every message with this text, and with it the group that it is in.
fn refuse_text(file: &SqliteFile, text: &str, how: &str) {
    let body = format!("SELECT RAISE({how}, 'no room') WHERE NEW.body = '{text}'");
    file.connection().execute_batch(&format!("CREATE TRIGGER refuse AFTER INSERT ON messages BEGIN {body}; END")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_sqlite_refuses_leaves_nothing_and_its_quota_unused() {
    // ABORT leaves the transaction open, ROLLBACK ends it under the writer's feet.
    for how in ["ABORT", "ROLLBACK"] {
        let file = SqliteFile::fresh();
        let desk = Desk::open(&file).await;
        refuse_text(&file, "poison", how);
        let account = desk.account();
        let mut tasks = JoinSet::new();
        for n in 0..300 {
            let mut message = desk.message(account);
            message.body = Some(if n % 50 == 25 { "poison" } else { "fine" }.into());
            let (store, admission) = (Arc::clone(&desk.store), admission(message));
            tasks.spawn(async move { (admission.message.id, store.admit(admission).await) });
        }
        let mut admitted = 0;
        for (id, outcome) in tasks.join_all().await {
            let kept = desk.store.message_of_any_account(id).await.unwrap().is_some();
            match outcome {
                Ok(outcome) => assert!(outcome == Admitted::New && kept),
                Err(error) => assert!(matches!(error, StoreError::Unavailable(_)) && !kept, "{error}"),
            }
            admitted += u64::from(kept);
        }
        assert!(admitted <= 294, "no poison was admitted");
        for (limit, outcome) in [(admitted, Admitted::QuotaReached), (admitted + 1, Admitted::New)] {
            let message = desk.message(account);
            let quota = Quota { day: UtcDay::of(message.created_at), limit };
            assert_eq!(desk.try_admit(Admission { quota, ..admission(message) }).await, outcome, "{admitted} admitted, {how}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_is_rolled_back_leaves_no_change_and_the_log_no_gap() {
    for how in ["ABORT", "ROLLBACK"] {
        let file = SqliteFile::fresh();
        let desk = Desk::open(&file).await;
        desk.store.register_consumer("all", Kinds::of(&[Kind::Accepted])).await.unwrap();
        let tail = desk.store.subscribe(Kinds::of(&[Kind::Accepted]));
        refuse_text(&file, "poison", how);
        let mut tasks = JoinSet::new();
        for n in 0..300 {
            let mut message = desk.message(desk.account());
            message.body = Some(if n % 50 == 25 { "poison" } else { "fine" }.into());
            let (store, admission) = (Arc::clone(&desk.store), admission(message));
            tasks.spawn(async move { store.admit(admission).await });
        }
        let admitted = tasks.join_all().await.into_iter().filter(|outcome| outcome.is_ok()).count();
        // The file and its log, as a process that dies at this moment leaves them.
        let copy = SqliteFile::fresh();
        std::fs::copy(file.path(), copy.path()).unwrap();
        std::fs::copy(file.log(), copy.log()).unwrap();
        let store = copy.open().await;
        let page = store.messages(None, MessageFilter::default(), None, 1_000).await.unwrap();
        let changes = store.changes("all", 1_000).await.unwrap().changes;
        assert_eq!(changes.iter().map(|change| change.position.unwrap().seq).collect::<Vec<_>>(), (1..=admitted as u64).collect::<Vec<_>>(), "{how}");
        let noted = |changes: &[Change]| -> BTreeSet<_> {
            let id = |change: &Change| if let Resource::Message { id, .. } = change.resource { id } else { panic!("{change:?}") };
            changes.iter().map(id).collect()
        };
        assert_eq!(noted(&changes), page.messages.iter().map(|record| record.message.id).collect(), "{how}");
        assert_eq!(crate::changes::taken(&tail), changes, "the tail got what was committed, and nothing else");
    }
}

#[tokio::test]
async fn a_store_that_failed_promises_nothing_more() {
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    let id = desk.admit(desk.message(desk.account())).await;
    // As a disk does it that returns other bytes than it was given.
    let ruin = "PRAGMA writable_schema = on; UPDATE sqlite_schema SET rootpage = 99999 WHERE name = 'probe'; PRAGMA schema_version = 9999";
    file.connection().execute_batch(ruin).unwrap();
    for _ in 0..2 {
        let error = desk.store.probe().await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error}");
        let error = desk.store.admit(admission(desk.message(desk.account()))).await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error}");
    }
    in_time(async { assert!(matches!(desk.store.failed().await, StoreError::Failed(_))) }).await;
    desk.store.close().await;
    assert!(matches!(desk.store.probe().await, Err(StoreError::Unavailable(_))));
    drop((desk, id));
}

#[tokio::test]
async fn a_store_whose_state_cannot_be_read_again_after_a_rollback_promises_nothing_more() {
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    refuse_text(&file, "poison", "ABORT");
    file.connection().execute_batch("ALTER TABLE list_mark RENAME TO hidden").unwrap();
    let poison = Message { body: Some("poison".into()), ..desk.message(desk.account()) };
    let _ = desk.store.admit(admission(poison)).await.unwrap_err();
    let error = desk.store.admit(admission(desk.message(desk.account()))).await.unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)), "{error}");
    in_time(async { assert!(matches!(desk.store.failed().await, StoreError::Failed(_))) }).await;
}

/// A store with more live messages of an account than a page looks at: one to another number, then all the others, then two that were sent with a test key.
async fn long_list(file: &SqliteFile) -> (Arc<Desk>, Owner, Message, Vec<Message>) {
    const MESSAGES: usize = 20_500;
    let desk = Arc::new(Desk::open(file).await);
    let account = desk.account();
    let oldest = Message { recipient: number("+447700900123"), ..desk.message(account) };
    let tests: Vec<Message> = (0..2).map(|_| Message { mode: Mode::Test, ..desk.message(account) }).collect();
    desk.admit(oldest.clone()).await;
    let mut tasks = JoinSet::new();
    for message in (0..MESSAGES).map(|_| desk.message_at(account, after(1))).chain(tests.clone()) {
        let (desk, admission) = (Arc::clone(&desk), admission(message));
        tasks.spawn(async move { desk.try_admit(admission).await });
    }
    tasks.join_all().await;
    (desk, live(account), oldest, tests)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_longer_than_a_page_looks_at_is_walked_to_its_end() {
    let file = SqliteFile::fresh();
    let (desk, owner, oldest, _) = long_list(&file).await;
    let filter = MessageFilter { recipient: Some(oldest.recipient.clone()), ..MessageFilter::default() };
    for whose in [Some(owner), None] {
        let first = desk.store.messages(whose, filter.clone(), None, 10).await.unwrap();
        assert!(first.messages.is_empty() && first.next.is_some(), "a page looks at a bounded number of rows");
        let second = desk.store.messages(whose, filter.clone(), first.next, 10).await.unwrap();
        assert_eq!((second.messages.len(), second.next), (1, None));
        assert_eq!(second.messages[0].message.id, oldest.id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_an_indexed_list_looks_at_what_it_shows() {
    let file = SqliteFile::fresh();
    let (desk, owner, oldest, tests) = long_list(&file).await;
    while desk.store.index_lists(after(2), Duration::ZERO, 5_000).await.unwrap().oldest_missing.is_some() {}
    let any = MessageFilter::default;
    let to = || MessageFilter { recipient: Some(oldest.recipient.clone()), ..any() };
    let test = Owner { mode: Mode::Test, ..owner };
    for (whose, filter, shown) in [
        (Some(owner), to(), 1),
        (None, to(), 1),
        (Some(owner), MessageFilter { status: Some(Status::Queued), ..to() }, 1),
        (Some(owner), MessageFilter { status: Some(Status::Failed), ..any() }, 0),
        (Some(owner), MessageFilter { direction: Some(Direction::Inbound), ..any() }, 0),
        (None, MessageFilter { direction: Some(Direction::Inbound), ..any() }, 0),
        (Some(owner), MessageFilter { originator: Some(number("+447700900123")), ..any() }, 0),
        (Some(test), any(), tests.len()),
        (None, MessageFilter { mode: Some(Mode::Test), ..any() }, tests.len()),
        (None, MessageFilter { account: Some(owner.account), mode: Some(Mode::Test), ..any() }, tests.len()),
    ] {
        let page = desk.store.messages(whose, filter.clone(), None, 10).await.unwrap();
        assert_eq!((page.messages.len(), page.next), (shown, None), "{whose:?} {filter:?}");
    }
}

/// A file in which a page of a list of messages looks at two rows.
struct SmallPages(SqliteFile);

impl Backend for SmallPages {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(Sqlite::open(self.0.path(), Arc::new(Machine::new())).await.unwrap().with_rows_per_page(2))
    }

    async fn open_shared(&self) -> Arc<dyn Store> {
        self.open().await
    }
}

#[test]
fn pages_that_look_at_two_rows_show_the_same_list() {
    crate::lists::any_list_shows_what_is_there(|| SmallPages(SqliteFile::fresh()));
}

#[tokio::test]
async fn with_nothing_to_add_the_index_of_lists_writes_nothing() {
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    desk.admit_many(desk.account(), 3).await;
    // A step ends early where the machine is busy.
    let mut filed = 0;
    while filed < 3 {
        filed += desk.store.index_lists(after(60), Duration::ZERO, 10).await.unwrap().filed;
    }
    let written = || std::fs::metadata(file.log()).unwrap().len();
    let before = written();
    for secs in 61..64 {
        assert_eq!(desk.store.index_lists(after(secs), Duration::ZERO, 10).await.unwrap(), Indexed::default());
    }
    // The log may be emptied meanwhile, because little is written; it does not grow.
    assert!(written() <= before);
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
        assert!(sentence.contains("in use by another process") && sentence.contains(&name.display().to_string()), "{sentence}");
        assert!(store::check(&url).unwrap().contains("in use by a running server"), "{url}");
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
    assert!(matches!(store::check(&format!("sqlite:{}", file.path().display())), Err(StoreError::Refused(sentence)) if sentence.contains("missing or empty")));
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
    assert!(matches!(store::check(&format!("sqlite:{}", copy.path().display())), Err(StoreError::Refused(sentence)) if sentence.contains("is empty")));
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

#[tokio::test]
async fn a_schema_that_lacks_something_is_refused_by_its_name() {
    for (damage, named) in [
        ("DROP TABLE events", "table `events` is missing"),
        ("DROP TABLE delivery", "table `delivery` is missing"),
        ("DROP INDEX delivery_due", "index `delivery_due` is missing"),
        ("ALTER TABLE delivery DROP COLUMN unknown_outcomes", "table `delivery` is not the one of this version: `unknown_outcomes INTEGER NOT NULL DEFAULT 0`"),
        ("DROP TABLE quota; CREATE TABLE quota (account_id BLOB, day INTEGER, used INTEGER)", "table `quota` is not the one"),
        ("DROP INDEX delivery_expiry; CREATE INDEX delivery_expiry ON delivery (due_at)", "index `delivery_expiry` is not the one"),
    ] {
        let file = filled().await;
        file.connection().execute_batch(damage).unwrap();
        let sentence = refusal_of(&file).await;
        assert!(sentence.contains("smsfactory.db") && sentence.contains(named) && sentence.contains("restore a backup"), "{sentence}");
        let checked = store::check(&format!("sqlite:{}", file.path().display()));
        assert!(matches!(&checked, Err(StoreError::Refused(sentence)) if sentence.contains(named)), "{checked:?}");
    }
}

#[tokio::test]
async fn an_operators_index_and_statistics_are_no_damage() {
    let file = filled().await;
    file.connection().execute_batch("CREATE INDEX mine ON messages (recipient); CREATE TABLE notes (text TEXT); ANALYZE").unwrap();
    file.open().await.probe().await.unwrap();
}

#[tokio::test]
async fn a_probe_needs_the_room_that_messages_need() {
    let file = SqliteFile::fresh();
    let store = file.open().await;
    for _ in 0..3 {
        let before = std::fs::metadata(file.log()).unwrap().len();
        store.probe().await.unwrap();
        let grown = std::fs::metadata(file.log()).unwrap().len() - before;
        // An admission with its events and indexes changes about a dozen pages of 4 KiB.
        assert!(grown >= 64 << 10, "{grown}");
    }
}
