//! What drives a session: its socket, its timers, and the trying again when it ends.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use model::Entropy;
use model::backoff::Backoff;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::Instant;
use wire::smpp::{BindKind, CommandStatus, frame};

use super::session::{Counted, Effect, Session};
use super::shared::{LinkState, Shared};
use super::submit::Outgoing;
use crate::Event;
use crate::ack::{Ack, Answer};
use crate::connect::{Connector, Stream};

/// How much is written ahead of the socket: one system call's worth.
const WRITE_AHEAD_BYTES: usize = 64 * 1024;

/// How much an SMSC may leave unread of what it is written.
const UNTAKEN_BYTES_MAX: usize = 1024 * 1024;

/// One link of a carrier: a session, and the next one when it ends.
pub(crate) struct Link {
    pub(crate) shared: Arc<Shared>,
    /// Its place among the links.
    pub(crate) index: usize,
    pub(crate) kind: BindKind,
    pub(crate) connector: Arc<Connector>,
    pub(crate) password: Arc<str>,
    pub(crate) submissions: mpsc::UnboundedReceiver<Outgoing>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// Why a session ended.
enum Ended {
    /// It was drained and unbound: there will be no other.
    Drained,
    /// The connection could not be made, or was lost.
    Lost,
    /// The SMSC does not take our credentials.
    Refused,
}

impl Link {
    /// Keeps a session open until the carrier is drained.
    pub(crate) async fn run(mut self) {
        let config = Arc::clone(&self.shared.config);
        let backoff = Backoff { floor: Duration::from_millis(config.reconnect_floor_ms), ceiling: Duration::from_millis(config.reconnect_ceiling_ms) };
        let mut failures = 0;
        while !self.shared.is_draining() {
            let began = Instant::now();
            let ended = self.session().await;
            self.state().bound.store(false, Ordering::Release);
            self.shared.changed();
            // An SMSC that takes a bind and drops it at once is no better than one that takes none.
            failures = if began.elapsed() >= backoff.ceiling { 1 } else { failures + 1 };
            let wait = match ended {
                Ended::Drained => break,
                Ended::Lost => backoff.wait(failures, self.entropy.next_unit()),
                Ended::Refused => Duration::from_secs(config.refused_retry_secs),
            };
            self.wait(wait).await;
        }
        self.state().closed.store(true, Ordering::Release);
        self.shared.changed();
        // Whatever was handed over at the last moment gets its outcome.
        self.submissions.close();
        while let Some(outgoing) = self.submissions.recv().await {
            self.not_sent(&outgoing);
        }
    }

    fn state(&self) -> &LinkState {
        &self.shared.links[self.index]
    }

    /// Waits, giving back what is handed over meanwhile, until it is time or the carrier is drained.
    async fn wait(&mut self, wait: Duration) {
        let until = Instant::now() + wait;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                () = self.shared.drained() => return,
                Some(outgoing) = self.submissions.recv() => self.not_sent(&outgoing),
            }
        }
    }

    fn not_sent(&self, outgoing: &Outgoing) {
        self.state().release(outgoing.segments.len());
        self.shared.tell(Event::Outcome(outgoing.not_sent()));
    }

    /// One session, from its connection to its end.
    async fn session(&mut self) -> Ended {
        let connecting = self.connector.connect();
        let stream = tokio::select! {
            stream = connecting => stream,
            () = self.shared.drained() => return Ended::Drained,
        };
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                self.shared.failed(&format!("cannot connect: {error}"), false);
                return Ended::Lost;
            }
        };
        let (reader, writer) = tokio::io::split(stream);
        let mut out = Vec::new();
        let now = Instant::now();
        let shared = Arc::clone(&self.shared);
        let session = Session::new(Arc::clone(&shared.config), Arc::clone(&shared.errors), self.kind, &self.password, now, &mut out);
        let (answers, answered) = mpsc::unbounded_channel();
        let mut driver = Driver { link: self, session, reader, writer, input: BytesMut::with_capacity(64 * 1024), output: BytesMut::new(), answers };
        driver.output.extend_from_slice(&out);
        let ended = driver.drive(answered).await;
        driver.session.abort();
        // Its effects are outcomes now, and none of them ends anything.
        let _ = driver.carry_out();
        ended
    }
}

/// A session and its socket.
struct Driver<'a> {
    link: &'a mut Link,
    session: Session,
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    input: BytesMut,
    output: BytesMut,
    answers: mpsc::UnboundedSender<(u32, Answer)>,
}

