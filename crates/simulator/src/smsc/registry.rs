//! Who is bound, and where receipts and messages of handsets go: to any session of the system that receives, or into a
//! store until there is one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::inbound::Delivery;
use super::receipts::Report;
use crate::handsets::Place;

/// What is to be delivered.
#[derive(Clone, Debug)]
pub(crate) enum Offer {
    /// A report on a message.
    Report(Report),
    /// A part of a message of a handset.
    Inbound(Delivery),
}

impl Offer {
    /// The segment on the screen of a handset that it is about.
    pub(crate) const fn place(&self) -> Option<&Place> {
        match self {
            Self::Report(report) => report.place.as_ref(),
            Self::Inbound(part) => part.place.as_ref(),
        }
    }
}

/// What is kept for a system without a session that receives.
const WAITING_MAX: usize = 1_000_000;

/// The sessions that are bound, by `system_id`.
#[derive(Default)]
pub(crate) struct Registry(Mutex<Systems>);

#[derive(Default)]
struct Systems {
    by_id: HashMap<Vec<u8>, System>,
    /// For the first session that receives.
    unclaimed: VecDeque<Offer>,
    turn: usize,
}

#[derive(Default)]
struct System {
    sessions: usize,
    receivers: Vec<(u64, mpsc::UnboundedSender<Offer>)>,
    turn: usize,
    waiting: VecDeque<Offer>,
}

impl Registry {
    /// Adds a session; `false` when there would be too many. A receiver gets what waits.
    pub(crate) fn bind(
        &self,
        system_id: &[u8],
        number: u64,
        receiver: Option<mpsc::UnboundedSender<Offer>>,
        sessions_max: usize,
    ) -> bool {
        let mut systems = self.lock();
        if systems.by_id.values().map(|system| system.sessions).sum::<usize>() >= sessions_max {
            return false;
        }
        let Systems { by_id, unclaimed, .. } = &mut *systems;
        let system = by_id.entry(system_id.to_vec()).or_default();
        system.sessions += 1;
        if let Some(receiver) = receiver {
            for offer in system.waiting.drain(..).chain(unclaimed.drain(..)) {
                // The receiver's other end is the session that is binding.
                let _ = receiver.send(offer);
            }
            system.receivers.push((number, receiver));
        }
        true
    }

    /// Removes a session; `unsent` is what it was to deliver and was not taken.
    pub(crate) fn unbind(&self, system_id: &[u8], number: u64, unsent: Vec<Offer>) {
        let mut systems = self.lock();
        if let Some(system) = systems.by_id.get_mut(system_id) {
            system.sessions = system.sessions.saturating_sub(1);
            system.receivers.retain(|(receiver, _)| *receiver != number);
            unsent.into_iter().for_each(|offer| system.deliver(offer));
        }
    }

    /// Gives something to a receiver of the system, in turn.
    pub(crate) fn deliver(&self, system_id: &[u8], offer: Offer) {
        if let Some(system) = self.lock().by_id.get_mut(system_id) {
            system.deliver(offer);
        }
    }

    /// Whether a session receives.
    pub(crate) fn has_receiver(&self) -> bool {
        self.lock().by_id.values().any(|system| !system.receivers.is_empty())
    }

    /// Gives something to a receiver of any system, in turn; to the first that there will be where there is none.
    pub(crate) fn deliver_to_any(&self, offer: Offer) {
        let mut systems = self.lock();
        let Systems { by_id, unclaimed, turn } = &mut *systems;
        *turn = turn.wrapping_add(1);
        let mut receiving: Vec<(&Vec<u8>, &mut System)> =
            by_id.iter_mut().filter(|(_, system)| !system.receivers.is_empty()).collect();
        // No order of a hash map decides anything.
        receiving.sort_by_key(|(id, _)| *id);
        let count = receiving.len();
        match receiving.into_iter().nth(*turn % count.max(1)) {
            Some((_, system)) => system.deliver(offer),
            None if unclaimed.len() < WAITING_MAX => unclaimed.push_back(offer),
            None => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Systems> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl System {
    fn deliver(&mut self, offer: Offer) {
        let mut offer = Some(offer);
        for _ in 0..self.receivers.len() {
            self.turn = (self.turn + 1) % self.receivers.len();
            let Some(taken) = offer.take() else { return };
            match self.receivers[self.turn].1.send(taken) {
                Ok(()) => return,
                Err(mpsc::error::SendError(back)) => offer = Some(back),
            }
        }
        if let Some(offer) = offer.filter(|_| self.waiting.len() < WAITING_MAX) {
            self.waiting.push_back(offer);
        }
    }
}
