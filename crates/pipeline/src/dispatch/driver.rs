//! The driver of a dispatcher: performs what the machine decides, against the store, the carrier and the media, and
//! reports the results to it.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use model::MessageId;
use model::sampler::Line;
use runtime::Ticks;
use store::StoreError;
use tokio::sync::watch;

use super::machine::{Action, Carriers, Input, Report, Wait};
use super::{Dispatcher, Dispatchers, Place};
use crate::route::Standing;

/// How soon it is tried again to give leases back.
const RELEASE_AGAIN: Duration = Duration::from_secs(1);

impl Dispatcher {
    /// Dispatches until the process ends, except while the carrier is elsewhere or removed. Gives back what it holds at
    /// both ends.
    pub(crate) async fn run(&self, all: Dispatchers) {
        let mut ticks = self.runtime.ticks(self.settings.poll);
        loop {
            self.turn(&all, &mut ticks).await;
            if self.machine().is_over() && !self.goes_on().await {
                return;
            }
        }
    }

    /// Turns true when draining begins.
    pub(crate) fn stop_signal(&self) -> watch::Receiver<bool> {
        self.stop.clone()
    }

    /// What follows once everything was given back. `false` where the process ends.
    async fn goes_on(&self) -> bool {
        if self.stopped() {
            return false;
        }
        let (mut stop, mut place) = (self.stop.clone(), self.place.subscribe());
        tokio::select! {
            biased;
            () = told(&mut stop) => return false,
            // The sender is ours.
            _ = place.wait_for(|place| *place == Place::Here) => self.machine().resume(),
            // Messages that were on their way here when the carrier left are given back, too.
            () = self.wake.notified() => {}
        }
        true
    }

    /// Resolves when nothing more is to be sent: the process ends, or the carrier has left.
    async fn ended(&self) {
        let (mut stop, mut place) = (self.stop.clone(), self.place.subscribe());
        tokio::select! {
            () = told(&mut stop) => {}
            // The sender is ours.
            _ = place.wait_for(|place| *place != Place::Here) => {}
        }
    }

    /// One turn: a wait, and everything that follows from its end.
    pub(super) async fn turn(&self, all: &Dispatchers, ticks: &mut Ticks) {
        let begin = if self.stopped() || self.is_away() { Input::Stop } else { Input::Turn };
        let mut actions = VecDeque::from(self.on(begin));
        while let Some(action) = actions.pop_front() {
            if let Some(input) = self.perform(action, all, ticks).await {
                actions.extend(self.on(input));
            }
        }
    }

