//! Copying the log into the file: a second task, so that no commit waits for it where tasks have threads.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use runtime::{Ended, Runtime, Task};
use rusqlite::Connection;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::fault::{Poison, fail};
use ledger::StoreError;

/// How many changed rows are let into the log before it is copied: about 16 MB of log.
const ROWS: u64 = 30_000;

/// How many pages of 4 KiB the log may have after a copy before the writer must let it begin anew.
const LOG_PAGES_MAX: i64 = 16_384;

/// The largest log, in bytes, that stays when it begins anew; a longer file is cut to it (SQLite,
/// `PRAGMA journal_size_limit`).
pub(super) const LOG_BYTES_MAX: i64 = LOG_PAGES_MAX * 4_096;

/// How often it is looked whether little is written.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How many changed rows between two looks are little: probes and sweeps alone.
const QUIET_ROWS: u64 = 100;

/// A log of so many pages, 1 MB, is not worth emptying while anything is written at all.
const SMALL_LOG_PAGES: i64 = 256;

/// The writer's side of the copier.
pub(super) struct Checkpointer {
    wake: Sender<()>,
    log_too_long: Arc<AtomicBool>,
    /// Rows changed since the start, for the copier's looks.
    written: Arc<AtomicU64>,
    rows: u64,
    task: Task,
}

impl Checkpointer {
    /// Starts the copier.
    ///
    /// # Errors
    /// Where there is no thread for it.
    pub(super) fn start(connection: Connection, runtime: &Arc<dyn Runtime>, poison: Poison) -> io::Result<Self> {
        // One pending wake-up says all that two would.
        let (wake, woken) = channel(1);
        let (log_too_long, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let copier = Copier {
            connection,
            log_too_long: Arc::clone(&log_too_long),
            written: Arc::clone(&written),
            rest: Rest::default(),
        };
        let task =
            runtime.spawn_thread("store-checkpoint", Box::pin(copier.run(woken, Arc::clone(runtime), poison)))?;
        Ok(Self { wake, log_too_long, written, rows: 0, task })
    }

    /// Tells of a commit that changed `rows` rows; `writer` is the connection that made it, between two groups.
    pub(super) fn committed(&mut self, rows: u64, writer: &Connection) {
        self.rows += rows;
        self.written.fetch_add(rows, Ordering::Relaxed);
        if self.rows >= ROWS {
            self.rows = 0;
            // Full: it is awake already. Closed: the copier is gone, and the last checkpoint is made at closing.
            let (Ok(()) | Err(TrySendError::Full(()) | TrySendError::Closed(()))) = self.wake.try_send(());
        }
        if self.log_too_long.swap(false, Ordering::Relaxed) {
            // Nobody writes now, so what little is left is copied and the next group begins the log anew.
            if let Err(error) = copy(writer) {
                tracing::warn!(%error, "Could not finish a checkpoint: {error}");
            }
        }
    }

    /// Ends the copier and copies what is left.
    pub(super) async fn finish(self, writer: Connection) {
        let Self { wake, task, .. } = self;
        drop(wake);
        // Its panics are failures of the store already.
        let _ = task.ended().await;
        if let Err(error) = copy(&writer) {
            tracing::warn!(%error, "Could not make the last checkpoint: {error}");
        }
    }
}

/// The copier's side.
struct Copier {
    connection: Connection,
    log_too_long: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    rest: Rest,
}

impl Copier {
    async fn run(mut self, mut woken: Receiver<()>, runtime: Arc<dyn Runtime>, poison: Poison) {
        loop {
            let is_asked = match runtime.timeout(LOOK_EVERY, woken.recv()).await {
                Ok(Some(())) => true,
                Ok(None) => return,
                Err(_) => false,
            };
            match catch_unwind(AssertUnwindSafe(|| self.step(is_asked))) {
                Ok(Ok(())) => {}
                // The log keeps everything; the next checkpoint tries again.
                Ok(Err(error)) => tracing::warn!(%error, "Could not make a checkpoint: {error}"),
                Err(panic) => {
                    // The log would grow until the disk is full.
                    let ended = Ended::by_panic(&*panic);
                    fail(&poison, StoreError::Failed(format!("the copier of the store's log {ended}")));
                    return;
                }
            }
        }
    }

