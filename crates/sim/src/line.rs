//! A process's side of a carrier: the implementation of [`Carrier`] in the simulation.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use carrier::{Carrier, CarrierStatus, Event, Events, SegmentOutcome, Submission};
use model::{KeywordKind, Message, MessageId, Mode};
use runtime::Runtime;
use tokio::sync::{Notify, watch};

use crate::executor::{ProcessId, ProcessRuntime};
use crate::ledger::{Facts, Standing, Submit};
use crate::network::{DEPARTURE_ON_SLOW_DISKS, Look, Network};
use crate::weather::Fate;

/// The connection of one process to a carrier.
pub struct Line {
    network: Arc<Network>,
    process: ProcessId,
    /// The process's runtime.
    own: Arc<dyn Runtime>,
    events: Events,
    state: Mutex<State>,
    answered: Notify,
    /// How often its session was ended in order: what is unanswered then is so for good.
    closed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// Segments that left and are not answered, or wait to leave.
    in_flight: usize,
    /// Whether it said that something may leave, and how much of that is left.
    granted: usize,
    /// When the rate lets the next segment go.
    free_at: Duration,
    is_draining: bool,
    session: Session,
    /// Attempts that were handed over.
    attempts: BTreeSet<(MessageId, u64, u32)>,
}

/// Whether a process is connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Session {
    /// Another process has the carrier.
    #[default]
    Elsewhere,
    /// It connects since this moment.
    Begins(Duration),
    Bound,
    /// It takes nothing more, because another process is to have the carrier.
    Ends,
}

/// How long after a STOP its confirmation may leave.
pub(crate) const CONFIRMED_WITHIN: Duration = Duration::from_secs(300);

/// After how long a process tries again to connect.
const BIND_AGAIN: Duration = Duration::from_secs(1);

/// More segments than a message of the simulation has.
const SEGMENTS_MAX: usize = 4;

impl Line {
    /// The line of a process to a carrier. Where there is one process alone, it is connected from the beginning.
    pub(crate) fn new(network: Arc<Network>, own: &Arc<ProcessRuntime>, events: Events, is_alone: bool) -> Arc<Self> {
        let process = own.id();
        let is_bound = is_alone && network.connect(process, events.clone());
        let session = if is_bound { Session::Bound } else { Session::Elsewhere };
        Arc::new(Self {
            network,
            process,
            own: own.clone(),
            events,
            state: Mutex::new(State { session, ..State::default() }),
            answered: Notify::new(),
            closed: watch::Sender::new(0),
        })
    }

