//! Messages of handsets on their way through a carrier, which brings them until it has our answer.

use std::time::Duration;

use carrier::ack::Answer;
use carrier::{Ack, Event, Inbound};
use tokio::sync::mpsc;

use crate::executor::ProcessId;
use crate::ledger::Brought;
use crate::network::Network;

/// How soon a carrier has the answer that has it in time.
const IN_TIME: Duration = Duration::from_secs(10);

impl Network {
    /// Brings a message, or a part of one, until it is taken.
    pub(crate) async fn bring(&self, inbound: &Inbound) -> Brought {
        let (mut copies, mut first_to) = (0, None);
        loop {
            if let Some((last_to, is_answered)) = self.offer(inbound, &mut copies, &mut first_to).await {
                return Brought { copies, first_to: first_to.unwrap_or(last_to), last_to, is_answered };
            }
            let again = self.with_chance(|chance, _| chance.millis(200..2_000));
            self.runtime.sleep(again).await;
        }
    }

    /// Brings it once. Returns which process took it and whether that one knows that the carrier has the answer; `None`
    /// where the carrier has no answer: it came too late, or the session or the process ended before.
    async fn offer(
        &self,
        inbound: &Inbound,
        copies: &mut usize,
        first_to: &mut Option<ProcessId>,
    ) -> Option<(ProcessId, bool)> {
        let (process, events) = self.connected()?;
        let mut session = self.session.subscribe();
        let this_session = *session.borrow_and_update();
        let (answers, mut answered) = mpsc::unbounded_channel();
        let ack = Ack::new(0, answers);
        let (id, sent) = (ack.id(), self.executor.now());
        *copies += 1;
        first_to.get_or_insert(process);
        self.tell(&events, Event::Inbound(Box::new(inbound.clone()), ack));
        // What tasks hold must not keep a process alive.
        drop(events);
        self.ledger.stir();
        let (patience, travel) = self.with_chance(|chance, _| (chance.millis(12_000..30_000), chance.millis(0..200)));
        let answer = async {
            match self.runtime.timeout(patience, answered.recv()).await {
                Ok(Some((_, Answer::Taken))) => {
                    self.runtime.sleep(travel).await;
                    // As a session judges it, which may stand still before it has written its answer.
                    Some(self.executor.now().saturating_sub(sent))
                }
                _ => None,
            }
        };
        let took = tokio::select! {
            biased;
            _ = session.wait_for(|session| *session != this_session) => None,
            took = answer => took,
        }?;
        let in_time = self.session_of(process).filter(|_| took <= IN_TIME);
        if let Some(events) = &in_time {
            self.tell(events, Event::Answered(id));
        }
        Some((process, in_time.is_some()))
    }
}
