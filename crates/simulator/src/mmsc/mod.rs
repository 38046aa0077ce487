//! A scriptable MMSC: takes messages by MM4 and by MM7, keeps what it got, and reports.
//!
//! Reading order: [`Options`] and [`Rule`] (what it is told to do), `fate` (what that means for one message), `mm4` and
//! `mm7` (how messages come), `taken` (what is kept), `notice` (what is sent back).

mod camera;
mod fate;
mod handset;
mod inbound;
mod mm4;
mod mm7;
mod notice;
mod options;
mod reply;
mod rule;
mod screens;
mod summary;
mod taken;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::Uri;
use runtime::{Runtime, Work};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use wire::mms::Part;

pub use crate::delay::DelayMs;
pub use crate::distribution::Distribution;
use crate::handsets::Handsets;
use crate::journal::Journal;
use crate::sessions::{self, Sessions, Stop};
pub(crate) use camera::Camera;
pub use camera::NoAddress;
pub use handset::{Handset, InboundOptions, InboundVia};
pub use options::Options;
pub use reply::{Mm4Reply, Mm7Reply};
pub use rule::{Rule, When};
pub use summary::Summary;
pub use taken::{Content, Media, Protocol, Taken};

/// Messages that are kept in memory, the latest.
pub const TAKEN_MAX: usize = 100_000;

/// A running MMSC. It stops when this is dropped.
pub struct Mmsc {
    mm4_address: SocketAddr,
    mm7_address: SocketAddr,
    shared: Arc<Shared>,
}

/// What all sessions share.
pub(crate) struct Shared {
    runtime: Arc<dyn Runtime>,
    options: Options,
    journal: Journal<Summary>,
    sessions: Arc<Sessions>,
    taken: Mutex<VecDeque<Taken>>,
    /// The system that answers and reports.
    system: wire::mm4::Address,
    mm4_number: AtomicU64,
    mm7_number: AtomicU64,
    next_id: AtomicU64,
    next_transaction: AtomicU64,
    reply_to: watch::Sender<Option<String>>,
    report_to: watch::Sender<Option<Uri>>,
    /// For answers and reports that are being sent.
    places: Semaphore,
    /// The recipient, where there are viewers of its handset.
    handsets: Option<Arc<Handsets>>,
    peers: mm4::Peers,
}

/// Starts an MMSC.
///
/// # Errors
/// When it cannot listen, a file or directory of the options cannot be used, or the domain is none.
pub async fn start(options: Options, runtime: Arc<dyn Runtime>) -> io::Result<Mmsc> {
    start_with(options, None, runtime).await
}

/// Starts an MMSC whose messages go to these handsets.
///
/// # Errors
/// As [`start`].
pub fn start_with(
    options: Options,
    handsets: Option<Arc<Handsets>>,
    runtime: Arc<dyn Runtime>,
) -> Work<io::Result<Mmsc>> {
    Box::pin(started(options, handsets, runtime))
}

async fn started(options: Options, handsets: Option<Arc<Handsets>>, runtime: Arc<dyn Runtime>) -> io::Result<Mmsc> {
    let system = wire::mm4::Address::parse(&format!("mmsc@{}", options.domain));
    let system = system
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("`{}` is no domain", options.domain)))?;
    let (mm4, mm7) = (TcpListener::bind(options.listen_mm4).await?, TcpListener::bind(options.listen_mm7).await?);
    let (mm4_address, mm7_address) = (mm4.local_addr()?, mm7.local_addr()?);
    if let Some(directory) = &options.keep {
        tokio::fs::create_dir_all(directory).await?;
    }
    let media = inbound::media(&options.inbound)?;
    let shared = Arc::new(Shared {
        runtime: Arc::clone(&runtime),
        journal: Journal::open(options.log.as_deref())?,
        sessions: Arc::default(),
        taken: Mutex::default(),
        system,
        mm4_number: AtomicU64::new(1),
        mm7_number: AtomicU64::new(1),
        next_id: AtomicU64::new(options.first_id),
        next_transaction: AtomicU64::new(1),
        reply_to: watch::Sender::new(options.reply_to.clone()),
        report_to: watch::Sender::new(options.report_to.clone()),
        places: Semaphore::new(notice::AT_ONCE_MAX),
        peers: mm4::Peers::default(),
        handsets,
        options,
    });
    let to_serve = Arc::clone(&shared);
    let serve = move |stream, number| {
        let served = mm4::serve(stream, Arc::clone(&to_serve), number);
        to_serve.runtime.spawn("MM4 session of an MMSC", Box::pin(served));
    };
    let accepting = sessions::accept(Arc::clone(&runtime), mm4, Arc::clone(&shared.sessions), serve);
    runtime.spawn("MM4 listener of an MMSC", Box::pin(accepting));
    let to_serve = Arc::clone(&shared);
    let serve = move |stream, number| {
        let served = mm7::serve(stream, Arc::clone(&to_serve), number);
        to_serve.runtime.spawn("MM7 session of an MMSC", Box::pin(served));
    };
    let accepting = sessions::accept(Arc::clone(&runtime), mm7, Arc::clone(&shared.sessions), serve);
    runtime.spawn("MM7 listener of an MMSC", Box::pin(accepting));
    shared.options.inbound.inbound.iter().for_each(|message| inbound::send(&shared, message, &media, None));
    Ok(Mmsc { mm4_address, mm7_address, shared })
}