    /// Connects, as soon as the carrier lets it.
    async fn bind(self: Arc<Self>) {
        while matches!(self.lock().session, Session::Begins(_)) {
            if self.network.connect(self.process, self.events.clone()) {
                self.lock().session = Session::Bound;
                self.network.executor.note(&format!("{}: has a session of {:?}", self.network.plan.name, self.process));
                self.network.changed.notify_waiters();
                return;
            }
            self.own.sleep(BIND_AGAIN).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn violated(&self, what: &str, submission: &Submission) {
        let (carrier, id) = (&self.network.plan.name, submission.message.id);
        self.network.ledger.violated(format!("{carrier}: {id} {what}"));
    }

    /// How many segments may leave now; otherwise until when nothing may, if that is known.
    fn room(&self) -> Result<usize, Option<Duration>> {
        let now = self.network.executor.now();
        let state = self.lock();
        if state.is_draining || state.session != Session::Bound {
            return Err(None);
        }
        match self.network.look() {
            Look::Closed => Err(None),
            Look::Until(until) => Err(Some(until)),
            Look::Open { window } if state.in_flight >= window => Err(None),
            Look::Open { .. } if self.network.plan.rate > 0 && state.free_at > now => Err(Some(state.free_at)),
            Look::Open { window } => {
                let most =
                    if self.network.plan.rate > 0 { (self.network.plan.rate as usize / 5).max(1) } else { usize::MAX };
                Ok((window - state.in_flight).min(most))
            }
        }
    }

    /// Takes a message over, and checks what a dispatcher promises.
    fn begin(&self, submission: &Submission, segments: usize) {
        let (now, rate) = (self.network.executor.now(), self.network.plan.rate);
        let mut state = self.lock();
        let was_granted = state.granted > 0;
        state.granted = state.granted.saturating_sub(segments);
        state.in_flight += segments;
        let in_flight = state.in_flight;
        if let Some(nanos) = (segments as u64 * 1_000_000_000).checked_div(rate) {
            state.free_at = state.free_at.max(now) + Duration::from_nanos(nanos);
        }
        let is_new = state.attempts.insert((submission.message.id, submission.token, submission.attempt));
        drop(state);
        if !was_granted {
            self.violated("was handed over although nothing could leave", submission);
        }
        if in_flight >= self.network.plan.window + SEGMENTS_MAX {
            self.violated(
                &format!("makes {in_flight} segments under way, in a window of {}", self.network.plan.window),
                submission,
            );
        }
        if !is_new {
            self.violated("was handed over twice under one lease and attempt", submission);
        }
        if submission.message.mode == Mode::Test {
            self.violated("was sent with a test key", submission);
        }
        let message = &submission.message;
        let submit = Submit {
            at: now,
            process: self.process,
            carrier: self.network.plan.name.clone(),
            id: message.id,
            account: message.account,
            originator: message.originator,
            segments: message.segments.max(1),
        };
        self.network.ledger.stir();
        let rival = self.rival();
        let mut facts = self.network.ledger.lock();
        facts.hand_over(message.id, submission.attempt, self.process);
        let blocked = facts.blocks.get(&message.recipient).and_then(|blocked| blocked.since);
        let of_opt_outs = self.against_opt_outs(&facts, message, now);
        facts.submits.push(submit);
        let has_stood_still = facts.cuts.iter().any(|(at, _)| *at + DEPARTURE_ON_SLOW_DISKS > now);
        let is_first = facts.flying.insert((self.process, message.id));
        drop(facts);
        if let Some(rival) = rival {
            self.violated(
                &format!("is handed over by {:?} although {rival:?} has the carrier", self.process),
                submission,
            );
        }
        if !is_first {
            self.violated("has two attempts under way at a time", submission);
        }
        if message.broadcast.is_some()
            && !has_stood_still
            && blocked.is_some_and(|since| since + self.network.departure < now)
        {
            self.violated("goes to a recipient who is blocked", submission);
        }
        if let Some(what) = of_opt_outs.filter(|_| !has_stood_still) {
            self.violated(what, submission);
        }
    }

    /// Another process that has the carrier, too, and has not stood still so that this one could take it over.
    fn rival(&self) -> Option<ProcessId> {
        let executor = &self.network.executor;
        let now = executor.now();
        let facts = self.network.ledger.lock();
        self.network.processes().into_iter().find(|other| {
            *other != self.process
                && executor.is_alive(*other)
                && !executor.is_still(*other)
                && !facts.went_on_just_now(*other, now)
        })
    }

    /// What is wrong about a message that leaves: its handset has opted out, and it neither confirms that nor answers a
    /// HELP; or it confirms a STOP and five minutes are over.
    fn against_opt_outs(&self, facts: &Facts, message: &Message, now: Duration) -> Option<&'static str> {
        let Message { account, mode, recipient, originator, .. } = *message;
        let departure = self.network.departure;
        match message.automatic {
            None | Some(KeywordKind::Start) => match facts.people.standing(account, mode, recipient, originator) {
                (Standing::Out(since), _) if since + departure < now => Some("goes to a handset that has opted out"),
                _ => None,
            },
            Some(KeywordKind::Stop) => {
                let asked = facts.people.asked.get(&(account, recipient, originator))?;
                let is_late = asked.last_stop + CONFIRMED_WITHIN + departure < now && !facts.people.clock_was_set;
                is_late.then_some("confirms a STOP of more than five minutes ago")
            }
            Some(KeywordKind::Help) => None,
        }
    }

    /// Resolves once nothing is unanswered.
    async fn all_answered(&self) {
        loop {
            let answered = self.answered.notified();
            if self.lock().in_flight == 0 {
                return;
            }
            answered.await;
        }
    }

    /// A message under way.
    async fn fly(self: Arc<Self>, submission: Submission) {
        let lacking: Vec<u16> = (1..=submission.message.segments.max(1))
            .filter(|number| submission.accepted_segments >> (number - 1) & 1 == 0)
            .collect();
        let count = lacking.len();
        let mut outcomes = Vec::new();
        let mut late = Vec::new();
        for number in lacking {
            // After a failure the segments behind it are not sent: part of a message is of no use.
            let has_failed = outcomes.iter().any(|(_, outcome)| !matches!(outcome, SegmentOutcome::Accepted { .. }));
            let outcome =
                if has_failed { SegmentOutcome::NotSent } else { self.send(&submission, number, &mut late).await };
            self.lock().in_flight -= 1;
            self.answered.notify_waiters();
            outcomes.push((number, outcome));
        }
        self.note_outcomes(&submission, &outcomes);
        self.network.ledger.lock().flying.remove(&(self.process, submission.message.id));
        if count > 0 {
            self.network.tell(&self.events, Event::Outcome(ended(&submission, outcomes)));
        }
        let session = *self.closed.borrow();
        for (after, number, id) in late {
            self.network.runtime.sleep(after).await;
            if *self.closed.borrow() != session {
                return;
            }
            self.network.executor.note(&format!("{}: answers late, as {id}", self.network.plan.name));
            self.network.tell(
                &self.events,
                Event::Outcome(ended(
                    &submission,
                    vec![(number, SegmentOutcome::Accepted { carrier_id: Some(id), remark: None })],
                )),
            );
        }
    }

    fn cannot_send(&self) -> bool {
        let state = self.lock();
        state.is_draining || matches!(state.session, Session::Elsewhere | Session::Begins(_))
    }

    /// One segment, from here to its answer.
    async fn send(
        &self,
        submission: &Submission,
        number: u16,
        late: &mut Vec<(Duration, u16, String)>,
    ) -> SegmentOutcome {
        let (network, within) = (&self.network, self.network.plan.answer_within);
        if network.down_for().is_some() || self.cannot_send() {
            return SegmentOutcome::NotSent;
        }
        let mut session = network.session.subscribe();
        let now_session = *session.borrow_and_update();
        let mut closed = self.closed.subscribe();
        closed.mark_unchanged();
        let fate = network.with_chance(|chance, weather| weather.fate(chance, within));
        let arrives = network.with_chance(|chance, _| chance.millis(0..10));
        let answered_after = match &fate {
            Fate::Taken { after } | Fate::Answered { after, .. } | Fate::Late { after } => (*after).max(arrives),
            Fate::Silent { .. } => within,
        };
        let travel = async {
            network.runtime.sleep(arrives).await;
            let is_taken = matches!(fate, Fate::Taken { .. } | Fate::Late { .. } | Fate::Silent { is_taken: true });
            let id = is_taken.then(|| network.take(self.process, submission, number, answered_after - arrives));
            network.runtime.sleep(answered_after.min(within) - arrives).await;
            id
        };
        let arrived = tokio::select! {
            biased;
            _ = session.wait_for(|session| *session != now_session) => {
                self.mark_unknown(submission, number);
                return SegmentOutcome::Unknown { why: "the connection broke" };
            }
            _ = closed.changed() => {
                self.mark_unknown(submission, number);
                return SegmentOutcome::Unknown { why: "the connection was closed" };
            }
            id = travel => id,
        };
        match (fate, arrived) {
            (Fate::Taken { .. }, id) => SegmentOutcome::Accepted { carrier_id: id, remark: None },
            (Fate::Answered { outcome, .. }, _) => {
                match &outcome {
                    SegmentOutcome::TryLater { .. } => {
                        network.rest(network.with_chance(|chance, _| chance.millis(1..1_500)));
                    }
                    SegmentOutcome::Refused { .. } => {
                        network.ledger.lock().refused.insert(submission.message.id);
                    }
                    _ => {}
                }
                outcome
            }
            (Fate::Late { after }, Some(id)) => {
                late.push((after.saturating_sub(within), number, id));
                self.mark_unknown(submission, number);
                SegmentOutcome::Unknown { why: "no answer in time" }
            }
            (Fate::Silent { .. } | Fate::Late { .. }, _) => {
                self.mark_unknown(submission, number);
                SegmentOutcome::Unknown { why: "no answer in time" }
            }
        }
    }

    /// The process hears that the outcome of the segment is unknown.
    fn mark_unknown(&self, submission: &Submission, number: u16) {
        if let Some(copies) = self.network.ledger.lock().taken.get_mut(&(submission.message.id, number)) {
            copies.iter_mut().filter(|copy| copy.process == self.process).for_each(|copy| copy.is_unknown = true);
        }
    }

    fn note_outcomes(&self, submission: &Submission, outcomes: &[(u16, SegmentOutcome)]) {
        if self.network.executor.is_traced() {
            let (carrier, id) = (&self.network.plan.name, submission.message.id);
            self.network
                .executor
                .note(&format!("{carrier}: attempt {} of {id} ends: {outcomes:?}", submission.attempt));
        }
    }
}

/// How a submission ended.
fn ended(submission: &Submission, segments: Vec<(u16, SegmentOutcome)>) -> carrier::SubmissionOutcome {
    carrier::SubmissionOutcome {
        message: Arc::clone(&submission.message),
        attempt: submission.attempt,
        token: submission.token,
        total: submission.message.segments.max(1),
        accepted_before: submission.accepted_segments,
        segments,
    }
}

/// The carrier as the pipeline has it.
pub(crate) struct Handle(pub(crate) Arc<Line>);

#[async_trait]
impl Carrier for Handle {
    fn name(&self) -> &str {
        &self.0.network.plan.name
    }

