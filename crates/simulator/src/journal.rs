//! What a simulator saw: JSON lines, and a summary.
//!
//! A line about a message is with the operating system before its answer leaves, so that the log never knows less than
//! the client.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use wire::terminal::escape_lines;

/// The log and the summary.
pub(crate) struct Journal<S> {
    log: Option<Mutex<Box<dyn Write + Send>>>,
    summary: Mutex<S>,
    changed: Notify,
}

impl<S: Clone + Default> Journal<S> {
    /// A journal that writes to the end of a file, or to standard output for `-`.
    pub(crate) fn open(log: Option<&Path>) -> io::Result<Self> {
        let log: Option<Box<dyn Write + Send>> = match log {
            Some(path) if path.as_os_str() == "-" => Some(Box::new(Terminal)),
            Some(path) => Some(Box::new(File::options().create(true).append(true).open(path)?)),
            None => None,
        };
        Ok(Self { log: log.map(Mutex::new), summary: Mutex::default(), changed: Notify::new() })
    }

    /// Whether lines are written, so that nobody makes them in vain.
    pub(crate) const fn has_log(&self) -> bool {
        self.log.is_some()
    }

    /// Writes whole lines, at once.
    pub(crate) fn write(&self, lines: &[u8]) {
        let Some(log) = &self.log else { return };
        let written = lock(log).write_all(lines);
        if let Err(error) = written {
            tracing::error!(%error, "The log could not be written: {error}");
        }
    }

    pub(crate) fn flush(&self) {
        if let Some(log) = &self.log {
            // What cannot be flushed was told when it was written.
            let _ = lock(log).flush();
        }
    }

    /// Counts something.
    pub(crate) fn count(&self, count: impl FnOnce(&mut S)) {
        count(&mut lock(&self.summary));
        self.changed.notify_waiters();
    }

    pub(crate) fn summary(&self) -> S {
        lock(&self.summary).clone()
    }

    /// Waits until the summary satisfies `condition`; looks again whenever something was counted.
    pub(crate) async fn wait_for(&self, condition: impl Fn(&S) -> bool) {
        loop {
            let changed = self.changed();
            if condition(&self.summary()) {
                return;
            }
            changed.await;
        }
    }

    /// Resolves when something is counted after this call.
    fn changed(&self) -> impl Future<Output = ()> {
        let mut notified = Box::pin(self.changed.notified());
        notified.as_mut().enable();
        notified
    }
}

/// Standard output, which may be a terminal, and clients choose what the lines say.
struct Terminal;

impl Write for Terminal {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        io::stdout().write_all(escape_lines(&String::from_utf8_lossy(lines)).as_bytes())?;
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