impl Driver<'_> {
    async fn drive(&mut self, mut answered: mpsc::UnboundedReceiver<(u32, Answer)>) -> Ended {
        let shared = Arc::clone(&self.link.shared);
        let (mut submissions, mut answers) = (Vec::new(), Vec::new());
        let mut out = Vec::new();
        let (mut unflushed, mut may_submit, mut is_broken) = (false, true, false);
        loop {
            let now = Instant::now();
            if !is_broken {
                let room = WRITE_AHEAD_BYTES.saturating_sub(self.output.len());
                self.session.fill(now, room, &mut out);
            }
            self.session.unbind_when_done(now, &mut out);
            self.output.extend_from_slice(&out);
            out.clear();
            if let ControlFlow::Break(ended) = self.carry_out() {
                self.say_goodbye().await;
                return ended;
            }
            self.link.state().show(&self.session, now);
            let deadline = self.session.deadline(now);
            tokio::select! {
                // What is read is answered, so nothing more is read from an SMSC that does not take its answers.
                read = self.reader.read_buf(&mut self.input), if is_broken || self.output.len() < UNTAKEN_BYTES_MAX => match read {
                    Ok(0) => return self.lost(&io::Error::new(io::ErrorKind::UnexpectedEof, "the SMSC closed the connection")),
                    Ok(_) => self.receive(&mut out),
                    Err(error) => return self.lost(&error),
                },
                pushed = push(&mut self.writer, &mut self.output), if !is_broken && (unflushed || !self.output.is_empty()) => match pushed {
                    Ok(flushed) => unflushed = !flushed,
                    // What the SMSC said before it hung up can still be read, and every answer in it is a message that is not sent twice.
                    Err(error) => {
                        tracing::debug!(%error, "Nothing can be written any more: {error}");
                        is_broken = true;
                    }
                },
                count = self.link.submissions.recv_many(&mut submissions, 256), if may_submit => {
                    may_submit = count > 0;
                    let now = Instant::now();
                    submissions.drain(..).for_each(|outgoing| self.session.submit(outgoing, now));
                }
                _ = answered.recv_many(&mut answers, 256) => {
                    answers.drain(..).for_each(|(number, answer)| self.session.answer(number, answer, &mut out));
                }
                () = shared.drained(), if !self.session.is_draining() => self.session.drain(),
                () = tokio::time::sleep_until(deadline) => self.session.tick(Instant::now(), &mut out),
            }
        }
    }

    /// Takes every whole PDU that has come.
    fn receive(&mut self, out: &mut Vec<u8>) {
        let now = Instant::now();
        loop {
            match frame::next(&self.input, self.link.shared.config.pdu_bytes_max) {
                Ok(Some(length)) => {
                    self.session.receive(&self.input[..length], now, out);
                    self.input.advance(length);
                }
                Ok(None) => return,
                Err(lost) => {
                    self.input.clear();
                    return self.session.lost_step(lost.header.sequence, out);
                }
            }
        }
    }

    fn lost(&self, error: &io::Error) -> Ended {
        self.link.shared.failed(&format!("connection lost: {error}"), false);
        Ended::Lost
    }

    /// Passes on what the session has to tell.
    fn carry_out(&mut self) -> ControlFlow<Ended> {
        let shared = &self.link.shared;
        let mut end = ControlFlow::Continue(());
        for effect in self.session.effects() {
            match effect {
                Effect::Bound => {
                    let state = self.link.state();
                    state.binds.fetch_add(1, Ordering::Relaxed);
                    state.bound.store(true, Ordering::Release);
                    shared.bound(state);
                }
                Effect::Outcome(outcome, count) => {
                    self.link.state().release(count);
                    shared.count_outcome(&outcome);
                    shared.tell(Event::Outcome(outcome));
                }
                Effect::LateOutcome(outcome) => shared.tell(Event::Outcome(outcome)),
                Effect::Receipt(receipt, number) => {
                    shared.counts.receipts.fetch_add(1, Ordering::Relaxed);
                    shared.tell(Event::Receipt(receipt, Ack::new(number, self.answers.clone())));
                }
                Effect::Unusable(reason, why, raw) => {
                    if let Some(unusable) = shared.counts.unusable.count(reason, why, raw) {
                        shared.tell(Event::Unusable(unusable));
                    }
                }
                Effect::Count(counted) => {
                    let counter = match counted {
                        Counted::Submitted => &shared.counts.submitted,
                        Counted::Throttled => &shared.counts.throttled,
                        Counted::Malformed => &shared.counts.malformed,
                    };
                    counter.fetch_add(1, Ordering::Relaxed);
                }
                Effect::Refused(status) => {
                    let refused = is_credentials(status);
                    shared.failed(&format!("the bind was refused: {status}"), refused);
                    end = ControlFlow::Break(if refused { Ended::Refused } else { Ended::Lost });
                }
                Effect::Close(why) => {
                    let drained = shared.is_draining();
                    if !drained {
                        shared.failed(&why, false);
                    }
                    end = ControlFlow::Break(if drained { Ended::Drained } else { Ended::Lost });
                }
            }
        }
        shared.changed();
        end
    }

    /// Writes the last answers, as far as the SMSC takes them without delay.
    async fn say_goodbye(&mut self) {
        const LIMIT: Duration = Duration::from_secs(1);
        let goodbye = async {
            self.writer.write_all_buf(&mut self.output).await?;
            self.writer.shutdown().await
        };
        // The connection is over either way.
        let _ = tokio::time::timeout(LIMIT, goodbye).await;
    }
}

/// Writes some of `output`; flushes what TLS holds back once all of it is written, and says so.
async fn push(writer: &mut WriteHalf<Box<dyn Stream>>, output: &mut BytesMut) -> io::Result<bool> {
    if output.is_empty() { writer.flush().await.map(|()| true) } else { writer.write_buf(output).await.map(|_| false) }
}

/// Whether the SMSC does not want us at all, so that asking again soon only makes it worse.
const fn is_credentials(status: CommandStatus) -> bool {
    matches!(status, CommandStatus::RINVPASWD | CommandStatus::RINVSYSID | CommandStatus::RINVSYSTYP)
}