    fn step(&mut self, is_asked: bool) -> rusqlite::Result<()> {
        if is_asked {
            self.log_too_long.store(copy(&self.connection)? > LOG_PAGES_MAX, Ordering::Relaxed);
            return Ok(());
        }
        self.rest.look(&self.connection, self.written.load(Ordering::Relaxed))
    }
}

/// Finds out whether little is written, and empties the log then: otherwise it would stay as long as it has grown.
#[derive(Default)]
struct Rest {
    /// Rows changed by the last look, and by the one that emptied the log.
    seen: u64,
    emptied: Option<u64>,
}

impl Rest {
    /// To be called now and then, with the rows changed since the start.
    fn look(&mut self, connection: &Connection, written: u64) -> rusqlite::Result<()> {
        let since = written - std::mem::replace(&mut self.seen, written);
        if since > QUIET_ROWS || self.emptied == Some(written) {
            return Ok(());
        }
        let pages = copy(connection)?;
        if (since == 0 || pages > SMALL_LOG_PAGES) && empty(connection)? {
            self.emptied = Some(written);
        }
        Ok(())
    }
}

/// Truncates the copied log. Returns false if a reader or writer is active: it waits for neither, so that no commit
/// waits for it.
fn empty(connection: &Connection) -> rusqlite::Result<bool> {
    // Hardly anything is left to copy now, so that the writer's lock is held for as long as it takes to cut a file. A
    // writer or reader that is at work keeps us out.
    connection.busy_timeout(Duration::ZERO)?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0)).map(|is_busy| !is_busy)
}

/// The same for the writer between two transactions, who copies first what is left. Says whether the log is empty.
pub(super) fn empty_now(writer: &Connection) -> bool {
    let emptied = copy(writer).and_then(|_| empty(writer));
    let waits = writer.busy_timeout(super::BUSY_TIMEOUT);
    emptied.and_then(|emptied| waits.map(|()| emptied)).unwrap_or_else(|error| {
        tracing::warn!(%error, "The write-ahead log of the store could not be emptied: {error}");
        false
    })
}

/// Copies what can be copied without waiting for anybody; returns how many pages the log has.
fn copy(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
}

#[cfg(test)]
mod tests {
    use rusqlite::OpenFlags;

    use super::*;
    use crate::sqlite::connect;

    #[test]
    fn a_log_at_rest_is_emptied_and_one_that_is_written_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("smsfactory.db");
        let log_bytes = || std::fs::metadata(directory.path().join("smsfactory.db-wal")).unwrap().len();
        let (writer, copier) =
            (connect(&file, None, OpenFlags::default()).unwrap(), connect(&file, None, OpenFlags::default()).unwrap());
        writer.execute_batch("CREATE TABLE t (x)").unwrap();
        let write = |bytes: u64| writer.execute("INSERT INTO t VALUES (randomblob(?1))", [bytes]).unwrap();
        let (mut rest, mut written) = (Rest::default(), 0);
        for _ in 0..2 {
            write(2_000_000);
            written += QUIET_ROWS + 1;
            rest.look(&copier, written).unwrap();
            assert!(log_bytes() > 2_000_000, "much was written since the last look");
        }
        rest.look(&copier, written).unwrap();
        assert_eq!(log_bytes(), 0, "nothing was");
        // A probe now and then neither keeps a long log as it is nor has a short one emptied again and again.
        for (bytes, is_emptied) in [(2_000_000, true), (100, false)] {
            write(bytes);
            written += 1;
            rest.look(&copier, written).unwrap();
            assert_eq!(log_bytes() == 0, is_emptied, "after {bytes} bytes");
        }
        write(2_000_000);
        let reader = connect(&file, None, OpenFlags::default()).unwrap();
        let snapshot = reader.unchecked_transaction().unwrap();
        snapshot.query_row("SELECT count(*) FROM t", [], |_| Ok(())).unwrap();
        rest.look(&copier, written + 1).unwrap();
        assert!(log_bytes() > 0, "a reader that looks at it keeps us out, and nobody waits");
        drop(snapshot);
        rest.look(&copier, written + 1).unwrap();
        assert_eq!(log_bytes(), 0);
    }

    #[test]
    fn a_log_that_has_grown_is_cut_when_it_begins_anew() {
        let directory = tempfile::tempdir().unwrap();
        let connection = connect(&directory.path().join("smsfactory.db"), None, OpenFlags::default()).unwrap();
        let limit: i64 = connection.pragma_query_value(None, "journal_size_limit", |row| row.get(0)).unwrap();
        assert_eq!(limit, LOG_BYTES_MAX);
    }
}
