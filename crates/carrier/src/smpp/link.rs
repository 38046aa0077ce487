//! The driver of a session: its socket, its timers, and the reconnect after its end.

use std::io;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use model::Entropy;
use model::backoff::Backoff;
use runtime::{Alarm, Runtime};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use wire::smpp::{BindKind, frame};

use super::effect::{Counted, Effect};
use super::link_state::LinkState;
use super::session::Session;
use super::shared::Shared;
use super::submit::Outgoing;
use crate::Event;
use crate::ack::{Ack, Answer};
use crate::action::BindAction;
use crate::connect::{Connector, Stream};
use crate::trace::Direction;

mod noted;

/// How much is written ahead of the socket: one system call's worth.
const WRITE_AHEAD_BYTES: usize = 64 * 1024;

/// How much an SMSC may leave unread of what it is written.
const UNTAKEN_BYTES_MAX: usize = 1024 * 1024;

/// How often the connection is read for what has come already, before it is decided that something did not come.
const CATCH_UP_READS_MAX: usize = 64;

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
    /// The SMSC does not let us in.
    Refused,
}

impl Link {
    /// Keeps a session open until the carrier is drained.
    pub(crate) async fn run(mut self) {
        let config = Arc::clone(&self.shared.config);
        let backoff = Backoff {
            floor: Duration::from_millis(config.reconnect_floor_ms),
            ceiling: Duration::from_millis(config.reconnect_ceiling_ms),
        };
        let mut failures = 0;
        while !self.shared.is_draining() {
            let began = self.runtime().instant();
            let ended = self.session().await;
            // An SMSC that takes a bind and drops it at once is no better than one that takes none.
            failures = if self.runtime().instant() - began >= backoff.ceiling { 1 } else { failures + 1 };
            self.look(if matches!(ended, Ended::Refused) { "refused" } else { "waiting" });
            let wait = match ended {
                Ended::Drained => break,
                Ended::Lost => backoff.wait(failures, self.entropy.next_unit()),
                Ended::Refused => Duration::from_secs(config.refused_retry_secs),
            };
            self.wait(wait).await;
        }
        // Whatever was handed over at the last moment gets its outcome, and who waits for the end has heard it.
        self.submissions.close();
        while let Some(outgoing) = self.submissions.recv().await {
            self.not_sent(&outgoing);
        }
        self.look("closed");
        self.shared.close(self.state());
    }

    /// Notes how the session looks between its connections.
    fn look(&self, state: &'static str) {
        self.shared.looks[self.index].set(state, self.runtime().instant());
    }

    fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.shared.runtime
    }

    fn state(&self) -> &LinkState {
        &self.shared.links[self.index]
    }

    /// Waits, giving back what is handed over meanwhile, until it is time or the carrier is drained.
    async fn wait(&mut self, wait: Duration) {
        let mut time = self.runtime().sleep_until(self.runtime().instant() + wait);
        loop {
            tokio::select! {
                () = &mut time => return,
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
        self.look("connecting");
        let connecting = self.connector.connect(self.runtime());
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
        let now = self.runtime().instant();
        let alarm = Alarm::new(Arc::clone(self.runtime()));
        let shared = Arc::clone(&self.shared);
        let session = Session::new(&shared, self.kind, &self.password, now, &mut out);
        let (answers, answered) = mpsc::unbounded_channel();
        let mut driver = Driver {
            link: self,
            session,
            alarm,
            reader,
            writer,
            input: BytesMut::with_capacity(64 * 1024),
            output: BytesMut::new(),
            written: 0,
            unflushed: false,
            waits_since: None,
            is_broken: false,
            has_ended: false,
            has_closed: false,
            answers,
        };
        driver.trace_sent(&out);
        driver.output.extend_from_slice(&out);
        let ended = driver.drive(answered).await;
        driver.session.abort(driver.written);
        driver.has_closed = true;
        // Its effects are outcomes now, and none of them ends anything.
        let _ = driver.carry_out(driver.now());
        ended
    }
}

/// A session and its socket.
struct Driver<'a> {
    link: &'a mut Link,
    session: Session,
    /// For what is due next.
    alarm: Alarm,
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    input: BytesMut,
    output: BytesMut,
    /// How many octets the connection has taken.
    written: u64,
    /// Whether it may still hold back some of them.
    unflushed: bool,
    /// Since when something waits to be written without any of it being taken.
    waits_since: Option<Instant>,
    /// Nothing can be written any more.
    is_broken: bool,
    /// Nothing can be read any more: the SMSC has ended its side.
    has_ended: bool,
    /// The session is over.
    has_closed: bool,
    answers: mpsc::UnboundedSender<(u32, Answer)>,
}

