//! Copying the log into the file, on a thread of its own, so that no commit waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

/// How many changed rows are let into the log before it is copied: about 16 MB of log.
const ROWS: u64 = 30_000;

/// How many pages of 4 KiB the log may have after a copy before the writer must let it begin anew.
const LOG_PAGES_MAX: i64 = 16_384;

/// The largest log, in bytes, that stays when it begins anew; a longer file is cut to it (SQLite, `PRAGMA journal_size_limit`).
pub(super) const LOG_BYTES_MAX: i64 = LOG_PAGES_MAX * 4_096;

/// After so long without a commit the log is copied and emptied.
const AT_REST: Duration = Duration::from_secs(10);

/// The writer's side of the checkpoint thread.
pub(super) struct Checkpointer {
    wake: SyncSender<()>,
    log_too_long: Arc<AtomicBool>,
    rows: u64,
    thread: JoinHandle<()>,
}

impl Checkpointer {
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        // One pending wake-up says all that two would.
        let (wake, woken) = sync_channel(1);
        let log_too_long = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&log_too_long);
        let thread = std::thread::Builder::new().name("store-checkpoint".to_owned()).spawn(move || run(&connection, &woken, &flag))?;
        Ok(Self { wake, log_too_long, rows: 0, thread })
    }

    /// Tells of a commit that changed `rows` rows; `writer` is the connection that made it, between two groups.
    pub(super) fn committed(&mut self, rows: u64, writer: &Connection) {
        self.rows += rows;
        if self.rows >= ROWS {
            self.rows = 0;
            // Full: it is awake already. Disconnected: the thread is gone, and the last checkpoint is made at closing.
            let (Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(()))) = self.wake.try_send(());
        }
        if self.log_too_long.swap(false, Ordering::Relaxed) {
            // Nobody writes now, so what little is left is copied and the next group begins the log anew.
            if let Err(error) = copy(writer) {
                tracing::warn!(%error, "Could not finish a checkpoint: {error}");
            }
        }
    }

    /// Ends the thread and copies what is left.
    pub(super) fn finish(self, writer: &Connection) {
        drop(self.wake);
        let _ = self.thread.join();
        if let Err(error) = copy(writer) {
            tracing::warn!(%error, "Could not make the last checkpoint: {error}");
        }
    }
}

fn run(connection: &Connection, woken: &Receiver<()>, log_too_long: &AtomicBool) {
    let mut rest = Rest::default();
    loop {
        let done = match woken.recv_timeout(AT_REST) {
            Ok(()) => copy(connection).map(|pages| log_too_long.store(pages > LOG_PAGES_MAX, Ordering::Relaxed)),
            Err(RecvTimeoutError::Timeout) => rest.look(connection),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        // The log keeps everything; the next checkpoint tries again.
        if let Err(error) = done {
            tracing::warn!(%error, "Could not make a checkpoint: {error}");
        }
    }
}

/// Finds out whether nothing is written, and empties the log then: otherwise it would stay as long as it has grown, for as long as nothing is written.
#[derive(Default)]
struct Rest {
    /// What `PRAGMA data_version` said at the last look: it changes with every commit of another connection.
    seen: Option<i64>,
    emptied: Option<i64>,
}

impl Rest {
    /// To be called now and then.
    fn look(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let version = connection.query_row("PRAGMA data_version", [], |row| row.get(0))?;
        let is_at_rest = self.seen.replace(version) == Some(version);
        if is_at_rest && self.emptied != Some(version) && empty(connection)? {
            self.emptied = Some(version);
        }
        Ok(())
    }
}

/// Copies the whole log and cuts its file to nothing. Whether that could be done: it waits for nobody, so that no commit waits for it.
fn empty(connection: &Connection) -> rusqlite::Result<bool> {
    copy(connection)?;
    // Nothing is left to copy now, so that the writer's lock is held for as long as it takes to cut a file. A writer or reader that is at work keeps us out.
    connection.busy_timeout(Duration::ZERO)?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0)).map(|is_busy| !is_busy)
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
        let (writer, copier) = (connect(&file, OpenFlags::default()).unwrap(), connect(&file, OpenFlags::default()).unwrap());
        writer.execute_batch("CREATE TABLE t (x)").unwrap();
        let write = || writer.execute("INSERT INTO t VALUES (randomblob(1000000))", []).unwrap();
        let mut rest = Rest::default();
        for _ in 0..2 {
            write();
            rest.look(&copier).unwrap();
            assert!(log_bytes() > 1_000_000, "something was written since the last look");
        }
        rest.look(&copier).unwrap();
        assert_eq!(log_bytes(), 0);
        write();
        rest.look(&copier).unwrap();
        let reader = writer.unchecked_transaction().unwrap();
        reader.query_row("SELECT count(*) FROM t", [], |_| Ok(())).unwrap();
        rest.look(&copier).unwrap();
        drop(reader);
        rest.look(&copier).unwrap();
        assert_eq!(log_bytes(), 0, "what kept it out is over");
    }

    #[test]
    fn a_log_that_has_grown_is_cut_when_it_begins_anew() {
        let directory = tempfile::tempdir().unwrap();
        let connection = connect(&directory.path().join("smsfactory.db"), OpenFlags::default()).unwrap();
        let limit: i64 = connection.pragma_query_value(None, "journal_size_limit", |row| row.get(0)).unwrap();
        assert_eq!(limit, LOG_BYTES_MAX);
    }
}
