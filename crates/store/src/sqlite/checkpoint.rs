//! Copying the log into the file, on a thread of its own, so that no commit waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

/// How many changed rows are let into the log before it is copied: about 16 MB of log.
const ROWS: u64 = 30_000;

/// How many pages of 4 KiB the log may have after a copy before the writer must let it begin anew.
const LOG_PAGES_MAX: i64 = 16_384;

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
    while woken.recv().is_ok() {
        match copy(connection) {
            Ok(pages) if pages > LOG_PAGES_MAX => log_too_long.store(true, Ordering::Relaxed),
            Ok(_) => {}
            // The log keeps everything; the next checkpoint tries again.
            Err(error) => tracing::warn!(%error, "Could not make a checkpoint: {error}"),
        }
    }
}

/// Copies what can be copied without waiting for anybody; returns how many pages the log has.
fn copy(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
}
