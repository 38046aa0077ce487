//! Who is bound, and where receipts go: to any session of the same system that receives, or into a store until there is
//! one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::receipts::Report;

/// Reports kept for a system that has nobody to receive them.
const WAITING_MAX: usize = 1_000_000;

/// The sessions that are bound, by `system_id`.
#[derive(Default)]
pub(crate) struct Registry(Mutex<HashMap<Vec<u8>, System>>);

#[derive(Default)]
struct System {
    sessions: usize,
    receivers: Vec<(u64, mpsc::UnboundedSender<Report>)>,
    turn: usize,
    waiting: VecDeque<Report>,
}

impl Registry {
    /// Adds a session; `false` when there would be too many. A receiver gets what waits.
    pub(crate) fn bind(
        &self,
        system_id: &[u8],
        number: u64,
        receiver: Option<mpsc::UnboundedSender<Report>>,
        sessions_max: usize,
    ) -> bool {
        let mut systems = self.lock();
        if systems.values().map(|system| system.sessions).sum::<usize>() >= sessions_max {
            return false;
        }
        let system = systems.entry(system_id.to_vec()).or_default();
        system.sessions += 1;
        if let Some(receiver) = receiver {
            for report in system.waiting.drain(..) {
                // The receiver's other end is the session that is binding.
                let _ = receiver.send(report);
            }
            system.receivers.push((number, receiver));
        }
        true
    }

    /// Removes a session; `unsent` are its reports that were not taken.
    pub(crate) fn unbind(&self, system_id: &[u8], number: u64, unsent: Vec<Report>) {
        let mut systems = self.lock();
        if let Some(system) = systems.get_mut(system_id) {
            system.sessions = system.sessions.saturating_sub(1);
            system.receivers.retain(|(receiver, _)| *receiver != number);
            unsent.into_iter().for_each(|report| system.deliver(report));
        }
    }

    /// Gives a report to a receiver of the system, in turn.
    pub(crate) fn deliver(&self, system_id: &[u8], report: Report) {
        if let Some(system) = self.lock().get_mut(system_id) {
            system.deliver(report);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Vec<u8>, System>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl System {
    fn deliver(&mut self, report: Report) {
        let mut report = Some(report);
        for _ in 0..self.receivers.len() {
            self.turn = (self.turn + 1) % self.receivers.len();
            let Some(taken) = report.take() else { return };
            match self.receivers[self.turn].1.send(taken) {
                Ok(()) => return,
                Err(mpsc::error::SendError(back)) => report = Some(back),
            }
        }
        if let Some(report) = report.filter(|_| self.waiting.len() < WAITING_MAX) {
            self.waiting.push_back(report);
        }
    }
}
