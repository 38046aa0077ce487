//! The store on one SQLite file: one writer that commits concurrent calls as a group, and readers that never wait for
//! it.
//!
//! WAL with `synchronous=FULL`: when a call returns, its change survives the loss of power. The writer is a task with
//! the only connection that writes (`writer`); a second task copies the log into the file (`checkpoint`); `readers`
//! look at the last committed state. Each of the two has a thread where the [`Runtime`] has threads; in a simulation
//! the same code runs on one thread, and its order follows from the seed.

mod admission;
mod attempts;
mod audit;
mod blank;
mod broadcasts;
mod changes;
mod checkpoint;
mod counts;
mod dispatch;
mod erase;
mod event_logs;
mod events;
mod fault;
mod feed;
mod flights;
mod health;
mod holds;
mod inbound;
mod inbound_rows;
mod keys;
mod life;
mod list_state;
mod lists;
mod living;
mod lock;
mod matching;
mod media;
mod messages;
mod migrations;
mod named;
mod nodes;
mod operators;
mod opted;
mod optouts;
mod parked;
mod parked_load;
mod peppers;
mod place;
pub mod plans;
mod quota;
mod readers;
mod receipts;
mod requests;
mod retention;
mod rows;
mod schedule;
mod schema;
mod screening;
mod snapshot;
mod stop;
mod stopped;
mod templates;
mod tenants;
mod text_rules;
mod usage;
mod wait_index;
mod waiting;
mod waits;
mod webhooks;
mod windows;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runtime::Runtime;
use rusqlite::config::DbConfig;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, OpenFlags};

use keys::Keys;
use ledger::StoreError;
use ledger::contract::changes::tail::Tails;
use ledger::contract::dispatch::QueueDepth;
use ledger::contract::webhooks::EventBell;
use lock::Lock;
use readers::Readers;
use retention::Walking;
use windows::MemoryWindows;
use writer::Writer;

pub(crate) use snapshot::{Vacancy, copy_as_of_now, hold_copy};
pub(crate) use stopped::Stopped;

/// The store on one SQLite file.
pub struct Sqlite {
    runtime: Arc<dyn Runtime>,
    writer: Writer,
    readers: Readers,
    lock: Arc<Lock>,
    tails: Arc<Tails>,
    keys: Arc<Keys>,
    bell: EventBell,
    windows: MemoryWindows,
    /// Where the walks through old rows stand.
    walking: Mutex<Walking>,
    rows_per_page: usize,
    /// Whether a node that joins is the only one: the lock proves that other processes are gone.
    alone: bool,
    /// How many probes there were.
    probes: AtomicU64,
}

/// How long a connection waits for a lock that another one has.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The first version without the bug that could corrupt a file when its log was reset (present since 3.7.0).
const OLDEST_SOUND_VERSION: i32 = 3_051_003;

impl Sqlite {
    /// Opens or makes the file at `path` and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when another process has it open, it cannot be used, something is missing in its schema,
    /// or that is newer than this program.
    pub async fn open(path: PathBuf, runtime: Arc<dyn Runtime>) -> Result<Self, StoreError> {
        let take = move || {
            place::refuse_remains(&path)?;
            place::refuse_empty(&path)?;
            let lock = Lock::take(&path)?;
            place::refuse_remains(lock.path())?;
            Ok(lock)
        };
        Self::open_locked(runtime, take, place::rewrite, None).await
    }

    /// Opens or makes the file at `path` as [`Self::open`] does. Each statement that a connection of the store begins
    /// is given to `watch`, with parameters in place of values. For tests of what the store asks of SQLite ([`plans`]).
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_watched(
        path: PathBuf,
        runtime: Arc<dyn Runtime>,
        watch: Arc<dyn Fn(&str) + Send + Sync>,
    ) -> Result<Self, StoreError> {
        Self::open_locked(runtime, move || Lock::take(&path), place::rewrite, Some(watch)).await
    }