    async fn ready(&self) -> usize {
        let line = &self.0;
        loop {
            let (changed, answered) = (line.network.changed.notified(), line.answered.notified());
            match line.room() {
                Ok(room) => {
                    line.lock().granted = room;
                    line.network.ledger.has_room_for(line.process);
                    return room;
                }
                Err(until) => {
                    let until = async {
                        match until {
                            Some(until) => {
                                line.network.runtime.sleep(until.saturating_sub(line.network.executor.now())).await;
                            }
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        biased;
                        () = changed => {}
                        () = answered => {}
                        () = until => {}
                    }
                }
            }
        }
    }

    fn window(&self) -> usize {
        match self.0.network.look() {
            Look::Open { window } => window,
            Look::Until(_) | Look::Closed => self.0.network.plan.window,
        }
    }

    fn answers_within(&self) -> Duration {
        self.0.network.plan.answers_within()
    }

    fn submit(&self, submission: Submission) {
        let line = &self.0;
        let lacking = (1..=submission.message.segments.max(1))
            .filter(|number| submission.accepted_segments >> (number - 1) & 1 == 0)
            .count();
        if !line.network.executor.is_alive(line.process) {
            // The process died just before.
            return;
        }
        if submission.message.body.is_none() {
            line.network.ledger.violated(format!("{} is handed over without its text", submission.message.id));
        }
        line.begin(&submission, lacking);
        let flying = Arc::clone(line);
        line.network.runtime.spawn("flight", Box::pin(async move { flying.fly(submission).await }));
    }

    fn down_for(&self) -> Option<Duration> {
        let begins = match self.0.lock().session {
            Session::Begins(since) => Some(self.0.network.executor.now().saturating_sub(since)),
            _ => None,
        };
        begins.max(self.0.network.down_for())
    }

    fn stand(&self) {
        let line = &self.0;
        line.lock().session = Session::Begins(line.network.executor.now());
        let bind = Arc::clone(line).bind();
        drop(line.own.spawn("bind", Box::pin(bind)));
    }

    async fn rest(&self, limit: Duration) {
        let line = &self.0;
        line.lock().session = Session::Ends;
        // Unanswered segments are of unknown outcome.
        let _ = line.network.runtime.timeout(limit, line.all_answered()).await;
        line.lock().session = Session::Elsewhere;
        line.closed.send_modify(|closed| *closed += 1);
        line.network.part(line.process);
    }

    fn status(&self) -> CarrierStatus {
        CarrierStatus { state: "bound", ..CarrierStatus::default() }
    }

    async fn drain(&self, limit: Duration) {
        let line = &self.0;
        line.lock().is_draining = true;
        // Unanswered segments stay so until the process ends; the next process finds them interrupted.
        let _ = line.network.runtime.timeout(limit, line.all_answered()).await;
    }
}
