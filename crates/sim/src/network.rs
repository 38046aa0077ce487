//! A carrier's side: an SMSC or MMSC that outlives the processes which send to it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use carrier::{Ack, CarrierEvent, Event, Events, Receipt, ReceiptState, Submission};
use model::{MessageId, ReceiptScope};
use runtime::Runtime;
use tokio::sync::{Notify, mpsc, watch};

use crate::chance::Chance;
use crate::executor::{Executor, ProcessId};
use crate::ledger::{Ledger, Piece, final_fate};
use crate::plan::{CarrierPlan, Mood};
use crate::weather::{Report, Weather};

/// An SMSC or MMSC.
pub struct Network {
    pub(crate) plan: CarrierPlan,
    pub(crate) executor: Executor,
    /// The world's runtime, not the process's: a segment on its way reaches the carrier although the process dies.
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) ledger: Arc<Ledger>,
    /// How long a message takes at most from the dispatcher's last look at its recipient to the carrier.
    pub(crate) departure: Duration,
    state: Mutex<State>,
    /// Notified when something changes that a sender may wait for.
    pub(crate) changed: Notify,
    /// Which session it is: each break begins another one.
    pub(crate) session: watch::Sender<u64>,
}

/// The last look is one commit away from the carrier.
const DEPARTURE: Duration = Duration::from_millis(200);

/// Likewise on a disk that is slow at times.
pub(crate) const DEPARTURE_ON_SLOW_DISKS: Duration = Duration::from_secs(8);

/// How long a carrier may take the session of a process that died for a living one.
const GHOST_MS: u64 = 6_000;

struct State {
    chance: Chance,
    weather: Weather,
    window: usize,
    down_since: Option<Duration>,
    quiet_until: Duration,
    /// The processes that are connected, and where each hears of events.
    sessions: BTreeMap<ProcessId, Events>,
    /// Until when it takes the session of a process that died for a living one.
    ghost_until: Duration,
    /// Reports that are not taken yet.
    pending: usize,
}

/// What a sender may do.
pub(crate) enum Look {
    Open { window: usize },
    Until(Duration),
    Closed,
}