    /// Opens or makes the file at `path` of the SQLite VFS with the name `vfs`, as [`Self::open`] does on the machine.
    /// The lock of one store is SQLite's own, on the file `path`-lock of that VFS; the machine's file system is asked
    /// nothing. `rewrite` writes a file of that VFS once more as it is read, if there is one, and syncs it.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_on(
        vfs: &str,
        path: PathBuf,
        rewrite: impl FnOnce(&Path) -> io::Result<()> + Send + 'static,
        runtime: Arc<dyn Runtime>,
    ) -> Result<Self, StoreError> {
        let vfs = vfs.to_owned();
        Self::open_locked(runtime, move || Lock::take_on(vfs, &path), rewrite, None).await
    }

    async fn open_locked(
        runtime: Arc<dyn Runtime>,
        take: impl FnOnce() -> Result<Lock, StoreError> + Send + 'static,
        rewrite: impl FnOnce(&Path) -> io::Result<()> + Send + 'static,
        watch: Watch,
    ) -> Result<Self, StoreError> {
        let tasks = Arc::clone(&runtime);
        let opening = move || {
            if rusqlite::version_number() < OLDEST_SOUND_VERSION {
                return Err(StoreError::Refused(format!(
                    "SQLite {} is too old: 3.51.3 or newer is needed",
                    rusqlite::version()
                )));
            }
            let lock = take()?;
            // New commits are appended to what the log has. If an earlier process ended because a sync had failed, that
            // may be in the cache alone, and a loss of power would take all that is behind it.
            let log = place::beside(lock.path(), "-wal");
            rewrite(&log).map_err(|error| place::unusable(&log, &error))?;
            Self::on(lock, tasks, &watch)
        };
        let opened = runtime.run_blocking("store-open", opening).await;
        opened.unwrap_or_else(|ended| Err(StoreError::Refused(format!("opening the store {ended}"))))
    }

    /// The store whose file is locked.
    fn on(lock: Lock, runtime: Arc<dyn Runtime>, watch: &Watch) -> Result<Self, StoreError> {
        let (place, vfs) = (lock.path(), lock.vfs());
        let refused =
            |error: rusqlite::Error| StoreError::Refused(format!("cannot use the store {}: {error}", place.display()));
        migrations::refuse_foreign(&open(place, vfs, OpenFlags::default()).map_err(refused)?, place)?;
        let mut connection = connect(place, vfs, OpenFlags::default()).map_err(refused)?;
        migrations::run(&mut connection, place)?;
        let checkpointer = connect(place, vfs, OpenFlags::default()).map_err(refused)?;
        let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reader = || watched(connect(place, vfs, read_only)?, watch.clone());
        let readers = Readers::new(Arc::clone(&runtime), reader).map_err(refused)?;
        let connection = watched(connection, watch.clone()).map_err(refused)?;
        let lock = Arc::new(lock);
        let tails = Arc::new(Tails::default());
        let keys = Arc::new(Keys::default());
        let bell = EventBell::default();
        let writer = Writer::start(
            connection,
            checkpointer,
            Arc::clone(&lock),
            Arc::clone(&tails),
            Arc::clone(&keys),
            bell.clone(),
            &runtime,
        )?;
        let windows = MemoryWindows::default();
        Ok(Self {
            runtime,
            writer,
            readers,
            lock,
            tails,
            keys,
            bell,
            windows,
            walking: Mutex::default(),
            rows_per_page: lists::ROWS_PER_PAGE,
            alone: true,
            probes: AtomicU64::new(0),
        })
    }

    /// The same store, whose lists of messages look at so many rows for a page: with a few rows, a small list already
    /// meets the bound.
    #[must_use]
    pub const fn with_rows_per_page(mut self, rows: usize) -> Self {
        self.rows_per_page = rows;
        self
    }

    /// The same store for several nodes in this process: joining ends no other epoch. For tests and simulations of what
    /// nodes do to each other.
    #[must_use]
    pub const fn with_several_nodes(mut self) -> Self {
        self.alone = false;
        self
    }

    /// Looks at the file at `path`, tries whether it can be made or written there, and leaves everything as it was.
    /// Says what it found, in a sentence for the operator.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when [`Sqlite::open`] would be refused for what is in the file or where it lies.
    pub fn check(path: &Path) -> Result<String, StoreError> {
        let place = path.display();
        if Lock::is_taken(path) {
            return Ok(format!("{place} is in use by a running server"));
        }
        place::refuse_remains(path)?;
        place::refuse_empty(path)?;
        place::try_writing(path)?;
        if !path.exists() {
            return Ok(format!("{place} does not exist yet and will be created"));
        }
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(|error| refused(path, &error))?;
        let version = migrations::version(&connection, path)?;
        schema::verify(&connection, version, path)?;
        Ok(format!("{place} has schema version {version}"))
    }

    /// As [`crate::waiting`].
    pub fn waiting(path: &Path) -> Result<Vec<QueueDepth>, StoreError> {
        let read = || dispatch::queue_depths(&connect(path, None, OpenFlags::SQLITE_OPEN_READ_ONLY)?);
        read().map_err(|error| refused(path, &error))
    }
}

fn refused(path: &Path, error: &rusqlite::Error) -> StoreError {
    StoreError::Refused(format!("cannot use the store {}: {error}", path.display()))
}

/// A connection as SQLite makes it.
fn open(path: &Path, vfs: Option<&str>, flags: OpenFlags) -> rusqlite::Result<Connection> {
    match vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs),
        None => Connection::open_with_flags(path, flags),
    }
}

