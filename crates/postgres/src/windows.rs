//! Rate windows, counted over all nodes: a row for each, which one statement counts up as far as the limit allows.
//! Where there is a Valkey, that counts, and the rows are for the time when it does not answer.

mod counting;
mod seen;
mod valkey;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use model::Timestamp;
use model::limits::Standing;

use self::counting::Take;
pub(super) use self::valkey::Fast;
use super::Postgres;
use super::batch::{Answers, Batch, Group};
use super::core::{Core, SharedClock};
use crate::valkey::Count;
use ledger::StoreError;
use ledger::contract::windows::{Taken, Window, Windows};

/// How often a process removes windows that are over.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

#[async_trait]
impl Windows for Postgres {
    async fn take(&self, window: Window, limit: u32, now: Timestamp) -> Result<Taken, StoreError> {
        let take = Take { window, limit, now: callers(&self.core, now), known: Count::default() };
        let slowly = |take| self.takes.0.call(take, 1);
        match &self.fast {
            Some(fast) => fast.take(take, now, slowly).await,
            None => slowly(take).await,
        }
    }

    async fn standing(&self, window: Window, limit: u32, now: Timestamp) -> Result<Standing, StoreError> {
        let look = Take { window, limit, now: callers(&self.core, now), known: Count::default() };
        let slowly = |look| self.core.read(look, |unit, look| Box::pin(counting::standing(unit, *look)));
        match &self.fast {
            Some(fast) => fast.standing(look, now, slowly).await,
            None => slowly(look).await,
        }
    }

    fn fallbacks(&self) -> u64 {
        self.fast.as_ref().map_or(0, |fast| fast.valkey.fallbacks())
    }
}

/// The present moment, where it goes by the caller's clock and not by the database's.
fn callers(core: &Core, now: Timestamp) -> Option<Timestamp> {
    match core.clock {
        SharedClock::Callers => Some(now),
        SharedClock::Database => None,
    }
}

/// Takes, which share transactions.
pub(super) struct Takes(Batch<Take, Taken>);

impl Takes {
    pub(super) fn start(core: &Arc<Core>) -> Self {
        let (shared, swept_at) = (Arc::clone(core), Arc::new(Mutex::new(core.runtime.instant())));
        let commit = move |takes| -> Group<_> { Box::pin(commit(Arc::clone(&shared), Arc::clone(&swept_at), takes)) };
        Self(Batch::start(Arc::clone(&core.runtime), commit))
    }

    /// Takes no more calls, and finishes those that wait.
    pub(super) async fn close(&self) {
        self.0.close().await;
    }
}

async fn commit(core: Arc<Core>, swept_at: Arc<Mutex<Instant>>, takes: Vec<Arc<Take>>) -> Answers<Taken> {
    let takes: Vec<Take> = takes.iter().map(|take| **take).collect();
    let sweeps = is_due(&swept_at, core.runtime.instant());
    core.write_group(takes.len(), (takes, sweeps), |unit, (takes, sweeps)| {
        Box::pin(async move {
            let taken = counting::take_all(unit, takes).await?;
            if *sweeps {
                counting::remove_over(unit, takes.first().and_then(|take| take.now)).await?;
            }
            Ok(taken.into_iter().map(Ok).collect())
        })
    })
    .await
}

/// Whether windows are to be removed now.
fn is_due(swept_at: &Mutex<Instant>, now: Instant) -> bool {
    let mut swept_at = swept_at.lock().unwrap_or_else(PoisonError::into_inner);
    let is_due = now.duration_since(*swept_at) >= SWEEP_EVERY;
    if is_due {
        *swept_at = now;
    }
    is_due
}