impl Driver<'_> {
    async fn drive(&mut self, mut answered: mpsc::UnboundedReceiver<(u32, Answer)>) -> Ended {
        let shared = Arc::clone(&self.link.shared);
        let (mut submissions, mut answers) = (Vec::new(), Vec::new());
        let mut out = Vec::new();
        let mut may_submit = true;
        loop {
            let now = self.now();
            if let ControlFlow::Break(ended) = self.step(now, &mut out) {
                self.say_goodbye().await;
                return ended;
            }
            let deadline = self.deadline(now);
            let flow = tokio::select! {
                // What is read is answered, so nothing more is read from an SMSC that does not take its answers.
                read = self.reader.read_buf(&mut self.input),
                    if !self.has_ended && self.output.len() < UNTAKEN_BYTES_MAX => self.took(read, &mut out),
                pushed = push(&mut self.writer, &mut self.output), if self.has_to_write() => {
                    self.pushed(pushed);
                    ControlFlow::Continue(())
                }
                count = self.link.submissions.recv_many(&mut submissions, 256), if may_submit => {
                    may_submit = count > 0;
                    let now = self.now();
                    submissions.drain(..).for_each(|outgoing| self.session.submit(outgoing, now));
                    ControlFlow::Continue(())
                }
                _ = answered.recv_many(&mut answers, 256) => {
                    let handed_over = self.written + self.output.len() as u64;
                    for (number, answer) in answers.drain(..) {
                        self.session.answer(number, answer, handed_over, &mut out);
                    }
                    ControlFlow::Continue(())
                }
                () = shared.drained(), if !self.session.is_draining() => {
                    self.session.drain();
                    ControlFlow::Continue(())
                }
                () = self.alarm.until(deadline) => self.do_what_is_due(&mut out).await,
            };
            if let ControlFlow::Break(ended) = flow {
                return ended;
            }
        }
    }

    /// Lets the session write what it may, and passes on what it has to tell.
    fn step(&mut self, now: Instant, out: &mut Vec<u8>) -> ControlFlow<Ended> {
        if self.is_broken && self.has_ended {
            return ControlFlow::Break(self.lost("the SMSC closed the connection"));
        }
        if !self.is_broken {
            let room = WRITE_AHEAD_BYTES.saturating_sub(self.output.len());
            let handed_over = self.written + self.output.len() as u64;
            self.session.fill(now, room, handed_over, out);
        }
        self.session.finish(now, out);
        if !self.is_broken {
            self.trace_sent(out);
            self.output.extend_from_slice(out);
        }
        out.clear();
        self.waits_since = if self.has_to_write() { self.waits_since.or(Some(now)) } else { None };
        self.carry_out(now)
    }

    fn now(&self) -> Instant {
        self.alarm.runtime().instant()
    }

    fn has_to_write(&self) -> bool {
        !self.is_broken && (self.unflushed || !self.output.is_empty())
    }

    /// When something is due: for the session, or because nothing can be written.
    fn deadline(&self, now: Instant) -> Instant {
        let session = self.session.deadline(now);
        self.write_by().map_or(session, |write_by| session.min(write_by))
    }

    /// Until when the SMSC must have read something of what waits for it.
    fn write_by(&self) -> Option<Instant> {
        let limit = Duration::from_secs(self.link.shared.config.write_timeout_secs);
        self.waits_since.map(|since| since + limit)
    }

    /// What is due now. Before it is decided that an answer did not come or that nothing can be written, both are
    /// tried: this process may have stood still for longer than the SMSC.
    async fn do_what_is_due(&mut self, out: &mut Vec<u8>) -> ControlFlow<Ended> {
        for _ in 0..CATCH_UP_READS_MAX {
            if self.has_ended {
                break;
            }
            let Some(read) = at_once(self.reader.read_buf(&mut self.input)).await else { break };
            self.took(read, out)?;
        }
        let now = self.now();
        if self.write_by().is_some_and(|write_by| now >= write_by) {
            match at_once(push(&mut self.writer, &mut self.output)).await {
                Some(pushed) => self.pushed(pushed),
                None => self.cannot_write("the SMSC does not read our PDUs", now),
            }
        }
        self.session.tick(now, out);
        ControlFlow::Continue(())
    }

    /// Octets came, or the end of them.
    fn took(&mut self, read: io::Result<usize>, out: &mut Vec<u8>) -> ControlFlow<Ended> {
        match read {
            // All that it said before has been read. Where it has only ended its own side, its requests can still be
            // answered.
            Ok(0) => {
                self.has_ended = true;
                let in_between = if self.input.is_empty() {
                    "the SMSC closed the connection"
                } else {
                    "the SMSC closed the connection in the middle of a PDU"
                };
                self.session.hung_up(in_between, self.written, self.now());
                ControlFlow::Continue(())
            }
            Ok(_) => {
                self.receive(out);
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(self.lost(&format!("connection lost: {error}"))),
        }
    }

    /// Octets were taken by the connection, or it failed.
    fn pushed(&mut self, pushed: io::Result<Pushed>) {
        self.waits_since = None;
        match pushed {
            Ok(Pushed::Octets(count)) => {
                self.written += count as u64;
                self.unflushed = true;
                self.session.has_written(self.written, self.now());
            }
            Ok(Pushed::All) => self.unflushed = false,
            Err(error) => {
                tracing::debug!(%error, "Nothing can be written any more: {error}");
                self.cannot_write("the connection cannot be written to", self.now());
            }
        }
    }

    /// What the SMSC said before can still be read, and every answer in it is a message that is not sent twice.
    fn cannot_write(&mut self, why: &'static str, now: Instant) {
        self.is_broken = true;
        self.waits_since = None;
        self.output.clear();
        self.session.cannot_write(why, self.written, now);
    }

    /// Takes every whole PDU that has come.
    fn receive(&mut self, out: &mut Vec<u8>) {
        let now = self.now();
        loop {
            match frame::next(&self.input, self.link.shared.config.pdu_bytes_max) {
                Ok(Some(length)) if self.link.shared.insight.trace.is_on() => {
                    let message = self.session.receive_traced(&self.input[..length], now, out);
                    self.note(Direction::In, &self.input[..length], message);
                    self.input.advance(length);
                }
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

    fn lost(&self, why: &str) -> Ended {
        self.link.shared.failed(why, false);
        Ended::Lost
    }

    /// Shows how the session stands, and passes on what it has to tell.
    fn carry_out(&mut self, now: Instant) -> ControlFlow<Ended> {
        let effects = self.session.effects();
        self.has_closed |= effects.iter().any(Effect::ends);
        let standing = (!self.has_closed).then(|| self.session.standing(now));
        if standing.is_some() {
            self.link.shared.looks[self.link.index].set(self.session.word(now), now);
        }
        self.link.shared.publish(self.link.state(), standing, || self.pass_on(effects))
    }

    fn pass_on(&self, effects: Vec<Effect>) -> ControlFlow<Ended> {
        let shared = &self.link.shared;
        let mut end = ControlFlow::Continue(());
        for effect in effects {
            match effect {
                Effect::Bound => {
                    shared.counts.binds.fetch_add(1, Ordering::Relaxed);
                    shared.bound(self.link.state());
                }
                Effect::Outcome(outcome, count) => {
                    self.link.state().release(count);
                    shared.count_outcome(&outcome);
                    shared.tell(Event::Outcome(outcome));
                }
                Effect::LateOutcome(outcome) => shared.tell(Event::Outcome(outcome)),
                Effect::Receipt(receipt, number) => {
                    shared.counts.receipts.fetch_add(1, Ordering::Relaxed);
                    shared.insight.codes.receipt(receipt.state, receipt.error.as_deref());
                    shared.tell(Event::Receipt(receipt, Ack::new(number, self.answers.clone())));
                }
                Effect::Inbound(inbound, id, number) => {
                    shared.counts.inbound.fetch_add(1, Ordering::Relaxed);
                    shared.tell(Event::Inbound(inbound, Ack::of(id, number, self.answers.clone())));
                }
                Effect::Answered(id) => shared.tell(Event::Answered(id)),
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
                        Counted::Silent => &shared.counts.silent,
                        Counted::PutOff => &shared.counts.put_off,
                    };
                    counter.fetch_add(1, Ordering::Relaxed);
                    shared.say(counted);
                }
                Effect::Refused { why, action } => {
                    shared.failed(&why, action == BindAction::Refused);
                    end = ControlFlow::Break(match action {
                        BindAction::Refused => Ended::Refused,
                        BindAction::Retry => Ended::Lost,
                    });
                }
                Effect::Ending(why) => {
                    if !shared.is_draining() {
                        shared.failed(why, false);
                    }
                }
                Effect::Remark(what) => {
                    tracing::info!(carrier.name = %shared.config.name, "Carrier {}: {what}", shared.config.name);
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
        end
    }

    /// Writes the last answers, as far as the SMSC takes them without delay.
    async fn say_goodbye(&mut self) {
        const LIMIT: Duration = Duration::from_secs(1);
        let left = self.output.len() as u64;
        let goodbye = async {
            self.writer.write_all_buf(&mut self.output).await?;
            self.writer.shutdown().await
        };
        // The connection is over either way, but what it took is answered.
        if let Ok(Ok(())) = self.link.shared.runtime.timeout(LIMIT, goodbye).await {
            self.written += left;
            self.session.has_written(self.written, self.now());
        }
    }
}

/// What a write has done.
enum Pushed {
    /// The connection took so many octets.
    Octets(usize),
    /// It holds nothing back any more.
    All,
}

/// Writes some of `output`; flushes what TLS holds back once all of it is written.
async fn push(writer: &mut WriteHalf<Box<dyn Stream>>, output: &mut BytesMut) -> io::Result<Pushed> {
    if output.is_empty() {
        return writer.flush().await.map(|()| Pushed::All);
    }
    match writer.write_buf(output).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        count => Ok(Pushed::Octets(count)),
    }
}

/// What a future comes to without waiting; `None` where it has to wait.
async fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(tokio::task::unconstrained(future));
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