/// A connection with the settings that the promises rest on.
fn connect(path: &Path, vfs: Option<&str>, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = open(path, vfs, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(128);
    // Without this SQLite compiles a statement anew whenever its parameters might change the plan, which is at nearly
    // every use.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if !flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) {
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        // The checkpoint task decides when; the default would do it inside commits, and every 4 MB.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "journal_size_limit", checkpoint::LOG_BYTES_MAX)?;
        connection.pragma_update(None, "foreign_keys", "on")?;
        // What is deleted, and what moves to another page, is overwritten where that costs no further page. Otherwise
        // texts would stay in pages that were divided, where no erasure finds them.
        connection.pragma_update(None, "secure_delete", "fast")?;
    }
    // In KiB, for each connection: the working set of the indexes, not of the messages.
    connection.pragma_update(None, "cache_size", -8_192)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    Ok(connection)
}

/// What hears of each statement.
type Watch = Option<Arc<dyn Fn(&str) + Send + Sync>>;

/// The same connection, whose statements are watched.
fn watched(mut connection: Connection, watch: Watch) -> rusqlite::Result<Connection> {
    if let Some(watch) = watch {
        let tell = move |event: TraceEvent<'_>| {
            if let TraceEvent::Stmt(_, sql) = event {
                watch(sql);
            }
        };
        connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(tell))?;
    }
    Ok(connection)
}

/// What a failure of SQLite means to the caller.
fn store_error(error: &rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode as Code;
    use rusqlite::ffi;
    let text = error.to_string();
    let rusqlite::Error::SqliteFailure(failure, _) = error else { return StoreError::Unavailable(text) };
    match failure.code {
        // No room for the shared memory file is a full disk, not a broken one.
        Code::SystemIoFailure
            if matches!(
                failure.extended_code,
                ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_SHMOPEN | ffi::SQLITE_IOERR_SHMMAP
            ) =>
        {
            StoreError::Unavailable(text)
        }
        Code::SystemIoFailure | Code::DatabaseCorrupt | Code::NotADatabase => StoreError::Failed(text),
        _ => StoreError::Unavailable(text),
    }
}

/// An empty database in memory with the schema of this version.
#[cfg(test)]
pub(crate) fn in_memory() -> Connection {
    let connection = Connection::open_in_memory().expect("a database in memory");
    migrations::make(&connection, migrations::MIGRATIONS.len()).expect("its schema");
    connection
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_writes_waits_for_the_disk() {
        let directory = tempfile::tempdir().unwrap();
        let connection = connect(&directory.path().join("smsfactory.db"), None, OpenFlags::default()).unwrap();
        let setting = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        // 2 is FULL: in WAL mode every commit is an fsync of the log (SQLite, PRAGMA synchronous).
        assert_eq!((setting("synchronous"), setting("foreign_keys"), setting("wal_autocheckpoint")), (2, 1, 0));
        assert_eq!(connection.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0)).unwrap(), "wal");
    }

    /// Maintenance runs beside everything else, for ever: what it looks for is found by an index, and never by reading
    /// a table.
    #[test]
    fn every_statement_of_maintenance_uses_an_index() {
        let connection = Connection::open_in_memory().unwrap();
        migrations::MIGRATIONS.iter().for_each(|step| connection.execute_batch(step).unwrap());
        let statements = [
            changes::MAINTENANCE,
            dispatch::MAINTENANCE,
            parked::MAINTENANCE,
            waits::MAINTENANCE,
            flights::MAINTENANCE,
            schedule::MAINTENANCE,
            screening::MAINTENANCE,
            text_rules::MAINTENANCE,
            lists::MAINTENANCE,
            media::MAINTENANCE,
            opted::MAINTENANCE,
            operators::MAINTENANCE,
            audit::MAINTENANCE,
            &retention::maintenance(),
        ]
        .concat();
        let statements =
            statements.into_iter().map(str::to_owned).chain(erase::maintenance()).chain(inbound::maintenance());
        for sql in statements {
            let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let values = vec![rusqlite::types::Null; explain.parameter_count()];
            let plan = explain.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
            for step in plan.map(Result::unwrap) {
                assert!(!plans::reads_all(&step), "{step}\n{sql}");
            }
        }
    }

    #[test]
    fn a_failure_says_what_the_caller_does_next() {
        use rusqlite::ffi;
        for (code, wanted) in [
            (ffi::SQLITE_FULL, "unavailable"),
            (ffi::SQLITE_BUSY, "unavailable"),
            (ffi::SQLITE_READONLY, "unavailable"),
            (ffi::SQLITE_CONSTRAINT, "unavailable"),
            (ffi::SQLITE_IOERR_SHMSIZE, "unavailable"),
            (ffi::SQLITE_IOERR_FSYNC, "failed"),
            (ffi::SQLITE_IOERR_WRITE, "failed"),
            (ffi::SQLITE_IOERR_READ, "failed"),
            (ffi::SQLITE_CORRUPT, "failed"),
            (ffi::SQLITE_NOTADB, "failed"),
        ] {
            let told = match store_error(&rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)) {
                StoreError::Unavailable(_) => "unavailable",
                StoreError::Failed(_) => "failed",
                other => panic!("{other}"),
            };
            assert_eq!(told, wanted, "{code}");
        }
    }
}