    async fn perform(&self, action: Action, all: &Dispatchers, ticks: &mut Ticks) -> Option<Input<'static>> {
        match action {
            Action::Lease(request) => Some(self.answer(self.store.lease_due(request).await, Input::Leased)),
            Action::Record(outcomes) => {
                Some(self.answer(self.store.record_outcomes(outcomes).await, |()| Input::Written))
            }
            Action::Begin(attempts, now) => {
                Some(self.answer(self.store.begin_attempts(attempts, now).await, Input::Begun))
            }
            Action::Read(wanted) => {
                tokio::select! {
                    biased;
                    () = self.ended() => Some(Input::Stop),
                    media = self.read_media(wanted) => Some(Input::Media(media)),
                }
            }
            Action::Wait(wait) => Some(self.wait(wait, all, ticks).await),
            Action::Submit(submissions) => {
                // Where the epoch is over, others have these messages, and take the attempts for ones of unknown
                // outcome. They must not leave twice.
                if self.node.lives().await {
                    submissions.into_iter().for_each(|submission| self.carrier.submit(submission));
                }
                None
            }
            Action::Release(held) => {
                self.release(held).await;
                None
            }
            Action::MadeRoom => {
                self.made_room.notify_one();
                None
            }
            Action::LookAt(carriers) => {
                carriers.iter().for_each(|carrier| all.look_at(carrier));
                None
            }
            Action::Report(report) => {
                self.report(&report);
                None
            }
        }
    }

    /// Gives leases back. Where the process goes on, others get these messages from nobody else, so that it is tried
    /// until the store takes it; the end of the process is the end of its leases.
    async fn release(&self, held: Vec<(MessageId, u64)>) {
        let mut stop = self.stop.clone();
        while let Err(error) = self.store.release(held.clone(), self.runtime.steady()).await {
            tracing::warn!(carrier.name = self.carrier.name(), %error, "The leases of messages to {} could not be \
                given back: {error}", self.carrier.name());
            if self.stopped() || !matches!(error, StoreError::Unavailable(_)) {
                return;
            }
            tokio::select! {
                biased;
                () = told(&mut stop) => {}
                () = self.runtime.sleep(RELEASE_AGAIN) => {}
            }
        }
    }

    /// What the machine hears of a call of the store.
    fn answer<T>(&self, called: Result<T, StoreError>, done: impl FnOnce(T) -> Input<'static>) -> Input<'static> {
        match called {
            Ok(result) => done(result),
            Err(error) => {
                tracing::warn!(carrier.name = self.carrier.name(), %error, "Dispatch to {} is waiting for the store: \
                    {error}", self.carrier.name());
                Input::Unavailable
            }
        }
    }

    async fn wait(&self, wait: Wait, all: &Dispatchers, ticks: &mut Ticks) -> Input<'static> {
        let awaited = async {
            match wait {
                Wait::Messages => self.wake.notified().await,
                Wait::Room => return self.room().await,
                Wait::Pace(until) => {
                    self.new_messages(until.since(self.runtime.steady()).max(Duration::from_millis(1))).await;
                }
                Wait::Store(time) => self.runtime.sleep(time).await,
            }
            Input::Woken
        };
        let tick = async {
            // There is no use in looking round while the store does not answer.
            if let Wait::Store(_) = wait { std::future::pending().await } else { ticks.tick().await }
        };
        tokio::select! {
            biased;
            () = self.ended() => Input::Stop,
            () = tick => Input::Tick(self.carriers(all)),
            input = awaited => input,
        }
    }

    /// Resolves when there are new messages, or after `time`.
    async fn new_messages(&self, time: Duration) {
        // Either end is the same to the machine.
        let _ = self.runtime.timeout(time, self.wake.notified()).await;
    }

    /// Waits until the carrier can send and not too much is under way.
    async fn room(&self) -> Input<'static> {
        let ready = self.carrier.ready().await;
        loop {
            let window = self.carrier.window();
            if self.machine().under_way().room(window) > 0 {
                return Input::Room { ready, window, answers_within: self.carrier.answers_within() };
            }
            self.recorded.notified().await;
        }
    }

    fn carriers(&self, all: &Dispatchers) -> Carriers {
        let up = if self.standing() == Standing::Down { all.up() } else { BTreeSet::new() };
        Carriers { down_for: self.carrier.down_for(), up }
    }

    fn report(&self, report: &Report) {
        match report {
            Report::Interrupted(count) => {
                tracing::warn!(
                    carrier.name = self.carrier.name(),
                    "{count} attempts began in a process that died: their outcome is unknown"
                );
            }
            Report::Unknown(count) => self.counters.unknown.add_many(*count as u64),
            Report::Diverted(count) => self.counters.diverted.add_many(*count as u64),
            Report::Lost(id, why) => {
                self.counters.media.lost.add();
                if let Some(Line { left_out }) = self.shelf.lost_lines.line(self.runtime.instant()) {
                    tracing::error!(message.id = %id, left_out, "A message cannot be sent: {why}");
                }
            }
            Report::Late(id, why) => {
                if let Some(Line { left_out }) = self.shelf.waiting_lines.line(self.runtime.instant()) {
                    tracing::warn!(message.id = %id, left_out, "A message waits for its media: {why}");
                }
            }
        }
    }
}

/// Resolves when this is so.
async fn told(what: &mut watch::Receiver<bool>) {
    // The sender lives as long as the pipeline.
    let _ = what.wait_for(|is_so| *is_so).await;
}