impl Mmsc {
    /// Where it listens for MM4.
    pub const fn mm4_address(&self) -> SocketAddr {
        self.mm4_address
    }

    /// Where it listens for MM7.
    pub const fn mm7_address(&self) -> SocketAddr {
        self.mm7_address
    }

    /// From now on sends MM4 answers and reports to this host and port, those that wait as well.
    pub fn set_reply_to(&self, address: impl Into<String>) {
        self.shared.reply_to.send_replace(Some(address.into()));
    }

    /// From now on sends MM7 reports to this URL (`http` alone), those that wait as well.
    pub fn set_report_to(&self, url: Uri) {
        self.shared.report_to.send_replace(Some(url));
    }

    /// Sends a message of a handset with a file of this type, as the options say.
    pub fn bring(&self, message: &Handset, media: &[(&'static str, Bytes)]) {
        inbound::send(&self.shared, message, media, None);
    }

    /// What it has seen so far.
    pub fn summary(&self) -> Summary {
        self.shared.journal.summary()
    }

    /// The messages that it has taken, in order; of very many, the last [`TAKEN_MAX`].
    pub fn taken(&self) -> Vec<Taken> {
        self.shared.taken.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Writes what it has seen to the log file, if there is one.
    pub fn flush(&self) {
        self.shared.journal.flush();
    }

    /// Cuts every connection to it, as a failing network would.
    pub fn disconnect_all(&self) {
        self.shared.sessions.cut();
    }

    /// Waits until what it has seen satisfies `condition`; looks again whenever something was seen.
    pub async fn wait_for(&self, condition: impl Fn(&Summary) -> bool) {
        self.shared.journal.wait_for(condition).await;
    }
}

impl Drop for Mmsc {
    fn drop(&mut self) {
        self.shared.sessions.end();
        self.shared.journal.flush();
    }
}

impl Shared {
    /// Does something until it is done or everything ends.
    fn spawn(self: &Arc<Self>, work: impl Future<Output = ()> + Send + 'static) {
        let mut stopped = self.sessions.stopped();
        let until_stopped = async move {
            tokio::select! {
                () = work => {}
                _ = stopped.wait_for(|stop| *stop == Stop::All) => {}
            }
        };
        self.runtime.spawn("answers of an MMSC", Box::pin(until_stopped));
    }

    /// What its clock says, in milliseconds since 1970.
    fn now_ms(&self) -> i64 {
        self.runtime.now().as_millis()
    }

    /// Writes a line, at once.
    fn log(&self, mut line: serde_json::Value) {
        if self.journal.has_log() {
            line["at_ms"] = self.now_ms().into();
            self.journal.write(format!("{line}\n").as_bytes());
        }
    }

    /// Keeps a message. What is kept and logged is so when this returns, and only then may the reply leave.
    async fn take(&self, taken: Taken, media: &[&Part], reply: &str) {
        if let Some(directory) = &self.options.keep {
            for (about, part) in taken.content.media.iter().zip(media) {
                if let Err(error) = taken::keep(directory, about, &part.bytes, self.next_transaction()).await {
                    tracing::error!(%error, "A file could not be written: {error}");
                }
            }
        }
        self.log(taken.line(reply, self.options.log_text));
        let protocol = taken.protocol;
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == TAKEN_MAX {
            all.pop_front();
        }
        all.push_back(taken);
        drop(all);
        self.journal.count(|summary| match protocol {
            Protocol::Mm4 => summary.mm4_taken += 1,
            Protocol::Mm7 => summary.mm7_taken += 1,
        });
    }

    /// Refuses something.
    fn refuse(&self, protocol: Protocol, session: u64, message_id: Option<&str>, reply: &str) {
        self.log(serde_json::json!({
            "event": "refused",
            "protocol": protocol.to_string(),
            "session": session,
            "message_id": message_id,
            "reply": reply,
        }));
        self.journal.count(|summary| *summary.refused.entry(reply.to_owned()).or_default() += 1);
    }

    /// A number that no other transaction has.
    fn next_transaction(&self) -> u64 {
        self.next_transaction.fetch_add(1, Ordering::Relaxed)
    }
}
