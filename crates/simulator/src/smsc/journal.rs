//! What the SMSC saw: JSON lines, and a summary.
//!
//! A line about a `submit_sm` is with the operating system before its answer leaves, so that the log never knows less than the client.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;

use super::options::Options;

/// What has been seen so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Binds that were taken.
    pub binds: u64,
    /// Segments submitted.
    pub submitted: u64,
    /// When the first of them came, and the last, in ms since 1970.
    pub submitted_between_ms: Option<(i64, i64)>,
    /// Answers sent, by status.
    pub answered: BTreeMap<String, u64>,
    /// Answers withheld.
    pub lost_responses: u64,
    /// Reports sent.
    pub receipts_sent: u64,
    /// Reports that the other side took.
    pub receipts_taken: u64,
    /// Reports that the other side refused, by status.
    pub receipts_refused: BTreeMap<String, u64>,
    /// PDUs that could not be read.
    pub malformed: u64,
    /// Sessions that ended.
    pub ended: u64,
}

impl Summary {
    /// The summary as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        let (first_ms, last_ms) = self.submitted_between_ms.unzip();
        serde_json::json!({
            "binds": self.binds, "submitted": self.submitted, "firstSubmitMs": first_ms, "lastSubmitMs": last_ms, "answered": self.answered, "lostResponses": self.lost_responses,
            "receiptsSent": self.receipts_sent, "receiptsTaken": self.receipts_taken, "receiptsRefused": self.receipts_refused,
            "malformed": self.malformed, "sessionsEnded": self.ended,
        })
    }
}

/// The log and the summary.
pub(crate) struct Journal {
    log: Option<Mutex<Box<dyn Write + Send>>>,
    summary: Mutex<Summary>,
    changed: Notify,
}

impl Journal {
    pub(crate) fn open(options: &Options) -> io::Result<Self> {
        let log: Option<Box<dyn Write + Send>> = match options.log.as_deref() {
            Some(path) if path.as_os_str() == "-" => Some(Box::new(io::stdout())),
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
    pub(crate) fn count(&self, count: impl FnOnce(&mut Summary)) {
        count(&mut lock(&self.summary));
        self.changed.notify_waiters();
    }

    pub(crate) fn summary(&self) -> Summary {
        lock(&self.summary).clone()
    }

    /// Resolves when something is counted after this call.
    pub(crate) fn changed(&self) -> impl Future<Output = ()> {
        let mut notified = Box::pin(self.changed.notified());
        notified.as_mut().enable();
        notified
    }
}

/// Milliseconds since 1970 by the machine's clock: an SMSC dates its receipts.
#[expect(clippy::disallowed_methods, reason = "the simulator stands for another machine, with its own clock")]
pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
