//! The state of each session in one word, and since when, for the operator.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use wire::smpp::BindKind;

/// How one session looks.
#[derive(Debug)]
pub(crate) struct Look {
    kind: BindKind,
    state: Mutex<(&'static str, Instant)>,
}

impl Look {
    /// A session that is yet to connect.
    pub(crate) const fn new(kind: BindKind, now: Instant) -> Self {
        Self { kind, state: Mutex::new(("connecting", now)) }
    }

    /// What it binds as.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.kind {
            BindKind::Receiver => "receiver",
            BindKind::Transmitter => "transmitter",
            BindKind::Transceiver => "transceiver",
        }
    }

    /// Notes its state. The time is that of the first note of a state.
    pub(crate) fn set(&self, state: &'static str, now: Instant) {
        let mut noted = self.lock();
        if noted.0 != state {
            *noted = (state, now);
        }
    }

    /// Its state, and since when.
    pub(crate) fn get(&self) -> (&'static str, Instant) {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, (&'static str, Instant)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