impl Network {
    pub(crate) fn new(
        plan: CarrierPlan,
        mood: Mood,
        executor: Executor,
        runtime: Arc<dyn Runtime>,
        ledger: Arc<Ledger>,
        chance: Chance,
    ) -> Arc<Self> {
        let (window, weather) = (plan.window, plan.weather);
        let departure = if mood == Mood::Rough { DEPARTURE_ON_SLOW_DISKS } else { DEPARTURE };
        let state = State {
            chance,
            weather,
            window,
            down_since: None,
            quiet_until: Duration::ZERO,
            sessions: BTreeMap::new(),
            ghost_until: Duration::ZERO,
            pending: 0,
        };
        Arc::new(Self {
            plan,
            executor,
            runtime,
            ledger,
            departure,
            state: Mutex::new(state),
            changed: Notify::new(),
            session: watch::Sender::new(0),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process connects. `false` where the carrier has a session of another one and lets nobody have two.
    pub(crate) fn connect(&self, process: ProcessId, events: Events) -> bool {
        let now = self.executor.now();
        {
            let mut state = self.lock();
            // One that does not answer has lost its session.
            let is_other = |other: &ProcessId| *other != process && !self.executor.is_still(*other);
            let has_another = state.sessions.keys().any(is_other) || state.ghost_until > now;
            if self.plan.has_one_session && has_another {
                return false;
            }
            state.sessions.insert(process, events);
        }
        self.changed.notify_waiters();
        true
    }

    /// One of the processes that are connected, unless the sessions are broken.
    pub(crate) fn connected(&self) -> Option<(ProcessId, Events)> {
        let mut state = self.lock();
        let State { chance, sessions, down_since, .. } = &mut *state;
        let place = if sessions.len() > 1 { chance.below(sessions.len()) } else { 0 };
        sessions.iter().nth(place).filter(|_| down_since.is_none()).map(|(process, events)| (*process, events.clone()))
    }

    /// Where this process hears of events, while it is connected.
    pub(crate) fn session_of(&self, process: ProcessId) -> Option<Events> {
        let state = self.lock();
        state.sessions.get(&process).filter(|_| state.down_since.is_none()).cloned()
    }

    /// The processes that are connected, the broken session of a process included.
    pub(crate) fn processes(&self) -> Vec<ProcessId> {
        self.lock().sessions.keys().copied().collect()
    }

    /// Tells a process's pipeline, if it still listens.
    pub(crate) fn tell(&self, process: &Events, event: Event) {
        let _ = process.send(CarrierEvent { carrier: self.plan.name.as_str().into(), event });
    }

    /// The machine is gone, and every process with it.
    pub(crate) fn disconnect(&self) {
        let before = std::mem::take(&mut self.lock().sessions);
        drop(before);
    }

    /// A process has ended its session.
    pub(crate) fn part(&self, process: ProcessId) {
        let before = self.lock().sessions.remove(&process);
        drop(before);
        self.changed.notify_waiters();
    }

    /// A process is gone without a word, which the carrier takes a while to notice.
    pub(crate) fn lose(&self, process: ProcessId) {
        let now = self.executor.now();
        let before = {
            let mut state = self.lock();
            let before = state.sessions.remove(&process);
            if before.is_some() && self.plan.has_one_session {
                state.ghost_until = now + state.chance.millis(0..GHOST_MS);
            }
            before
        };
        drop(before);
    }

    /// From now on nothing goes wrong.
    pub(crate) fn heal(&self) {
        {
            let mut state = self.lock();
            (state.weather, state.window, state.down_since, state.quiet_until) =
                (Weather::fair(), self.plan.window, None, Duration::ZERO);
        }
        self.changed.notify_waiters();
    }

    /// How many reports wait to be taken.
    pub(crate) fn pending(&self) -> usize {
        self.lock().pending
    }

    pub(crate) fn look(&self) -> Look {
        let (now, state) = (self.executor.now(), self.lock());
        match state.down_since {
            Some(_) => Look::Closed,
            None if now < state.quiet_until => Look::Until(state.quiet_until),
            None => Look::Open { window: state.window },
        }
    }

    pub(crate) fn down_for(&self) -> Option<Duration> {
        let now = self.executor.now();
        self.lock().down_since.map(|since| now.saturating_sub(since))
    }

    pub(crate) fn with_chance<T>(&self, draw: impl FnOnce(&mut Chance, &Weather) -> T) -> T {
        let mut state = self.lock();
        let State { chance, weather, .. } = &mut *state;
        draw(chance, weather)
    }

    /// It asks to be spared for a while.
    pub(crate) fn rest(&self, time: Duration) {
        let until = self.executor.now() + time;
        self.lock().quiet_until = until;
    }

    /// What goes wrong by itself, second by second.
    pub(crate) async fn live(self: Arc<Self>) {
        loop {
            self.runtime.sleep(Duration::from_secs(1)).await;
            let (breaks, shrinks, strange, back_after) = self.with_chance(|chance, weather| {
                let rolled = [weather.breaks, weather.shrinks, weather.strange].map(|times| chance.permille(times));
                (rolled[0], rolled[1], rolled[2], chance.millis(10..15_000))
            });
            if breaks {
                self.break_off();
                self.runtime.sleep(back_after).await;
                self.lock().down_since = None;
                self.changed.notify_waiters();
            }
            if shrinks {
                let most = self.plan.window;
                let mut state = self.lock();
                state.window = 1 + state.chance.below(most);
                drop(state);
                self.changed.notify_waiters();
            }
            if strange {
                self.send_strange();
            }
        }
    }

    fn break_off(&self) {
        let now = self.executor.now();
        self.lock().down_since = Some(now);
        self.executor.note(&format!("{}: the session breaks", self.plan.name));
        self.session.send_modify(|session| *session += 1);
    }

    /// The carrier takes a segment. Returns its id.
    pub(crate) fn take(
        self: &Arc<Self>,
        from: ProcessId,
        submission: &Submission,
        segment: u16,
        answered_after: Duration,
    ) -> String {
        let id = self.with_chance(|chance, _| {
            let long = format!("{:016x}{:016x}", chance.number(), chance.number());
            // Letters in front, so that no reading of the id as another number finds another one.
            format!("a{}", &long[..self.plan.id_length - 1])
        });
        let message = submission.message.id;
        self.ledger.stir();
        let copy = Piece { carrier: self.plan.name.clone(), id: id.clone(), process: from, is_unknown: false };
        self.ledger.lock().take(submission, segment, copy);
        if self.executor.is_traced() {
            self.executor.note(&format!(
                "{}: has segment {segment} of {message}, attempt {}, as {id}",
                self.plan.name, submission.attempt
            ));
        }
        if let Some(report) = self.with_chance(|chance, weather| weather.report(chance, answered_after)) {
            let (network, id, recipient) =
                (Arc::clone(self), id.clone(), submission.message.recipient.digits().to_string());
            self.lock().pending += 1;
            self.runtime.spawn(
                "report",
                Box::pin(async move { network.report(message, segment, id, recipient, report).await }),
            );
        }
        id
    }

    async fn report(self: Arc<Self>, message: MessageId, segment: u16, id: String, recipient: String, report: Report) {
        self.runtime.sleep(report.after).await;
        let addresses = if self.plan.names_recipient { vec![recipient] } else { Vec::new() };
        // The first final report counts, whatever the carrier says afterwards.
        let fate = final_fate(report.state);
        if let Some(fate) = fate {
            self.ledger.lock().fates.entry((message, segment)).or_default().insert(fate);
        }
        if report.is_announced {
            self.deliver(&id, &addresses, ReceiptState::Enroute).await;
        }
        for _ in 0..report.times {
            self.deliver(&id, &addresses, report.state).await;
        }
        if let Some(other) = report.contradicted_by {
            self.deliver(&id, &addresses, other).await;
        }
        if let Some(fate) = fate {
            self.ledger.lock().reported.entry((message, segment)).or_default().insert(fate);
        }
        self.lock().pending -= 1;
    }

    /// Sends a receipt until it is taken.
    async fn deliver(&self, id: &str, addresses: &[String], state: ReceiptState) {
        loop {
            if let Some((_, process)) = self.connected() {
                let (answers, mut answered) = mpsc::unbounded_channel();
                let receipt = Receipt {
                    keys: vec![wire::receipt::id::canonical(id)],
                    addresses: addresses.to_vec(),
                    state,
                    error: None,
                    raw_id: id.to_owned(),
                    scope: if self.plan.is_mmsc { ReceiptScope::Message } else { ReceiptScope::Segment },
                    raw: model::unmatched::Raw::default(),
                };
                self.tell(&process, Event::Receipt(receipt, Ack::new(0, answers)));
                self.ledger.stir();
                drop(process);
                if let Ok(Some((_, carrier::ack::Answer::Taken))) =
                    self.runtime.timeout(Duration::from_secs(30), answered.recv()).await
                {
                    self.executor.note(&format!("{}: the receipt {id} {} is taken", self.plan.name, state.stat()));
                    return;
                }
            }
            let again = self.with_chance(|chance, _| chance.millis(300..3_000));
            self.runtime.sleep(again).await;
        }
    }

    fn send_strange(self: &Arc<Self>) {
        let (network, number) = (Arc::clone(self), self.with_chance(|chance, _| chance.number()));
        self.runtime.spawn(
            "strange",
            Box::pin(async move {
                let (id, address) = (format!("z{number:x}"), format!("1202{:07}", number % 10_000_000));
                network.deliver(&id, &[address], ReceiptState::Delivered).await;
            }),
        );
    }
}
